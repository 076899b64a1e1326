"""Events as Graph writes them (https://learn.microsoft.com/graph/api/resources/event), read into what we use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from connectors.outlook_calendar.people import person_in
from connectors.outlook_calendar.recurrence import rule_shown
from connectors.outlook_calendar.zones import iana_of
from openassistant.formats.guests import Person
from openassistant.formats.moments import Moment

__all__ = ["Event", "Kind", "MalformedError", "held_by", "is_thin", "read_event", "trimmed"]

Kind = Literal["single", "occurrence", "exception", "master"]
_KINDS: dict[str, Kind] = {
    "singleInstance": "single", "occurrence": "occurrence", "exception": "exception", "seriesMaster": "master",
}  # fmt: skip
_KEPT = (
    "id", "@odata.etag", "changeKey", "type", "seriesMasterId", "iCalUId", "subject", "start", "end", "isAllDay",
    "showAs", "sensitivity", "isCancelled", "isOrganizer", "organizer", "responseStatus", "recurrence", "onlineMeeting",
    "onlineMeetingUrl", "isOnlineMeeting", "originalStartTimeZone", "reminderMinutesBeforeStart", "isReminderOn",
    "allowNewTimeProposals", "hideAttendees", "transactionId", "createdDateTime",
)  # fmt: skip
_LONGEST, _LONGEST_NOTES, _MOST_PEOPLE = 1_000, 20_000, 500
_A_DAY = timedelta(days=1)


class MalformedError(ValueError):
    """Something that is no event."""


class Event(NamedTuple):
    """An event, a series (its times are those of its first date), or one date of a series.

    `start` and `end` (exclusive) are days or times in UTC; `answer` is the owner's (own, open, accepted, tentative,
    declined), given at `answered`.
    """

    ref: str
    kind: Kind
    series: str
    etag: str
    uid: str
    title: str
    place: str
    notes: str
    start: Moment
    end: Moment
    show: str
    cancelled: bool
    private: bool
    organizer: Person | None
    guests: tuple[Person, ...]
    own: bool
    answer: str
    answered: str
    recurrence: dict[str, Any]
    meets_online: bool
    join: str
    zone: str
    alarm: int | None
    proposals: bool
    transaction: str

    @property
    def all_day(self) -> bool:
        """Whether it takes whole days."""
        return not isinstance(self.start, datetime)

    @property
    def busy(self) -> bool:
        """Whether it takes time."""
        return self.show not in ("free", "workingElsewhere") and not self.cancelled and self.answer != "declined"

    @property
    def others(self) -> tuple[Person, ...]:
        """Who hears of a change that the owner makes: the guests of an own event."""
        return self.guests if self.own else ()


def trimmed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an event: the properties that are used, texts no longer than they are shown."""
    kept = {name: raw[name] for name in _KEPT if name in raw}
    if "subject" in kept:
        kept["subject"] = _text(kept["subject"], _LONGEST)
    if "location" in raw:
        kept["location"] = {"displayName": _text(_of(raw, "location", "displayName"), _LONGEST)}
    if "body" in raw:
        kept["body"] = {"content": _text(_of(raw, "body", "content"), _LONGEST_NOTES)}
    if isinstance(attendees := raw.get("attendees"), list):
        kept["attendees"] = attendees[:_MOST_PEOPLE]
    return kept


def is_thin(raw: Mapping[str, Any]) -> bool:
    """Whether it is a date of a series, whose other properties are those of its series."""
    return raw.get("type") == "occurrence"


