"""What this room itself holds of a person, by kind, and that parts of it go: memories, questions, schedules, rules.

Turns and the names of conversations that clients know go with their conversations: those are the agent's, and what it
has no longer is looked for here afterwards.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.data import Part
from openassistant.grants import Scope
from openassistant.store import Store
from services.gateway.files import OwnFiles

__all__ = ["CONVERSATIONS", "MEMORIES", "PROPOSALS", "QUESTIONS", "OwnParts"]

CONVERSATIONS, MEMORIES, QUESTIONS, PROPOSALS = "conversations", "memories", "questions", "proposals"


@dataclass(frozen=True)
class _Kind:
    """A table of a person's own file; `at` is its time, `stays` what age and number alone do not take."""

    name: str
    table: str
    at: str
    by_conversation: bool = False
    stays: str = ""


_KINDS = (
    _Kind(MEMORIES, "memories", "changed", by_conversation=True, stays="pinned = 0"),
    _Kind(PROPOSALS, "schedule_proposals", "created", by_conversation=True),
    _Kind("schedules", "schedules", "created"),
    _Kind("rules", "rules", "created"),
)
_OF_SCHEDULE = (
    "DELETE FROM runs WHERE schedule = :id",
    "DELETE FROM due WHERE schedule = :id",
    "UPDATE turns SET ended = :now WHERE schedule = :id AND ended IS NULL",
)
_OF_CONVERSATION = (
    "DELETE FROM told WHERE question IN (SELECT id FROM approvals WHERE user = :user AND conversation = :conversation)",
    "DELETE FROM approvals WHERE user = :user AND conversation = :conversation",
    "DELETE FROM turns WHERE user = :user AND conversation = :conversation",
    "DELETE FROM completions WHERE user = :user AND conversation = :conversation",
    "DELETE FROM threads WHERE user = :user AND conversation = :conversation",
)
_KNOWN = (
    "SELECT conversation FROM turns WHERE user = :user UNION SELECT conversation FROM approvals WHERE user = :user"
    " UNION SELECT conversation FROM completions WHERE user = :user"
)


