"""Trying an account for real: one cheap request for each thing that was allowed, each failure in words."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.outlook_calendar.account import api_of
from connectors.outlook_calendar.sync import calendars_of
from openassistant.connector import CheckStep, Context
from openassistant.errors import AccountRequired, Forbidden, OaError, RateLimited, Unavailable

__all__ = ["check_account"]

_READ, _WRITE, _OTHERS = "Read the calendars", "Change events", "Have meeting times proposed"
_NOWHERE = "me/events/AAMkAGI2TG93AAA="
"""An id of no event: who may change events is told that there is none (404), who may not is refused (403)."""


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """A step for each capability that was granted; raises after it what keeps the account from being used at all."""
    granted = (await ctx.credentials()).capabilities
    api = await api_of(ctx)
    try:
        found = await calendars_of(api)
    except OaError as error:
        yield CheckStep(name=_READ, ok=False, detail=error.message)
        raise
    yield CheckStep(name=_READ, ok=True, detail=", ".join(each.name for each in found[:10]))
    if granted is None or "write" in granted:
        writable = [each.name for each in found if each.writable]
        try:
            await api.send("PATCH", _NOWHERE, json={}, also=(400, 404))
        except (Forbidden, AccountRequired, RateLimited, Unavailable) as error:
            yield CheckStep(name=_WRITE, ok=False, detail=error.message)
        else:
            yield CheckStep(name=_WRITE, ok=bool(writable), detail=", ".join(writable[:10]) or "No calendar of yours.")
    if granted is not None and "availability" in granted:
        try:
            await api.send("POST", "me/findMeetingTimes", json={"maxCandidates": 1}, also=(400, 404))
        except OaError as error:
            yield CheckStep(name=_OTHERS, ok=False, detail=error.message)
        else:
            yield CheckStep(name=_OTHERS, ok=True)
