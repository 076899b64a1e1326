"""A mail's BODYSTRUCTURE (RFC 9051, 7.5.2): what is attached to it, without fetching it."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import decode_rfc2231
from typing import Any
from urllib.parse import unquote_to_bytes

from openassistant.formats.charsets import decode_bytes, file_name

__all__ = ["attached"]

_DEEPEST = 20
_MOST_PARTS = 300
_MOST_SECTIONS = 50


def attached(structure: Any, depth: int = 0) -> Iterator[tuple[str, str, int]]:
    """Leaves of a BODYSTRUCTURE that are attachments, as (name, type, about how many bytes)."""
    if not isinstance(structure, tuple) or not structure or depth > _DEEPEST:
        return
    if isinstance(structure[0], list):
        for part in structure[0][:_MOST_PARTS]:
            yield from attached(part, depth + 1)
        return
    kind = "/".join(str(each, "ascii", "replace").lower() for each in structure[:2] if isinstance(each, bytes))[:100]
    name = _name(structure)
    if name or not kind.startswith("text/"):
        size = structure[6] if len(structure) > 6 and isinstance(structure[6], int) else 0
        base64 = len(structure) > 5 and isinstance(structure[5], bytes) and structure[5].lower() == b"base64"
        yield name or f"({kind})", kind, size * 3 // 4 if base64 else size


def _name(structure: tuple[Any, ...]) -> str:
    """The file's name, out of the disposition before the type (RFC 2183, 2.3), in whatever way it is written."""
    given: dict[str, bytes] = {}
    for part in _flattened(structure):
        for key, value in zip(part[::2], part[1::2], strict=False):
            if isinstance(key, bytes):
                text = value if isinstance(value, bytes) else str(value).encode()
                given.setdefault(key.decode("ascii", "replace").lower(), text)
    found = (_value(given, name) for name in ("filename", "name"))
    return next((file_name(each) for each in found if each), "")


def _value(given: dict[str, bytes], name: str) -> str:
    """A parameter: plain, extended or in sections (RFC 2231, 3 and 4)."""
    if name in given:
        return decode_bytes(given[name], None)
    if f"{name}*" in given:
        return _extended(given[f"{name}*"])
    sections = [
        unquote_to_bytes(given[f"{name}*{n}*"]) if f"{name}*{n}*" in given else given.get(f"{name}*{n}", b"")
        for n in range(_MOST_SECTIONS)
    ]
    joined = b"".join(sections)
    return _extended(joined) if f"{name}*0*" in given else decode_bytes(joined, None)


def _extended(value: bytes) -> str:
    charset, _, text = decode_rfc2231(value.decode("latin-1"))
    return decode_bytes(unquote_to_bytes(text.encode("latin-1")), charset)


def _flattened(structure: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Parameter lists directly in a part and in its disposition; the disposition's stand behind, and come first."""
    for each in reversed(structure):
        if isinstance(each, tuple):
            yield from (inner for inner in each if isinstance(inner, tuple))
            yield each
