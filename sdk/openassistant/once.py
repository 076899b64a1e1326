"""The contract of acting once, checked on any connector by its acts: `once_faults`.

It asks for a call twice, loses its answer, lets it break off, and lets its instance die before and after the act; each
time it counts at the provider what was done.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from openassistant import journal
from openassistant.connector import Context
from openassistant.context import new_id
from openassistant.errors import DeadlineExceeded, OaError, Unavailable
from openassistant.messages import Call, ToolResult
from openassistant.testing import FakeHouse

__all__ = ["once_faults"]


async def once_faults(
    house: FakeHouse, make: Callable[[], Awaitable[Call]], done: Callable[[], Awaitable[int]]
) -> list[str]:
    """What is wrong with how an effectful tool acts once, in words; an empty list when nothing is.

    `make` makes a fresh call whose effect can be told from the former ones, `done` counts the effects at the provider.
    """
    faults: list[str] = []
    for case in (_twice, _answer_lost, _broke_off_before, _died_after, _died_before):
        call, before = await make(), await done()
        expected, said = await case(house, call)
        happened = await done() - before
        if happened != expected:
            faults.append(f"{call.tool}, {_words(case)}: done {happened} times instead of {expected}.")
        if said:
            faults.append(f"{call.tool}, {_words(case)}: {said}")
    return faults


async def _twice(house: FakeHouse, call: Call) -> tuple[int, str]:
    first, second = await house.send(call), await house.send(call)
    return 1, "" if first == second else "the second answer differs from the first."


async def _answer_lost(house: FakeHouse, call: Call) -> tuple[int, str]:
    async with _interrupted(house, call, act_first=True):
        return 1, await _after_act(house, call)


async def _broke_off_before(house: FakeHouse, call: Call) -> tuple[int, str]:
    async with _interrupted(house, call, act_first=False):
        return 0, await _without_act(house, call)


async def _died_after(house: FakeHouse, call: Call) -> tuple[int, str]:
    tool, ctx = house.connector.tools[call.tool], house.context(call)
    effect = tool.effect_for(call.arguments)
    async with house.runner.context(ctx, call.user, call.account, call=call, effect=effect) as context:
        await journal.begin(context.store, call, holder=new_id(), now=house.clock())
        await tool.function(context, **tool.parse(call.arguments))
    return 1, await _after_act(house, call)


async def _died_before(house: FakeHouse, call: Call) -> tuple[int, str]:
    async with house.runner.stores.use(call.user) as store:
        await journal.begin(store, call, holder=new_id(), now=house.clock())
    return 0, await _without_act(house, call)


async def _after_act(house: FakeHouse, call: Call) -> str:
    """Done: said to be done, or unknown where nobody can look it up."""
    answer = await _answer(house, call)
    known = house.connector.tools[call.tool].reconciler is not None
    if isinstance(answer, ToolResult) or (isinstance(answer, DeadlineExceeded) and not known):
        return ""
    return f"it was done, and {_said(answer)}."


async def _without_act(house: FakeHouse, call: Call) -> str:
    """Not done: said to be not done, or unknown."""
    answer = await _answer(house, call)
    return "" if isinstance(answer, Unavailable | DeadlineExceeded) else f"it was not done, and {_said(answer)}."


async def _answer(house: FakeHouse, call: Call) -> ToolResult | OaError:
    try:
        return await house.send(call)
    except OaError as error:
        return error


def _said(answer: ToolResult | OaError) -> str:
    return (
        f"the answer was {answer.code}: {answer.message}" if isinstance(answer, OaError) else "it was said to be done"
    )


def _words(case: Callable[..., Any]) -> str:
    return case.__name__.strip("_").replace("_", " ")


@contextlib.asynccontextmanager
async def _interrupted(house: FakeHouse, call: Call, *, act_first: bool) -> AsyncIterator[None]:
    """The tool as if its provider fell silent, after the act or before it."""
    tool = house.connector.tools[call.tool]
    real = tool.function

    async def silent(ctx: Context, **arguments: Any) -> Any:
        if act_first:
            await real(ctx, **arguments)
        raise DeadlineExceeded("The provider fell silent.")

    tool.function = silent
    try:
        yield
    finally:
        tool.function = real
