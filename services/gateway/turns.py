"""Which turns live. A turn's grant is renewed while it does, and nothing is approved in one that has ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.store import Store
from services.gateway.policy import Asks
from services.gateway.restored import restored, words

__all__ = ["Turns"]

_ASKS: tuple[Asks | None, ...] = (None, "doubt", "version")


class Turns:
    """The turns in the room's store: ids alone. `longest`: how long one goes on after its owner last had a say."""

    def __init__(self, store: Store, clock: Clock, *, longest: timedelta = timedelta(hours=25)) -> None:
        self._store, self._clock, self._longest = store, clock, longest

    async def begin(
        self,
        turn: str,
        user: str,
        conversation: str,
        *,
        schedule: str | None = None,
        tainted: bool = False,
        asks: Asks | None = None,
    ) -> None:
        """Stores a new turn, perhaps the run of a schedule; once.

        `tainted`: what it begins with was written by others, or after reading what they wrote. With `asks` whatever
        acts in it is asked about, also what a rule would let run.
        """
        row = {
            "id": turn, "user": user, "conversation": conversation, "now": self._clock().isoformat(),
            "schedule": schedule, "tainted": int(tainted), "asks": _ASKS.index(asks),
        }  # fmt: skip
        await self._do(
            "INSERT INTO turns (id, user, conversation, started, schedule, tainted, asks)"
            " VALUES (:id, :user, :conversation, :now, :schedule, :tainted, :asks) ON CONFLICT (id) DO NOTHING",
            row,
        )

    async def asks(self, turn: str) -> Asks | None:
        """Why whatever acts in a turn is asked about, where it is."""
        query = text("SELECT asks FROM turns WHERE id = :id")
        found = await self._store.read(lambda connection: connection.execute(query, {"id": turn}).scalar())
        return _ASKS[int(found or 0)]

    async def end(self, turn: str) -> None:
        """The turn is over; saying so twice changes nothing."""
        row = {"id": turn, "now": self._clock().isoformat()}
        await self._do("UPDATE turns SET ended = :now WHERE id = :id AND ended IS NULL", row)

    async def living(self, user: str) -> list[tuple[str, str]]:
        """The turns of a user that have not ended, each with its conversation."""
        query = text("SELECT id, conversation FROM turns WHERE user = :user AND ended IS NULL")
        return await self._store.read(
            lambda connection: [(row.id, row.conversation) for row in connection.execute(query, {"user": user})]
        )

    async def lives(self, turn: str, *, user: str) -> bool:
        """Whether this turn of this user has begun and not ended."""
        query = text("SELECT 1 FROM turns WHERE id = :id AND user = :user AND ended IS NULL")
        row = {"id": turn, "user": user}
        return await self._store.read(lambda connection: connection.execute(query, row).first() is not None)

    async def may_go_on(self, turn: str) -> bool:
        """Whether its owner began a turn, or decided something in it, lately enough.

        Only the agent says when a turn has ended. One that never does would read in its owner's name for ever.
        """
        query = text(
            "SELECT 1 FROM turns t WHERE t.id = :id AND (t.started > :oldest OR EXISTS (SELECT 1 FROM approvals a"
            " WHERE a.turn = t.id AND a.decided > :oldest AND (a.session IS NOT NULL OR a.token IS NOT NULL)))"
        )
        row = {"id": turn, "oldest": (self._clock() - self._longest).isoformat()}
        return await self._store.read(lambda connection: connection.execute(query, row).first() is not None)

    async def ended_by_restore(self, turn: str, *, user: str) -> str | None:
        """Why a turn ended, in words for its owner, where it lived in the copy that the house was restored from."""
        query = text("SELECT ended FROM turns WHERE id = :id AND user = :user")

        def read(connection: Connection) -> str | None:
            found = restored(connection)
            ended = connection.execute(query, {"id": turn, "user": user}).scalar()
            return found.words() if found and found.at and ended == found.at.isoformat() else None

        return await self._store.read(read)

    async def aside(self, turn: str, *, user: str) -> str | None:
        """Why a turn was put aside, in words for its owner: it is of before the house was restored. Else None."""
        query = text("SELECT started FROM turns WHERE id = :id AND user = :user")

        def read(connection: Connection) -> str | None:
            started = connection.execute(query, {"id": turn, "user": user}).scalar()
            return words(connection, datetime.fromisoformat(started)) if started else None

        return await self._store.read(read)

    async def schedule_of(self, turn: str) -> str | None:
        """The schedule whose run a turn is; None for one that a message began."""
        query = text("SELECT schedule FROM turns WHERE id = :id")
        found: str | None = await self._store.read(lambda connection: connection.execute(query, {"id": turn}).scalar())
        return found

    async def tainted(self, user: str, conversation: str) -> bool:
        """Whether a turn of a conversation began with words of others."""
        query = text("SELECT 1 FROM turns WHERE conversation = :conversation AND user = :user AND tainted = 1")
        row = {"user": user, "conversation": conversation}
        return await self._store.read(lambda connection: connection.execute(query, row).first() is not None)

    async def belongs_to_another(self, user: str, conversation: str) -> bool:
        """Whether turns of somebody else are in a conversation of this id."""
        query = text("SELECT 1 FROM turns WHERE conversation = :conversation AND user <> :user")
        row = {"user": user, "conversation": conversation}
        return await self._store.read(lambda connection: connection.execute(query, row).first() is not None)

    async def forget(self, user: str, conversation: str) -> None:
        """Removes a conversation's turns."""
        row = {"user": user, "conversation": conversation}
        await self._do("DELETE FROM turns WHERE user = :user AND conversation = :conversation", row)

    async def _do(self, statement: str, row: dict[str, Any]) -> None:
        def write(connection: Connection) -> None:
            connection.execute(text(statement), row)

        await self._store.write(write)
