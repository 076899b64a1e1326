"""Trying an account for real, step by step, each failure in words that say what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.caldav.account import account_of
from connectors.caldav.client import dav_session
from connectors.caldav.discovery import find_calendars, find_home
from openassistant.connector import CheckStep, Context
from openassistant.errors import AccountRequired, OaError

__all__ = ["check_account"]

_SECONDS = 40.0
_REACH, _SIGN_IN, _FIND = "Reach the calendar server", "Sign in", "Find calendars"


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """Three steps: reach the server, sign in, find calendars; raises after them what went wrong."""
    account = await account_of(ctx)
    place = f"{account.server.host}, port {account.server.port}"
    async with dav_session(account, seconds=_SECONDS) as session:
        try:
            home = await find_home(session)
        except OaError as error:
            if isinstance(error, AccountRequired):
                yield CheckStep(name=_REACH, ok=True, detail=place)
            failed = _SIGN_IN if isinstance(error, AccountRequired) else _REACH
            yield CheckStep(name=failed, ok=False, detail=error.message)
            raise
        yield CheckStep(name=_REACH, ok=True, detail=place)
        yield CheckStep(name=_SIGN_IN, ok=True, detail=account.username)
        try:
            calendars = await find_calendars(session, home)
        except OaError as error:
            yield CheckStep(name=_FIND, ok=False, detail=error.message)
            raise
        yield CheckStep(name=_FIND, ok=True, detail=", ".join(each.name for each in calendars[:10]))
