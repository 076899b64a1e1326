"""When the user is busy, as the mirror knows, and when others are, as Google tells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connectors.google_calendar import mirror
from connectors.google_calendar.series import dates_in
from openassistant.calendars.times import UNSETTLED, Busy, busy_in
from openassistant.formats.moments import Window, aware
from openassistant.formats.slots import merged
from openassistant.providers.google import GoogleApi

__all__ = ["Schedule", "ask_schedules", "busy_of_user", "own_addresses"]

_AT_ONCE = 50
"""Calendars that one request may ask about."""
_LONGEST = timedelta(days=50)
"""A span that one request may ask about: Google names no limit, and refuses some months."""
_REASONS = {
    "notFound": "Google knows no calendar of that address, or it is not shared with the user.",
    "forbidden": "The calendar is not shared with the user.",
    "groupTooBig": "That group is too big to ask about.",
    "tooManyCalendarsRequested": "That group is too big to ask about.",
}
_UNKNOWN = "Google cannot tell at the moment."


class Schedule(NamedTuple):
    """When somebody is busy, or why that is not known."""

    address: str
    busy: list[Window]
    known: bool
    note: str = ""


def own_addresses(connection: Connection, borrowed: Collection[str]) -> set[str]:
    """The addresses of the user's accounts: the id of an account's usual calendar is its address."""
    known = (each for each in mirror.all_calendars(connection) if each.account not in borrowed)
    return {each.ref.lower() for each in known if each.usual}


def busy_of_user(connection: Connection, span: Window, zone: tzinfo, borrowed: Collection[str]) -> Busy:
    """When the user is busy over all accounts of this connector: by the calendars that are theirs."""
    known = (each for each in mirror.all_calendars(connection) if each.account not in borrowed)
    own = [each for each in known if each.role == "owner"]
    ids = {each.id for each in own}
    dates = (
        (aware(each.start, zone), aware(each.end, zone), each.status == "tentative" or each.answer in UNSETTLED)
        for account in dict.fromkeys(each.account for each in own)
        for kept in mirror.between(connection, account, span)
        if kept.calendar.id in ids
        for each in dates_in(kept.event, kept.singles, span, zone)
        if each.busy
    )
    names = tuple(dict.fromkeys(each.account_name for each in own if each.account_name))
    complete = bool(own) and all(each.complete for each in own)
    return busy_in(span, dates)._replace(accounts=names, complete=complete)


async def ask_schedules(api: GoogleApi, addresses: Sequence[str], span: Window) -> list[Schedule]:
    """When people or calendars are busy, as Google tells the account."""
    found = {each: Schedule(each, [], known=True) for each in addresses}
    for at in range(0, len(addresses), _AT_ONCE):
        some = addresses[at : at + _AT_ONCE]
        begin = span.start
        while begin < span.end:
            end = min(begin + _LONGEST, span.end)
            body = {"timeMin": _typed(begin), "timeMax": _typed(end), "items": [{"id": each} for each in some]}
            answer = (await api.call("POST", "freeBusy", json=body)).get("calendars")
            told = {str(name).lower(): each for name, each in answer.items()} if isinstance(answer, dict) else {}
            if len(some) == len(told) == 1:  # Google may name the account's own calendar by its address
                told = dict.fromkeys((some[0].lower(),), *told.values())
            for each in some:
                found[each] = _joined(found[each], told.get(each.lower()))
            begin = end
    return [each._replace(busy=merged(each.busy)) for each in found.values()]


def _joined(known: Schedule, told: Any) -> Schedule:
    if not isinstance(told, dict):
        return known._replace(known=False, note=_UNKNOWN)
    errors = told.get("errors")
    if isinstance(errors, list) and errors:
        reason = errors[0].get("reason") if isinstance(errors[0], dict) else None
        return known._replace(known=False, note=_REASONS.get(str(reason), _UNKNOWN))
    listed = told.get("busy")
    spans = [_span(each) for each in (listed if isinstance(listed, list) else [])[:5_000]]
    return known._replace(busy=[*known.busy, *(each for each in spans if each is not None)])


def _span(value: Any) -> Window | None:
    try:
        start, end = (datetime.fromisoformat(value[name]) for name in ("start", "end"))
    except (KeyError, TypeError, ValueError):
        return None
    return Window(start, end) if start.tzinfo and end.tzinfo and start < end else None


def _typed(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
