"""What the house tells a person about himself: what an owner did to his account, or anybody to how he signs in.

It stays until he saw it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import NotFound
from openassistant.messages import Id, Wire
from openassistant.store import Store

__all__ = ["HouseWord", "HouseWords", "WordKind", "put"]

WordKind = Literal[
    "reset_offered", "reset_used", "leaving", "role_changed", "resumed", "lent",
    "codes_on", "codes_off", "recovery_used", "passkey_added", "passkey_removed", "passkey_doubtful",
]  # fmt: skip


class HouseWord(Wire):
    """One of them; `by` is a name, of who did it or of the passkey that it is about, `about` the id of a link."""

    id: Id
    user: Id
    kind: WordKind
    by: str
    about: Id | None
    at: datetime
    ends: datetime | None


class HouseWords:
    """The table `house_words`: of each kind the newest for a person."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def say(
        self, user: str, kind: WordKind, *, by: str, about: str | None = None, ends: datetime | None = None
    ) -> None:
        """Tells a person."""
        row = self.row(user, kind, by=by, about=about, ends=ends)
        await self._store.write(lambda connection: put(connection, row))

    def row(
        self, user: str, kind: WordKind, *, by: str, about: str | None = None, ends: datetime | None = None
    ) -> dict[str, Any]:
        """What `put` stores, where it belongs to a larger transaction."""
        return {
            "id": new_id(), "user": user, "kind": kind, "by": by, "about": about, "at": self._clock().isoformat(),
            "ends": ends.isoformat() if ends else None,
        }  # fmt: skip

    async def of(self, user: str) -> list[HouseWord]:
        """What a person has not waved away, newest first."""
        query = text("SELECT * FROM house_words WHERE user = :user ORDER BY id DESC")
        return await self._store.read(lambda c: [_word(row) for row in c.execute(query, {"user": user})])

    async def one(self, user: str, word: str) -> HouseWord:
        """One of a person's; raises `NotFound`."""
        found = next((each for each in await self.of(user) if each.id == word), None)
        if found is None:
            raise NotFound("There is nothing of the kind any more.")
        return found

    async def drop(self, user: str, kind: WordKind) -> None:
        """It holds no longer."""
        row = {"user": user, "kind": kind}
        query = text("DELETE FROM house_words WHERE user = :user AND kind = :kind")
        await self._store.write(lambda connection: connection.execute(query, row).close())


def put(connection: Connection, row: dict[str, Any]) -> None:
    """Stores a word in place of the one of its kind."""
    connection.execute(text("DELETE FROM house_words WHERE user = :user AND kind = :kind"), row)
    connection.execute(
        text(
            "INSERT INTO house_words (id, user, kind, by, about, at, ends)"
            " VALUES (:id, :user, :kind, :by, :about, :at, :ends)"
        ),
        row,
    )


def _word(row: Any) -> HouseWord:
    ends = datetime.fromisoformat(row.ends) if row.ends else None
    at = datetime.fromisoformat(row.at)
    return HouseWord(id=row.id, user=row.user, kind=row.kind, by=row.by, about=row.about, at=at, ends=ends)
