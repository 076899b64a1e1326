"""Encrypted SQLite: one SQLCipher file per room and per user, opened with raw keys. The only importer of sqlcipher3.

Reads run on a few connections side by side; writes are serialised, and those that come at once share a commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import hmac
import importlib.util
import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool
from sqlcipher3 import dbapi2

from openassistant.durable import flush
from openassistant.errors import Internal, OaError, Unavailable, Unstored
from openassistant.locks import FileLock

__all__ = [
    "DataKey",
    "DriverError",
    "Migrations",
    "Store",
    "UserStores",
    "WrongKey",
    "connect",
    "fitting",
    "reading_file",
]

DriverError: type[Exception] = dbapi2.Error
"""What a connection of `connect` raises."""

T = TypeVar("T")
Work = Callable[[Connection], T]

_OLDEST_SQLITE = (3, 51, 3)
"""Before it, two connections that checkpoint and write together can lose a commit (the WAL-reset race)."""
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"}
_BUSY_MS = 10_000
_OPEN_SECONDS = 60.0
"""As long as another process may migrate the file."""
_COLLECT_SECONDS = 5.0
"""How long whoever tries his key at a file, or was still at it, may take to leave it."""
_LET_GO_SECONDS = 20.0
"""How long other instances may take to notice that a file gets another key."""
_migrating = threading.Lock()
"""alembic's `op` is one per process: two migrations side by side would run on each other's file."""


class DataKey(bytes):
    """A file's 32-byte key with, while it is being replaced, the one that follows it: one of them opens the file."""

    id: str
    successor: DataKey | None

    def __new__(cls, raw: bytes, *, id: str = "", successor: DataKey | None = None) -> Self:  # noqa: A002 - as on the wire
        """`id` is by what the vault knows it."""
        made = super().__new__(cls, raw)
        made.id, made.successor = id, successor
        return made


class WrongKey(Internal):
    """The file was made with another key."""


class Migrations:
    """Lines of numbered scripts (`0001_name.py` with `upgrade()`), each with its own version table `<line>_version`."""

    def __init__(self, lines: dict[str, Path]) -> None:
        self._scripts = {line: sorted(folder.glob("[0-9]*.py")) for line, folder in lines.items()}

    def pending(self, connection: Connection) -> dict[str, list[Path]]:
        """Scripts that have not run; raises `Internal` for a file of a newer version."""
        return {line: rest for line, scripts in self._scripts.items() if (rest := _rest(connection, line, scripts))}

    def run(self, connection: Connection, pending: dict[str, list[Path]]) -> None:
        """Runs scripts inside the connection's transaction."""
        from alembic.migration import MigrationContext  # noqa: PLC0415 - an up-to-date file never needs it
        from alembic.operations import Operations  # noqa: PLC0415

        with Operations.context(MigrationContext.configure(connection)):
            for line, scripts in pending.items():
                connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {line}_version (number TEXT NOT NULL)")
                for script in scripts:
                    _load(script).upgrade()
                connection.exec_driver_sql(f"DELETE FROM {line}_version")  # noqa: S608 - a name from the code
                connection.exec_driver_sql(f"INSERT INTO {line}_version VALUES ('{scripts[-1].name[:4]}')")  # noqa: S608


