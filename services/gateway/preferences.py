"""Single values that the room keeps: the chosen model, the last signed head."""

from __future__ import annotations

from sqlalchemy import Connection, text

from openassistant.store import Store

__all__ = ["Preferences"]


class Preferences:
    """Names and texts in the room's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, name: str) -> str | None:
        """The value, or None."""

        def read(connection: Connection) -> str | None:
            value = connection.execute(text("SELECT value FROM settings WHERE name = :name"), {"name": name}).scalar()
            return None if value is None else str(value)

        return await self._store.read(read)

    async def put(self, name: str, value: str) -> None:
        """Sets a value."""
        row = {"name": name, "value": value}
        await self._store.write(
            lambda connection: connection.execute(
                text(
                    "INSERT INTO settings (name, value) VALUES (:name, :value)"
                    " ON CONFLICT (name) DO UPDATE SET value = :value"
                ),
                row,
            )
        )

    async def drop(self, name: str) -> None:
        """Forgets a value."""
        await self._store.write(
            lambda connection: connection.execute(text("DELETE FROM settings WHERE name = :name"), {"name": name})
        )
