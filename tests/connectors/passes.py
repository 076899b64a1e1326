"""One pass of a connector's sync in a fake house, from its beginning to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from openassistant.messages import SyncProgress
from openassistant.testing import FakeHouse

__all__ = ["one_pass"]


async def one_pass(
    house: FakeHouse, progress: Callable[[], Awaitable[SyncProgress]], began: datetime, *, seconds: float
) -> SyncProgress:
    """Lets a pass run and waits for its end; `began` is the house's time before it."""
    before = None
    await house.attach()
    async with asyncio.timeout(seconds):
        while not _ended(found := await progress(), began, before):
            before = before or found
            await asyncio.sleep(0.02)
    return found


def _ended(progress: SyncProgress, began: datetime, before: SyncProgress | None) -> bool:
    if progress.state == "failed":
        return before is not None and progress != before
    return progress.state == "idle" and progress.finished is not None and progress.finished >= began
