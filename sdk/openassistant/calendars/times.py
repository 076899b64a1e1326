"""When somebody is busy and when all are free: what tools about time itself have in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo
from typing import NamedTuple

from openassistant.calendars.views import BusyList, Slot, notes_of, spans_of
from openassistant.formats.moments import Window
from openassistant.formats.slots import free_slots, merged, without

__all__ = ["MOST_SPANS", "UNSETTLED", "Busy", "ahead", "busy_in", "busy_shown", "slots_shown"]

UNSETTLED = ("tentative", "open")
"""The answers to an invitation with which its time is taken only perhaps."""
MOST_SPANS = 300
_MOST_SLOTS = 30


class Busy(NamedTuple):
    """Spans in order: those that are taken, and those that are taken only perhaps; none of them overlap.

    `accounts` are the names of the accounts that were looked at; `complete` when all that counts is in the mirror.
    """

    firm: list[Window]
    tentative: list[Window]
    accounts: tuple[str, ...] = ()
    complete: bool = True


def busy_in(span: Window, dates: Iterable[tuple[datetime, datetime, bool]]) -> Busy:
    """What is taken of a span by dates, each with its ends and whether it is not settled yet."""
    spans: tuple[list[Window], list[Window]] = ([], [])
    for start, end, perhaps in dates:
        inside = Window(max(start, span.start), min(end, span.end))
        if inside.start < inside.end:
            spans[perhaps].append(inside)
    firm, tentative = map(merged, spans)
    return Busy(firm, without(tentative, firm))


def busy_shown(busy: Busy, zone: tzinfo, unread: str) -> BusyList:
    """Taken times in `zone`, with a note where there may be more."""
    spans = spans_of(busy.firm, busy.tentative, zone)
    cut = f"Only the first {MOST_SPANS} are shown." if len(spans) > MOST_SPANS else ""
    return BusyList(busy=spans[:MOST_SPANS], accounts=list(busy.accounts), note=notes_of(cut, unread))


def ahead(span: Window, now: datetime) -> Window:
    """What is left of a span that has begun; one that is over stays as it is."""
    return Window(now, span.end) if span.start < now < span.end else span


def slots_shown(
    taken: Iterable[Window], span: Window, *, minutes: int, opens: time, closes: time, zone: tzinfo
) -> tuple[list[Slot], str]:
    """The free times of a span between two hours of each day in `zone`, and a note where there are more of them."""
    length = timedelta(minutes=minutes)
    free = list(free_slots(merged(taken), span, length=length, opens=opens, closes=closes, zone=zone))
    cut = f"Only the first {_MOST_SLOTS} are shown." if len(free) > _MOST_SLOTS else ""
    return [_slot(each, zone) for each in free[:_MOST_SLOTS]], cut


def _slot(free: Window, zone: tzinfo) -> Slot:
    start, end = (each.astimezone(zone).isoformat() for each in free)
    return Slot(start=start, end=end, minutes=int((free.end - free.start).total_seconds() // 60))
