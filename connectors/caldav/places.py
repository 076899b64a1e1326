"""Where a call works: its account, what the mirror knows of it, and the time zone that its words are meant in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from connectors.caldav import mirror
from connectors.caldav.account import CaldavAccount, account_of, own_addresses, owner_of
from connectors.caldav.mirror import KeptCalendar, Profile
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, Unavailable
from openassistant.formats.moments import zone_named

__all__ = ["Place", "as_named", "calendar_named", "place_of", "zone_of"]

_UNSAID = (None, "", "UTC")
"""What a turn's zone is where the owner's browser or program did not say one: the account may know better."""


class Place(NamedTuple):
    """An account with what the mirror knows of it; `zone` is that of the turn ("" when it has none)."""

    account: CaldavAccount
    profile: Profile
    calendars: tuple[KeptCalendar, ...]
    damaged: int = 0
    zone: str = ""

    @property
    def own(self) -> tuple[str, ...]:
        """The owner's mail addresses, the one to invite with first."""
        return own_addresses(self.account, self.profile.addresses)

    @property
    def users(self) -> tuple[str, ...]:
        """Those of them that are the user's: of an account that is lent none."""
        return () if self.account.lent else self.own


async def place_of(ctx: Context) -> Place:
    """The account of a call; raises `InvalidRequest`, `AccountRequired`."""
    owner, account = owner_of(ctx), await account_of(ctx)
    zone = "" if ctx.zone in _UNSAID else _known(str(ctx.zone))

    def read(connection: Connection) -> Place:
        calendars = tuple(mirror.calendars(connection, owner))
        return Place(account, mirror.profile(connection, owner), calendars, mirror.damaged(connection, owner), zone)

    return await ctx.store.read(read)


def zone_of(place: Place, given: str | None, calendar: str | None = None) -> tzinfo:
    """The zone of times without offset: as given, else the turn's, the account's, the calendar's, else UTC."""
    kept = next((each.zone for each in place.calendars if each.zone and calendar in (None, each.name)), "")
    name = given or place.zone or place.account.zone or kept
    return zone_named(name) if name else UTC


def calendar_named(
    calendars: Sequence[KeptCalendar], name: str | None, kind: Literal["events", "tasks"] = "events"
) -> KeptCalendar:
    """The calendar of that name; without a name the only one, or the first by name that can be written to."""
    if not calendars:
        raise Unavailable("The calendars are being read for the first time; try again in a moment.", retry_after=2)
    writable = [each for each in calendars if each.writable and getattr(each, kind)]
    wanted = writable if name is None else [each for each in writable if each.name.casefold() == name.casefold()]
    if not wanted:
        raise InvalidRequest(
            f"There is no such calendar to write {kind} to; calendars_list names those that there are."
        )
    return wanted[0]


def as_named(ctx: Context, calendar: str) -> str:
    """The name of a calendar where the call named it; "" elsewhere, for somebody else may have chosen the name."""
    named = ctx.call.arguments.get("calendar") if ctx.call else None
    return calendar if str(named or "").casefold() == calendar.casefold() else ""


def _known(name: str) -> str:
    try:
        return zone_named(name).key
    except InvalidRequest:
        return ""
