"""Asking the user's own calendar server when others are busy (RFC 6638, 5), and reading what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from icalendar import Calendar, FreeBusy, vCalAddress

from connectors.caldav.dav import NotDavError, parse_scheduled
from connectors.caldav.objects import LONGEST, MALFORMED, parse
from openassistant.formats.moments import Window
from openassistant.formats.slots import merged

__all__ = ["busy_in", "request_for"]

_MOST_PERIODS = 20_000


def request_for(guests: Iterable[str], span: Window, *, organizer: str, uid: str, now: datetime) -> str:
    """The question: who is asked for, by whom, and which time alone; no title and no reason."""
    question = FreeBusy()
    question.add("UID", uid)
    question.add("DTSTAMP", now.astimezone(UTC))
    question.add("DTSTART", span.start.astimezone(UTC))
    question.add("DTEND", span.end.astimezone(UTC))
    question.add("ORGANIZER", vCalAddress(f"mailto:{organizer}"))
    for each in guests:
        question.add("ATTENDEE", vCalAddress(f"mailto:{each}"))
    calendar = Calendar()
    for name, value in (("PRODID", "-//Open Assistant//Calendar//EN"), ("VERSION", "2.0"), ("METHOD", "REQUEST")):
        calendar.add(name, value)
    calendar.add_component(question)
    content: bytes = calendar.to_ical(sorted=False)
    return content.decode()


def busy_in(content: bytes, guests: Sequence[str], span: Window) -> dict[str, list[Window]]:
    """The busy spans of those guests about whom the server could say something, whatever else it answered."""
    try:
        answers = parse_scheduled(content)
    except NotDavError:
        return {}
    found: dict[str, list[Window]] = {}
    for each in answers:
        guest = each.recipient.removeprefix("mailto:")
        if guest in guests and guest not in found and each.status.startswith("2.") and each.data:
            try:
                found[guest] = merged(_periods(each.data, span))
            except MALFORMED:
                continue
    return found


def _periods(text: str, span: Window) -> Iterator[Window]:
    """Whatever is not said to be free counts as busy (RFC 5545, 3.2.9)."""
    if len(text) > LONGEST:
        raise ValueError("too large")
    left = _MOST_PERIODS
    answers = parse(text).walk("VFREEBUSY")
    if not answers:
        raise ValueError("no answer in it")
    for answer in answers:
        given: Any = answer.get("FREEBUSY") or []
        for each in given if isinstance(given, list) else [given]:
            left -= 1
            if left < 0:
                raise ValueError("too many periods")
            period = Window(max(_utc(each.start), span.start), min(_utc(each.end), span.end))
            if str(each.params.get("FBTYPE", "BUSY")).upper() != "FREE" and period.start < period.end:
                yield period


def _utc(value: datetime) -> datetime:
    """RFC 5545, 3.8.2.6: they are in UTC; one without a zone is taken for such."""
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
