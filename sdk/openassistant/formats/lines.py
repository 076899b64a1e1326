"""Content lines, of which calendars (RFC 5545, 3.1) and cards (RFC 6350, 3.2) are made: escaped, and folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["escaped", "line", "written"]

_LONGEST = 75
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_NO_PARAMETER = re.compile(r"[\x00-\x1f\x7f\"\\]")
"""The standard has no escapes in parameters, but readers take a backslash for one."""


def escaped(value: str) -> str:
    """A text as a value, or as a part of one."""
    plain = _HIDDEN.sub("", value.replace("\r\n", "\n"))
    for character, shown in (("\\", "\\\\"), ("\n", "\\n"), (",", "\\,"), (";", "\\;")):
        plain = plain.replace(character, shown)
    return plain


def line(name: str, value: str, parameters: Mapping[str, str] | None = None) -> str:
    """A line of a value that is escaped already; parameters that are "" are left out."""
    given = {each: _NO_PARAMETER.sub("", found) for each, found in (parameters or {}).items() if found}
    return name + "".join(f";{each}={_quoted(found)}" for each, found in given.items()) + f":{value}"


def written(lines: Iterable[str]) -> bytes:
    """The lines, none of them longer than 75 bytes, and no character cut in two."""
    return b"".join(_folded(each.encode()) for each in lines)


def _quoted(value: str) -> str:
    return f'"{value}"' if any(each in value for each in ",;:") else value


def _folded(content: bytes) -> bytes:
    parts, room = [], _LONGEST
    while len(content) > room:
        end = room
        while content[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(content[:end])
        content, room = content[end:], _LONGEST - 1
    return b"\r\n ".join((*parts, content)) + b"\r\n"
