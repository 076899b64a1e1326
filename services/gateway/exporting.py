"""Makes the archive of a person: asks each room for its pages, and stores them with the place where to go on.

A page and its cursor are one transaction, so a crash costs at most the page under way. A room that does not answer for
half a minute, or gives what is no file, is left out, and the archive says so in its manifest, as does the page.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant import __version__, subjects
from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.data import PAGE_BYTES, ExportPage, ExportRequest, Piece
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import agefile, archives
from services.gateway import moving_views as views
from services.gateway.agefile import Sealed
from services.gateway.archives import Zip
from services.gateway.belongings import Belongings
from services.gateway.connectors import Connectors
from services.gateway.files import OwnFiles
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.moves import Move, Moves, RoomState, set_room
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Users
from services.gateway.vault import Vault

__all__ = ["FORMAT", "MANIFEST", "Exporting"]

FORMAT = 1
"""The number of the archive's form; a house refuses a higher one than its own."""
MANIFEST = "manifest.json"

_GATEWAY, _SERVICES = "gateway", ("agent", "vault", "audit")
_SECONDS = 40.0
_PATIENCE = timedelta(seconds=30)
_MOST_TRIES = 5
_READ = 256 * 1024
_AFTER_FETCH = timedelta(hours=1)
_AWAY = "It did not answer, so nothing more of it is in the archive."
_NO_FILES = "What it gave could not be put into an archive, so nothing more of it is in here."
_BUSY = "It was changed again and again meanwhile, so nothing more of it is in the archive."

_log = logging.getLogger("openassistant.gateway")


