"""Each tool gets along with the permissions that its capability asks Microsoft for, and with no other."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.outlook_mail.tools import connector
from openassistant.errors import Forbidden
from tests.connectors.outlook_mail.conftest import ADA, CAROL, Desk

_OAUTH = connector.manifest.auth.oauth2
assert _OAUTH is not None
SCOPES = {name: set(capability.scopes) for name, capability in _OAUTH.capabilities.items()}


@pytest.fixture
async def ready(read: Desk) -> Desk:
    """The mailbox with what each tool needs to have been read."""
    message = await read.mail("Minutes")
    await read.house.call("messages_get", message=message)
    await read.house.call("attachments_list", message=message)
    return read


async def use(desk: Desk, tool: str) -> None:
    message, lease = await desk.mail("Minutes"), await desk.mail("Lease")
    scopes = desk.graph.user(ADA).scopes
    desk.graph.user(ADA).scopes = {*scopes, "Mail.ReadWrite"}
    draft = (await desk.house.call("drafts_create", to=[CAROL], subject="Tea", text="At four?"))["draft"]
    desk.graph.user(ADA).scopes = scopes
    given: dict[str, dict[str, Any]] = {
        "attachments_list": {"message": message},
        "attachments_read": {"message": message, "attachment": "1"},
        "auto_replies_set": {"on": True, "text": "Away."},
        "changes_list": {"since": "2037-10-20"},
        "drafts_create": {"to": [CAROL], "subject": "Tea", "text": "At four?", "answers": lease},
        "drafts_delete": {"draft": draft},
        "drafts_read": {"draft": draft},
        "drafts_send": {"draft": draft},
        "drafts_update": {"draft": draft, "text": "At five?"},
        "messages_archive": {"messages": [lease]},
        "messages_flag": {"messages": [lease], "read": True},
        "messages_forward": {"message": message, "to": [CAROL]},
        "messages_get": {"message": lease},
        "messages_junk": {"messages": [lease]},
        "messages_move": {"messages": [lease], "folder": "Projects"},
        "messages_reply": {"message": lease, "text": "Yes."},
        "messages_reply_all": {"message": lease, "text": "Yes."},
        "messages_search": {"query": "lease"},
        "messages_send": {"to": [CAROL], "subject": "Tea", "text": "At four?"},
        "messages_trash": {"messages": [lease]},
        "threads_read": {"message": lease},
    }
    await desk.house.call(tool, **given.get(tool, {}))


@pytest.mark.parametrize("tool", sorted(set(connector.tools) - {"actions_undo"}))
async def test_a_tool_gets_along_with_what_its_capability_asks_for(ready: Desk, tool: str) -> None:
    ready.graph.user(ADA).scopes = SCOPES[connector.tools[tool].capability]
    before = len(ready.graph.asked)
    await use(ready, tool)
    asked = ready.graph.asked[before:]
    assert asked
    assert {each.method for each in asked} <= {"GET", "POST", "PATCH", "DELETE"}


@pytest.mark.parametrize("tool", ["messages_send", "drafts_create", "messages_archive", "auto_replies_set"])
async def test_without_the_permission_a_tool_says_which_step_is_missing(ready: Desk, tool: str) -> None:
    ready.graph.user(ADA).scopes = {"Mail.Read"}
    with pytest.raises(Forbidden, match="Connect it again with that permission"):
        await use(ready, tool)
    assert ready.box.sent == []
