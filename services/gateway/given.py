"""Files that people give with messages: taken in, told apart from what was never sent, given back.

The bytes lie with the conversations, in the agent. This room keeps in which conversations files were given, and until
they are, the digest of what passed through it: that a conversation holds text of others rests on this, and on no word
of the agent.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import Conflict, NotFound, OaError, RateLimited, TooLarge
from openassistant.given import LARGEST, MOST, PIECE, FilePart, FilePiece, FileQuery, FileTaken
from openassistant.messages import Done, GivenFile
from services.gateway import views
from services.gateway.files import OwnFiles
from services.gateway.grants import Grants
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn
from services.gateway.users import Users

__all__ = ["Given", "Noted", "shown"]

_SECONDS, _READ_SECONDS = 20.0, 60.0
_UNSENT = timedelta(days=1)
_MOST_UNSENT = 5 * MOST
_NO_FILE = "That file does not exist."


class Noted(NamedTuple):
    """What the ledger says of a file."""

    name: str
    size: int
    sha256: str


class Given:
    """One person's at a time."""

    def __init__(self, bus: Bus, own: OwnFiles, users: Users, grants: Grants, clock: Clock) -> None:
        self._bus, self._own, self._users, self._grants, self._clock = bus, own, users, grants, clock

    async def take(self, me: SignedIn, *, name: str, type_: str, body: AsyncIterator[bytes]) -> views.File:
        """A file, sent on piece by piece; what breaks off or cannot be read leaves nothing.

        Raises `TooLarge`, `RateLimited` for too many that wait, and `InvalidRequest` for what is no text and no image.
        """
        file, user, name = new_id(), me.user.id, _plain_name(name)
        await self._begin(user, file, name)
        try:
            size, digest, found = await self._pass_on(me, file, name, type_, body)
        except BaseException:
            await self._gone(me.user.id, file)
            raise
        row = {"id": file, "size": size, "sha256": digest}
        await self._do(user, "UPDATE given_files SET size = :size, sha256 = :sha256 WHERE id = :id", row)
        return shown(found)

    async def _begin(self, user: str, file: str, name: str) -> None:
        row = {"id": file, "name": name, "now": self._clock().isoformat()}

        def write(connection: Connection) -> None:
            waiting = connection.execute(text("SELECT count(*) FROM given_files WHERE conversation IS NULL"))
            if waiting.scalar_one() >= _MOST_UNSENT:
                raise RateLimited("Too many files wait to be sent. Send or remove some first.", retry_after=60)
            connection.execute(text("INSERT INTO given_files (id, name, created) VALUES (:id, :name, :now)"), row)

        async with self._own.use(user) as store:
            await store.write(write)

    async def _pass_on(
        self, me: SignedIn, file: str, name: str, type_: str, body: AsyncIterator[bytes]
    ) -> tuple[int, str, GivenFile]:
        """Size and digest of what passed, and what the agent makes of it."""
        rest, size, digest = bytearray(), 0, hashlib.sha256()

        async def send(*, last: bool) -> FileTaken:
            part = bytes(rest[:PIECE])
            del rest[:PIECE]
            piece = FilePiece.model_construct(
                id=file, name=name, type=type_[:100], place=size - len(rest) - len(part), body=part, last=last
            )
            ctx = self._context(me.user.id, seconds=_READ_SECONDS if last else _SECONDS)
            return await self._bus.request(subjects.agent("give"), piece, FileTaken, ctx)

        async for part in body:
            size += len(part)
            if size > LARGEST:
                raise TooLarge(f"{name} is larger than {LARGEST // 2**20} MB.")
            rest += part
            digest.update(part)
            while len(rest) > PIECE:
                await send(last=False)
        taken = await send(last=True)
        if taken.file is None:
            raise Conflict("The file did not come whole; send it again.")
        return size, digest.hexdigest(), taken.file

    async def read(self, me: SignedIn, file: str) -> tuple[GivenFile, AsyncIterator[bytes]]:
        """What a file is, and its bytes; raises `NotFound`."""
        first = await self._part(me, file, 0)

        async def parts() -> AsyncIterator[bytes]:
            part, place = first, 0
            while part.body:
                yield part.body
                place += len(part.body)
                if not part.more:
                    return
                part = await self._part(me, file, place)

        return first.file, parts()

    async def _part(self, me: SignedIn, file: str, place: int) -> FilePart:
        query = FileQuery(id=file, place=place)
        return await self._bus.ask(subjects.agent("given"), query, FilePart, self._context(me.user.id))

    async def drop(self, me: SignedIn, file: str) -> None:
        """Removes a file that was not sent; raises `NotFound`."""
        if not await self._unsent(me.user.id, file):
            raise NotFound(_NO_FILE)
        await self._gone(me.user.id, file)

    async def claim(self, user: str, files: Sequence[str], *, conversation: str, turn: str) -> tuple[Noted, ...]:
        """Files as given in a conversation, which is tainted from here on; raises `NotFound`, `InvalidRequest`."""
        if len(files) > MOST:
            raise invalid(f"A message may have {MOST} files.", files=f"A message may have {MOST} files.")
        rows = [{"id": each, "conversation": conversation, "turn": turn} for each in dict.fromkeys(files)]

        def write(connection: Connection) -> tuple[Noted, ...]:
            found = list[Noted]()
            for row in rows:
                claimed = connection.execute(
                    text(
                        "UPDATE given_files SET conversation = :conversation, turn = :turn"
                        " WHERE id = :id AND conversation IS NULL AND sha256 IS NOT NULL RETURNING name, size, sha256"
                    ),
                    row,
                ).one_or_none()
                if claimed is None:
                    raise NotFound(_NO_FILE)
                found.append(Noted(claimed.name, claimed.size, claimed.sha256))
            return tuple(found)

        if not rows:
            return ()
        async with self._own.use(user) as store:
            return await store.write(write)

    async def release(self, user: str, turn: str) -> None:
        """Takes back what was claimed for a turn that did not begin."""
        await self._do(user, "UPDATE given_files SET conversation = NULL, turn = NULL WHERE turn = :turn",
                       {"turn": turn})  # fmt: skip

    async def settle(self, user: str, turn: str) -> None:
        """The turn began: what its files are called is the agent's to keep from here on."""
        await self._do(user, "UPDATE given_files SET name = '', sha256 = '' WHERE turn = :turn", {"turn": turn})

    async def any_in(self, user: str, conversation: str) -> bool:
        """Whether a file was given in a conversation."""
        query = text("SELECT 1 FROM given_files WHERE conversation = :conversation")
        async with self._own.use(user) as store:
            row = {"conversation": conversation}
            return await store.read(lambda connection: connection.execute(query, row).first() is not None)

    async def forget(self, user: str, conversation: str) -> None:
        """A conversation is gone, and its files with it."""
        await self._do(user, "DELETE FROM given_files WHERE conversation = :conversation",
                       {"conversation": conversation})  # fmt: skip

    async def sweep(self) -> None:
        """Removes what was not sent for a day, of everybody."""
        for person in await self._users.everybody():
            query = text("SELECT id FROM given_files WHERE conversation IS NULL AND created < :until")
            row = {"until": (self._clock() - _UNSENT).isoformat()}
            async with self._own.use(person.id) as store:
                old = await store.read(lambda connection, row=row, query=query: [
                    each.id for each in connection.execute(query, row)
                ])  # type: ignore[misc]  # fmt: skip
            for file in old:
                await self._gone(person.id, file)

    async def _gone(self, user: str, file: str) -> None:
        """Has the agent drop a file, then forgets it; one that the agent cannot drop now is left to the sweep."""
        try:
            query = FileQuery(id=file)
            await self._bus.request(subjects.agent("ungive"), query, Done, self._context(user))
        except NotFound:
            pass
        except OaError:
            return
        await self._do(user, "DELETE FROM given_files WHERE id = :id AND conversation IS NULL", {"id": file})

    async def _unsent(self, user: str, file: str) -> bool:
        query = text("SELECT 1 FROM given_files WHERE id = :id AND conversation IS NULL")
        async with self._own.use(user) as store:
            return await store.read(lambda connection: connection.execute(query, {"id": file}).first() is not None)

    async def _do(self, user: str, statement: str, row: dict[str, Any]) -> None:
        async with self._own.use(user) as store:
            await store.write(lambda connection: connection.execute(text(statement), row).close())

    def _context(self, user: str, *, seconds: float = _SECONDS) -> CallContext:
        return self._grants.context(user, seconds=seconds)


def shown(file: GivenFile) -> views.File:
    """A file as the API shows it."""
    return views.File(id=file.id, name=file.name, kind=file.kind, what=file.what, size=file.size, note=file.note)


def _plain_name(given: str) -> str:
    """The last part of a path, without what cannot be seen; at most 200 characters, its ending among them."""
    bare = given.replace("\\", "/").rpartition("/")[2]
    seen = " ".join("".join(each if each.isprintable() else " " for each in bare).split())
    if len(seen) > 200:
        stem, dot, ending = seen.rpartition(".")
        seen = f"{stem[: 198 - len(ending)]}…{dot}{ending}" if dot and len(ending) <= 12 else seen[:200]
    return seen or "file"
