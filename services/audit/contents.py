"""Arguments and results in the ledger: under the data key of the user they belong to, or of the room."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, text

from openassistant.keys import Keys
from openassistant.store import Store
from services.audit.records import decrypt, encrypt

__all__ = ["Contents", "content_key"]


class Contents:
    """Seals and opens what records hold: of a user under his key, of nobody in particular under the room's."""

    def __init__(self, keys: Keys, room_key: bytes) -> None:
        self._keys, self._room_key = keys, room_key

    async def seal(self, row: dict[str, Any], content: Any, *, grant: str | None) -> bytes | None:
        """The content encrypted for the row's user; raises `Forbidden` where no grant ever unlocked his key."""
        if content is None:
            return None
        return encrypt(content, await self._key(row["user"], grant), bound_to=_binding(row))

    async def open(self, row: dict[str, Any], *, grant: str | None) -> Any:
        """The content again, or None where there is none or its key is gone."""
        if row["content"] is None:
            return None
        return decrypt(row["content"], await self._key(row["user"], grant), bound_to=_binding(row))

    async def key_of(self, user: str, grant: str | None) -> bytes:
        """The content key of a user, for who opens many of his records; raises `Forbidden` without a grant of his."""
        return await self._key(user, grant)

    async def _key(self, user: str | None, grant: str | None) -> bytes:
        if user is None:
            return self._room_key
        await self._keys.unlock(user, grant)
        return await self._keys.of(user)


async def content_key(store: Store) -> bytes:
    """The key of what records of nobody in particular hold; it stays, and lies in the ledger's own encrypted file.

    The tree hashes what is sealed with it, so that nothing can be sealed anew when the file gets another key. It was
    derived from the file's first key.
    """
    first = HKDF(SHA256(), 32, salt=None, info=b"oa/audit/content").derive(bytes(store.key))

    def write(connection: Connection) -> bytes:
        connection.execute(text("INSERT OR IGNORE INTO content_key (id, key) VALUES (1, :key)"), {"key": first})
        return bytes(connection.execute(text("SELECT key FROM content_key")).scalar_one())

    return await store.write(write)


def _binding(row: dict[str, Any]) -> str:
    return f"{row['id']}/{row['action']}"
