"""What a call would do to events, worked out from its arguments and the mirror alone: for the act and its preview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from connectors.google_calendar import mirror
from connectors.google_calendar.account import local_zone, owner_of, require
from connectors.google_calendar.events import Event, clean, suffix_of
from connectors.google_calendar.mirror import Kept, KeptCalendar
from connectors.google_calendar.series import is_heavy, named, rule_line, shifted_rules
from openassistant.calendars.arguments import calendar_to_write, title_of
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound
from openassistant.formats.guests import Person, parse_guests
from openassistant.formats.moments import Moment, day_of, in_zone, moment, range_of, zone_named
from openassistant.formats.repeats import Frequency, Repeat, Weekday, repeat_of

__all__ = [
    "Changes",
    "Chosen",
    "Draft",
    "Extent",
    "attendee",
    "calendar_named",
    "changes_of",
    "chosen",
    "found_event",
    "length_of",
    "new_event",
    "require_own",
    "times_body",
    "when",
]

Extent = Literal["this", "following", "all"]
_LONGEST_TITLE, _LONGEST_NOTES = 500, 8_000


class Draft(NamedTuple):
    """An event before it is created, its end exclusive: what is shown of it, and the body of the request."""

    calendar: KeptCalendar
    title: str
    start: Moment
    end: Moment
    guests: tuple[Person, ...]
    repeats: Repeat | None
    alarms: tuple[int, ...] | None
    meet: bool
    body: dict[str, Any]


class Chosen(NamedTuple):
    """An event that a call names: the object, the date of it, and how far the call reaches.

    `date` names the date that was given ("" for none).
    """

    kept: Kept
    event: Event
    date: str
    extent: Extent

    @property
    def ref(self) -> str:
        """Google's id of what the call reaches: of one date, or of the whole."""
        whole = self.kept.event.ref
        return f"{whole}_{self.date}" if self.date and self.extent == "this" else whole

    @property
    def reached(self) -> Event:
        """What the call reaches, as it stands: the date, or the whole."""
        return self.event if self.extent == "this" else self.kept.event


class Changes(NamedTuple):
    """What is to become of an event: the body of the request, its guests, and what is shown of that.

    `guests` are the whole new list (None leaves it); `told` whom the change reaches. `start` and `end` are those of the
    date that was named.
    """

    body: dict[str, Any]
    guests: tuple[Person, ...] | None
    told: tuple[Person, ...]
    start: Moment | None = None
    end: Moment | None = None


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
    alarms: Sequence[int] | None,
    meet: bool,
) -> Draft:
    """The event that a call would create; raises `InvalidRequest` that says which part to correct."""
    into = await calendar_named(ctx, calendar)
    local = await local_zone(ctx, zone)
    first, last = range_of(moment(start, "start", local), moment(end, "end", local) if end else None)
    repeat = repeat_of(repeats, every=every, on=on, until=until, count=count, start=first)
    invited = parse_guests(guests)
    body: dict[str, Any] = {"summary": title_of(clean(title, _LONGEST_TITLE)), "start": when(first), "end": when(last)}
    for name, text, longest in (("location", place, _LONGEST_TITLE), ("description", notes, _LONGEST_NOTES)):
        if text and (kept := clean(text, longest)):
            body[name] = kept
    if repeat is not None:
        body["recurrence"] = [rule_line(repeat, first)]
    if alarms is not None:
        body["reminders"] = _reminders(alarms)
    if invited:
        body["attendees"] = [attendee(each) for each in invited]
    kept_alarms = None if alarms is None else tuple(sorted(set(alarms)))
    return Draft(into, body["summary"], first, last, invited, repeat, kept_alarms, meet, body)


async def chosen(ctx: Context, event: str, extent: Extent | None = None) -> Chosen:
    """The event with an id as the tools give it, to be changed; raises `NotFound`, `Forbidden`, `InvalidRequest`."""
    found = await found_event(ctx, event)
    if not found.kept.calendar.writable:
        raise Forbidden("Its calendar is read-only.")
    if not found.kept.event.recurrence:
        return found._replace(extent="this" if found.date else "all")
    if extent in ("this", "following") and not found.date:
        raise InvalidRequest("Give the id of one date of the series, as events_list gives it.")
    if extent == "following" and is_heavy(found.kept.event):
        raise InvalidRequest("This event repeats too often to be divided; change or delete all of it.")
    if extent == "following" and found.date == suffix_of(found.kept.event.start):
        extent = "all"
    return found._replace(extent=extent or found.extent)


