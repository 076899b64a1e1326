"""What the files of a house that stands still hold, opened with its root key: rows by table."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection, text

from openassistant.store import Migrations, Store
from services.vault.rootkey import RootKey

__all__ = ["rows"]

_BOOKKEEPING = ("_version", "_config", "_data", "_docsize", "_idx", "_content")
"""Ends of the names of tables that say nothing by themselves: of migrations, and of full-text indexes."""


def rows(data_dir: Path, room: str) -> dict[str, int]:
    """By table, how many rows the files of all users hold in a room; tables that are empty are left out."""
    root = RootKey.load(data_dir.with_name(f"{data_dir.name}.root-key"))
    with ThreadPoolExecutor(1) as thread:  # whoever drives a browser has a loop of its own
        return thread.submit(lambda: asyncio.run(_rows(data_dir, root, room))).result()


async def _rows(data_dir: Path, root: RootKey, room: str) -> dict[str, int]:
    vault = await Store.open(data_dir / "vault" / "vault.db", root.derive("file"), Migrations({}))
    try:
        keys = await vault.read(lambda connection: _keys(connection, room))
    finally:
        await vault.close()
    found: dict[str, int] = {}
    for user, wrapped in keys.items():
        file = data_dir / room / "users" / f"{user}.db"
        store = await Store.open(file, root.unwrap(wrapped), Migrations({}))
        try:
            for table, count in (await store.read(_counts)).items():
                found[table] = found.get(table, 0) + count
        finally:
            await store.close()
    return found


def _keys(connection: Connection, room: str) -> dict[str, bytes]:
    query = text("SELECT user, wrapped FROM data_keys WHERE room = :room AND user <> ''")
    return {row.user: bytes(row.wrapped) for row in connection.execute(query, {"room": room})}


def _counts(connection: Connection) -> dict[str, int]:
    names = [row.name for row in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
    plain = [each for each in names if not each.endswith(_BOOKKEEPING) and not each.startswith("sqlite_")]
    counts = {each: connection.execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in plain}
    return {name: int(count) for name, count in counts.items() if count}
