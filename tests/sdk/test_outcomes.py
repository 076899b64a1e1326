"""Of what nobody can tell a person may say it, once and signed; nothing is ever done again by that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from openassistant import journal, subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, NotFound, Unavailable
from openassistant.grants import SigningKey, Word
from openassistant.messages import AuditAction, Call, Done, ToolResult
from openassistant.outcomes import UNDO_WITHIN, Settled, Settlement, ToldCalls
from openassistant.testing import FakeHouse
from tests.sdk.hand import tools
from tests.sdk.hand.tools import PLACES, connector
from tests.sdk.test_runner import until


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[FakeHouse]:
    tools.DONE.clear()
    PLACES.clear()
    fake = FakeHouse(connector, folder=tmp_path)
    fake.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
    async with fake:
        yield fake


async def in_doubt(house: FakeHouse, how: str = "silent") -> Call:
    """A letter of which nobody can tell whether it went out."""
    call = house.make("letters_send", to="carol@example.org", how=how)
    with pytest.raises(DeadlineExceeded):
        await house.send(call)
    return call


def word(house: FakeHouse, call: str, says: str, **changes: Any) -> str:
    plain = {"id": new_id(), "user": house.user, "call_id": call, "says": says, "session": new_id()}
    expires = house.clock() + timedelta(minutes=2)
    return house.gateway.sign(Word.model_validate({**plain, "expires": expires, **changes}))


async def ask(house: FakeHouse, verb: str, body: Any, reply: type[Any]) -> Any:
    ctx = CallContext.within(30, now=house.clock(), user=house.user).signed(grant=house.account_grant())
    return await house.agent.request(subjects.journal(connector.id, verb), body, reply, ctx)


async def settle(house: FakeHouse, call: Call, says: str) -> Settled:
    settled: Settled = await ask(house, "settle", Settlement(call=call.id, word=word(house, call.id, says)), Settled)
    return settled


async def listed(house: FakeHouse, verb: str = "open") -> list[str]:
    return [each.call.id for each in (await ask(house, verb, Done(), ToldCalls)).calls]


async def test_a_call_in_doubt_is_listed_with_what_it_said_it_would_do(house: FakeHouse) -> None:
    shown = await house.preview("letters_send", to="carol@example.org", how="silent")
    call = house.make("letters_send", to="carol@example.org", how="silent")
    with pytest.raises(DeadlineExceeded):
        await house.send(call, house.context(call, approval=house.approval(call, preview_digest=shown.digest())))
    await house.call("letters_send", to="carol@example.org")
    found = (await ask(house, "open", Done(), ToldCalls)).calls
    assert [(each.call.id, each.shown.verb) for each in found] == [(call.id, "Send a letter")]


async def test_looking_again_finds_what_the_provider_knows_by_now(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await in_doubt(house)
    assert (await settle(house, call, "look")).state == "unknown"

    async def found(ctx: Any, wanted: Call) -> Any:
        assert (await ctx.credentials()).secrets["password"]
        return ToolResult(content="found")

    monkeypatch.setattr(connector.tools["letters_send"], "reconciler", found)
    settled = await settle(house, call, "look")
    assert (settled.state, settled.by_person, settled.result and settled.result.content) == ("done", False, "found")
    assert await listed(house) == []
    await until(lambda: house.records[-1].action is AuditAction.TOOL_FINISHED)
    assert [call.id] == tools.DONE


@pytest.mark.parametrize("says", ["done", "not_done"])
async def test_a_persons_word_ends_it_and_the_call_is_never_made_again(house: FakeHouse, says: str) -> None:
    call = await in_doubt(house)
    settled = await settle(house, call, says)
    assert (settled.state, settled.by_person) == ("done" if says == "done" else "failed", True)
    assert await listed(house) == []
    for _ in range(2):
        answered = await house.send(call) if says == "done" else None
        if answered is None:
            with pytest.raises(Unavailable, match="owner says"):
                await house.send(call)
    assert [call.id] == tools.DONE


async def test_the_first_word_stands(house: FakeHouse) -> None:
    call = await in_doubt(house)
    await settle(house, call, "not_done")
    assert (await settle(house, call, "done")).state == "failed"


async def test_no_word_changes_what_the_provider_has_confirmed(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    await house.send(call)
    settled = await settle(house, call, "not_done")
    assert (settled.state, settled.by_person) == ("done", False)


FORGERIES = ("of another call", "of another user", "expired", "by another key", "an approval", "none")


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_word_that_is_not_its_owners_settles_nothing(house: FakeHouse, forgery: str) -> None:
    call = await in_doubt(house)
    made = {
        "of another call": word(house, new_id(), "done"),
        "of another user": word(house, call.id, "done", user=new_id()),
        "expired": word(house, call.id, "done", expires=house.clock() - timedelta(seconds=1)),
        "an approval": house.approval(call),
        "none": "",
    }
    real, house.gateway = house.gateway, SigningKey.generate()
    made["by another key"] = word(house, call.id, "done")
    house.gateway = real
    with pytest.raises(Forbidden):
        await ask(house, "settle", Settlement(call=call.id, word=made[forgery]), Settled)
    assert await listed(house) == [call.id]


async def test_another_users_grant_neither_lists_nor_settles(house: FakeHouse) -> None:
    call = await in_doubt(house)
    given, house.user = word(house, call.id, "done"), new_id()
    assert await listed(house) == []
    with pytest.raises(Forbidden):
        await ask(house, "settle", Settlement(call=call.id, word=given), Settled)


async def test_a_word_is_no_leave_to_act(house: FakeHouse) -> None:
    call = house.make("letters_send", to="carol@example.org")
    with pytest.raises(Forbidden):
        await house.send(call, house.context(call, approval=word(house, call.id, "done")))
    assert tools.DONE == []


async def test_a_call_that_never_came_is_not_there(house: FakeHouse) -> None:
    with pytest.raises(NotFound):
        await settle(house, house.make("letters_send", to="carol@example.org"), "look")


async def test_what_a_dead_instance_began_is_in_doubt_and_what_a_living_one_works_on_is_not(house: FakeHouse) -> None:
    left, working = (house.make("letters_send", to="carol@example.org", how="silent") for _ in range(2))
    await house.runner.keys.unlock(house.user, house.grant())
    async with house.runner.stores.use(house.user) as store:
        await journal.begin(store, left, holder="f" * 32, now=house.clock())
        await journal.begin(store, working, holder=house.runner.instance, now=house.clock())
    running: Any = house.runner._running
    running[working.id, "digest"] = None
    assert await listed(house) == [left.id]
    with pytest.raises(Unavailable, match="under way"):
        await settle(house, working, "not_done")
    running.clear()
    assert (await settle(house, left, "not_done")).state == "failed"
    with pytest.raises(Unavailable, match="owner says"):
        await house.send(left)
    assert tools.DONE == []


async def test_what_is_done_by_word_alone_cannot_be_taken_back_by_itself(house: FakeHouse) -> None:
    call = house.make("things_move", thing="the lamp", to="the cellar")
    await house.runner.keys.unlock(house.user, house.grant())
    async with house.runner.stores.use(house.user) as store:
        await journal.begin(store, call, holder="f" * 32, now=house.clock())
    await settle(house, call, "done")
    assert await listed(house, "undoable") == []
    with pytest.raises(Conflict, match="not known"):
        await house.call("actions_undo", action=call.id)


async def test_what_can_be_taken_back_is_listed_newest_first_until_it_is_or_its_time_is_over(
    house: FakeHouse,
) -> None:
    lamp, chair, sent = (
        house.make("things_move", thing=thing, to=to)
        for thing, to in (("lamp", "cellar"), ("chair", "attic"), ("rug", "the neighbours"))
    )
    for each in (lamp, chair, sent):
        await house.send(each)
    assert await listed(house, "undoable") == [chair.id, lamp.id]
    await house.call("actions_undo", action=chair.id)
    assert await listed(house, "undoable") == [lamp.id]
    now = house.clock()
    house.runner.clock = lambda: now + UNDO_WITHIN + timedelta(minutes=1)
    house.clock = house.runner.clock
    assert await listed(house, "undoable") == []
