"""A room's files under new keys while it runs: the gateway asks for one after the other, the room says when it is done.

Until then the vault hands out both keys, so that a file opens whatever broke off; the one before is destroyed when the
room has said that its file is under the other.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.errors import InvalidRequest
from openassistant.grants import Trust
from openassistant.guard import admit_grant
from openassistant.keys import Keys
from openassistant.messages import Done, Id, Wire
from openassistant.store import Store, UserStores

__all__ = [
    "KeyKind",
    "KeysReport",
    "Outstanding",
    "RekeyRequest",
    "Rekeying",
    "RotateRequest",
    "RotationPart",
]

KeyKind = Literal["root", "data", "credentials"]
"""The root key, the keys of the rooms' files, those that account secrets are under."""


class RekeyRequest(Wire):
    """A room puts its own file, or that of a user, under the key that follows, where the vault has one."""

    user: Id | None = None


class RotateRequest(Wire):
    """The vault makes new keys; the same `id` again goes on with what was not done. No kinds: it only reports."""

    id: Id
    keys: tuple[KeyKind, ...]


class RotationPart(Wire):
    """So many keys (or, of credentials, secrets under new ones) of a kind were replaced, or are about to be."""

    keys: KeyKind
    count: Annotated[int, Field(ge=0)]


class Outstanding(Wire):
    """A file that is not under its new key yet: a room's own, or that of a user there."""

    room: str
    user: Id | None = None


class KeysReport(Wire):
    """What was done under an id, what is not done yet, and how the root key is kept.

    `fixed` says why the root key cannot be replaced by the house itself, where that is so.
    """

    done: tuple[RotationPart, ...] = ()
    outstanding: tuple[Outstanding, ...] = ()
    protected: bool = False
    fixed: str | None = None


class Rekeying:
    """The file of the room, and those of its users where it has any."""

    def __init__(self, keys: Keys, room: Store, users: UserStores | None = None) -> None:
        self._keys, self._room, self._users = keys, room, users

    async def serve(self, bus: Bus, *, trust: Trust, clock: Clock) -> None:
        """Answers the gateway, one file at a time; asked again, what is done is done.

        For a user's file the context holds a grant of his.
        """

        async def on_rekey(ctx: CallContext, request: RekeyRequest) -> Done:
            if request.user is None:
                await self.room()
            else:
                admit_grant(ctx, trust=trust, user=request.user, now=clock())
                await self.user(request.user, ctx.grant)
            return Done()

        await bus.serve(subjects.data(bus.room, "rekey"), RekeyRequest, on_rekey, limit=1)

    async def room(self) -> None:
        """The room's own file."""
        key = await self._keys.room(wait=0)
        if key.successor is not None:
            await self._room.rekey(key.successor)
            await self._keys.adopted(None, key.successor)

    async def user(self, user: str, grant: str | None) -> None:
        """A user's file. One that is missing is made: another instance might still make it under the former key."""
        if self._users is None:
            raise InvalidRequest("This room has no files of users.")
        await self._keys.unlock(user, grant)
        key = await self._keys.anew(user)
        if key.successor is None:
            return
        async with self._users.use(user) as store:
            await store.rekey(key.successor)
        await self._keys.adopted(user, key.successor)
