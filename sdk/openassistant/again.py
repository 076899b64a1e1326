"""Trying again what failed for a reason that passes: pauses that double, and an end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from openassistant.errors import OaError

__all__ = ["again"]

T = TypeVar("T")


async def again(
    work: Callable[[], Awaitable[T]],
    *,
    on: type[OaError] | tuple[type[OaError], ...],
    seconds: float = math.inf,
    first: float = 0.25,
    most: float = 5.0,
    note: Callable[[OaError], object] = lambda _: None,
) -> T:
    """What `work` comes to, tried again `on` these errors; the last of them, where the next try would come too late.

    The first pause and the longest are given in seconds; `note` is told of each error that is not the last.
    """
    loop = asyncio.get_running_loop()
    ends, pause = loop.time() + seconds, first
    while True:
        try:
            return await work()
        except on as error:
            if loop.time() + pause > ends:
                raise
            note(error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, most)
