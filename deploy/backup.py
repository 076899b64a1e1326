"""Copies of a house: made while it runs, tried, pruned, put back. `python -m deploy.backup make|check|restore|sheet`.

A copy shows all files at one moment (`openassistant.copying`), as a power cut would have left them, and is encrypted
so that the root key alone opens it. `schedule` makes one a day; in `make run` the supervisor does the same.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import io
import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy import archive as archives
from deploy import recovery, secretfiles
from deploy.archive import About, Member
from deploy.containers import ContainerSettings
from deploy.places import KEYS_QUERY, LEDGER, VAULT, Keyring, Places
from deploy.processes import no_core_dumps
from deploy.restore import restore
from deploy.restoring import is_unfinished, require_finished
from deploy.selftest import RECORDS, Report, examine
from deploy.settings import HouseSettings, complain
from openassistant import __version__, copying
from openassistant.errors import Conflict, Internal, NotFound, OaError
from openassistant.locks import FileLock
from openassistant.settings import SettingsError
from openassistant.store import DriverError
from services.vault.rootkey import RootKey, is_protected

__all__ = ["Last", "Made", "check", "copies", "copy_to", "due", "main", "make", "once", "prune", "root_of", "serve"]

_NAME = re.compile(r"open-assistant-(?P<house>[0-9a-f]{8})-(?P<taken>\d{8}T\d{6})Z(?:-[a-z0-9.-]+)?\.tar\.age")
_AGAIN = timedelta(hours=1)
_FIRST = 60.0
"""Seconds that a house is given to start before its first copy."""
_LOOK = 30.0
_MOST_FILES = 65_536


class Made(NamedTuple):
    """A copy: the file, what it says of itself, its bytes, and for how long nobody could write meanwhile."""

    path: Path
    about: About
    size: int
    held_seconds: float


class Last(BaseModel):
    """What became of the newest copy, for the house to tell: `good` is when one was made that was found sound."""

    model_config = ConfigDict(frozen=True)

    tried: datetime
    ok: bool
    detail: str = ""
    file: str = ""
    bytes: int = 0
    files: int = 0
    records: int = 0
    seconds: float = 0.0
    held_seconds: float = 0.0
    good: datetime | None = None


def make(
    places: Places, root: RootKey, folder: Path, *, now: datetime, recipients: Sequence[str] = (), label: str = ""
) -> Made:
    """Copies a house into `folder`, whether it runs or not; `label` ends the file's name.

    Databases are first copied beside the data: `folder` may be on a network, where SQLite does not work.

    Raises `Conflict` while another copy of it is made, `Internal` for a house that is not whole, `Unavailable`.
    """
    require_finished(places.keys)
    _allow_many_files()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    plain: dict[str, bytes] = {}

    def meanwhile() -> None:
        plain.clear()
        plain.update(_plain(places))

    house = places.identity()
    _discard(folder, house)
    with _workplace(places) as work, copying.at_one_moment(lambda: _keyed(places, root), meanwhile) as moment:
        rows = moment.select(places.path(VAULT), KEYS_QUERY)
        keyring = Keyring.of_rows(root, rows)
        held = {
            name: path for name, path in places.databases().items() if path in moment.files and keyring.of(name, path)
        }
        about = About(
            house=house, version=__version__, taken=now,
            records=int(moment.select(places.path(LEDGER), RECORDS)[0][0]),
        )  # fmt: skip
        name = f"open-assistant-{about.house}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{label and f'-{label}'}.tar.age"
        members = _members(moment, held, plain, work)
        size = archives.pack(folder / name, about, members, root=root, recipients=recipients)
        return Made(folder / name, about, size, moment.held_seconds)


def copy_to(places: Places, root: RootKey, target: Places) -> None:
    """Copies a house, which may run, file by file into other places, as it is at this moment."""
    _allow_many_files()
    plain: dict[str, bytes] = {}

    def meanwhile() -> None:
        plain.clear()
        plain.update(_plain(places))

    with copying.at_one_moment(lambda: _keyed(places, root), meanwhile) as moment:
        for name, content in plain.items():
            _put(target.path(name), io.BytesIO(content))
        for name, path in places.databases().items():
            if path in moment.files:
                target.path(name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                moment.copy(path, target.path(name))


def check(archive: Path, root: RootKey, places: Places) -> tuple[About, Report]:
    """Puts a copy into a folder beside the data in `places`, opens everything, and takes it away again.

    What lies there meanwhile is as closed as the data itself. Raises `Internal` for one that does not open.
    """
    with _workplace(places) as folder:
        tried = Places(folder)
        about = archives.unpack(archive, root, lambda name, content: _put(tried.path(name), content))
        report = examine(tried, root)
        if not report.faults and report.records != about.records:
            words = f"The ledger has {report.records} records, not {about.records} as when the copy was made."
            report = report.model_copy(update={"faults": (words,)})
        return about, report


def copies(folder: Path, house: str | None = None) -> list[Path]:
    """The copies in a folder (of one house), oldest first."""
    named = [(each, found) for each in sorted(folder.glob("*.tar.age")) if (found := _NAME.fullmatch(each.name))]
    return [each for each, found in sorted(named, key=lambda pair: pair[1]["taken"]) if house in (None, found["house"])]


def prune(folder: Path, house: str, *, daily: int, weekly: int, monthly: int) -> list[Path]:
    """Removes the copies of a house that no day, week or month needs; says which. The newest always stays.

    Those with a label, which somebody made for a reason, are let alone.
    """
    own = [(each, _taken(each)) for each in copies(folder, house) if _is_plain(each)]
    kept: set[Path] = {own[-1][0]} if own else set()
    for form, most in (("%Y%m%d", daily), ("%G%V", weekly), ("%Y%m", monthly)):
        newest = {taken.strftime(form): path for path, taken in own}
        kept |= {newest[each] for each in sorted(newest, reverse=True)[:most]}
    gone = [path for path, _ in own if path not in kept]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def once(settings: HouseSettings, places: Places, *, now: datetime) -> Last:
    """Makes a copy, tries it, prunes, and writes down what came of it; a copy that is not sound does not stay.

    Whatever goes wrong, the copies of before are not touched.
    """
    began, former = time.monotonic(), last_of(settings.backup_report)
    good = former.good if former else None
    try:
        made, report = _made_and_tried(settings, places, now)
    except OaError as error:
        last = Last(tried=now, ok=False, detail=error.message, good=good)
    except DriverError:
        words = "A database could not be copied: see whether the disk is full or failing."
        last = Last(tried=now, ok=False, detail=words, good=good)
    except OSError as error:
        last = Last(tried=now, ok=False, detail=f"{error.filename or 'The copy'}: {error.strerror}.", good=good)
    else:
        last = Last(
            tried=now, ok=True, file=made.path.name, bytes=made.size, files=report.files, records=report.records,
            held_seconds=made.held_seconds, good=now,
        )  # fmt: skip
    last = last.model_copy(update={"seconds": time.monotonic() - began})
    with contextlib.suppress(OSError):
        settings.backup_report.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        secretfiles.write(settings.backup_report, last.model_dump_json() + "\n")
    return last


def last_of(report: Path) -> Last | None:
    """What was written down last; None where nothing is, or nothing that can be read."""
    try:
        return Last.model_validate_json(report.read_text())
    except (OSError, ValidationError):
        return None


def due(last: Last | None, *, now: datetime, hour: int) -> datetime:
    """When the next copy is to be made, in the zone of `now`: at once without one, an hour after a failure."""
    if last is None or last.good is None:
        return now if last is None or last.ok else last.tried + _AGAIN
    if not last.ok:
        return last.tried + _AGAIN
    before = last.good.astimezone(now.tzinfo)
    at = before.replace(hour=hour, minute=0, second=0, microsecond=0)
    return at if at > before else at + timedelta(days=1)


def serve(settings: HouseSettings, places: Places) -> int:
    """Makes a copy whenever one is due, for ever."""
    time.sleep(_FIRST)
    while True:
        now = datetime.now().astimezone()
        if due(last_of(settings.backup_report), now=now, hour=settings.backup_hour) <= now:
            last = once(settings, places, now=now)
            print(_said(last), flush=True)
        time.sleep(_LOOK)


def root_of(settings: HouseSettings) -> RootKey:
    """The house's root key; one under a passphrase is asked for, where no file has that. Raises `WrongPassphrase`."""
    passphrase = settings.passphrase()
    if passphrase is None and is_protected(settings.root_key) and sys.stdin.isatty():
        passphrase = getpass.getpass("Passphrase of the root key: ")
    return RootKey.load(settings.root_key, passphrase=passphrase)