class Store:
    """One open file."""

    def __init__(self, path: Path, key: bytes, engine: Engine, held: FileLock, readers: int) -> None:
        self.path, self.key = path, key
        self._engine, self._most_readers = engine, readers
        self._held: FileLock | None = held
        self._take_threads()
        self._queue: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._closed = False
        self._alone = asyncio.Lock()
        self._works: set[asyncio.Future[None]] = set()
        self._there = asyncio.Event()
        """Not set while the file is away: closed for a moment, to come back under another key."""
        self._there.set()

    @classmethod
    async def open(cls, path: Path, key: bytes, migrations: Migrations, *, readers: int = 2) -> Self:
        """Opens or makes a file and brings it up to date; of a `DataKey`, by whichever key fits.

        Raises `WrongKey`, `Internal` for damage, `Unavailable`.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(_open, path, key, migrations, readers))
        try:
            return cls(path, *await asyncio.shield(opening), readers)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_unwanted)
            raise

    async def read(self, work: Work[T]) -> T:
        """What `work` reads, in a transaction of its own."""
        await self._until_there()
        return await self._on(self._readers, lambda: _reading(self._engine, work))

    async def write(self, work: Work[T]) -> T:
        """What `work` returns after its commit. Writers that come at once share one commit, each in a savepoint."""
        await self._until_there()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((work, future))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write_queued())
        return await asyncio.shield(future)

    async def backup(self, to: Path, key: bytes) -> None:
        """A consistent copy under another key, while the file is in use."""
        await self._until_there()
        await self._on(self._readers, lambda: _export(self._engine, to, key))

    async def tidy(self) -> bool:
        """Overwrites what was deleted, in the file and in its log of changes, where it could still be found.

        False where the log could not be emptied, as somebody reads in it all the time.
        """
        await self._until_there()
        return await self._on(self._writer, lambda: _tidy(self._engine))

    async def rekey(
        self,
        key: bytes,
        *,
        change: Work[object] | None = None,
        then: Callable[[], None] | None = None,
        seconds: float = _LET_GO_SECONDS,
    ) -> None:
        """Puts the file under another key while it is in use; whoever reads or writes meanwhile waits.

        A copy is made, changed by `change`, put under the key, checked page by page, and takes the file's place in one
        step: whatever breaks off before that leaves the file as it was. `then` follows the step, before anybody reads.
        Once begun it goes to its end, also where the caller gives up. Raises `Unavailable` where other instances do
        not let go of the file within `seconds`, or the disk is full.
        """
        await self._to_its_end(self._rekey(key, change, then, seconds))

    async def _rekey(
        self, key: bytes, change: Work[object] | None, then: Callable[[], None] | None, seconds: float
    ) -> None:
        async with self._away():
            if self.key == key:
                return
            old, self.key = (
                self.key,
                DataKey(self.key, successor=DataKey(key)),
            )  # whatever comes of it, one of them fits
            await _in_thread(_put_under, self.path, bytes(old), bytes(key), change, seconds)
            if then is not None:
                then()

    @property
    def is_wanted(self) -> bool:
        """Whether another instance waits for this one to let go of the file; see `step_aside`."""
        return _wanted(self.path).exists()

    async def step_aside(self, key: Callable[[], Awaitable[bytes]]) -> None:
        """Lets another instance put the file under another key, and opens it again with what `key` says then.

        Raises what `key` raises; the file is opened with the former key then, where that fits.
        """

        async def aside() -> None:
            async with self._away():
                self.key = await key()

        await self._to_its_end(aside())

    async def close(self) -> None:
        """Lets writes end, then closes; what comes later is `Unavailable`."""
        self._closed = True
        async with self._alone:
            await self._let_go()

    async def _to_its_end(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        await asyncio.shield(task)

    @contextlib.asynccontextmanager
    async def _away(self) -> AsyncIterator[None]:
        """The file is closed meanwhile, and then opened with `key`; who comes waits, who is there ends first."""
        async with self._alone:
            self._check_open()
            self._there.clear()
            try:
                await self._let_go()
                try:
                    yield
                finally:
                    await self._take_again()
            except BaseException:
                self._closed = self._closed or self._held is None
                raise
            finally:
                self._there.set()

    async def _let_go(self) -> None:
        """After it no thread and no connection of this store has the file open."""
        if self._flush is not None:
            await asyncio.wait([self._flush])
        await asyncio.to_thread(self._shut)

    async def _take_again(self) -> None:
        self.key, self._engine, self._held = await _in_thread(
            _open, self.path, self.key, Migrations({}), self._most_readers
        )
        self._take_threads()

    async def _until_there(self) -> None:
        """Returns without a step of the loop where the file is open; raises `Unavailable` for a closed one."""
        self._check_open()
        while not self._there.is_set():
            await self._there.wait()
            self._check_open()

    def _take_threads(self) -> None:
        self._readers = ThreadPoolExecutor(self._most_readers, thread_name_prefix="read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")

    async def _write_queued(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:512], self._queue[512:]
            try:
                results = await self._on(self._writer, lambda: _writing(self._engine, [work for work, _ in batch]))  # noqa: B023 - awaited in the same step
            except Exception as error:  # noqa: BLE001 - whatever it was, no writer may wait for ever
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _on(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        except DBAPIError as error:
            raise _failed(error) from error

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("The data is being closed; try again.", retry_after=1)

    def _shut(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()
        if self._held is not None:
            self._held.release()
            self._held = None


class UserStores:
    """One file per user, opened on demand and closed again when many others were used since."""

    def __init__(
        self,
        folder: Path,
        migrations: Migrations,
        keys: Callable[[str], Awaitable[bytes]],
        *,
        anew: Callable[[str], Awaitable[bytes]] | None = None,
        most_open: int = 64,
    ) -> None:
        """`anew` gives a user's key as it is now, where that of `keys` fits no more."""
        self._folder, self._migrations, self._most_open = folder, migrations, most_open
        self._keys, self._anew = keys, anew
        self._open: OrderedDict[str, Store] = OrderedDict()
        self._users: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def use(self, user: str) -> AsyncIterator[Store]:
        """A user's store, kept open while it is used; raises what `keys` raises."""
        self._users[user] = self._users.get(user, 0) + 1
        try:
            async with self._locks.setdefault(user, asyncio.Lock()):
                if user not in self._open:
                    self._open[user] = await self._opened(user)
            self._open.move_to_end(user)
            yield self._open[user]
        finally:
            self._users[user] -= 1
            await self._close_surplus()

    async def erase(self, user: str) -> None:
        """Removes a user's file; its key is destroyed in the vault."""
        await self.let_go(user)
        await asyncio.to_thread(_remove, self.path(user))

    async def let_go(self, user: str) -> None:
        """Closes a user's file, where it is open here."""
        async with self._locks.setdefault(user, asyncio.Lock()):
            if store := self._open.pop(user, None):
                await store.close()

    async def heed(self) -> None:
        """Lets go of files that another instance puts under another key; to be asked every second or so."""
        for user, store in list(self._open.items()):
            if not store.is_wanted:
                continue
            if not self._users.get(user) or self._anew is None:
                await self.let_go(user)
            else:
                await self._step_aside(user, store, self._anew)

    async def _step_aside(self, user: str, store: Store, anew: Callable[[str], Awaitable[bytes]]) -> None:
        async with self._locks.setdefault(user, asyncio.Lock()):
            try:
                await store.step_aside(lambda: anew(user))
            except OaError:
                self._open.pop(user, None)  # whoever uses it is told to try again

    async def _opened(self, user: str) -> Store:
        try:
            return await Store.open(self.path(user), await self._keys(user), self._migrations)
        except WrongKey:
            if self._anew is None:
                raise
            return await Store.open(self.path(user), await self._anew(user), self._migrations)

    def size(self, user: str) -> int:
        """Bytes on the disk of a user's file, 0 where there is none."""
        files = (Path(f"{self.path(user)}{suffix}") for suffix in ("", "-wal"))
        return sum(each.stat().st_size for each in files if each.exists())

    async def close(self) -> None:
        """Closes every file."""
        while self._open:
            _, store = self._open.popitem()
            await store.close()

    def path(self, user: str) -> Path:
        """Where a user's file is."""
        return self._folder / f"{user}.db"

    async def _close_surplus(self) -> None:
        """Who is idle is asked again after each closing: meanwhile a user may have come back."""
        while len(self._open) > self._most_open:
            idle = next((user for user in self._open if not self._users.get(user)), None)
            if idle is None:
                return
            await self._open.pop(idle).close()


