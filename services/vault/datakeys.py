"""One data key per (room, user): made at first need, stored wrapped, replaced in two steps, destroyed to erase."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import new_id
from openassistant.errors import Forbidden
from openassistant.rekeying import Outstanding
from openassistant.store import DataKey, Store
from services.vault.rootkey import RootKey

__all__ = ["adopt", "data_key", "destroy", "erase_user", "outstanding", "renew_all"]

_CONTENT = "room = 'audit' AND user <> ''"
"""What the ledger holds of a user is hashed as it was sealed, so it can never be sealed anew: its key stays."""


async def data_key(store: Store, root: RootKey, *, room: str, user: str | None, now: datetime) -> DataKey:
    """A room's key (of one user, or its own when `user` is None), with its successor while it is being replaced.

    Raises `Forbidden` for a user who was erased.
    """
    names = {"room": room, "user": user or ""}

    def write(connection: Connection) -> DataKey:
        row = connection.execute(
            text("SELECT id, wrapped, next_id, next_wrapped FROM data_keys WHERE room = :room AND user = :user"), names
        ).one_or_none()
        if row is not None:
            return _unwrapped(row, root)
        if connection.execute(text("SELECT 1 FROM erased_users WHERE user = :user"), names).first():
            raise Forbidden("Everything of that user was erased.")
        made = DataKey(secrets.token_bytes(32), id=new_id())
        connection.execute(
            text(
                "INSERT INTO data_keys (id, room, user, wrapped, created)"
                " VALUES (:id, :room, :user, :wrapped, :created)"
            ),
            {**names, "id": made.id, "wrapped": root.wrap(bytes(made)), "created": now.isoformat()},
        )
        return made

    return await store.write(write)


async def adopt(store: Store, *, room: str, user: str | None, key_id: str, now: datetime) -> bool:
    """Destroys a key whose successor is in use; whether there was one to destroy."""
    row = {"room": room, "user": user or "", "next": key_id, "now": now.isoformat()}

    def write(connection: Connection) -> bool:
        done = connection.execute(
            text(
                "UPDATE data_keys SET id = next_id, wrapped = next_wrapped, created = :now, next_id = NULL,"
                " next_wrapped = NULL WHERE room = :room AND user = :user AND next_id = :next"
            ),
            row,
        )
        return done.rowcount > 0

    adopted = await store.write(write)
    if adopted:
        await store.tidy()
    return adopted


def renew_all(connection: Connection, root: RootKey) -> int:
    """Makes a successor for every key of a file; one that still waits for its room stays. Says how many wait now."""
    rows = connection.execute(text(f"SELECT id FROM data_keys WHERE next_id IS NULL AND NOT ({_CONTENT})")).all()  # noqa: S608 - a literal
    for row in rows:
        fresh = {"id": row.id, "next": new_id(), "wrapped": root.wrap(secrets.token_bytes(32))}
        connection.execute(text("UPDATE data_keys SET next_id = :next, next_wrapped = :wrapped WHERE id = :id"), fresh)
    return len(_waiting(connection))


async def outstanding(store: Store) -> tuple[Outstanding, ...]:
    """The files that are not under their new key yet, the rooms' own first."""
    return tuple(await store.read(_waiting))


async def destroy(store: Store, *, room: str, user: str, dry: bool) -> int:
    """Destroys the key of a user in one room, and says whether there was one; `dry` only says it."""
    names = {"room": room, "user": user}

    def write(connection: Connection) -> int:
        found = connection.execute(text("SELECT count(*) FROM data_keys WHERE room = :room AND user = :user"), names)
        if not dry:
            connection.execute(text("DELETE FROM data_keys WHERE room = :room AND user = :user"), names)
        return int(found.scalar_one())

    return await store.write(write)


async def erase_user(store: Store, user: str, *, now: datetime) -> int:
    """Destroys every room's key of a user, with his accounts and what points to them; says how many keys there were.

    What they sealed is gone, wherever it lies. None is ever made for him again.
    """
    row = {"user": user, "at": now.isoformat()}

    def write(connection: Connection) -> int:
        connection.execute(text("INSERT OR IGNORE INTO erased_users (user, at) VALUES (:user, :at)"), row)
        connection.execute(
            text("DELETE FROM accounts WHERE source IN (SELECT id FROM accounts WHERE user = :user)"), row
        )
        for table in ("accounts", "oauth_flows"):
            connection.execute(text(f"DELETE FROM {table} WHERE user = :user"), row)  # noqa: S608 - names from the line above
        return connection.execute(text("DELETE FROM data_keys WHERE user = :user"), row).rowcount

    return await store.write(write)


def _waiting(connection: Connection) -> list[Outstanding]:
    rows = connection.execute(text("SELECT room, user FROM data_keys WHERE next_id IS NOT NULL ORDER BY user, room"))
    return [Outstanding(room=row.room, user=row.user or None) for row in rows]


def _unwrapped(row: Any, root: RootKey) -> DataKey:
    following = None
    if row.next_id is not None:
        following = DataKey(root.unwrap(row.next_wrapped), id=row.next_id)
    return DataKey(root.unwrap(row.wrapped), id=row.id, successor=following)
