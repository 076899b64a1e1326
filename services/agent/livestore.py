"""Which turns have not ended: ids and grants in the room's own file, found again after a restart."""

from __future__ import annotations

from sqlalchemy import Connection, text

from openassistant.store import Store

__all__ = ["everything", "forget", "keep", "turns_of"]


async def keep(room: Store, turn: str, user: str, conversation: str, grant: str) -> None:
    """Notes a turn with its newest grant."""

    def write(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO live_turns (turn, user, conversation, grant_token)"
                " VALUES (:turn, :user, :conversation, :grant)"
                " ON CONFLICT (turn) DO UPDATE SET grant_token = :grant"
            ),
            {"turn": turn, "user": user, "conversation": conversation, "grant": grant},
        )

    await room.write(write)


async def forget(room: Store, turn: str) -> None:
    """The turn has ended."""

    def write(connection: Connection) -> None:
        connection.execute(text("DELETE FROM live_turns WHERE turn = :turn"), {"turn": turn})

    await room.write(write)


async def turns_of(room: Store, conversation: str) -> list[str]:
    """The ids of a conversation's turns that have not ended."""

    def read(connection: Connection) -> list[str]:
        rows = connection.execute(
            text("SELECT turn FROM live_turns WHERE conversation = :id ORDER BY turn"), {"id": conversation}
        )
        return [str(row.turn) for row in rows]

    return await room.read(read)


async def everything(room: Store) -> list[tuple[str, str, str, str]]:
    """(turn, user, conversation, grant) of all turns that have not ended, oldest first."""

    def read(connection: Connection) -> list[tuple[str, str, str, str]]:
        rows = connection.execute(text("SELECT * FROM live_turns ORDER BY turn"))
        return [(row.turn, row.user, row.conversation, row.grant_token) for row in rows]

    return await room.read(read)
