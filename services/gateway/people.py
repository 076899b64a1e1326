"""The people of the house, as its owners look after them: roles, shutting out, removing; and what each is told of it.

An owner runs the house and reads nobody's content. What he does to somebody's account is written down in that
person's ledger as well as in his own, and stands in that person's browser until he has seen it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Conflict, NotFound, OaError
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import people_views as views
from services.gateway.bar import Bar
from services.gateway.house_words import HouseWords, WordKind, put
from services.gateway.ledger import Ledger
from services.gateway.links import Links
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import Person, Role, Users

__all__ = ["NOTICE", "People"]

NOTICE = timedelta(days=14)
"""How long somebody whom an owner removes has to take his data with him."""

_OWNERLESS = "A house has an owner. Make somebody else one first."
_WHY = "Changing what somebody may do here needs your password once more."

_log = logging.getLogger("openassistant.gateway")


class People:
    """What owners do. `owners_changed` is told of every change of roles; `erase` removes a person for good."""

    def __init__(
        self,
        store: Store,
        users: Users,
        sessions: Sessions,
        ledger: Ledger,
        *,
        links: Links,
        words: HouseWords,
        bar: Bar,
        owners_changed: Callable[[], None],
        erase: Callable[[str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._store, self._users, self._sessions, self._ledger = store, users, sessions, ledger
        self._links, self._words, self._bar, self._clock = links, words, bar, clock
        self._owners_changed, self._erase = owners_changed, erase

    async def listing(self) -> list[views.Person]:
        """Everybody, oldest first."""
        return [each.seen() for each in await self._users.people()]

    async def owners(self) -> views.Owners:
        """Names of those who run the house."""
        found = await self._users.everybody()
        return views.Owners(names=tuple(each.display_name for each in found if each.role == "owner"))

    async def set_role(self, me: SignedIn, person: str, draft: views.RoleDraft, *, address: str) -> list[views.Person]:
        """Makes somebody an owner or a member; raises `NotFound`, `Conflict` for the last owner, `SignInAgain`."""
        found = await self._other_or_me(person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if found.role != draft.role:
            await self._refuse_shut_out(found)
            if draft.role == "member" and len((await self.owners()).names) == 1:
                raise Conflict(_OWNERLESS)
            await self._note_both(me, found, AuditAction.ROLE_CHANGED, role=draft.role)
            word = self._words.row(person, "role_changed", by=me.user.display_name)

            def write(connection: Connection) -> None:
                _become(connection, person, draft.role)
                _refuse_ownerless(connection)
                if person != me.user.id:
                    put(connection, word)

            await self._store.write(write)
            self._owners_changed()
        return await self.listing()

    async def hand_over(self, me: SignedIn, person: str, draft: views.Fresh, *, address: str) -> list[views.Person]:
        """Makes somebody else the owner in one's own place; one is a member from then on. Raises as `set_role`."""
        found = await self._other(me, person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        await self._refuse_shut_out(found)
        await self._note_both(me, found, AuditAction.ROLE_CHANGED, role="owner")
        await self._ledger.note(
            AuditAction.ROLE_CHANGED, user=me.user.id, content=_content(me, me.user.id, role="member")
        )
        word = self._words.row(person, "role_changed", by=me.user.display_name)

        def write(connection: Connection) -> None:
            _become(connection, person, "owner")
            _become(connection, me.user.id, "member")
            put(connection, word)

        await self._store.write(write)
        self._owners_changed()
        return await self.listing()

    async def suspend(self, me: SignedIn, person: str, draft: views.Fresh, *, address: str) -> list[views.Person]:
        """Shuts a member out: his sign-ins end, nothing runs for him, his data stays. Raises as `set_role`."""
        found = await self._member(me, person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if found.leaves is not None:
            raise Conflict("He is being removed, and has the time until then for his data. Keep him first.")
        if found.suspended is None:
            await self._note_both(me, found, AuditAction.USER_SUSPENDED)
            row = {"user": person, "now": self._clock().isoformat()}

            def write(connection: Connection) -> None:
                connection.execute(text("UPDATE users SET suspended = :now WHERE id = :user"), row)
                connection.execute(text("DELETE FROM sessions WHERE user = :user"), row)
                connection.execute(text("DELETE FROM invitations WHERE user = :user"), row)

            await self._store.write(write)
            await self._bar.refresh()
            await self._bar.attach(person)
        return await self.listing()

    async def resume(self, me: SignedIn, person: str, draft: views.Fresh, *, address: str) -> list[views.Person]:
        """Lets somebody in again, as he was; raises as `set_role`."""
        found = await self._member(me, person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if found.suspended is not None:
            await self._note_both(me, found, AuditAction.USER_RESUMED)
            await self._set(person, "suspended", None, word="resumed", by=me)
            await self._bar.refresh()
            await self._bar.attach(person)
        return await self.listing()

    async def announce_removal(
        self, me: SignedIn, person: str, draft: views.Fresh, *, address: str
    ) -> list[views.Person]:
        """Begins to remove a member: after two weeks' notice everything of his is erased. Raises as `set_role`."""
        found = await self._member(me, person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        await self._refuse_shut_out(found)
        if found.leaves is None:
            leaves = self._clock() + NOTICE
            await self._note_both(me, found, AuditAction.REMOVAL_ANNOUNCED, at=leaves.isoformat())
            word = self._words.row(person, "leaving", by=me.user.display_name, ends=leaves)
            row = {"user": person, "at": leaves.isoformat()}

            def write(connection: Connection) -> None:
                connection.execute(text("UPDATE users SET leaves = :at WHERE id = :user"), row)
                put(connection, word)

            await self._store.write(write)
        return await self.listing()

    async def withdraw_removal(
        self, me: SignedIn, person: str, draft: views.Fresh, *, address: str
    ) -> list[views.Person]:
        """Keeps somebody after all; raises as `set_role`."""
        found = await self._member(me, person)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        if found.leaves is not None:
            await self._note_both(me, found, AuditAction.REMOVAL_WITHDRAWN)
            await self._set(person, "leaves", None)
            await self._words.drop(person, "leaving")
        return await self.listing()

    async def sweep(self) -> None:
        """Removes those whose notice is over, and links that are."""
        await self._links.sweep()
        now = self._clock()
        for each in await self._users.people():
            if each.leaves is not None and each.leaves <= now and each.role == "member" and each.suspended is None:
                try:
                    await self._erase(each.id)
                except OaError as error:
                    _log.warning("a removal waits", extra={"code": error.code})

    # --- who is meant ---------------------------------------------------------------------------------------------

    async def _other_or_me(self, person: str) -> Person:
        found = await self._users.person(person)
        if found is None:
            raise NotFound("Nobody of that id lives here.")
        return found

    async def _other(self, me: SignedIn, person: str) -> Person:
        if person == me.user.id:
            raise Conflict("That is you.")
        return await self._other_or_me(person)

    async def _member(self, me: SignedIn, person: str) -> Person:
        """Somebody to whom an owner may do this: no owner, for then two could shut each other out."""
        found = await self._other(me, person)
        if found.role == "owner":
            raise Conflict("He is an owner of this house. Make him a member first.")
        return found

    async def _refuse_shut_out(self, found: Person) -> None:
        if found.suspended is not None:
            raise Conflict("He is shut out, and would not learn of it. Let him in again first.")
        if found.leaves is not None:
            raise Conflict("He is being removed. Keep him first.")

    async def _set(
        self, person: str, column: str, value: str | None, *, word: WordKind | None = None, by: SignedIn | None = None
    ) -> None:
        row = {"user": person, "value": value}
        said = self._words.row(person, word, by=by.user.display_name) if word and by else None

        def write(connection: Connection) -> None:
            connection.execute(text(f"UPDATE users SET {column} = :value WHERE id = :user"), row)  # noqa: S608 - ours
            if said:
                put(connection, said)

        await self._store.write(write)

    async def _note_both(self, me: SignedIn, person: Person, action: AuditAction, **more: Any) -> None:
        """Written down in both ledgers before it holds: his first, for it is done to him."""
        content = _content(me, person.id, **more)
        await self._ledger.note(action, user=person.id, content=content)
        if person.id != me.user.id:
            await self._ledger.note(action, user=me.user.id, content=content)


def _content(me: SignedIn, person: str, **more: Any) -> dict[str, Any]:
    return {"of": person, "by": me.user.id, "name": me.user.display_name, **more}


def _become(connection: Connection, person: str, role: Role) -> None:
    """What he invited as an owner is void where he is none any more."""
    row = {"user": person, "role": role}
    connection.execute(text("UPDATE users SET role = :role WHERE id = :user"), row)
    if role == "member":
        connection.execute(text("DELETE FROM invitations WHERE inviter = :user"), row)


def _refuse_ownerless(connection: Connection) -> None:
    """Raises `Conflict`, and with it the change is undone."""
    if connection.execute(text("SELECT 1 FROM users WHERE role = 'owner' LIMIT 1")).first() is None:
        raise Conflict(_OWNERLESS)