async def found_event(ctx: Context, event: str) -> Chosen:
    """The event with an id as the tools give it; raises `NotFound`."""
    await require(ctx, "read")
    owner = owner_of(ctx)
    key, _, date_ = event.partition("_")
    kept = await ctx.store.read(lambda connection: mirror.event_of(connection, owner, key))
    if kept is None or kept.event.status == "cancelled":
        raise NotFound("There is no event with that id; take it from events_list or events_search.")
    if not date_:
        return Chosen(kept, kept.event, "", "all")
    found = named(kept.event, kept.singles, date_) if kept.event.recurrence else None
    if found is None:
        raise NotFound("There is no such date in that series; take the id from events_list or events_search.")
    return Chosen(kept, found, date_, "this")


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
    alarms: Sequence[int] | None,
    meet: bool | None,
    tell_guests: bool,
) -> Changes:
    """The changes that a call asks for; raises `InvalidRequest` where they must not or cannot be made."""
    given = (title, start, end, place, notes, guests, alarms, meet)
    if all(each is None for each in given):
        raise InvalidRequest("Say what to change: title, start, end, place, notes, guests, alarms or meet.")
    shared = any(each is not None for each in (title, start, end, place, notes, guests, meet))
    if shared:
        require_own(found)
        if found.reached.others and not tell_guests and guests is None:
            raise InvalidRequest("This event has guests, who hear of every change: set tell_guests to true.")
    body: dict[str, Any] = {}
    if title is not None:
        body["summary"] = title_of(clean(title, _LONGEST_TITLE))
    if place is not None:
        body["location"] = clean(place, _LONGEST_TITLE)
    if notes is not None:
        body["description"] = clean(notes, _LONGEST_NOTES)
    if alarms is not None:
        body["reminders"] = _reminders(alarms)
    first = last = None
    if start is not None or end is not None:
        first, last = _new_times(found, start, end, await local_zone(ctx, zone), zone)
        body |= times_body(found, first, last)
    if meet is False:
        body["conferenceData"] = None
    invited = None if guests is None else parse_guests(guests)
    told = {each.address: each for each in (*(found.reached.others if shared else ()), *(invited or ()))}
    return Changes(body, invited, tuple(told.values()), first, last)


def require_own(found: Chosen) -> None:
    """Raises `InvalidRequest` for an event that somebody else organises."""
    if not found.event.own:
        raise InvalidRequest(
            "This event is organised by somebody else, who alone can change it; only its alarms are the user's."
        )


async def calendar_named(ctx: Context, name: str | None) -> KeptCalendar:
    """The calendar of that name that can be written to; without a name the account's usual one."""
    await require(ctx, "read")
    owner = owner_of(ctx)
    known = await ctx.store.read(lambda connection: mirror.calendars(connection, owner))
    return calendar_to_write(known, name)


def attendee(person: Person) -> dict[str, Any]:
    """A guest as Google takes them."""
    return {"email": person.address, **({"displayName": person.name} if person.name else {})}


def times_body(found: Chosen, first: Moment, last: Moment) -> dict[str, Any]:
    """New times of one date, or of a series whose dates all move with it."""
    master = found.kept.event
    was: Moment = found.event.start
    if found.extent == "all" and master.recurrence:
        begin: Moment = master.start
        if isinstance(first, datetime) and isinstance(begin, datetime):
            local = begin.astimezone(first.tzinfo)
            begin = datetime.combine(local.date(), first.time(), first.tzinfo)
        body = {"start": when(begin), "end": when(begin + length_of(first, last))}
        rules = shifted_rules(master.recurrence, master.start, begin)
        return {**body, **({"recurrence": rules} if rules != list(master.recurrence) else {})}
    body = {"start": when(first), "end": when(last)}
    if isinstance(was, datetime) != isinstance(first, datetime):
        gone = "dateTime" if not isinstance(first, datetime) else "date"
        body = {name: {**value, gone: None} for name, value in body.items()}
    return body


def _new_times(
    found: Chosen, start: str | None, end: str | None, local: tzinfo, zone: str | None
) -> tuple[Moment, Moment]:
    """The new times of the date that is named, in the zone in which the event is kept."""
    event = found.event
    kept_in: tzinfo = zone_named(zone) if zone else ZoneInfo(event.zone) if event.zone else local
    was_first, was_last = in_zone(event.start, kept_in), in_zone(event.end, kept_in)
    first = was_first if start is None else in_zone(moment(start, "start", local), kept_in)
    if end is not None:
        first, last = range_of(first, in_zone(moment(end, "end", local), kept_in))
    elif isinstance(first, datetime) == isinstance(was_first, datetime):
        last = first + length_of(was_first, was_last)
    else:
        first, last = range_of(first, None)
    same_day = day_of(first) == day_of(was_first) and isinstance(first, datetime) == isinstance(was_first, datetime)
    if found.kept.event.recurrence and found.extent != "this" and not same_day:
        raise InvalidRequest(
            "A series stays on its days: change the time of day, or one date. To have it on others, create another."
        )
    return first, last


def when(value: Moment) -> dict[str, Any]:
    """A day or a time for a request: a time has the zone in which it is kept."""
    if not isinstance(value, datetime):
        return {"date": value.isoformat()}
    named_zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else "UTC"
    kept = value if isinstance(value.tzinfo, ZoneInfo) else value.astimezone(UTC)
    return {"dateTime": kept.isoformat(timespec="seconds"), "timeZone": named_zone}


def length_of(start: Moment, end: Moment) -> timedelta:
    """How long something is, by the clock on the wall."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    return day_of(end) - day_of(start)


def _reminders(minutes: Sequence[int]) -> dict[str, Any]:
    overrides = [{"method": "popup", "minutes": each} for each in sorted(set(minutes))]
    return {"useDefault": False, "overrides": overrides}
