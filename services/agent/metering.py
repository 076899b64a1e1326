"""A model that is paid for: what it may cost at most is reserved before it is asked, what it did is settled after.

Whoever asks through a `Metered` cannot spend more than the budget in the turn's grant allows, whatever model, provider
or process does: a question that does not fit is not asked, an answer that grows too long is not read on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Literal, NamedTuple, Protocol, get_args

from sqlalchemy import Connection

from openassistant.budgets import Bound, Budget, Price, Spent
from openassistant.context import Clock, new_id
from openassistant.errors import (
    AccountRequired,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
)
from openassistant.store import Store
from services.agent import showing, usage
from services.agent.model import Delta, Usage
from services.agent.prompt import ANSWER, BYTES
from services.agent.usage import Counted, Row

__all__ = ["LAST_ANSWER", "LAST_QUESTION", "Limit", "Metered", "Purse", "Reached", "Source", "spent_of"]

Limit = Literal["model_calls", "tool_calls", "seconds"] | tuple[Literal["tokens", "micro"], Bound]
"""Which limit a turn has come to; of tokens and of money, whose."""

LONGEST_ANSWER = 16_384
"""Tokens that an answer may have, hidden thoughts included."""
_SHORTEST = 1_024
"""Tokens: where an answer could have no more than that, it is time for the last word."""
LAST_QUESTION, LAST_ANSWER = 4_096, 512
"""Tokens that are kept aside for the last word of a turn."""
_LEAST = 64
_REFUSED = (AccountRequired, Forbidden, InvalidRequest, NotFound, RateLimited, TooLarge, Unavailable)
"""Errors after which nothing was read and nothing is paid, where no answer had begun."""


class Reached(Exception):
    """The turn has come to a limit: the next question is not asked."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(str(limit))
        self.limit = limit


