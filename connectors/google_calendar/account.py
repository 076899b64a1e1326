"""An account: where its API answers, what its owner allowed, and the zone in which they speak."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from connectors.google_calendar import mirror
from openassistant.capabilities import allowed
from openassistant.connector import Context
from openassistant.errors import AccountRequired, Forbidden, InvalidRequest
from openassistant.formats.moments import zone_named
from openassistant.providers.google import GoogleApi

__all__ = ["Settings", "api_of", "local_zone", "name_of", "owner_of", "require", "segment", "settings_of"]

_USUAL = "https://www.googleapis.com"
_UNSAID = (None, "", "UTC")
"""What a turn's zone is where the owner's browser or program did not say one: the account may know better."""
_REFUSALS = {
    "read": "This account was connected without reading calendars. Connect it again and allow that.",
    "availability": "This account was connected without seeing when others are free. Connect it again and allow that.",
}


class Settings(NamedTuple):
    """What an account's form holds, checked."""

    base: str
    zone: str


def owner_of(ctx: Context) -> str:
    """The account's id, which the mirror's rows carry; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Google account first.")
    return ctx.account


async def name_of(ctx: Context) -> str:
    """What the owner calls the account."""
    return (await ctx.credentials()).name


async def settings_of(ctx: Context) -> Settings:
    """The account's settings; raises `InvalidRequest` with `details.fields`."""
    given = (await ctx.credentials()).settings
    typed = str(given.get("api_url") or _USUAL).strip().rstrip("/")
    parts = urlsplit(typed)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        words = "Give an address such as https://www.googleapis.com"
        raise InvalidRequest("Correct this setting: api_url.", details={"fields": {"api_url": words}})
    zone = str(given.get("zone") or "").strip()
    return Settings(f"{typed}/calendar/v3", zone_named(zone).key if zone else "")


async def api_of(ctx: Context) -> GoogleApi:
    """The Calendar API, asked in the account's name."""
    return GoogleApi(ctx.http, (await settings_of(ctx)).base)


async def require(ctx: Context, capability: str) -> None:
    """Raises `Forbidden` where the owner did not allow what a tool needs besides its own capability."""
    if not await allowed(ctx, capability):
        raise Forbidden(_REFUSALS[capability], details={"reason": "scope_missing"})


async def local_zone(ctx: Context, given: str | None) -> tzinfo:
    """The zone of times without offset: as given, else the turn's, the account's, the calendar's, else UTC."""
    if given:
        return zone_named(given)
    owner = owner_of(ctx)
    known = await ctx.store.read(lambda connection: mirror.calendars(connection, owner))
    usual = next((each.zone for each in known if each.zone), "")
    turn = "" if ctx.zone in _UNSAID else str(ctx.zone)
    for name in (turn, (await settings_of(ctx)).zone, usual):
        if name and (zone := _zone(name)) is not None:
            return zone
    return UTC


def segment(name: str) -> str:
    """An id as one part of a path, whatever it holds: a calendar's may have "#" and "@" in it."""
    return quote(name, safe="")


def _zone(name: str) -> tzinfo | None:
    try:
        return zone_named(name)
    except InvalidRequest:
        return None