class OwnParts:
    """Counts and forgets. `conversations` asks the agent for the ids that a user has."""

    def __init__(
        self, bus: Bus, store: Store, own: OwnFiles, conversations: Callable[[str], Awaitable[Collection[str]]],
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._bus, self._store, self._own, self._conversations, self._clock = bus, store, own, conversations, clock

    async def held(self, user: str) -> tuple[Part, ...]:
        """How much there is of each kind."""
        return await self.forget(user, Scope(kinds=(*(each.name for each in _KINDS), QUESTIONS)), dry=True)

    async def forget(self, user: str, scope: Scope, *, dry: bool) -> tuple[Part, ...]:
        """Removes what fits the scope; what went of each kind, or with `dry` would go."""
        parts = [await self._kind(user, each, scope, dry=dry) for each in _KINDS if _is_meant(each, scope)]
        if not scope.kinds or QUESTIONS in scope.kinds:
            parts.append(await self._questions(user, scope, dry=dry))
        if not dry:
            if not scope.kinds or CONVERSATIONS in scope.kinds:
                await self._of_conversations(user, scope)
            async with self._own.use(user) as store:
                await store.tidy()
            await self._store.tidy()
        return tuple(each for each in parts if each.count)

    async def _kind(self, user: str, kind: _Kind, scope: Scope, *, dry: bool) -> Part:
        where = _where(scope, at=kind.at, by_conversation=kind.by_conversation)
        if kind.stays and scope.since is None and scope.conversation is None and _is_limited(scope):
            where += f" AND {kind.stays}"
        found = text(
            f"SELECT id, {kind.at} AS at FROM {kind.table} WHERE {where}"  # noqa: S608 - names from this file
            f" ORDER BY {kind.at} DESC, id DESC LIMIT -1 OFFSET :beyond"
        )
        async with self._own.use(user) as store:
            rows = await store.read(lambda connection: list(connection.execute(found, _values(scope))))
            if not dry and rows:
                gone = [{"id": row.id, "now": self._clock().isoformat()} for row in rows]
                query = text(f"DELETE FROM {kind.table} WHERE id = :id")  # noqa: S608 - a name from this file
                if kind.name == "schedules":
                    await self._do(gone, _OF_SCHEDULE)
                await store.write(lambda connection: connection.execute(query, gone).close())
        return Part.of(kind.name, [datetime.fromisoformat(row.at) for row in rows])

    async def _questions(self, user: str, scope: Scope, *, dry: bool) -> Part:
        """What the person was asked. By age and number alone, only what is decided and carried out."""
        where = f"user = :user AND {_where(scope, at='created', by_conversation=True)}"
        if scope.since is None and scope.conversation is None and _is_limited(scope):
            where += " AND state <> 'pending' AND delivered = 1"
        found = text(
            f"SELECT id, created AS at FROM approvals WHERE {where}"  # noqa: S608 - conditions from this file
            " ORDER BY created DESC, id DESC LIMIT -1 OFFSET :beyond"
        )
        values = {**_values(scope), "user": user}
        rows = await self._store.read(lambda connection: list(connection.execute(found, values)))
        if not dry and rows:
            gone = [{"id": row.id} for row in rows]
            async with self._own.use(user) as store:
                query = text("DELETE FROM questions WHERE id = :id")
                await store.write(lambda connection: connection.execute(query, gone).close())
            await self._do(gone, ("DELETE FROM told WHERE question = :id", "DELETE FROM approvals WHERE id = :id"))
        return Part.of(QUESTIONS, [datetime.fromisoformat(row.at) for row in rows])

    async def _of_conversations(self, user: str, scope: Scope) -> None:
        """Removes what belongs to conversations that are gone, and what they said on the bus."""
        known = await self._known(user)
        there = set(await self._conversations(user))
        gone = known - there
        if scope.conversation is not None:
            gone = {scope.conversation} - there
        if scope.since is not None:
            await self._bus.forget_events(subjects.chat(user, "*"))
            query = text(
                f"DELETE FROM turns WHERE user = :user AND ended IS NOT NULL AND {_where(scope, at='started')}"  # noqa: S608
            )
            values = {**_values(scope), "user": user}
            await self._store.write(lambda connection: connection.execute(query, values).close())
        if not gone:
            return
        for conversation in gone:
            await self._bus.forget_events(subjects.chat(user, conversation))
        rows = [{"user": user, "conversation": each} for each in sorted(gone)]
        asked = text("SELECT id FROM approvals WHERE user = :user AND conversation = :conversation")
        ids = await self._store.read(
            lambda connection: [{"id": each} for row in rows for each in connection.execute(asked, row).scalars()]
        )
        if ids:
            query = text("DELETE FROM questions WHERE id = :id")
            async with self._own.use(user) as store:
                await store.write(lambda connection: connection.execute(query, ids).close())
        query = text("DELETE FROM given_files WHERE conversation = :conversation")
        async with self._own.use(user) as store:
            await store.write(lambda connection: connection.execute(query, rows).close())
        await self._do(rows, _OF_CONVERSATION)

    async def _known(self, user: str) -> set[str]:
        """Conversations that this room has something of: asked before the agent is, so that none is new to it."""
        query = text(_KNOWN)
        return await self._store.read(lambda connection: set(connection.execute(query, {"user": user}).scalars()))

    async def _do(self, rows: list[dict[str, Any]], statements: tuple[str, ...]) -> None:
        def write(connection: Connection) -> None:
            for statement in statements:
                connection.execute(text(statement), rows)

        await self._store.write(write)


def _is_meant(kind: _Kind, scope: Scope) -> bool:
    if scope.account is not None or (scope.conversation is not None and not kind.by_conversation):
        return False
    return not scope.kinds or kind.name in scope.kinds


def _is_limited(scope: Scope) -> bool:
    return scope.until is not None or scope.beyond is not None


def _where(scope: Scope, *, at: str, by_conversation: bool = False) -> str:
    conditions = ["1"]
    conditions += [f"{at} >= :since"] if scope.since is not None else []
    conditions += [f"{at} < :until"] if scope.until is not None else []
    conditions += ["conversation = :conversation"] if scope.conversation is not None and by_conversation else []
    return " AND ".join(conditions)


def _values(scope: Scope) -> dict[str, Any]:
    return {
        "since": _iso(scope.since), "until": _iso(scope.until), "conversation": scope.conversation,
        "beyond": scope.beyond or 0,
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
