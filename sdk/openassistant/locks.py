"""Who is alive, and who does what, among processes that share a volume: advisory file locks (flock(2)).

The kernel drops them when a process dies, whatever it died of; so nothing has to time out.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Self

__all__ = ["FileLock", "is_free"]


class FileLock:
    """A lock held for as long as this object is not released: by one, or shared by many."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock on a file (made when missing), or None when another process holds it."""
        return cls._take(path, fcntl.LOCK_EX)

    @classmethod
    def share(cls, path: Path) -> Self | None:
        """A share in the lock, as many hold at once, or None when somebody holds it alone."""
        return cls._take(path, fcntl.LOCK_SH)

    @classmethod
    def wait(cls, path: Path, *, seconds: float) -> Self:
        """The lock on a file as soon as its holder lets it go; raises `TimeoutError`. Blocks its thread."""
        end = time.monotonic() + seconds
        while (lock := cls.take(path)) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"{path.name} is held by another process.")
            time.sleep(0.01)
        return lock

    @classmethod
    def _take(cls, path: Path, kind: int) -> Self | None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Lets the lock go."""
        os.close(self._descriptor)


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock on a file; a missing file is free."""
    if not path.exists():
        return True
    lock = FileLock.take(path)
    if lock is None:
        return False
    lock.release()
    return True
