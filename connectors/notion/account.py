"""An account's settings, and what its owner allowed."""

from __future__ import annotations

from urllib.parse import urlsplit

from openassistant.connector import Context
from openassistant.errors import AccountRequired, InvalidRequest

__all__ = ["account_name", "base_of", "owner_of"]

_USUAL = "https://api.notion.com"


def owner_of(ctx: Context) -> str:
    """The account's id, which the mirror's rows carry; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Notion account first.")
    return ctx.account


async def base_of(ctx: Context) -> str:
    """Where the API answers; raises `InvalidRequest` with `details.fields`."""
    typed = str((await ctx.credentials()).settings.get("api_url") or _USUAL).strip().rstrip("/")
    parts = urlsplit(typed)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        words = "Give an address such as https://api.notion.com"
        raise InvalidRequest("Correct this setting: api_url.", details={"fields": {"api_url": words}})
    return f"{typed}/v1"


async def account_name(ctx: Context) -> str:
    """How a preview names the account."""
    return (await ctx.credentials()).name
