"""Versions of a conversation: a tree of messages, in which of those that follow the same one, one is chosen.

What is shown is the way of the chosen ones from the beginning on. Each message remembers which of those behind it was
chosen last, so whoever comes back to a version finds it as he left it. Plain functions over a user's own file; those
that take a connection are part of the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, text

from openassistant.errors import Conflict, NotFound
from openassistant.store import Store

__all__ = [
    "UP",
    "apart",
    "begin",
    "broke_off",
    "is_aside",
    "join",
    "left_empty",
    "of",
    "place",
    "settle",
    "show",
    "tip",
    "without_turn",
]

UP = """
WITH RECURSIVE up (id, parent) AS (
    SELECT id, parent FROM messages WHERE id = :tip
    UNION SELECT messages.id, messages.parent FROM up JOIN messages ON messages.id = up.parent
)
"""
"""The way from the message `tip` back to the beginning, as a table of ids, newest first."""

_WAY = f"{UP} SELECT id, parent FROM up"  # noqa: S608 - of the code alone
_SHOW = """
WITH RECURSIVE way (id) AS (
    SELECT id FROM messages WHERE conversation = :conversation AND parent IS NULL AND chosen
    UNION SELECT messages.id FROM way
        JOIN messages ON messages.conversation = :conversation AND messages.parent = way.id AND messages.chosen
)
UPDATE messages SET shown = id IN (SELECT id FROM way)
WHERE conversation = :conversation AND shown <> (id IN (SELECT id FROM way))
"""
_CHOOSE_NEWEST = """
UPDATE messages SET chosen = TRUE WHERE seq IN (
    SELECT max(seq) FROM messages WHERE conversation = :conversation GROUP BY parent HAVING NOT max(chosen)
)
"""
_LEAF = "SELECT id FROM messages WHERE conversation = :conversation AND shown ORDER BY seq DESC LIMIT 1"
_NEWEST = "SELECT id FROM messages WHERE turn = :turn ORDER BY seq DESC LIMIT 1"
_FOLLOWS = "SELECT follows FROM turns WHERE id = :turn"
_SAID_LAST = """
SELECT id FROM messages WHERE conversation = :conversation AND shown AND role = 'user' ORDER BY seq DESC LIMIT 1
"""
_ONE = """
SELECT parent, role, EXISTS (
    SELECT 1 FROM turns WHERE turns.id = messages.turn AND instr(request, '"command":{')
) AS commanded FROM messages WHERE conversation = :conversation AND id = :message
"""
_LEAVE = "UPDATE messages SET chosen = FALSE WHERE conversation = :conversation AND parent IS :parent AND chosen"
_CHOOSE = "UPDATE messages SET chosen = TRUE WHERE conversation = :conversation AND id = :message"
_FORKS = """
SELECT id, fork FROM (
    SELECT id, seq, coalesce(parent, '') AS fork, count(*) OVER (PARTITION BY parent) AS many
    FROM messages WHERE conversation = :conversation
) WHERE many > 1 ORDER BY seq
"""
_APART = """
SELECT turn, id FROM (
    SELECT turn, id, shown, max(seq) FROM messages WHERE turn IN (SELECT value FROM json_each(:turns)) GROUP BY turn
) WHERE NOT shown
"""
_PAST = """
UPDATE messages SET parent = :parent, chosen = chosen AND :chosen WHERE conversation = :conversation AND parent = :id
"""
_PAST_TURNS = "UPDATE turns SET follows = :parent WHERE conversation = :conversation AND follows = :id"


async def place(store: Store, conversation: str, *, anew: str | None, retry: bool) -> str | None:
    """The message that a new turn follows; None where it begins the conversation.

    `anew` is a message of the owner: with `retry` it is answered once more (without it the last one is), else another
    takes its place. Raises `NotFound` where there is no such message, `Conflict` where it cannot be changed.
    """
    names = {"conversation": conversation, "message": anew}

    def read(connection: Connection) -> str | None:
        if anew is None:
            found = connection.execute(text(_SAID_LAST if retry else _LEAF), names).scalar()
            return None if found is None else str(found)
        one = connection.execute(text(_ONE), names).one_or_none()
        if one is None or one.role != "user":
            raise NotFound("There is no such message of yours in this conversation.")
        if one.commanded and not retry:
            raise Conflict("A command is not changed. Run it again with other words.")
        return anew if retry else one.parent

    return await store.read(read)


def begin(connection: Connection, conversation: str, follows: str | None, *, branches: bool) -> None:
    """Makes room behind `follows` for what a new turn says: nothing that stands there is shown from now on."""
    if branches:
        connection.execute(text(_LEAVE), {"conversation": conversation, "parent": follows})
        settle(connection, conversation, choose=False)


def join(connection: Connection, conversation: str, turn: str) -> dict[str, Any]:
    """Where the next message of a turn belongs, as columns of its row: behind its last one, or what the turn follows.

    There it is the chosen one from now on.
    """
    parent = tip(connection, conversation, turn)
    names = {"conversation": conversation, "parent": parent}
    connection.execute(text(_LEAVE), names)
    shown = connection.execute(text("SELECT shown FROM messages WHERE id = :parent"), names).scalar()
    return {"parent": parent, "shown": True if parent is None else bool(shown)}


def tip(connection: Connection, conversation: str, turn: str | None) -> str | None:
    """The last that was said on the way of a turn, or without one on the way that is shown; None at the beginning."""
    names = {"conversation": conversation, "turn": turn}
    newest = connection.execute(text(_NEWEST), names).scalar()
    if newest is not None:
        return str(newest)
    begun = connection.execute(text(_FOLLOWS), names).one_or_none()
    follows = begun.follows if begun else connection.execute(text(_LEAF), names).scalar()
    return None if follows is None else str(follows)


async def is_aside(store: Store, conversation: str, turn: str) -> bool:
    """Whether what a turn says is not on the way that is shown."""

    def read(connection: Connection) -> bool:
        names = {"tip": tip(connection, conversation, turn)}
        found = connection.execute(text("SELECT shown FROM messages WHERE id = :tip"), names).scalar()
        return found is not None and not found

    return await store.read(read)


def settle(connection: Connection, conversation: str, *, choose: bool = True) -> None:
    """Works out anew what is shown; with `choose` the newest is chosen wherever none is."""
    names = {"conversation": conversation}
    if choose:
        connection.execute(text(_CHOOSE_NEWEST), names)
    connection.execute(text(_SHOW), names)


def without_turn(connection: Connection, conversation: str, turn: str) -> None:
    """What follows the messages of a turn, which are about to go, follows what they followed."""
    query = "SELECT id, parent, chosen FROM messages WHERE conversation = :conversation AND turn = :turn"
    for row in list(
        connection.execute(text(f"{query} ORDER BY seq DESC"), {"conversation": conversation, "turn": turn})
    ):
        names = {"conversation": conversation, "id": row.id, "parent": row.parent, "chosen": row.chosen}
        connection.execute(text(_PAST), names)
        connection.execute(text(_PAST_TURNS), names)


def show(connection: Connection, conversation: str, message: str) -> None:
    """Chooses a message and all before it; what follows it is what was chosen there last. Raises `NotFound`."""
    names = {"conversation": conversation, "message": message}
    if connection.execute(text(_ONE), names).one_or_none() is None:
        raise NotFound("There is no such message in this conversation.")
    for row in list(connection.execute(text(_WAY), {"tip": message})):
        connection.execute(text(_LEAVE), {**names, "parent": row.parent})
        connection.execute(text(_CHOOSE), {**names, "message": row.id})
    settle(connection, conversation)


async def left_empty(store: Store, conversation: str, turn: str) -> bool:
    """Whether a turn ended without a word; then what stood in its place is shown again."""

    def write(connection: Connection) -> bool:
        if connection.execute(text(_NEWEST), {"turn": turn}).scalar() is not None:
            return False
        settle(connection, conversation)
        return True

    return await store.write(write)


async def broke_off(store: Store, turn: str) -> bool:
    """Whether the last that a turn said is an error already."""
    query = "SELECT error FROM messages WHERE turn = :turn ORDER BY seq DESC LIMIT 1"
    return await store.read(lambda connection: bool(connection.execute(text(query), {"turn": turn}).scalar()))


def of(connection: Connection, conversation: str) -> dict[str, tuple[str, ...]]:
    """By message, all that stand in its place, oldest first; only where there are several."""
    forks: dict[str, list[str]] = {}
    for row in connection.execute(text(_FORKS), {"conversation": conversation}):
        forks.setdefault(row.fork, []).append(row.id)
    return {each: tuple(versions) for versions in forks.values() for each in versions}


async def apart(store: Store, turns: Iterable[str]) -> dict[str, str]:
    """Of these turns those that go on in a version that is not shown, each with its newest message."""
    names = {"turns": json.dumps(list(turns))}
    return await store.read(lambda connection: {row.turn: row.id for row in connection.execute(text(_APART), names)})
