"""How much of a file is looked at, and how it is said that one will not be read."""

from __future__ import annotations

import time
from collections.abc import Iterable

__all__ = ["LONGEST", "RefusedError", "Watch", "gathered"]

LONGEST = 1_000_000
"""The longest text that is given back, in characters."""
_SECONDS = 10.0
"""Of a document that takes longer, what was read so far is given; the sandbox gives 20."""


class RefusedError(Exception):
    """The file will not be read, for a reason that its owner can act on."""


class Watch:
    """The processor time that reading one document has taken."""

    def __init__(self) -> None:
        self._began = time.process_time()

    @property
    def over(self) -> bool:
        """Whether it is time to give what there is."""
        return time.process_time() - self._began > _SECONDS


def gathered(pieces: Iterable[str], watch: Watch, *, between: str = "\n") -> tuple[str, bool]:
    """The pieces as one text, and whether some are missing because it grew too long or took too long."""
    found: list[str] = []
    length = 0
    for piece in pieces:
        found.append(piece)
        length += len(piece) + len(between)
        if length > LONGEST or watch.over:
            return between.join(found), True
    return between.join(found), False
