"""When somebody is busy, as the mirror knows: the user over all accounts, another by calendars that are theirs.

The file of a user holds the mirrors of all accounts of this connector, so no other account is signed in to for this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import tzinfo

from sqlalchemy import Connection

from connectors.caldav import mirror
from connectors.caldav.events import Event, expand
from connectors.caldav.mirror import Kept, KeptCalendar
from connectors.caldav.objects import DamagedError
from openassistant.calendars.times import UNSETTLED, Busy, busy_in
from openassistant.formats.moments import Window

__all__ = ["all_addresses", "busy_of_guest", "busy_of_user", "dates_in"]


def busy_of_user(
    connection: Connection, span: Window, zone: tzinfo, own: Collection[str], borrowed: Collection[str]
) -> Busy:
    """When the user is busy over all accounts of his; `own` are his addresses beside those that the mirror knows."""
    mine = (each for each in mirror.accounts(connection) if each not in borrowed)
    known = {each: mirror.profile(connection, each) for each in mine}
    addresses = {*own, *all_addresses(connection)}
    rows = [each for account in known for each in mirror.calendars(connection, account)]
    found = _busy(connection, span, zone, addresses, lambda calendar: calendar.opaque and not calendar.owners)
    complete = bool(rows) and all(each.complete for each in rows)
    return found._replace(accounts=tuple(each.name for each in known.values() if each.name), complete=complete)


def busy_of_guest(connection: Connection, guest: str, span: Window, zone: tzinfo) -> Busy | None:
    """When somebody is busy, by the calendars of theirs that the user sees; None when there is none."""
    accounts = mirror.accounts(connection)
    theirs = [each for account in accounts for each in mirror.calendars(connection, account) if guest in each.owners]
    if not any(each.complete for each in theirs):
        return None
    return _busy(connection, span, zone, {guest}, lambda calendar: calendar.opaque and guest in calendar.owners)


def all_addresses(connection: Connection) -> set[str]:
    """The user's addresses in all accounts."""
    profiles = (mirror.profile(connection, each) for each in mirror.accounts(connection))
    return {address for each in profiles for address in (*each.own, *each.addresses)}


def dates_in(found: list[Kept], span: Window, zone: tzinfo) -> Iterator[tuple[Kept, Event]]:
    """The dates of objects in a span; an object whose dates cannot be told is left out."""
    for kept in found:
        try:
            dates = expand(kept.text, span, zone, heavy=kept.state != "whole")
        except DamagedError:
            continue
        yield from ((kept, event) for event in dates)


def _busy(
    connection: Connection, span: Window, zone: tzinfo, whose: Collection[str], counts: Callable[[KeptCalendar], bool]
) -> Busy:
    dates = []
    for account in mirror.accounts(connection):
        rows = {each.id for each in mirror.calendars(connection, account) if counts(each)}
        found = [each for each in mirror.objects_between(connection, account, span) if each.calendar in rows]
        for _, event in dates_in(found, span, zone):
            answer = _answer(event, whose)
            if event.busy and answer != "declined":
                dates.append((event.start, event.end, event.status == "tentative" or answer in UNSETTLED))
    return busy_in(span, dates)


def _answer(event: Event, whose: Collection[str]) -> str:
    """What one of these addresses answered; "accepted" where it organises the event or is not asked."""
    if event.organizer is not None and event.organizer.address in whose:
        return "accepted"
    return next((each.status for each in event.guests if each.address in whose), "accepted")
