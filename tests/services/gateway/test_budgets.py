"""No limit is passed, by many at once or by one that lies; a day that is spent begins nothing more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from openassistant.budgets import NOTHING, Budget, Spent
from openassistant.context import new_id
from openassistant.errors import Forbidden, RateLimited
from openassistant.messages import RenewalRequest
from services.gateway import budgets, spending
from services.gateway.budgets import Budgets
from services.gateway.limits import HouseLimits, Limits, Settings
from services.gateway.problems import BudgetSpent
from services.gateway.spending import Place
from tests.services.gateway.house import GatewayHouse

DAY = Limits(
    turn_tokens=100_000, turn_micro=1_000_000, model_calls=24, tool_calls=60, seconds=3600, day_tokens=200_000,
    day_micro=5_000_000, month_tokens=1_000_000, month_micro=50_000_000,
)  # fmt: skip


def spent(tokens: int, micro: int = 0, calls: int = 1) -> Spent:
    return Spent(model="m", calls=calls, input_tokens=tokens, micro=micro)


async def set_limits(at: GatewayHouse, **changes: Any) -> None:
    made = Settings(each=DAY, house=HouseLimits()).model_copy(update=changes)
    await at.budgets.change(lambda before: made)


async def begun(house: GatewayHouse, user: str | None = None) -> tuple[str, Budget]:
    turn = new_id()
    await house.turns.begin(turn, user or house.me.user.id, house.conversation)
    return turn, await house.budgets.begin(user or house.me.user.id, turn)


def budget_in(house: GatewayHouse, grant: str | None) -> Budget:
    return house.trust.expired_grant(grant).budget


async def test_a_turn_gets_a_piece_and_then_what_it_asks_for_up_to_its_limit(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, first = await begun(house)
    assert first.tokens == budgets._PIECE_TOKENS
    renewal = await house.renew(turn, spent=spent(40_000), need_tokens=30_000)
    assert budget_in(house, renewal.grant).tokens == 80_000
    renewal = await house.renew(turn, spent=spent(60_000), need_tokens=10**9)
    assert (budget_in(house, renewal.grant).tokens, budget_in(house, renewal.grant).tokens_by) == (100_000, "turn")


async def test_many_at_once_do_not_go_beyond_a_day_together(house: GatewayHouse) -> None:
    await set_limits(house, each=DAY.model_copy(update={"day_tokens": 120_000}))
    results = await asyncio.gather(*(begun(house) for _ in range(40)), return_exceptions=True)
    got = [each for each in results if isinstance(each, tuple)]
    refused = [each for each in results if isinstance(each, BudgetSpent)]
    assert len(got) + len(refused) == 40
    assert refused
    assert sum(budget.tokens or 0 for _, budget in got) <= 120_000
    more = await asyncio.gather(
        *(house.renew(turn, spent=spent(budget.tokens or 0), need_tokens=90_000) for turn, budget in got),
        return_exceptions=True,
    )
    allowed = [budget_in(house, each.grant).tokens or 0 for each in more if not isinstance(each, BaseException)]
    assert sum(allowed) <= 120_000


async def test_two_people_do_not_go_beyond_the_house_together(house: GatewayHouse) -> None:
    await set_limits(house, house=HouseLimits(day_tokens=60_000))
    mine, budget = await begun(house)
    await house.renew(mine, ended=True, spent=spent(59_000))
    with pytest.raises(BudgetSpent) as refused:
        await begun(house, user=new_id())
    assert refused.value.details["limit"] == "house_day"
    assert budget.tokens is not None


async def test_a_day_that_is_spent_begins_nothing_and_the_next_one_does(house: GatewayHouse) -> None:
    await set_limits(house)
    for _ in range(2):
        turn, _budget = await begun(house)
        await house.renew(turn, ended=True, spent=spent(100_000))
    with pytest.raises(BudgetSpent) as refused:
        await house.budgets.check(house.me.user.id)
    assert (refused.value.status, refused.value.details["limit"]) == (429, "day")
    assert 0 < (refused.value.retry_after or 0) <= 86_400
    house.later(timedelta(hours=24))
    await house.budgets.check(house.me.user.id)


async def test_money_is_a_limit_of_its_own(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    await house.renew(turn, ended=True, spent=spent(10, micro=5_000_000))
    with pytest.raises(BudgetSpent) as refused:
        await begun(house)
    assert refused.value.details["of"] == "micro"


async def test_what_was_spent_survives_a_restart(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    await house.renew(turn, spent=spent(70_000))
    await house.stop()
    await house.start()
    found = (await house.budgets.amounts(house.me.user.id))["day"]
    assert found.tokens == 70_000
    assert found.held_tokens > 0


async def test_a_crash_leaves_what_was_allowed_counted(house: GatewayHouse) -> None:
    """The process that came up again knows nothing yet, and gets no more than it had."""
    await set_limits(house)
    turn, first = await begun(house)
    renewal = await house.renew(turn)
    assert budget_in(house, renewal.grant).tokens == first.tokens
    found = (await house.budgets.amounts(house.me.user.id))["day"]
    assert (found.tokens, found.held_tokens) == (0, first.tokens)


async def test_a_parked_turn_holds_nothing_and_gets_something_again(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    parked = await house.renew(turn, parked=True, spent=spent(9_000))
    assert parked.grant is None
    assert (await house.budgets.amounts(house.me.user.id))["day"].held_tokens == 0
    assert (await house.budgets.resume(house.me.user.id, turn)).tokens == 9_000 + 47_750


# --- a hostile agent --------------------------------------------------------------------------------------------------


async def test_a_turn_whose_day_is_spent_gets_a_few_grants_without_questions_and_then_none(
    house: GatewayHouse,
) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    for _ in range(budgets._CLOSINGS):
        last = await house.renew(turn, spent=spent(100_000), need_tokens=10_000)
        assert budget_in(house, last.grant).model_calls == 0
    for _ in range(3):
        with pytest.raises(RateLimited):
            await house.renew(turn, spent=spent(100_000), need_tokens=10_000)


async def test_saying_less_than_before_gives_nothing_back(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    await house.renew(turn, spent=spent(90_000))
    await house.renew(turn, spent=spent(0))
    await house.renew(turn, ended=True, spent=spent(5))
    assert (await house.budgets.amounts(house.me.user.id))["day"].tokens == 90_000


async def test_whatever_it_says_no_turn_is_allowed_more_than_its_limit_and_the_day(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    for need in (10**15, 0, 10**15):
        budget = budget_in(house, (await house.renew(turn, spent=Spent(), need_tokens=need, need_micro=need)).grant)
        assert (budget.tokens or 0) <= 100_000
        assert (budget.micro or 0) <= 1_000_000


async def test_absurd_reports_do_not_break_the_account(house: GatewayHouse) -> None:
    await set_limits(house)
    for _ in range(30):
        turn = await house.turn()
        await house.renew(turn, ended=True, spent=spent(10**15, micro=10**15))
    assert (await house.budgets.amounts(house.me.user.id))["day"].tokens > 10**12


async def test_an_ended_turn_and_a_stranger_get_nothing(house: GatewayHouse) -> None:
    await set_limits(house)
    turn, _ = await begun(house)
    grant = house.grant(turn)
    await house.renew(turn, ended=True, spent=spent(1))
    with pytest.raises(Forbidden):
        await house.renew(turn, grant=grant, need_tokens=1)
    with pytest.raises(Forbidden):
        await house.renew(new_id(), grant=grant, need_tokens=1)


async def test_a_grant_that_nobody_gave_a_budget_has_none(house: GatewayHouse) -> None:
    assert budget_in(house, house.grant(await house.turn())) == NOTHING


# --- whose limits -----------------------------------------------------------------------------------------------------


def test_of_all_limits_the_tightest_holds() -> None:
    mine = Settings(each=DAY).person("a" * 32).model_copy(update={"own": Limits(day_tokens=10**9, model_calls=3)})
    made = Settings(each=DAY).with_person("a" * 32, mine)
    assert (made.of("a" * 32).day_tokens, made.of("a" * 32).model_calls) == (200_000, 3)
    ceiling = made.with_person("a" * 32, mine.model_copy(update={"ceiling": Limits(day_tokens=5)}))
    assert (ceiling.of("a" * 32).day_tokens, ceiling.of("a" * 32).month_tokens) == (5, None)
    assert Settings(each=Limits()).of("b" * 32).model_calls == 200


def test_what_is_kept_is_what_was_set() -> None:
    made = Settings(each=Limits(day_tokens=5), house=HouseLimits())
    assert Settings.model_validate_json(made.model_dump_json(exclude_none=True)) == made


# --- the arithmetic ---------------------------------------------------------------------------------------------------

Step = tuple[str, int, int]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    limit=st.integers(0, 300_000),
    steps=st.lists(
        st.tuples(st.sampled_from(["begin", "more", "park", "end"]), st.integers(0, 7), st.integers(0, 120_000)),
        max_size=40,
    ),
)
def test_whatever_happens_in_whatever_order_no_more_is_allowed_than_there_is(limit: int, steps: list[Step]) -> None:
    """Honest turns, that spend no more than they are allowed: their sum never passes the limit."""
    engine = create_engine("sqlite://")
    made = Settings(each=DAY.model_copy(update={"day_tokens": limit}), house=HouseLimits())
    account = Budgets.__new__(Budgets)
    account._clock = lambda: None  # type: ignore[assignment, return-value]  # no time in this
    turns: dict[int, list[int]] = {}
    with engine.begin() as connection:
        connection.execute(text(_TABLE))
        for action, number, amount in steps:
            place = Place("u", f"t{number}", "2026-11-28", "2026-11-28", "USD")
            if action == "begin" or number not in turns:
                budget = account._allot(connection, made, place)
                turns.setdefault(number, [0, 0])[1] = budget.tokens or 0
                continue
            used, allowed = turns[number]
            used = min(used + amount, allowed)
            spending.add(connection, place, spent(used))
            if action == "more":
                allowed = account._allot(connection, made, place, tokens=amount).tokens or 0
            else:
                spending.hold(connection, place, tokens=0, micro=0)
                allowed = used
            turns[number] = [used, allowed]
            assert sum(max(each) for each in turns.values()) <= limit
    engine.dispose()


_TABLE = """
CREATE TABLE spending (turn TEXT, day TEXT, house_day TEXT, user TEXT, model TEXT, currency TEXT, calls INTEGER,
    estimated INTEGER, input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, micro INTEGER,
    held_tokens INTEGER, held_micro INTEGER, closings INTEGER, PRIMARY KEY (turn, day, house_day))
"""


def test_a_request_of_before_asks_for_nothing() -> None:
    assert RenewalRequest.model_validate({"turn": new_id()}).need_tokens == 0
