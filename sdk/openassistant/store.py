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
import shutil
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool
from sqlcipher3 import dbapi2

from openassistant.errors import Internal, OaError, Unavailable
from openassistant.locks import FileLock

__all__ = ["DriverError", "Migrations", "Store", "UserStores", "connect", "reading_file"]

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
_migrating = threading.Lock()
"""alembic's `op` is one per process: two migrations side by side would run on each other's file."""


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

    def __init__(self, engine: Engine, path: Path, readers: int) -> None:
        self.path = path
        self._engine = engine
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._queue: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path, key: bytes, migrations: Migrations, *, readers: int = 2) -> Self:
        """Opens or makes a file and brings it up to date; raises `Internal` (wrong key, damage), `Unavailable`."""
        return await asyncio.to_thread(cls._open, path, key, migrations, readers)

    async def read(self, work: Work[T]) -> T:
        """What `work` reads, in a transaction of its own."""
        self._check_open()
        return await self._on(self._readers, lambda: _reading(self._engine, work))

    async def write(self, work: Work[T]) -> T:
        """What `work` returns after its commit. Writers that come at once share one commit, each in a savepoint."""
        self._check_open()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append((work, future))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write_queued())
        return await asyncio.shield(future)

    async def backup(self, to: Path, key: bytes) -> None:
        """A consistent copy under another key, while the file is in use."""
        self._check_open()
        await self._on(self._readers, lambda: _export(self._engine, to, key))

    async def tidy(self) -> bool:
        """Overwrites what was deleted, in the file and in its log of changes, where it could still be found.

        False where the log could not be emptied, as somebody reads in it all the time.
        """
        self._check_open()
        return await self._on(self._writer, lambda: _tidy(self._engine))

    async def close(self) -> None:
        """Lets writes end, then closes; what comes later is `Unavailable`."""
        self._closed = True
        if self._flush is not None:
            await asyncio.wait([self._flush])
        await asyncio.to_thread(self._shut)

    @classmethod
    def _open(cls, path: Path, key: bytes, migrations: Migrations, readers: int) -> Self:
        _check_place(path)
        with _alone(path):
            return cls._opened(path, key, migrations, readers)

    @classmethod
    def _opened(cls, path: Path, key: bytes, migrations: Migrations, readers: int) -> Self:
        engine = _engine(path, key, readers)
        known = _check_key(path, key)
        try:
            with engine.connect() as connection:
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
        return cls(engine, path, readers)

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


class UserStores:
    """One file per user, opened on demand and closed again when many others were used since."""

    def __init__(
        self, folder: Path, migrations: Migrations, keys: Callable[[str], Awaitable[bytes]], *, most_open: int = 64
    ) -> None:
        self._folder, self._migrations, self._keys, self._most_open = folder, migrations, keys, most_open
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
                    key = await self._keys(user)
                    self._open[user] = await Store.open(self.path(user), key, self._migrations)
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
    engine = create_engine("sqlite://", creator=lambda: connect(path, key), module=dbapi2, poolclass=NullPool)
    try:
        return _reading(engine, work)
    except DBAPIError as error:
        raise DriverError(str(error.orig)) from error


def _engine(path: Path, key: bytes, readers: int) -> Engine:
    if dbapi2.sqlite_version_info < _OLDEST_SQLITE:
        raise Internal(f"SQLite {dbapi2.sqlite_version} can lose commits; 3.51.3 or newer is needed.")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def opened() -> Any:
        path.touch(mode=0o600)
        connection = connect(path, key)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return create_engine(
        "sqlite://", creator=opened, module=dbapi2, poolclass=QueuePool, pool_size=readers + 1, max_overflow=1
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
    for suffix in ("", "-wal", "-shm", ".check", ".before"):
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
        return Internal(f"{path.name} was made with another key. Put the right root key back.")
    return Internal(f"{path.name} is damaged or was made with another key. Restore it from a backup.")


def _failed(error: DBAPIError) -> OaError:
    words = str(error.orig)
    if "full" in words or getattr(error.orig, "errno", None) == errno.ENOSPC:
        return Unavailable("The disk is full, so nothing was stored. Make room, then try again.")
    if "disk I/O" in words:  # a quota, a limit, a disk that fails: it may be mended while the room runs
        return Unavailable("The disk refused to read or write. See whether it is full or failing, then try again.")
    if "locked" in words or "busy" in words:
        return Unavailable("The data is in use by another process; try again.", retry_after=1)
    if "malformed" in words:
        return Internal("The data file is damaged. Restore it from a backup.")
    return Internal("The data could not be read or written; the log has it.")