def read_event(raw: Mapping[str, Any], series: Mapping[str, Any] | None = None) -> Event:
    """The event in a JSON object, what it leaves open taken from its series; raises `MalformedError`."""
    kind = _KINDS.get(str(raw.get("type") or "singleInstance"), "single")
    if series is not None and kind == "occurrence":
        times = ("id", "@odata.etag", "changeKey", "type", "seriesMasterId", "start", "end")
        raw = {**series, **{name: raw[name] for name in times if name in raw}, "recurrence": None}
    ref, of = raw.get("id"), raw.get("seriesMasterId")
    if not isinstance(ref, str) or not 0 < len(ref) <= 1_000 or {".", ".."} & {ref, str(of)}:
        raise MalformedError("no id")
    whole = raw.get("isAllDay") is True
    start, end = _moment(raw.get("start"), whole=whole), _moment(raw.get("end"), whole=whole)
    if end < start:
        raise MalformedError("ends before it starts")
    if not isinstance(start, datetime) and end == start:
        end = start + _A_DAY
    guests = tuple(
        each for value in _list(raw.get("attendees"))[:_MOST_PEOPLE] if (each := person_in(value, value.get("status")))
    )
    organizer = person_in(raw.get("organizer"))
    own = raw.get("isOrganizer") is not False
    rule = raw.get("recurrence")
    alarm = raw.get("reminderMinutesBeforeStart")
    return Event(
        ref=ref,
        kind=kind,
        series=_text(of, 1_000),
        etag=_text(raw.get("@odata.etag"), 500),
        uid=_text(raw.get("iCalUId"), 500),
        title=" ".join(_text(raw.get("subject"), _LONGEST).split()),
        place=_text(_of(raw, "location", "displayName"), _LONGEST),
        notes=_text(_of(raw, "body", "content"), _LONGEST_NOTES).strip(),
        start=start,
        end=end,
        show=_text(raw.get("showAs"), 40) or "busy",
        cancelled=raw.get("isCancelled") is True,
        private=raw.get("sensitivity") in ("private", "confidential", "personal"),
        organizer=organizer,
        guests=tuple(each for each in guests if organizer is None or each.address != organizer.address),
        own=own,
        answer="own" if own else _answer(_of(raw, "responseStatus", "response")),
        answered=_text(_of(raw, "responseStatus", "time"), 60),
        recurrence=rule if isinstance(rule, dict) else {},
        meets_online=raw.get("isOnlineMeeting") is True,
        join=_text(_of(raw, "onlineMeeting", "joinUrl") or raw.get("onlineMeetingUrl"), 2_000),
        zone=iana_of(_text(raw.get("originalStartTimeZone"), 100)),
        alarm=alarm if isinstance(alarm, int) and raw.get("isReminderOn") is True else None,
        proposals=raw.get("allowNewTimeProposals") is not False,
        transaction=_text(raw.get("transactionId"), 200),
    )


def held_by(raw: Mapping[str, Any]) -> str:
    """A digest of what the tools can change in an event; "" where it is none.

    The text of an online meeting is not in it, for Exchange writes the link there in its own time.
    """
    try:
        event = read_event(raw)
    except MalformedError:
        return ""
    people = sorted((each.address, each.kind) for each in event.guests)
    notes = "" if event.meets_online else event.notes.split()
    moments = event.start.isoformat(), event.end.isoformat()
    held = (
        event.title,
        event.place,
        notes,
        moments,
        people,
        rule_shown(event.recurrence),
        event.alarm,
        event.meets_online,
    )
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def _moment(value: Any, *, whole: bool) -> Moment:
    """A `dateTimeTimeZone`; a whole day is that day in whichever zone."""
    typed = value.get("dateTime") if isinstance(value, dict) else None
    if not isinstance(typed, str):
        raise MalformedError("no time")
    try:
        found = datetime.fromisoformat(typed[:19])
        if whole:
            return date(found.year, found.month, found.day)
        zone = iana_of(_text(value.get("timeZone"), 100)) or "UTC"
        return found.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedError("no time") from error


def _answer(response: Any) -> str:
    known = {"accepted": "accepted", "tentativelyAccepted": "tentative", "declined": "declined", "organizer": "own"}
    return known.get(str(response), "open")


def _of(raw: Mapping[str, Any], name: str, inner: str) -> Any:
    value = raw.get(name)
    return value.get(inner) if isinstance(value, dict) else None


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any, longest: int) -> str:
    return value.replace("\x00", "")[:longest] if isinstance(value, str) else ""
