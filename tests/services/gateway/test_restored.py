"""A house that was put back from a copy does nothing that the old one may have done since, and says why."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openassistant.errors import Conflict, Forbidden, Internal
from openassistant.messages import Decision, Effect
from services.gateway.copies import LATE, Copies
from services.gateway.ledger import Ledger
from services.gateway.notices import Notice
from services.gateway.preferences import Preferences
from services.gateway.restored import FILE, put_aside, restored
from services.gateway.users import User
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.test_approvals import asked
from tests.services.gateway.test_schedules import DAY, EIGHT, Scene, scene  # noqa: F401 - a fixture

WHY = "This house was restored from a copy of"


async def put_back(house: GatewayHouse, *, name: str = "1" * 32) -> None:
    """The gateway stops, its files come back from a copy of now, and it starts an hour later."""
    taken = house.time
    house.later(timedelta(hours=1))
    word = {"id": name, "taken": taken.isoformat(), "restored": house.time.isoformat()}
    (house.folder / FILE).write_text(json.dumps(word))
    await put_aside(house.store, house.folder, now=house.time)
    house.later(timedelta(seconds=5))


async def test_what_waited_can_no_longer_be_approved_and_says_why(house: GatewayHouse) -> None:
    turn, outcome = await asked(house)
    await put_back(house)
    with pytest.raises(Conflict, match=WHY):
        await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    [view] = await house.approvals.listing(house.me, "void")
    assert view.id == outcome.approval_id
    assert str(view.put_aside).startswith(WHY)
    assert (await house.approvals.view(house.me, view.id)).put_aside == view.put_aside
    assert await house.approvals.listing(house.me, "pending") == []
    with pytest.raises(Forbidden, match="ended"):
        await house.put(house.call("letters_send", to="carol@example.org"), turn)


@pytest.mark.parametrize("hold", [timedelta(), timedelta(minutes=5)])
async def test_a_yes_that_was_held_or_not_yet_told_is_not_carried_out(house: GatewayHouse, hold: timedelta) -> None:
    house.hold = hold
    await house.stop()
    await house.start()
    _, outcome = await asked(house)
    house.agent_error = Conflict("not yet")
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    house.agent_error, house.decisions = None, []
    await put_back(house)
    house.later(timedelta(hours=2))
    await house.approvals.sweep()
    assert house.decisions == []
    assert [each.state for each in await house.approvals.listing(house.me, None)] == ["void"]


async def test_a_turn_of_before_is_told_why_it_does_not_go_on_and_may_only_read(house: GatewayHouse) -> None:
    turn = await house.turn()
    await put_back(house)
    renewal = await house.renew(turn)
    assert str(renewal.aside).startswith(WHY)
    assert house.trust.grant(renewal.grant, now=house.time).kind == "session"
    assert renewal.decisions == ()
    assert (await house.renew(turn, ended=True)).grant is None


async def test_a_turn_that_had_ended_for_the_gateway_and_not_for_the_agent_is_told_too(house: GatewayHouse) -> None:
    turn = await house.turn()
    await house.turns.end(turn)
    await put_back(house)
    assert str((await house.renew(turn)).aside).startswith(WHY)


async def test_what_waited_may_have_been_done_and_what_ended_before_keeps_its_end(house: GatewayHouse) -> None:
    gone, _ = await asked(house)
    await house.renew(gone, ended=True)
    house.later(timedelta(minutes=1))
    turn, _ = await asked(house)
    call = house.call("letters_send", to="carol@example.org")
    assert (await house.put(call, turn)).verdict == "ask"
    house.seen(call.id, turn, "letters_send", Effect.SEND)
    await put_back(house)
    found = {(each.turn, each.state) for each in await house.receipts.of(house.me, house.conversation)}
    assert found == {(gone, "withdrawn"), (turn, "unknown")}
    views = await house.approvals.listing(house.me, "void")
    assert [bool(each.put_aside) for each in views if each.turn == gone] == [False]
    assert [bool(each.put_aside) for each in views if each.turn == turn] == [True, True]


async def test_what_is_asked_anew_goes_its_usual_way(house: GatewayHouse) -> None:
    await asked(house)
    await put_back(house)
    turn, outcome = await asked(house)
    assert (await house.renew(turn)).aside is None
    await house.approvals.decide(house.me, str(outcome.approval_id), approve=True)
    [(_, decision)] = house.decisions
    assert isinstance(decision, Decision)
    assert decision.approved


async def test_it_is_put_aside_once_for_each_restore(house: GatewayHouse) -> None:
    await asked(house)
    await put_back(house)
    _, outcome = await asked(house)
    word = {"id": "1" * 32, "taken": house.time.isoformat(), "restored": house.time.isoformat()}
    (house.folder / FILE).write_text(json.dumps(word))  # it was killed before the file was gone
    await put_aside(house.store, house.folder, now=house.time)
    assert [each.id for each in await house.approvals.listing(house.me, "pending")] == [outcome.approval_id]
    assert not (house.folder / FILE).exists()
    found = await house.store.read(restored)
    assert found is not None
    assert found.aside == 1
    await put_back(house, name="2" * 32)
    assert await house.approvals.listing(house.me, "pending") == []


async def test_a_word_that_cannot_be_read_stops_the_start(house: GatewayHouse) -> None:
    (house.folder / FILE).write_text("half")
    with pytest.raises(Internal, match="cannot be read"):
        await put_aside(house.store, house.folder, now=house.time)
    assert (house.folder / FILE).exists()


async def test_a_house_that_was_never_restored_puts_nothing_aside(house: GatewayHouse) -> None:
    turn, _ = await asked(house)
    await put_aside(house.store, house.folder, now=house.time)
    assert (await house.renew(turn)).aside is None
    assert len(await house.approvals.listing(house.me, "pending")) == 1


async def test_a_schedule_that_was_due_before_is_left_out_and_goes_on_at_its_next_time(scene: Scene) -> None:  # noqa: F811
    await scene.make(missed="late")
    house = scene.house
    house.later(EIGHT + timedelta(hours=2) - house.time)
    await put_back(house)
    await scene.runs.tick()
    assert (scene.turns, await scene.states()) == ([], ["missed"])
    await scene.at(EIGHT + DAY)
    assert len(scene.turns) == 1


async def test_a_run_that_was_about_to_start_does_not(scene: Scene) -> None:  # noqa: F811
    await scene.make()
    house = scene.house
    scene.errors = [Conflict("busy")]
    await scene.at(EIGHT)
    assert await scene.states() == ["claimed"]
    await put_back(house)
    await scene.runs.tick()
    assert (scene.turns, await scene.states()) == ([], ["missed"])


# --- copies -----------------------------------------------------------------------------------------------------------


class Told:
    """A teller that remembers; `away`: nobody could be told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.away = False

    async def tell_of_house(self, owner: User, notice: Notice) -> bool:
        if not self.away:
            self.notices.append(notice)
        return not self.away


