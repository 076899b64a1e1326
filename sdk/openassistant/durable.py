"""Files that outlive a power cut: put in place in one step, and flushed before anything rests on them."""

from __future__ import annotations

import glob
import os
import secrets
from pathlib import Path

__all__ = ["flush", "put", "sweep"]


def put(path: Path, text: str) -> None:
    """Puts `text` in place of whatever `path` held, in one step, for its owner alone (mode 0600)."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    flush(path.parent)


def sweep(path: Path) -> None:
    """Removes what a process that was killed inside of `put` left beside `path`; while nobody else writes there."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}"):
        draft.unlink(missing_ok=True)


def flush(folder: Path) -> None:
    """Waits until the names in a folder are on the disk: a new one is durable only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
