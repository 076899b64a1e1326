"""iCalendar (RFC 5545) read: an object's text as typed events, its recurrences expanded in their own time zones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar as Component
from icalendar import Event as EventComponent

from connectors.caldav.moments import Moment, Window

__all__ = [
    "DamagedError",
    "Event",
    "Outline",
    "Person",
    "clean",
    "events_in",
    "expand",
    "latest",
    "named_date",
    "outline",
    "people_of",
    "pick",
    "read_object",
    "recurrence_name",
    "zone_in",
]

State = Literal["whole", "heavy", "damaged"]
"""Read in full; repeats in a way that is too much work, so that only its first date is shown; not readable."""

MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError)
"""What the libraries raise over text that is no proper iCalendar object."""

_LONGEST_TITLE, _LONGEST_PLACE, _LONGEST_NOTES, _MOST_PEOPLE = 500, 500, 20_000, 200
_LONGEST = 4_000_000
_A_DAY = timedelta(days=1)
_PROBE_SECONDS = 1.0
_MOST_A_DAY = 24
_FORWARD = timedelta(days=366)
_STATUS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}


class DamagedError(ValueError):
    """A text that is no readable calendar object."""


class Person(NamedTuple):
    """A guest or organiser; `status` is accepted, declined, tentative or open."""

    address: str
    name: str = ""
    status: str = "open"

    @property
    def shown(self) -> str:
        """Name and address."""
        return f"{self.name} <{self.address}>" if self.name else self.address


class Event(NamedTuple):
    """One date of an event, its ends aware; `recurrence` names it in its series ("" when it does not repeat).

    `floating`: the same hour in whichever zone one is, its ends put into the asking one's.
    """

    uid: str
    title: str
    start: datetime
    end: datetime
    all_day: bool
    floating: bool
    place: str
    notes: str
    organizer: Person | None
    guests: tuple[Person, ...]
    status: str
    busy: bool
    recurrence: str


class Outline(NamedTuple):
    """What the index holds of an object: its words, and between which times (seconds of Unix time) it happens."""

    uid: str
    title: str
    place: str
    people: str
    notes: str
    first: int
    last: int | None
    state: State


_DAMAGED = Outline("", "", "", "", "", 0, 0, "damaged")


def read_object(text: str) -> Component:
    """The calendar object in a text; raises `DamagedError`."""
    try:
        found: object = Component.from_ical(text)
        if isinstance(found, Component) and events_in(found) and all(each.start for each in events_in(found)):
            return found
    except MALFORMED as error:
        raise DamagedError("not a calendar object") from error
    raise DamagedError("no event in it")


def outline(text: str, *, now: datetime) -> Outline:
    """The index entry of an object; a damaged one has no words and no time."""
    if len(text) > _LONGEST:
        return _DAMAGED
    try:
        events = events_in(read_object(text))
        first, last = _span(events)
        words = (_joined(events, name) for name in ("SUMMARY", "LOCATION"))
        title, place = words
        people = " ".join(person.shown for each in events for person in people_of(each))
        notes = _joined(events, "DESCRIPTION")[:_LONGEST_NOTES]
        uid = _text(events[0], "UID", 500)
        return Outline(uid, title, place, people[:_LONGEST_NOTES], notes, first, last, _weigh(text, events, now))
    except MALFORMED:
        return _DAMAGED


def expand(text: str, span: Window, zone: tzinfo, *, heavy: bool = False) -> list[Event]:
    """The dates of an object that touch a span, by start; days and floating times are those of `zone`.

    `heavy` leaves rules of recurrence alone. Raises `DamagedError`.
    """
    calendar = read_object(text)
    try:
        repeats = _repeats(calendar)
        if heavy:
            _tame(calendar)
        query = recurring_ical_events.of(calendar)
        found = query.between(span.start.astimezone(UTC) - _A_DAY, span.end.astimezone(UTC) + _A_DAY)
        events = [_event(each, zone, repeats=repeats) for each in found]
    except MALFORMED as error:
        raise DamagedError("its dates cannot be told") from error
    return sorted((each for each in events if _touches(each, span)), key=lambda each: (each.start, each.title))


def latest(text: str, now: datetime, zone: tzinfo, *, heavy: bool = False) -> Event | None:
    """The next date of an object from `now` on, else the newest one of the year before, else its first."""
    ahead = expand(text, Window(now, now + _FORWARD), zone, heavy=heavy)
    if ahead:
        return ahead[0]
    behind = expand(text, Window(now - _FORWARD, now), zone, heavy=heavy)
    if behind:
        return behind[-1]
    return _earliest(text, zone, heavy=heavy)


def pick(text: str, recurrence: str, now: datetime, zone: tzinfo, *, heavy: bool = False) -> Event | None:
    """The date of a series with that name, wherever it was moved to; without a name the first date of the object."""
    if not recurrence:
        return _earliest(text, zone, heavy=heavy) or latest(text, now, zone, heavy=heavy)
    moved = (each.start for each in events_in(read_object(text)) if _is_named(each, recurrence))
    start = next((_aware(value, zone) for value in moved), None) or _named_time(recurrence)
    if start is None:
        return None
    near = expand(text, Window(start - 2 * _A_DAY, start + 2 * _A_DAY), zone, heavy=heavy)
    return next((each for each in near if each.recurrence == recurrence), None)


def people_of(component: EventComponent) -> list[Person]:
    """Organiser first, then the guests, each address once."""
    organizer = _organizer(component)
    found = [*([organizer] if organizer else []), *_guests(component)]
    return list({each.address: each for each in reversed(found)}.values())[::-1]


def named_date(component: EventComponent) -> Moment | None:
    """Which date of a series a component is (its RECURRENCE-ID)."""
    value = getattr(component.get("RECURRENCE-ID"), "dt", None)
    return value if isinstance(value, date) else None


def recurrence_name(value: Moment) -> str:
    """The name of a date in its series: its RECURRENCE-ID, UTC where it has a zone."""
    if not isinstance(value, datetime):
        return f"{value:%Y%m%d}"
    return f"{value:%Y%m%dT%H%M%S}" if value.tzinfo is None else f"{value.astimezone(UTC):%Y%m%dT%H%M%S}Z"


def zone_in(text: str) -> str:
    """The name in a VTIMEZONE (RFC 4791, 5.2.2) when this machine knows it, else ""."""
    try:
        named = [str(each.get("TZID", "")) for each in Component.from_ical(text).walk("VTIMEZONE")] if text else []
        return ZoneInfo(named[0]).key if named else ""
    except (*MALFORMED, OSError):
        return ""


def clean(text: str, longest: int) -> str:
    """A text without control characters but line ends and tabs, cut."""
    kept = "".join(each for each in text[: 2 * longest] if each in "\n\t" or each.isprintable() or each == "\u200d")
    return kept.strip()[:longest]


def events_in(calendar: Component) -> list[EventComponent]:
    """The events of an object: a series and the dates of it that differ."""
    return [each for each in calendar.walk("VEVENT") if isinstance(each, EventComponent)]


def _event(component: EventComponent, zone: tzinfo, *, repeats: bool) -> Event:
    start, end = component.start, component.end
    begins, ends = _aware(start, zone), _aware(end, zone)
    status = _text(component, "STATUS", 20).lower()
    named = named_date(component)
    return Event(
        uid=_text(component, "UID", 500),
        title=" ".join(_text(component, "SUMMARY", _LONGEST_TITLE).split()),
        start=begins,
        end=max(begins, ends),
        all_day=not isinstance(start, datetime),
        floating=isinstance(start, datetime) and start.tzinfo is None,
        place=_text(component, "LOCATION", _LONGEST_PLACE),
        notes=_text(component, "DESCRIPTION", _LONGEST_NOTES),
        organizer=_organizer(component),
        guests=_guests(component),
        status=status if status in ("tentative", "cancelled") else "confirmed",
        busy=status != "cancelled" and _text(component, "TRANSP", 20).upper() != "TRANSPARENT",
        recurrence=recurrence_name(named) if repeats and named is not None else "",
    )


def _earliest(text: str, zone: tzinfo, *, heavy: bool) -> Event | None:
    start = min(_aware(each.start, zone) for each in events_in(read_object(text)))
    return next(iter(expand(text, Window(start, start + _A_DAY), zone, heavy=heavy)), None)


def _is_named(component: EventComponent, recurrence: str) -> bool:
    value = named_date(component)
    return value is not None and recurrence_name(value) == recurrence


def _named_time(recurrence: str) -> datetime | None:
    """Roughly when a date of that name is."""
    try:
        found = datetime.fromisoformat(recurrence)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _touches(event: Event, span: Window) -> bool:
    """RFC 4791, 9.9: an event without length counts at its start."""
    return event.start < span.end and (event.end > span.start or event.start == event.end == span.start)


def _aware(value: Moment, zone: tzinfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=zone)
    return value if value.tzinfo else value.replace(tzinfo=zone)


def _span(events: Sequence[EventComponent]) -> tuple[int, int | None]:
    """First and last second of an object, a day wider on both sides for zones; None when its end is not plain."""
    times = [_aware(value, UTC) for each in events for value in (each.start, each.end)]
    named = [_aware(value, UTC) for each in events if (value := named_date(each)) is not None]
    first = int((min(times + named) - _A_DAY).timestamp())
    if any(name in each for each in events for name in ("RRULE", "RDATE")):
        return first, None
    return first, int((max(times) + _A_DAY).timestamp())


def _weigh(text: str, events: Sequence[EventComponent], now: datetime) -> State:
    """Whether an object's rule is work that nobody can use: a stranger's invitation must not stop the calendar.

    Rules that give many dates a day are refused by their looks, others by the processor time of one year.
    """
    rules = [rule for each in events for rule in _rules(each)]
    if not rules:
        return "whole"
    if any(_is_dense(rule) for rule in rules):
        return "heavy"
    began = time.thread_time()
    expand(text, Window(now, now + _FORWARD), UTC)
    return "heavy" if time.thread_time() - began > _PROBE_SECONDS else "whole"


def _is_dense(rule: Any) -> bool:
    often = str((rule.get("FREQ") or [""])[0]).upper() in ("SECONDLY", "MINUTELY", "HOURLY")
    a_day = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= max(len(rule.get(name) or ()), 1)
    return often or a_day > _MOST_A_DAY


def _rules(component: EventComponent) -> list[Any]:
    found = component.get("RRULE") or []
    return list(found) if isinstance(found, list) else [found]


def _tame(calendar: Component) -> None:
    for each in events_in(calendar):
        for name in ("RRULE", "RDATE"):
            each.pop(name, None)


def _repeats(calendar: Component) -> bool:
    events = events_in(calendar)
    return len(events) > 1 or any(name in each for each in events for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _organizer(component: EventComponent) -> Person | None:
    return next(iter(_people(component, "ORGANIZER")), None)


def _guests(component: EventComponent) -> tuple[Person, ...]:
    """The guests but the organiser, whom most programs list among them too."""
    organizer = _organizer(component)
    own = organizer.address if organizer else ""
    return tuple(each for each in _people(component, "ATTENDEE") if each.address != own)[:_MOST_PEOPLE]


def _people(component: EventComponent, name: str) -> Iterable[Person]:
    given = component.get(name) or []
    for each in given if isinstance(given, list) else [given]:
        address = clean(str(each).removeprefix("mailto:").removeprefix("MAILTO:"), 320)
        params = getattr(each, "params", {})
        if address:
            full = " ".join(clean(str(params.get("CN", "")), 100).split())
            yield Person(address.lower(), full, _STATUS.get(str(params.get("PARTSTAT", "")).upper(), "open"))


def _joined(events: Iterable[EventComponent], name: str) -> str:
    return " ".join(dict.fromkeys(text for each in events if (text := _text(each, name, _LONGEST_NOTES))))


def _text(component: EventComponent, name: str, longest: int) -> str:
    found = component.get(name)
    first = found[0] if isinstance(found, list) and found else found
    return "" if first is None or isinstance(first, list) else clean(str(first), longest)
