"""Events as Google gives them, read once into plain values.

https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from openassistant.errors import InvalidRequest
from openassistant.formats.charsets import clean as plain
from openassistant.formats.guests import Person
from openassistant.formats.markup import text_of
from openassistant.formats.moments import Moment, zone_named

__all__ = [
    "MARK",
    "Event",
    "MalformedError",
    "clean",
    "held_by",
    "mark_of",
    "private_of",
    "read_event",
    "suffix_of",
    "trimmed",
]

MARK = "open_assistant_call"
"""The private property that says which call changed an event: how an interrupted one is found again."""

_KEPT = (
    "id", "etag", "status", "summary", "description", "location", "organizer", "start", "end", "recurrence",
    "recurringEventId", "originalStartTime", "transparency", "visibility", "iCalUID", "attendees", "attendeesOmitted",
    "extendedProperties", "hangoutLink", "conferenceData", "reminders", "eventType", "creator",
)  # fmt: skip
_HELD = ("status", "summary", "description", "location", "start", "end", "recurrence", "transparency", "reminders")
_MOST_PEOPLE, _MOST_LINES, _LONGEST_LINE = 200, 50, 4_000
_LONGEST_TITLE, _LONGEST_NOTES = 500, 20_000
_ANSWERS = {"accepted": "accepted", "declined": "declined", "tentative": "tentative"}
_MARKUP = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,500}|!--.{0,500}?--)>", re.DOTALL)
_MEET = re.compile(r"https://[A-Za-z0-9.-]+/\S{1,500}")
_YEARS = range(1, 9_990)


class MalformedError(ValueError):
    """An answer that is no event."""


class Event(NamedTuple):
    """An event, a series, or a date of one that differs from it; the end is exclusive.

    `own`: nobody else organises it. `answer` is the user's (own, open, accepted, tentative, declined; none where they
    are no guest). `zone` is where it is kept, `series` the id of its series, `original` when the date was in it.
    `alarms` are minutes before the start, None where the calendar's usual ones hold. `creator` is who entered it.
    """

    ref: str
    uid: str
    etag: str
    title: str
    start: Moment
    end: Moment
    zone: str
    place: str
    notes: str
    organizer: Person | None
    own: bool
    guests: tuple[Person, ...]
    answer: str
    status: str
    busy: bool
    recurrence: tuple[str, ...] = ()
    series: str = ""
    original: Moment | None = None
    join: str = ""
    alarms: tuple[int, ...] | None = None
    kind: str = "default"
    private: bool = False
    creator: Person | None = None

    @property
    def others(self) -> tuple[Person, ...]:
        """Who is told of a change: the guests of the owner's event, the organiser of another's."""
        if not self.own:
            return (self.organizer,) if self.organizer else ()
        return self.guests


def read_event(raw: Mapping[str, Any], calendar: str = "") -> Event:
    """The event in an answer; `calendar` is the id of the calendar it stands in. Raises `MalformedError`."""
    ref = raw.get("id")
    if not isinstance(ref, str) or not ref or len(ref) > 1_100:
        raise MalformedError("no id")
    organizer, own = _organizer(raw.get("organizer"), calendar)
    guests, mine = _people(raw.get("attendees"), own=own, calendar=calendar)
    original = _moment(raw.get("originalStartTime"))
    start = _moment(raw.get("start")) or original
    end = _moment(raw.get("end")) or start
    if start is None or end is None:
        raise MalformedError("no time")
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise MalformedError("a day and a time")
    status = raw.get("status")
    return Event(
        ref=ref,
        uid=_text(raw.get("iCalUID"), 500),
        etag=_text(raw.get("etag"), 200),
        title=" ".join(_text(raw.get("summary"), _LONGEST_TITLE).split()),
        start=start,
        end=max(start, end),
        zone=start.tzinfo.key if isinstance(start, datetime) and isinstance(start.tzinfo, ZoneInfo) else "",
        place=_text(raw.get("location"), _LONGEST_TITLE),
        notes=_notes(raw.get("description")),
        organizer=organizer,
        own=own,
        guests=guests,
        answer="own" if own else mine or "none",
        status=status if status in ("tentative", "cancelled") else "confirmed",
        busy=status != "cancelled"
        and raw.get("transparency") != "transparent"
        and raw.get("eventType") != "workingLocation"
        and mine != "declined",
        recurrence=_lines(raw.get("recurrence")),
        series=_text(raw.get("recurringEventId"), 1_100),
        original=original,
        join=_join(raw),
        alarms=_alarms(raw.get("reminders")),
        kind=_text(raw.get("eventType"), 40) or "default",
        private=raw.get("visibility") in ("private", "confidential"),
        creator=_person(raw.get("creator")),
    )


def suffix_of(original: Moment) -> str:
    """What Google appends to the id of a series for one of its dates: its day, or its time in UTC."""
    if not isinstance(original, datetime):
        return f"{original:%Y%m%d}"
    return f"{original.astimezone(UTC):%Y%m%dT%H%M%S}Z"


def trimmed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the mirror keeps of an answer."""
    kept = {name: raw[name] for name in _KEPT if name in raw}
    if isinstance(kept.get("description"), str):
        kept["description"] = kept["description"][: 2 * _LONGEST_NOTES]
    if isinstance(kept.get("attendees"), list) and len(kept["attendees"]) > _MOST_PEOPLE:
        kept["attendees"] = [*kept["attendees"][:_MOST_PEOPLE]]
    return kept


