"""Signed heads of the ledger in a file: C2SP checkpoints, a blank line between two."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from oa.house import FAILED, USAGE, HouseError

__all__ = ["append", "read"]

_NOTE = re.compile(r"open-assistant/ledger\n\d+\n\S+\n(?:[^\n]+\n)*\n(?:— [^\n]+(?:\n|\Z))+")
_MOST = 1000


def read(file: Path) -> tuple[str, ...]:
    """The newest thousand heads in a file; raises `HouseError` where something else stands in it."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HouseError(f"{file} cannot be read as a file of heads.", code=USAGE) from error
    if _NOTE.sub("", text).strip():
        raise HouseError(f"{file} holds something that is no signed head.", code=USAGE)
    return tuple(note if note.endswith("\n") else f"{note}\n" for note in _NOTE.findall(text))[-_MOST:]


def append(file: Path, note: str, kept: Sequence[str]) -> str:
    """Adds a head to the file unless it is there; what was done, in a word. Raises `HouseError`."""
    if note in kept:
        return "Known already"
    try:
        with file.open("a", encoding="utf-8") as target:
            target.write(f"{note}\n")
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        raise HouseError(f"{file} cannot be written: {error.strerror}.", code=FAILED) from error
    return "Kept"
