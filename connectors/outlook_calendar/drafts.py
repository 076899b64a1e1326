"""What a call would do to events, worked out from its arguments and the mirror alone: for the act and its preview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.account import local_zone, owner_of
from connectors.outlook_calendar.events import Event
from connectors.outlook_calendar.mirror import Kept, KeptCalendar
from connectors.outlook_calendar.people import attendee
from connectors.outlook_calendar.recurrence import last_day, recurrence_of
from connectors.outlook_calendar.zones import windows_of
from openassistant.calendars.arguments import calendar_to_write, title_of
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound
from openassistant.formats.guests import Person, parse_guests
from openassistant.formats.moments import Moment, day_of, in_zone, moment, range_of
from openassistant.formats.repeats import Frequency, Repeat, Weekday, repeat_of

__all__ = [
    "Changes",
    "Chosen",
    "Draft",
    "Extent",
    "calendar_named",
    "changes_of",
    "chosen",
    "clean",
    "new_event",
    "time_slot",
]

Extent = Literal["this", "all"]
_LONGEST_TITLE, _LONGEST_NOTES = 500, 20_000


class Draft(NamedTuple):
    """An event before it is created: what is shown of it, and the body of the request."""

    calendar: KeptCalendar
    title: str
    start: Moment
    end: Moment
    place: str
    notes: str
    guests: tuple[Person, ...]
    repeat: Repeat | None
    alarm: int | None
    online: bool
    body: dict[str, Any]


class Chosen(NamedTuple):
    """An event that a call names, and how far the call reaches: one date of a series, or all of it."""

    kept: Kept
    extent: Extent

    @property
    def event(self) -> Event:
        """The event itself."""
        return self.kept.event


class Changes(NamedTuple):
    """What is to become of an event: rows for the owner, whom it reaches, and the body of the request."""

    rows: dict[str, str | tuple[Moment, Moment]]
    told: tuple[Person, ...]
    notes: str
    body: dict[str, Any]


async def new_event(
    ctx: Context,
    *,
    title: str,
    start: str,
    end: str | None,
    zone: str | None,
    place: str | None,
    notes: str | None,
    guests: Sequence[str] | None,
    calendar: str | None,
    repeats: Frequency | None,
    every: int,
    on: Sequence[Weekday] | None,
    until: str | None,
    count: int | None,
    alarm: int | None,
    online: bool,
) -> Draft:
    """The event that a call would create; raises `InvalidRequest` that says which part to correct."""
    into = await calendar_named(ctx, calendar)
    local = await local_zone(ctx, zone)
    first, last = range_of(moment(start, "start", local), moment(end, "end", local) if end else None)
    repeat = repeat_of(repeats, every=every, on=on, until=until, count=count, start=first)
    invited = parse_guests(guests)
    named = _zone_name(local)
    body: dict[str, Any] = {
        "subject": title_of(clean(title, _LONGEST_TITLE)),
        "body": {"contentType": "text", "content": clean(notes or "", _LONGEST_NOTES)},
        **_times_body(first, last, local),
        "isReminderOn": alarm is not None,
        "location": {"displayName": clean(place or "", _LONGEST_TITLE)},
        "attendees": [attendee(each) for each in invited],
    }
    if alarm is not None:
        body["reminderMinutesBeforeStart"] = alarm
    if repeat is not None:
        body["recurrence"] = recurrence_of(repeat, first, named)
    if online:
        body |= _online(into)
    return Draft(
        into, body["subject"], first, last, body["location"]["displayName"], body["body"]["content"], invited, repeat,
        alarm, online, body,
    )  # fmt: skip


async def chosen(ctx: Context, event: str, extent: Extent | None = None, *, to_write: bool = True) -> Chosen:
    """The event with an id as the tools give it; raises `NotFound`, `Forbidden`."""
    owner = owner_of(ctx)
    kept = await ctx.store.read(lambda c: mirror.event_of(c, owner, event))
    if kept is not None and extent == "all" and kept.series:
        series = kept.series
        kept = await ctx.store.read(lambda c: mirror.event_of(c, owner, series))
    if kept is None:
        raise NotFound("There is no event with that id; take it from events_list or events_search.")
    if to_write and not kept.calendar.writable:
        raise Forbidden("Its calendar is read-only.")
    if extent == "this" and kept.event.kind == "master":
        raise InvalidRequest("Give the id of one date of the series, as events_list gives it.")
    return Chosen(kept, "all" if kept.event.kind in ("master", "single") else "this")


async def changes_of(
    ctx: Context,
    found: Chosen,
    *,
    title: str | None,
    start: str | None,
    end: str | None,
    zone: str | None,
    place: str | None,
    notes: str | None,
    guests: Sequence[str] | None,
    until: str | None,
    alarm: int | None,
    online: bool | None,
    tell_guests: bool,
) -> Changes:
    """The changes that a call asks for; raises `InvalidRequest` where they must not or cannot be made."""
    asked = (title, start, end, place, notes, guests, until, online)
    for_others = any(each is not None for each in asked)
    if not for_others and alarm is None:
        raise InvalidRequest("Say what to change: title, start, end, place, notes, guests, until, alarm or online.")
    if for_others:
        _require_own(found, notes, told=tell_guests or guests is not None)
    rows: dict[str, str | tuple[Moment, Moment]] = {}
    body: dict[str, Any] = {}
    if title is not None:
        body["subject"] = rows["New title"] = title_of(clean(title, _LONGEST_TITLE))
    if start is not None or end is not None:
        first, last, local = await _new_times(ctx, found, start, end, zone)
        body |= _times_body(first, last, local)
        rows["New time"] = (first, last)
    _change_texts(rows, body, place, notes)
    told = _change_guests(found, rows, body, guests, told=for_others)
    if until is not None:
        body["recurrence"] = _ending(found, until)
        rows["New last day"] = str(body["recurrence"]["range"]["endDate"])
    if alarm is not None:
        body |= {"isReminderOn": True, "reminderMinutesBeforeStart": alarm}
        rows["New reminder"] = f"{alarm} minutes before"
    if online is not None:
        body |= _online(found.kept.calendar) if online else {"isOnlineMeeting": False}
        rows["Online meeting"] = "yes" if online else "no"
    return Changes(rows, told, clean(notes or "", _LONGEST_NOTES), body)


def _require_own(found: Chosen, notes: str | None, *, told: bool) -> None:
    event = found.event
    if not event.own:
        raise InvalidRequest(
            "This event is organised by somebody else, who alone can change it; only its alarm is the user's."
        )
    if event.others and not told:
        raise InvalidRequest("This event has guests, who hear of every change: set tell_guests to true.")
    if notes is not None and event.meets_online:
        raise InvalidRequest("The notes of an online meeting hold its link; change them in Outlook.")


def _change_texts(
    rows: dict[str, str | tuple[Moment, Moment]], body: dict[str, Any], place: str | None, notes: str | None
) -> None:
    if place is not None:
        body["location"] = {"displayName": clean(place, _LONGEST_TITLE)}
        rows["New place"] = body["location"]["displayName"] or "none"
    if notes is not None:
        body["body"] = {"contentType": "text", "content": clean(notes, _LONGEST_NOTES)}
        rows["New notes"] = "" if notes else "none"


def _change_guests(
    found: Chosen,
    rows: dict[str, str | tuple[Moment, Moment]],
    body: dict[str, Any],
    guests: Sequence[str] | None,
    *,
    told: bool,
) -> tuple[Person, ...]:
    """Whom the change reaches: who is invited, who is not any more, and who stays."""
    others = found.event.others if told else ()
    if guests is None:
        return others
    known = {each.address: each for each in found.event.guests}
    invited = [
        each._replace(kind=known[each.address].kind) if each.address in known else each for each in parse_guests(guests)
    ]
    body["attendees"] = [attendee(each) for each in invited]
    rows["New guests"] = ", ".join(each.shown for each in invited) or "nobody"
    return tuple({each.address: each for each in (*others, *invited)}.values())


async def calendar_named(ctx: Context, name: str | None) -> KeptCalendar:
    """The calendar of that name that can be written to; without a name the usual one."""
    owner = owner_of(ctx)
    known = await ctx.store.read(lambda c: mirror.calendars(c, owner))
    return calendar_to_write(known, name)


def clean(text: str, longest: int) -> str:
    """A text without characters that no calendar shows, no longer than allowed."""
    return "".join(each for each in text if each in "\n\t" or (ord(each) >= 32 and ord(each) != 127))[:longest]


async def _new_times(
    ctx: Context, found: Chosen, start: str | None, end: str | None, zone: str | None
) -> tuple[Moment, Moment, tzinfo]:
    """The new times of an event, and the zone that they are written in: a series keeps its own."""
    event = found.event
    local = await local_zone(ctx, zone)
    if zone is None and event.zone:
        kept_in: tzinfo = ZoneInfo(event.zone)
    else:
        kept_in = local
    old_start, old_end = in_zone(event.start, kept_in), in_zone(event.end, kept_in)
    first = in_zone(moment(start, "start", local), kept_in) if start is not None else old_start
    if end is not None:
        last = in_zone(range_of(moment(start, "start", local) if start else event.start, moment(end, "end", local))[1],
                        kept_in)  # fmt: skip
    elif isinstance(first, datetime) == isinstance(old_start, datetime):
        last = first + (old_end - old_start)
    else:
        last = range_of(first, None)[1]
    if last <= first:
        raise InvalidRequest("The end must lie after the start.")
    if event.kind == "master" and (
        day_of(first) != day_of(old_start) or event.all_day != (not isinstance(first, datetime))
    ):
        raise InvalidRequest(
            "A series stays on its days: change the time of day of all of it, or single dates."
            f" Its first date is {day_of(old_start).isoformat()}."
        )
    return first, last, kept_in


def _ending(found: Chosen, until: str) -> dict[str, Any]:
    """The recurrence of a series with another last day; what goes on for ever or was counted ends there, too."""
    event = found.event
    if event.kind != "master":
        raise InvalidRequest("until: only a series has a last day; give extent all.")
    pattern, range_ = event.recurrence.get("pattern"), event.recurrence.get("range")
    if not isinstance(pattern, dict) or not isinstance(range_, dict):
        raise InvalidRequest("until: how this series repeats is not known here; change it in Outlook.")
    last = last_day(until, event.start)
    kept = {name: range_[name] for name in ("startDate", "recurrenceTimeZone") if range_.get(name)}
    return {"pattern": pattern, "range": {**kept, "type": "endDate", "endDate": last.isoformat()}}


def _times_body(first: Moment, last: Moment, local: tzinfo) -> dict[str, Any]:
    named = _zone_name(local)
    if isinstance(first, datetime) and isinstance(last, datetime):
        typed = [each.astimezone(local).replace(tzinfo=None).isoformat(timespec="seconds") for each in (first, last)]
    else:
        typed = [f"{each.isoformat()}T00:00:00" for each in (first, last)]
    start, end = ({"dateTime": each, "timeZone": named} for each in typed)
    return {"start": start, "end": end, "isAllDay": not isinstance(first, datetime)}


def _online(calendar: KeptCalendar) -> dict[str, Any]:
    """Asks for a meeting by the provider that the calendar usually has."""
    if not calendar.online:
        raise InvalidRequest("This calendar cannot make online meetings.")
    return {"isOnlineMeeting": True, "onlineMeetingProvider": calendar.online[0]}


def _zone_name(zone: tzinfo) -> str:
    return windows_of(zone.key) if isinstance(zone, ZoneInfo) else "UTC"


def time_slot(first: Moment, last: Moment, zone: tzinfo) -> dict[str, Any]:
    """A span as Graph's `timeSlot`."""
    body = _times_body(first, last, zone)
    return {"start": body["start"], "end": body["end"]}
