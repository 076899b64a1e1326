"""Signed heads in a file of the owner's choice, best on another disk: whoever changes the ledger must reach that, too.

Append-only: each head is a C2SP checkpoint, a blank line between two. `oa audit verify --heads` and
`deploy/verify_export.py --head` read such a file.
"""

from __future__ import annotations

import logging
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

from openassistant.context import Clock
from openassistant.messages import TreeHead
from services.audit import checkpoint

__all__ = ["Outside"]

_NOTE = re.compile(rf"{re.escape(checkpoint.ORIGIN)}\n\d+\n\S+\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+")
_MOST_READ = 1000

_log = logging.getLogger("openassistant.audit")


class Outside:
    """The file. A disk that is away holds nothing up: heads are written again when it is back."""

    def __init__(self, file: Path, *, public: bytes, clock: Clock, every: timedelta) -> None:
        self._file, self._public, self._clock, self._every = file, public, clock, every
        self._due: datetime | None = None
        self._newest = -1

    def notes(self) -> list[str]:
        """The newest thousand heads in the file that this ledger signed; what else stands there does not count."""
        try:
            found = _NOTE.findall(self._file.read_text("utf-8", "replace"))
        except OSError:
            return []
        good = [note for note in found[-_MOST_READ:] if checkpoint.is_signed(note, self._public)]
        if len(good) < len(found[-_MOST_READ:]):
            _log.warning("the file of heads holds some of another ledger", extra={"file": self._file.name})
        return good

    def keep(self, head: TreeHead, *, last: bool = False) -> None:
        """Appends a head, when the ledger has grown and it is time; the `last` one of a process at any time."""
        now = self._clock()
        if head.size <= self._newest or not (last or self._due is None or now >= self._due):
            return
        try:
            self._append(head.checkpoint)
        except OSError as error:
            _log.error("no head could be kept outside", extra={"file": self._file.name, "error": error.strerror})
            return
        self._newest, self._due = head.size, now + self._every

    def _append(self, note: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{note}\n")
            file.flush()
            os.fsync(file.fileno())
