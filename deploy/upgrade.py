"""A new version, tried on a copy before it touches the data, and taken back: `python -m deploy.upgrade`.

With --rehearse the house may run: a copy of it is brought up to date and looked at. Without, it is stopped: a copy is
put aside, then its files are brought up to date. --rollback puts that copy back. Each may be killed and run again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy import backup, secretfiles, versions
from deploy.containers import ContainerSettings
from deploy.places import VAULT, Keyring, Places
from deploy.processes import no_core_dumps
from deploy.restore import restore
from deploy.restoring import require_finished
from deploy.selftest import Report, examine
from deploy.settings import HouseSettings, complain
from openassistant import __version__
from openassistant.errors import Conflict, Internal, NotFound, OaError
from openassistant.locks import FileLock
from openassistant.settings import SettingsError
from openassistant.store import DriverError, Migrations, Store, reading_file
from services.vault.rootkey import RootKey

__all__ = ["Rehearsal", "Upgrade", "bring_up_to_date", "main", "pending", "rehearse", "roll_back", "upgrade"]

_MARK = "upgrade.json"
Pending = dict[str, dict[str, list[str]]]
"""By database and line of migrations, the scripts that have not run."""


class Rehearsal(NamedTuple):
    """What bringing the files up to date would do, as a copy of them showed."""

    pending: Pending
    seconds: float
    before: Report
    after: Report

    @property
    def faults(self) -> tuple[str, ...]:
        """What speaks against it."""
        return (*self.before.faults, *self.after.faults)


class Upgrade(BaseModel):
    """What an upgrade keeps for the way back: the copy of before."""

    model_config = ConfigDict(frozen=True)

    archive: Path
    since: str
    """The version that the files were of, as far as it is known."""
    finished: bool = False


def pending(places: Places, root: RootKey) -> Pending:
    """What has not run, of each database; raises `Internal` for a file of a newer version."""
    keyring = Keyring.read(root, places.path(VAULT))
    found: Pending = {}
    for name, path in places.databases().items():
        key = keyring.of(name, path)
        if key is not None and (rest := _pending(name, path, key)):
            found[name] = rest
    return found


def bring_up_to_date(places: Places, root: RootKey) -> Pending:
    """Runs on every database what has not run there, each in a transaction of its own; done again it goes on."""
    keyring = Keyring.read(root, places.path(VAULT))
    found = pending(places, root)
    for name in found:
        key = keyring.of(name, places.path(name))
        assert key is not None, "only what has a key is pending"
        asyncio.run(_migrate(places.path(name), key, versions.lines_of(name)))
    return found


def rehearse(places: Places, root: RootKey) -> Rehearsal:
    """Brings a copy of the files up to date and looks at it before and after; the house may run, and is not touched."""
    with _copied(places, root) as copy:
        before = examine(copy, root)
        began = time.monotonic()
        done = bring_up_to_date(copy, root) if before.ok else {}
        seconds = time.monotonic() - began
        return Rehearsal(done, seconds, before, examine(copy, root) if before.ok else before)


def upgrade(places: Places, root: RootKey, folder: Path, *, now: datetime) -> tuple[Upgrade, Rehearsal]:
    """Puts a copy aside in `folder`, rehearses, then brings the files up to date.

    Raises `Conflict` while the house runs, `Internal` where the rehearsal finds a fault: then nothing was changed.
    """
    with _stopped(places):
        versions.require_known(places.keys)
        done = _state(places)
        if done is None or done.finished:
            made = backup.make(places, root, folder, now=now, label="before-upgrade")
            _, report = backup.check(made.path, root, places)
            if report.faults:
                made.path.unlink(missing_ok=True)
                raise Internal(f"The copy of before is not sound, so nothing was changed: {' '.join(report.faults)}")
            done = Upgrade(archive=made.path, since=_recorded(places))
        tried = rehearse(places, root)
        if tried.faults:
            raise Internal(f"On a copy it did not go well, so nothing was changed: {' '.join(tried.faults)}")
        _write(places, done)
        bring_up_to_date(places, root)
        versions.keep(places.keys)
        done = done.model_copy(update={"finished": True})
        _write(places, done)
        return done, tried


def roll_back(places: Places, root: RootKey, *, now: datetime) -> tuple[Upgrade, Report]:
    """Puts the copy of before the last upgrade back; raises `NotFound` without one, `Conflict` while the house runs."""
    done = _state(places)
    if done is None or not done.archive.exists():
        raise NotFound("There is no copy of before an upgrade here.")
    report = restore(done.archive, places, root, now=now, replace=True, tried=True)
    _mark(places).unlink(missing_ok=True)
    return done, report


def _pending(name: str, path: Path, key: bytes) -> dict[str, list[str]]:
    migrations = Migrations(versions.lines_of(name))
    try:
        rest = reading_file(path, key, migrations.pending)
    except DriverError as error:
        raise Internal(f"{name} cannot be opened: {error}") from error
    return {line: [each.stem for each in scripts] for line, scripts in rest.items()}


async def _migrate(path: Path, key: bytes, lines: dict[str, Path]) -> None:
    store = await Store.open(path, key, Migrations(lines))
    await store.close()


@contextlib.contextmanager
def _copied(places: Places, root: RootKey) -> Iterator[Places]:
    """A copy of a house as it is at this moment, in a folder that goes afterwards."""
    require_finished(places.keys)
    folder = places.work / "rehearsal"
    shutil.rmtree(folder, ignore_errors=True)
    copy = Places(folder)
    try:
        backup.copy_to(places, root, copy)
        yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _stopped(places: Places) -> Iterator[None]:
    lock = FileLock.take(places.folder / "lock")
    if lock is None:
        raise Conflict(f"A house runs on {places.folder}. Stop it first; to rehearse, it may run.")
    try:
        yield
    finally:
        lock.release()


def _mark(places: Places) -> Path:
    return places.work / _MARK


def _state(places: Places) -> Upgrade | None:
    try:
        return Upgrade.model_validate_json(_mark(places).read_text())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise Internal(f"{_mark(places)} is of another version.") from error


def _write(places: Places, done: Upgrade) -> None:
    secretfiles.write(_mark(places), done.model_dump_json() + "\n")


def _recorded(places: Places) -> str:
    with contextlib.suppress(OSError, ValidationError):
        return versions.Versions.model_validate_json((places.keys / "versions.json").read_text()).version
    return "unknown"


# --- the command line -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 done, 1 it cannot be done or did not go well, 2 wrong use or settings."""
    no_core_dumps()
    options = _parser().parse_args(arguments)
    try:
        settings = ContainerSettings.read() if options.volumes else HouseSettings.read()
        if options.volumes and not options.rehearse:
            raise Conflict("In containers, make a copy and start the new images instead: docs/guides/docker.md.")
        places, root = Places(settings.data_dir, volumes=options.volumes), backup.root_of(settings)
        folder = settings.backup_dir or settings.data_dir.with_name(f"{settings.data_dir.name}.copies")
        if options.rehearse:
            return _rehearsed(rehearse(places, root))
        if options.rollback:
            return _rolled_back(places, root)
        done, tried = upgrade(places, root, folder, now=datetime.now(UTC))
    except SettingsError as error:
        return complain(str(error), 2)
    except OaError as error:
        return complain(error.message, 1)
    except OSError as error:
        return complain(f"{error.filename or 'A file'}: {error.strerror}.", 1)
    print(_changes(tried.pending))
    print(
        f"The files are up to date (from {done.since} to {__version__}). The way back: make rollback ({done.archive})"
    )
    return 0


