"""Third-party secrets at rest: Fernet under keys that are themselves wrapped; rotation while running (MultiFernet)."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, text

from openassistant.errors import Internal
from openassistant.store import Store
from services.vault.rootkey import RootKey

__all__ = ["Credentials"]

_SECRET_TABLES = ("accounts", "oauth_clients", "oauth_flows", "openid_clients", "openid_flows")


class Credentials:
    """The credential keys, newest first; the first one encrypts, all of them decrypt.

    A key may be dropped between a token's way to or from the file and its use: who does both holds `steady` meanwhile.
    """

    def __init__(self, store: Store, root: RootKey) -> None:
        self._store = store
        self._root = root
        self._fernet: MultiFernet | None = None
        self.steady = asyncio.Lock()

    async def open(self, now: datetime) -> None:
        """Reads the keys, making the first one where there is none, and ends a rotation that broke off."""
        if not await self._store.read(_wrapped_keys):
            await self._add_key(now)
        if await self._reload() > 1:
            await self._store.write(self._encrypt_anew)
            await self._reload()

    def encrypt(self, secrets: dict[str, str]) -> bytes:
        """A Fernet token over the secrets as JSON."""
        return self._keys.encrypt(json.dumps(secrets).encode())

    def decrypt(self, token: bytes) -> dict[str, str]:
        """The secrets behind a token; raises `Internal` when no key fits."""
        try:
            found: dict[str, str] = json.loads(self._keys.decrypt(token))
        except InvalidToken as error:
            raise Internal("A stored credential cannot be decrypted: reconnect the account.") from error
        return found

    async def rotate(self, now: datetime) -> int:
        """Adds a key, re-encrypts all secrets under it, drops the old keys; says how many secrets."""
        async with self.steady:
            await self._add_key(now)
            await self._reload()
            count = await self._store.write(self._encrypt_anew)
            await self._reload()
        return count

    def _encrypt_anew(self, connection: Connection) -> int:
        count = sum(self._table_anew(connection, table) for table in _SECRET_TABLES)
        connection.execute(text("DELETE FROM credential_keys WHERE id < (SELECT max(id) FROM credential_keys)"))
        return count

    def _table_anew(self, connection: Connection, table: str) -> int:
        rows = connection.execute(text(f"SELECT rowid, secrets FROM {table}")).all()  # noqa: S608 - from the literal below
        for row in rows:
            fresh = {"secrets": self._keys.rotate(bytes(row.secrets)), "rowid": row.rowid}
            connection.execute(text(f"UPDATE {table} SET secrets = :secrets WHERE rowid = :rowid"), fresh)  # noqa: S608 - as above
        return len(rows)

    @property
    def _keys(self) -> MultiFernet:
        if self._fernet is None:
            raise Internal("The credential keys are not open yet.")
        return self._fernet

    async def _add_key(self, now: datetime) -> None:
        def write(connection: Connection) -> None:
            wrapped = self._root.wrap(Fernet.generate_key().ljust(48, b"\0"))
            connection.execute(
                text("INSERT INTO credential_keys (wrapped, created) VALUES (:wrapped, :created)"),
                {"wrapped": wrapped, "created": now.isoformat()},
            )

        await self._store.write(write)

    async def _reload(self) -> int:
        """Reads the keys, and says how many there are. Unwrapped while they are read: later the root may be another."""
        found = await self._store.read(
            lambda connection: [self._root.unwrap(each).rstrip(b"\0") for each in _wrapped_keys(connection)]
        )
        self._fernet = MultiFernet([Fernet(each) for each in found])
        return len(found)


def _wrapped_keys(connection: Connection) -> list[bytes]:
    rows = connection.execute(text("SELECT wrapped FROM credential_keys ORDER BY id DESC"))
    return [bytes(row.wrapped) for row in rows]
