"""An account: where its Graph is."""

from __future__ import annotations

from datetime import UTC, tzinfo
from urllib.parse import quote, urlsplit

from openassistant.connector import Context
from openassistant.errors import AccountRequired, InvalidRequest, UpstreamFailed
from openassistant.formats.moments import zone_named
from openassistant.providers.graph import GraphApi

__all__ = ["PAGE", "api_of", "base_of", "iri", "local_zone", "name_of", "owner_of"]

PAGE = 50
"""How many mails are asked for at once."""
_SIZED = f"odata.maxpagesize={PAGE}"


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Microsoft account with its mail first.")
    return ctx.account


async def name_of(ctx: Context) -> str:
    """What the owner calls the account."""
    return (await ctx.credentials()).name


async def base_of(ctx: Context) -> str:
    """The address below which everything is asked for; raises `InvalidRequest`."""
    given = (await ctx.credentials()).settings
    typed = str(given.get("api_url") or "https://graph.microsoft.com").strip().rstrip("/")
    parts = urlsplit(typed)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        words = "Give the address of Microsoft Graph, such as https://graph.microsoft.com."
        raise InvalidRequest(words, details={"fields": {"api_url": words}})
    return typed if parts.path else f"{typed}/v1.0"


async def api_of(ctx: Context) -> GraphApi:
    """Graph, as the account of a call may use it; lists come in pages of `PAGE`."""
    return GraphApi(ctx.http, await base_of(ctx), account=ctx.account, prefer=(_SIZED,))


def local_zone(ctx: Context, given: str | None) -> tzinfo:
    """The zone of times without offset: as given, else the turn's, else UTC."""
    name = given or ctx.zone
    return zone_named(name) if name else UTC


def iri(name: str) -> str:
    """An id of Graph as one segment of a path; raises `UpstreamFailed` for what would lead elsewhere."""
    if name in ("", ".", ".."):
        raise UpstreamFailed("Microsoft gave an id that is none.")
    return quote(name, safe="")
