"""What the connector sends, held against the schemas that others made of Microsoft's own description of Graph."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import Any

import pytest

from tests.connectors.outlook_mail.conftest import CAROL, DAVE, Desk
from tests.peers.nodes import MODULES, node
from tests.peers.process import MissingPeerError

pytestmark = pytest.mark.slow

_SCRIPT = MODULES.parents[1] / "scripts" / "graph_bodies.mjs"
_PACKAGE = MODULES / "@softeria" / "ms-365-mcp-server"

_LEFT_OUT = {"body.isRead is not known"}
"""What the package cuts off the description of a mail; O365, by others too, marks mails as read by it."""


def held(requests: list[dict[str, Any]]) -> list[list[str | None]]:
    """For each request the endpoint that it fits, and what is wrong with it."""
    if not _PACKAGE.is_dir():
        raise MissingPeerError("@softeria/ms-365-mcp-server is not installed: make peers")
    ran = subprocess.run(
        node(_SCRIPT, str(_PACKAGE)),
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[list[str | None]] = json.loads(ran.stdout)
    return found


async def used(read: Desk) -> list[dict[str, Any]]:
    """What was sent with a body after each tool was used."""
    call, lease, minutes = read.house.call, await read.mail("Lease"), await read.mail("Minutes")
    await call("messages_send", to=[f"Carol <{CAROL}>"], cc=[DAVE], bcc=[DAVE], subject="Tea", text="At four?\nAda")
    await call("messages_reply", message=lease, text="Yes.")
    await call("messages_reply_all", message=minutes, text="Yes.")
    await call("messages_get", message=minutes)
    await call("attachments_list", message=minutes)
    await call("messages_forward", message=minutes, to=[CAROL], text="See below.")
    await call("messages_forward", message=minutes, to=[CAROL], attachments=False)
    draft = (await call("drafts_create", to=[CAROL], subject="Coffee", text="At five?", answers=lease))["draft"]
    await call("drafts_update", draft=draft, to=[DAVE], cc=[], bcc=[CAROL], subject="Tea", text="At six?")
    await call("drafts_send", draft=draft)
    gone = (await call("drafts_create", to=[CAROL], subject="Coffee", text="At five?"))["draft"]
    await call("drafts_delete", draft=gone)
    await call("messages_flag", messages=[lease], read=True, starred=True, categories=["Red category"])
    await call("messages_archive", messages=[lease])
    await call("messages_trash", messages=[lease])
    times = {"start": "2037-12-24", "end": "2037-12-27"}
    await call("auto_replies_set", on=True, text="Away.", audience="contacts", **times)
    await call("auto_replies_set", on=False)
    sent = [each for each in read.graph.asked if each.method in ("POST", "PATCH") and each.content]
    return [{"method": each.method, "path": each.path, "body": each.json} for each in sent]


async def test_every_body_is_one_that_microsofts_description_knows(read: Desk) -> None:
    requests = await used(read)
    found = await asyncio.to_thread(held, requests)
    assert [each for each in found if set(each[1:]) - _LEFT_OUT] == []
    known = {each[0] for each in found}
    assert known == {
        "create-draft-email", "create-forward-draft", "create-reply-draft", "move-mail-message", "update-mail-message",
        "update-mailbox-settings",
    }  # fmt: skip


async def test_what_the_description_does_not_know_is_found() -> None:
    odd = [{"method": "PATCH", "path": "/me/messages/1", "body": {"title": "Tea", "isRead": "yes"}}]
    [found] = await asyncio.to_thread(held, odd)
    assert found[0] == "update-mail-message"
    assert len(found) == 3
