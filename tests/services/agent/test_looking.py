"""A look is one call that only reads: granted for it, written down first, and kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Forbidden, NotFound, Unavailable
from openassistant.messages import (
    AccountRef,
    AuditAction,
    CommandCall,
    ConversationList,
    ConversationQuery,
    LookRequest,
    ToolResult,
    TurnAccepted,
    TurnRequest,
)
from tests.sdk.hand import tools
from tests.services.agent.house import AgentHouse, agent_house


def look_grant(house: AgentHouse, tool: str, **changes: Any) -> str:
    named = {"turn": new_id(), "conversation": None, "origin": "look", "tools": (f"hand.{tool}",)}
    return house.fake.grant(**{**named, **changes})


async def look(
    house: AgentHouse, tool: str, *, grant: str | None = None, account: str | None = None, **arguments: Any
) -> ToolResult:
    ours = house.fake.account
    call = CommandCall(connector="hand", tool=tool, account=account or ours.account, arguments=arguments)
    ref = AccountRef(id=ours.account, connector="hand", name=ours.name)
    ctx = CallContext.within(20, user=house.fake.user).signed(grant=grant or look_grant(house, tool))
    return await house.gateway.request(subjects.agent("look"), LookRequest(call=call, accounts=(ref,)), ToolResult, ctx)


def started(house: AgentHouse) -> list[str]:
    return [str(each.tool) for each in house.fake.records if each.action is AuditAction.TOOL_STARTED]


async def test_a_look_is_written_down_answered_and_kept_nowhere(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        before = await house.request("conversations", ConversationQuery(), ConversationList)
        found = await look(house, "notes_read", limit=1)
        assert found.content["text"] == "1 notes"
        assert started(house) == ["notes_read"]
        assert await house.request("conversations", ConversationQuery(), ConversationList) == before
        assert (await house.history()).messages == ()
        assert house.model.asked == []


async def test_what_acts_is_no_look_whatever_the_grant_says(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        for tool, arguments in (("letters_send", {"to": "carol@example.org"}), ("hours_ask", {"aloud": True})):
            with pytest.raises(Forbidden, match="does not only read"):
                await look(house, tool, **arguments)
        assert (started(house), tools.DONE, house.asked) == ([], [], [])


async def test_the_grant_of_a_turn_opens_no_look_and_that_of_a_look_no_turn(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        for grant in (house.grant(new_id()), look_grant(house, "notes_read", kind="session", origin="session")):
            with pytest.raises(Forbidden, match="signed for it"):
                await look(house, "notes_read", grant=grant, limit=1)
        grant = look_grant(house, "notes_read")
        ctx = CallContext.within(20, user=house.fake.user).signed(grant=grant)
        with pytest.raises(Forbidden, match="grant of a turn"):
            await house.gateway.request(subjects.agent("turn"), TurnRequest(text="Hello"), TurnAccepted, ctx)
        assert started(house) == []


async def test_a_look_reads_with_the_granted_tool_and_account_alone(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        with pytest.raises(Forbidden, match="does not cover this tool"):
            await look(house, "notes_read", grant=look_grant(house, "notes_list"), limit=1)
        with pytest.raises(NotFound, match="not connected"):
            await look(house, "notes_read", account=new_id(), limit=1)
        with pytest.raises(Unavailable, match="not running"):
            await look(house, "notes_burnt")
        assert started(house) == []


class _FullDisk(list[Any]):
    def append(self, value: Any) -> None:
        raise Unavailable("The witness is away.")


async def test_a_look_that_cannot_be_written_down_is_not_made(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        house.fake.records = _FullDisk()
        with pytest.raises(Unavailable, match="witness"):
            await look(house, "notes_read", limit=1)
