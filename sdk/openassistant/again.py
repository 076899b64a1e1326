"""Trying again what failed for a reason that passes, and asking again where nobody answers: an end to both."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from openassistant.errors import DeadlineExceeded, OaError, Unavailable

__all__ = ["again", "until_answered"]

_SILENCE, _PAUSE = 3.0, 0.25

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


async def until_answered(
    question: Callable[[float], Coroutine[Any, Any, T]], *, seconds: float, away: float = 0.0
) -> T:
    """The first answer to a question that is put again while nobody answers it, within `seconds`.

    Who died with it in his hands never answers, and who is only slow still does: what was asked before stays open.
    It is put anew after 3, 6, 12, 24 ... seconds of silence, each time with what is left. Where nobody is there
    (`Unavailable`), it is put after pauses that double, for `away` seconds, and to the end where somebody was there.
    """
    loop, silence, pause, heard = asyncio.get_running_loop(), _SILENCE, _PAUSE, False
    began = loop.time()
    put: set[asyncio.Task[T]] = set()
    try:
        while True:
            put.add(asyncio.create_task(question(began + seconds - loop.time())))
            ended, put = await asyncio.wait(put, timeout=silence, return_when=asyncio.FIRST_COMPLETED)
            if not ended:
                heard, silence = True, silence * 2 if heard else silence
                continue
            errors = [error for each in ended if isinstance(error := each.exception(), DeadlineExceeded | Unavailable)]
            if len(errors) < len(ended):
                return next(each for each in ended if each.exception() not in errors).result()
            heard = heard or any(isinstance(error, DeadlineExceeded) for error in errors)
            if loop.time() + pause >= began + (seconds if heard else min(away, seconds)):
                raise errors[0]
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
    finally:
        for each in put:
            each.cancel()
        await asyncio.gather(*put, return_exceptions=True)
