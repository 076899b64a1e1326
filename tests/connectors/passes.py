"""One pass of a connector's sync in a fake house, from its beginning to its end."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.messages import AccountQuery, AccountStatus, SyncProgress
from openassistant.testing import FakeHouse

__all__ = ["Passes"]


class Passes:
    """What every desk can do whose connector syncs in the background of its house."""

    house: FakeHouse
    tries: ClassVar[int] = 1
    """How many passes in a row must fail until `sync` says so; 2 where the first one ends a stale connection."""

    async def progress(self) -> SyncProgress:
        """How far the sync of the house's account is, as the agent is told it."""
        house = self.house
        ctx = CallContext.within(10, now=house.clock(), user=house.user).signed(grant=house.grant())
        query, subject = AccountQuery(user=house.user), subjects.account(house.runner.connector.id, "status")
        status = await house.agent.request(subject, query, AccountStatus, ctx)
        return status.accounts[house.account.account]

    async def sync(self, seconds: float = 30) -> SyncProgress:
        """What a pass that began after this call came to; `seconds` is how long each may take."""
        found = await self.attempt(seconds)
        for _ in range(self.tries - 1):
            if found.state == "idle":
                break
            found = await self.attempt(seconds)
        return found

    async def attempt(self, seconds: float = 30) -> SyncProgress:
        """What one pass came to; when it returns none is under way, and none is due."""
        async with asyncio.timeout(seconds):
            await self.house.attach()
            while await self._is_due():
                await asyncio.sleep(0.02)
        return await self.progress()

    async def _is_due(self) -> bool:
        # A pass that began before the account was attached anew leaves it due, so that another follows.
        syncing, account = self.house.runner.syncing, self.house.account.account
        assert syncing is not None
        if account in syncing._passes:
            return True
        return any(each.account == account and each.due <= self.house.clock() for each in await syncing._all())
