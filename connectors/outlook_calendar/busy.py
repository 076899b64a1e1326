"""When the user is busy, as the mirror knows, over all accounts of this connector: no other account is signed in to."""

from __future__ import annotations

from datetime import tzinfo
from typing import NamedTuple

from sqlalchemy import Connection

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.mirror import KeptCalendar
from openassistant.formats.moments import Window, aware
from openassistant.formats.slots import merged, without

__all__ = ["Busy", "busy_of_user", "own_calendars"]


class Busy(NamedTuple):
    """Spans in order: those that are taken, and those that are taken only perhaps; none of them overlap.

    `accounts` are the names of the accounts that were looked at; `complete` when all of the span is in the mirror.
    """

    firm: list[Window]
    tentative: list[Window]
    accounts: tuple[str, ...]
    complete: bool


def own_calendars(connection: Connection) -> list[KeptCalendar]:
    """The user's own calendars: those that belong to the address of an account's usual one."""
    known = mirror.all_calendars(connection)
    owners = {each.account: each.owner for each in known if each.usual}
    return [each for each in known if not each.owner or each.owner == owners.get(each.account, each.owner)]


def busy_of_user(connection: Connection, span: Window, zone: tzinfo) -> Busy:
    """When the user is busy over all accounts."""
    own = own_calendars(connection)
    ids = {each.id for each in own}
    firm: list[Window] = []
    tentative: list[Window] = []
    for account in dict.fromkeys(each.account for each in own):
        for kept in mirror.between(connection, account, span):
            event = kept.event
            begin, end = max(aware(event.start, zone), span.start), min(aware(event.end, zone), span.end)
            if kept.calendar.id not in ids or not event.busy or begin >= end:
                continue
            perhaps = event.show == "tentative" or event.answer in ("tentative", "open")
            (tentative if perhaps else firm).append(Window(begin, end))
    taken = merged(firm)
    names = tuple(dict.fromkeys(each.account_name for each in own if each.account_name))
    complete = bool(own) and all(
        each.complete
        and not each.filling
        and each.first <= span.start.timestamp()
        and span.end.timestamp() <= each.last
        for each in own
    )
    return Busy(taken, without(merged(tentative), taken), names, complete)
