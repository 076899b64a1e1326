"""Takes in what a person sent: first all of it comes in and is checked, then each room is given its files.

How far each room is stands in its owner's file and moves on once the room has said that it has the files, so that a
restart gives at most one page twice; and rooms take what comes twice once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.data import PAGE_BYTES, Imported, ImportRequest, Piece
from openassistant.errors import Conflict, InvalidRequest, OaError, TooLarge
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import agefile, foreign, incoming
from services.gateway import moving_views as views
from services.gateway.belongings import EARLIER, Belongings
from services.gateway.connectors import Connectors
from services.gateway.files import OwnFiles
from services.gateway.grants import Grants
from services.gateway.incoming import Checked, Entry, Unpacker
from services.gateway.ledger import Ledger
from services.gateway.moves import Move, Moves, RoomState, set_room
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn
from services.gateway.turns import Turns

__all__ = ["LARGEST_PART", "Importing"]

LARGEST_PART = 1024 * 1024
"""Bytes of an upload that one request may hold."""

_AGENT, _VAULT, _AUDIT, _GATEWAY = "agent", "vault", "audit", "gateway"
_OWN = (_GATEWAY, _AUDIT)
_SECONDS = 60.0
_PATIENCE = timedelta(minutes=10)
_MOST_WORDS = 50
_CONVERSATION = re.compile(r"agent/conversations/([0-9a-f]{32})\.json")
_LEDGER = re.compile(r"audit/(?:ledger\.jsonl|(earlier/[0-9a-f]{16}/ledger\.jsonl))")
_AWAY = "It did not answer, so what is for it in the archive was not taken in. Try again when it runs."
_NOT_HERE = "This service is not allowed in this house, so what is for it was not taken in."
_UNKNOWN = "This house has no such room."

_log = logging.getLogger("openassistant.gateway")


class Importing:
    """Begins an upload, takes its parts, checks it, and gives the rooms what is theirs."""

    def __init__(
        self,
        bus: Bus,
        moves: Moves,
        own: OwnFiles,
        belongings: Belongings,
        *,
        turns: Turns,
        connectors: Connectors,
        grants: Grants,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._bus, self._moves, self._own, self._belongings = bus, moves, own, belongings
        self._turns, self._connectors, self._grants, self._ledger = turns, connectors, grants, ledger
        self._clock = clock
        self.wake: Callable[[], None] = lambda: None
        self._working: dict[str, asyncio.Lock] = {}
        self._stretching = asyncio.Lock()

    async def begin(self, me: SignedIn, draft: views.ImportDraft) -> views.Import:
        """A new upload in the place of the one before; raises `TooLarge`."""
        if draft.size > incoming.LARGEST:
            raise TooLarge(f"An archive may have {incoming.LARGEST // 1024**3} GB.")
        move = await self._moves.begin(me.user.id, "import", state="arriving", size=draft.size)
        return await self._shown(await self._moves.one(me.user.id, move, "import"))

    async def put(self, me: SignedIn, move: str, offset: int, body: bytes) -> views.Import:
        """The next bytes of an upload; what is there already stays. Raises `NotFound`, `Conflict` for a gap."""
        found = await self._moves.one(me.user.id, move, "import")
        if found.state != "arriving" or offset + len(body) > found.size:
            raise Conflict("This upload is at its end already.")
        async with self._own.use(me.user.id) as store:
            there = await store.write(lambda connection: incoming.put(connection, move, offset, body))
        if there < offset:
            raise Conflict(f"Bytes from {there} on are missing. Send those first.", details={"received": there})
        return await self._shown(found)

    async def start(self, me: SignedIn, move: str, keys: views.ImportKeys) -> views.Import:
        """Checks and takes in what was sent; raises `Conflict` before all is here, `InvalidRequest` without its key."""
        found = await self._moves.one(me.user.id, move, "import")
        if found.state != "arriving":
            return await self._shown(found)
        async with self._own.use(me.user.id) as store:
            there = await store.read(lambda connection: incoming.received(connection, move))
            start = await store.read(lambda connection: incoming.head(connection, move, agefile.MOST_HEADER))
        if there != found.size:
            raise Conflict(f"Only {there} of {found.size} bytes are here.")
        values: dict[str, Any] = {}
        if start.startswith(agefile.MAGIC):
            if not keys.passphrase and not keys.identity:
                raise invalid("This archive is encrypted.", passphrase="It opens with a passphrase or a secret key.")
            async with self._stretching:
                sealed = await asyncio.to_thread(
                    agefile.opened, start, passphrase=keys.passphrase or "", identity=keys.identity or ""
                )
            values = {"head": sealed.head, "key": sealed.key}
        await self._moves.change(me.user.id, move, state="checking", **values)
        self.wake()
        return await self._shown(await self._moves.one(me.user.id, move, "import"))

    async def status(self, me: SignedIn) -> views.Import | None:
        """The upload that is under way, or the last one; None where there is none."""
        found = await self._moves.newest(me.user.id, "import")
        return None if found is None else await self._shown(found)

    async def drop(self, me: SignedIn, move: str) -> None:
        """Removes an upload; what was taken in stays. Raises `NotFound`."""
        await self._moves.one(me.user.id, move, "import")
        await self._moves.remove(me.user.id, move)

    async def go_on(self, user: str, move: str) -> None:
        """Works on an upload until all of it is taken in or refused, or every room that is left is away just now."""
        async with self._working.setdefault(move, asyncio.Lock()):
            found = await self._moves.one(user, move, "import")
            if found.state == "checking":
                await self._check(found)
                found = await self._moves.one(user, move, "import")
            if found.state != "working":
                return
            for room in found.rooms:
                if room.state == "waiting":
                    await self._give(found, room)
            found = await self._moves.one(user, move, "import")
            if all(each.state != "waiting" for each in found.rooms):
                await self._end(found, "done")
                self._working.pop(move, None)

    # --- the check ------------------------------------------------------------------------------------------------

    async def _check(self, move: Move) -> None:
        try:
            async with self._own.use(move.user) as store:
                checked = await store.read(lambda connection: incoming.check(connection, move.id, move.sealed))
        except InvalidRequest as error:
            await self._end(move, "refused", error.message)
            return
        content = {"kind": checked.kind, "files": len(checked.entries), "digest": checked.digest}
        await self._ledger.note(AuditAction.DATA_IMPORTED, user=move.user, content=content)
        async with self._own.use(move.user) as store:
            await store.write(lambda connection: _keep(connection, move.id, checked))

    async def _end(self, move: Move, state: str, detail: str = "") -> None:
        """What was sent is no longer needed; how it ended is kept for the page."""

        def write(connection: Connection) -> None:
            row = {"move": move.id, "state": state, "detail": detail}
            connection.execute(text("DELETE FROM move_chunks WHERE move = :move"), row)
            connection.execute(text("DELETE FROM move_files WHERE move = :move"), row)
            connection.execute(
                text("UPDATE moves SET state = :state, detail = :detail, key = NULL, head = NULL WHERE id = :move"), row
            )

        async with self._own.use(move.user) as store:
            await store.write(write)
            await store.tidy()

    # --- to the rooms ---------------------------------------------------------------------------------------------

    async def _give(self, move: Move, room: RoomState) -> None:
        """Gives a room its files from where it is; one that is away is asked again, and in the end left out."""
        refusal = self._refusal(room.room)
        if refusal:
            await self._put(move, room._replace(state="failed", detail=refusal))
            return
        given = _Given(self, move, room)
        try:
            async with self._own.use(move.user) as store:
                await (given.foreign(store) if move.what in foreign.NAMES else given.files(store))
        except OaError as error:
            await self._refused(move, given.room, error)
        else:
            await self._put(move, given.room._replace(state="done", since=None))

    def _refusal(self, room: str) -> str:
        if room in (_AGENT, _VAULT, *_OWN) or room in self._connectors.grantable():
            return ""
        known = re.fullmatch(r"[a-z][a-z0-9_]{0,39}", room)
        return _NOT_HERE if known else _UNKNOWN

    async def _refused(self, move: Move, room: RoomState, error: OaError) -> None:
        _log.info("a room took nothing", extra={"room": room.room, "code": error.code})
        now = self._clock()
        since = datetime.fromisoformat(room.since) if room.since else now
        if not error.retryable and error.code != "deadline_exceeded":
            await self._put(move, room._replace(state="failed", detail=error.message))
        elif now - since >= _PATIENCE:
            await self._put(move, room._replace(state="away", detail=_AWAY))
        else:
            await self._put(move, room._replace(since=since.isoformat()))

    async def ask(self, move: Move, room: str, pieces: list[Piece]) -> Imported:
        """Gives some pieces to a room. Before the agent has a conversation, it counts as tainted here."""
        if room == _AGENT:
            for piece in pieces:
                if found := _CONVERSATION.fullmatch(f"agent/{piece.path}"):
                    await self._taint(move.user, found[1])
        if room in _OWN:
            words = [await self._belongings.keep(move.user, f"{room}/{each.path}", each) for each in pieces]
            return Imported(taken=len(pieces), refused=tuple(filter(None, words)))
        ctx = self._grants.context(move.user, seconds=_SECONDS)
        request = ImportRequest(pieces=tuple(pieces))
        return await self._bus.request(subjects.data(room, "import"), request, Imported, ctx)

    async def moved_on(self, move: Move, room: RoomState) -> None:
        """Stores how far a room is."""
        await self._put(move, room)

    async def taken_by_another(self, user: str, conversation: str) -> bool:
        """Whether a conversation of this id is somebody else's here."""
        return await self._turns.belongs_to_another(user, conversation)

    async def _taint(self, user: str, conversation: str) -> None:
        turn = hashlib.sha256(f"brought/{user}/{conversation}".encode()).hexdigest()[:32]
        await self._turns.begin(turn, user, conversation, tainted=True)
        await self._turns.end(turn)

    async def _put(self, move: Move, room: RoomState) -> None:
        async with self._own.use(move.user) as store:
            await store.write(lambda connection: set_room(connection, move.id, room))

    async def _shown(self, move: Move) -> views.Import:
        received = move.size
        if move.state == "arriving":
            async with self._own.use(move.user) as store:
                received = await store.read(lambda connection: incoming.received(connection, move.id))
        left_out = [f"{each.room}: {words}" for each in move.rooms for words in _words(each.detail)]
        rooms = [each._replace(detail="" if each.detail.startswith("[") else each.detail).shown for each in move.rooms]
        state: Any = move.state
        kind: Any = move.what
        return views.Import(
            id=move.id, state=state, kind=kind, size=move.size, received=received, encrypted=move.sealed is not None,
            rooms=rooms, detail=move.detail, left_out=left_out[:_MOST_WORDS],
        )  # fmt: skip


