"""Calls that a model wrote as text: held back while the answer streams, and taken only where nothing has to be guessed.

Taken is JSON that names an offered tool with arguments that its schema allows, at the beginning of a line, in a fence
or between tags, and only where nothing but calls follows: a call ends the answer. Everything else is the answer's text.
What is taken is a proposal like any other; which tools run, and who is asked before, is decided elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, UnknownType
from referencing import Registry
from referencing.exceptions import Unresolvable

from openassistant.messages import Wire

__all__ = ["Written", "WrittenCall"]

_LONGEST = 65_536
"""Characters that are held back at most."""
_UNDECIDED = 300
"""Characters within which it must show that something is a call."""
_MOST_CALLS = 8
_MORE = -1

_NAMES = ("tool", "name", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_WRAPPED = ("function", "tool_call", "function_call")
_BESIDES = ("id", "type")
_KEYS = (*_NAMES, *_ARGUMENTS, *_WRAPPED, *_BESIDES, "tool_calls")
_INFOS = ("json", "tool_call", "tool_code")

_CANDIDATE = re.compile(r"(?<!\s)\s*+(?:[<`{\[]|\Z)")
_HEAD = re.compile(r'\s*+((?:\[\s*+)?\{\{?\s*+"(\w*+)")')
_HEAD_BEGUN = re.compile(r'\s*+(?:\[\s*+)?(?:\{\{?\s*+(?:"(\w*+))?)?')
_MARK = re.compile(r'["\\{}\[\]]')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LAST_COMMA = re.compile(r",(\s*+[}\]])")


class WrittenCall(Wire):
    """A call of an offered tool, its arguments checked against the tool's schema."""

    name: str
    arguments: dict[str, Any]


class Written:
    """Reads one answer piece by piece.

    `tools` are JSON Schemas of arguments by tool name; `quoted` is what the model was shown as results of tools: what
    stands there word for word is a quotation and no call.
    """

    def __init__(self, tools: Mapping[str, dict[str, Any]], *, quoted: str = "") -> None:
        self._tools = tools
        self._quoted = _bare(quoted)
        self._held = ""
        self._calls: list[WrittenCall] = []
        self._at = 0
        self._extent: _Extent | None = None
        self._closer = ""
        self._line_begins = True
        self._given_up = False

    def feed(self, piece: str) -> str:
        """What can be shown now that this piece has come."""
        if self._given_up:
            return piece
        self._held += piece
        shown = "".join(iter(self._step, None))
        if len(self._held) > _LONGEST:
            self._given_up = True
            return shown + self._release(len(self._held))
        return shown

    def end(self) -> tuple[str, tuple[WrittenCall, ...]]:
        """The rest of the text, and the calls that end the answer: one of both is empty."""
        if self._calls and self._extent is None and not self._held[self._at :].strip():
            return "", tuple(self._calls)
        return self._release(len(self._held)), ()

    def _step(self) -> str | None:
        """One step onward: the text that it sets free, or None where more must come first."""
        if self._extent is not None:
            return self._within(self._extent)
        return self._after_a_call() if self._calls else self._before_a_call()

    def _before_a_call(self) -> str | None:
        """Sets free what stands before the next place at which a call may begin."""
        for found in _CANDIDATE.finditer(self._held):
            place = found.start()
            if not self._may_begin(found):
                continue
            begins = _opening(self._held[place:])
            if begins is None:
                continue
            if begins != _MORE:
                self._open(place, begins)
            elif place == 0:
                return None
            return self._release(place)
        return self._release(len(self._held)) if self._held else None

    def _may_begin(self, found: re.Match[str]) -> bool:
        if found[0].endswith("<") or (found.end() == len(self._held) and not found[0].strip()):
            return True
        return "\n" in found[0] or (found.start() == 0 and self._line_begins)

    def _open(self, place: int, begins: int) -> None:
        opening = self._held[place : place + begins].strip()
        self._closer = "</tool_call>" if opening.startswith("<") else "```" if opening.startswith("`") else ""
        self._extent = _Extent(place + begins)

    def _within(self, extent: _Extent) -> str | None:
        """Reads on in the value of a call; once it is whole, takes it or sets it free."""
        ends = extent.end(self._held)
        if ends is None:
            return None
        self._extent = None
        calls = self._read(self._held[extent.begins : ends])
        if calls is None or len(self._calls) + len(calls) > _MOST_CALLS:
            return self._release(ends)
        self._calls += calls
        self._at = ends
        return ""

    def _after_a_call(self) -> str | None:
        """After a call only its closing mark, blanks and the next call may stand; else it was no call."""
        rest = self._held[self._at :]
        bare = rest.lstrip()
        if not bare or (self._closer and self._closer.startswith(bare) and bare != self._closer):
            return None
        if self._closer and bare.startswith(self._closer):
            self._at = len(self._held) - len(bare) + len(self._closer)
            self._closer = ""
            return ""
        begins = _opening(rest)
        if begins is None:
            return self._release(self._at)
        if begins == _MORE:
            return None
        self._open(self._at, begins)
        return ""

    def _release(self, upto: int) -> str:
        """The held text up to a place, as text; what follows is looked at anew."""
        text, self._held = self._held[:upto], self._held[upto:]
        if self._extent is not None:
            self._extent.begins -= upto
            self._extent.at -= upto
            if self._extent.begins < 0:
                self._extent = None
        if text:
            self._calls.clear()
            self._at, self._line_begins = 0, text.endswith("\n")
        return text

    def _read(self, raw: str) -> list[WrittenCall] | None:
        """The calls of a value, all of them good; None where one is not, or where it is a quotation."""
        if _bare(raw) in self._quoted:
            return None
        for reading in _readings(raw):
            try:
                value = _loads(reading)
            except (ValueError, RecursionError):
                continue
            calls = [self._call(each) for each in _flat(value)]
            return None if None in calls or not calls else [each for each in calls if each]
        return None

    def _call(self, value: Any) -> WrittenCall | None:
        found = _named(value)
        if found is None or found[0] not in self._tools:
            return None
        name, arguments = found
        return WrittenCall(name=name, arguments=arguments) if _is_valid(self._tools[name], arguments) else None


