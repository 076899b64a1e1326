"""A file or folder as a drive describes it: what has to be known of each, and its fields, checked as they come in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Protocol

__all__ = ["FileItem", "link_in", "one_line", "part_in", "seconds_of", "word_in"]

_LONGEST = 4096
"""Characters that are kept of a field."""
_LONGEST_LINK = 2_000
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class FileItem(Protocol):
    """What a mirror and a preview have to know of a file or folder."""

    @property
    def id(self) -> str:
        """Its id at the provider."""

    @property
    def name(self) -> str:
        """Its name, one line."""

    @property
    def description(self) -> str:
        """What somebody wrote about it."""

    @property
    def parent(self) -> str:
        """The id of the folder that it lies in."""

    @property
    def modified(self) -> int:
        """When it was changed last, in seconds since 1970."""

    @property
    def editor(self) -> str:
        """The address of whoever changed it last."""

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""

    @property
    def seen_by_others(self) -> bool:
        """Whether anybody else can see it."""

    def shown_in(self, path: str) -> str:
        """As a person reads it: its name and kind, and where it lies, if that is known."""


def word_in(of: dict[str, Any], name: str) -> str:
    """A field that is a text."""
    found = of.get(name)
    return found.encode("utf-8", "replace").decode()[:_LONGEST] if isinstance(found, str) else ""


def part_in(of: dict[str, Any], name: str) -> dict[str, Any]:
    """A field that is an object."""
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def link_in(of: dict[str, Any], name: str) -> str:
    """A field that is an address on the web."""
    found = word_in(of, name)
    return found if found.startswith("https://") and len(found) <= _LONGEST_LINK else ""


def one_line(found: str) -> str:
    """One line, without characters that are not seen or turn the text round."""
    return _HIDDEN.sub(" ", found).strip()


def seconds_of(found: Any) -> int:
    """A moment in ISO 8601 in seconds since 1970; 0 for what is none."""
    try:
        moment = datetime.fromisoformat(str(found))
        return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        return 0
