"""A file gets another key while it is in use: nobody loses a write, and whatever breaks off, it opens."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy import Connection, text

from openassistant import store as module
from openassistant.errors import Forbidden, Internal, OaError, Unavailable
from openassistant.store import DataKey, Migrations, Store, UserStores, WrongKey
from tests.sdk.killing import When, killed

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)
BOTH = DataKey(OLD, successor=DataKey(NEW))
_FILE = "openassistant.store"
STEPS = [
    *((_FILE, each) for each in ("_alone", "_collect", "_encrypt_anew", "_replace", "flush", "_keep_check")),
    ("shutil", "copyfile"),
]


def make(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, words TEXT)"))


def add(words: str) -> Any:
    return lambda connection: connection.execute(text("INSERT INTO notes (words) VALUES (:w)"), {"w": words}).rowcount


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM notes")).scalar_one())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "room.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(path, OLD, Migrations({}))
    await store.write(make)
    await store.write(add("first"))
    yield store
    await store.close()


async def opens(path: Path, key: bytes) -> bool:
    try:
        await (await Store.open(path, key, Migrations({}))).close()
    except WrongKey:
        return False
    return True


async def test_after_it_only_the_new_key_opens_and_everything_is_there(store: Store, path: Path) -> None:
    await store.rekey(NEW)
    assert await store.read(count) == 1
    await store.write(add("second"))
    await store.close()
    assert not await opens(path, OLD)
    again = await Store.open(path, NEW, Migrations({}))
    assert await again.read(count) == 2
    await again.close()
    assert {each.name for each in path.parent.iterdir()} == {"room.db", "room.db.check", "room.db.held"}


async def test_who_reads_and_writes_meanwhile_waits_and_loses_nothing(store: Store) -> None:
    async def busy(name: int) -> int:
        for number in range(40):
            await store.write(add(f"{name}/{number}"))
            await store.read(count)
        return 40

    workers = [asyncio.create_task(busy(name)) for name in range(6)]
    for _ in range(3):
        await asyncio.sleep(0)
        await store.rekey(secrets.token_bytes(32))
    await store.rekey(NEW)
    assert sum(await asyncio.gather(*workers)) == 240
    assert await store.read(count) == 241


async def test_the_same_key_again_changes_nothing(store: Store) -> None:
    await store.rekey(OLD)
    assert await store.read(count) == 1


async def test_another_instance_lets_go_when_it_looks_and_goes_on_with_the_key_of_then(
    store: Store, path: Path
) -> None:
    other = await Store.open(path, OLD, Migrations({}))
    waiting = asyncio.create_task(store.rekey(NEW))
    async with asyncio.timeout(10):
        while not other.is_wanted:
            await asyncio.sleep(0.01)

    async def now() -> DataKey:
        return BOTH

    await other.step_aside(now)
    await waiting
    await other.write(add("from the other"))
    assert await store.read(count) == 2
    assert not other.is_wanted
    await other.close()


async def test_an_instance_that_does_not_let_go_leaves_everything_as_it_was(store: Store, path: Path) -> None:
    other = await Store.open(path, OLD, Migrations({}))
    with pytest.raises(Unavailable, match="Another instance"):
        await store.rekey(NEW, seconds=0.1)
    for each in (store, other):
        await each.write(add("still there"))
    assert await store.read(count) == 3
    assert not store.is_wanted
    await other.close()


async def test_an_instance_that_cannot_get_the_key_goes_on_with_the_one_it_has(store: Store) -> None:
    async def refused() -> bytes:
        raise Forbidden("No grant.")

    with pytest.raises(Forbidden):
        await store.step_aside(refused)
    assert await store.read(count) == 1


async def test_a_full_disk_leaves_the_file_under_its_key(store: Store, path: Path, monkeypatch: Any) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.shutil, "copyfile", full)  # type: ignore[attr-defined]
    with pytest.raises(Unavailable, match="No space left"):
        await store.rekey(NEW)
    assert await store.read(count) == 1
    assert not path.with_name("room.db.new").exists()


async def test_a_damaged_file_keeps_its_key(store: Store, path: Path) -> None:
    for _ in range(3):
        await store.write(add("x" * 20_000))
    await store.close()
    with path.open("r+b") as file:
        file.seek(4 * 4096)
        file.write(secrets.token_bytes(4096))
    damaged = await Store.open(path, OLD, Migrations({}))
    with pytest.raises(OaError):
        await damaged.rekey(NEW)
    await damaged.close()
    assert await opens(path, OLD)


async def test_giving_up_waiting_does_not_break_off_what_began(store: Store, path: Path) -> None:
    waiting = asyncio.create_task(store.rekey(NEW))
    await asyncio.sleep(0.005)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await store.read(count) == 1
    await store.close()
    assert await opens(path, BOTH)


async def test_a_change_that_fails_leaves_the_file_as_it_was(store: Store, path: Path) -> None:
    def fails(connection: Connection) -> None:
        connection.execute(text("DELETE FROM notes"))
        raise Internal("no")

    with pytest.raises(Internal):
        await store.rekey(NEW, change=fails)
    assert await store.read(count) == 1
    await store.close()
    assert await opens(path, OLD)


async def begin(path: Path) -> None:
    store = await Store.open(path, OLD, Migrations({}))
    await store.write(make)
    await store.write(add("kept"))
    await store.close()


async def rotate(path: Path, key: DataKey, arm: Callable[[], object]) -> None:
    store = await Store.open(path, key, Migrations({}))
    arm()
    assert key.successor is not None
    await store.rekey(key.successor)
    await store.close()


def rotate_in_child(path: Path, old: bytes, new: bytes, arm: Callable[[], object]) -> None:
    asyncio.run(rotate(path, DataKey(old, successor=DataKey(new)), arm))


@pytest.mark.parametrize(("step", "when"), list(product(STEPS, get_args(When))))
def test_killed_at_any_step_the_file_opens_and_the_next_try_finishes(
    path: Path, step: tuple[str, str], when: When
) -> None:
    async def look() -> int:
        store = await Store.open(path, NEW, Migrations({}))
        found = await store.read(count)
        await store.close()
        return found

    asyncio.run(begin(path))
    killed(partial(rotate_in_child, path, OLD, NEW), at=step, when=when)
    asyncio.run(rotate(path, BOTH, bool))
    assert asyncio.run(look()) == 1
    assert not asyncio.run(opens(path, OLD))
    left = {each.name for each in path.parent.iterdir()}
    assert left == {"room.db", "room.db.check", "room.db.held"}


async def test_a_key_that_another_instance_changed_is_asked_for_anew(tmp_path: Path) -> None:
    known, now = {"ada": DataKey(OLD)}, {"ada": DataKey(NEW)}

    async def cached(user: str) -> DataKey:
        return known[user]

    async def anew(user: str) -> DataKey:
        known.update(now)
        return known[user]

    first = UserStores(tmp_path / "users", Migrations({}), cached, anew=anew)
    async with first.use("ada") as store:
        await store.write(make)
        await store.rekey(NEW)
    await first.close()
    second = UserStores(tmp_path / "users", Migrations({}), cached, anew=anew)
    async with second.use("ada") as store:
        assert await store.read(count) == 0
    await second.close()


async def test_idle_files_are_let_go_and_those_in_use_come_back(tmp_path: Path) -> None:
    async def key(user: str) -> DataKey:
        return DataKey(OLD, successor=DataKey(NEW))

    async def old(user: str) -> DataKey:
        return DataKey(OLD)

    one = UserStores(tmp_path / "users", Migrations({}), old, anew=key)
    two = UserStores(tmp_path / "users", Migrations({}), old, anew=key)
    for user in ("ada", "bob"):
        async with one.use(user) as store:
            await store.write(make)
    async with one.use("ada") as in_use, two.use("ada") as ada, two.use("bob") as bob:
        waiting = [asyncio.create_task(each.rekey(NEW)) for each in (ada, bob)]
        async with asyncio.timeout(10):
            while not all(each.done() for each in waiting):
                await one.heed()
                await asyncio.sleep(0.01)
        assert await asyncio.gather(*waiting) == [None, None]
        assert await in_use.read(count) == 0
        assert set(one._open) == {"ada"}
    await one.close()
    await two.close()


async def test_who_only_looks_whether_a_key_opens_the_file_is_waited_for(store: Store, path: Path) -> None:
    looking = module.connect(path, OLD)
    looking.execute("SELECT count(*) FROM notes").fetchone()
    asyncio.get_running_loop().call_later(0.5, looking.close)
    await store.rekey(NEW)
    assert await store.read(count) == 1
    assert not await opens(path, OLD)
    assert await opens(path, NEW)


async def test_who_stays_in_the_file_keeps_its_key_as_it_is(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COLLECT_SECONDS", 0.2)
    looking = module.connect(path, OLD)
    looking.execute("SELECT count(*) FROM notes").fetchone()
    with pytest.raises(Unavailable, match="in use by another process"):
        await store.rekey(NEW)
    looking.close()
    assert await store.read(count) == 1
    assert await opens(path, OLD)


async def test_who_came_with_another_key_does_not_stay_in_the_file(store: Store, path: Path) -> None:
    with pytest.raises(WrongKey) as refused:
        await Store.open(path, NEW, Migrations({}))
    await store.rekey(NEW)  # while the error is still there, with all that it knows
    assert refused.value.__traceback__ is not None
    assert await opens(path, NEW)
