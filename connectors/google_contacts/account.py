"""An account's settings, and what its owner allowed."""

from __future__ import annotations

from urllib.parse import urlsplit

from openassistant.capabilities import allowed
from openassistant.connector import Context
from openassistant.errors import AccountRequired, Forbidden, InvalidRequest

__all__ = ["account_name", "base_of", "owner_of", "require"]

_USUAL = "https://people.googleapis.com"
_REFUSALS = {
    "read": "This account was connected without reading contacts. Connect it again and allow that.",
    "other": "This account was connected without the addresses that Google collected. Connect it again and allow them.",
}


def owner_of(ctx: Context) -> str:
    """The account's id, which the mirror's rows carry; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Google account first.")
    return ctx.account


async def base_of(ctx: Context) -> str:
    """Where the API answers; raises `InvalidRequest` with `details.fields`."""
    typed = str((await ctx.credentials()).settings.get("api_url") or _USUAL).strip().rstrip("/")
    parts = urlsplit(typed)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        words = "Give an address such as https://people.googleapis.com"
        raise InvalidRequest("Correct this setting: api_url.", details={"fields": {"api_url": words}})
    return f"{typed}/v1"


async def account_name(ctx: Context) -> str:
    """How a preview names the account."""
    return (await ctx.credentials()).name


async def require(ctx: Context, capability: str) -> None:
    """Raises `Forbidden` where the owner did not allow what a tool needs besides its own capability."""
    if not await allowed(ctx, capability):
        raise Forbidden(_REFUSALS[capability], details={"reason": "scope_missing"})
