"""Trying an account for real: one cheap request for each thing that was allowed, each failure in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from connectors.outlook_mail.account import api_of
from openassistant.connector import CheckStep, Context
from openassistant.errors import OaError
from openassistant.providers.graph import GraphApi

__all__ = ["check_account"]

_NOWHERE = "me/messages/AAMkAGI2TG93AAA="
"""An id of no mail: who may change or send mail is told that there is none (404), who may not is refused (403)."""


async def check_account(ctx: Context) -> AsyncIterator[CheckStep]:
    """A step for each capability that was granted; raises after it what keeps the account from being used at all."""
    granted = (await ctx.credentials()).capabilities
    api = await api_of(ctx)
    try:
        inbox = await api.get("me/mailFolders/inbox", {"$select": "displayName,totalItemCount"})
    except OaError as error:
        yield CheckStep(name="Read the mail", ok=False, detail=error.message)
        raise
    count = inbox.get("totalItemCount")
    yield CheckStep(name="Read the mail", ok=True, detail=f"{count} in the inbox" if isinstance(count, int) else "")
    for capability, name, ask in _TRIED:
        if granted is None or capability in granted:
            yield await _tried(api, name, ask)


async def _tried(api: GraphApi, name: str, ask: Callable[[GraphApi], Awaitable[object]]) -> CheckStep:
    try:
        await ask(api)
    except OaError as error:
        return CheckStep(name=name, ok=False, detail=error.message)
    return CheckStep(name=name, ok=True)


_TRIED: tuple[tuple[str, str, Callable[[GraphApi], Awaitable[object]]], ...] = (
    ("write", "Write drafts, file and mark", lambda api: api.send("PATCH", _NOWHERE, json={}, also=(400, 404))),
    ("send", "Send mail", lambda api: api.send("POST", f"{_NOWHERE}/send", also=(400, 404))),
    ("settings", "Set automatic replies", lambda api: api.get("me/mailboxSettings/automaticRepliesSetting")),
)