def connect(path: Path, key: bytes, *, busy_ms: int = _BUSY_MS) -> Any:
    """A connection of the driver (DB-API) to a file that is there, in autocommit and for any thread.

    Nothing is read yet: a wrong key or damage shows with the first statement.
    """
    connection = dbapi2.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def reading_file(path: Path, key: bytes, work: Work[T]) -> T:
    """What `work` reads in a file that nobody else has open, in one transaction; raises `DriverError`."""
    engine = create_engine(
        "sqlite://", creator=lambda: connect(path, key), module=dbapi2, poolclass=NullPool, hide_parameters=True
    )
    try:
        return _reading(engine, work)
    except DBAPIError as error:
        raise DriverError(str(error.orig)) from error


async def _in_thread(work: Callable[..., T], *given: Any) -> T:
    """As `asyncio.to_thread`, with what the database or the disk says in our words."""
    try:
        return await asyncio.to_thread(work, *given)
    except DBAPIError as error:
        raise _failed(error) from error


def _open(path: Path, key: bytes, migrations: Migrations, readers: int) -> tuple[bytes, Engine, FileLock]:
    """The key that fits, connections under it, and the share in the file that others can see."""
    _check_place(path)
    with _alone(path):
        _sweep(path)
        key = fitting(path, key)
        engine = _engine(path, key, readers)
        _bring_up(engine, path, key, migrations)
        held = FileLock.share(_held(path))
        assert held is not None, "it is taken whole by nobody who does not hold the lock of openers"
        return key, engine, held