def _made_and_tried(settings: HouseSettings, places: Places, now: datetime) -> tuple[Made, Report]:
    folder, root = _folder(settings), root_of(settings)
    made = make(places, root, folder, now=now, recipients=settings.recipients)
    try:
        _, report = check(made.path, root, places)
    except OaError:
        made.path.unlink(missing_ok=True)
        raise
    if report.faults:
        made.path.unlink(missing_ok=True)
        raise Internal(f"The copy was not sound: {' '.join(report.faults)}")
    prune(
        folder, made.about.house, daily=settings.backup_daily, weekly=settings.backup_weekly,
        monthly=settings.backup_monthly,
    )  # fmt: skip
    return made, report


def _keyed(places: Places, root: RootKey) -> dict[Path, bytes]:
    """Every database that there is a key for; without one are files of people who were erased."""
    keyring = Keyring.read(root, places.path(VAULT))
    return {path: key for name, path in places.databases().items() if (key := keyring.of(name, path))}


def _plain(places: Places) -> dict[str, bytes]:
    """What is no database: keys and the newest head, some kilobytes."""
    return {name: path.read_bytes() for name, path in places.files().items() if not name.endswith(".db")}


def _members(moment: copying.Moment, held: dict[str, Path], plain: dict[str, bytes], work: Path) -> Iterator[Member]:
    """One file after the other, so that no more than one lies there twice."""
    yield from sorted(plain.items())
    for name, path in held.items():
        copy = work / "copy.db"
        moment.copy(path, copy)
        yield name, copy
        copy.unlink()


