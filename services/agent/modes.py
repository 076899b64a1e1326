"""Models that do not call tools by the protocol's own means, made to look as if they did.

`schema`: the server holds the answer to a schema of calls and words. `salvage`: the model is told to write a call as
JSON, and what is one is taken out of its words. `none`: it only talks. In all three the history is plain text, for
such models' templates know no calls and no results. In `native` mode nothing of this happens, and no text is ever read
as a call.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from openassistant.errors import OaError
from openassistant.messages import ToolMode
from services.agent import showing
from services.agent.conversations import StoredCall
from services.agent.model import CallPart, Delta, Model
from services.agent.offers import Offer
from services.agent.shaped import Shaped, shape
from services.agent.shortlist import few, lines
from services.agent.written import Written

__all__ = ["fitted", "plain", "weight", "within"]

_TOOLS = "You can use these tools:\n{lines}\n\n"
_SCHEMA = """To use a tool, answer with {"tool": "<its name>", "arguments": {…}}; you then get its result.
To speak to the person, answer with {"answer": "<your words>"}."""
_SALVAGE = """To use a tool, answer with this JSON and nothing after it; you then get its result:
{"tool": "<its name>", "arguments": {…}}
To speak to the person, just write."""
_NONE = """You have no tools here: you cannot look into mails or calendars, and you cannot act. Say so where it matters.
Commands that begin with a slash, such as /find, work for the person without you."""


def fitted(mode: ToolMode, model: Model) -> Model:
    """The model in a mode, in the form in which a turn uses any model."""
    match mode:
        case "schema":
            return _InSchema(model)
        case "salvage":
            return _Salvaged(model)
        case "none":
            return _Talking(model)
        case _:
            return model


def within(
    mode: ToolMode, offered: dict[str, Offer], *, words: str, calls: Iterable[StoredCall] = ()
) -> dict[str, Offer]:
    """What of the offers a model in this mode is shown; `words` are the owner's, `calls` those of the conversation."""
    match mode:
        case "schema" | "salvage":
            return few(offered, words=words, used={call.name for call in calls})
        case "none":
            return {}
        case _:
            return offered


def weight(mode: ToolMode, tools: list[dict[str, Any]]) -> list[Any]:
    """What stands for the tools in the prompt of a mode, to be measured."""
    return tools if mode in {"native", "unknown"} else [_TOOLS, _SALVAGE, lines(tools)]


class _InSchema:
    """See `fitted`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`."""
        shaped = Shaped()
        asked = plain(messages, _told(tools, _SCHEMA))
        return _read(self._model.stream(asked, [], form=form or shape(tools)), shaped)


class _Salvaged:
    """See `fitted`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`."""
        quoted = "\n".join(str(each.get("content")) for each in messages if each["role"] == "tool")
        schemas = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in tools}
        written = _Salvage(Written(schemas, quoted=quoted))
        asked = plain(messages, _told(tools, _SALVAGE))
        return _read(self._model.stream(asked, [], form=form), written)


class _Talking:
    """See `fitted`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        """See `Model`."""
        return self._model.stream(plain(messages, _NONE), [], form=form)


class _Salvage:
    """`Written` with the parts of calls that a turn reads."""

    def __init__(self, written: Written) -> None:
        self.feed, self._written = written.feed, written

    def end(self) -> tuple[str, tuple[CallPart, ...]]:
        text, calls = self._written.end()
        parts = (
            CallPart(index=index, name=call.name, arguments=json.dumps(call.arguments, ensure_ascii=False))
            for index, call in enumerate(calls)
        )
        return text, tuple(parts)


async def _read(deltas: AsyncGenerator[Delta, None], reader: Shaped | _Salvage) -> AsyncGenerator[Delta, None]:
    """An answer through a reader of its text; calls of its own are not known here. What came before an error stays."""
    ended = False
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                text, parts = "" if ended else reader.feed(delta.text), tuple[CallPart, ...]()
                if delta.finished is not None and not ended:
                    rest, parts = reader.end()
                    text, ended = text + rest, True
                yield delta._replace(text=text, calls=parts)
    except OaError:
        rest, _ = ("", ()) if ended else reader.end()
        if rest:
            yield Delta(text=rest)
        raise


def _told(tools: list[dict[str, Any]], how: str) -> str:
    return _TOOLS.format(lines=lines(tools)) + how if tools else ""


def plain(messages: list[dict[str, Any]], told: str) -> list[dict[str, str]]:
    """Messages as text alone: one of the system (with `told` at its end), then the person and the model in turn.

    A call stands there as the model is asked to write it, a result as words of the person that say what it is.
    """
    system = [str(each["content"]) for each in messages if each["role"] == "system"]
    shown = [{"role": "system", "content": "\n\n".join([*system, told] if told else system)}]
    names: dict[str, str] = {}
    for message in messages:
        if message["role"] == "system":
            continue
        role, content = _as_text(message, names)
        if shown[-1]["role"] == role:
            shown[-1]["content"] += f"\n\n{content}"
        else:
            shown.append({"role": role, "content": content})
    return shown


def _as_text(message: dict[str, Any], names: dict[str, str]) -> tuple[str, str]:
    if message["role"] == "tool":
        return "user", f"Result of {names.get(message['tool_call_id'], 'a tool')}:\n{message['content']}"
    if message["role"] != "assistant":
        return str(message["role"]), showing.plain(message["content"])
    parts = [message["content"]] if message.get("content") else []
    for call in message.get("tool_calls") or ():
        name = names[call["id"]] = call["function"]["name"]
        parts.append(f'{{"tool": {json.dumps(name)}, "arguments": {call["function"]["arguments"]}}}')
    return "assistant", "\n".join(parts)
