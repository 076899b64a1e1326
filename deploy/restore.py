"""A copy put into the places of a house: one command, and done again after it was killed anywhere, it finishes.

What comes is first written beside its places and tried there; only then is what was there moved aside and the new moved
in. How far it is stands in a file among the keys, and while that is there the house does not start.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy import archive as archives
from deploy import secretfiles, versions
from deploy.archive import About
from deploy.places import RESTORED, RESTORING, SPARE, Coming, Places
from deploy.restoring import MARK
from deploy.selftest import Report, examine, records_of
from openassistant.context import new_id
from openassistant.durable import flush, sweep
from openassistant.errors import Conflict, Internal
from openassistant.locks import FileLock
from services.vault.rootkey import RootKey

__all__ = ["restore"]

Phase = Literal["copying", "clearing", "placing", "tidying"]


class _State(BaseModel):
    """How far a restore is; `about` is known from `clearing` on."""

    model_config = ConfigDict(frozen=True)

    id: str
    archive: str
    phase: Phase = "copying"
    replaces: bool = False


def restore(
    archive: Path, places: Places, root: RootKey, *, now: datetime, replace: bool = False, tried: bool = False
) -> Report:
    """Puts a copy into `places`, tried before anything is moved; says what it found in it.

    With `tried` it was looked at page by page when it was made. Where a restore was begun before, it is finished.
    Raises `Conflict` where a house lies there already (with `replace` it is taken away) or runs, and `Internal` for a
    copy that does not open, is damaged, or of a newer version.
    """
    with _held(places):
        state = _state(places)
        if state is None:
            _require_room(places, replace=replace)
            state = _State(id=new_id(), archive=archive.name, replaces=replace)
            _write(places, state)
        if state.phase == "copying":
            state, report = _bring(archive, places, root, state, now, tried=tried)
        elif state.archive != archive.name:
            raise Conflict(f"A restore of {state.archive} was not finished here. Run that one again first.")
        else:
            report = Report()
        _finish(places, state)
        return report if report.rows else examine(places, root, pages=not tried)


def _bring(
    archive: Path, places: Places, root: RootKey, state: _State, now: datetime, *, tried: bool
) -> tuple[_State, Report]:
    """Writes the copy beside its places and tries it; whatever is wrong with it, nothing else was touched."""
    _remove(places, RESTORING)
    coming = Coming(places.folder, volumes=places.volumes)
    try:
        about = archives.unpack(archive, root, lambda name, content: _put(coming.path(name), content))
        versions.require_known(coming.path("keys/versions.json").parent)
        report = _sound(examine(coming, root, pages=not tried))
    except BaseException:
        _remove(places, RESTORING)
        (places.keys / MARK).unlink(missing_ok=True)
        raise
    _leave_word(coming, places, state, about, root, now)
    _flush(places)
    after = state.model_copy(update={"phase": "clearing"})
    _write(places, after)
    return after, report


def _sound(report: Report) -> Report:
    if report.faults:
        raise Internal(f"The copy is not sound, so nothing was restored: {' '.join(report.faults)}")
    return report


def _leave_word(coming: Places, places: Places, state: _State, about: About, root: RootKey, now: datetime) -> None:
    """What waits in the copy may have been done since. Where nothing was written down since, nothing was done."""
    if state.replaces and records_of(places, root) == about.records:
        return
    word = {"id": state.id, "taken": about.taken.isoformat(), "restored": now.isoformat()}
    secretfiles.write(coming.path(RESTORED), json.dumps(word) + "\n")


def _finish(places: Places, state: _State) -> None:
    """What was there moves aside, what has come moves in; each step may be done twice."""
    if state.phase == "clearing":
        for home in places.homes():
            _clear(home, places)
        _flush(places)
        state = state.model_copy(update={"phase": "placing"})
        _write(places, state)
    if state.phase == "placing":
        for home in places.homes():
            _place(home)
        _flush(places)
        state = state.model_copy(update={"phase": "tidying"})
        _write(places, state)
    _remove(places, RESTORING)
    _remove(places, SPARE)
    sweep(places.keys / MARK)
    (places.keys / MARK).unlink(missing_ok=True)
    flush(places.keys)


def _clear(home: Path, places: Places) -> None:
    spare = home / SPARE
    spare.mkdir(mode=0o700, exist_ok=True)
    for entry in list(home.iterdir()):
        if entry.name in (RESTORING, SPARE, MARK) or (home == places.keys and entry.is_dir()):
            continue
        target = spare / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.replace(target)


def _place(home: Path) -> None:
    waiting = home / RESTORING
    if waiting.exists():
        for entry in list(waiting.iterdir()):
            entry.replace(home / entry.name)


def _put(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())


def _require_room(places: Places, *, replace: bool) -> None:
    # In volumes the bus's folder is there from the beginning, with nothing in it.
    if not replace and (places.files() or any((places.keys / "bus").glob("*"))):
        raise Conflict(
            f"{places.folder} is not empty: a house lies there. Restore into another folder (OA_DATA_DIR), or move it "
            "away first."
        )


@contextlib.contextmanager
def _held(places: Places) -> Iterator[None]:
    """Holds the data directory, so that no house starts there meanwhile. Containers are stopped by whoever calls."""
    places.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock.take(places.folder / "lock") if os.access(places.folder, os.W_OK) else None
    if lock is None and os.access(places.folder, os.W_OK):
        raise Conflict(f"A house runs on {places.folder}. Stop it first.")
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _state(places: Places) -> _State | None:
    try:
        return _State.model_validate_json((places.keys / MARK).read_text())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise Internal(f"{places.keys / MARK} is of another version.") from error


def _write(places: Places, state: _State) -> None:
    secretfiles.write(places.keys / MARK, state.model_dump_json() + "\n")


def _remove(places: Places, name: str) -> None:
    for home in places.homes():
        shutil.rmtree(home / name, ignore_errors=True)


def _flush(places: Places) -> None:
    """Makes every name durable before the next step rests on it."""
    for home in places.homes():
        for place, _, _ in os.walk(home):
            flush(Path(place))