class _Extent:
    """Where a JSON value that begins somewhere ends, looked for as the text grows; brackets in strings do not count."""

    def __init__(self, begins: int) -> None:
        self.begins = self.at = begins
        self._depth, self._in_string = 0, False

    def end(self, text: str) -> int | None:
        while found := _MARK.search(text, self.at):
            mark = found[0]
            if self._in_string and mark == "\\":
                if found.end() == len(text):
                    self.at = found.start()
                    return None
                self.at = found.end() + 1
                continue
            self.at = found.end()
            if mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string and mark != "\\":
                self._depth += 1 if mark in "{[" else -1
                if self._depth <= 0:
                    return self.at
        self.at = max(self.at, len(text))
        return None


def _opening(text: str) -> int | None:
    """Where the value of a call begins in a text that may begin with one; None for no call, `_MORE` for undecided."""
    at = len(text) - len(text.lstrip())
    for opener in ("<tool_call>", "```"):
        begun = text[at : at + len(opener)]
        if begun == opener:
            return _fenced(text, at + 3) if opener == "```" else _value(text, at + len(opener))
        if opener.startswith(begun):
            return _MORE
    return _value(text, at)


def _fenced(text: str, at: int) -> int | None:
    info, newline, _ = text[at : at + _UNDECIDED].partition("\n")
    if newline:
        return _value(text, at + len(info) + 1) if info.strip().lower() in ("", *_INFOS) else None
    return _MORE if any(known.startswith(info.strip().lower()) for known in _INFOS) else None


def _value(text: str, at: int) -> int | None:
    if found := _HEAD.match(text, at):
        return found.start(1) if found[2] in _KEYS else None
    begun = _HEAD_BEGUN.fullmatch(text, at)
    if begun is None or len(text) - at > _UNDECIDED:
        return None
    return _MORE if any(key.startswith(begun[1] or "") for key in _KEYS) else None


def _readings(raw: str) -> Iterator[str]:
    """A value as it stands, then with what small models do to it undone: a comma too many, each brace doubled."""
    yield raw
    yield _outside_strings(raw, lambda text: _LAST_COMMA.sub(r"\1", text))
    if raw.lstrip("[ \t\r\n").startswith("{{"):
        single = _outside_strings(raw, lambda text: text.replace("{{", "{").replace("}}", "}"))
        yield single
        yield _outside_strings(single, lambda text: _LAST_COMMA.sub(r"\1", text))


def _outside_strings(text: str, change: Callable[[str], str]) -> str:
    parts, at = list[str](), 0
    for string in _STRING.finditer(text):
        parts += [change(text[at : string.start()]), string[0]]
        at = string.end()
    return "".join([*parts, change(text[at:])])


def _loads(text: str) -> Any:
    """JSON, with line breaks in strings as they are; raises `ValueError`, also where a key stands twice."""
    return json.loads(text, strict=False, object_pairs_hook=_once_each, parse_constant=_no_number)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _flat(value: Any) -> list[Any]:
    """The calls in a value: a list of them, a list under `tool_calls`, or one."""
    if isinstance(value, dict) and value.keys() == {"tool_calls"}:
        value = value["tool_calls"]
    return value if isinstance(value, list) else [value]


def _named(value: Any) -> tuple[str, dict[str, Any]] | None:
    """Name and arguments of one call, however its keys are spelt; None where anything else stands beside them."""
    if not isinstance(value, dict):
        return None
    inner = [key for key in value if key in _WRAPPED and isinstance(value[key], dict)]
    if inner:
        return _named(value[inner[0]]) if set(value) <= {inner[0], *_BESIDES} else None
    names, given = [key for key in _NAMES if key in value], [key for key in _ARGUMENTS if key in value]
    if len(names) != 1 or len(given) > 1 or not set(value) <= {*names, *given, *_BESIDES}:
        return None
    name, arguments = value[names[0]], value[given[0]] if given else {}
    if isinstance(arguments, str):
        try:
            arguments = _loads(arguments)
        except (ValueError, RecursionError):
            return None
    return (name, arguments) if isinstance(name, str) and isinstance(arguments, dict) else None


def _is_valid(schema: dict[str, Any], arguments: dict[str, Any]) -> bool:
    """Whether a tool takes these arguments; one whose schema is none takes nothing. Nothing is fetched."""
    try:
        json.dumps(arguments, ensure_ascii=False).encode()
        Draft202012Validator.check_schema(schema)
        return Draft202012Validator(schema, registry=Registry()).is_valid(arguments)
    except (ValueError, RecursionError, SchemaError, Unresolvable, UnknownType, re.error):
        return False


def _bare(text: str) -> str:
    """A text without blanks and backslashes, so that a quotation is known in whatever way it is escaped."""
    return re.sub(r"[\s\\]+", "", text)
