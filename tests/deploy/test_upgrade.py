"""A new version is tried on a copy, brought in after one was put aside, and taken back."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import upgrade as upgrades
from deploy import versions
from deploy.generated import ROOT
from deploy.places import Places
from deploy.selftest import examine
from deploy.upgrade import bring_up_to_date, pending, rehearse, roll_back, upgrade
from openassistant.errors import Conflict, Internal, NotFound
from openassistant.locks import FileLock
from services.vault.rootkey import RootKey
from tests.deploy.kept import NOW, PLANTED, USER, Kept
from tests.sdk.killing import EVERYWHERE, killed_at_change

AGENT = f"agent/users/{USER}.db"
SCRIPT = """from alembic import op
import sqlalchemy as sa


def upgrade() -> None:
    op.create_table("novelties", sa.Column("id", sa.Text, primary_key=True))
    op.execute("DELETE FROM messages WHERE id = 'gone'")
{more}
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    kept = Kept(tmp_path_factory.mktemp("made"))
    kept.write(AGENT, "INSERT INTO messages (id, conversation, turn, role, text, created)"
                      " VALUES ('gone', 'c', 't', 'user', 'x', '2026')")  # fmt: skip
    return kept


@pytest.fixture
def kept(made_once: Kept, tmp_path: Path) -> Kept:
    shutil.copytree(made_once.folder, tmp_path / "old")
    return Kept(tmp_path / "old")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the programs at hand a version that has one more script for the agent's files of users."""

    def make(more: str = "") -> None:
        known, folder = versions.lines_of, tmp_path / "newer"
        shutil.copytree(known(AGENT)["own"], folder, dirs_exist_ok=True)
        (folder / "9000_novelties.py").write_text(SCRIPT.format(more=more))

        def lines_of(name: str) -> dict[str, Path]:
            found = known(name)
            return {**found, "own": folder} if name.startswith("agent/users/") else found

        monkeypatch.setattr(versions, "lines_of", lines_of)

    return make


