"""The full check of a ledger: every record recomputed, every signed head held against the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from openassistant.errors import OaError
from services.audit import checkpoint
from services.audit.emptying import is_vouched
from services.audit.records import COLUMNS, leaf_of
from services.audit.tree import CompactRange

__all__ = ["Finding", "first_misfit", "leaves", "recompute"]


_NAMES = (*COLUMNS, "leaf", "emptied")
_ALL = f"SELECT {', '.join(_NAMES)} FROM records ORDER BY position"  # noqa: S608 - names from the code


@dataclass(frozen=True)
class Finding:
    """The tree as it was found; `index` is the first record that does not fit, `detail` says in words what is wrong."""

    size: int
    root: str
    index: int | None = None
    detail: str = ""


def leaves(connection: Connection) -> list[bytes]:
    """The stored leaf hashes in order."""
    found = connection.exec_driver_sql("SELECT leaf FROM records ORDER BY position")
    return [_bytes(row[0]) for row in found]


def first_misfit(connection: Connection, notes: Sequence[str], public: bytes) -> str | None:
    """What is wrong between stored leaf hashes and signed heads (`notes` and the stored ones), or None.

    The quick check at every start: it does not recompute the hashes.
    """
    heads, times, wrong = _heads(connection, notes, public)
    growing, vouched = CompactRange(), 0
    for leaf in leaves(connection):
        growing.append(leaf)
        if growing.size in heads:
            if heads[growing.size] != {growing.root().hex()}:
                return _replaced(vouched, growing.size)
            vouched = growing.size
    return wrong or _cut(growing.size, max(heads, default=0), times) or None


def recompute(connection: Connection, notes: Sequence[str], public: bytes, *, promised: int = 0) -> Finding:
    """The whole check in one read transaction; `promised` records were acknowledged by this process."""
    if damaged := _damaged(connection):
        return Finding(0, "", None, damaged)
    heads, times, wrong = _heads(connection, notes, public)
    growing, vouched = CompactRange(), 0
    for values in connection.exec_driver_sql(_ALL):
        row, place = dict(zip(_NAMES, values, strict=True)), growing.size
        if detail := _misfit(row, place, public):
            return Finding(place, growing.root().hex(), place, detail)
        growing.append(row["leaf"])
        if growing.size in heads:
            if heads[growing.size] != {growing.root().hex()}:
                return Finding(growing.size, growing.root().hex(), vouched, _replaced(vouched, growing.size))
            vouched = growing.size
    size, root = growing.size, growing.root().hex()
    if detail := _cut(size, max(promised, *heads, 0), times):
        return Finding(size, root, size, detail)
    return Finding(size, root, None, wrong)


def _damaged(connection: Connection) -> str:
    """What is wrong with the file itself: each of its pages carries a code that only the key's holder can make."""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA cipher_integrity_check")]
    pages = [each.rpartition(" ")[2] for each in found if each.rpartition(" ")[2].isdigit()]
    if not found:
        return ""
    where = f"Page {pages[0]} of the ledger's file was" if pages else "The ledger's file was"
    return f"{where} damaged or changed from outside. Restore it from a backup."


def _misfit(row: dict[str, Any], place: int, public: bytes) -> str:
    """What is wrong with the record at a place, in itself; one that was emptied stands by the witness's word."""
    if row["position"] > place:
        return f"Record {place} is missing."
    if row["position"] < place:
        return f"Record {row['position']} stands where none can."
    if row["emptied"] is not None:
        return "" if is_vouched(row, public) else f"Record {place} was emptied by somebody else, or changed."
    try:
        fits = leaf_of(row) == row["leaf"]
    except (TypeError, ValueError):
        fits = False
    return "" if fits else f"Record {place} was changed."


def _replaced(vouched: int, size: int) -> str:
    if vouched == size - 1:
        return f"Record {vouched} was replaced."
    return f"A record from {vouched} to {size - 1} was replaced, added or moved."


def _cut(size: int, signed: int, times: Mapping[int, datetime]) -> str:
    if signed <= size:
        return ""
    seen = f", as a head says that was signed on {times[signed]:%Y-%m-%d at %H:%M} UTC" if signed in times else ""
    return f"Records from {size} on were cut off: there were {signed}{seen}."


def _heads(
    connection: Connection, notes: Sequence[str], public: bytes
) -> tuple[dict[int, set[str]], dict[int, datetime], str]:
    """Roots and times by size, of every head whose signature holds; and what is wrong when one does not."""
    stored = [row[0] for row in connection.exec_driver_sql("SELECT checkpoint FROM heads ORDER BY size")]
    found: dict[int, set[str]] = {}
    times: dict[int, datetime] = {}
    wrong = ""
    for note in (*stored, *notes):
        try:
            head = checkpoint.read(str(note), public)
        except OaError:
            wrong = "A kept tree head was not signed by this ledger."
        else:
            found.setdefault(head.size, set()).add(head.root)
            times[head.size] = head.time
    return found, times, wrong


def _bytes(value: Any) -> bytes:
    """A stored hash; what is not one was changed, and as nothing it fits no head."""
    return value if isinstance(value, bytes) else b""