class People:
    def __init__(self, *users: User) -> None:
        self.users = users

    async def everybody(self) -> tuple[User, ...]:
        return self.users


def copies(house: GatewayHouse, told: Told, report: Path | None) -> Copies:
    ledger = Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))
    people: Any = People(house.me.user)
    teller: Any = told
    return Copies(house.store, people, teller, ledger, report=report, clock=house.clock)


def report_of(folder: Path, *, tried: datetime, ok: bool, good: datetime | None = None, detail: str = "") -> Path:
    file = folder / "last.json"
    given = {"tried": tried.isoformat(), "ok": ok, "detail": detail, "good": good.isoformat() if good else None}
    file.write_text(json.dumps({**given, "file": "x.tar.age", "bytes": 5, "seconds": 1.0}))
    return file


async def test_a_copy_that_failed_is_told_to_the_owner_once_a_day(house: GatewayHouse, tmp_path: Path) -> None:
    told = Told()
    file = report_of(tmp_path, tried=house.time, ok=False, good=house.time, detail="The disk is full.")
    made = copies(house, told, file)
    told.away = True
    await made.look()
    told.away = False
    await made.look()
    await made.look()
    assert [each.body for each in told.notices] == ["The last try came to nothing: The disk is full."]
    house.later(timedelta(days=1))
    await made.look()
    assert len(told.notices) == 2
    report_of(tmp_path, tried=house.time, ok=True, good=house.time)
    await made.look()
    report_of(tmp_path, tried=house.time, ok=False, detail="Again.")
    await made.look()
    assert len(told.notices) == 3


async def test_a_copy_that_is_late_is_told_and_one_of_tonight_is_not(house: GatewayHouse, tmp_path: Path) -> None:
    told = Told()
    made = copies(house, told, report_of(tmp_path, tried=house.time, ok=True, good=house.time))
    house.later(LATE - timedelta(minutes=1))
    await made.look()
    assert (told.notices, (await made.state()).problem) == ([], "")
    house.later(timedelta(minutes=2))
    await made.look()
    assert "The newest copy of the house is of" in told.notices[0].body


async def test_where_none_was_ever_made_it_is_late_from_the_start(house: GatewayHouse, tmp_path: Path) -> None:
    made = copies(house, Told(), tmp_path / "nothing.json")
    assert ((await made.state()).made, (await made.state()).problem) == (True, "")
    house.later(LATE + timedelta(minutes=1))
    assert (await made.state()).problem == "None was made yet."
    assert (await copies(house, Told(), None).state()).problem == ""


async def test_that_a_house_was_restored_stands_in_the_ledger_once(house: GatewayHouse) -> None:
    await asked(house)
    made = copies(house, Told(), None)
    await made.look()
    assert "house.restored" not in house.recorded()
    await put_back(house)
    await made.look()
    await made.look()
    assert house.recorded().count("house.restored") == 1
    [record] = [each for each in house.records if each.action.value == "house.restored"]
    assert record.content["aside"] == 1
    state = await made.state()
    assert state.restored is not None
    assert state.restored.put_aside == 1
    row = await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM turns WHERE ended IS NULL")).scalar())
    assert row == 0