class _Given:
    """What a room is given, page after page; `room` says how far it is."""

    def __init__(self, importing: Importing, move: Move, room: RoomState) -> None:
        self._importing, self._move, self.room = importing, move, room
        self._page: list[Piece] = []
        self._size, self._files, self._cursor = 0, 0, room.cursor

    async def files(self, store: Store) -> None:
        """All files of the room behind the last one that it has taken, in the order of their paths."""
        row = {"move": self._move.id, "room": self.room.room, "cursor": self.room.cursor}
        query = text("SELECT * FROM move_files WHERE move = :move AND room = :room AND path > :cursor ORDER BY path")
        for each in await store.read(lambda connection: list(connection.execute(query, row))):
            entry = Entry(each.path, each.place, each.packed, each.size, each.method, each.sha256 or "")
            await self._file(store, entry)
        await self._flush()

    async def _file(self, store: Store, entry: Entry) -> None:
        path = _path_of(self.room.room, entry)
        if path is None:
            await self._flush()
            self._cursor = entry.path
            await self._note([f"{entry.path[:120]} is not a file that this house knows."])
            return
        found = _CONVERSATION.fullmatch(entry.path)
        if found and await self._importing.taken_by_another(self._move.user, found[1]):
            body = await self._read(store, Unpacker(entry), entry.size)
            await self._whole(*_under_another_id(body, self._move.user, found[1]), cursor=entry.path)
            return
        unpacker = Unpacker(entry)
        while True:
            offset = unpacker.size
            body = await self._read(store, unpacker, PAGE_BYTES)
            more = unpacker.size < entry.size
            await self._add(Piece.model_construct(path=path, modified=None, body=body, more=more, offset=offset))
            if not more:
                break
        self._files += 1
        self._cursor = entry.path

    async def foreign(self, store: Store) -> None:
        """The conversations of another program's export, behind the last one that was taken."""
        row = {"move": self._move.id}
        query = text("SELECT * FROM move_files WHERE move = :move ORDER BY path")
        done, number = int(self.room.cursor or 0), 0
        for each in await store.read(lambda connection: list(connection.execute(query, row))):
            entry = Entry(each.path, each.place, each.packed, each.size, each.method)
            reader = _Elements(store, self._move, entry)
            while (found := await reader.next()) is not None:
                number += 1
                if number <= done:
                    continue
                made = foreign.conversation(found[0], user=self._move.user)
                if made is not None:
                    body = json.dumps(made, ensure_ascii=False).encode()
                    await self._whole(f"conversations/{made['id']}.json", body, cursor=str(number))
                self._cursor = str(number)
        await self._flush()

    async def _whole(self, path: str, body: bytes, *, cursor: str) -> None:
        for at in range(0, max(len(body), 1), PAGE_BYTES):
            part, more = body[at : at + PAGE_BYTES], at + PAGE_BYTES < len(body)
            await self._add(Piece.model_construct(path=path, modified=None, body=part, more=more, offset=at))
        self._files += 1
        self._cursor = cursor

    async def _read(self, store: Store, unpacker: Unpacker, count: int) -> bytes:
        return await store.read(lambda c: unpacker.read(c, self._move.id, self._move.sealed, count))

    async def _add(self, piece: Piece) -> None:
        if self._page and self._size + len(piece.body) > PAGE_BYTES:
            await self._flush()
        self._page.append(piece)
        self._size += len(piece.body)

    async def _flush(self) -> None:
        if self._page:
            answer = await self._importing.ask(self._move, self.room.room, self._page)
            await self._note(answer.refused)
        self._page, self._size, self._files = [], 0, 0

    async def _note(self, refused: Iterable[str]) -> None:
        """Where the room is now. A file that is under way is begun anew after a restart: the cursor is before it."""
        files, size = self.room.files + self._files, self.room.bytes + self._size
        self.room = self.room._replace(cursor=self._cursor, files=files, bytes=size, since=None)
        words = [*json.loads(self.room.detail or "[]"), *(each[:300] for each in refused)][: _MOST_WORDS + 1]
        self.room = self.room._replace(detail=json.dumps(words) if words else "")
        await self._importing.moved_on(self._move, self.room)


