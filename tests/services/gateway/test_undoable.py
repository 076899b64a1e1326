"""What can be taken back: what is held goes at once, what was done by a call of its own, and only one's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.errors import NotFound
from openassistant.messages import Done
from openassistant.outcomes import UNDO_WITHIN, ToldCall, ToldCalls
from services.gateway.ledger import Ledger
from services.gateway.outcomes import Outcomes
from services.gateway.preferences import Preferences
from services.gateway.problems import ScopeMissing
from services.gateway.undoable import Undoables
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.test_holds import approved
from tests.services.gateway.test_outcomes import Chats


class Talks(Chats):
    """Chats whose conversations are gone, and that make new ones."""

    async def history(self, *_: Any) -> Any:
        raise NotFound("That conversation does not exist.")

    async def create(self, *_: Any, **__: Any) -> Any:
        return type("Made", (), {"id": "e" * 32})


class Taking:
    """A house whose connector has done what it has done."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house, self.chats, self.done = house, Talks(), list[ToldCall]()
        bus = house.bus.room("gateway")
        ledger = Ledger(bus, house.grants, Preferences(house.store))
        outcomes = Outcomes(bus, house.connectors, ledger, house.grants, self.chats)  # type: ignore[arg-type]  # takes turns down
        self.undoables = Undoables(house.approvals, outcomes, self.chats, ledger)  # type: ignore[arg-type]  # as above

    async def serve(self) -> None:
        await self.house.bus.room("post").serve(subjects.journal("post", "undoable"), Done, self._on_undoable)

    async def _on_undoable(self, ctx: CallContext, _: Done) -> ToldCalls:
        user = self.house.trust.grant(ctx.grant, now=self.house.time).user
        return ToldCalls(calls=tuple(each for each in self.done if each.call.user == user))

    def did(self) -> ToldCall:
        call = self.house.call("drafts_create", text="Friday")
        self.done.append(ToldCall(call=call, started=self.house.time, shown=self.house.preview))
        self.house.later(timedelta(minutes=1))
        return self.done[-1]


@pytest.fixture
async def taking(tmp_path: Path) -> AsyncIterator[Taking]:
    house = GatewayHouse(tmp_path)
    house.hold = timedelta(seconds=90)
    async with house:
        made = Taking(house)
        await made.serve()
        yield made


async def test_what_is_held_stands_before_what_was_done_newest_first(taking: Taking) -> None:
    older, newer = taking.did(), taking.did()
    _, sent, view = await approved(taking.house)
    found = await taking.undoables.listing(taking.house.me)
    assert [(each.kind, each.call_id) for each in found] == [
        ("held", sent.id), ("done", newer.call.id), ("done", older.call.id),
    ]  # fmt: skip
    assert [each.until for each in found] == [view.held_until, newer.started + UNDO_WITHIN, older.started + UNDO_WITHIN]


async def test_what_is_held_is_taken_back_at_once_and_once_its_time_is_over_not_at_all(taking: Taking) -> None:
    _, sent, view = await approved(taking.house)
    undoing = await taking.undoables.take_back(taking.house.me, sent.id)
    assert (undoing.taken_back, undoing.turn) == (True, None)
    assert (await taking.house.approvals.view(taking.house.me, view.id)).state == "denied"
    assert await taking.undoables.listing(taking.house.me) == []
    _, late, _ = await approved(taking.house)
    taking.house.later(timedelta(seconds=91))
    await taking.house.approvals.sweep()
    with pytest.raises(NotFound):
        await taking.undoables.take_back(taking.house.me, late.id)


async def test_what_was_done_is_taken_back_by_a_call_that_the_policy_sees(taking: Taking) -> None:
    done = taking.did()
    undoing = await taking.undoables.take_back(taking.house.me, done.call.id)
    assert (undoing.taken_back, bool(undoing.turn)) == (False, True)
    [(conversation, command, _)] = taking.chats.turns
    assert conversation == undoing.conversation
    [wanted] = command.calls
    assert (wanted.tool, wanted.account, wanted.arguments) == (
        "actions_undo", done.call.account, {"action": done.call.id},
    )  # fmt: skip


async def test_another_persons_deeds_are_neither_listed_nor_taken_back(taking: Taking) -> None:
    done = taking.did()
    _, sent, _ = await approved(taking.house)
    stranger = taking.house.me.model_copy(update={"user": taking.house.me.user.model_copy(update={"id": "b" * 32})})
    assert await taking.undoables.listing(stranger) == []
    for call in (done.call.id, sent.id):
        with pytest.raises(NotFound):
            await taking.undoables.take_back(stranger, call)


async def test_a_token_without_its_scope_takes_nothing_back(taking: Taking) -> None:
    _, sent, _ = await approved(taking.house)
    with pytest.raises(ScopeMissing):
        await taking.undoables.take_back(taking.house.me.model_copy(update={"scopes": frozenset({"chat"})}), sent.id)
