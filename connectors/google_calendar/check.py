"""Trying an account for real, a step for each thing that its owner allowed, each failure in words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

from connectors.google_calendar.account import api_of
from connectors.google_calendar.busy import ask_schedules
from openassistant.capabilities import allowed
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError
from openassistant.formats.moments import Window
from openassistant.providers.google import GoogleApi

__all__ = ["check_account"]

_TRIED = {
    "read": "Read your calendars",
    "availability": "See when you are free",
    "write": "Change events",
}


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """One small question for each permission; nothing is changed to try whether changes are allowed."""
    api, failed = await api_of(ctx), None
    for capability, name in _TRIED.items():
        if not await allowed(ctx, capability):
            continue
        try:
            detail = await _tried(ctx, api, capability)
        except OaError as error:
            yield CheckStep(name=name, ok=False, detail=error.message)
            failed = failed or error
        else:
            yield CheckStep(name=name, ok=True, detail=detail)
    if failed is not None:
        raise failed


async def _tried(ctx: Context, api: GoogleApi, capability: str) -> str:
    if capability == "availability":
        now = ctx.now()
        await ask_schedules(api, ["primary"], Window(now, now + timedelta(days=1)))
        return ""
    await api.get("calendars/primary/events", maxResults="1")
    if capability == "write":
        return "Google allowed it; nothing was changed to try it"
    page = await api.get("users/me/calendarList", maxResults="250")
    listed = page.get("items")
    return f"{len(listed) if isinstance(listed, list) else 0} calendars"
