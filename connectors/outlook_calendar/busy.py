"""When the user is busy, as the mirror knows, over all accounts of this connector: no other account is signed in to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import tzinfo

from sqlalchemy import Connection

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.mirror import KeptCalendar
from openassistant.calendars.times import UNSETTLED, Busy, busy_in
from openassistant.formats.moments import Window, aware

__all__ = ["busy_of_user", "own_calendars"]


def own_calendars(connection: Connection, borrowed: Collection[str]) -> list[KeptCalendar]:
    """The user's own calendars: those that belong to the address of an account's usual one."""
    known = [each for each in mirror.all_calendars(connection) if each.account not in borrowed]
    owners = {each.account: each.owner for each in known if each.usual}
    return [each for each in known if not each.owner or each.owner == owners.get(each.account, each.owner)]


def busy_of_user(connection: Connection, span: Window, zone: tzinfo, borrowed: Collection[str]) -> Busy:
    """When the user is busy over all accounts."""
    own = own_calendars(connection, borrowed)
    ids = {each.id for each in own}
    dates = (
        (aware(each.start, zone), aware(each.end, zone), each.show == "tentative" or each.answer in UNSETTLED)
        for account in dict.fromkeys(each.account for each in own)
        for kept in mirror.between(connection, account, span)
        if kept.calendar.id in ids and (each := kept.event).busy
    )
    names = tuple(dict.fromkeys(each.account_name for each in own if each.account_name))
    complete = bool(own) and all(
        each.complete
        and not each.filling
        and each.first <= span.start.timestamp()
        and span.end.timestamp() <= each.last
        for each in own
    )
    return busy_in(span, dates)._replace(accounts=names, complete=complete)
