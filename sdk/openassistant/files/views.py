"""How the fields of a file are shown by the tools."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["moment", "shown_name"]

_LONGEST_NAME = 300
_LAST = 253_402_300_799
"""The end of the year 9999."""


def moment(seconds: int) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(min(seconds, _LAST), UTC)


def shown_name(name: str) -> str:
    """A name that is not too long to be shown."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}… ({len(name)} characters)"