def tables(kept: Kept) -> set[str]:
    return {row[0] for row in kept.read(AGENT, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_lines_of_every_file_are_those_that_its_room_has_opened_it_with(kept: Kept) -> None:
    assert pending(kept.places, kept.root) == {}
    newest = max(each.name[:4] for each in (ROOT / "services" / "agent" / "migrations" / "user").glob("[0-9]*.py"))
    assert versions.known().schemas["agent/users"] == {"own": newest, "left": "0001"}
    assert set(versions.known().schemas["mail/users"]) == {"sdk", "traffic", "own"}


def test_a_rehearsal_says_what_would_change_and_changes_nothing(
    kept: Kept, work: Path, newer: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    newer()
    before = {name: path.read_bytes() for name, path in kept.places.files().items()}
    tried = rehearse(kept.places, kept.root)
    assert tried.faults == ()
    assert tried.pending == {AGENT: {"own": ["9000_novelties"]}}
    assert (tried.before.rows[AGENT]["messages"], tried.after.rows[AGENT]["messages"]) == (2, 1)
    assert {name: path.read_bytes() for name, path in kept.places.files().items()} == before
    assert list(kept.places.work.iterdir()) == []
    assert upgrades._rehearsed(tried) == 0
    said = capsys.readouterr().out
    assert "agent/users: 9000_novelties" in said
    assert "messages would have 1 rows instead of 2" in said
    assert "It would go well" in said


def test_a_house_that_runs_is_rehearsed_and_not_upgraded(kept: Kept, work: Path, newer: Callable[..., None]) -> None:
    newer()
    lock = FileLock.take(kept.places.folder / "lock")
    assert lock is not None
    assert rehearse(kept.places, kept.root).faults == ()
    with pytest.raises(Conflict, match="Stop it first"):
        upgrade(kept.places, kept.root, work, now=NOW)
    lock.release()
    assert "novelties" not in tables(kept)


def test_a_script_that_breaks_shows_in_the_rehearsal_and_touches_nothing(
    kept: Kept, work: Path, newer: Callable[..., None]
) -> None:
    newer('    op.execute("SELECT * FROM nowhere")')
    with pytest.raises(Internal):
        upgrade(kept.places, kept.root, work, now=NOW)
    assert "novelties" not in tables(kept)
    assert examine(kept.places, kept.root).ok


def test_a_house_that_is_not_sound_is_not_upgraded(kept: Kept, work: Path, newer: Callable[..., None]) -> None:
    newer()
    kept.write("audit/ledger.db", "UPDATE records SET outcome = 'other' WHERE position = 2")
    with pytest.raises(Internal, match="Record 2 was changed"):
        upgrade(kept.places, kept.root, work, now=NOW)
    assert "novelties" not in tables(kept)
    assert list(work.glob("*.tar.age")) == []


def test_an_upgrade_puts_a_copy_aside_and_the_way_back_leads_to_it(
    kept: Kept, work: Path, newer: Callable[..., None]
) -> None:
    newer()
    done, tried = upgrade(kept.places, kept.root, work, now=NOW)
    assert done.archive.name.endswith("-before-upgrade.tar.age")
    assert (done.finished, list(tried.pending)) == (True, [AGENT])
    assert "novelties" in tables(kept)
    assert pending(kept.places, kept.root) == {}
    back, report = roll_back(kept.places, kept.root, now=NOW)
    assert (back.archive, report.ok) == (done.archive, True)
    assert "novelties" not in tables(kept)
    assert len(kept.read(AGENT, f"SELECT 1 FROM messages WHERE text IN ('{PLANTED}', 'x')")) == 2
    assert not kept.places.path("gateway/restored.json").exists()
    with pytest.raises(NotFound, match="no copy of before"):
        roll_back(kept.places, kept.root, now=NOW)


def test_on_the_way_back_what_was_done_since_is_not_done_again(
    kept: Kept, work: Path, newer: Callable[..., None]
) -> None:
    newer()
    upgrade(kept.places, kept.root, work, now=NOW)
    kept.record(1)
    roll_back(kept.places, kept.root, now=NOW)
    assert kept.places.path("gateway/restored.json").exists()


def test_files_of_a_newer_version_are_refused(
    kept: Kept, work: Path, newer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions.lines_of
    newer()
    upgrade(kept.places, kept.root, work, now=NOW)
    monkeypatch.setattr(versions, "lines_of", before)
    with pytest.raises(Internal, match="newer version"):
        rehearse(kept.places, kept.root)
    with pytest.raises(Internal, match="newer version"):
        upgrade(kept.places, kept.root, work, now=NOW)
    roll_back(kept.places, kept.root, now=NOW)
    assert rehearse(kept.places, kept.root).faults == ()


def _working(folder: Path, root_key: Path, copies: Path, stop_at: int, back: bool) -> None:
    """Upgrades or goes back, and kills itself just before the given step."""
    places, root = Places(folder), RootKey.load(root_key)
    steps = killed_at_change(folder.parent, stop_at)
    if back:
        roll_back(places, root, now=NOW)
    else:
        upgrade(places, root, copies, now=NOW)
    (folder.parent / "steps").write_text(str(steps()))


@pytest.mark.slow
@pytest.mark.parametrize("back", [False, True])
def test_killed_anywhere_it_finishes_when_it_is_run_again(
    kept: Kept, tmp_path: Path, newer: Callable[..., None], back: bool
) -> None:
    newer()
    if back:
        upgrade(kept.places, kept.root, kept.folder / "copies", now=NOW)
    process = multiprocessing.get_context("fork")

    def begin(number: int) -> Kept:
        shutil.copytree(kept.folder, tmp_path / f"run{number}")
        one = Kept(tmp_path / f"run{number}")
        if back:  # its own copy of before
            mark = one.places.folder / "backup" / "upgrade.json"
            mark.write_text(mark.read_text().replace(str(kept.folder), str(one.folder)))
        return one

    def run(one: Kept, stop_at: int) -> int | None:
        arguments = (one.places.folder, one.root_key, one.folder / "copies", stop_at, back)
        child = process.Process(target=_working, args=arguments)
        child.start()
        child.join()
        return child.exitcode

    first = begin(0)
    assert run(first, 0) == 0
    steps = int((first.folder / "steps").read_text())
    assert steps > 40
    some = (*range(1, 8), *range(8, steps - 24, 29), *range(max(steps - 24, 8), steps + 1, 3))
    for stop_at in range(1, steps + 1) if EVERYWHERE else some:
        one = begin(stop_at)
        assert run(one, stop_at) == -signal.SIGKILL
        code = run(one, 0)
        assert code == 0 or (back and not (one.places.folder / "backup" / "upgrade.json").exists()), stop_at
        assert examine(one.places, one.root).ok
        assert ("novelties" in tables(one)) is not back, stop_at
        assert bring_up_to_date(one.places, one.root).keys() == ({AGENT} if back else set())
        shutil.rmtree(one.folder)
