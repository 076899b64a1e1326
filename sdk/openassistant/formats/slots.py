"""Free times: what is left of the hours of each day when the busy times are taken out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from openassistant.formats.moments import Window

__all__ = ["free_slots", "merged", "without"]

_A_DAY = timedelta(days=1)


def free_slots(
    busy: Iterable[Window], span: Window, *, length: timedelta, opens: time, closes: time, zone: tzinfo
) -> Iterator[Window]:
    """Spans of at least `length` without a busy time, inside `span` and, each day, between two hours of `zone`."""
    taken = sorted(busy)
    for day in _days(span, zone):
        hours = Window(
            _at(day, opens, zone), _at(day + _A_DAY, closes, zone) if closes <= opens else _at(day, closes, zone)
        )
        inside = Window(max(hours.start, span.start), min(hours.end, span.end))
        yield from (gap for gap in _gaps(taken, inside) if gap.end - gap.start >= length)


def merged(spans: Iterable[Window]) -> list[Window]:
    """The spans in order, those that touch as one."""
    found: list[Window] = []
    for each in sorted(spans):
        if found and each.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def without(spans: Iterable[Window], taken: list[Window]) -> list[Window]:
    """What is left of spans where others, in order, are taken out."""
    return [left for each in spans for left in _gaps(taken, each)]


def _gaps(taken: list[Window], span: Window) -> Iterator[Window]:
    free = span.start
    for each in taken:
        if each.end <= free or each.start >= span.end:
            continue
        if each.start > free:
            yield Window(free, each.start)
        free = max(free, each.end)
    if free < span.end:
        yield Window(free, span.end)


def _days(span: Window, zone: tzinfo) -> Iterator[date]:
    day, last = span.start.astimezone(zone).date(), span.end.astimezone(zone).date()
    while day <= last:
        yield day
        day += _A_DAY


def _at(day: date, hour: time, zone: tzinfo) -> datetime:
    """Compared in UTC: two times of one zone would be compared by the clock on the wall, wrong on two days a year."""
    return datetime.combine(day, hour, zone).astimezone(UTC)
