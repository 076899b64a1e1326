"""The gateway's own account of what turns spent on their models, in its room's file: a row for each turn and day.

A row's `held` is what the turn was allowed and has not reported. Nothing but a report takes it away, so that what a
crash leaves behind counts as spent for the rest of that day.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from openassistant.budgets import Bound, Spent
from openassistant.messages import Wire
from services.gateway.days import month_of

__all__ = ["Amount", "Place", "Row", "add", "close", "closings", "held", "hold", "of_turn", "rows", "sums"]

_MOST = 10**12
"""What a turn is believed to have spent at most of anything, so that sums stay numbers."""
_COUNTS = ("calls", "estimated", "input_tokens", "cached_tokens", "output_tokens", "micro")
_SUM = """
SELECT
    coalesce(sum(input_tokens + output_tokens), 0),
    coalesce(sum(CASE WHEN currency = :currency THEN micro END), 0),
    coalesce(sum(CASE WHEN {day} = :day THEN input_tokens + output_tokens END), 0),
    coalesce(sum(CASE WHEN {day} = :day AND currency = :currency THEN micro END), 0),
    coalesce(sum(CASE WHEN {day} = :day AND turn != :turn THEN held_tokens END), 0),
    coalesce(sum(CASE WHEN {day} = :day AND turn != :turn THEN held_micro END), 0)
FROM spending WHERE {whose}{day} BETWEEN :first AND :last
"""


class Place(NamedTuple):
    """Whose turn, on which of his days and of the house's, in which currency."""

    user: str
    turn: str
    day: str
    house_day: str
    currency: str


class Amount(NamedTuple):
    """Tokens and money (millionths): spent, and held by other turns that are under way."""

    tokens: int
    micro: int
    held_tokens: int
    held_micro: int


class Row(Wire):
    """What was spent on one model on one day."""

    day: str
    model: str
    currency: str
    calls: int
    estimated: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    micro: int


def sums(connection: Connection, place: Place) -> dict[Bound, Amount]:
    """What is spent and held of each period that a turn falls into."""
    found: dict[Bound, Amount] = {}
    periods: tuple[tuple[Bound, Bound, str, str, str], ...] = (
        ("day", "month", "day", "user = :user AND ", place.day),
        ("house_day", "house_month", "house_day", "", place.house_day),
    )
    for day, month, column, whose, today in periods:
        first, last = month_of(today)
        names = {**place._asdict(), "day": today, "first": first, "last": last}
        row = connection.execute(text(_SUM.format(day=column, whose=whose)), names).one()
        found[day] = Amount(row[2], row[3], row[4], row[5])
        found[month] = Amount(row[0], row[1], row[4], row[5])
    return found


def of_turn(connection: Connection, turn: str) -> Spent:
    """What a turn has reported, on all its days."""
    counted = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in _COUNTS)
    query = text(f"SELECT {counted} FROM spending WHERE turn = :turn")  # noqa: S608 - names of ours
    return Spent.model_validate(dict(connection.execute(query, {"turn": turn}).mappings().one()))


def add(connection: Connection, place: Place, spent: Spent) -> None:
    """Takes a report: what a turn has spent since it began. Less than it said before is not believed."""
    known = of_turn(connection, place.turn).model_dump()
    told = spent.model_dump()
    more = {name: max(min(told[name], _MOST) - known[name], 0) for name in _COUNTS}
    _touch(connection, place)
    added = ", ".join(f"{name} = {name} + :{name}" for name in _COUNTS)
    _do(
        connection,
        place,
        f"UPDATE spending SET {added}, model = CASE WHEN :model = '' THEN model ELSE :model END,"  # noqa: S608 - names of ours
        " held_tokens = max(held_tokens - :input_tokens - :output_tokens, 0), held_micro = max(held_micro - :micro, 0)"
        " WHERE turn = :turn AND day = :day AND house_day = :house_day",
        {**more, "model": spent.model[:200]},
    )


def hold(connection: Connection, place: Place, *, tokens: int, micro: int) -> None:
    """Holds so much for a turn, in place of what was held for it."""
    _touch(connection, place)
    _do(connection, place, "UPDATE spending SET held_tokens = 0, held_micro = 0 WHERE turn = :turn", {})
    _do(
        connection,
        place,
        "UPDATE spending SET held_tokens = :tokens, held_micro = :micro"
        " WHERE turn = :turn AND day = :day AND house_day = :house_day",
        {"tokens": tokens, "micro": micro},
    )


def held(connection: Connection, turn: str) -> tuple[int, int]:
    """Tokens and money that a turn holds."""
    query = text("SELECT coalesce(sum(held_tokens), 0), coalesce(sum(held_micro), 0) FROM spending WHERE turn = :turn")
    tokens, micro = connection.execute(query, {"turn": turn}).one()
    return int(tokens), int(micro)


def closings(connection: Connection, turn: str) -> int:
    """How often a turn got a grant although nothing was left."""
    query = text("SELECT coalesce(sum(closings), 0) FROM spending WHERE turn = :turn")
    return int(connection.execute(query, {"turn": turn}).scalar_one())


def close(connection: Connection, place: Place) -> None:
    """A turn gets one more of those."""
    _touch(connection, place)
    _do(
        connection,
        place,
        "UPDATE spending SET closings = closings + 1 WHERE turn = :turn AND day = :day AND house_day = :house_day",
        {},
    )


def rows(connection: Connection, user: str | None, *, since: str) -> list[Row]:
    """What was spent by somebody (by all), by day and model, newest day first."""
    column, whose = ("house_day", "") if user is None else ("day", "user = :user AND ")
    counted = ", ".join(f"sum({name}) AS {name}" for name in _COUNTS)
    query = text(
        f"SELECT {column} AS day, model, currency, {counted} FROM spending"  # noqa: S608 - names of ours
        f" WHERE {whose}{column} >= :since AND calls > 0 GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2"
    )
    found = connection.execute(query, {"user": user, "since": since}).mappings()
    return [Row.model_validate(dict(each)) for each in found]


def _touch(connection: Connection, place: Place) -> None:
    """The turn's row of this day, made if there is none."""
    zeros = ", ".join("0" for _ in _COUNTS)
    _do(
        connection,
        place,
        f"INSERT INTO spending (turn, day, house_day, user, model, currency, {', '.join(_COUNTS)}, held_tokens,"  # noqa: S608 - names of ours
        f" held_micro, closings) VALUES (:turn, :day, :house_day, :user, '', :currency, {zeros}, 0, 0, 0)"
        " ON CONFLICT (turn, day, house_day) DO NOTHING",
        {},
    )


def _do(connection: Connection, place: Place, statement: str, more: dict[str, Any]) -> None:
    connection.execute(text(statement), {**place._asdict(), **more})
