"""Trying an account for real: one cheap request for each thing that its owner allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from connectors.gmail.card import connector
from connectors.gmail.gmail import Gmail, gmail_of
from openassistant.connector import CheckStep, Context
from openassistant.errors import AccountRequired, Forbidden, OaError, UpstreamFailed

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
    assert connector.manifest.auth.oauth2 is not None, "the manifest has it"
    failures: list[OaError] = []
    for name, capability in connector.manifest.auth.oauth2.capabilities.items():
        if granted is not None and name not in granted:
            continue
        try:
            await _try(gmail, name)
        except OaError as error:
            failures.append(error)
            yield CheckStep(name=capability.title, ok=False, detail=error.message)
        else:
            yield CheckStep(name=capability.title, ok=True)
    if failures:
        first = failures[0]
        if isinstance(first, Forbidden) and first.details.get("reason") == "scope_missing":
            raise AccountRequired(first.message, details=first.details) from first
        raise first


async def _try(gmail: Gmail, capability: str) -> None:
    path, params = _CHEAP[capability]
    await gmail.api.get(path, **params)
