"""Removing the contents of records, so that every proof still holds.

A record's leaf hash covers its ciphertext, so without that it cannot be worked out again. The leaf stays in the tree,
and the witness signs all the rest of the record together with it: that the plain columns are those that were written
can be checked as long as its key is known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, text

from openassistant.data import Part
from openassistant.grants import Scope
from openassistant.store import Store
from services.audit.records import COLUMNS, exported

__all__ = ["ARGUMENTS", "LEFT", "Emptying", "is_vouched", "vouch"]

ARGUMENTS, LEFT = "arguments", "left"
"""What can be forgotten here: contents of records, and where bytes went."""

_PREFIX = b"open-assistant/ledger/emptied\n"
_FLAT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_AT_ONCE = 500
_SLOT = 900
"""Seconds of a sum of what left (left.py)."""
_NAMES = (*COLUMNS, "leaf")
_CERTIFICATES = ("data.erasing", "data.erased", "data.expired", "data.kept", "room.gone", "user.erasing", "user.erased")
"""Say what was removed and hold nothing of it; they stay readable."""


def vouch(row: dict[str, Any], private: bytes) -> bytes:
    """The witness's signature (Ed25519, a 32-byte seed) over a record without its content, and its leaf hash."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(_message(row))


def is_vouched(row: dict[str, Any], public: bytes) -> bool:
    """Whether the witness signed a record as it stands here, without content."""
    if row["content"] is not None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(row["emptied"]), _message(row))
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


class Emptying:
    """What the ledger's file forgets of a user, by a scope. `private` is the witness's seed."""

    def __init__(self, store: Store, private: bytes) -> None:
        self._store, self._private = store, private

    async def forget(self, user: str, scope: Scope, *, dry: bool) -> tuple[Part, ...]:
        """Removes contents of records, and where their bytes went; what went of each, or with `dry` would go."""
        parts = list[Part]()
        if not scope.kinds or ARGUMENTS in scope.kinds:
            parts.append(await self._arguments(user, scope, dry=dry))
        if not scope.kinds or LEFT in scope.kinds:
            parts.append(await self._left(user, scope, dry=dry))
        if not dry and any(each.count for each in parts):
            await self._store.tidy()
        return tuple(each for each in parts if each.count)

    async def held(self, user: str) -> tuple[Part, ...]:
        """How many contents there are of a user, and how many places that bytes went to."""
        return await self.forget(user, Scope(), dry=True)

    async def _arguments(self, user: str, scope: Scope, *, dry: bool) -> Part:
        found, values = _fitting(scope)
        kept = ", ".join(f"'{each}'" for each in _CERTIFICATES)
        where = f'"user" = :user AND content IS NOT NULL AND action NOT IN ({kept}){found}'
        newest = " ORDER BY position DESC LIMIT -1 OFFSET :beyond" if scope.beyond is not None else ""
        query = text(f"SELECT position, time FROM records WHERE {where}{newest}")  # noqa: S608 - conditions from this file
        rows = await self._store.read(lambda c: [tuple(row) for row in c.execute(query, {**values, "user": user})])
        if not dry:
            for at in range(0, len(rows), _AT_ONCE):
                places = [place for place, _ in rows[at : at + _AT_ONCE]]
                await self._store.write(lambda c, places=places: self._empty(c, places))  # type: ignore[misc]  # bound now
        return Part.of(ARGUMENTS, [datetime.fromisoformat(time) for _, time in rows])

    def _empty(self, connection: Connection, places: Sequence[int]) -> None:
        columns = ", ".join(f'"{name}"' for name in _NAMES)
        for place in places:
            found = connection.exec_driver_sql(f"SELECT {columns} FROM records WHERE position = ?", (place,)).one()  # noqa: S608
            row = dict(zip(_NAMES, found, strict=True)) | {"content": None}
            connection.exec_driver_sql(
                "UPDATE records SET content = NULL, emptied = ? WHERE position = ?", (vouch(row, self._private), place)
            )

    async def _left(self, user: str, scope: Scope, *, dry: bool) -> Part:
        """Sums cannot be taken apart: of a conversation its places go, and the sums of its days stay."""
        if scope.beyond is not None:
            return Part.of(LEFT, [])
        moments = {name: moment and int(moment.timestamp()) for name, moment in _times(scope).items()}
        values = {"user": user, "account": scope.account, "conversation": scope.conversation, **moments}
        places = _only(
            scope, since="at >= :since", until="at < :until", conversation="conversation = :conversation",
            account="position IN (SELECT position FROM records WHERE account = :account)",
        )  # fmt: skip
        sums = _only(
            scope, since=f"slot >= :since / {_SLOT}", until=f"slot < (:until + {_SLOT - 1}) / {_SLOT}",
            account="account = :account",
        )  # fmt: skip

        def work(connection: Connection) -> list[int]:
            found = connection.execute(text(f'SELECT at FROM left_places WHERE "user" = :user{places}'), values)  # noqa: S608
            times = list(found.scalars())
            if not dry:
                connection.execute(text(f'DELETE FROM left_places WHERE "user" = :user{places}'), values)  # noqa: S608
                for table in () if scope.conversation else ("left_sums", "left_sources"):
                    connection.execute(text(f'DELETE FROM {table} WHERE "user" = :user{sums}'), values)  # noqa: S608
            return times

        times = await (self._store.read(work) if dry else self._store.write(work))
        return Part.of(LEFT, [datetime.fromtimestamp(each, UTC) for each in times])


def _message(row: dict[str, Any]) -> bytes:
    plain = {**exported({**row, "content": None}), "leaf": bytes(row["leaf"]).hex()}
    return _PREFIX + _FLAT.encode(plain).encode()


def _fitting(scope: Scope) -> tuple[str, dict[str, Any]]:
    """The condition of a scope on records, and its values."""
    times = {name: moment and moment.astimezone(UTC).isoformat() for name, moment in _times(scope).items()}
    found = _only(
        scope, since="time >= :since", until="time < :until", conversation="conversation = :conversation",
        account="account = :account",
    )  # fmt: skip
    return found, {**times, "account": scope.account, "conversation": scope.conversation, "beyond": scope.beyond}


def _only(scope: Scope, **conditions: str) -> str:
    """The conditions for what the scope names, each with AND before it."""
    return "".join(f" AND {each}" for name, each in conditions.items() if getattr(scope, name) is not None)


def _times(scope: Scope) -> dict[str, datetime | None]:
    return {"since": scope.since, "until": scope.until}
