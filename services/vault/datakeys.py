"""One data key per (room, user): made at first need, stored wrapped, destroyed to erase."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, text

from openassistant.context import new_id
from openassistant.store import Store
from services.vault.rootkey import RootKey

__all__ = ["data_key", "destroy_user_keys"]


async def data_key(store: Store, root: RootKey, *, room: str, user: str | None, now: datetime) -> tuple[str, bytes]:
    """The id and the 32 bytes of a room's key (of one user, or its own when `user` is None)."""
    names = {"room": room, "user": user or ""}

    def write(connection: Connection) -> tuple[str, bytes]:
        row = connection.execute(
            text("SELECT id, wrapped FROM data_keys WHERE room = :room AND user = :user"), names
        ).one_or_none()
        if row is not None:
            return str(row.id), bytes(row.wrapped)
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


async def destroy_user_keys(store: Store, user: str) -> int:
    """Destroys every room's key of a user and says how many there were: what they sealed is gone."""

    def write(connection: Connection) -> int:
        return connection.execute(text("DELETE FROM data_keys WHERE user = :user"), {"user": user}).rowcount

    return await store.write(write)
