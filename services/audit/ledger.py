"""The ledger: append-only, hash-chained, fail-closed. Plain writing and checking; who may record stands in `witness.py`."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Conflict, Internal, NotFound, OaError
from openassistant.grants import SigningKey
from openassistant.messages import Proof, TreeHead, Verification
from openassistant.store import Store
from services.audit import checkpoint
from services.audit.records import COLUMNS, leaf_of
from services.audit.tree import CompactRange, inclusion_proof

__all__ = ["Ledger"]

_INSERT = (
    f"INSERT INTO records ({', '.join(COLUMNS)}, leaf)"  # noqa: S608 - names from the code
    f" VALUES ({', '.join(f':{name}' for name in COLUMNS)}, :leaf)"
)

_log = logging.getLogger("openassistant.audit")


class Ledger:
    """One open ledger. `kept_head` is the file beside the data where the newest signed head is kept as well."""

    def __init__(self, store: Store, key: SigningKey, clock: Clock, *, kept_head: Path) -> None:
        self._store, self._clock, self._kept_head = store, clock, kept_head
        self._key = key.raw_private()
        self._public = key.raw_public()
        self._range = CompactRange()
        self._head: TreeHead | None = None
        self.broken: str | None = None

    async def open(self) -> None:
        """Reads the tree and holds it against the kept head; a ledger that does not fit records nothing more."""
        leaves = await self._store.read(lambda connection: list(_leaves(connection)))
        kept = await asyncio.to_thread(self._read_kept)
        growing = CompactRange()
        for leaf in leaves:
            if kept and growing.size == kept.size and growing.root().hex() != kept.root:
                self.broken = f"The first {kept.size} records are not those that were signed at {kept.time}."
            growing.append(leaf)
        self._range = growing
        if kept and kept.size == growing.size and growing.root().hex() != kept.root:
            self.broken = f"The {kept.size} records are not those that were signed at {kept.time}."
        if kept and kept.size > growing.size:
            self.broken = f"The ledger ends at record {growing.size - 1}; {kept.size} were signed at {kept.time}."
        if self.broken:
            _log.error("ledger does not fit its signed head", extra={"detail": self.broken})

    async def append(self, row: dict[str, Any]) -> tuple[int, bytes]:
        """Index and leaf hash of a record after its commit; the same id and action again gives the first one's.

        `row` has every column but position, time and leaf. Raises `Conflict` for another call under the same id,
        `Internal` when the ledger is broken.
        """
        if self.broken:
            raise Internal("The ledger was changed from outside, so nothing is recorded and nothing runs. See Activity.")

        def write(connection: Connection) -> tuple[int, bytes]:
            known = connection.execute(
                text("SELECT position, leaf, call_digest FROM records WHERE id = :id AND action = :action"), row
            ).one_or_none()
            if known is not None:
                if known.call_digest != row["call_digest"]:
                    raise Conflict("This id was recorded for another call.")
                return int(known.position), bytes(known.leaf)
            growing = self._at(connection)
            whole = {**row, "position": growing.size, "time": self._clock().isoformat()}
            leaf = leaf_of(whole)
            connection.execute(text(_INSERT), {**whole, "leaf": leaf})
            growing.append(leaf)
            return whole["position"], leaf

        return await self._store.write(write)

    async def head(self) -> TreeHead:
        """The newest signed head, signed now when records were added since."""
        size, root = await self._store.read(self._size_and_root)
        if self._head is None or self._head.size != size:
            self._head = checkpoint.sign(size, root, self._clock(), self._key)
            await self._store.write(lambda connection: _keep_head(connection, self._head))
            await asyncio.to_thread(self._write_kept, self._head)
        return self._head

    async def rows(self, where: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Rows as dictionaries; `where` is a condition with named values, from the code."""

        def read(connection: Connection) -> list[dict[str, Any]]:
            found = connection.execute(text(f"SELECT * FROM records WHERE {where}"), values)  # noqa: S608 - from the code
            return [dict(row) for row in found.mappings()]

        return await self._store.read(read)

    async def proof(self, index: int) -> Proof:
        """That a record is in the tree of the newest head; raises `NotFound`."""
        head = await self.head()
        if not 0 <= index < head.size:
            raise NotFound("There is no record with that number.")
        leaves = await self._store.read(lambda connection: list(_leaves(connection))[: head.size])
        path = await asyncio.to_thread(inclusion_proof, leaves, index)
        return Proof(index=index, leaf=leaves[index].hex(), path=tuple(each.hex() for each in path), head=head)

    async def verify(self, known: TreeHead | None = None) -> Verification:
        """Recomputes every record and holds the tree against every signed head, kept ones included."""
        started = time.monotonic()
        head = None if self.broken else await self.head()
        kept = await asyncio.to_thread(self._read_kept)
        given = [each for each in (known, kept) if each is not None]
        size, root, index, detail = await self._store.read(lambda connection: self._recompute(connection, given))
        ok = index is None and (head is None or head.root == root or size > head.size)
        return Verification(
            ok=ok and not detail,
            size=size,
            root=root,
            index=index,
            detail=detail,
            seconds=time.monotonic() - started,
        )

    def _recompute(self, connection: Connection, given: list[TreeHead]) -> tuple[int, str, int | None, str]:
        """(size, root, first record that does not fit, what is wrong with it)."""
        growing, expected = CompactRange(), _heads(connection, given, self._public)
        for row in connection.execute(text("SELECT * FROM records ORDER BY position")).mappings():
            position = int(row["position"])
            if position != growing.size:
                return growing.size, growing.root().hex(), growing.size, f"Record {growing.size} is missing."
            leaf = leaf_of(dict(row))
            if leaf != bytes(row["leaf"]):
                return growing.size, growing.root().hex(), position, f"Record {position} was changed."
            growing.append(leaf)
            if growing.size in expected and expected[growing.size] != growing.root().hex():
                return growing.size, growing.root().hex(), position, f"Record {position} or one before it was replaced."
        longest = max(expected, default=0)
        if longest > growing.size:
            detail = f"Records from {growing.size} on were cut off: {longest} were signed."
            return growing.size, growing.root().hex(), growing.size, detail
        return growing.size, growing.root().hex(), None, ""

    def _at(self, connection: Connection) -> CompactRange:
        """The tree as the transaction sees it; read anew when a former commit failed."""
        count = connection.exec_driver_sql("SELECT coalesce(max(position) + 1, 0) FROM records").scalar_one()
        if count != self._range.size:
            self._range = CompactRange()
            for leaf in _leaves(connection):
                self._range.append(leaf)
        return self._range

    def _size_and_root(self, connection: Connection) -> tuple[int, bytes]:
        count = connection.exec_driver_sql("SELECT coalesce(max(position) + 1, 0) FROM records").scalar_one()
        size, root = self._range.size, self._range.root()
        if size == count:
            return size, root
        growing = CompactRange()
        for leaf in _leaves(connection):
            growing.append(leaf)
        return growing.size, growing.root()

    def _read_kept(self) -> TreeHead | None:
        try:
            return checkpoint.read(self._kept_head.read_text(), self._public)
        except FileNotFoundError:
            return None
        except (OSError, OaError):
            self.broken = "The kept tree head is not signed by this ledger."
            return None

    def _write_kept(self, head: TreeHead) -> None:
        fresh = self._kept_head.with_suffix(".new")
        fresh.write_text(head.checkpoint)
        os.replace(fresh, self._kept_head)


def _leaves(connection: Connection) -> Iterator[bytes]:
    for row in connection.exec_driver_sql("SELECT leaf FROM records ORDER BY position"):
        yield bytes(row[0])


def _heads(connection: Connection, given: list[TreeHead], public: bytes) -> dict[int, str]:
    """Roots by size, of every head whose signature holds."""
    stored = [str(row[0]) for row in connection.exec_driver_sql("SELECT checkpoint FROM heads")]
    found: dict[int, str] = {}
    for note in [*stored, *(each.checkpoint for each in given)]:
        try:
            head = checkpoint.read(note, public)
        except OaError:
            continue
        found[head.size] = head.root
    return found


def _keep_head(connection: Connection, head: TreeHead | None) -> None:
    assert head is not None, "signed just before"
    connection.execute(
        text("INSERT OR REPLACE INTO heads (size, root, time, checkpoint) VALUES (:size, :root, :time, :checkpoint)"),
        {**head.model_dump(include={"size", "root", "checkpoint"}), "time": head.time.isoformat()},
    )
    connection.exec_driver_sql("DELETE FROM heads WHERE size NOT IN (SELECT size FROM heads ORDER BY size DESC LIMIT 1000)")