def mark_of(raw: Mapping[str, Any]) -> str:
    """Which call changed an event last; "" for none."""
    return str(private_of(raw).get(MARK) or "")


def private_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The private properties of an event."""
    extended = raw.get("extendedProperties")
    found = extended.get("private") if isinstance(extended, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def held_by(raw: Mapping[str, Any]) -> str:
    """A digest of what a person would call the event: Google's etag changes for less."""
    kept = {name: _same(raw.get(name)) for name in _HELD if raw.get(name) not in (None, "", [])}
    listed = raw.get("attendees")
    people = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    kept["people"] = sorted(str(each.get("email")).lower() for each in people)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def clean(text: str, longest: int) -> str:
    """A text without control characters but line ends and tabs, cut."""
    kept = "".join(each for each in plain(text[: 2 * longest]) if each in "\n\t" or each.isprintable())
    return kept.strip()[:longest]


def _same(value: Any) -> Any:
    """A time as a moment, whichever offset it is written with; anything else as it is."""
    try:
        moment = _moment(value)
    except MalformedError:
        return value
    if moment is None:
        return value
    return moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) else moment.isoformat()


def _text(value: Any, longest: int) -> str:
    return clean(value, longest) if isinstance(value, str) else ""


def _notes(value: Any) -> str:
    """A description may be HTML, and nothing says so but its looks."""
    if not isinstance(value, str):
        return ""
    cut = value[: 2 * _LONGEST_NOTES]
    return clean(text_of(cut) if _MARKUP.search(cut) else cut, _LONGEST_NOTES)


def _moment(value: Any) -> Moment | None:
    """A day, or an aware time in the zone that it is kept in."""
    if not isinstance(value, dict):
        return None
    day, when, zone = value.get("date"), value.get("dateTime"), value.get("timeZone")
    try:
        if isinstance(when, str):
            found = datetime.fromisoformat(when)
            named = zone_named(zone) if isinstance(zone, str) and zone else None
            found = found.replace(tzinfo=named or UTC) if found.tzinfo is None else found
            return _in_reach(found.astimezone(named) if named else found)
        return _in_reach(date.fromisoformat(day)) if isinstance(day, str) else None
    except (ValueError, OverflowError, InvalidRequest) as error:
        raise MalformedError("no time") from error


def _in_reach(value: Moment) -> Moment:
    if value.year not in _YEARS:
        raise MalformedError("out of reach")
    return value


def _person(value: Any, status: str = "open") -> Person | None:
    address = value.get("email") if isinstance(value, dict) else None
    if not isinstance(address, str) or not address.strip():
        return None
    name = value.get("displayName")
    shown = " ".join(clean(name, 100).split()) if isinstance(name, str) else ""
    return Person(" ".join(clean(address, 254).split()).lower(), shown, status)


def _organizer(value: Any, calendar: str) -> tuple[Person | None, bool]:
    person = _person(value)
    if person is None:
        return None, True
    return person, value.get("self") is True or person.address == calendar.lower()


def _people(value: Any, *, own: bool, calendar: str) -> tuple[tuple[Person, ...], str]:
    """The guests without the user, and the user's own answer ("" where they are no guest)."""
    guests, mine = list[Person](), ""
    for each in (value if isinstance(value, list) else [])[:_MOST_PEOPLE]:
        person = _person(each, _ANSWERS.get(str(each.get("responseStatus")) if isinstance(each, dict) else "", "open"))
        if person is None:
            continue
        if each.get("self") is True or person.address == calendar.lower():
            mine = person.status
        elif each.get("resource") is not True and not (each.get("organizer") is True and not own):
            guests.append(person)
    return tuple(guests), mine


def _lines(value: Any) -> tuple[str, ...]:
    found = [each for each in (value if isinstance(value, list) else []) if isinstance(each, str)]
    return tuple(each for each in found[:_MOST_LINES] if len(each) <= _LONGEST_LINE and "\n" not in each)


def _join(raw: Mapping[str, Any]) -> str:
    data = raw.get("conferenceData")
    points = data.get("entryPoints") if isinstance(data, dict) else None
    listed = [each for each in (points if isinstance(points, list) else []) if isinstance(each, dict)]
    video = next((each.get("uri") for each in listed if each.get("entryPointType") == "video"), None)
    link = raw.get("hangoutLink") or video
    return link if isinstance(link, str) and _MEET.fullmatch(link) else ""


def _alarms(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, dict) or value.get("useDefault") is True:
        return None
    listed = value.get("overrides")
    found = [each.get("minutes") for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    return tuple(sorted({each for each in found if isinstance(each, int) and 0 <= each <= 40_320}))