class _Elements:
    """The values of a list in an upload, read a part at a time off the event loop."""

    def __init__(self, store: Store, move: Move, entry: Entry) -> None:
        self._store, self._move, self._unpacker = store, move, Unpacker(entry)
        self._connection: Connection | None = None
        self._found = foreign.elements(iter(self._part, b""))

    async def next(self) -> tuple[Any] | None:
        """The next value; None behind the last."""
        return await self._store.read(self._next)

    def _next(self, connection: Connection) -> tuple[Any] | None:
        self._connection = connection
        for found in self._found:
            return (found,)
        return None

    def _part(self) -> bytes:
        assert self._connection is not None, "a part is read while a value is asked for"
        return self._unpacker.read(self._connection, self._move.id, self._move.sealed, PAGE_BYTES)


def _keep(connection: Connection, move: str, checked: Checked) -> None:
    """The files of what was checked, by room, in one transaction with the state that goes on from there."""
    rows = [
        {
            "move": move, "room": _AGENT if checked.kind in foreign.NAMES else each.path.partition("/")[0],
            **each._asdict(), "sha256": each.sha256 or None,
        }
        for each in checked.entries
    ]  # fmt: skip
    connection.execute(text("DELETE FROM move_files WHERE move = :move"), {"move": move})
    for row in rows:
        connection.execute(
            text(
                "INSERT INTO move_files (move, room, path, whole, crc, size, packed, method, place, sha256)"
                " VALUES (:move, :room, :path, 1, 0, :size, :packed, :method, :place, :sha256)"
            ),
            row,
        )
    rooms = [room for room, _ in groupby(sorted(row["room"] for row in rows))]
    first = (_VAULT, _GATEWAY, _AGENT)  # what models may see is here before what they could see
    for room in (*(each for each in first if each in rooms), *(each for each in rooms if each not in first)):
        set_room(connection, move, RoomState(room, "waiting"))
    connection.execute(
        text("UPDATE moves SET state = 'working', what = :kind, digest = :digest WHERE id = :move"),
        {"move": move, "kind": checked.kind, "digest": checked.digest},
    )


def _path_of(room: str, entry: Entry) -> str | None:
    """The path in the room's folder. A ledger goes below those of the houses before; None for what is no file of it."""
    if room != _AUDIT:
        return entry.path.removeprefix(f"{room}/")
    found, named = _LEDGER.fullmatch(entry.path), f"{EARLIER.removeprefix('audit/')}{entry.sha256[:16]}/ledger.jsonl"
    return named if found and found[1] in (None, named) else None


def _under_another_id(body: bytes, user: str, conversation: str) -> tuple[str, bytes]:
    """A conversation whose id is somebody else's here, under one that is always the same for this owner."""
    id_ = hashlib.sha256(f"{user}/{conversation}".encode()).hexdigest()[:32]
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        whole = {}
    if isinstance(whole, dict):
        whole = {**whole, "id": id_}
    return f"conversations/{id_}.json", json.dumps(whole, ensure_ascii=False).encode()


def _words(detail: str) -> list[str]:
    return [str(each) for each in json.loads(detail)] if detail.startswith("[") else []
