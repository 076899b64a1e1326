"""An account: where its Graph is, and the zone in which its owner speaks."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from openassistant.connector import Context
from openassistant.errors import AccountRequired, InvalidRequest, UpstreamFailed
from openassistant.formats.moments import zone_named
from openassistant.providers.graph import GraphApi

__all__ = ["api_of", "iri", "local_zone", "name_of", "owner_of", "settings_of"]

PAGE = 50
_PREFER = ('outlook.timezone="UTC"', 'outlook.body-content-type="text"', f"odata.maxpagesize={PAGE}")


class Settings(NamedTuple):
    """What an account's form holds, checked."""

    base: str
    zone: str


def owner_of(ctx: Context) -> str:
    """The account of a call; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Microsoft account with its calendar first.")
    return ctx.account


async def name_of(ctx: Context) -> str:
    """What the owner calls the account."""
    return (await ctx.credentials()).name


async def settings_of(ctx: Context) -> Settings:
    """The account's settings; raises `InvalidRequest`."""
    given = (await ctx.credentials()).settings
    typed = str(given.get("api_url") or "https://graph.microsoft.com").strip().rstrip("/")
    parts = urlsplit(typed)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query:
        words = "Give the address of Microsoft Graph, such as https://graph.microsoft.com."
        raise InvalidRequest(words, details={"fields": {"api_url": words}})
    return Settings(typed if parts.path else f"{typed}/v1.0", str(given.get("zone") or ""))


async def api_of(ctx: Context) -> GraphApi:
    """Graph, as the account of a call may use it; times come in UTC, texts as plain text."""
    found = await settings_of(ctx)
    return GraphApi(ctx.http, found.base, account=ctx.account, prefer=_PREFER)


async def local_zone(ctx: Context, given: str | None) -> tzinfo:
    """The zone of times without offset: as given, else the turn's, else the account's, else UTC."""
    turn = ctx.zone if ctx.zone not in (None, "", "UTC") else ""
    name = given or turn or (await settings_of(ctx)).zone
    return zone_named(name) if name else UTC


def iri(name: str) -> str:
    """An id of Graph as one segment of a path; raises `UpstreamFailed` for what would lead elsewhere."""
    if name in ("", ".", ".."):
        raise UpstreamFailed("Microsoft gave an id that is none.")
    return quote(name, safe="")