def _rehearsed(tried: Rehearsal) -> int:
    for fault in tried.faults:
        print(fault, file=sys.stderr)
    if tried.faults:
        print("It would not go well. Nothing was changed.", file=sys.stderr)
        return 1
    print(_changes(tried.pending))
    for line in _rows(tried.before, tried.after):
        print(line)
    print(
        f"It would go well, in {tried.seconds:.1f} s: {tried.after.files} files open and are sound, and "
        f"{tried.after.records} records of the ledger fit together. Nothing was changed."
    )
    return 0


def _rolled_back(places: Places, root: RootKey) -> int:
    began = time.monotonic()
    done, report = roll_back(places, root, now=datetime.now(UTC))
    print(
        f"Back at {done.archive.name} in {time.monotonic() - began:.1f} s: {report.files} files, {report.records} "
        f"records of the ledger. Now take back the program, too (it was {done.since}), and start it."
    )
    return 0


def _changes(done: Pending) -> str:
    if not done:
        return "No file needs to change."
    kinds: dict[str, int] = {}
    for name, lines in done.items():
        room, *_, last = name.split("/")
        kind = f"{room}/users" if "/users/" in name else f"{room}/{last}"
        steps = ", ".join(each for scripts in lines.values() for each in scripts)
        kinds[f"{kind}: {steps}"] = kinds.get(f"{kind}: {steps}", 0) + 1
    return "\n".join(f"  {kind}{f' (in {many} files)' if many > 1 else ''}" for kind, many in sorted(kinds.items()))


def _rows(before: Report, after: Report) -> Iterator[str]:
    """Tables that have fewer rows afterwards, or are gone."""
    for name, tables in before.rows.items():
        for table, many in tables.items():
            left = after.rows.get(name, {}).get(table)
            if left is None:
                yield f"  {name}: the table {table} ({many} rows) would be gone"
            elif left < many and not table.endswith("_version"):
                yield f"  {name}: {table} would have {left} rows instead of {many}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.upgrade", description="Bring a house's files up to date.")
    parser.add_argument("--volumes", action="store_true", help="the house lies in volumes, as in containers")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rehearse", action="store_true", help="on a copy, while the house runs; changes nothing")
    which.add_argument("--rollback", action="store_true", help="back to the copy of before the last upgrade")
    return parser


if __name__ == "__main__":
    sys.exit(main())