class Exporting:
    """Begins, goes on, gives away and forgets archives of persons."""

    def __init__(
        self,
        bus: Bus,
        moves: Moves,
        own: OwnFiles,
        belongings: Belongings,
        *,
        users: Users,
        sessions: Sessions,
        connectors: Connectors,
        vault: Vault,
        grants: Grants,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._bus, self._moves, self._own, self._belongings = bus, moves, own, belongings
        self._users, self._sessions, self._connectors, self._vault = users, sessions, connectors, vault
        self._grants, self._ledger, self._clock = grants, ledger, clock
        self.wake: Callable[[], None] = lambda: None
        self._working: dict[str, asyncio.Lock] = {}
        self._zips: dict[str, Zip] = {}
        self._stretching = asyncio.Lock()

    async def begin(self, me: SignedIn, draft: views.ExportDraft, *, address: str) -> views.Export:
        """A new archive in the place of the one before; raises `InvalidRequest` for a wrong password, or no key."""
        await self._sessions.confirm(me, draft.password, address=address)
        if draft.passphrase and draft.recipient:
            raise invalid("Choose one of both.", recipient="An archive has a passphrase or is for a key.")
        sealed = await self._sealed(draft)
        rooms = (_GATEWAY, *_SERVICES, *await self._of_connectors(me.user.id))
        await self._ledger.note(AuditAction.DATA_EXPORTED, user=me.user.id, content={"rooms": rooms})
        move = await self._moves.begin(me.user.id, "export", state="working", rooms=rooms, sealed=sealed)
        self.wake()
        return _shown(await self._moves.one(me.user.id, move, "export"), None)

    async def status(self, me: SignedIn) -> views.Export | None:
        """The archive that is made or waits; None where there is none."""
        move = await self._moves.newest(me.user.id, "export")
        if move is None:
            return None
        return _shown(move, await self._size(move) if move.state == "ready" else None)

    async def drop(self, me: SignedIn, move: str) -> None:
        """Removes an archive; raises `NotFound`."""
        await self._moves.one(me.user.id, move, "export")
        self._zips.pop(move, None)
        await self._moves.remove(me.user.id, move)

    async def size(self, me: SignedIn, move: str) -> tuple[int, bool, datetime]:
        """The bytes of a download, whether it is encrypted, and when it was begun; raises `NotFound`."""
        found = await self._moves.one(me.user.id, move, "export")
        if found.state != "ready":
            raise NotFound("The archive is not ready yet.")
        return await self._size(found), found.sealed is not None, found.created

    async def read(self, me: SignedIn, move: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes of a download from `start` until before `end`. Whoever got the last one has fetched it."""
        found = await self._moves.one(me.user.id, move, "export")
        total, at = await self._size(found), start
        async with self._own.use(me.user.id) as store:
            whole = await self._zip(found, store)
            while at < end:
                part = await store.read(lambda c, at=at: _part(c, whole, found.sealed, at, min(_READ, end - at)))  # type: ignore[misc]
                if not part:
                    raise Conflict("The archive was removed meanwhile.")
                yield part
                at += len(part)
        if end == total:
            await self._moves.change(me.user.id, move, what="fetched")
            await self._moves.keep_until(move, min(found.expires, self._clock() + _AFTER_FETCH))

    async def go_on(self, user: str, move: str) -> None:
        """Works on an archive until it is ready, or every room that is left does not answer just now."""
        async with self._working.setdefault(move, asyncio.Lock()):
            found = await self._moves.one(user, move, "export")
            if found.state != "working":
                return
            for room in found.rooms:
                if room.state == "waiting":
                    await self._ask(found, room)
            left = [each for each in (await self._moves.one(user, move, "export")).rooms if each.state == "waiting"]
            if not left:
                await self._seal(await self._moves.one(user, move, "export"))
                self._working.pop(move, None)

    def forget(self, move: str) -> None:
        """What this process kept in memory of an archive that is gone."""
        self._zips.pop(move, None)

    # --- from the rooms -------------------------------------------------------------------------------------------

    async def _of_connectors(self, user: str) -> list[str]:
        """The connectors that may hold something of a user: those that run, and those of his accounts."""
        mine = {each.connector for each in await self._vault.listing(user)} - {"agent"}
        return sorted(mine | set(self._connectors.grantable()))

    async def _ask(self, move: Move, room: RoomState) -> None:
        while room.state == "waiting":
            try:
                page = await self._page(move.user, room)
            except Conflict:
                room = await self._anew(move, room)
            except OaError as error:
                room = await self._refused(move, room, error)
                if room.state == "waiting":
                    return
            else:
                room = await self._keep(move, room, page)

    async def _page(self, user: str, room: RoomState) -> ExportPage:
        if room.room == _GATEWAY:
            return await self._belongings.export(user, room.cursor)
        ctx = self._grants.context(user, seconds=_SECONDS)
        request = ExportRequest(cursor=room.cursor)
        return await self._bus.request(subjects.data(room.room, "export"), request, ExportPage, ctx)

    async def _keep(self, move: Move, room: RoomState, page: ExportPage) -> RoomState:
        """A page and how far the room is then, in one transaction."""
        if page.cursor is not None and page.cursor == room.cursor:
            return await self._end(move, room, "failed", _NO_FILES)
        folder = "" if room.room == _GATEWAY else f"{room.room}/"

        def write(connection: Connection) -> RoomState:
            files, size = archives.add(connection, move.id, room.room, page.pieces, folder=folder)
            after = room._replace(
                state="waiting" if page.cursor is not None else "done", cursor=page.cursor or "", since=None,
                files=room.files + files, bytes=room.bytes + size,
            )  # fmt: skip
            if page.cursor is None:
                archives.drop_halves(connection, move.id, room.room)
            set_room(connection, move.id, after)
            return after

        try:
            async with self._own.use(move.user) as store:
                return await store.write(write)
        except Conflict:
            return await self._anew(move, room)
        except InvalidRequest:
            return await self._end(move, room, "failed", _NO_FILES)

    async def _anew(self, move: Move, room: RoomState) -> RoomState:
        """Begins with a room once more, whose things were changed between two pages."""
        if room.tries + 1 >= _MOST_TRIES:
            return await self._end(move, room, "failed", _BUSY)
        after = RoomState(room.room, "waiting", tries=room.tries + 1)

        def write(connection: Connection) -> None:
            archives.drop_room(connection, move.id, room.room)
            set_room(connection, move.id, after)

        async with self._own.use(move.user) as store:
            await store.write(write)
        return after

    async def _refused(self, move: Move, room: RoomState, error: OaError) -> RoomState:
        """Waits for a room that is away; what it says otherwise is kept."""
        _log.info("a room gave nothing", extra={"room": room.room, "code": error.code})
        if not error.retryable and error.code != "deadline_exceeded":
            return await self._end(move, room, "failed", error.message)
        now = self._clock()
        since = datetime.fromisoformat(room.since) if room.since else now
        if now - since >= _PATIENCE:
            return await self._end(move, room, "away", _AWAY)
        return await self._put(move, room._replace(since=since.isoformat()))

    async def _end(self, move: Move, room: RoomState, state: str, words: str) -> RoomState:
        async with self._own.use(move.user) as store:
            await store.write(lambda connection: archives.drop_halves(connection, move.id, room.room))
        return await self._put(move, room._replace(state=state, detail=words))

    async def _put(self, move: Move, room: RoomState) -> RoomState:
        async with self._own.use(move.user) as store:
            await store.write(lambda connection: set_room(connection, move.id, room))
        return room

    # --- what explains it, and the download -----------------------------------------------------------------------

    async def _seal(self, move: Move) -> None:
        """Adds manifest and explanation once every file has its hash."""
        async with self._own.use(move.user) as store:
            while (found := await store.read(lambda connection: archives.unhashed(connection, move.id))) is not None:
                row = {"number": found[0], "sha256": found[1]}
                query = text("UPDATE move_files SET sha256 = :sha256 WHERE number = :number")
                await store.write(lambda connection, row=row, query=query: connection.execute(query, row))  # type: ignore[misc]
            person = next((each for each in await self._users.everybody() if each.id == move.user), None)
            name = person.username if person else ""

            def write(connection: Connection) -> None:
                archives.drop_room(connection, move.id, "")
                pieces = [*_pieces("README.txt", _readme(move).encode()), *_manifest(connection, move, name)]
                archives.add(connection, move.id, "", pieces, folder="")
                connection.execute(text("UPDATE moves SET state = 'ready' WHERE id = :id"), {"id": move.id})

            await store.write(write)
        await self._moves.keep_until(move.id, self._clock() + timedelta(hours=24))

    async def _zip(self, move: Move, store: Store) -> Zip:
        if move.id not in self._zips:
            self._zips[move.id] = await store.read(lambda connection: Zip.of(connection, move.id))
        return self._zips[move.id]

    async def _size(self, move: Move) -> int:
        async with self._own.use(move.user) as store:
            size = (await self._zip(move, store)).size
        return agefile.sealed_size(move.sealed, size) if move.sealed else size

    async def _sealed(self, draft: views.ExportDraft) -> Sealed | None:
        if draft.recipient:
            return agefile.by_recipient(draft.recipient)
        if draft.passphrase:
            async with self._stretching:
                return await asyncio.to_thread(agefile.by_passphrase, draft.passphrase)
        return None


def _part(connection: Connection, whole: Zip, sealed: Sealed | None, at: int, count: int) -> bytes:
    if sealed is None:
        return whole.read(connection, at, count)
    return sealed.read(whole.size, at, count, lambda begin, size: whole.whole(connection, begin, size))


def _manifest(connection: Connection, move: Move, person: str) -> list[Piece]:
    query = text("SELECT path, size, sha256 FROM move_files WHERE move = :move AND whole = 1 AND room <> ''")
    files = {row.path: {"sha256": row.sha256, "size": row.size} for row in connection.execute(query, {"move": move.id})}
    rooms: dict[str, dict[str, Any]] = {
        each.room: {"files": each.files, "bytes": each.bytes, "complete": each.state == "done"}
        | ({"detail": each.detail} if each.detail else {})
        for each in move.rooms
    }
    found = {
        "format": FORMAT, "made": move.created.isoformat(), "by": f"Open Assistant {__version__}", "person": person,
        "rooms": rooms, "files": files,
    }  # fmt: skip
    return _pieces(MANIFEST, (json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode())


def _pieces(path: str, body: bytes) -> list[Piece]:
    return [
        Piece.model_construct(
            path=path, modified=None, body=body[at : at + PAGE_BYTES], more=at + PAGE_BYTES < len(body), offset=0
        )
        for at in range(0, max(len(body), 1), PAGE_BYTES)
    ]


def _readme(move: Move) -> str:
    missing = [f"  {each.room}: {each.detail}" for each in move.rooms if each.state != "done"]
    return _README + ("\nNOT IN IT\n" + "\n".join(missing) + "\n" if missing else "")


_README = """\
This is all that a house of Open Assistant kept of one person, in open formats.

  manifest.json           what is in here: the format's number, the date, each file with its SHA-256
  agent/conversations/    each conversation as JSON (complete) and as Markdown (to read), and in a folder of
                          its own the files that were given in it
  gateway/memories.json   what the assistant was to remember, with who said it
  gateway/schedules.json  what was to be done when
  gateway/rules.json      what was allowed beforehand
  gateway/loans.json      which accounts were lent to whom, and by whom; it is lent anew elsewhere
  gateway/preferences.json  what models may see, and how one is told that something waits
  gateway/tokens.json     names of personal tokens; the tokens themselves are kept nowhere
  vault/accounts.json     connected accounts, without passwords and keys
  audit/ledger.jsonl      the record of what was done, with its proofs: deploy/verify_export.py of
                          Open Assistant checks it, and needs nothing else of it
  audit/earlier/          records of houses in which this data lived before, each as it was there
  other folders           what each connected service's copy held, in the formats of its field
                          (mail as .eml, events as .ics, people as .vcf, files as they are); nothing of
                          accounts that another person lent: that is his

Another house takes it in under "Your data", or with: oa data import FILE
Passwords, keys, sessions, what was spent on models, and questions that waited for an answer are not in here.
"""


def _shown(move: Move, size: int | None) -> views.Export:
    state: Any = move.state
    return views.Export(
        id=move.id, state=state, created_at=move.created, expires_at=move.expires, size=size,
        rooms=[each.shown for each in move.rooms], encrypted=move.sealed is not None, fetched=move.what == "fetched",
    )  # fmt: skip
