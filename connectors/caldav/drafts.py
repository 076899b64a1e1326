"""What a call would do, worked out from its arguments and the mirror alone; and the preview of exactly that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import NamedTuple

from sqlalchemy import Connection

from connectors.caldav import mirror
from connectors.caldav.account import CaldavAccount, account_of, owner_of
from connectors.caldav.compose import Changes, Draft, Frequency, times_of
from connectors.caldav.events import DamagedError, Event, Person, clean, pick
from connectors.caldav.guests import parse_guest
from connectors.caldav.mirror import Kept, KeptCalendar, Profile
from connectors.caldav.moments import Moment, moment, range_of, zone_named
from openassistant.connector import Context
from openassistant.errors import Forbidden, InvalidRequest, NotFound, Unavailable

__all__ = ["Chosen", "NewEvent", "Place", "changes_of", "chosen", "new_event", "place_of", "zone_of"]

_LONGEST_TITLE, _LONGEST_NOTES = 500, 20_000


class Place(NamedTuple):
    """An account with what the mirror knows of it."""

    account: CaldavAccount
    profile: Profile
    calendars: tuple[KeptCalendar, ...]
    damaged: int = 0

    @property
    def own(self) -> tuple[str, ...]:
        """The owner's mail addresses, the one to invite with first."""
        login = self.account.username if "@" in self.account.username else ""
        known = (self.account.address, *self.profile.addresses, login)
        return tuple(dict.fromkeys(each.lower() for each in known if each))


class NewEvent(NamedTuple):
    """An event before it is created."""

    place: Place
    calendar: KeptCalendar
    draft: Draft


class Chosen(NamedTuple):
    """An event that a call names: the object, the date of it (or its next one), and whether a single date is meant."""

    place: Place
    kept: Kept
    event: Event
    recurrence: str

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


async def place_of(ctx: Context) -> Place:
    """The account of a call; raises `InvalidRequest`, `AccountRequired`."""
    owner, account = owner_of(ctx), await account_of(ctx)

    def read(connection: Connection) -> Place:
        calendars = tuple(mirror.calendars(connection, owner))
        return Place(account, mirror.profile(connection, owner), calendars, mirror.damaged(connection, owner))

    return await ctx.store.read(read)


def zone_of(place: Place, given: str | None, calendar: str | None = None) -> tzinfo | None:
    """The zone of times without offset: as given, else the account's, else the calendar's; None when nobody knows."""
    kept = next((each.zone for each in place.calendars if each.zone and calendar in (None, each.name)), "")
    name = given or place.account.zone or kept
    return zone_named(name) if name else None


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
    until: str | None,
) -> NewEvent:
    """The event that a call would create; raises `InvalidRequest` that says which part to correct."""
    where = await place_of(ctx)
    into = _calendar_named(where.calendars, calendar)
    local = zone_of(where, zone, into.name)
    first, last = range_of(moment(start, "start", local), moment(end, "end", local) if end else None)
    invited = _guests(guests)
    _require_zone(invited, first)
    draft = Draft(
        title=_title(title),
        start=first,
        end=last,
        place=clean(place or "", _LONGEST_TITLE),
        notes=clean(notes or "", _LONGEST_NOTES),
        guests=invited,
        organizer=_organizer(where) if invited else None,
        repeats=repeats,
        until=_until(until, first, repeats),
    )
    return NewEvent(where, into, draft)


async def chosen(ctx: Context, event: str) -> Chosen:
    """The event with an id as the tools give it; raises `NotFound`."""
    owner, where = owner_of(ctx), await place_of(ctx)
    key, _, recurrence = event.partition("_")
    kept = await ctx.store.read(lambda connection: mirror.object_of(connection, owner, key))
    if kept is None:
        raise NotFound("There is no event with that id; take it from events_list or events_search.")
    zone = zone_of(where, None, kept.calendar_name) or UTC
    try:
        found = pick(kept.text, recurrence, ctx.now(), zone, heavy=kept.state == "heavy")
    except DamagedError as error:
        raise NotFound("That event is malformed; change it in another calendar program.") from error
    if found is None:
        raise NotFound("There is no such date in that series; take the id from events_list or events_search.")
    if not kept.writable:
        raise Forbidden(f"The calendar {kept.calendar_name} is read-only.")
    return Chosen(where, kept, found, recurrence)


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
    tell_guests: bool,
) -> Changes:
    """The changes that a call asks for; raises `InvalidRequest` where they must not or cannot be made."""
    if not found.is_own:
        organizer = found.event.organizer.shown if found.event.organizer else ""
        words = "If that is the owner, enter this address in the account's settings."
        raise InvalidRequest(f"This event is organised by {organizer}, who alone can change it. {words}")
    if found.others and not tell_guests and guests is None:
        raise InvalidRequest("This event has guests, who hear of every change: set tell_guests to true.")
    old_start, _ = times_of(found.kept.text, found.recurrence)
    own_zone = old_start.tzinfo if isinstance(old_start, datetime) else None
    local = zone_named(zone) if zone else own_zone or zone_of(found.place, None, found.kept.calendar_name)
    invited = None if guests is None else _guests(guests)
    new_start = None if start is None else moment(start, "start", local)
    _require_zone(invited, new_start or old_start)
    return Changes(
        title=None if title is None else _title(title),
        start=new_start,
        end=None if end is None else moment(end, "end", local),
        place=None if place is None else clean(place, _LONGEST_TITLE),
        notes=None if notes is None else clean(notes, _LONGEST_NOTES),
        guests=invited,
        organizer=_organizer(found.place) if invited else None,
    )


def _calendar_named(calendars: Sequence[KeptCalendar], name: str | None) -> KeptCalendar:
    """The calendar of that name; without a name the only one, or the first by name that can be written to."""
    if not calendars:
        raise Unavailable("The calendars are being read for the first time; try again in a moment.", retry_after=2)
    writable = [each for each in calendars if each.writable]
    wanted = writable if name is None else [each for each in writable if each.name.casefold() == name.casefold()]
    if not wanted:
        names = ", ".join(each.name for each in writable) or "none"
        raise InvalidRequest(f"There is no such calendar to write to. There are: {names}.")
    return wanted[0]


def _title(title: str) -> str:
    found = " ".join(clean(title, _LONGEST_TITLE).split())
    if not found:
        raise InvalidRequest("title: give the event a title.")
    return found


def _guests(typed: Sequence[str] | None) -> tuple[Person, ...]:
    found = [parse_guest(each) for each in typed or ()]
    return tuple({each.address: each for each in found}.values())


def _require_zone(guests: Sequence[Person] | None, start: Moment) -> None:
    if guests and isinstance(start, datetime) and start.tzinfo is None:
        raise InvalidRequest("Guests need to know the time zone: give `zone`, such as Europe/Berlin.")


def _organizer(place: Place) -> Person:
    if not place.own:
        raise InvalidRequest("To invite somebody, enter your mail address in the calendar account's settings.")
    return Person(place.own[0])


def _until(until: str | None, start: date, repeats: Frequency | None) -> date | None:
    if until is None:
        return None
    if repeats is None:
        raise InvalidRequest("until: say how the event repeats, too.")
    last = moment(until, "until", None)
    day = last.date() if isinstance(last, datetime) else last
    if day < (start.date() if isinstance(start, datetime) else start):
        raise InvalidRequest("until: the last day must not lie before the first.")
    return day
