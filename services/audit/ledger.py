"""The ledger: append-only, hash-chained, fail-closed. Plain writing and checking; who may record is in `witness.py`."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.data import Part
from openassistant.errors import Conflict, Internal, NotFound
from openassistant.grants import SigningKey
from openassistant.messages import Consistency, Proof, TreeHead, Verification
from openassistant.store import Store
from services.audit import checkpoint, verification
from services.audit.outside import Outside
from services.audit.records import COLUMNS, SETTLED, leaf_of
from services.audit.tree import CompactRange, consistency_proof, inclusion_proof

__all__ = ["Ledger"]

_NAMES = (*COLUMNS, "leaf")
_INSERT = (
    f"INSERT INTO records ({', '.join(_NAMES)})"  # noqa: S608 - names from the code
    f" VALUES ({', '.join('?' for _ in _NAMES)})"
)
_KNOWN = f"SELECT {', '.join(_NAMES)} FROM records WHERE id = ? AND action = ?"  # noqa: S608 - names from the code
_COUNT = "SELECT coalesce(max(position) + 1, 0) FROM records"
_KEPT_HEADS = 1000

_log = logging.getLogger("openassistant.audit")


class Ledger:
    """One open ledger. `kept_head` is the file beside the data where the newest signed head is kept as well.

    `outside` is where heads are kept that whoever has the data cannot reach.
    """

    def __init__(
        self, store: Store, key: SigningKey, clock: Clock, *, kept_head: Path, outside: Outside | None = None
    ) -> None:
        self._store, self._clock, self._kept_head, self._outside = store, clock, kept_head, outside
        self._private, self._public = key.raw_private(), key.raw_public()
        self._range = CompactRange()
        """The tree as the writing thread alone sees and grows it; a failed commit leaves it too large."""
        self._committed = CompactRange()
        """The tree before the newest transaction, to go back to when its commit fails."""
        self._transaction: Connection | None = None
        self._promised = 0
        """How many records somebody has a receipt for."""
        self._head: TreeHead | None = None
        self._signing = asyncio.Lock()
        self.broken: str | None = None

    async def open(self) -> None:
        """Reads the tree and holds it against the kept heads; a ledger that does not fit records nothing more."""
        kept = await self._kept_notes()
        found = await self._store.read(lambda connection: verification.first_misfit(connection, kept, self._public))
        self._range = await self._store.read(_tree)
        self._committed, self._promised = self._range.copy(), self._range.size
        self.broken = found
        if self.broken:
            _log.error("ledger does not fit its signed head", extra={"detail": self.broken})

    async def entries_of(self, user: str) -> Part:
        """How many records are of a user, and from when."""
        query = text(
            'SELECT count(*) AS many, min(time) AS oldest, max(time) AS newest FROM records WHERE "user" = :user'
        )
        found = await self._store.read(lambda connection: connection.execute(query, {"user": user}).one())
        return Part(kind="records", count=found.many, oldest=found.oldest, newest=found.newest)

    async def append(
        self,
        row: dict[str, Any],
        *,
        admit: Callable[[Connection], None] | None = None,
        beside: Callable[[Connection, dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """The whole row of a record after its commit; the same id and action again gives the first one's.

        `row` has every column but position, time and leaf; `admit` may still refuse inside the transaction, and
        `beside` writes there what is looked up by. Records that come at once share a commit. Raises `Conflict` when the
        id stands for something else, `Internal` when the ledger is broken, and what the store raises: then there is no
        record.
        """

        def write(connection: Connection) -> dict[str, Any]:
            growing = self._at(connection)
            known = connection.exec_driver_sql(_KNOWN, (row["id"], row["action"])).one_or_none()
            if known is not None:
                return _same(dict(zip(_NAMES, known, strict=True)), row)
            if admit is not None:
                admit(connection)
            whole = {**row, "position": growing.size, "time": self._clock().isoformat()}
            whole["leaf"] = leaf_of(whole)
            connection.exec_driver_sql(_INSERT, tuple(whole[name] for name in _NAMES))
            growing.append(whole["leaf"])
            if beside is not None:
                beside(connection, whole)
            return whole

        whole = await self._store.write(write)
        self._promised = max(self._promised, whole["position"] + 1)
        return whole

    async def head(self, *, last: bool = False) -> TreeHead:
        """The newest signed head, signed now when records were added since; raises `Internal` when broken.

        `last`: the process ends, so that this head is kept outside, too, whatever the time.
        """
        async with self._signing:
            size, root = await self._store.write(self._size_and_root)
            if self._head is None or self._head.size != size:
                head = checkpoint.sign(size, root, self._clock(), self._private)
                await self._store.write(lambda connection: _keep_head(connection, head))
                await asyncio.to_thread(self._write_kept, head)
                self._head = head
            if self._outside:
                await asyncio.to_thread(functools.partial(self._outside.keep, self._head, last=last))
            return self._head

    async def rows(self, rest: str, values: dict[str, Any], *, columns: str = "*") -> list[dict[str, Any]]:
        """Rows as dictionaries; `columns` and `rest` (what follows `FROM records`) come from the code."""
        query = text(f"SELECT {columns} FROM records {rest}")  # noqa: S608 - from the code

        def read(connection: Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(query, values).mappings()]

        return await self._store.read(read)

    async def proof(self, index: int) -> Proof:
        """That a record is in the tree of the newest head; raises `NotFound`."""
        head = await self.head()
        if not 0 <= index < head.size:
            raise NotFound("There is no record with that number.")
        leaves = (await self._store.read(verification.leaves))[: head.size]
        path = await asyncio.to_thread(inclusion_proof, leaves, index)
        return Proof(index=index, leaf=leaves[index].hex(), path=tuple(each.hex() for each in path), head=head)

    async def consistency(self, first: int) -> Consistency:
        """That the tree of the first `first` records is a prefix of the newest head's; raises `NotFound`."""
        head = await self.head()
        if first > head.size:
            raise NotFound(f"The ledger has {head.size} records, not {first}.")
        leaves = (await self._store.read(verification.leaves))[: head.size]
        path = await asyncio.to_thread(consistency_proof, leaves, first)
        return Consistency(first=first, path=tuple(each.hex() for each in path), head=head)

    async def hold_against(self, notes: Sequence[str]) -> None:
        """Holds the stored tree against signed heads that another room kept; a ledger that does not fit is broken.

        Quick: it does not recompute the records.
        """
        ours = [note for note in notes if checkpoint.is_signed(note, self._public)]
        found = await self._store.read(lambda connection: verification.first_misfit(connection, ours, self._public))
        if found and self.broken is None:
            self.broken = found
            _log.error("ledger does not fit a head that was seen", extra={"detail": found})

    async def verify(self, elsewhere: Sequence[str] = ()) -> Verification:
        """Recomputes every record and holds the tree against every signed head, those kept elsewhere included."""
        started = time.monotonic()
        if self.broken is None:
            await self._try_head()
        notes = [*await self._kept_notes(), *elsewhere]
        promised = self._promised
        found = await self._store.read(
            lambda connection: verification.recompute(connection, notes, self._public, promised=promised)
        )
        detail = found.detail or self.broken or ""
        return Verification(
            ok=not detail,
            size=found.size,
            root=found.root,
            index=found.index,
            detail=detail,
            seconds=time.monotonic() - started,
        )

    async def _try_head(self) -> None:
        """A head over everything there is; a ledger that turns out to be broken says so in `broken`."""
        try:
            await self.head()
        except Internal:
            _log.error("no head could be signed", extra={"detail": self.broken})

    def _at(self, connection: Connection) -> CompactRange:
        """The tree as the transaction sees it; raises `Internal` when another hand was in the file."""
        if self.broken:
            raise Internal("The ledger was changed from outside, so nothing is recorded and nothing runs.")
        if connection is not self._transaction:
            self._settle(connection.exec_driver_sql(_COUNT).scalar_one())
            self._transaction = connection
        return self._range

    def _settle(self, count: int) -> None:
        """Holds the number of records at the start of a transaction against the last one: committed, or failed."""
        if count == self._range.size:
            self._committed = self._range.copy()
        elif self._promised <= count == self._committed.size:
            self._range = self._committed.copy()
        else:
            written = max(self._promised, self._committed.size)
            self.broken = f"The records end at {count - 1}, but {written} were written."
            raise Internal("The ledger was changed from outside, so nothing is recorded and nothing runs.")

    def _size_and_root(self, connection: Connection) -> tuple[int, bytes]:
        growing = self._at(connection)
        return growing.size, growing.root()

    async def _kept_notes(self) -> list[str]:
        return await asyncio.to_thread(self._read_kept)

    def _read_kept(self) -> list[str]:
        try:
            return [self._kept_head.read_text(), *self._kept_outside()]
        except FileNotFoundError:
            return self._kept_outside()
        except (OSError, UnicodeDecodeError):
            return [""]

    def _kept_outside(self) -> list[str]:
        return self._outside.notes() if self._outside else []

    def _write_kept(self, head: TreeHead) -> None:
        fresh = self._kept_head.with_suffix(".new")
        with fresh.open("w") as file:
            file.write(head.checkpoint)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._kept_head)


def _same(known: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The record that stands, when it says what is now said again; raises `Conflict`."""
    if any(known[name] != row[name] for name in SETTLED):
        raise Conflict("This id was recorded for something else.")
    return known


def _tree(connection: Connection) -> CompactRange:
    growing = CompactRange()
    for leaf in verification.leaves(connection):
        growing.append(leaf)
    return growing


def _keep_head(connection: Connection, head: TreeHead) -> None:
    connection.execute(
        text("INSERT OR REPLACE INTO heads (size, root, time, checkpoint) VALUES (:size, :root, :time, :checkpoint)"),
        {**head.model_dump(include={"size", "root", "checkpoint"}), "time": head.time.isoformat()},
    )
    connection.exec_driver_sql(
        "DELETE FROM heads WHERE size NOT IN (SELECT size FROM heads ORDER BY size DESC LIMIT ?)", (_KEPT_HEADS,)
    )
