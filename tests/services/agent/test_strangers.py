"""A conversation is its owner's alone, also while it is live in the agent's memory."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, Forbidden, NotFound
from openassistant.messages import (
    CallSettled,
    CallState,
    Decision,
    Done,
    History,
    TurnAccepted,
    TurnRequest,
)
from tests.services.agent.house import AgentHouse, agent_house, calls, says

ASKED: dict[str, tuple[Any, type[Any]]] = {
    "turn": (TurnRequest(text="Mine now"), TurnAccepted),
    "decide": (Decision(approval_id=new_id(), call_id=new_id(), approved=False), Done),
    "settle": (CallSettled(call_id=new_id(), state="done", outcome={}), Done),
    "cancel": (Done(), Done),
    "history": (Done(), History),
    "delete": (Done(), Done),
}


async def ask(house: AgentHouse, verb: str, *, user: str, grant: str | None, turn: str) -> None:
    body, reply = ASKED[verb]
    ctx = CallContext.within(5, user=user).signed(grant=grant)
    ctx = ctx.model_copy(update={"turn": turn, "conversation": house.conversation})
    await house.gateway.request(subjects.agent(verb), body, reply, ctx)


async def waits(house: AgentHouse, event: str) -> None:
    async with asyncio.timeout(5):
        while event not in {each["type"] for each in house.events()}:
            await asyncio.sleep(0.01)


def marks(house: AgentHouse) -> list[str]:
    """What happened in the conversation, but the words that still come."""
    return [each["type"] for each in house.events() if each["type"] != "TEXT_MESSAGE_CONTENT"]


@pytest.mark.parametrize("verb", ASKED)
async def test_a_stranger_reaches_no_conversation_that_is_being_answered(tmp_path: Path, verb: str) -> None:
    async with agent_house(tmp_path, says("I was saying", then_hangs=True)) as house:
        turn = await house.say("Tell me")
        await waits(house, "TEXT_MESSAGE_CONTENT")
        before, stranger = marks(house), new_id()
        own = house.fake.grant(user=stranger, turn=turn, conversation=house.conversation)
        with pytest.raises((NotFound, Forbidden)):
            await ask(house, verb, user=stranger, grant=own, turn=turn)
        for grant in (own, None):
            with pytest.raises(Forbidden):
                await ask(house, verb, user=house.fake.user, grant=grant, turn=turn)
        history = await house.history()
        assert history.conversation.state == "running"
        assert [each.role for each in history.messages] == ["user", "assistant"]
        assert marks(house) == before
        assert house.agent.turns.is_running(turn)


@pytest.mark.parametrize("verb", ASKED)
async def test_a_stranger_reaches_nothing_that_waits_for_its_owner(tmp_path: Path, verb: str) -> None:
    asking = calls(("letters_send", {"to": "carol@example.org"}))
    async with agent_house(tmp_path, asking, says("It was sent.")) as house:
        turn = await house.say("Tell Carol")
        await house.settled("waiting")
        stranger = new_id()
        own = house.fake.grant(user=stranger, turn=turn, conversation=house.conversation)
        with pytest.raises((NotFound, Forbidden, Conflict)) as refused:
            await ask(house, verb, user=stranger, grant=own, turn=turn)
        assert "Carol" not in str(refused.value)
        [waiting] = (await house.history()).messages[-1].calls
        assert waiting.state is CallState.WAITING
        await house.decide(turn, house.asked[0])
        assert (await house.settled()).messages[-1].text.strip() == "It was sent."
