"""The mark of a restore that was begun and not finished: while it is there, no house starts."""

from __future__ import annotations

from pathlib import Path

from openassistant.errors import Internal

__all__ = ["MARK", "is_unfinished", "require_finished"]

MARK = "restoring.json"
"""Among the keys."""


def is_unfinished(keys: Path) -> bool:
    """Whether a restore into a house with this folder of keys was begun and not finished."""
    return (keys / MARK).exists()


def require_finished(keys: Path) -> None:
    """Raises `Internal` for a house that is half restored."""
    if is_unfinished(keys):
        raise Internal("A restore was begun here and not finished. Run the same command again, then start the house.")
