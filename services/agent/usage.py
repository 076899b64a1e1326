"""What questions to a model cost, one row each in its user's file: reserved before it is asked, settled afterwards.

A row that a crash left unsettled stays as it was reserved: it counts with its worst case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from openassistant.budgets import AMOUNT, Price, Spent
from openassistant.messages import Wire
from openassistant.store import Store

__all__ = ["Counted", "Row", "of_turn", "reserve", "settle", "spent"]

_MOST_EXTRA = 20_000
"""Tokens by which a request may be longer than its bytes: what a provider's template puts around the messages."""
_MOST_ANSWER = 1_000_000
"""Tokens of one answer, its hidden part included; no model of today writes as many."""


class Row(Wire):
    """One question: its worst case, or what it came to. Tokens, and money in millionths; None is not known."""

    id: str
    turn: str
    model: str
    input_tokens: int
    cached_tokens: int = 0
    output_tokens: int
    estimated: bool = True
    price: Price | None = None

    @property
    def micro(self) -> int:
        """What it costs, as far as there is a price."""
        return self.price.cost(self.input_tokens, self.cached_tokens, self.output_tokens) if self.price else 0


class Counted(Wire):
    """Tokens of one answer, as the provider says."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int

    @classmethod
    def read(cls, usage: Any) -> Counted | None:
        """OpenAI's `usage`; None where nothing, or nonsense, is counted."""
        if not isinstance(usage, dict):
            return None
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else 0
        given = (usage.get("prompt_tokens"), cached or 0, usage.get("completion_tokens"))
        if not all(isinstance(each, int) and not isinstance(each, bool) and 0 <= each <= AMOUNT for each in given):
            return None
        read, kept, written = (int(each) for each in given if each is not None)
        return cls(input_tokens=read, cached_tokens=min(kept, read), output_tokens=written)

    def is_believable(self, *, asked: int, answered: int) -> bool:
        """Whether these can be the tokens of so many bytes that were asked and answered.

        A token is a byte at least, so that no more of them are read than bytes are sent; an answer may have a part that
        is not shown, but not less than nothing.
        """
        reads = 0 < self.input_tokens <= asked + _MOST_EXTRA
        return reads and self.output_tokens <= _MOST_ANSWER and (self.output_tokens > 0 or answered == 0)


def reserve(connection: Connection, row: Row, *, now: datetime) -> None:
    """Stores a question's worst case, before it is asked."""
    connection.execute(
        text(
            "INSERT INTO usage (id, turn, model, asked, estimated, input_tokens, cached_tokens, output_tokens, micro,"
            " currency) VALUES (:id, :turn, :model, :now, TRUE, :input_tokens, :cached_tokens, :output_tokens, :micro,"
            " :currency)"
        ),
        _values(row, now),
    )


async def settle(store: Store, row: Row, *, now: datetime) -> None:
    """Stores what a question came to; the first word about it stays."""

    def write(connection: Connection) -> None:
        connection.execute(
            text(
                "UPDATE usage SET settled = :now, estimated = :estimated, input_tokens = :input_tokens,"
                " cached_tokens = :cached_tokens, output_tokens = :output_tokens, micro = :micro"
                " WHERE id = :id AND settled IS NULL"
            ),
            _values(row, now),
        )

    await store.write(write)


def of_turn(connection: Connection, turn: str) -> Spent:
    """The sum of a turn; what is reserved counts as spent."""
    query = text(
        "SELECT coalesce(max(model), '') AS model, count(*) AS calls, coalesce(sum(estimated), 0) AS estimated,"
        " coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(cached_tokens), 0) AS cached_tokens,"
        " coalesce(sum(output_tokens), 0) AS output_tokens, coalesce(sum(micro), 0) AS micro"
        " FROM usage WHERE turn = :turn"
    )
    return Spent.model_validate(dict(connection.execute(query, {"turn": turn}).mappings().one()))


async def spent(store: Store, turn: str) -> Spent:
    """As `of_turn`."""
    return await store.read(lambda connection: of_turn(connection, turn))


def _values(row: Row, now: datetime) -> dict[str, Any]:
    given = row.model_dump(exclude={"price"})
    return {**given, "micro": row.micro, "currency": row.price.currency if row.price else None, "now": now.isoformat()}