class Source(Protocol):
    """A model that keeps to a length: `most` is how many tokens its answer may have."""

    def stream(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        *,
        form: dict[str, Any] | None = None,
        most: int | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`."""


class Purse(NamedTuple):
    """What a turn has: the budget in its present grant, and how it asks for so many tokens and so much money besides.

    It may get less; `more` raises `Reached` where it gets nothing.
    """

    budget: Callable[[], Budget]
    more: Callable[[int, int], Awaitable[None]]
    seconds: Callable[[], float]
    """How long the turn has worked."""


def spent_of(error: OaError) -> Limit:
    """Which limit the gateway says is reached."""
    kind, bound = error.details.get("of"), error.details.get("limit")
    found: Bound = next((each for each in get_args(Bound) if each == bound), "day")
    return ("micro" if kind == "micro" else "tokens"), found


class Metered:
    """See `Model`. `source` makes the model itself, once there is something to spend on it.

    `window` is how many tokens it reads and writes at once; `last`: for the last word.
    """

    def __init__(
        self, source: Callable[[], Awaitable[Source]], name: str, *, store: Store, turn: str, purse: Purse,
        price: Price | None, window: int, clock: Clock, last: bool = False,
    ) -> None:  # fmt: skip
        self._source, self._name, self._store, self._turn, self._purse = source, name, store, turn, purse
        self._window, self._clock, self._last = window, clock, last
        fits = price is not None and price.currency in ("XXX", purse.budget().currency)
        self._price = price if fits else None

    async def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`; raises `Reached` where the budget does not allow to ask."""
        size = len(json.dumps([showing.measured(messages), tools, form], ensure_ascii=False).encode())
        row = await self._reserve(size // BYTES + 1)
        tally = _Tally(size)
        try:
            model = await self._source()
            async with aclosing(model.stream(messages, tools, form=form, most=row.output_tokens)) as deltas:
                async for delta in deltas:
                    tally.hear(delta)
                    yield delta._replace(usage=None)
                    if tally.seen // BYTES > row.output_tokens or self._is_late():
                        yield Delta(finished="length")
                        break
        except OaError as error:
            tally.failed(error)
            raise
        finally:
            row = tally.of(row)
            await usage.settle(self._store, row, now=self._clock())
        yield Delta(usage=_shown(row))

    def _is_late(self) -> bool:
        return not self._last and self._purse.seconds() > self._purse.budget().seconds

    async def _reserve(self, asked: int) -> Row:
        """The question's worst case, stored; raises `Reached`. Asks for more once before it gives up."""
        for last in (False, True):
            budget = self._purse.budget()
            found = await self._store.write(lambda connection: self._fitted(connection, budget, asked, final=last))  # noqa: B023 - awaited in the same step
            if isinstance(found, Row):
                return found
            if last or not isinstance(found, tuple):
                raise Reached(found)
            wanted = self._worst(asked, self._longest(asked))
            kept = 0 if self._last else LAST_QUESTION + LAST_ANSWER
            await self._purse.more(asked + wanted.output_tokens + kept, wanted.micro + self._aside())
        raise AssertionError("the last try returns or raises")

    def _fitted(self, connection: Connection, budget: Budget, asked: int, *, final: bool) -> Row | Limit:
        """Reserves what fits; at first a whole answer, at the end what is left for one."""
        spent = usage.of_turn(connection, self._turn)
        if self._all_asked(budget, spent):
            return "model_calls"
        whole = self._longest(asked)
        by_tokens, by_money = self._by_tokens(budget, spent, asked), self._by_money(budget, spent, asked)
        most = min(by_tokens, by_money)
        if most < (min(_LEAST if self._last else _SHORTEST, whole) if final else whole):
            return ("tokens", budget.tokens_by) if by_tokens <= by_money else ("micro", budget.micro_by)
        row = self._worst(asked, min(whole, most))
        usage.reserve(connection, row, now=self._clock())
        return row

    def _all_asked(self, budget: Budget, spent: Spent) -> bool:
        """The last question is kept for the last word, where there is more than one."""
        allowed = budget.model_calls if self._last or budget.model_calls < 2 else budget.model_calls - 1
        return spent.calls >= allowed

    def _by_tokens(self, budget: Budget, spent: Spent, asked: int) -> int:
        """How many tokens the answer may have."""
        if budget.tokens is None:
            return LONGEST_ANSWER
        return budget.tokens - spent.tokens - asked - (0 if self._last else LAST_QUESTION + LAST_ANSWER)

    def _by_money(self, budget: Budget, spent: Spent, asked: int) -> int:
        if budget.micro is None or self._price is None:
            return LONGEST_ANSWER
        left = budget.micro - spent.micro - self._price.cost(asked, 0, 0) - self._aside()
        if left < 0:
            return -1
        return left * 1_000_000 // self._price.output if self._price.output else LONGEST_ANSWER

    def _aside(self) -> int:
        """Money that is kept for the last word, in millionths."""
        return 0 if self._last or self._price is None else self._price.cost(LAST_QUESTION, 0, LAST_ANSWER)

    def _longest(self, asked: int) -> int:
        """Tokens of the longest answer that has its place in the window."""
        if self._last:
            return LAST_ANSWER
        return max(min(LONGEST_ANSWER, self._window - asked), min(ANSWER, self._window // 4))

    def _worst(self, asked: int, most: int) -> Row:
        return Row(
            id=new_id(), turn=self._turn, model=self._name, input_tokens=asked, output_tokens=most, price=self._price
        )


class _Tally:
    """What came of one question of `size` bytes: bytes seen, and what the provider counted."""

    def __init__(self, size: int) -> None:
        self.seen = 0
        self._size = size
        self._counted: Counted | None = None
        self._error: OaError | None = None

    def hear(self, delta: Delta) -> None:
        """Takes note of a piece."""
        self.seen += len(delta.text.encode()) + sum(len(each.name) + len(each.arguments) for each in delta.calls)
        if delta.usage:
            self._counted = Counted.model_validate(delta.usage.model_dump())

    def failed(self, error: OaError) -> None:
        """The answer ended with an error."""
        self._error = error

    def of(self, row: Row) -> Row:
        """The row as it came out; where nobody can say what was worked, the worst case stays."""
        counted = self._counted
        if counted and counted.is_believable(asked=self._size, answered=self.seen):
            return row.model_copy(update={**counted.model_dump(), "estimated": False})
        if not self.seen and isinstance(self._error, _REFUSED):
            return row.model_copy(update={"input_tokens": 0, "output_tokens": 0, "estimated": False})
        if not self.seen and isinstance(self._error, DeadlineExceeded):
            return row
        return row.model_copy(update={"output_tokens": -(-self.seen // BYTES)})


def _shown(row: Row) -> Usage:
    return Usage(
        model=row.model,
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens,
        output_tokens=row.output_tokens,
        micro=row.micro if row.price else None,
        currency=row.price.currency if row.price else None,
        estimated=row.estimated,
    )
