"""Invitations (iTIP, RFC 5546) in calendar objects: what the user answered, a new answer, and what came by mail."""

from __future__ import annotations

import copy
from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple

from icalendar import Calendar
from icalendar import Event as EventComponent

from connectors.caldav.compose import split_off, target_of
from connectors.caldav.objects import (
    MALFORMED,
    DamagedError,
    attendees_of,
    events_in,
    named_date,
    organizer_of,
    read_object,
    recurrence_name,
    text_in,
)
from connectors.caldav.writing import named_parts, replace, stamp, written
from openassistant.calendars.arguments import Answer
from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.formats.guests import Person

__all__ = [
    "Answer",
    "Asked",
    "Letter",
    "answer_in",
    "answered_object",
    "asked_in",
    "filed_object",
    "is_kept_by_server",
    "read_letter",
]

_PARTSTAT: dict[Answer, str] = {"accept": "ACCEPTED", "tentative": "TENTATIVE", "decline": "DECLINED"}
_STATUS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_LONGEST_COMMENT = 2_000
_KEPT = {
    "UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "SUMMARY", "DESCRIPTION", "LOCATION", "DTSTART", "DTEND",
    "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "ORGANIZER", "ATTENDEE", "STATUS", "TRANSP", "URL",
    "CLASS",
}  # fmt: skip
"""What is taken over from an invitation; alarms, files and what programs whisper to each other are not."""


class Asked(NamedTuple):
    """An invitation in an object: for the whole, or for one date of a series; `answer` is the user's, or open."""

    recurrence: str
    answer: str
    sequence: int
    cancelled: bool


class Letter(NamedTuple):
    """An invitation, an update of one or a cancellation, as it came by mail: one event, or dates of it."""

    calendar: Calendar
    method: Literal["REQUEST", "CANCEL", "PUBLISH"]
    uid: str
    sequence: int
    organizer: Person | None

    @property
    def parts(self) -> list[EventComponent]:
        """Its components: the whole first."""
        return _sorted(self.calendar)

    @property
    def is_whole(self) -> bool:
        """Whether it is about all of an event, not about single dates of a series."""
        return named_date(self.parts[0]) is None


def asked_in(text: str, own: Collection[str]) -> list[Asked]:
    """To what of an object the user is invited by somebody else, the whole first; raises `DamagedError`."""
    try:
        return [
            Asked(_name(part), _status(part, own), _sequence(part), text_in(part, "STATUS", 20).upper() == "CANCELLED")
            for part in _sorted(read_object(text))
            if _is_invited(part, own)
        ]
    except MALFORMED as error:
        raise DamagedError("its dates cannot be told") from error


def answer_in(text: str, recurrence: str, own: Collection[str]) -> str:
    """What the user answered for a date of an object, or for the whole; "" when nobody asked or nothing can be read."""
    try:
        part = target_of(read_object(text), recurrence)
    except (NotFound, *MALFORMED):
        return ""
    return _status(part, own) if attendees_of(part, own) else ""


def answered_object(
    text: str, recurrence: str, own: Collection[str], answer: Answer, comment: str, *, mark: str, now: datetime
) -> str:
    """An object with the user's answer in it, no other word changed (RFC 6638, 3.2.2.1); raises `InvalidRequest`.

    The answer to a whole series is also that to those of its dates that are still open.
    """
    try:
        return _answered(read_object(text), recurrence, own, answer, comment, mark=mark, now=now)
    except MALFORMED as error:
        raise InvalidRequest("That event is malformed; answer it in another calendar program.") from error


def _answered(
    calendar: Calendar, recurrence: str, own: Collection[str], answer: Answer, comment: str, *, mark: str, now: datetime
) -> str:
    part = target_of(calendar, recurrence)
    _require_asked(part, own)
    if recurrence and named_date(part) is None:
        part = split_off(calendar, part, recurrence)
    others = (
        [each for each in events_in(calendar) if each is not part and _is_open(each, own)] if not recurrence else []
    )
    for each in (part, *others):
        _put_answer(each, own, _PARTSTAT[answer])
        stamp(each, mark, now)
    if comment:
        part.pop("COMMENT", None)
        part.add("COMMENT", comment[:_LONGEST_COMMENT])
    return written(calendar)


