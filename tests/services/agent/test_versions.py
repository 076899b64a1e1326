"""Versions of a conversation: what is said anew stands beside what was said, and each way is gone on with by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openassistant.errors import Conflict, NotFound
from openassistant.grants import Scope
from openassistant.messages import (
    Apart,
    CallState,
    Conversation,
    Done,
    History,
    Message,
    TurnIds,
    VersionChoice,
)
from openassistant.shelf import Change, Found, Search
from services.agent.model import Delta
from tests.services.agent.house import AgentHouse, agent_house, calls, says
from tests.services.agent.test_moving import exported, given, pieces

LETTER = calls(("letters_send", {"to": "carol@example.org"}))


def texts(history: History) -> list[str]:
    return [message.text.strip() for message in history.messages]


async def told(house: AgentHouse, text: str, **how: Any) -> History:
    """The history after something was said and answered."""
    await house.say(text, **how)
    return await house.settled()


async def show(house: AgentHouse, message: Message) -> History:
    await house.request("show", VersionChoice(message=message.id), Done)
    return await house.history()


async def apart(house: AgentHouse, *turns: str) -> dict[str, str]:
    found: Apart = await house.request("apart", TurnIds(turns=turns), Apart)
    return found.messages


async def test_a_message_that_is_changed_begins_a_version_that_knows_nothing_of_the_other(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("One."), says("Two."), says("Three."), says("Four.")) as house:
        await told(house, "Find the lease")
        before = await told(house, "And the flat?")
        after = await told(house, "Find the loan", anew=before.messages[0].id)
        assert texts(after) == ["Find the loan", "Three."]
        assert after.messages[0].versions == (before.messages[0].id, after.messages[0].id)
        assert [message.versions for message in before.messages] == [()] * 4
        assert "lease" not in json.dumps(house.model.asked[2][1:])  # the first is the system's
        assert (await told(house, "And the house?")).messages[-1].text.strip() == "Four."
        assert [each["content"] for each in house.model.asked[3][1:]] == ["Find the loan", "Three. ", "And the house?"]


async def test_whoever_comes_back_to_a_version_finds_it_as_he_left_it(tmp_path: Path) -> None:
    async with agent_house(tmp_path, *[says(f"Answer {number}.") for number in range(6)]) as house:
        first = await told(house, "A")
        await told(house, "B")
        again = await told(house, "B", retry=True)
        assert texts(again) == ["A", "Answer 0.", "B", "Answer 2."]
        older = next(each for each in again.messages[3].versions if each != again.messages[3].id)
        await show(house, again.messages[3].model_copy(update={"id": older}))
        await told(house, "C", anew=first.messages[0].id)
        assert texts(await show(house, first.messages[0])) == ["A", "Answer 0.", "B", "Answer 1."]
        assert texts(await show(house, again.messages[3])) == ["A", "Answer 0.", "B", "Answer 2."]
        assert [event["name"] for event in house.events() if event.get("name") == "oa.version"] == ["oa.version"] * 5


async def test_an_earlier_answer_is_written_again_from_what_stood_before_it(tmp_path: Path) -> None:
    async with agent_house(tmp_path, *[says(f"Answer {number}.") for number in range(3)]) as house:
        first = await told(house, "A")
        await told(house, "B")
        after = await told(house, "A", retry=True, anew=first.messages[0].id)
        assert texts(after) == ["A", "Answer 2."]
        assert [each["role"] for each in house.model.asked[2][1:]] == ["user"]


async def test_nothing_is_changed_while_an_answer_is_written(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("One."), says("Two", then_hangs=True)) as house:
        first = await told(house, "A")
        await house.say("B")
        with pytest.raises(Conflict):
            await house.say("C", anew=first.messages[0].id)
        with pytest.raises(Conflict):
            await show(house, first.messages[0])
        await house.request("cancel", Done(), Done)
        assert texts(await house.settled())[:3] == ["A", "One.", "B"]


async def test_an_answer_that_was_stopped_before_a_word_leaves_the_one_that_was_there(tmp_path: Path) -> None:
    async def silent(messages: list[dict[str, Any]]) -> AsyncIterator[Delta]:
        await asyncio.sleep(3600)
        yield Delta(text="never")

    async with agent_house(tmp_path, says("One."), silent) as house:
        await told(house, "A")
        await house.say("A", retry=True)
        assert texts(await house.history()) in (["A"], ["A", ""])
        await house.request("cancel", Done(), Done)
        history = await house.settled()
        assert (texts(history), history.messages[1].versions) == (["A", "One."], ())


async def test_only_a_message_of_ones_own_is_changed_and_no_command(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("One.")) as house:
        history = await told(house, "A")
        for unknown in (history.messages[1].id, "f" * 32):
            with pytest.raises(NotFound):
                await house.say("B", anew=unknown)
        await house.run()
        command = (await house.settled()).messages[2]
        with pytest.raises(Conflict):
            await house.say("B", anew=command.id)
        with pytest.raises(NotFound):
            await show(house, history.messages[0].model_copy(update={"id": "e" * 32}))
        assert len((await house.settled()).messages) >= 3


async def test_what_waits_in_another_version_stays_to_be_decided_and_is_then_done_there(tmp_path: Path) -> None:
    async with agent_house(tmp_path, LETTER, says("Hello."), says("Sent.")) as house:
        parked = await house.say("Write to Carol")
        before = await house.settled("waiting")
        [call] = before.messages[1].calls
        after = await told(house, "Just greet me", anew=before.messages[0].id)
        assert (texts(after), after.conversation.state) == (["Just greet me", "Hello."], "idle")
        assert await apart(house, parked, after.messages[0].turn) == {parked: before.messages[1].id}
        asked = len(house.events())
        await house.decide(parked, house.asked[0], approval=str(call.approval_id))
        async with asyncio.timeout(5):
            while not house.ended or parked not in house.ended:
                await asyncio.sleep(0.02)
        assert texts(await house.settled()) == ["Just greet me", "Hello."]
        kinds = [event["type"] for event in house.events()[asked:]]
        assert "RUN_STARTED" in kinds
        assert not [kind for kind in kinds if kind.startswith(("TEXT", "TOOL_CALL_START"))]
        done = await show(house, before.messages[0])
        assert texts(done) == ["Write to Carol", "", "Sent."]
        assert done.messages[1].calls[0].state is CallState.DONE


async def test_writing_on_withdraws_what_waits_in_this_version_alone(tmp_path: Path) -> None:
    async with agent_house(tmp_path, LETTER, LETTER, says("Well.")) as house:
        first = await house.say("Write to Carol")
        before = await house.settled("waiting")
        second = await house.say("Write to Carol again", anew=before.messages[0].id)
        await house.settled("waiting")
        await told(house, "Never mind")
        assert second in house.ended
        assert first not in house.ended
        history = await show(house, before.messages[0])
        assert (history.conversation.state, history.messages[1].calls[0].state.value) == ("waiting", "waiting")


async def test_one_turn_works_at_a_time_also_where_another_version_goes_on(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    async def slow(messages: list[dict[str, Any]]) -> AsyncIterator[Delta]:
        yield Delta(text="Slowly")
        await goes_on.wait()
        yield Delta(finished="stop")

    async with agent_house(tmp_path, LETTER, slow, says("Sent.")) as house:
        parked = await house.say("Write to Carol")
        before = await house.settled("waiting")
        await house.say("Think", anew=before.messages[0].id)
        async with asyncio.timeout(5):
            while texts(await house.history()) != ["Think", "Slowly"]:
                await asyncio.sleep(0.02)
        approval = str(before.messages[1].calls[0].approval_id)
        await house.decide(parked, house.asked[0], approval=approval)
        await asyncio.sleep(0.1)
        assert len(house.model.asked) == 2
        assert texts(await house.history()) == ["Think", "Slowly"]
        goes_on.set()
        async with asyncio.timeout(5):
            while parked not in house.ended:
                await asyncio.sleep(0.02)
        assert texts(await house.settled()) == ["Think", "Slowly"]
        assert texts(await show(house, before.messages[0]))[-1] == "Sent."


async def test_a_turn_of_another_version_goes_on_there_after_a_crash(tmp_path: Path) -> None:
    async with agent_house(tmp_path, LETTER, says("Hello."), says("Sent.")) as house:
        parked = await house.say("Write to Carol")
        before = await house.settled("waiting")
        await told(house, "Just greet me", anew=before.messages[0].id)
        await house.stop()
        await house.start()
        assert texts(await house.settled()) == ["Just greet me", "Hello."]
        await house.decide(parked, house.asked[0], approval=str(before.messages[1].calls[0].approval_id))
        async with asyncio.timeout(10):
            while parked not in house.ended:
                await asyncio.sleep(0.02)
        assert texts(await house.settled()) == ["Just greet me", "Hello."]
        assert texts(await show(house, before.messages[0]))[-1] == "Sent."


async def test_an_archive_holds_all_versions_and_the_text_the_one_that_is_shown(tmp_path: Path) -> None:
    script = [says(f"Answer {number}.") for number in range(4)]
    async with agent_house(tmp_path / "a", *script) as house:
        first = await told(house, "A")
        await told(house, "B", anew=first.messages[0].id)
        await told(house, "B", retry=True)
        shown = await told(house, "C")
        left, id_ = await exported(house), house.conversation
    document = json.loads(left[f"conversations/{id_}.json"])
    assert (document["format"], len(document["messages"])) == (2, 7)
    text = left[f"conversations/{id_}.md"].decode()
    assert "Answer 2." in text
    assert "Answer 0." not in text
    assert "Answer 1." not in text
    async with agent_house(tmp_path / "b", says("Five.")) as other:
        assert (await given(other, *pieces(left))).taken == 1
        came = await exported(other)
        assert {path: came[path] for path in left} == left
        other.conversation = id_
        assert texts(await other.history()) == texts(shown)
        assert texts(await show(other, first.messages[0])) == ["A", "Answer 0."]
        await told(other, "D")
        asked = json.dumps(other.model.asked[0])
        assert "Answer 0." in asked
        assert "Answer 2." not in asked


@pytest.mark.parametrize(
    "change",
    [
        {"parent": "f" * 32},
        {"parent": "own"},
    ],
)
async def test_a_message_that_follows_none_before_it_is_not_taken_in(tmp_path: Path, change: dict[str, str]) -> None:
    async with agent_house(tmp_path / "a", says("One."), says("Two.")) as house:
        first = await told(house, "A")
        await told(house, "B", anew=first.messages[0].id)
        left, id_ = await exported(house), house.conversation
    document = json.loads(left[f"conversations/{id_}.json"])
    own = document["messages"][0]["id"]
    document["messages"][0] |= {name: own if value == "own" else value for name, value in change.items()}
    async with agent_house(tmp_path / "b") as other:
        found = await given(other, *pieces({f"conversations/{id_}.json": json.dumps(document).encode()}))
        assert (found.taken, len(found.refused)) == (0, 1)


async def test_what_follows_a_turn_that_is_erased_stays_and_something_is_shown(tmp_path: Path) -> None:
    async with agent_house(tmp_path, *[says(f"Answer {number}.") for number in range(4)]) as house:
        await told(house, "A")
        middle = await told(house, "B")
        later = await told(house, "C")
        last = await told(house, "D", anew=middle.messages[2].id)
        assert texts(last) == ["A", "Answer 0.", "D", "Answer 3."]
        scope = Scope(
            conversation=house.conversation, since=middle.messages[2].created, until=later.messages[4].created
        )
        await house.agent.forget(house.fake.user, scope, dry=False)
        left = await house.history()
        assert texts(left) == ["A", "Answer 0.", "D", "Answer 3."]
        assert left.messages[2].versions == (later.messages[4].id, last.messages[2].id)
        assert texts(await show(house, later.messages[4])) == ["A", "Answer 0.", "C", "Answer 2."]


async def test_a_title_of_the_first_words_follows_them_and_one_of_its_owner_stays(tmp_path: Path) -> None:
    async with agent_house(tmp_path, *[says(f"Answer {number}.") for number in range(3)]) as house:
        first = await told(house, "Find the lease")
        assert (await told(house, "Find the loan", anew=first.messages[0].id)).conversation.title == "Find the loan"
        assert (await show(house, first.messages[0])).conversation.title == "Find the lease"
        await house.request("change", Change(title="Mine"), Conversation)
        assert (await told(house, "Find the flat", anew=first.messages[0].id)).conversation.title == "Mine"
        named: Conversation = await house.request("change", Change(title=""), Conversation)
        assert named.title == "Find the flat"


async def test_what_was_said_in_any_version_is_found(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("One."), says("Two.")) as house:
        first = await told(house, "Find the lease")
        await told(house, "Find the loan", anew=first.messages[0].id)
        found: Found = await house.request("search", Search(words="lease"), Found)
        assert [hit.message for hit in found.hits] == [first.messages[0].id]
