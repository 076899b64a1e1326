"""What the files of a house that stands still hold, opened with its root key: rows by table, and every single page."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlalchemy import Connection, text

from openassistant.store import Migrations, Store
from services.vault.rootkey import RootKey

__all__ = ["pages", "plain", "rows", "users", "wrapped"]

_PAGE, _SALT, _IV, _RESERVE = 4096, 16, 16, 80
"""SQLCipher 4 (https://www.zetetic.net/sqlcipher/design/): a page ends with IV and MAC, the first begins with salt."""
_LOG_HEAD, _FRAME_HEAD = 32, 24
"""Bytes of a WAL's header, and of each frame's (https://www.sqlite.org/fileformat2.html#walformat)."""

Found = TypeVar("Found")
_BOOKKEEPING = ("_version", "_config", "_data", "_docsize", "_idx", "_content")
"""Ends of the names of tables that say nothing by themselves: of migrations, and of full-text indexes."""


def rows(data_dir: Path, room: str) -> dict[str, int]:
    """By table, how many rows the files of all users hold in a room; tables that are empty are left out."""
    return _run(_rows(data_dir, _root(data_dir), room))


def users(data_dir: Path) -> set[str]:
    """Whose keys the vault holds."""
    return {user for _, user in _run(_all_keys(data_dir, _root(data_dir))) if user}


def wrapped(data_dir: Path) -> list[bytes]:
    """What the vault keeps wrapped under the root key: data keys, their successors, and those of account secrets."""
    return _run(_wrapped(data_dir, _root(data_dir)))


def pages(data_dir: Path) -> dict[str, bytes]:
    """By file, every page that can be decrypted with a key of the vault: free ones and those of the log, too."""
    root = _root(data_dir)
    known = _run(_all_keys(data_dir, root))
    found = {}
    for file in sorted(data_dir.rglob("*.db")):
        room = file.relative_to(data_dir).parts[0]
        user = file.stem if file.parent.name == "users" else ""
        key = root.derive("file") if room == "vault" else known.get((room, user))
        if key is not None:
            found[str(file.relative_to(data_dir))] = plain(file, key)
    return found


def _root(data_dir: Path) -> RootKey:
    return RootKey.load(data_dir.with_name(f"{data_dir.name}.root-key"))


def _run(work: Coroutine[Any, Any, Found]) -> Found:
    with ThreadPoolExecutor(1) as thread:  # whoever drives a browser has a loop of its own
        return thread.submit(lambda: asyncio.run(work)).result()


def plain(file: Path, key: bytes) -> bytes:
    """Every page of a file and of its log, decrypted."""
    content, log = file.read_bytes(), Path(f"{file}-wal")
    parts = [_decrypted(content[at : at + _PAGE], key, first=at == 0) for at in range(0, len(content), _PAGE)]
    frames = log.read_bytes()[_LOG_HEAD:] if log.exists() else b""
    for at in range(0, len(frames), _FRAME_HEAD + _PAGE):
        number = int.from_bytes(frames[at : at + 4])
        parts.append(_decrypted(frames[at + _FRAME_HEAD : at + _FRAME_HEAD + _PAGE], key, first=number == 1))
    return b"".join(parts)


def _decrypted(page: bytes, key: bytes, *, first: bool) -> bytes:
    if len(page) < _PAGE:
        return b""
    end = _PAGE - _RESERVE
    opened = Cipher(algorithms.AES256(key), modes.CBC(page[end : end + _IV])).decryptor()
    return opened.update(page[_SALT if first else 0 : end]) + opened.finalize()


async def _all_keys(data_dir: Path, root: RootKey) -> dict[tuple[str, str], bytes]:
    vault = await Store.open(data_dir / "vault" / "vault.db", root.derive("file"), Migrations({}))
    try:
        found = await vault.read(lambda c: list(c.execute(text("SELECT room, user, wrapped FROM data_keys"))))
    finally:
        await vault.close()
    return {(row.room, row.user): root.unwrap(bytes(row.wrapped)) for row in found}


async def _wrapped(data_dir: Path, root: RootKey) -> list[bytes]:
    queries = (
        "SELECT wrapped FROM data_keys",
        "SELECT wrapped FROM credential_keys",
        "SELECT next_wrapped FROM data_keys WHERE next_wrapped IS NOT NULL",
    )
    vault = await Store.open(data_dir / "vault" / "vault.db", root.derive("file"), Migrations({}))
    try:
        return await vault.read(lambda c: [bytes(row[0]) for each in queries for row in c.execute(text(each))])
    finally:
        await vault.close()


async def _rows(data_dir: Path, root: RootKey, room: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for (owner, user), key in (await _all_keys(data_dir, root)).items():
        if owner != room or not user:
            continue
        store = await Store.open(data_dir / room / "users" / f"{user}.db", key, Migrations({}))
        try:
            for table, count in (await store.read(_counts)).items():
                found[table] = found.get(table, 0) + count
        finally:
            await store.close()
    return found


def _counts(connection: Connection) -> dict[str, int]:
    names = [row.name for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
    plain = [each for each in names if not each.endswith(_BOOKKEEPING) and not each.startswith("sqlite_")]
    counts = {each: connection.execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in plain}
    return {name: int(count) for name, count in counts.items() if count}