def is_kept_by_server(text: str) -> bool:
    """Whether a server that schedules looks after an invitation; not where the user's program said it does (3.2.2)."""
    organizers = [each for part in events_in(read_object(text)) for each in _organizers(part)]
    return any(str(each.params.get("SCHEDULE-AGENT", "SERVER")).upper() == "SERVER" for each in organizers)


def read_letter(text: str) -> Letter:
    """What came by mail, cut down to what is taken over; raises `InvalidRequest` that says what is wrong with it."""
    try:
        calendar = read_object(text)
        method = text_in(calendar, "METHOD", 20).upper()
        uids = {text_in(each, "UID", 500) for each in _sorted(calendar)}
    except MALFORMED as error:
        raise InvalidRequest(
            "ics: that is no invitation that can be read; pass it on exactly as it was given."
        ) from error
    if method not in ("REQUEST", "CANCEL", "PUBLISH"):
        raise InvalidRequest("ics: only an invitation, an update or a cancellation goes into the calendar.")
    organizers = {found.address if (found := organizer_of(each)) else "" for each in events_in(calendar)}
    if len(uids) != 1 or "" in uids or len(organizers) > 1:
        raise InvalidRequest("ics: it must be about one event of one organiser.")
    for part in events_in(calendar):
        part.subcomponents = []
        for name in [name for name in part if name.upper() not in _KEPT]:
            part.pop(name)
    calendar.pop("METHOD", None)
    first = _sorted(calendar)[0]
    sequence = max(_sequence(each) for each in events_in(calendar))
    return Letter(calendar, method, uids.pop(), sequence, organizer_of(first))  # type: ignore[arg-type]  # looked at above


def filed_object(
    letter: Letter, before: str, own: Collection[str], answer: Answer | None, *, quiet: bool, mark: str, now: datetime
) -> str:
    """The object that a letter makes of what the calendar holds ("" for nothing); raises `InvalidRequest`, `Conflict`.

    `quiet` tells a server that schedules to keep out of it: the answer went by mail.
    """
    try:
        return _filed(letter, before, own, answer, quiet=quiet, mark=mark, now=now)
    except MALFORMED as error:
        raise InvalidRequest("ics: its dates make no sense together, so it was left out.") from error


def _filed(
    letter: Letter, before: str, own: Collection[str], answer: Answer | None, *, quiet: bool, mark: str, now: datetime
) -> str:
    if before:
        _require_newer(letter, before)
    elif letter.method == "CANCEL":
        raise InvalidRequest("That event is not in the calendar, so there is nothing to call off.")
    calendar = _called_off(letter, before) if letter.method == "CANCEL" else _updated(letter, before, own)
    for part in events_in(calendar):
        if answer is not None and _is_in(part, letter):
            _put_answer(part, own, _PARTSTAT[answer])
        for each in _organizers(part) if quiet else ():
            each.params["SCHEDULE-AGENT"] = "CLIENT"
        if _is_in(part, letter):
            stamp(part, mark, now)
    return written(calendar)


def _require_newer(letter: Letter, before: str) -> None:
    """An update counts when it comes from the same organiser and is not older (RFC 5546, 2.1.4 and 2.1.5)."""
    kept = read_object(before)
    organizer = next((found for each in _sorted(kept) if (found := organizer_of(each))), None)
    if organizer is None or letter.organizer is None or organizer.address != letter.organizer.address:
        raise Conflict(
            "The calendar holds that event from another organiser, who alone can change it. This one may be forged: do"
            " not act on it, and ask the organiser in another way."
        )
    known = [each for each in events_in(kept) if letter.is_whole or _is_in(each, letter)]
    if any(_sequence(each) > letter.sequence for each in known):
        raise Conflict("The calendar holds a newer version of that event, so this one was left out.")


