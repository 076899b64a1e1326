"""Trying an account for real: one cheap request for each thing that its owner allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from connectors.google_drive.card import connector
from connectors.google_drive.drive import Drive, drive_of
from openassistant.capabilities import try_allowed
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError, UpstreamFailed

__all__ = ["check_account"]


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """A step for the sign-in and one for each capability; raises after them the first thing that went wrong."""
    drive = await drive_of(ctx)
    try:
        user = (await drive.api.get("about", fields="user(emailAddress)")).get("user")
    except OaError as error:
        yield CheckStep(name="Sign in", ok=False, detail=error.message)
        raise
    address = user.get("emailAddress") if isinstance(user, dict) else None
    if not isinstance(address, str):
        yield CheckStep(name="Sign in", ok=False, detail="Google did not say whose drive this is.")
        raise UpstreamFailed("Google did not say whose drive this is.")
    yield CheckStep(name="Sign in", ok=True, detail=address[:320])
    async for step in try_allowed(ctx, connector, partial(_try, drive)):
        yield step


async def _try(drive: Drive, capability: str) -> None:
    """Something that each capability allows; of its scopes, the narrowest request that can tell."""
    if capability == "browse":
        await drive.page("", size=1)
    elif capability == "save":
        await drive.new_id()
    else:  # `drive` and `drive.readonly`, and no smaller scope
        await drive.api.get("drives", pageSize="1", fields="drives(id)")
