"""Trying an account for real: one cheap request for each thing that its owner allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from connectors.gmail.card import connector
from connectors.gmail.gmail import Gmail, gmail_of
from openassistant.capabilities import try_allowed
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError, UpstreamFailed

__all__ = ["check_account"]

_CHEAP = {
    "read": ("messages", {"maxResults": "1"}),
    "send": ("drafts", {"maxResults": "1"}),
    "organise": ("labels", {}),
    "settings": ("settings/vacation", {}),
}
"""What each capability allows; Google has no request without an effect that the narrower ones forbid."""


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """A step for the sign-in and one for each capability; raises after them the first thing that went wrong."""
    gmail, granted = await gmail_of(ctx), (await ctx.credentials()).capabilities
    alone = granted is not None and set(granted) <= {"settings"}  # such an account may not see its own profile
    if not alone:
        try:
            address = (await gmail.api.get("profile")).get("emailAddress")
        except OaError as error:
            yield CheckStep(name="Sign in", ok=False, detail=error.message)
            raise
        if not isinstance(address, str):
            yield CheckStep(name="Sign in", ok=False, detail="Google did not say whose mailbox this is.")
            raise UpstreamFailed("Google did not say whose mailbox this is.")
        yield CheckStep(name="Sign in", ok=True, detail=address[:320])
    async for step in try_allowed(ctx, connector, partial(_try, gmail)):
        yield step


async def _try(gmail: Gmail, capability: str) -> None:
    path, params = _CHEAP[capability]
    await gmail.api.get(path, **params)