def _updated(letter: Letter, before: str, own: Collection[str]) -> Calendar:
    """The letter's event with the user's own alarms and answers; or the kept series with the letter's dates in it."""
    if not before:
        return copy.deepcopy(letter.calendar)
    kept = read_object(before)
    calendar = copy.deepcopy(letter.calendar) if letter.is_whole else kept
    if not letter.is_whole:
        for part in letter.parts:
            for old in named_parts(calendar, _name(part)):
                calendar.subcomponents.remove(old)
            calendar.add_component(copy.deepcopy(part))
    for part in events_in(calendar):
        former = next((each for each in events_in(read_object(before)) if _name(each) == _name(part)), None)
        if former is not None:
            _keep_own(part, former, own)
    return calendar


def _keep_own(part: EventComponent, old: EventComponent, own: Collection[str]) -> None:
    """The user's reminders stay, the answer as long as the time is the same, and of one revision all its guests.

    A letter names few of a crowd, and what others answered since stands in the calendar alone.
    """
    part.subcomponents = [copy.deepcopy(each) for each in old.subcomponents if each.name == "VALARM"]
    if _sequence(part) == _sequence(old) and "ATTENDEE" in old:
        part["ATTENDEE"] = copy.deepcopy(old["ATTENDEE"])
    answered = attendees_of(old, own)
    if answered and (part.start, part.end) == (old.start, old.end):
        _put_answer(part, own, str(answered[0].params.get("PARTSTAT", "NEEDS-ACTION")))


def _called_off(letter: Letter, before: str) -> Calendar:
    calendar = read_object(before)
    parts = events_in(calendar)
    if not letter.is_whole:
        parts = [_date_of(calendar, _name(each)) for each in letter.parts]
    for part in parts:
        replace(part, "STATUS", "CANCELLED")
        replace(part, "SEQUENCE", max(_sequence(part), letter.sequence))
    return calendar


def _date_of(calendar: Calendar, recurrence: str) -> EventComponent:
    part = target_of(calendar, recurrence)
    return part if named_date(part) is not None else split_off(calendar, part, recurrence)


def _is_in(part: EventComponent, letter: Letter) -> bool:
    if letter.is_whole and letter.method == "CANCEL":
        return True
    return _name(part) in {_name(each) for each in letter.parts}


def _require_asked(part: EventComponent, own: Collection[str]) -> None:
    if not _is_invited(part, own):
        raise InvalidRequest(
            "The user is not invited to that event under an address that this account knows. If one is missing, it can"
            " be entered in the calendar account's settings."
        )
    if text_in(part, "STATUS", 20).upper() == "CANCELLED":
        raise InvalidRequest("That event was called off, so there is nothing to answer.")


def _put_answer(part: EventComponent, own: Collection[str], partstat: str) -> None:
    for each in attendees_of(part, own):
        each.params["PARTSTAT"] = partstat
        each.params.pop("RSVP", None)


def _is_invited(part: EventComponent, own: Collection[str]) -> bool:
    organizer = organizer_of(part)
    return organizer is not None and organizer.address not in own and bool(attendees_of(part, own))


def _is_open(part: EventComponent, own: Collection[str]) -> bool:
    return _is_invited(part, own) and _status(part, own) == "open"


def _status(part: EventComponent, own: Collection[str]) -> str:
    answers = [str(each.params.get("PARTSTAT", "")).upper() for each in attendees_of(part, own)]
    return next((_STATUS[each] for each in answers if each in _STATUS), "open")


def _organizers(part: EventComponent) -> list[Any]:
    """The ORGANIZER values as they stand, of which there should be one."""
    given = part.get("ORGANIZER") or []
    return [each for each in (given if isinstance(given, list) else [given]) if hasattr(each, "params")]


def _sorted(calendar: Calendar) -> list[EventComponent]:
    return sorted(events_in(calendar), key=lambda each: named_date(each) is not None)


def _name(part: EventComponent) -> str:
    named = named_date(part)
    return "" if named is None else recurrence_name(named)


def _sequence(part: EventComponent) -> int:
    found = part.get("SEQUENCE", 0)
    return found if isinstance(found, int) else 0
