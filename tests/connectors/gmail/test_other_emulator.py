"""The same at another emulator, whose drafts keep their ids, whose mails keep theirs, and whose history is full."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.connectors.gmail.conftest import ADA, CAROL, ME, Desk
from tests.peers.emulate import Emulate, EmulatedGmail
from tests.peers.front import Passed
from tests.peers.myworld import World

pytestmark = pytest.mark.slow

SEED: dict[str, Any] = {
    "users": [{"email": ADA, "name": "Ada"}],
    "messages": [
        {"id": "aaaa1111", "thread_id": "aaaa1111", "user_email": ADA, "from": f"Carol <{CAROL}>", "to": ADA,
         "subject": "The lease", "body_text": "Will you sign?", "label_ids": ["INBOX", "UNREAD"],
         "date": "2026-11-19T10:00:00Z"},
    ],
}  # fmt: skip


@pytest.fixture
def front() -> Iterator[EmulatedGmail]:
    with Emulate("google", SEED) as emulator, EmulatedGmail(emulator.url, ADA) as front:
        yield front


@pytest.fixture
async def other(
    front: EmulatedGmail, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Ada's mailbox there, read once."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    made = Desk(world, front, tmp_path / "data")  # type: ignore[arg-type]
    async with made.house:
        await made.sync()
        yield made


def ask(front: EmulatedGmail, path: str) -> dict[str, Any]:
    headers = {"Authorization": "Bearer obviously-fake-token"}
    answer = httpx.get(f"{front.url}{ME}/{path}", headers=headers, trust_env=False, timeout=10)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def test_mail_is_read(other: Desk) -> None:
    thread = await other.house.call("threads_read", message="aaaa1111")
    assert [each["text"]["text"] for each in thread["messages"]] == ["Will you sign?"]


async def test_a_draft_is_changed_where_it_lies_and_sent_once(other: Desk, front: EmulatedGmail) -> None:
    made = await other.house.call("drafts_create", to=[CAROL], subject="Friday", text="I sign.", answers="aaaa1111")
    changed = await other.house.call("drafts_update", draft=made["draft"], text="I sign on Friday.")
    assert changed == made
    sent = await other.house.call("drafts_send", draft=made["draft"])
    assert [each["id"] for each in ask(front, "messages?labelIds=SENT")["messages"]] == [sent["message"]]
    assert ask(front, f"messages/{sent['message']}")["threadId"] == "aaaa1111"


async def test_a_mail_whose_answer_was_lost_is_found(other: Desk, front: EmulatedGmail) -> None:
    lost = iter([True])

    def losing(passed: Passed) -> Passed:
        if passed.path.endswith("/drafts/send") and next(lost, False):
            return replace(passed, status=504, answered=b"<html>", headers={})
        return passed

    front.change = losing
    sent = await other.house.call("messages_send", to=[CAROL], bcc=["bob@away.example"], subject="Friday", text="Yes.")
    assert sent["recipients"] == [CAROL, "bob@away.example"]
    assert [each["id"] for each in ask(front, "messages?labelIds=SENT")["messages"]] == [sent["message"]]


async def test_its_history_is_followed(other: Desk) -> None:
    await other.house.call("messages_send", to=[CAROL], subject="Friday", text="Yes.")
    await other.house.call("messages_flag", messages=["aaaa1111"], starred=True)
    await other.sync()
    shown = await other.house.preview("messages_send", to=[CAROL], subject="Again", text="Yes.")
    assert shown.destinations[0].note is not None
    assert shown.destinations[0].note.startswith("You wrote to this address once")
    assert (await other.found())["The lease"]["flagged"] is True
