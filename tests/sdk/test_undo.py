"""What was done is taken back once, by a call of its own; what reached others is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openassistant.context import new_id
from openassistant.errors import Conflict, DeadlineExceeded, InvalidRequest, NotFound
from openassistant.messages import Call, Effect
from openassistant.testing import FakeHouse
from tests.sdk.hand import tools
from tests.sdk.hand.tools import PLACES, connector


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[FakeHouse]:
    tools.DONE.clear()
    PLACES.clear()
    fake = FakeHouse(connector, folder=tmp_path)
    fake.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
    async with fake:
        yield fake


async def moved(house: FakeHouse, thing: str = "the lamp", to: str = "the cellar") -> Call:
    call = house.make("things_move", thing=thing, to=to)
    await house.send(call)
    return call


async def test_a_done_call_is_taken_back_by_its_id(house: FakeHouse) -> None:
    first, _ = await moved(house), await moved(house, "the chair")
    undone = await house.call("actions_undo", action=first.id)
    assert undone == {"action": first.id, "tool": "things_move"}
    assert PLACES == {"the lamp": "the shelf", "the chair": "the cellar"}


async def test_without_an_id_the_newest_is_taken_back_and_then_the_one_before(house: FakeHouse) -> None:
    await moved(house, to="the cellar")
    await moved(house, to="the attic")
    await house.call("actions_undo")
    assert PLACES == {"the lamp": "the cellar"}
    await house.call("actions_undo")
    assert PLACES == {"the lamp": "the shelf"}
    with pytest.raises(NotFound):
        await house.call("actions_undo")


async def test_nothing_is_taken_back_twice(house: FakeHouse) -> None:
    call = await moved(house)
    undo = house.make("actions_undo", action=call.id)
    answers = [await house.send(undo) for _ in range(3)]
    PLACES["the lamp"] = "the garden"
    assert {str(answer.content) for answer in answers} == {str(answers[0].content)}
    with pytest.raises(Conflict, match="already"):
        await house.call("actions_undo", action=call.id)
    assert PLACES == {"the lamp": "the garden"}


async def test_the_card_says_what_was_shown_when_it_was_done(house: FakeHouse) -> None:
    call = await moved(house)
    shown = await house.preview("actions_undo", action=call.id)
    assert (shown.verb, shown.confirm, shown.effect) == ("Take back: Move the lamp", "Take back", Effect.WRITE)
    assert [(field.label, field.value) for field in shown.fields][:2] == [("From", "the shelf"), ("To", "the cellar")]


async def test_what_reached_others_is_not_taken_back(house: FakeHouse) -> None:
    call = await moved(house, to="the neighbours")
    with pytest.raises(Conflict, match="other people"):
        await house.call("actions_undo", action=call.id)


async def test_what_has_no_undo_or_was_not_done_is_said_so(house: FakeHouse) -> None:
    sent = house.make("letters_send", to="carol@example.org")
    await house.send(sent)
    with pytest.raises(Conflict, match="cannot be taken back"):
        await house.call("actions_undo", action=sent.id)
    failed = house.make("things_move", thing="the lamp", to="nowhere")
    with pytest.raises(InvalidRequest):
        await house.send(failed)
    with pytest.raises(Conflict, match="not done"):
        await house.call("actions_undo", action=failed.id)
    with pytest.raises(NotFound):
        await house.call("actions_undo", action=new_id())


async def test_another_accounts_action_is_not_there(house: FakeHouse) -> None:
    call = await moved(house)
    house.account = house.account.model_copy(update={"account": new_id()})
    with pytest.raises(NotFound):
        await house.call("actions_undo", action=call.id)


async def test_an_undo_that_certainly_failed_may_be_tried_again(house: FakeHouse) -> None:
    call = await moved(house, to="lost")
    with pytest.raises(InvalidRequest):
        await house.call("actions_undo", action=call.id)
    PLACES["the lamp"] = "the cellar"
    await house.call("actions_undo", action=call.id)
    assert PLACES == {"the lamp": "the shelf"}


async def test_an_undo_without_an_answer_is_unknown_and_not_tried_again(house: FakeHouse) -> None:
    call = await moved(house, to="fog")
    with pytest.raises(DeadlineExceeded, match="may have happened"):
        await house.call("actions_undo", action=call.id)
    with pytest.raises(Conflict, match="already"):
        await house.call("actions_undo", action=call.id)


async def test_a_call_asked_for_again_is_answered_though_its_preview_would_differ_now(house: FakeHouse) -> None:
    call = house.make("things_move", thing="the lamp", to="the cellar")
    shown = await house.preview("things_move", **call.arguments)
    approved = house.approval(call, preview_digest=shown.digest())
    first = await house.send(call, house.context(call, approval=approved))
    again = await house.send(call, house.context(call, approval=approved))
    assert first.content == again.content == "the shelf"
