"""Archives that are made or taken in, as rows: in the room's file whose they are, in their owner's what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import NotFound
from openassistant.store import Store
from services.gateway.agefile import Sealed
from services.gateway.files import OwnFiles
from services.gateway.moving_views import MovedRoom

__all__ = ["KEPT", "Move", "Moves", "RoomState", "set_room"]

KEPT = timedelta(hours=24)
"""How long an archive that is not fetched, or not brought to its end, is kept."""

_ROOM = {"state", "cursor", "files", "bytes", "tries", "since", "detail"}


class RoomState(NamedTuple):
    """How far one room is."""

    room: str
    state: str
    cursor: str = ""
    files: int = 0
    bytes: int = 0
    tries: int = 0
    since: str | None = None
    detail: str = ""

    @property
    def shown(self) -> MovedRoom:
        """As the API shows it."""
        given = {name: getattr(self, name) for name in ("room", "state", "files", "bytes", "detail")}
        return MovedRoom.model_validate(given)


class Move(NamedTuple):
    """One of them: `sealed` where it is encrypted; `what` its kind, or whether it was fetched."""

    id: str
    user: str
    kind: str
    state: str
    created: datetime
    expires: datetime
    size: int
    what: str
    detail: str
    digest: str
    sealed: Sealed | None
    rooms: tuple[RoomState, ...]


class Moves:
    """Finds, begins and removes them."""

    def __init__(self, store: Store, own: OwnFiles, clock: Clock) -> None:
        self._store, self._own, self._clock = store, own, clock

    async def everything(self) -> list[tuple[str, str, str]]:
        """Id, owner and kind of all that is kept."""
        query = text("SELECT id, user, kind FROM moves ORDER BY id")
        return await self._store.read(lambda c: [(row.id, row.user, row.kind) for row in c.execute(query)])

    async def newest(self, user: str, kind: str) -> Move | None:
        """The one of a user and kind, if there is any."""
        query = text("SELECT id FROM moves WHERE user = :user AND kind = :kind ORDER BY id DESC LIMIT 1")
        row = {"user": user, "kind": kind}
        found = await self._store.read(lambda connection: connection.execute(query, row).scalar())
        return None if found is None else await self._find(user, str(found))

    async def one(self, user: str, move: str, kind: str) -> Move:
        """One of a user's; raises `NotFound`."""
        found = await self._find(user, move)
        if found is None or found.kind != kind:
            raise NotFound("There is no such archive.")
        return found

    async def begin(
        self,
        user: str,
        kind: str,
        *,
        state: str,
        rooms: Sequence[str] = (),
        sealed: Sealed | None = None,
        size: int = 0,
    ) -> str:
        """A new one in the place of the one before of its kind; its id."""
        move, now = new_id(), self._clock()
        await self.drop(user, kind)
        row = {
            "id": move, "user": user, "kind": kind, "state": state, "created": now.isoformat(), "size": size,
            "expires": (now + KEPT).isoformat(), "head": sealed.head if sealed else None,
            "key": sealed.key if sealed else None,
        }  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT INTO moves (id, kind, state, created, size, head, key)"
                    " VALUES (:id, :kind, :state, :created, :size, :head, :key)"
                ),
                row,
            )
            for room in rooms:
                set_room(connection, move, RoomState(room, "waiting"))

        async with self._own.use(user) as store:
            await store.write(write)
        query = text("INSERT INTO moves (id, user, kind, expires) VALUES (:id, :user, :kind, :expires)")
        await self._store.write(lambda connection: connection.execute(query, row))
        return move

    async def change(self, user: str, move: str, **values: Any) -> None:
        """Sets columns of one."""
        names = ", ".join(f"{name} = :{name}" for name in values)
        query = text(f"UPDATE moves SET {names} WHERE id = :id")  # noqa: S608 - names from the code
        async with self._own.use(user) as store:
            await store.write(lambda connection: connection.execute(query, {**values, "id": move}))

    async def keep_until(self, move: str, expires: datetime) -> None:
        """Has one go at another time."""
        row = {"id": move, "expires": expires.isoformat()}
        query = text("UPDATE moves SET expires = :expires WHERE id = :id")
        await self._store.write(lambda connection: connection.execute(query, row))

    async def remove(self, user: str, move: str) -> None:
        """Removes one with all that it holds."""
        row = {"id": move}
        async with self._own.use(user) as store:
            await store.write(lambda connection: connection.execute(text("DELETE FROM moves WHERE id = :id"), row))
            await store.tidy()
        await self._store.write(lambda connection: connection.execute(text("DELETE FROM moves WHERE id = :id"), row))

    async def drop(self, user: str, kind: str) -> None:
        """Removes all of a user's of a kind."""
        for move, owner, other in await self.everything():
            if (owner, other) == (user, kind):
                await self.remove(user, move)

    async def over(self) -> list[tuple[str, str]]:
        """Id and owner of those whose time is over."""
        query = text("SELECT id, user FROM moves WHERE expires <= :now")
        row = {"now": self._clock().isoformat()}
        return await self._store.read(lambda c: [(each.id, each.user) for each in c.execute(query, row)])

    async def _find(self, user: str, move: str) -> Move | None:
        query = text("SELECT expires FROM moves WHERE id = :id AND user = :user")
        row = {"id": move, "user": user}
        expires = await self._store.read(lambda connection: connection.execute(query, row).scalar())
        if expires is None:
            return None
        async with self._own.use(user) as store:
            return await store.read(lambda connection: _move(connection, move, user, datetime.fromisoformat(expires)))


def _move(connection: Connection, move: str, user: str, expires: datetime) -> Move | None:
    row = connection.execute(text("SELECT * FROM moves WHERE id = :id"), {"id": move}).one_or_none()
    if row is None:
        return None
    rooms = connection.execute(text("SELECT * FROM move_rooms WHERE move = :id ORDER BY rowid"), {"id": move})
    sealed = Sealed(bytes(row.head), bytes(row.key)) if row.head is not None else None
    return Move(
        id=row.id, user=user, kind=row.kind, state=row.state, created=datetime.fromisoformat(row.created),
        expires=expires, size=row.size, what=row.what, detail=row.detail, digest=row.digest, sealed=sealed,
        rooms=tuple(RoomState(each.room, **{name: getattr(each, name) for name in _ROOM}) for each in rooms),
    )  # fmt: skip


def set_room(connection: Connection, move: str, room: RoomState) -> None:
    """Stores how far a room is."""
    connection.execute(
        text(
            "INSERT INTO move_rooms (move, room, state, cursor, files, bytes, tries, since, detail)"
            " VALUES (:move, :room, :state, :cursor, :files, :bytes, :tries, :since, :detail)"
            " ON CONFLICT (move, room) DO UPDATE SET state = :state, cursor = :cursor, files = :files, bytes = :bytes,"
            " tries = :tries, since = :since, detail = :detail"
        ),
        {**room._asdict(), "move": move},
    )
