"""For how long the house's logs are kept. They hold no content, but times and ids of what was done."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta
from pathlib import Path

__all__ = ["trim"]

_TIME = re.compile(rb'^\{"time": "([0-9T:.+-]{20,40})"')


def trim(folder: Path, *, days: float, now: datetime) -> None:
    """Cuts what is older than so many days off every log, in place: whoever writes into one goes on at its end."""
    oldest = now - timedelta(days=days)
    for file in sorted(folder.glob("*.log*")):
        with contextlib.suppress(OSError):
            _trim(file, oldest)


def _trim(file: Path, oldest: datetime) -> None:
    with file.open("r+b") as log:
        content = log.read()
        start = _begin(content, oldest)
        if start == 0:
            return
        kept = content[start:] + log.read()  # what came while the rest was looked through
        log.seek(0)
        log.write(kept)
        log.truncate()
    if not kept and file.suffix != ".log":
        file.unlink()


def _begin(content: bytes, oldest: datetime) -> int:
    """Where the first line begins that is not older; lines without a time are as old as the one before them."""
    place = 0
    for line in content.splitlines(keepends=True):
        found = _TIME.match(line)
        if found and _moment(found[1]) >= oldest:
            return place
        place += len(line)
    return place if _TIME.search(content) else 0


def _moment(text: bytes) -> datetime:
    return datetime.fromisoformat(text.decode())
