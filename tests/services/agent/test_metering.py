"""A question is paid for before it is asked; what a provider says of it is believed where it can be true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openassistant.budgets import AMOUNT, FREE, Budget, Price
from openassistant.context import new_id, utc_now
from openassistant.errors import DeadlineExceeded, OaError, Unavailable, UpstreamFailed
from openassistant.store import Migrations, Store
from services.agent import usage
from services.agent.metering import LAST_ANSWER, LAST_QUESTION, LONGEST_ANSWER, Metered, Purse, Reached
from services.agent.model import Delta, Usage
from services.agent.usage import Counted

MIGRATIONS = Path(__file__).parents[3] / "services" / "agent" / "migrations" / "user"
PRICE = Price(currency="USD", input=3_000_000, output=15_000_000, cached=300_000)
ASIDE = LAST_QUESTION + LAST_ANSWER
ASKED: list[dict[str, Any]] = [{"role": "user", "content": "When does the lease end?"}]


class Provider:
    """Says what it is told to, and counts how it is told to; remembers how long an answer it was asked for."""

    def __init__(
        self, *, says: str = "On Friday.", counts: Usage | None = None, fails: OaError | None = None,
        endless: bool = False,
    ) -> None:  # fmt: skip
        self._says, self._counts, self._fails, self._endless = says, counts, fails, endless
        self.lengths: list[int | None] = []
        self.asked = asyncio.Event()
        self.hangs = False

    async def __call__(self) -> Provider:
        return self

    async def stream(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        *,
        form: dict[str, Any] | None = None,
        most: int | None = None,
    ) -> AsyncGenerator[Delta, None]:
        self.lengths.append(most)
        self.asked.set()
        if self.hangs:
            await asyncio.sleep(3600)
        if self._says:
            yield Delta(text=self._says)
        while self._endless:
            yield Delta(text="and so on " * 100)
        if self._fails:
            raise self._fails
        yield Delta(finished="stop")
        if self._counts:
            yield Delta(usage=self._counts)


def counted(input_tokens: int = 0, output_tokens: int = 0, cached_tokens: int = 0) -> Usage:
    return Usage(model="m", input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached_tokens)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "user.db", bytes(32), Migrations({"own": MIGRATIONS}))
    yield opened
    await opened.close()


class Scene:
    def __init__(self, store: Store, provider: Provider, budget: Budget, **more: Any) -> None:
        self.turn, self.store, self.provider, self.budget = new_id(), store, provider, budget
        self.wanted: list[tuple[int, int]] = []
        self.gets: Budget | None = None
        self.seconds = 0.0
        purse = Purse(lambda: self.budget, self._more, lambda: self.seconds)
        plain = {"price": PRICE, "window": 32_768, **more}
        self.model = Metered(provider, "m", store=store, turn=self.turn, purse=purse, clock=utc_now, **plain)

    async def _more(self, tokens: int, micro: int) -> None:
        self.wanted.append((tokens, micro))
        self.budget = self.gets or self.budget

    async def ask(self) -> list[Delta]:
        async with aclosing(self.model.stream(ASKED, [])) as deltas:
            return [delta async for delta in deltas]

    async def spent(self) -> Any:
        return await usage.spent(self.store, self.turn)


BUDGET = Budget(tokens=500_000, micro=2_000_000, model_calls=24, tool_calls=60, seconds=3600)


async def test_what_the_provider_counts_is_what_a_question_costs(store: Store) -> None:
    scene = Scene(store, Provider(counts=counted(input_tokens=1000, cached_tokens=600, output_tokens=20)), BUDGET)
    last = (await scene.ask())[-1].usage
    assert last is not None
    assert (last.input_tokens, last.cached_tokens, last.output_tokens, last.estimated) == (1000, 600, 20, False)
    assert last.micro == 400 * 3 + 180 + 20 * 15
    assert (await scene.spent()).micro == last.micro


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        counted(),
        counted(input_tokens=10**18, output_tokens=3),
        counted(input_tokens=50, output_tokens=10**9),
        counted(input_tokens=50, output_tokens=0),
    ],
)
async def test_a_count_that_cannot_be_true_is_estimated_instead(store: Store, nonsense: Usage | None) -> None:
    scene = Scene(store, Provider(counts=nonsense), BUDGET)
    last = (await scene.ask())[-1].usage
    assert last is not None
    assert last.estimated
    assert 0 < last.input_tokens < 200
    assert last.output_tokens == 4


@pytest.mark.parametrize(
    "given",
    [
        {"prompt_tokens": "12", "completion_tokens": 3},
        {"prompt_tokens": True, "completion_tokens": 3},
        {"prompt_tokens": 1.5, "completion_tokens": 3},
        {"prompt_tokens": 12},
        {"prompt_tokens": -5, "completion_tokens": 3},
        {"prompt_tokens": 12, "completion_tokens": float("nan")},
        {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": -1}},
        {"prompt_tokens": 10**30, "completion_tokens": 3},
        ["prompt_tokens"],
        "much",
        None,
    ],
)
def test_nonsense_in_place_of_a_count_is_no_count(given: Any) -> None:
    assert Counted.read(given) is None


async def test_the_worst_case_is_stored_before_the_question_is_asked(store: Store) -> None:
    provider = Provider()
    provider.hangs = True
    scene = Scene(store, provider, BUDGET)
    asking = asyncio.create_task(scene.ask())
    await asyncio.wait_for(provider.asked.wait(), 5)
    spent = await scene.spent()
    assert (spent.calls, spent.estimated, spent.output_tokens) == (1, 1, provider.lengths[0])
    assert spent.micro == PRICE.cost(spent.input_tokens, 0, spent.output_tokens)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await scene.spent()).output_tokens == 0


async def test_a_question_that_does_not_fit_is_not_asked(store: Store) -> None:
    scene = Scene(store, Provider(), BUDGET.model_copy(update={"tokens": ASIDE + 500, "tokens_by": "day"}))
    with pytest.raises(Reached) as reached:
        await scene.ask()
    assert reached.value.limit == ("tokens", "day")
    assert (scene.provider.lengths, len(scene.wanted)) == ([], 1)
    assert (await scene.spent()).calls == 0


async def test_more_is_asked_for_before_a_turn_gives_up(store: Store) -> None:
    scene = Scene(store, Provider(), BUDGET.model_copy(update={"tokens": 6_000}))
    scene.gets = BUDGET
    await scene.ask()
    assert scene.provider.lengths == [LONGEST_ANSWER]
    assert scene.wanted[0][0] > LONGEST_ANSWER + ASIDE


async def test_the_answer_is_held_to_what_the_money_buys(store: Store) -> None:
    scene = Scene(store, Provider(), BUDGET.model_copy(update={"micro": 60_000, "micro_by": "month"}))
    await scene.ask()
    [most] = scene.provider.lengths
    assert most is not None
    aside = PRICE.cost(LAST_QUESTION, 0, LAST_ANSWER)
    assert 1_024 <= most < LONGEST_ANSWER
    assert PRICE.cost(0, 0, most) + aside <= 60_000
    scene.budget = BUDGET.model_copy(update={"micro": 30_000, "micro_by": "month"})
    with pytest.raises(Reached) as reached:
        await scene.ask()
    assert reached.value.limit == ("micro", "month")


async def test_a_model_without_a_price_costs_tokens_alone(store: Store) -> None:
    scene = Scene(store, Provider(), BUDGET.model_copy(update={"micro": 0}), price=None)
    assert (await scene.ask())[-1].usage.micro is None  # type: ignore[union-attr]  # there is one at the end
    free = Scene(store, Provider(), BUDGET.model_copy(update={"micro": 0}), price=FREE)
    assert (await free.ask())[-1].usage.micro == 0  # type: ignore[union-attr]  # there is one at the end


async def test_a_price_in_another_currency_is_no_price(store: Store) -> None:
    euro = PRICE.model_copy(update={"currency": "EUR"})
    scene = Scene(store, Provider(), BUDGET, price=euro)
    assert (await scene.ask())[-1].usage.micro is None  # type: ignore[union-attr]  # there is one at the end


async def test_a_model_that_writes_on_is_not_read_on(store: Store) -> None:
    scene = Scene(store, Provider(endless=True), BUDGET)
    deltas = await asyncio.wait_for(scene.ask(), 20)
    assert deltas[-2].finished == "length"
    assert (await scene.spent()).output_tokens < LONGEST_ANSWER * 1.1


async def test_an_answer_that_takes_too_long_is_not_read_on(store: Store) -> None:
    scene = Scene(store, Provider(endless=True), BUDGET)
    scene.seconds = 3601
    assert [delta.finished for delta in await scene.ask()][-2] == "length"


@pytest.mark.parametrize(("error", "whole"), [(Unavailable("away"), 0), (DeadlineExceeded("late"), LONGEST_ANSWER)])
async def test_who_was_not_reached_is_not_paid_and_who_did_not_answer_may_have_worked(
    store: Store, error: OaError, whole: int
) -> None:
    scene = Scene(store, Provider(says="", fails=error), BUDGET)
    with pytest.raises(type(error)):
        await scene.ask()
    assert (await scene.spent()).output_tokens == whole


async def test_an_answer_that_breaks_off_is_paid_as_far_as_it_came(store: Store) -> None:
    scene = Scene(store, Provider(fails=UpstreamFailed("cut off")), BUDGET)
    with pytest.raises(UpstreamFailed):
        await scene.ask()
    spent = await scene.spent()
    assert (spent.output_tokens, spent.estimated) == (4, 1)


async def test_the_last_question_is_kept_for_the_last_word(store: Store) -> None:
    budget = BUDGET.model_copy(update={"model_calls": 2})
    scene = Scene(store, Provider(), budget)
    await scene.ask()
    with pytest.raises(Reached) as reached:
        await scene.ask()
    assert reached.value.limit == "model_calls"
    last = Scene(store, Provider(), budget, last=True)
    await last.ask()
    assert last.provider.lengths == [LAST_ANSWER]


@given(
    price=st.builds(
        Price,
        currency=st.just("EUR"),
        input=st.integers(0, 10**9),
        output=st.integers(0, 10**9),
        cached=st.none() | st.integers(0, 10**9),
    ),
    read=st.integers(0, 10**9),
    kept=st.integers(0, 10**9),
    written=st.integers(0, 10**9),
)
def test_a_cost_is_a_whole_number_never_too_small_and_less_than_one_too_large(
    price: Price, read: int, kept: int, written: int
) -> None:
    cost = price.cost(read, kept, written)
    cached = min(kept, read)
    exact = (read - cached) * price.input + cached * (price.input if price.cached is None else price.cached)
    exact += written * price.output
    assert exact <= cost * 1_000_000 < exact + 1_000_000 or cost == AMOUNT
    assert price.cost(read, kept, written + 1) >= cost
