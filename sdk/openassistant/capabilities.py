"""What an account's owner allowed (`[auth.oauth2.capabilities]`), and whether the provider does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from openassistant.connector import CheckStep, Connector, Context
from openassistant.errors import AccountRequired, Forbidden, OaError

__all__ = ["allowed", "try_allowed"]


async def allowed(ctx: Context, *capabilities: str) -> bool:
    """Whether the account's owner allowed one of these."""
    granted = (await ctx.credentials()).capabilities
    return granted is None or not set(capabilities).isdisjoint(granted)


async def try_allowed(
    ctx: Context, connector: Connector, attempt: Callable[[str], Awaitable[object]]
) -> AsyncIterator[CheckStep]:
    """A step for each capability that was allowed, as `attempt` tries it; raises after them the first failure."""
    assert connector.manifest.auth.oauth2 is not None, "the manifest has it"
    failures: list[OaError] = []
    for name, capability in connector.manifest.auth.oauth2.capabilities.items():
        if not await allowed(ctx, name):
            continue
        try:
            await attempt(name)
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
