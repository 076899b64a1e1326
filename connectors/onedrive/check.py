"""Trying an account for real: one cheap request for each thing that its owner allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from connectors.onedrive.card import OWN, ROOT, connector
from connectors.onedrive.drive import Drive, drive_of
from connectors.onedrive.sync import whose
from openassistant.capabilities import try_allowed
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError

__all__ = ["check_account"]

_NOWHERE = "items/0"
"""An id of nothing: who may change files is told that there is no such one (404), who may not is refused (403)."""


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """A step for the sign-in and one for each capability; raises after them the first thing that went wrong."""
    drive = await drive_of(ctx)
    granted = (await ctx.credentials()).capabilities
    try:
        address = await _signed_in(drive, own_alone=granted is not None and not set(granted) - {"save"})
    except OaError as error:
        yield CheckStep(name="Sign in", ok=False, detail=error.message)
        raise
    yield CheckStep(name="Sign in", ok=True, detail=address)
    async for step in try_allowed(ctx, connector, partial(_try, drive)):
        yield step


async def _signed_in(drive: Drive, *, own_alone: bool) -> str:
    """Whose drive it is; for the assistant's own folder alone Microsoft tells only that."""
    if own_alone:
        return (await drive.item(OWN)).name[:320]
    return whose(await drive.about())


async def _try(drive: Drive, capability: str) -> None:
    """Something that each capability allows, and that changes nothing."""
    if capability == "read":
        await drive.item(ROOT)
    elif capability == "save":
        await drive.item(OWN)
    elif capability == "restore":
        await drive.api.send("POST", f"{_NOWHERE}/restore", json={}, also=(400, 404))
    else:
        await drive.api.send("PATCH", _NOWHERE, json={}, also=(400, 404))
