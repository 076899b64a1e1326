"""What a call would do to events, worked out from its arguments and the mirror alone: for the act and its preview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Literal, NamedTuple

from connectors.caldav import mirror
from connectors.caldav.account import owner_of
from connectors.caldav.compose import Changes, Draft, times_of
from connectors.caldav.events import Event, pick
from connectors.caldav.mirror import Kept, KeptCalendar
from connectors.caldav.objects import DamagedError, clean
from connectors.caldav.places import Place, calendar_named, place_of, zone_of
from connectors.caldav.series import is_first
from connectors.caldav.shifts import moved
from openassistant.calendars.arguments import title_of
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound
from openassistant.formats.guests import Person, parse_guests
from openassistant.formats.moments import Moment, moment, range_of, zone_named
from openassistant.formats.repeats import Frequency, Weekday, repeat_of

__all__ = [
    "Chosen",
    "Extent",
    "NewEvent",
    "changes_of",
    "chosen",
    "found_event",
    "new_event",
    "require_own",
]

_LONGEST_TITLE, _LONGEST_NOTES = 500, 20_000

Extent = Literal["this", "following", "all"]


class NewEvent(NamedTuple):
    """An event before it is created."""

    place: Place
    calendar: KeptCalendar
    draft: Draft


class Chosen(NamedTuple):
    """An event that a call names: the object, the date of it (or its next one), and how far the call reaches.

    `date` names the date that was given ("" for none), `recurrence` the one that is changed ("" for all of them).
    """

    place: Place
    kept: Kept
    event: Event
    date: str
    extent: Extent

    @property
    def recurrence(self) -> str:
        """The date that a change goes into; "" for the whole."""
        return "" if self.extent == "all" else self.date

    @property
    def others(self) -> tuple[Person, ...]:
        """Who is told of a change: the guests of the owner's event, the organiser of another's."""
        organizer = self.event.organizer
        if organizer is None or organizer.address in self.place.own:
            return tuple(each for each in self.event.guests if each.address not in self.place.own)
        return (organizer,)

    @property
    def is_own(self) -> bool:
        """Whether nobody else organises it."""
        return self.event.organizer is None or self.event.organizer.address in self.place.own


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
    floating: bool,
) -> NewEvent:
    """The event that a call would create; raises `InvalidRequest` that says which part to correct."""
    where = await place_of(ctx)
    into = calendar_named(where.calendars, calendar)
    local = _local(where, zone, into.name, floating=floating)
    first, last = range_of(moment(start, "start", local), moment(end, "end", local) if end else None)
    invited = parse_guests(guests)
    _require_zone(invited, first)
    draft = Draft(
        title=title_of(clean(title, _LONGEST_TITLE)),
        start=first,
        end=last,
        place=clean(place or "", _LONGEST_TITLE),
        notes=clean(notes or "", _LONGEST_NOTES),
        guests=invited,
        organizer=_organizer(where) if invited else None,
        repeats=repeat_of(repeats, every=every, on=on, until=until, count=count, start=first),
        alarms=tuple(sorted(set(alarms or ()))),
    )
    return NewEvent(where, into, draft)


async def chosen(ctx: Context, event: str, extent: Extent | None = None) -> Chosen:
    """The event with an id as the tools give it, to be changed; raises `NotFound`, `Forbidden`, `InvalidRequest`."""
    found = await found_event(ctx, event)
    if not found.kept.writable:
        raise Forbidden("Its calendar is read-only.")
    if extent in ("this", "following") and not found.date:
        if found.event.recurrence:
            raise InvalidRequest("Give the id of one date of the series, as events_list gives it.")
        extent = "all"
    if extent == "following" and found.kept.state == "heavy":
        raise InvalidRequest("This event repeats too often to be divided; change or delete all of it.")
    if extent == "following" and is_first(found.kept.text, found.date):
        extent = "all"
    return found if extent is None else found._replace(extent=extent)


async def found_event(ctx: Context, event: str) -> Chosen:
    """The event with an id as the tools give it; raises `NotFound`."""
    owner, where = owner_of(ctx), await place_of(ctx)
    key, _, recurrence = event.partition("_")
    kept = await ctx.store.read(lambda connection: mirror.object_of(connection, owner, key))
    if kept is None:
        raise NotFound("There is no event with that id; take it from events_list or events_search.")
    try:
        zone = zone_of(where, None, kept.calendar_name)
        found = pick(kept.text, recurrence, ctx.now(), zone, heavy=kept.state != "whole")
    except DamagedError as error:
        raise NotFound("That event is malformed; change it in another calendar program.") from error
    if found is None:
        raise NotFound("There is no such date in that series; take the id from events_list or events_search.")
    return Chosen(where, kept, found, recurrence, "this" if recurrence else "all")


def changes_of(
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
    tell_guests: bool,
) -> Changes:
    """The changes that a call asks for; raises `InvalidRequest` where they must not or cannot be made."""
    require_own(found)
    if found.others and not tell_guests and guests is None:
        raise InvalidRequest("This event has guests, who hear of every change: set tell_guests to true.")
    invited = None if guests is None else parse_guests(guests)
    new_start, new_end = (_typed(found, each, name, zone) for each, name in ((start, "start"), (end, "end")))
    _require_zone(invited, new_start or times_of(found.kept.text, found.recurrence)[0])
    return Changes(
        title=None if title is None else title_of(clean(title, _LONGEST_TITLE)),
        start=new_start,
        end=new_end,
        place=None if place is None else clean(place, _LONGEST_TITLE),
        notes=None if notes is None else clean(notes, _LONGEST_NOTES),
        guests=invited,
        organizer=_organizer(found.place) if invited else None,
        alarms=None if alarms is None else tuple(sorted(set(alarms))),
    )


def require_own(found: Chosen) -> None:
    """Raises `InvalidRequest` for an event that somebody else organises."""
    if not found.is_own:
        words = "If that is the owner, enter the organiser's address in the account's settings."
        raise InvalidRequest(f"This event is organised by somebody else, who alone can change it. {words}")


def _local(place: Place, zone: str | None, calendar: str, *, floating: bool) -> tzinfo | None:
    if not floating:
        return zone_of(place, zone, calendar)
    if zone:
        raise InvalidRequest("Give a zone or floating, not both: a floating time has none.")
    return None


def _typed(found: Chosen, typed: str | None, name: str, zone: str | None) -> Moment | None:
    """A new time of an event, in the zone in which the event is kept; for a whole series, of its first date."""
    if typed is None:
        return None
    first, _ = times_of(found.kept.text, "")
    own = first.tzinfo if isinstance(first, datetime) else None
    floats = isinstance(first, datetime) and own is None and zone is None
    value = moment(typed, name, None if floats else zone_of(found.place, zone, found.kept.calendar_name))
    if isinstance(value, datetime) and value.tzinfo and own not in (None, UTC) and zone is None:
        value = value.astimezone(own)
    if zone and isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(zone_named(zone))
    if found.extent == "all" and found.date:
        date_start, _ = times_of(found.kept.text, found.date)
        return moved(value, date_start, first)
    return value


def _require_zone(guests: Sequence[Person] | None, start: Moment) -> None:
    if guests and isinstance(start, datetime) and start.tzinfo is None:
        raise InvalidRequest("Guests need to know the time zone: give no floating time.")


def _organizer(place: Place) -> Person:
    if not place.own:
        raise InvalidRequest("To invite somebody, enter your mail address in the calendar account's settings.")
    return Person(place.own[0])
