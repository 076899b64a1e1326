"""Keys that take others' places while the house runs: of the root, of the rooms' files, of account secrets.

Each kind is done once for an order, in one transaction or one rename, so that the same order after a crash goes on with
what is left. The files of rooms follow one after the other, as the gateway asks the rooms; see openassistant.rekeying.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from sqlalchemy import Connection, text

from openassistant.context import CallContext, Clock
from openassistant.errors import Conflict
from openassistant.rekeying import KeyKind, KeysReport, RotateRequest, RotationPart
from openassistant.store import DataKey, Migrations, Store
from services.vault.credentials import Credentials
from services.vault.datakeys import outstanding, renew_all
from services.vault.rootkey import RootFile, RootKey

__all__ = ["Rotation", "rotate_stopped"]

_ORDER: tuple[KeyKind, ...] = ("credentials", "data", "root")
_WRAPPED = (("data_keys", "wrapped"), ("data_keys", "next_wrapped"), ("credential_keys", "wrapped"))
"""Tables and columns with what is wrapped under the root key."""

_log = logging.getLogger("openassistant.vault")


class Rotation:
    """Carries out orders, one at a time. `root` becomes the new root key, for all who hold it."""

    def __init__(
        self, store: Store, root: RootKey, credentials: Credentials, *, file: RootFile | None, clock: Clock
    ) -> None:
        self._store, self._root, self._credentials = store, root, credentials
        self._file, self._clock = file, clock
        self._one = asyncio.Lock()

    async def on_rotate(self, ctx: CallContext, request: RotateRequest) -> KeysReport:
        """Replaces what the order names and was not replaced under its id; raises `Conflict` for a fixed root key."""
        fixed = "The root key is not in a file." if self._file is None else self._file.fixed
        async with self._one:
            for keys in _ORDER:
                if keys in request.keys and keys not in {each.keys for each in await self._done(request.id)}:
                    if keys == "root" and fixed:
                        raise Conflict(fixed)
                    await asyncio.shield(asyncio.ensure_future(self._replace(keys, request.id)))
            return KeysReport(
                done=await self._done(request.id),
                outstanding=await outstanding(self._store),
                protected=self._file is not None and self._file.is_protected,
                fixed=fixed,
            )

    async def _replace(self, keys: KeyKind, order: str) -> None:
        if keys == "credentials":
            count = await self._credentials.rotate(self._clock())
            await self._store.write(lambda connection: self._note(connection, order, keys, count))
            await self._store.tidy()
        elif keys == "data":
            await self._store.write(
                lambda connection: self._note(connection, order, keys, renew_all(connection, self._root))
            )
        else:
            await self._replace_root(order)

    async def _replace_root(self, order: str) -> None:
        """The new key lies beside the old one before the vault's file is under it, and takes its place after that."""
        assert self._file is not None, "asked for where there is one"
        file, new = self._file, RootKey.following(self._root)
        await asyncio.to_thread(file.put_beside, new)

        def change(connection: Connection) -> None:
            _rewrap(connection, self._root, new)
            self._note(connection, order, "root", 1)

        def switch() -> None:
            self._root.become(new)
            try:
                file.switch()
            except OSError:  # the vault's next start does it
                _log.exception("the new root key still lies beside the old one")

        try:
            await self._store.rekey(new.derive("file"), change=change, then=switch)
        finally:
            if self._root.identity != new.identity:
                file.discard()

    def _note(self, connection: Connection, order: str, keys: KeyKind, count: int) -> None:
        row = {"id": order, "keys": keys, "count": count, "at": self._clock().isoformat()}
        connection.execute(text("INSERT INTO rotations (id, keys, count, at) VALUES (:id, :keys, :count, :at)"), row)

    async def _done(self, order: str) -> tuple[RotationPart, ...]:
        query = text("SELECT keys, count FROM rotations WHERE id = :id ORDER BY keys")
        rows = await self._store.read(lambda connection: connection.execute(query, {"id": order}).all())
        return tuple(RotationPart(keys=row.keys, count=row.count) for row in rows)


async def rotate_stopped(path: Path, former: RootKey, new: RootKey) -> None:
    """Puts the vault's file of a house that is stopped under another root key; done twice is done."""
    key = DataKey(former.derive("file"), successor=DataKey(new.derive("file")))
    store = await Store.open(path, key, Migrations({}))
    try:
        if store.key != new.derive("file"):
            await store.rekey(new.derive("file"), change=lambda connection: _rewrap(connection, former, new))
    finally:
        await store.close()


def _rewrap(connection: Connection, former: RootKey, new: RootKey) -> None:
    for table, column in _WRAPPED:
        rows = connection.execute(text(f"SELECT rowid AS place, {column} AS wrapped FROM {table}")).all()  # noqa: S608 - from the code
        for row in rows:
            if row.wrapped is not None:
                fresh = {"wrapped": new.wrap(former.unwrap(row.wrapped)), "place": row.place}
                connection.execute(text(f"UPDATE {table} SET {column} = :wrapped WHERE rowid = :place"), fresh)  # noqa: S608 - as above
