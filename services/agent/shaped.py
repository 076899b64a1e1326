"""Answers that are held to a JSON Schema: one call of an offered tool, or words that stream as they come."""

from __future__ import annotations

import json
import re
from typing import Any

from services.agent.model import CallPart

__all__ = ["Shaped", "shape"]

_DEEPEST = 6
_KEPT = ("type", "enum", "const", "description")
"""Keywords that every server's grammar knows; the connector checks arguments against the whole schema anyway."""

_KEY = re.compile(r'\s*+\{\s*+"(\w*+)"')
_ANSWER = re.compile(r'\s*+\{\s*+"answer"\s*+:\s*+"')
_WHOLE = re.compile(r'(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_HALF_PAIR = re.compile(r"(?<!\\)(?:\\\\)*(\\u[dD][89abAB][0-9a-fA-F]{2})\Z")
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_LONE = re.compile("[\ud800-\udfff]")
_BROKEN_CALL = re.compile(r'"tool"\s*+:\s*+"(\w++)"(?:.*?"arguments"\s*+:\s*+(.*))?', re.DOTALL)


def shape(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """OpenAI's `response_format` for one call of these tools, or an answer."""
    answer = _object({"answer": {"type": "string", "description": "Words for the person"}})
    calls = [_call(tool["function"]) for tool in tools]
    schema = {"anyOf": [*calls, answer]} if calls else answer
    return {"type": "json_schema", "json_schema": {"name": "call_or_answer", "strict": True, "schema": schema}}


class Shaped:
    """Reads one such answer piece by piece: words at once, a call when it is whole. Anything else is words, too."""

    def __init__(self) -> None:
        self._raw = ""
        self._state = "undecided"

    def feed(self, piece: str) -> str:
        """The words that can be shown now that this piece has come."""
        if self._state == "text":
            return piece
        self._raw += piece
        if self._state == "undecided":
            self._decide()
        if self._state == "answer":
            return self._words()
        if self._state == "text":
            return self._raw
        return ""

    def end(self) -> tuple[str, tuple[CallPart, ...]]:
        """The last words, and the call if it is one."""
        if self._state in {"text", "answer", "done"} or not self._raw.strip():
            return "", ()
        return _read(self._raw)

    def _decide(self) -> None:
        if found := _ANSWER.match(self._raw):
            self._state, self._raw = "answer", self._raw[found.end() :]
        elif self._raw.strip() and not self._raw.lstrip().startswith("{"):
            self._state = "text"
        elif (key := _KEY.match(self._raw)) and key[1] != "answer":
            self._state = "held"

    def _words(self) -> str:
        """What of the string has come whole, decoded; an escape or a surrogate pair that is cut waits for its rest."""
        words = ""
        while True:
            whole = _WHOLE.match(self._raw)
            ends = whole.end() if whole else 0
            rest = self._raw[ends:]
            cut = not rest or _ESCAPE_BEGUN.match(rest)
            if cut and (half := _HALF_PAIR.search(self._raw[:ends])):
                ends = half.start(1)
            words += _decoded(self._raw[:ends])
            self._raw = self._raw[ends:]
            if rest.startswith('"'):
                self._state = "done"
                return words
            if cut:
                return words
            words, self._raw = words + "\\", self._raw[1:]


def _decoded(raw: str) -> str:
    text: str = json.loads(f'"{raw}"', strict=False)
    return _LONE.sub("\ufffd", text)


def _read(raw: str) -> tuple[str, tuple[CallPart, ...]]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        found = _BROKEN_CALL.search(raw)
        return ("", (CallPart(index=0, name=found[1], arguments=found[2] or "{"),)) if found else (raw, ())
    if isinstance(value, dict) and isinstance(value.get("tool"), str):
        given = value.get("arguments") or {}
        arguments = given if isinstance(given, str) else json.dumps(given)
        return "", (CallPart(index=0, name=value["tool"], arguments=arguments),)
    words = value.get("answer") if isinstance(value, dict) else None
    return (_LONE.sub("\ufffd", words) if isinstance(words, str) else raw), ()


def _call(function: dict[str, Any]) -> dict[str, Any]:
    parameters = function.get("parameters") or {}
    arguments = {"type": "object", **_plain(parameters, parameters.get("$defs") or {}, 0)}
    return _object({"tool": {"const": function["name"]}, "arguments": arguments})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _plain(schema: Any, defs: dict[str, Any], depth: int) -> dict[str, Any]:
    """A schema without references, and with what grammars are made of alone; deeper than that anything goes."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    if isinstance(schema.get("$ref"), str):
        return _plain(defs.get(schema["$ref"].rpartition("/")[2]), defs, depth + 1)
    plain: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if isinstance(properties := schema.get("properties"), dict):
        plain["properties"] = {name: _plain(each, defs, depth + 1) for name, each in properties.items()}
        plain["required"] = [name for name in schema.get("required") or () if name in properties]
        plain["additionalProperties"] = False
    if "items" in schema:
        plain["items"] = _plain(schema["items"], defs, depth + 1)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        plain["anyOf"] = [_plain(each, defs, depth + 1) for each in choices]
    return plain