@contextlib.contextmanager
def _workplace(places: Places) -> Iterator[Path]:
    """An empty folder beside the data, gone afterwards; what a killed run left is taken away first."""
    lock = FileLock.take(places.work / "lock")
    if lock is None:
        raise Conflict("Another copy of this house is being made or tried.")
    work = places.work / "copy"
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        lock.release()


def _discard(folder: Path, house: str) -> None:
    """Takes away what a copy of this house left that was killed while it was written."""
    for part in folder.glob(f".open-assistant-{house}-*.part"):
        part.unlink(missing_ok=True)


def _put(path: Path, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


def _allow_many_files() -> None:
    """Every database is open six times over for a moment, and a shell's limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _folder(settings: HouseSettings) -> Path:
    if settings.backup_dir is None:
        raise NotFound("No folder for copies is chosen. Set OA_BACKUP_DIR, best on another disk.")
    return settings.backup_dir


def _taken(path: Path) -> datetime:
    found = _NAME.fullmatch(path.name)
    assert found is not None, "a copy's name"
    return datetime.strptime(found["taken"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def _is_plain(path: Path) -> bool:
    return path.name.endswith("Z.tar.age")


def _said(last: Last) -> str:
    if not last.ok:
        return f"No copy: {last.detail}"
    return (
        f"Copied: {last.file}, {_size(last.bytes)}, {last.files} files, {last.records} records of the ledger, in "
        f"{last.seconds:.1f} s; all of it opens. Nobody could write for {last.held_seconds * 1000:.0f} ms."
    )


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB"


# --- the command line -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 done, 1 it cannot be done or a copy is not sound, 2 wrong use or settings."""
    no_core_dumps()
    options = _parser().parse_args(arguments)
    try:
        settings = ContainerSettings.read() if options.volumes else HouseSettings.read()
        status: int = options.work(options, settings, Places(settings.data_dir, volumes=options.volumes))
    except SettingsError as error:
        return complain(str(error), 2)
    except OaError as error:
        return complain(error.message, 1)
    except OSError as error:
        return complain(f"{error.filename or 'A file'}: {error.strerror}.", 1)
    return status


def _on_make(options: argparse.Namespace, settings: HouseSettings, places: Places) -> int:
    if options.to is not None:
        settings = settings.model_copy(update={"backup_dir": options.to.expanduser().absolute()})
    _folder(settings)
    last = once(settings, places, now=datetime.now().astimezone())
    print(_said(last), file=sys.stdout if last.ok else sys.stderr)
    return 0 if last.ok else 1


def _on_check(options: argparse.Namespace, settings: HouseSettings, places: Places) -> int:
    archive = options.archive or _newest(_folder(settings))
    about, report = check(archive, root_of(settings), places)
    print(f"{archive.name}: taken {about.taken:%Y-%m-%d %H:%M %Z}, version {about.version}.")
    for fault in report.faults:
        print(fault, file=sys.stderr)
    if report.ok:
        print(f"Sound: {report.files} files, {report.records} records that fit together, in {report.seconds:.1f} s.")
    return 0 if report.ok else 1


def _on_restore(options: argparse.Namespace, settings: HouseSettings, places: Places) -> int:
    archive: Path = options.archive.expanduser().absolute()
    if not archive.is_file():
        raise NotFound(f"There is no {archive}.")
    typed = None if settings.root_key.exists() else _typed()
    if typed is not None:
        secretfiles.write(settings.root_key, secretfiles.written_key(typed.raw()))
    try:
        report = restore(archive, places, root_of(settings), now=datetime.now(UTC))
    except OaError:
        if typed is not None and not is_unfinished(places.keys):
            settings.root_key.unlink(missing_ok=True)
        raise
    if typed is not None:
        print(f"The root key was written to {settings.root_key}.")
    print(
        f"Restored: {report.files} files, {report.records} records of the ledger that fit together. What waited in the "
        "copy is put aside when the house starts, for it may have been done since. Do not let the old house run, too."
    )
    return 0


def _on_sheet(options: argparse.Namespace, settings: HouseSettings, places: Places) -> int:
    text = recovery.page(
        root_of(settings), house=places.identity(), made=f"{datetime.now().astimezone():%d %B %Y}".lstrip("0")
    )
    if options.to is None:
        sys.stdout.write(text)
        return 0
    target: Path = options.to.expanduser().absolute()
    if target.is_relative_to(settings.data_dir):
        raise Conflict("The sheet would lie beside the data that it opens. Choose another folder.")
    secretfiles.write(target, text)
    print(f"{target}: print it, then remove the file.")
    return 0


def _on_serve(options: argparse.Namespace, settings: HouseSettings, places: Places) -> int:
    _folder(settings)
    return serve(settings, places)


def _typed() -> RootKey:
    """The root key from the sheet, typed at a terminal or given on standard input."""
    if not sys.stdin.isatty():
        return recovery.read(sys.stdin.read())
    print("There is no file with the root key. Type the groups of the recovery sheet, in order; end with Ctrl-D.")
    return recovery.read(sys.stdin.read())


def _newest(folder: Path) -> Path:
    found = copies(folder)
    if not found:
        raise NotFound(f"There is no copy in {folder}.")
    return found[-1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description="Copies of a house, and back again.")
    parser.add_argument("--volumes", action="store_true", help="the house lies in volumes, as in containers")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, work, words in (
        ("make", _on_make, "copy the house now, and try the copy"),
        ("check", _on_check, "try a copy: open everything, verify the ledger"),
        ("restore", _on_restore, "put a copy into an empty data directory"),
        ("sheet", _on_sheet, "show the recovery sheet, which has the root key on it"),
        ("serve", _on_serve, "make a copy a day"),
    ):
        command = commands.add_parser(name, help=words)
        command.set_defaults(work=work)
        if name in ("make", "sheet"):
            command.add_argument("--to", type=Path, help="a folder" if name == "make" else "a file, mode 0600")
        if name in ("check", "restore"):
            command.add_argument("archive", type=Path, nargs="?" if name == "check" else None)
    return parser


if __name__ == "__main__":
    sys.exit(main())