def _close_unwanted(opening: asyncio.Future[tuple[bytes, Engine, FileLock]]) -> None:
    """Closes a file that was opened for somebody who gave up meanwhile: it would stand in everybody's way."""
    if not opening.cancelled() and opening.exception() is None:
        _, engine, held = opening.result()
        engine.dispose()
        held.release()


def _bring_up(engine: Engine, path: Path, key: bytes, migrations: Migrations) -> None:
    known = _check_key(path, key)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").close()
            pending = migrations.pending(connection)
        if pending:
            _migrate(engine, path, migrations, pending)
    except DBAPIError as error:
        engine.dispose()
        raise _opening(error, path, key_fits=known) from error
    except OaError:
        engine.dispose()
        raise
    _keep_check(path, key)


def _engine(path: Path, key: bytes, readers: int) -> Engine:
    if dbapi2.sqlite_version_info < _OLDEST_SQLITE:
        raise Internal(f"SQLite {dbapi2.sqlite_version} can lose commits; 3.51.3 or newer is needed.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def opened() -> Any:
        path.touch(mode=0o600)
        connection = connect(path, key)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()  # else the error's traceback keeps it, and it keeps whoever changes the key out
            raise
        return connection

    return create_engine(
        "sqlite://",
        creator=opened,
        module=dbapi2,
        poolclass=QueuePool,
        pool_size=readers + 1,
        max_overflow=1,
        hide_parameters=True,
    )


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One opener at a time, of all processes: a new file's switch to WAL fails at once beside another's, unwaited."""
    try:
        lock = FileLock.wait(_check_of(path), seconds=_OPEN_SECONDS)
    except TimeoutError as error:
        raise Unavailable("The data is being opened by another process; try again.", retry_after=5) from error
    try:
        yield
    finally:
        lock.release()


def fitting(path: Path, key: bytes) -> bytes:
    """Of a key and its successor the one that opens the file; of a new file, the newer one."""
    if not isinstance(key, DataKey) or key.successor is None:
        return key
    if not path.exists() or not path.stat().st_size or _opens(path, key.successor):
        return key.successor
    return DataKey(key, id=key.id)


def _opens(path: Path, key: bytes) -> bool:
    with contextlib.closing(connect(path, key)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except dbapi2.DatabaseError as error:
            if "not a database" in str(error):
                return False
            raise
    return True


def _put_under(path: Path, old: bytes, new: bytes, change: Work[object] | None, seconds: float) -> None:
    """The file, which nobody else has open, under another key; see `Store.rekey`."""
    with _alone(path):
        wanted = _wanted(path)
        wanted.touch(mode=0o600)
        try:
            whole = FileLock.wait(_held(path), seconds=seconds)
        except TimeoutError as error:
            words = "Another instance still works on that data; it is tried again."
            raise Unavailable(words, retry_after=5) from error
        finally:
            wanted.unlink(missing_ok=True)
        try:
            _replace(path, old, new, change)
        except OSError as error:
            raise Unavailable(f"The key was not changed: {error.strerror}. Nothing was lost.") from error
        finally:
            _draft(path).unlink(missing_ok=True)
            whole.release()


def _replace(path: Path, old: bytes, new: bytes, change: Work[object] | None) -> None:
    """A file that is whole in itself, a copy of it, the copy under the new key, and one rename."""
    draft = _draft(path)
    _collect(path, old)
    shutil.copyfile(path, draft)
    draft.chmod(0o600)
    if change is not None:
        _changed(draft, old, change)
    _encrypt_anew(draft, old, new)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)
    flush(path.parent)
    _keep_check(path, new)


def _collect(path: Path, key: bytes) -> None:
    """Brings what the log of changes holds into the file, and ends the log; waits for who only tries his key at it."""
    ends = time.monotonic() + _COLLECT_SECONDS
    while not _collected(path, key):
        if time.monotonic() > ends:
            raise Unavailable("The data is in use by another process; try again.", retry_after=1)
        time.sleep(0.02)


def _collected(path: Path, key: bytes) -> bool:
    with contextlib.closing(connect(path, key)) as connection:
        try:
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except dbapi2.OperationalError as error:
            if "locked" not in str(error):
                raise
            return False
    return bool(mode == "delete")


def _changed(draft: Path, key: bytes, change: Work[object]) -> None:
    engine = _engine(draft, key, 1)
    try:
        [result] = _writing(engine, [change])
    except DBAPIError as error:
        raise _failed(error) from error
    finally:
        engine.dispose()
    if isinstance(result, Exception):
        raise result


def _encrypt_anew(draft: Path, old: bytes, new: bytes) -> None:
    """In a copy, so without a journal: if it breaks off, the copy is thrown away."""
    try:
        with contextlib.closing(connect(draft, old)) as connection:
            connection.execute("PRAGMA journal_mode = OFF").fetchall()
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA rekey = \"x'{new.hex()}'\"").fetchall()
        with contextlib.closing(connect(draft, new)) as connection:
            faults = connection.execute("PRAGMA cipher_integrity_check").fetchall()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except dbapi2.DatabaseError as error:
        raise _spoken(str(error)) from error
    if faults:
        raise Internal("The data file is damaged, so it keeps its key. Restore it from a backup.")


def _draft(path: Path) -> Path:
    return Path(f"{path}.new")


def _held(path: Path) -> Path:
    """Locked together by all who have the file open."""
    return Path(f"{path}.held")


def _wanted(path: Path) -> Path:
    """There while somebody waits until nobody has the file open."""
    return Path(f"{path}.wanted")


def _sweep(path: Path) -> None:
    """Removes what a process left that was killed while it changed a key."""
    for each in (_draft(path), Path(f"{_draft(path)}-wal"), Path(f"{_draft(path)}-shm"), _wanted(path)):
        each.unlink(missing_ok=True)


def _reading(engine: Engine, work: Work[T]) -> T:
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            return work(connection)
        finally:
            connection.exec_driver_sql("ROLLBACK")


def _writing(engine: Engine, works: list[Work[Any]]) -> list[Any]:
    """The result of each work, or what it raised; one commit for all that did not raise."""
    results: list[Any] = []
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            results.extend(_one(connection, work) for work in works)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with contextlib.suppress(DBAPIError):
                connection.exec_driver_sql("ROLLBACK")
            raise
    return results


def _one(connection: Connection, work: Work[Any]) -> Any:
    connection.exec_driver_sql("SAVEPOINT work")
    try:
        result = work(connection)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the writer whose work it is
        connection.exec_driver_sql("ROLLBACK TO work")
        result = error
    connection.exec_driver_sql("RELEASE work")
    return result


def _migrate(engine: Engine, path: Path, migrations: Migrations, pending: dict[str, list[Path]]) -> None:
    snapshot = path.with_name(path.name + ".before")
    with _migrating, engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        if path.stat().st_size:
            shutil.copy2(path, snapshot)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            migrations.run(connection, migrations.pending(connection))
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
    snapshot.unlink(missing_ok=True)


def _rest(connection: Connection, line: str, scripts: list[Path]) -> list[Path]:
    exists = connection.exec_driver_sql(
        "SELECT 1 FROM sqlite_master WHERE name = ?", (f"{line}_version",)
    ).one_or_none()
    number = ""
    if exists:
        number = str(connection.exec_driver_sql(f"SELECT number FROM {line}_version").scalar_one())  # noqa: S608
    if scripts and number > scripts[-1].name[:4]:
        raise Internal("This data was written by a newer version. Start that version, or restore a backup.")
    return [script for script in scripts if script.name[:4] > number]


def _load(script: Path) -> Any:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None, "a file that glob found can be loaded"
    assert spec.loader is not None, "a file that glob found can be loaded"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _tidy(engine: Engine) -> bool:
    """`secure_delete` has overwritten the pages; the log still has them as they were, until it is emptied."""
    with engine.connect() as connection:
        busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        return not busy


def _export(engine: Engine, to: Path, key: bytes) -> None:
    """One read transaction between ATTACH and DETACH, which cannot stand inside it."""
    to.touch(mode=0o600)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ATTACH DATABASE ? AS copy KEY \"x'{key.hex()}'\"", (str(to),))
        connection.exec_driver_sql("BEGIN")
        try:
            connection.exec_driver_sql("SELECT sqlcipher_export('copy')").close()
        finally:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("DETACH DATABASE copy")


def _check_place(path: Path) -> None:
    """WAL needs a local disk: shared memory does not work over a network."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return
    folder = str(path.parent.resolve())
    points = [line.split()[1:3] for line in mounts.read_text().splitlines()]
    fitting = [(point, kind) for point, kind in points if (folder + "/").startswith(point.rstrip("/") + "/")]
    kind = max(fitting, key=lambda each: len(each[0]), default=("", ""))[1]
    if kind in _NETWORK:
        raise Internal(f"The data lies on {kind}, a network file system; SQLite needs a local disk.")


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", ".check", ".before", ".new", ".new-wal", ".new-shm", ".held", ".wanted"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _fingerprint(key: bytes) -> str:
    return hmac.new(key, b"oa/store/key-check", hashlib.sha256).hexdigest()


def _check_of(path: Path) -> Path:
    return Path(f"{path}.check")


def _check_key(path: Path, key: bytes) -> bool | None:
    """Whether this is the key the file was made with; None when nobody knows."""
    kept = _check_of(path).read_text()
    return hmac.compare_digest(kept, _fingerprint(key)) if kept else None


def _keep_check(path: Path, key: bytes) -> None:
    if _check_of(path).read_text() != _fingerprint(key):
        _check_of(path).write_text(_fingerprint(key))


def _opening(error: DBAPIError, path: Path, *, key_fits: bool | None) -> OaError:
    if "not a database" not in str(error.orig):
        return _failed(error)
    if key_fits is False:
        return WrongKey(f"{path.name} was made with another key. Put the right root key back.")
    return WrongKey(f"{path.name} is damaged or was made with another key. Restore it from a backup.")


def _failed(error: DBAPIError) -> OaError:
    return _spoken(str(error.orig), getattr(error.orig, "errno", None))


def _spoken(words: str, number: int | None = None) -> OaError:
    if "full" in words or number == errno.ENOSPC:
        return Unstored("The disk is full, so nothing was stored. Make room, then try again.")
    if "disk I/O" in words:  # a quota, a limit, a disk that fails: it may be mended while the room runs
        return Unstored("The disk refused to read or write. See whether it is full or failing, then try again.")
    if "locked" in words or "busy" in words:
        return Unstored("The data is in use by another process; try again.", retry_after=1)
    if "malformed" in words:
        return Internal("The data file is damaged. Restore it from a backup.")
    return Internal("The data could not be read or written; the log has it.")
