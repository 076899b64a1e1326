"""Files of one moment: copied while others write, whatever comes in between, and let go of afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import text

from openassistant import copying
from openassistant.copying import at_one_moment, counts, fault_of
from openassistant.errors import Internal, Unavailable
from openassistant.store import DriverError, Migrations, Store, connect

SCRIPT = """from alembic import op
import sqlalchemy as sa


def upgrade() -> None:
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
"""


class Files:
    """Open stores by path, and their keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[Path, bytes] = {}
        self.stores: list[Store] = []
        (folder / "scripts").mkdir()
        (folder / "scripts" / "0001_notes.py").write_text(SCRIPT)

    async def open(self, name: str) -> Store:
        path, key = self.folder / f"{name}.db", secrets.token_bytes(32)
        store = await Store.open(path, key, Migrations({"own": self.folder / "scripts"}))
        self.keys[path] = key
        self.stores.append(store)
        return store

    async def note(self, store: Store, words: str = "x") -> None:
        row = {"text": words}
        await store.write(
            lambda connection: connection.execute(text("INSERT INTO notes (text) VALUES (:text)"), row).close()
        )

    def copy(self, path: Path, moment: copying.Moment) -> Path:
        to = self.folder / f"copy-{path.name}"
        moment.copy(path, to)
        return to

    def count(self, path: Path, original: Path) -> int:
        return counts(path, self.keys[original])["notes"]


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    files = Files(tmp_path)
    yield files
    for store in files.stores:
        await store.close()


def size(path: Path) -> int:
    return path.stat().st_size


def nothing() -> None:
    return None


async def test_what_is_written_after_the_moment_is_not_in_the_copy_and_writers_go_on(files: Files) -> None:
    first, second = await files.open("a"), await files.open("b")
    await files.note(first)
    with at_one_moment(lambda: files.keys, nothing) as moment:
        await files.note(first)
        await files.note(second)
        copies = {path: files.copy(path, moment) for path in moment.files}
    assert [files.count(copy, path) for path, copy in copies.items()] == [1, 0]
    assert [fault_of(copy, files.keys[path]) for path, copy in copies.items()] == ["", ""]
    assert {stat.S_IMODE(copy.stat().st_mode) for copy in copies.values()} == {0o600}
    assert not list(files.folder.glob("copy-*-*"))
    assert files.count(first.path, first.path) == 2


async def test_nobody_writes_while_it_is_looked_at_what_is_no_database(files: Files) -> None:
    store, seen = await files.open("a"), list[int]()

    def meanwhile() -> None:
        other = connect(store.path, files.keys[store.path], busy_ms=0)
        with contextlib.closing(other), pytest.raises(DriverError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        seen.append(1)

    with at_one_moment(lambda: files.keys, meanwhile):
        await files.note(store)
    assert seen == [1]


async def test_a_file_that_comes_in_between_is_in_the_copy_as_well(files: Files) -> None:
    await files.open("a")
    asked, late = 0, await files.open("late")

    def found() -> Mapping[Path, bytes]:
        nonlocal asked
        asked += 1
        return {path: key for path, key in files.keys.items() if asked > 1 or path != late.path}

    with at_one_moment(found, nothing) as moment:
        assert {path.stem for path in moment.files} == {"a", "late"}


async def test_what_was_erased_meanwhile_does_not_stay_in_the_log_of_changes(files: Files) -> None:
    store = await files.open("a")
    await files.note(store, "planted")
    log = Path(f"{store.path}-wal")
    with at_one_moment(lambda: files.keys, nothing) as moment:
        await store.write(lambda connection: connection.execute(text("DELETE FROM notes")).close())
        await store.tidy()
        assert size(log) > 0
        files.copy(store.path, moment)
        assert size(log) == 0


async def test_who_never_stops_writing_is_given_up_on_in_words(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await files.open("a")
    monkeypatch.setattr(copying, "_TRIES", 2)
    monkeypatch.setattr(copying, "_PAUSE", 0.01)
    with contextlib.closing(connect(store.path, files.keys[store.path])) as greedy:
        greedy.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="too busy"), at_one_moment(lambda: files.keys, nothing):
            pytest.fail("it was held")
        greedy.execute("ROLLBACK")
    with at_one_moment(lambda: files.keys, nothing) as moment:
        assert moment.files == (store.path,)


async def test_a_file_that_cannot_be_read_is_said_to_be_damaged(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await files.open("a")
    await store.close()
    monkeypatch.setattr(copying, "_TRIES", 2)
    monkeypatch.setattr(copying, "_PAUSE", 0.01)
    with pytest.raises(Internal, match="may be damaged"), at_one_moment(lambda: {store.path: bytes(32)}, nothing):
        pytest.fail("it was held")
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:5000] + os.urandom(50) + whole[5050:])
    assert "damaged" in await asyncio.to_thread(fault_of, store.path, files.keys[store.path])
