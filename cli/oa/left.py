"""What left the house: to where, how much, and whose text went to a model."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from oa import terminal
from oa.session import Json, house

__all__ = ["left"]

_FAR = {"machine": "this machine", "network": "your network", "public": "outside"}
_KINDS = {"call": "asked for", "model": "model", "background": "by itself"}
_WHOSE = {"owner": "what you wrote", "assistant": "what it said before", "rules": "instructions and tools"}
_UNITS = ("B", "kB", "MB", "GB")


def left(
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="How many days back, today included (UTC)")] = 7,
    json: Json = False,
) -> None:
    """Say what left the house: where to, how much, and whose text a model was given.

    Examples:
      oa left
      oa left --days 30 --json
    """
    last = datetime.now(UTC).date()
    first = last - timedelta(days=days - 1)
    with house() as asked:
        found = asked.get("/api/left", **{"from": first.isoformat(), "until": last.isoformat(), "zone": "UTC"})
    if json:
        terminal.show_json(found)
        return
    rows = [_row(each, found["accounts"]) for each in found["days"]]
    heads = ("DAY", "WHERE TO", "HOW FAR", "WHAT FOR", "OUT", "IN")
    terminal.table(heads, rows, empty="Nothing left in these days.")
    for line in _given(found):
        terminal.say(line)
    for each in found["counted"]:
        terminal.say(
            f"The proxy counted for {each['room']}, {each['host']}:{each['port']}:"
            f" {_size(each['bytes_out'])} out, {_size(each['bytes_in'])} in, with TLS"
        )


def _row(day: dict[str, Any], accounts: dict[str, str]) -> tuple[str, ...]:
    whose = day["model"] or accounts.get(day["account"] or "") or day["connector"] or ""
    what = f"{_KINDS[day['kind']]}: {whose}" if whose else _KINDS[day["kind"]]
    where = f"{day['host']}:{day['port']}" if day["port"] else day["host"]
    return day["day"], where, _FAR[day["reach"]], what, _size(day["bytes_out"]), _size(day["bytes_in"])


def _given(found: dict[str, Any]) -> list[str]:
    """Whose text went to each model, in one line for each place."""
    places: dict[str, Counter[str]] = {}
    for each in found["sources"]:
        whose = (
            found["accounts"].get(each["account"] or "") or each["connector"] or _WHOSE.get(each["kind"], each["kind"])
        )
        places.setdefault(f"{each['host']}:{each['port']}", Counter())[whose] += each["bytes"]
    return [
        f"{place} was given " + ", ".join(f"{whose} {_size(size)}" for whose, size in sizes.most_common())
        for place, sizes in places.items()
    ]


def _size(count: int) -> str:
    """Bytes in the unit that fits, of a thousand each."""
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit and size < 9.95 else f"{size:.0f} {_UNITS[unit]}"
