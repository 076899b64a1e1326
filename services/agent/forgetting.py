"""Which conversations fit the scope of an order to forget, and that they go: plain functions over a user's own file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from openassistant.data import Part
from openassistant.grants import Scope
from openassistant.store import Store
from services.agent import versions

__all__ = ["CONVERSATIONS", "Chosen", "chosen", "counted", "remove"]

CONVERSATIONS, TURNS = "conversations", "turns"

_WHOLE = """
SELECT id AS conversation, NULL AS turn, updated AS time FROM conversations
WHERE id = :conversation OR (:conversation IS NULL AND NOT pinned AND (:until IS NULL OR updated < :until))
ORDER BY updated DESC, id DESC LIMIT -1 OFFSET :beyond
"""
_PERIOD = """
SELECT conversation, turn, min(created) AS time FROM (
    SELECT conversation, id AS turn, created FROM turns UNION ALL SELECT conversation, turn, created FROM messages
) WHERE created >= :since AND (:until IS NULL OR created < :until)
    AND (:conversation IS NULL OR conversation = :conversation)
GROUP BY conversation, turn
UNION ALL
SELECT id, NULL, created FROM conversations
WHERE created >= :since AND (:until IS NULL OR created < :until) AND (:conversation IS NULL OR id = :conversation)
    AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.conversation = conversations.id)
"""


_UNTITLED = """
UPDATE conversations SET title = '', titled = NULL WHERE id = :conversation AND CASE
    WHEN titled IS NOT NULL THEN titled >= :since AND (:until IS NULL OR titled < :until)
    ELSE created >= :since
        OR :turn IN (SELECT turn FROM messages WHERE conversation = :conversation AND parent IS NULL)
END
"""
_WITHOUT = ("DELETE FROM conversations WHERE id = :conversation",)
_WITHOUT_TURN = (
    "DELETE FROM calls WHERE turn = :turn",
    "DELETE FROM messages WHERE turn = :turn",
    "DELETE FROM given_files WHERE turn = :turn",
    "DELETE FROM turns WHERE id = :turn",
    "DELETE FROM placeholders WHERE conversation = :conversation",
    (
        "DELETE FROM conversations WHERE id = :conversation"
        " AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.conversation = conversations.id)"
    ),
)


class Chosen(NamedTuple):
    """A conversation that goes as a whole, or one turn of it."""

    conversation: str
    turn: str | None
    time: datetime


async def chosen(store: Store, scope: Scope, *, live: Collection[str]) -> list[Chosen]:
    """What fits a scope: with `since` single turns of that period, else whole conversations by their last change.

    `live` are conversations with turns that have not ended; only who names the conversation or the period means them,
    and those that are pinned.
    """
    row = {
        "conversation": scope.conversation, "since": _iso(scope.since), "until": _iso(scope.until),
        "beyond": scope.beyond or 0,
    }  # fmt: skip
    query = text(_WHOLE if scope.since is None else _PERIOD)

    def read(connection: Connection) -> list[Any]:
        return list(connection.execute(query, row))

    found = [Chosen(each.conversation, each.turn, datetime.fromisoformat(each.time)) for each in await store.read(read)]
    named = scope.conversation is not None or scope.since is not None
    return [each for each in found if named or each.conversation not in live]


async def remove(store: Store, gone: Sequence[Chosen], scope: Scope) -> None:
    """Removes them in one transaction; a conversation that lost all that was said goes, too.

    The title of one that lost its beginning goes with that: it was made of its first words. One that its owner gave
    goes where he gave it in the period.
    """
    span = {"since": _iso(scope.since), "until": _iso(scope.until)}
    rows = [{"conversation": each.conversation, "turn": each.turn, **span} for each in gone]

    def write(connection: Connection) -> None:
        for row in rows:
            if row["turn"] is not None:
                connection.execute(text(_UNTITLED), row)
        for each, row in zip(gone, rows, strict=True):
            if each.turn is not None:
                versions.without_turn(connection, each.conversation, each.turn)
            for statement in _WITHOUT if each.turn is None else _WITHOUT_TURN:
                connection.execute(text(statement), row)
        for conversation in {each.conversation for each in gone if each.turn is not None}:
            versions.settle(connection, conversation)

    await store.write(write)


def counted(gone: Sequence[Chosen]) -> tuple[Part, ...]:
    """How many conversations and how many single turns there are, and from when."""
    whole = Part.of(CONVERSATIONS, [each.time for each in gone if each.turn is None])
    turns = Part.of(TURNS, [each.time for each in gone if each.turn is not None])
    return tuple(each for each in (whole, turns) if each.count)


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
