"""Copies of a house: whole, of one moment, unreadable without the root key, and put back or refused in clear words."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from deploy import archive as archives
from deploy import backup, versions
from deploy.backup import Last, check, due, make, prune
from deploy.places import Places
from deploy.provision import Server, provision
from deploy.restore import restore
from deploy.selftest import examine
from deploy.settings import HouseSettings
from openassistant.errors import Conflict, Internal, InvalidRequest
from openassistant.locks import FileLock
from services.vault.rootkey import RootKey
from tests.deploy.kept import BOB, FILES, NOW, PLANTED, USER, Kept
from tests.sdk.killing import EVERYWHERE, killed_at_change

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("made"))


@pytest.fixture
def kept(made_once: Kept, tmp_path: Path) -> Kept:
    shutil.copytree(made_once.folder, tmp_path / "old")
    return Kept(tmp_path / "old")


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def elsewhere(tmp_path: Path, *, volumes: bool = False) -> Places:
    return Places(tmp_path / "new" / "data", volumes=volumes)


def opened(archive: Path, root: RootKey) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    archives.unpack(archive, root, lambda name, content: found.__setitem__(name, content.read()))
    return found


def test_a_copy_holds_every_file_that_a_house_needs_and_nothing_that_is_made_anew(kept: Kept, copies: Path) -> None:
    (kept.places.folder / "logs").mkdir()
    (kept.places.folder / "logs" / "agent.log").write_text("words")
    kept.places.path("gateway/setup-url").write_text("a link")
    made = make(kept.places, kept.root, copies, now=NOW)
    names = set(opened(made.path, kept.root))
    assert {*FILES, "vault/vault.db", "audit/ledger.db", "audit/head", "keys/root-key-id"} <= names
    assert {"keys/gateway/signing.jwk", "keys/mail/nkey", "keys/versions.json"} <= names
    assert not [each for each in names if each.startswith(("logs/", "bus/", "keys/bus/"))]
    assert not [each for each in names if each.endswith(("-wal", "-shm", ".check", "setup-url", "lock"))]
    assert re.fullmatch(r"open-assistant-[0-9a-f]{8}-20261112T140500Z\.tar\.age", made.path.name)
    assert [each.name for each in copies.iterdir()] == [made.path.name]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600


def test_nothing_in_a_copy_can_be_read_and_its_databases_stay_encrypted_inside(kept: Kept, copies: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    nkey = kept.places.path("keys/mail/nkey").read_bytes().strip()
    assert PLANTED.encode() not in made.path.read_bytes()
    assert nkey not in made.path.read_bytes()
    inside = opened(made.path, kept.root)
    assert nkey in inside["keys/mail/nkey"]
    assert not [name for name, content in inside.items() if PLANTED.encode() in content]


def test_a_copy_that_is_tried_tells_its_records_and_leaves_nothing_behind(kept: Kept, copies: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    about, report = check(made.path, kept.root, kept.places)
    assert report.ok, report.faults
    assert (about.records, report.records, report.erased) == (5, 5, 0)
    assert report.rows[f"agent/users/{USER}.db"]["messages"] == 1
    assert [each.name for each in (*copies.iterdir(), *kept.places.work.iterdir())] == [made.path.name, "lock"]


def test_a_copy_is_of_one_moment_in_all_files_while_they_are_written(kept: Kept, copies: Path) -> None:
    files = [name for name in FILES if name.endswith("room.db")]
    for name in files:
        kept.write(name, "CREATE TABLE ticks (n INTEGER PRIMARY KEY)")
    writing = multiprocessing.get_context("spawn").Process(target=_tick, args=(kept.folder, files))
    writing.start()
    target = Places(copies / "out")
    try:
        counted: list[list[int]] = []
        while not counted or counted[-1][0] < 20:
            made = make(kept.places, kept.root, copies, now=NOW)
            shutil.rmtree(target.folder, ignore_errors=True)
            archives.unpack(made.path, kept.root, lambda name, content: backup._put(target.path(name), content))
            counted.append([kept.read(name, "SELECT count(*) FROM ticks", target)[0][0] for name in files])
    finally:
        os.kill(writing.pid or 0, signal.SIGKILL)
        writing.join()
    # They are written one after the other: at any moment the first has as many as the last, or one more.
    assert [each for each in counted if not each[0] - 1 <= each[-1] <= each[0] or sorted(each)[::-1] != each] == []


def _tick(folder: Path, files: list[str]) -> None:
    import asyncio

    from openassistant.store import Migrations, Store

    async def tick() -> None:
        kept = Kept(folder)
        stores = [
            await Store.open(kept.places.path(name), await kept._key(name), Migrations(versions.lines_of(name)))
            for name in files
        ]
        while True:
            for store in stores:
                await store.write(
                    lambda connection: connection.exec_driver_sql("INSERT INTO ticks DEFAULT VALUES").close()
                )

    asyncio.run(tick())


def test_files_of_people_who_were_erased_are_left_out(kept: Kept, copies: Path) -> None:
    kept.write("vault/vault.db", f"DELETE FROM data_keys WHERE user = '{BOB}'")
    made = make(kept.places, kept.root, copies, now=NOW)
    assert not [name for name in opened(made.path, kept.root) if BOB in name]
    assert check(made.path, kept.root, kept.places)[1].ok


def test_further_recipients_open_a_copy_and_whoever_is_none_does_not(kept: Kept, copies: Path) -> None:
    friend, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    made = make(kept.places, kept.root, copies, now=NOW, recipients=[str(friend.to_public())])
    assert b"about.json" in pyrage.decrypt(made.path.read_bytes(), [friend])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(made.path.read_bytes(), [stranger])
    with pytest.raises(InvalidRequest, match="no age public key"):
        make(kept.places, kept.root, copies, now=NOW, recipients=["age1nobody"])


def test_any_age_opens_a_copy_with_the_identity_of_the_root_key(kept: Kept, copies: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    identity = pyrage.x25519.Identity.from_str(archives.identity(kept.root))
    assert b"keys/gateway/nkey" in pyrage.decrypt(made.path.read_bytes(), [identity])


def test_a_ledger_that_was_changed_is_found_in_its_copy(kept: Kept, copies: Path) -> None:
    kept.write("audit/ledger.db", "UPDATE records SET outcome = 'other' WHERE position = 2")
    _, report = check(make(kept.places, kept.root, copies, now=NOW).path, kept.root, kept.places)
    assert report.faults == ("The ledger: Record 2 was changed.",)


def test_a_ledger_whose_end_is_missing_is_found_by_the_heads_of_the_gateway(kept: Kept) -> None:
    kept.write("audit/ledger.db", "DELETE FROM records WHERE position = 4", "DELETE FROM heads")
    kept.places.path("audit/head").unlink()
    assert any("cut off" in each for each in examine(kept.places, kept.root).faults)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:100], "damaged"),
        (lambda data: data[: len(data) // 2], "damaged"),
        (lambda data: data[:-1], "damaged"),
        (lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:], "damaged"),
        (lambda data: b"words", "damaged"),
    ],
)
def test_a_damaged_copy_is_refused_and_nothing_is_left_of_it(
    kept: Kept, copies: Path, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    made.path.write_bytes(damage(made.path.read_bytes()))
    with pytest.raises(Internal, match=said):
        restore(made.path, elsewhere(tmp_path), kept.root, now=NOW)
    assert elsewhere(tmp_path).files() == {}
    assert not (elsewhere(tmp_path).keys / "restoring.json").exists()


def test_another_root_key_is_refused(kept: Kept, copies: Path, tmp_path: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    with pytest.raises(Internal, match="This root key does not open the copy"):
        restore(made.path, elsewhere(tmp_path), RootKey(bytes(32)), now=NOW)
    assert elsewhere(tmp_path).files() == {}


def test_a_copy_of_a_newer_version_is_refused(kept: Kept, copies: Path, tmp_path: Path) -> None:
    copies.mkdir()
    about = archives.About(format=2, house="0" * 8, version="9.9", taken=NOW, records=0)
    archives.pack(copies / "x.tar.age", about, [("keys/x", b"x")], root=kept.root)
    with pytest.raises(Internal, match=r"newer version \(9\.9\)"):
        restore(copies / "x.tar.age", elsewhere(tmp_path), kept.root, now=NOW)


def test_a_copy_with_files_of_a_newer_version_is_refused(kept: Kept, copies: Path, tmp_path: Path) -> None:
    newer = versions.known().model_copy(update={"schemas": {"gateway/room.db": {"own": "9999"}}, "version": "9.9"})
    (kept.places.keys / "versions.json").write_text(newer.model_dump_json())
    made = make(kept.places, kept.root, copies, now=NOW)
    with pytest.raises(Internal, match=r"newer version \(9\.9"):
        restore(made.path, elsewhere(tmp_path), kept.root, now=NOW)
    assert elsewhere(tmp_path).files() == {}


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "keys/../../x", "bus/x", "logs/x", "alone"])
def test_a_copy_that_would_write_elsewhere_is_refused(kept: Kept, copies: Path, tmp_path: Path, name: str) -> None:
    copies.mkdir()
    about = archives.About(house="0" * 8, version="0", taken=NOW, records=0)
    archives.pack(copies / "x.tar.age", about, [(name, b"x")], root=kept.root)
    with pytest.raises(Internal, match="no file of a house"):
        restore(copies / "x.tar.age", elsewhere(tmp_path), kept.root, now=NOW)


@pytest.mark.parametrize("volumes", [False, True])
def test_a_restored_house_has_everything_and_a_word_for_its_gateway(
    kept: Kept, copies: Path, tmp_path: Path, volumes: bool
) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    new = elsewhere(tmp_path, volumes=volumes)
    report = restore(made.path, new, kept.root, now=NOW + timedelta(hours=1))
    assert report.ok
    assert report.records == 5
    assert set(new.files()) == set(kept.places.files())
    assert kept.read(f"agent/users/{USER}.db", "SELECT text FROM messages", new) == [(PLANTED,)]
    word = json.loads(new.path("gateway/restored.json").read_text())
    assert (word["taken"], word["restored"]) == ("2026-11-12T14:05:00+00:00", "2026-11-12T15:05:00+00:00")
    left = [each.name for each in new.folder.rglob(".*")] + [each.name for each in new.folder.rglob("restoring*")]
    assert left == []
    assert {stat.S_IMODE(each.stat().st_mode) for each in new.files().values()} == {0o600}


def test_a_folder_with_a_house_in_it_is_refused_and_keeps_it(kept: Kept, copies: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    before = {name: path.read_bytes() for name, path in kept.places.files().items()}
    with pytest.raises(Conflict, match="is not empty"):
        restore(made.path, kept.places, kept.root, now=NOW)
    assert {name: path.read_bytes() for name, path in kept.places.files().items()} == before


def test_a_house_that_runs_is_not_replaced(kept: Kept, copies: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    lock = FileLock.take(kept.places.folder / "lock")
    assert lock is not None
    with pytest.raises(Conflict, match="runs on"):
        restore(made.path, kept.places, kept.root, now=NOW, replace=True)
    lock.release()


def test_a_replaced_house_on_which_nothing_was_done_since_puts_nothing_aside(kept: Kept, copies: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    kept.write(f"agent/users/{USER}.db", "DELETE FROM messages")
    restore(made.path, kept.places, kept.root, now=NOW, replace=True)
    assert kept.read(f"agent/users/{USER}.db", "SELECT count(*) FROM messages") == [(1,)]
    assert not kept.places.path("gateway/restored.json").exists()
    kept.record(1)
    restore(made.path, kept.places, kept.root, now=NOW, replace=True)
    assert kept.places.path("gateway/restored.json").exists()


def _restoring(archive: Path, folder: Path, root_key: Path, stop_at: int, replace: bool) -> None:
    """Restores, and kills itself just before the given step (an operation that changes the disk)."""
    steps = killed_at_change(folder, stop_at)
    restore(archive, Places(folder), RootKey.load(root_key), now=NOW, replace=replace)
    (folder.parent / "steps").write_text(str(steps()))


@pytest.mark.slow
@pytest.mark.parametrize("replace", [False, True])
def test_a_restore_that_is_killed_at_any_step_finishes_when_it_is_run_again(
    kept: Kept, copies: Path, tmp_path: Path, replace: bool
) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    wanted = {name: path.read_bytes() for name, path in kept.places.files().items() if name.startswith("keys/")}
    process = multiprocessing.get_context("fork")
    server = Server(store_dir="/nowhere", pid_file="/nowhere")

    def run(folder: Path, stop_at: int) -> int | None:
        child = process.Process(target=_restoring, args=(made.path, folder, kept.root_key, stop_at, replace))
        child.start()
        child.join()
        return child.exitcode

    def begin(number: int) -> Path:
        folder = tmp_path / f"run{number}" / "data"
        if replace:
            restore(made.path, Places(folder), kept.root, now=NOW)
            Places(folder).path("gateway/extra").write_text("of the newer one")
        return folder

    assert run(begin(0), 0) == 0
    steps = int((tmp_path / "run0" / "steps").read_text())
    assert steps > 100
    refused = 0
    some = (*range(1, 12), *range(12, steps - 60, 41), *range(max(steps - 60, 12), steps + 1, 7))
    for stop_at in range(1, steps + 1) if EVERYWHERE else some:
        folder = begin(stop_at)
        assert run(folder, stop_at) == -signal.SIGKILL
        if (folder / "keys" / "restoring.json").exists():
            refused += 1
            with pytest.raises(Internal, match="not finished"):
                provision(folder / "keys", root_key_file=kept.root_key, server=server)
        if replace or (folder / "keys" / "restoring.json").exists() or not Places(folder).files():
            assert run(folder, 0) == 0
        new = Places(folder)
        assert examine(new, kept.root).ok, stop_at
        assert {name: new.path(name).read_bytes() for name in wanted} == wanted
        assert not new.path("gateway/extra").exists()
        assert list(folder.rglob(".re*")) == []
        shutil.rmtree(folder.parent)
    assert refused > 10


def test_another_copy_does_not_finish_a_restore_that_moved_already(kept: Kept, copies: Path, tmp_path: Path) -> None:
    made = make(kept.places, kept.root, copies, now=NOW)
    new = elsewhere(tmp_path)
    new.keys.mkdir(parents=True)
    (new.keys / "restoring.json").write_text('{"id": "x", "archive": "other.tar.age", "phase": "placing"}')
    with pytest.raises(Conflict, match=r"other\.tar\.age was not finished"):
        restore(made.path, new, kept.root, now=NOW)


def test_of_days_weeks_and_months_the_newest_copies_are_kept_and_those_of_others_let_alone(copies: Path) -> None:
    copies.mkdir()
    house, first = "0a1b2c3d", datetime(2026, 1, 1, 3, tzinfo=UTC)
    for day in range(300):
        (copies / f"open-assistant-{house}-{first + timedelta(days=day):%Y%m%dT%H%M%SZ}.tar.age").touch()
    others = ["open-assistant-ffffffff-20260101T030000Z.tar.age", "notes.txt", "x.tar.age",
              f"open-assistant-{house}-20260101T030000Z-before-upgrade.tar.age"]  # fmt: skip
    for each in others:
        (copies / each).touch()
    gone = prune(copies, house, daily=7, weekly=4, monthly=6)
    left = [each.name[24:32] for each in backup.copies(copies, house) if backup._is_plain(each)]
    assert left[-7:] == [f"{first + timedelta(days=day):%Y%m%d}" for day in range(293, 300)]
    assert left[:-7] == ["20260531", "20260630", "20260731", "20260831", "20260930", "20261011", "20261018"]
    assert len(gone) == 300 - len(left)
    assert all((copies / each).exists() for each in others)
    assert prune(copies, house, daily=7, weekly=4, monthly=6) == []


def good(tried: datetime) -> Last:
    return Last(tried=tried, ok=True, good=tried)


@pytest.mark.parametrize(
    ("last", "at"),
    [
        (None, NOW),
        (good(NOW - timedelta(hours=2)), NOW.replace(day=13, hour=3, minute=0)),
        (good(NOW.replace(hour=1)), NOW.replace(hour=3, minute=0)),
        (Last(tried=NOW - timedelta(minutes=5), ok=False), NOW + timedelta(minutes=55)),
        (Last(tried=NOW - timedelta(minutes=5), ok=False, good=NOW - timedelta(days=3)), NOW + timedelta(minutes=55)),
        (good(NOW - timedelta(days=9)), NOW.replace(day=4, hour=3, minute=0)),
    ],
)  # fmt: skip
def test_a_copy_is_due_at_its_hour_at_once_without_one_and_an_hour_after_a_failure(
    last: Last | None, at: datetime
) -> None:
    assert due(last, now=NOW, hour=3) == at


def settings(kept: Kept, copies: Path, monkeypatch: pytest.MonkeyPatch) -> HouseSettings:
    for name in [name for name in os.environ if name.startswith("OA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OA_DATA_DIR", str(kept.places.folder))
    monkeypatch.setenv("OA_BACKUP_DIR", str(copies))
    return HouseSettings.read()


def test_what_became_of_a_copy_is_written_down_and_a_failure_keeps_the_last_good_one(
    kept: Kept, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(kept, copies, monkeypatch)
    last = backup.once(given, kept.places, now=NOW)
    assert (last.ok, last.records, last.good) == (True, 5, NOW)
    assert backup.last_of(given.backup_report) == last
    kept.write("audit/ledger.db", "UPDATE records SET outcome = 'other' WHERE position = 2")
    worse = backup.once(given, kept.places, now=NOW + timedelta(days=1))
    assert (worse.ok, worse.good) == (False, NOW)
    assert "Record 2 was changed" in worse.detail
    assert [each.name for each in backup.copies(copies)] == [last.file]
    assert backup.last_of(given.backup_report) == worse


def test_while_one_copy_is_made_another_is_refused(kept: Kept, copies: Path) -> None:
    lock = FileLock.take(kept.places.work / "lock")
    assert lock is not None
    with pytest.raises(Conflict, match="Another copy"):
        make(kept.places, kept.root, copies, now=NOW)
    lock.release()


def test_a_copy_that_was_killed_half_way_leaves_nothing_for_the_next_one(kept: Kept, copies: Path) -> None:
    (kept.places.work / "copy").mkdir(parents=True)
    (kept.places.work / "copy" / "copy.db").write_bytes(b"half")
    copies.mkdir()
    (copies / f".open-assistant-{kept.places.identity()}-x.tar.age.part").write_bytes(b"half")
    made = make(kept.places, kept.root, copies, now=NOW)
    assert [each.name for each in (*copies.iterdir(), *kept.places.work.iterdir())] == [made.path.name, "lock"]


def command(kept: Kept, copies: Path, *words: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OA_")}
    mine = {
        "OA_DATA_DIR": str(kept.places.folder), "OA_BACKUP_DIR": str(copies),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")]),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "deploy.backup", *words], env={**clean, **mine, **more}, input=typed, text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_with_the_typed_sheet_alone_a_copy_is_restored_on_another_machine(
    kept: Kept, copies: Path, tmp_path: Path
) -> None:
    assert command(kept, copies, "make").returncode == 0
    sheet = command(kept, copies, "sheet").stdout
    groups = re.findall(r"<code>([0-9A-Z]{5})</code>", sheet)
    assert len(groups) == 13
    archive = str(backup.copies(copies)[0])
    new = elsewhere(tmp_path)
    there = {"OA_DATA_DIR": str(new.folder)}
    wrong = [*groups[:6], ("0" if groups[6][0] != "0" else "1") + groups[6][1:], *groups[7:]]
    said = command(kept, copies, "restore", archive, typed=" ".join(wrong), **there)
    assert (said.returncode, "Wrong: group 7 " in said.stderr) == (1, True), said.stderr
    assert not new.folder.exists() or new.files() == {}
    done = command(kept, copies, "restore", archive, typed=" ".join(groups).lower(), **there)
    assert done.returncode == 0, done.stderr
    assert new.folder.with_name("data.root-key").read_text() == kept.root_key.read_text()
    assert examine(new, kept.root).ok
    assert command(kept, copies, "check", archive).returncode == 0
    again = command(kept, copies, "restore", archive, **there)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)


def test_the_sheet_is_written_for_its_owner_alone_and_never_beside_the_data(
    kept: Kept, copies: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.html"
    assert command(kept, copies, "sheet", "--to", str(sheet)).returncode == 0
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    assert "<svg" in sheet.read_text()
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", sheet.read_text())
    inside = command(kept, copies, "sheet", "--to", str(kept.places.folder / "sheet.html"))
    assert (inside.returncode, "beside the data" in inside.stderr) == (1, True)


def test_without_a_folder_for_copies_or_a_copy_it_says_so(kept: Kept, copies: Path, tmp_path: Path) -> None:
    assert "OA_BACKUP_DIR" in command(kept, copies, "make", OA_BACKUP_DIR="").stderr
    assert "There is no copy" in command(kept, copies, "check").stderr
    assert "There is no" in command(kept, copies, "restore", "nowhere.tar.age").stderr
    inside = command(kept, copies, "make", OA_BACKUP_DIR=str(kept.places.folder / "copies"))
    assert (inside.returncode, "inside OA_DATA_DIR" in inside.stderr) == (2, True)


def test_a_house_that_a_newer_version_ran_is_not_started_by_an_older_one(kept: Kept) -> None:
    file = kept.places.keys / "versions.json"
    known = versions.known()
    server = Server(store_dir="/nowhere", pid_file="/nowhere")
    assert versions.Versions.model_validate_json(file.read_text()) == known
    newer = {**known.schemas, "gateway/room.db": {"own": "9999"}}
    for change in ({"schemas": newer, "version": "9.9"}, {"protocol": 99, "version": "9.9"}):
        file.write_text(known.model_copy(update=change).model_dump_json())
        with pytest.raises(Internal, match=r"newer version \(9\.9; this is "):
            provision(kept.places.keys, root_key_file=kept.root_key, server=server)
    file.write_text(known.model_copy(update={"schemas": {"gone/room.db": {"sdk": "9999"}}}).model_dump_json())
    provision(kept.places.keys, root_key_file=kept.root_key, server=server)
    assert versions.Versions.model_validate_json(file.read_text()) == known
