"""Things are kept for as long as their owner chose: each way of each kind, with the clock moved on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.errors import InvalidRequest, Unavailable
from services.gateway import data_views as views
from services.gateway.data_views import KeepRule
from services.gateway.memory_views import MemoryDraft
from tests.services.gateway.forgetful import Forgetful

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ELSEWHERE = [
    ("agent", "conversations"),
    ("audit", "arguments"),
    ("audit", "left"),
    ("post", "letters"),
    ("post", "calls"),
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Forgetful]:
    async with Forgetful(tmp_path) as made:
        yield made


def about(house: Forgetful, room: str) -> dict[str, Any]:
    return {"account": house.account.id} if room == "post" else {}


@pytest.mark.parametrize(("room", "kind"), ELSEWHERE)
async def test_after_so_many_days_things_go_and_not_before(house: Forgetful, room: str, kind: str) -> None:
    house.place(room, kind, **about(house, room))
    await house.keep(KeepRule(kind=kind, days=30, **about(house, room)))
    await house.pass_on(timedelta())
    for _ in range(29):
        await house.pass_on(DAY)
    assert house.held(kind) == 1
    await house.pass_on(2 * DAY)
    assert house.held(kind) == 0


@pytest.mark.parametrize(("room", "kind"), [each for each in ELSEWHERE if each[1] != "left"])
async def test_at_most_so_many_are_kept_and_the_newest_of_them(house: Forgetful, room: str, kind: str) -> None:
    await house.keep(KeepRule(kind=kind, newest=2, **about(house, room)))
    kept = [house.place(room, kind, days=days, **about(house, room)) for days in (0, 1, 2, 3)][:2]
    await house.pass_on(DAY)
    assert sorted(each.id for each in house.things) == sorted(each.id for each in kept)


@pytest.mark.parametrize(("room", "kind"), ELSEWHERE)
async def test_what_is_never_kept_goes_after_an_hour_of_quiet(house: Forgetful, room: str, kind: str) -> None:
    await house.keep(KeepRule(kind=kind, days=0, **about(house, room)))
    await house.pass_on(timedelta())
    house.place(room, kind, **about(house, room))
    await house.pass_on(timedelta(minutes=50))
    assert house.held(kind) == 1
    await house.pass_on(timedelta(minutes=11))
    assert house.held(kind) == 0


async def test_what_no_rule_is_about_is_kept(house: Forgetful) -> None:
    for room, kind in ELSEWHERE:
        house.place(room, kind, days=5000, **about(house, room))
    house.place("agent", "conversations", days=5000, user="0" * 32)
    await house.keep(KeepRule(kind="arguments", days=1))
    await house.pass_on(400 * DAY)
    assert {each.kind for each in house.things} == {"conversations", "left", "letters", "calls"}
    assert house.held("conversations") == 2


async def test_one_account_s_copy_goes_and_another_s_stays(house: Forgetful) -> None:
    house.place("post", "letters", days=40, account=house.account.id)
    other = house.place("post", "letters", days=40, account="f" * 32)
    await house.keep(KeepRule(kind="letters", account=house.account.id, days=30))
    await house.pass_on(timedelta())
    assert house.things == [other]


async def remember(house: Forgetful, *words: str) -> None:
    for each in words:
        await house.memories.add(house.me, MemoryDraft(text=each))
        house.later(HOUR)


async def remembered(house: Forgetful) -> set[str]:
    return {each.text for each in await house.memories.listing(house.me)}


async def test_memories_go_after_their_days_but_for_pinned_ones(house: Forgetful) -> None:
    await house.memories.add(house.me, MemoryDraft(text="He likes tea", pinned=True))
    await remember(house, "The cat is old")
    await house.keep(KeepRule(kind="memories", days=30))
    await house.pass_on(29 * DAY)
    assert len(await remembered(house)) == 2
    await house.pass_on(2 * DAY)
    assert await remembered(house) == {"He likes tea"}


async def test_at_most_so_many_memories_are_kept(house: Forgetful) -> None:
    await remember(house, "first", "second", "third")
    await house.keep(KeepRule(kind="memories", newest=2))
    await house.pass_on(timedelta())
    assert await remembered(house) == {"second", "third"}


async def test_memories_that_are_never_kept_go_within_the_day(house: Forgetful) -> None:
    await house.keep(KeepRule(kind="memories", days=0))
    await house.pass_on(timedelta())
    await remember(house, "The cat is old")
    await house.pass_on(timedelta(minutes=10))
    assert await remembered(house) == set()


async def asked(house: Forgetful) -> str:
    """Something was asked, and is still waiting."""
    turn = await house.turn()
    house.read_outside(turn)
    outcome = await house.put(house.call("letters_send", text="I sign on Friday."), turn)
    return str(outcome.approval_id)


async def questions(house: Forgetful) -> tuple[int, int]:
    """How many questions there are, in the room's file and in the person's."""
    count = await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM approvals")).scalar_one())
    async with house.own.use(house.me.user.id) as store:
        return count, await store.read(lambda c: c.execute(text("SELECT count(*) FROM questions")).scalar_one())


@pytest.mark.parametrize(
    ("rule", "time"),
    [(KeepRule(kind="questions", days=30), 31 * DAY), (KeepRule(kind="questions", days=0), 2 * HOUR)],
)
async def test_what_was_asked_goes_once_it_is_decided(house: Forgetful, rule: KeepRule, time: timedelta) -> None:
    await asked(house)
    await house.keep(rule)
    await house.pass_on(time)
    assert await questions(house) == (1, 1)
    await house.store.write(lambda c: c.execute(text("UPDATE approvals SET state = 'denied', delivered = 1")).close())
    await house.pass_on(DAY)
    assert await questions(house) == (0, 0)


async def test_at_most_so_many_questions_are_kept(house: Forgetful) -> None:
    for _ in range(3):
        await asked(house)
    await house.store.write(lambda c: c.execute(text("UPDATE approvals SET state = 'denied', delivered = 1")).close())
    await house.keep(KeepRule(kind="questions", newest=1))
    await house.pass_on(timedelta())
    assert await questions(house) == (1, 1)


async def test_with_a_conversation_goes_what_this_room_had_of_it(house: Forgetful) -> None:
    await asked(house)
    subject = subjects.chat(house.me.user.id, house.conversation)
    await house.agent.emit(subject, 1, b"{}")
    other = house.place("agent", "conversations", conversation="e" * 32)
    house.place("agent", "conversations", days=40, conversation=house.conversation)
    await house.keep(KeepRule(kind="conversations", days=30))
    await house.pass_on(timedelta())
    assert house.things == [other]
    assert await questions(house) == (0, 0)
    assert not await house.turns.lives(await house.turn(), user="nobody")
    turns = await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM turns")).scalar_one())
    assert turns == 1  # the one of the line above
    assert house.bus.transport.events.get(subject, []) == []


async def test_a_preview_says_what_would_go_and_nothing_does(house: Forgetful) -> None:
    old = [house.place("agent", "conversations", days=days) for days in (40, 50)]
    house.place("agent", "conversations", days=1)
    house.place("post", "letters", days=10, account=house.account.id)
    rules = (
        KeepRule(kind="conversations", days=30), KeepRule(kind="letters", account=house.account.id, days=5),
        KeepRule(kind="arguments", days=5),
    )  # fmt: skip
    house.away = {"audit"}
    seen = await house.retention.preview(house.me, views.KeepDraft(rules=rules))
    assert [(each.room, each.kind, each.account, each.count) for each in seen.goes] == [
        ("agent", "conversations", None, 2), ("post", "letters", house.account.id, 1),
    ]  # fmt: skip
    assert (seen.goes[0].oldest, seen.goes[0].newest) == (old[1].at, old[0].at)
    assert seen.away == ("audit",)
    assert len(house.things) == 4
    assert (await house.retention.view(house.me)).rules == ()
    assert house.written("data.kept") == []


async def test_a_run_is_made_each_day_and_told_in_the_ledger_by_numbers_alone(house: Forgetful) -> None:
    await house.keep(KeepRule(kind="conversations", days=30))
    await house.pass_on(timedelta())
    assert house.written("data.expired") == []
    house.place("agent", "conversations", days=29.5, conversation="d" * 32)
    await house.pass_on(DAY - timedelta(minutes=1))
    assert house.written("data.expired") == []
    await house.pass_on(timedelta(minutes=1))
    assert house.written("data.expired") == [{"went": {"agent": {"conversations": 1}}}]
    run = (await house.retention.view(house.me)).run
    assert run.at == house.time
    assert run.next == house.time + DAY
    assert [(each.room, each.kind, each.count) for each in run.went] == [("agent", "conversations", 1)]


async def test_a_house_that_was_off_makes_up_for_one_run_and_goes_on_at_the_same_hour(house: Forgetful) -> None:
    await house.keep(KeepRule(kind="conversations", days=30))
    first = house.time
    house.place("agent", "conversations", days=20)
    await house.stop()
    house.later(12 * DAY + 3 * HOUR)
    await house.start()
    await house.pass_on(timedelta())
    assert house.held("conversations") == 0
    assert (await house.retention.view(house.me)).run.next == first + 13 * DAY


async def test_what_had_begun_goes_on_after_a_restart(house: Forgetful) -> None:
    house.place("agent", "conversations", days=40)
    await house.keep(KeepRule(kind="conversations", days=30))
    house.away = {"agent"}
    await house.pass_on(timedelta())
    assert [each.what for each in await house.forgetting.under_way()] == ["expiry"]
    await house.stop()
    house.later(HOUR)
    await house.start()
    house.away = set()
    await house.rounds()
    assert house.held("conversations") == 0
    assert await house.forgetting.under_way() == []
    assert house.written("data.expired") == [{"went": {"agent": {"conversations": 1}}}]


async def test_a_room_that_could_not_be_asked_all_day_is_told_of_and_asked_again(house: Forgetful) -> None:
    house.place("post", "letters", days=40, account=house.account.id)
    await house.keep(KeepRule(kind="letters", account=house.account.id, days=30))
    house.away = {"post"}
    await house.pass_on(timedelta())
    await house.pass_on(DAY)
    assert (await house.retention.view(house.me)).run.unasked == ("post",)
    assert house.written("data.expired") == [{"went": {}, "unasked": ["post"]}]
    house.away = set()
    await house.rounds()
    assert house.held("letters") == 0
    await house.pass_on(DAY)
    assert (await house.retention.view(house.me)).run.unasked == ()


async def test_rules_are_written_down_before_they_hold(house: Forgetful) -> None:
    house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await house.keep(KeepRule(kind="conversations", days=30))
    assert (await house.retention.view(house.me)).rules == ()
    house.ledger_error = None
    await house.keep(KeepRule(kind="conversations", days=30))
    assert house.written("data.kept") == [{"rules": [{"kind": "conversations", "days": 30}]}]


async def test_other_rules_take_the_place_of_those_of_before(house: Forgetful) -> None:
    house.place("agent", "conversations", days=40)
    await house.keep(KeepRule(kind="arguments", days=30))
    kept = await house.keep()
    assert kept.rules == ()
    await house.pass_on(100 * DAY)
    assert house.held("conversations") == 1


@pytest.mark.parametrize(
    "rules",
    [
        (KeepRule(kind="spoons", days=3),),
        (KeepRule(kind="letters", days=3),),
        (KeepRule(kind="letters", account="e" * 32, days=3),),
        (KeepRule(kind="left", newest=3),),
        (KeepRule(kind="arguments", days=3), KeepRule(kind="arguments", newest=3)),
    ],
)
async def test_what_is_not_offered_cannot_be_chosen(house: Forgetful, rules: tuple[KeepRule, ...]) -> None:
    with pytest.raises(InvalidRequest):
        await house.keep(*rules)
    with pytest.raises(InvalidRequest):
        await house.retention.preview(house.me, views.KeepDraft(rules=rules))


@pytest.mark.parametrize("given", [{}, {"days": 3, "newest": 3}, {"days": -1}, {"newest": 0}])
def test_a_rule_says_one_thing(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"Either|greater"):
        KeepRule(kind="conversations", **given)


async def test_what_is_offered_is_what_the_house_and_its_accounts_hold(house: Forgetful) -> None:
    offers = {(each.kind, each.account, each.service) for each in (await house.retention.view(house.me)).offers}
    mine = {(kind, None, None) for kind in ("conversations", "memories", "questions", "arguments", "left")}
    assert offers == mine | {(kind, house.account.id, "Post") for kind in ("letters", "calls")}
