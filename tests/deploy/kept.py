"""A house at rest, made of the rooms' own schemas: keys, a vault that knows every file's key, a ledger with heads."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from deploy import versions
from deploy.places import Places
from deploy.provision import Server, provision
from openassistant.grants import SigningKey
from openassistant.store import Migrations, Store
from services.audit.ledger import Ledger
from services.audit.records import COLUMNS
from services.vault.datakeys import data_key
from services.vault.rootkey import RootKey

__all__ = ["BOB", "FILES", "PLANTED", "USER", "Kept"]

USER, BOB = "u" * 32, "b" * 32
PLANTED = "planted-wolverine"
FILES = (
    "gateway/room.db", f"gateway/users/{USER}.db", f"gateway/users/{BOB}.db", "agent/room.db",
    f"agent/users/{USER}.db", "mail/room.db", f"mail/users/{USER}.db",
)  # fmt: skip
NOW = datetime(2026, 11, 12, 14, 5, tzinfo=UTC)


class Kept:
    """The house in a folder, made where there is none; `records` are in its ledger."""

    def __init__(self, folder: Path, *, records: int = 5) -> None:
        self.folder = folder
        self.places = Places(folder / "data")
        self.root_key = folder / "data.root-key"
        if self.root_key.exists():
            self.root = RootKey.load(self.root_key)
            return
        server = Server(store_dir="/nowhere", pid_file="/nowhere")
        provision(self.places.keys, root_key_file=self.root_key, server=server)
        self.root = RootKey.load(self.root_key)
        asyncio.run(self._fill(records))

    def write(self, name: str, *statements: str) -> None:
        """Statements into one of its files."""
        asyncio.run(self._do(name, lambda connection: [connection.execute(text(each)) for each in statements]))

    def read(self, name: str, query: str, places: Places | None = None) -> list[Any]:
        """Rows of one of its files, here or in other places."""
        from deploy.places import VAULT, Keyring
        from openassistant import copying

        at = places or self.places
        key = Keyring.read(self.root, at.path(VAULT)).of(name, at.path(name))
        assert key is not None
        return copying.select(at.path(name), key, query)

    def record(self, count: int) -> None:
        """More records in the ledger."""
        asyncio.run(self._record(count))

    async def _fill(self, records: int) -> None:
        for name in FILES:
            await self._do(name, lambda connection: None)
        await self._do(f"agent/users/{USER}.db", _say)
        await self._record(records)

    async def _do(self, name: str, work: Callable[[Connection], object]) -> None:
        store = await self._open(name)
        await store.write(lambda connection: bool(work(connection)))
        await store.close()

    async def _record(self, count: int) -> None:
        store = await self._open("audit/ledger.db")
        head = self.places.path("audit/head")
        key = SigningKey.load(self.places.path("keys/audit/signing.jwk"))
        ledger = Ledger(store, key, lambda: datetime.now(UTC), kept_head=head)
        await ledger.open()
        for _ in range(count):
            row = dict.fromkeys(name for name in COLUMNS if name not in ("position", "time"))
            await ledger.append({**row, "id": secrets.token_hex(16), "action": "turn.started", "room": "gateway"})
        newest = await ledger.head()
        await store.close()
        value = json.dumps([newest.model_dump(mode="json")])
        row = {"value": value}
        query = text("INSERT OR REPLACE INTO settings (name, value) VALUES ('ledger_heads', :value)")
        await self._do("gateway/room.db", lambda connection: connection.execute(query, row))

    async def _open(self, name: str) -> Store:
        path = self.places.path(name)
        return await Store.open(path, await self._key(name), Migrations(versions.lines_of(name)))

    async def _key(self, name: str) -> bytes:
        if name == "vault/vault.db":
            return self.root.derive("file")
        room, user = Path(name).parts[0], Path(name).stem if "users" in name else None
        lines = Migrations(versions.lines_of("vault/vault.db"))
        vault = await Store.open(self.places.path("vault/vault.db"), self.root.derive("file"), lines)
        key = await data_key(vault, self.root, room=room, user=user, now=NOW)
        await vault.close()
        return key


def _say(connection: Connection) -> object:
    row = {"text": PLANTED, "now": NOW.isoformat()}
    connection.execute(
        text("INSERT INTO conversations (id, title, created, updated, event_id) VALUES ('c', :text, :now, :now, 1)"),
        row,
    )
    return connection.execute(
        text(
            "INSERT INTO messages (id, conversation, turn, role, text, created)"
            " VALUES ('m', 'c', 't', 'user', :text, :now)"
        ),
        row,
    )
