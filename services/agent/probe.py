"""How a model calls tools: three small questions in each way that may work, until one does.

The questions and the two tools are made up and fixed; nothing of anybody is in them, and nothing is run. What a way is
good for is decided by two of three: with the tool that was meant, and arguments that its schema allows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from pydantic import SecretStr

from openassistant.context import CallContext, Clock
from openassistant.errors import DeadlineExceeded, Forbidden, InvalidRequest, NotFound, UpstreamFailed
from openassistant.grants import Trust
from openassistant.guard import admit_grant
from openassistant.keys import Keys
from openassistant.messages import ModelRef, ProbeReport, ProbeRequest, ToolMode
from services.agent.model import CallPart, Model, joined
from services.agent.modes import fitted
from services.agent.prices import listed_price

__all__ = ["QUESTIONS", "TOOLS", "Probing", "key_of", "probe"]

_QUESTION_SECONDS = 60.0
_PROBE_SECONDS = 180.0
_MOST_DELTAS = 1500
"""Pieces of one answer that are read; a model that writes on is stopped."""
_ENOUGH = 2

_RULES = "Use the tools where one helps; do not guess what a tool could tell you. Answer briefly."


class _Question(NamedTuple):
    words: str
    tool: str
    arguments: dict[str, Any]


def _tool(name: str, description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("tide_lookup", "Look up today's high tide of a harbour.", harbour={"type": "string"}),
    _tool("egg_timer_start", "Start an egg timer.", minutes={"type": "integer", "minimum": 1, "maximum": 60}),
]

QUESTIONS = (
    _Question("When is high tide in Lisbon today?", "tide_lookup", {"harbour": "Lisbon"}),
    _Question("Please start an egg timer of 7 minutes.", "egg_timer_start", {"minutes": 7}),
    _Question("And when is high tide in Bergen?", "tide_lookup", {"harbour": "Bergen"}),
)

_SEEN: dict[ToolMode, str] = {
    "native": "{good} of {all} calls came natively.",
    "schema": "{good} of {all} calls came as JSON that the server holds to a schema.",
    "salvage": "{good} of {all} calls came as JSON in its words.",
}
_REFUSALS = (InvalidRequest, NotFound, UpstreamFailed)
"""What servers answer that do not know a way: 400 as a rule, 404 where a provider has nobody for it, 500 where a
template cannot be filled."""
_WAYS: tuple[ToolMode, ...] = ("native", "schema", "salvage")


class Probing:
    """The room's side of a probe."""

    def __init__(
        self, *, trust: Trust, clock: Clock, keys: Keys, model: Callable[[ModelRef, SecretStr | None], Model]
    ) -> None:
        self._trust, self._clock, self._keys, self._model = trust, clock, keys, model

    async def on_probe(self, ctx: CallContext, request: ProbeRequest) -> ProbeReport:
        """Asks a model a few short questions; raises the provider's `OaError`, `DeadlineExceeded`."""
        grant = admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock())
        if grant.kind != "turn" or grant.connectors:
            raise Forbidden("A probe needs the grant of a turn that covers no connector.")
        key = await key_of(self._keys, request.model, ctx)
        report = await probe(self._model(request.model, key), seconds=min(_PROBE_SECONDS, ctx.remaining()))
        return report.model_copy(update={"listed": await listed_price(request.model)})


async def key_of(keys: Keys, ref: ModelRef, ctx: CallContext) -> SecretStr | None:
    """The key of a model, where it has one; raises `Forbidden`, `Unavailable`."""
    if ref.account is None:
        return None
    payload = await keys.account(ref.account, ctx, user=str(ctx.user))
    key = payload.secrets.get("api_key")
    return SecretStr(key) if key else None


async def probe(model: Model, *, seconds: float = _PROBE_SECONDS) -> ProbeReport:
    """The first way that works, and what was seen; raises `DeadlineExceeded` and what the provider raises."""
    seen: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            for way in _WAYS:
                good, asked = await _tried(way, model)
                seen.append(_words(way, good, asked))
                if good >= _ENOUGH:
                    return ProbeReport(mode=way, detail=" ".join(seen))
    except TimeoutError as error:
        raise DeadlineExceeded("The model took too long over a few short questions.") from error
    return ProbeReport(mode="none", detail=" ".join(seen))


def _words(way: ToolMode, good: int, asked: int) -> str:
    if asked:
        return _SEEN[way].format(good=good, all=asked)
    return "It takes no tools." if way == "native" else "It takes no schema."


async def _tried(way: ToolMode, model: Model) -> tuple[int, int]:
    """How many questions were answered with the right call, of how many that were asked: no more than it takes."""
    good = asked = 0
    for question in QUESTIONS:
        try:
            right = await _is_right(fitted(way, model), question)
        except _REFUSALS:
            if way == "salvage":  # there the request is as plain as can be: it is not the way that is refused
                raise
            if not asked:
                return 0, 0
            right = False
        good, asked = good + right, asked + 1
        if asked - good > len(QUESTIONS) - _ENOUGH:
            break
    return good, asked


async def _is_right(model: Model, question: _Question) -> bool:
    messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": question.words}]
    parts: dict[int, CallPart] = {}
    count = 0
    async with asyncio.timeout(_QUESTION_SECONDS), aclosing(model.stream(messages, TOOLS)) as stream:
        async for delta in stream:
            for part in delta.calls:
                parts[part.index] = joined(parts.get(part.index), part)
            count += 1
            if count >= _MOST_DELTAS:
                return False
    return len(parts) == 1 and _fits(next(iter(parts.values())), question)


def _fits(part: CallPart, question: _Question) -> bool:
    try:
        given = json.loads(part.arguments or "{}")
    except (ValueError, RecursionError):
        return False
    schema = next(each for each in TOOLS if each["function"]["name"] == question.tool)["function"]["parameters"]
    if part.name != question.tool or not Draft202012Validator(schema).is_valid(given):
        return False
    return all(str(value).lower() in str(given.get(name)).lower() for name, value in question.arguments.items())
