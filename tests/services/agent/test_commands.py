"""A command is a turn without a model: the same calls, questions, records and recovery, and one sentence at its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.bus import Incoming
from openassistant.context import new_id
from openassistant.messages import AuditAction, Call, CallState, CommandCall, Effect, History
from services.agent.commands import sentence
from services.agent.conversations import StoredCall
from tests.sdk.hand import tools
from tests.services.agent.house import AgentHouse, agent_house, says


def read(house: AgentHouse, **arguments: Any) -> CommandCall:
    return CommandCall(connector="hand", tool="notes_read", account=house.fake.account.account, arguments=arguments)


def letter(house: AgentHouse) -> CommandCall:
    return CommandCall(
        connector="hand", tool="letters_send", account=house.fake.account.account, arguments={"to": "carol@example.org"}
    )


async def test_a_command_runs_its_calls_without_a_model_and_ends(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        turn = await house.run(read(house, limit=1), read(house, limit=2))
        history = await house.settled()
        said, proposal, closing = history.messages
        assert (said.text, proposal.text, closing.text) == ("/find lease", "", "2 services answered.")
        assert [call.arguments for call in proposal.calls] == [{"limit": 1}, {"limit": 2}]
        assert {call.state for call in proposal.calls} == {CallState.DONE}
        assert {call.account for call in proposal.calls} == {house.fake.account.account}
        assert proposal.calls[0].result["content"]["text"] == "1 notes"
        assert house.model.asked == []
        assert house.ended == [turn]


async def test_a_command_is_recorded_before_it_runs_like_any_call(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        await house.run(read(house))
        history = await house.settled()
        [started] = [record for record in house.fake.records if record.action is AuditAction.TOOL_STARTED]
        assert started.id == history.messages[1].calls[0].id


async def test_every_message_of_a_command_names_it_and_what_was_filled_in(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        await house.run(read(house))
        history = await house.settled()
        notes = [message.command for message in history.messages]
        assert [(note.name, note.fields) for note in notes if note] == [("find", {"text": "lease"})] * 3
        [shown] = [event["value"] for event in house.events() if event.get("name") == "oa.message"]
        assert shown["command"] == {"name": "find", "fields": {"text": "lease"}}


async def test_the_events_of_a_command_are_those_of_an_answer(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        await house.run(read(house))
        await house.settled()
        types = [event["type"] for event in house.events() if event["type"] != "CUSTOM"]
        assert types == [
            "RUN_STARTED",
            *("TEXT_MESSAGE_START", "TEXT_MESSAGE_END"),
            *("TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT"),
            *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END"),
            "RUN_FINISHED",
        ]


async def test_who_has_seen_the_last_event_is_not_told_that_it_still_runs(tmp_path: Path) -> None:
    seen: asyncio.Queue[History] = asyncio.Queue()

    async def ask(event: Incoming) -> None:
        if json.loads(event.data)["type"] == "RUN_FINISHED":
            seen.put_nowait(await house.history())

    async with agent_house(tmp_path) as house:
        await house.fake.bus.transport.subscribe(subjects.chat(house.fake.user, house.conversation), "", ask)
        await house.run(read(house))
        history = await asyncio.wait_for(seen.get(), 10)
        assert (history.last_event_id, history.conversation.state) == (house.event_ids()[-1], "idle")


async def test_a_typed_command_does_not_clear_an_approval(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        turn = await house.run(letter(house), text="/mail carol@example.org")
        await house.settled("waiting")
        assert tools.DONE == []
        await house.decide(turn, house.asked[0])
        history = await house.settled()
        assert [house.asked[0].id] == tools.DONE
        assert history.messages[-1].text == "Done."


async def test_a_command_that_was_denied_says_that_it_was_not_done(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        turn = await house.run(letter(house))
        await house.settled("waiting")
        await house.decide(turn, house.asked[0], approved=False)
        history = await house.settled()
        assert tools.DONE == []
        assert history.messages[-1].text == "Not done."


async def test_a_command_goes_on_after_a_crash_and_acts_once(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        turn = await house.run(letter(house))
        await house.settled("waiting")
        await house.stop()
        await house.start()
        await house.settled("waiting")
        await house.decide(turn, house.asked[0])
        history = await house.settled()
        assert [house.asked[0].id] == tools.DONE
        assert [message.text for message in history.messages] == ["/find lease", "", "Done."]


async def test_a_read_that_was_under_way_in_a_crash_is_made_again_and_not_doubled(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        await house.run(read(house))
        await house.stop()
        await house.start()
        history = await house.settled()
        assert [len(message.calls) for message in history.messages] == [0, 1, 0]
        assert history.messages[1].calls[0].state is CallState.DONE


async def test_a_connector_that_is_away_is_named_while_the_others_answer(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        away = CommandCall(connector="shelf", tool="books_find", arguments={"query": "lease"})
        await house.run(read(house), away)
        history = await house.settled()
        lost = history.messages[1].calls[1]
        assert (lost.connector, lost.state) == ("shelf", CallState.FAILED)
        assert history.messages[-1].text == "The service answered; shelf did not answer."


async def test_a_call_to_an_account_that_the_turn_does_not_have_is_not_made(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        await house.run(CommandCall(connector="hand", tool="notes_read", account=new_id()))
        history = await house.settled()
        assert history.messages[1].calls[0].state is CallState.FAILED
        assert not [record for record in house.fake.records if record.action is AuditAction.TOOL_STARTED]


async def test_a_command_is_run_again_as_a_command(tmp_path: Path) -> None:
    async with agent_house(tmp_path) as house:
        await house.run(read(house))
        await house.settled()
        await house.say("/find lease", retry=True)
        async with asyncio.timeout(5):
            while len((history := await house.settled()).messages) < 3 or len(history.messages[1].versions) < 2:
                await asyncio.sleep(0.02)
        assert [message.role for message in history.messages] == ["user", "assistant", "assistant"]
        assert house.model.asked == []


async def test_a_model_that_is_asked_later_reads_what_the_command_found(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("Three notes.")) as house:
        await house.run(read(house))
        await house.settled()
        await house.say("How many?")
        await house.settled()
        [asked] = house.model.asked
        assert [message["role"] for message in asked[1:]] == ["user", "assistant", "tool", "assistant", "user"]
        assert asked[3]["content"].startswith("<outside from=")


def ended(content: Any = None, *, code: str = "", effect: Effect = Effect.READ, account: str = "") -> StoredCall:
    call = Call(
        id=new_id(), nonce=new_id(), user=new_id(), account=account or None, connector="mail", card_digest="",
        tool="messages_search", arguments={},
    )  # fmt: skip
    state = CallState.FAILED if code else CallState.DONE
    outcome = {"error": {"code": code, "message": ""}} if code else {"content": content}
    return StoredCall(
        id=call.id, turn="", message="", name="", given="", call=call, state=state, outcome=outcome, effect=effect
    )


HOME, WORK = "a" * 32, "b" * 32
NAMES = {HOME: "ada@home.example", WORK: "Calendar"}


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([ended({"messages": [{}, {}]}), ended({"events": [{}], "note": ""})], "3 results from 2 services."),
        ([ended({"messages": [{}]})], "1 result."),
        ([ended([])], "Nothing found."),
        ([ended([]), ended({"events": []})], "Nothing found in 2 services."),
        (
            [ended([{}]), ended(code="unavailable", account=WORK)],
            "1 result; Calendar did not answer.",
        ),
        (
            [ended(code="deadline_exceeded", account=WORK), ended(code="unavailable", account=HOME)],
            "Calendar and ada@home.example did not answer.",
        ),
        ([ended(code="invalid_request", account=WORK)], "Calendar could not do this."),
        ([ended("text"), ended({"a": [{}], "b": []})], "2 services answered."),
        ([ended("sent", effect=Effect.SEND)], "Done."),
        ([ended(code="invalid_request", effect=Effect.SEND)], "Not done."),
    ],
)
def test_one_plain_sentence_says_how_it_ended(calls: list[StoredCall], said: str) -> None:
    assert sentence(calls, NAMES) == said


def test_an_outcome_that_nobody_knows_is_said_to_be_unknown() -> None:
    lost = ended("", effect=Effect.SEND).model_copy(update={"state": CallState.UNKNOWN})
    assert sentence([lost], NAMES) == "The service did not answer, so it is not known whether it was done."
