"""Many encrypted files as they were at one moment, copied page by page while others go on writing into them.

For some milliseconds nobody can write into any of them; in that time a read transaction begins in each. What is copied
from these later, however long that takes, is what a power cut at that moment would have left, in all files together.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from openassistant.errors import Internal, Unavailable
from openassistant.store import DriverError, connect

__all__ = ["Moment", "at_one_moment", "counts", "fault_of", "select"]

_TRIES, _PAUSE = 20, 0.5
_WAIT_MS, _LONGEST = 500, 3.0
"""How long one file is waited for, and how long all may be held: rooms wait ten seconds for theirs."""


class Moment:
    """Files held at one moment; `held_seconds` is how long nobody could write."""

    def __init__(self, readers: Mapping[Path, Any], keys: Mapping[Path, bytes], held_seconds: float) -> None:
        self._readers, self._keys, self.held_seconds = readers, keys, held_seconds

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are held."""
        return tuple(self._readers)

    def copy(self, path: Path, to: Path) -> None:
        """Writes a file as it was at that moment, under the same key, and lets it go: each once.

        `to` is made, readable by its owner alone.
        """
        to.touch(mode=0o600, exist_ok=False)
        with contextlib.closing(connect(to, self._keys[path])) as target:
            target.execute("PRAGMA synchronous = OFF")
            target.execute("PRAGMA journal_mode = OFF")
            self._readers[path].backup(target)
        _let_go(self._readers[path])

    def select(self, path: Path, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query as they were at that moment."""
        return list(self._readers[path].execute(query))


@contextlib.contextmanager
def at_one_moment(files: Callable[[], Mapping[Path, bytes]], meanwhile: Callable[[], None]) -> Iterator[Moment]:
    """Holds every file that `files` names, with its key; `meanwhile` is done while nobody can write.

    `files` is asked once more then: where another file has come, it is begun again, as where one cannot be read, for
    its key may be changed at this moment. Raises `Unavailable` or `Internal` where that does not come to an end.
    """
    stack, moment = _held(files, meanwhile)
    with stack:
        yield moment


def _held(
    files: Callable[[], Mapping[Path, bytes]], meanwhile: Callable[[], None]
) -> tuple[contextlib.ExitStack, Moment]:
    """A moment, and what lets its files go; tried again for some seconds."""
    failed: Exception | None = None
    for _ in range(_TRIES):
        with contextlib.ExitStack() as stack:
            try:
                moment = _try(stack, files, meanwhile)
            except DriverError as error:
                failed, moment = error, None
            if moment is not None:
                return stack.pop_all(), moment
        time.sleep(_PAUSE)
    if failed is not None:
        raise Internal(f"A file of the house cannot be read ({failed}): it may be damaged.") from failed
    raise Unavailable("The house was too busy to be held for a moment; try again.")


def _try(
    stack: contextlib.ExitStack, files: Callable[[], Mapping[Path, bytes]], meanwhile: Callable[[], None]
) -> Moment | None:
    keys = dict(files())
    try:
        readers = {path: stack.enter_context(contextlib.closing(connect(path, key))) for path, key in keys.items()}
        with contextlib.ExitStack() as locks:
            lockers = [
                locks.enter_context(contextlib.closing(connect(path, key, busy_ms=_WAIT_MS)))
                for path, key in keys.items()
            ]
            began = time.monotonic()
            for locker in lockers:
                locker.execute("BEGIN IMMEDIATE")
                if time.monotonic() - began > _LONGEST:
                    return None
            if {*files()} != {*keys}:
                return None
            for reader in readers.values():
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            meanwhile()
            held = time.monotonic() - began
    except DriverError as error:
        if "locked" in str(error) or any(not path.exists() for path in keys):
            return None
        raise
    return Moment(readers, keys, held)


def _let_go(reader: Any) -> None:
    """Ends a transaction, and empties the log of changes that could not be emptied for it, where nobody is in the way.

    What was erased meanwhile would else stand there until the file is used again.
    """
    reader.execute("ROLLBACK")
    reader.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    with contextlib.suppress(DriverError):
        reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def fault_of(path: Path, key: bytes, *, pages: bool = True) -> str:
    """What is wrong with a file that nobody writes, in words; "" where every page and every index is sound.

    Without `pages` it is only opened.
    """
    found: list[str] = []
    try:
        with contextlib.closing(connect(path, key)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if pages:
                found = [row[0] for row in connection.execute("PRAGMA cipher_integrity_check")]
            if pages and not found:
                found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    except DriverError as error:
        return "made with another key, or damaged" if "not a database" in str(error) else f"damaged ({error})"
    return "" if found in ([], ["ok"]) else f"damaged: {found[0]}"


def counts(path: Path, key: bytes) -> dict[str, int]:
    """How many rows each table of a file has."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    with contextlib.closing(connect(path, key)) as connection:
        names = [row[0] for row in connection.execute(tables)]
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a table's own name
            for name in names
        }


def select(path: Path, key: bytes, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query on a file."""
    with contextlib.closing(connect(path, key)) as connection:
        return list(connection.execute(query))
