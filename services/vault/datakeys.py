"""One data key per (room, user): made at first need, stored wrapped, destroyed to erase."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, text

from openassistant.context import new_id
from openassistant.errors import Forbidden
from openassistant.store import Store
from services.vault.rootkey import RootKey

__all__ = ["data_key", "destroy", "erase_user"]


async def data_key(store: Store, root: RootKey, *, room: str, user: str | None, now: datetime) -> tuple[str, bytes]:
    """The id and the 32 bytes of a room's key (of one user, or its own when `user` is None).

    Raises `Forbidden` for a user who was erased.
    """
    names = {"room": room, "user": user or ""}

    def write(connection: Connection) -> tuple[str, bytes]:
        row = connection.execute(
            text("SELECT id, wrapped FROM data_keys WHERE room = :room AND user = :user"), names
        ).one_or_none()
        if row is not None:
            return str(row.id), bytes(row.wrapped)
        if connection.execute(text("SELECT 1 FROM erased_users WHERE user = :user"), names).first():
            raise Forbidden("Everything of that user was erased.")
        made = (new_id(), root.wrap(secrets.token_bytes(32)))
        connection.execute(
            text(
                "INSERT INTO data_keys (id, room, user, wrapped, created)"
                " VALUES (:id, :room, :user, :wrapped, :created)"
            ),
            {**names, "id": made[0], "wrapped": made[1], "created": now.isoformat()},
        )
        return made

    key_id, wrapped = await store.write(write)
    return key_id, root.unwrap(wrapped)


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
    """Destroys every room's key of a user, with his accounts, and says how many keys there were.

    What they sealed is gone, wherever it lies. None is ever made for him again.
    """
    row = {"user": user, "at": now.isoformat()}

    def write(connection: Connection) -> int:
        connection.execute(text("INSERT OR IGNORE INTO erased_users (user, at) VALUES (:user, :at)"), row)
        for table in ("accounts", "oauth_flows"):
            connection.execute(text(f"DELETE FROM {table} WHERE user = :user"), row)  # noqa: S608 - names from the line above
        return connection.execute(text("DELETE FROM data_keys WHERE user = :user"), row).rowcount

    return await store.write(write)
