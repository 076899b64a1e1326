"""A file without its key is noise, a commit that was answered is there, and what is erased is gone."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sqlite3
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from openassistant.errors import Forbidden, Internal, OaError, Unavailable
from openassistant.store import Migrations, Store, UserStores

KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)
PLANTED = "planted words that nobody may read"
Opener = Callable[..., Any]


def script(folder: Path, number: int, *statements: str) -> None:
    folder.mkdir(exist_ok=True)
    body = "".join(f"    op.execute({each!r})\n" for each in statements)
    (folder / f"{number:04}_step.py").write_text(f"from alembic import op\n\n\ndef upgrade():\n{body}")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    script(tmp_path / "line", 1, "CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT UNIQUE)")
    return tmp_path / "line"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "room.db"


@pytest.fixture
async def opened(path: Path, lines: Path) -> AsyncIterator[Opener]:
    stores: list[Store] = []

    async def open_it(*, key: bytes = KEY, at: Path = path) -> Store:
        stores.append(await Store.open(at, key, Migrations({"own": lines})))
        return stores[-1]

    yield open_it
    for store in stores:
        await store.close()


def add(words: str) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        return int(
            connection.execute(text("INSERT INTO notes (words) VALUES (:w) RETURNING id"), {"w": words}).scalar_one()
        )

    return work


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM notes")).scalar_one())


async def filled(opened: Opener) -> None:
    store = await opened()
    await store.write(add(PLANTED))
    await store.close()


def content(path: Path) -> bytes:
    return path.read_bytes()


def files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


# --- encryption ---------------------------------------------------------------------------------------------------


async def test_no_file_holds_the_words_and_plain_sqlite_opens_none(opened: Opener, path: Path) -> None:
    store = await opened()
    await store.write(add(PLANTED))
    found = files(path.parent)
    assert {each.name for each in found} == {"room.db", "room.db-wal", "room.db-shm", "room.db.check", "room.db.held"}
    assert not [each for each in found if b"SQLite format" in each.read_bytes()]
    assert not [each for each in found if b"planted" in each.read_bytes() or KEY in each.read_bytes()]
    for each in found:
        copy = path.parent.parent / f"copy-{each.name}"
        shutil.copy(each, copy)
        plain = sqlite3.connect(copy)
        with pytest.raises(sqlite3.DatabaseError):
            plain.execute("SELECT * FROM notes")
        plain.close()


async def test_who_gives_up_while_a_file_is_opened_leaves_nobody_in_it(opened: Opener, path: Path) -> None:
    store = await opened()
    await store.close()
    for _ in range(5):
        opening = asyncio.create_task(Store.open(path, KEY, Migrations({})))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    store = await opened()
    await store.rekey(os.urandom(32), seconds=2)
    await store.close()


async def test_no_failed_statement_tells_the_words_that_it_was_given(opened: Opener) -> None:
    store = await opened()
    with pytest.raises(OaError) as failed:
        await store.write(lambda at: at.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": PLANTED}))
    told = "".join(traceback.format_exception(failed.value))
    assert "no such table" in told
    assert PLANTED not in told


async def test_files_and_folder_belong_to_the_owner_alone(opened: Opener, path: Path) -> None:
    await filled(opened)
    assert {oct(each.stat().st_mode & 0o777) for each in files(path.parent)} == {"0o600"}
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_a_wrong_key_is_told_from_a_damaged_file(opened: Opener, path: Path) -> None:
    await filled(opened)
    with pytest.raises(Internal, match="another key"):
        await opened(key=OTHER_KEY)
    with path.open("r+b") as file:
        file.write(os.urandom(64))
    with pytest.raises(Internal, match="damaged") as caught:
        await opened()
    assert "room.db" in caught.value.message


async def test_a_page_damaged_in_the_middle_is_named_as_damage(opened: Opener, path: Path) -> None:
    store = await opened()
    for _ in range(3):
        await asyncio.gather(*(store.write(add(secrets.token_hex(500))) for _ in range(50)))
    await store.close()
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(os.urandom(4096 * 8))
    damaged = await opened()
    with pytest.raises(Internal, match="damaged"):
        await damaged.read(lambda c: c.execute(text("SELECT sum(length(words)) FROM notes")).all())


async def test_a_wrong_key_leaves_the_file_as_it_was(opened: Opener, path: Path) -> None:
    await filled(opened)
    with pytest.raises(Internal):
        await opened(key=OTHER_KEY)
    assert await (await opened()).read(count) == 1


async def test_a_key_check_lost_in_a_power_cut_is_made_again(opened: Opener, path: Path) -> None:
    await filled(opened)
    check = path.with_name("room.db.check")
    check.write_text("")
    await (await opened()).close()
    with pytest.raises(Internal, match="with another key"):
        await opened(key=OTHER_KEY)
    assert len(check.read_text()) == 64


async def test_a_backup_is_whole_and_opens_with_its_own_key_alone(opened: Opener, path: Path, tmp_path: Path) -> None:
    store = await opened()
    await store.write(add(PLANTED))
    copy = tmp_path / "backup" / "copy.db"
    copy.parent.mkdir()
    await store.backup(copy, OTHER_KEY)
    await store.write(add("later"))
    with pytest.raises(Internal):
        await opened(key=KEY, at=copy)
    assert await (await opened(key=OTHER_KEY, at=copy)).read(count) == 1
    assert b"planted" not in copy.read_bytes()


# --- migrations ---------------------------------------------------------------------------------------------------


async def test_migrations_run_once_and_forward(opened: Opener, lines: Path) -> None:
    await filled(opened)
    script(lines, 2, "ALTER TABLE notes ADD COLUMN kind TEXT", "UPDATE notes SET kind = 'old'")
    script(lines, 3, "UPDATE notes SET kind = kind || '!'")
    for _ in range(2):
        store = await opened()
        assert await store.read(lambda c: c.execute(text("SELECT kind FROM notes")).scalar_one()) == "old!"
        await store.close()


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(opened: Opener, lines: Path, path: Path) -> None:
    script(lines, 2, "ALTER TABLE notes ADD COLUMN kind TEXT")
    await filled(opened)
    (lines / "0002_step.py").unlink()
    before = content(path)
    with pytest.raises(Internal, match="newer version"):
        await opened()
    assert content(path) == before


async def test_a_migration_that_fails_changes_nothing_and_leaves_a_snapshot(
    opened: Opener, lines: Path, path: Path
) -> None:
    await filled(opened)
    script(lines, 2, "ALTER TABLE notes ADD COLUMN kind TEXT", "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(OaError):
        await opened()
    assert path.with_name("room.db.before").exists()
    (lines / "0002_step.py").unlink()
    store = await opened()
    assert await store.read(count) == 1
    await store.write(add("still version 1"))


async def test_the_snapshot_before_a_migration_holds_what_only_the_wal_held(
    opened: Opener, lines: Path, path: Path, tmp_path: Path
) -> None:
    busy = await opened()
    await busy.write(add(PLANTED))
    script(lines, 2, "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(OaError):
        await opened()
    (lines / "0002_step.py").unlink()
    snapshot = tmp_path / "restored" / "room.db"
    snapshot.parent.mkdir()
    shutil.copy(path.with_name("room.db.before"), snapshot)
    assert await (await opened(at=snapshot)).read(count) == 1


async def test_openers_that_make_and_migrate_a_file_at_once_do_it_once(tmp_path: Path, lines: Path) -> None:
    for attempt in range(8):
        path = tmp_path / str(attempt) / "room.db"
        stores = await asyncio.gather(*(Store.open(path, KEY, Migrations({"own": lines})) for _ in range(4)))
        for store in stores:
            await store.write(add(secrets.token_hex(4)))
        assert await stores[0].read(count) == 4
        for store in stores:
            await store.close()


# --- writing ------------------------------------------------------------------------------------------------------


async def test_writers_that_come_at_once_share_commits(opened: Opener) -> None:
    store = await opened()
    commits = []

    def seen(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement == "COMMIT":
            commits.append(statement)

    event.listen(store._engine, "before_cursor_execute", seen)
    ids = await asyncio.gather(*(store.write(add(f"note {number}")) for number in range(200)))
    assert sorted(ids) == list(range(1, 201))
    assert len(commits) <= 5


async def test_a_writer_that_fails_in_a_shared_commit_fails_alone(opened: Opener) -> None:
    store = await opened()
    works = [add("same"), add("same"), add("another")]
    first, second, third = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
    assert (first, isinstance(second, Exception), third) == (1, True, 2)
    assert await store.read(count) == 2


async def test_a_write_goes_on_when_its_caller_gives_up(opened: Opener) -> None:
    store = await opened()
    waiting = asyncio.create_task(store.write(add("kept")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await store.write(add("next"))
    assert await store.read(count) == 2


async def test_what_was_answered_is_there_for_another_process(opened: Opener) -> None:
    one, two = await opened(), await opened()
    await one.write(add("from one"))
    assert await two.read(count) == 1


async def test_a_read_cannot_leave_a_change_behind(opened: Opener) -> None:
    store = await opened()
    await store.read(add("not meant"))
    assert await store.read(count) == 0


async def test_closing_lets_writes_end_and_then_refuses(opened: Opener) -> None:
    store = await opened()
    waiting = [asyncio.create_task(store.write(add(str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*waiting)) == 20
    for late in (store.write(add("late")), store.read(count)):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(late, 5)


# --- one file per user --------------------------------------------------------------------------------------------


@pytest.fixture
async def users(tmp_path: Path, lines: Path) -> AsyncIterator[UserStores]:
    keys = {"ada": KEY, **{f"user{number}": secrets.token_bytes(32) for number in range(8)}}

    async def key_of(user: str) -> bytes:
        await asyncio.sleep(0)
        if user not in keys:
            raise Forbidden("No grant.")
        return keys[user]

    stores = UserStores(tmp_path / "users", Migrations({"own": lines}), key_of, most_open=2)
    yield stores
    await stores.close()


async def test_each_user_has_a_file_under_a_key_of_his_own(users: UserStores, tmp_path: Path) -> None:
    for user in ("ada", "user1"):
        async with users.use(user) as store:
            await store.write(add(PLANTED))
    assert {each.name for each in (tmp_path / "users").glob("*.db")} == {"ada.db", "user1.db"}
    await users.close()
    with pytest.raises(Internal, match="another key"):
        await Store.open(tmp_path / "users" / "user1.db", KEY, Migrations({}))


async def test_a_user_without_a_key_has_no_file(users: UserStores, tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        async with users.use("stranger"):
            pass
    assert not (tmp_path / "users").exists()


async def test_erasing_removes_every_file_of_the_user_and_no_other(users: UserStores, tmp_path: Path) -> None:
    for user in ("ada", "user1"):
        async with users.use(user) as store:
            await store.write(add(PLANTED))
    await users.erase("ada")
    assert not list((tmp_path / "users").glob("ada*"))
    async with users.use("user1") as store:
        assert await store.read(count) == 1
    async with users.use("ada") as store:
        assert await store.read(count) == 0


async def test_erasing_during_use_ends_the_use_with_an_error_of_ours(users: UserStores, tmp_path: Path) -> None:
    async with users.use("ada") as store:
        await store.write(add(PLANTED))
        await users.erase("ada")
        with pytest.raises(Unavailable):
            await asyncio.wait_for(store.write(add("late")), 5)
    assert not list((tmp_path / "users").glob("ada*"))


async def test_more_users_than_may_be_open_work_side_by_side(users: UserStores) -> None:
    async def work(number: int) -> None:
        async with users.use(f"user{number % 8}") as store:
            await store.write(add(secrets.token_hex(8)))
            await store.read(count)

    await asyncio.gather(*(work(number) for number in range(80)))
    assert len(users._open) <= 2
    for number in range(8):
        async with users.use(f"user{number}") as store:
            assert await store.read(count) == 10
