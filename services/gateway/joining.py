"""Coming into the house by a link, and passwords: one's own changed, or set anew by a link that an owner made.

An owner never sets somebody's password. He makes a link and hands it over; the person is told in his browsers and in
his ledger, and the link works only a day later unless he says there that it is his wish. So an owner who would come in
by it himself is seen and can be stopped.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import people_views as views
from services.gateway.codes import forget_codes
from services.gateway.house import HouseRules
from services.gateway.house_words import HouseWord, HouseWords, put
from services.gateway.ledger import Ledger
from services.gateway.links import Link, Links, take
from services.gateway.people import People
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import User, Users

__all__ = ["MOST", "WAIT", "Joining"]

MOST = 50
"""Open invitations of a house."""
WAIT = timedelta(hours=24)
"""How long a link to another password waits, so that the person is told before it works."""
_RESET_LIVES = timedelta(days=7)
_WHY_INVITE = "Letting somebody into the house needs your password once more."
_WHY_RESET = "A link to somebody's password needs your own once more."


class Joining:
    """Invitations and reset links, made by owners, used by whoever holds them."""

    def __init__(
        self,
        store: Store,
        users: Users,
        sessions: Sessions,
        ledger: Ledger,
        *,
        links: Links,
        words: HouseWords,
        people: People,
        rules: HouseRules,
        clock: Clock,
    ) -> None:
        self._store, self._users, self._sessions, self._ledger = store, users, sessions, ledger
        self._links, self._words, self._people, self._rules, self._clock = links, words, people, rules, clock
        self._lock = asyncio.Lock()

    # --- what owners do -------------------------------------------------------------------------------------------

    async def invite(self, me: SignedIn, draft: views.InvitationDraft, *, address: str) -> views.NewInvitation:
        """A link that lets one person in, shown once; raises `SignInAgain`, `Conflict` where the house is full."""
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY_INVITE)
        if len(await self._links.living("join")) >= MOST:
            raise Conflict(f"{MOST} invitations are open. Revoke one that is no longer wanted.")
        await self._users.refuse_full(self._rules.people)
        now = self._clock()
        expires = now + timedelta(days=draft.days)
        link = self._links.draft("join", inviter=me.user.id, opens=now, expires=expires, label=draft.label)
        content = {"label": draft.label, "expires": expires.isoformat()}
        await self._ledger.note(AuditAction.USER_INVITED, user=me.user.id, id=link.id, content=content)
        return await self._links.keep(link)

    async def invitations(self) -> list[views.Invitation]:
        """Open invitations, newest first."""
        return [each.view() for each in await self._links.living("join")]

    async def revoke(self, me: SignedIn, invitation: str) -> None:
        """Ends an invitation at once; raises `NotFound`. The witness is told, and cannot prevent it."""
        if invitation not in {each.id for each in await self._links.living("join")}:
            raise NotFound("There is no such invitation: it was used, or is over.")
        await self._links.revoke(invitation)
        self._ledger.try_note(AuditAction.INVITATION_REVOKED, user=me.user.id, content={"invitation": invitation})

    async def offer_reset(
        self, me: SignedIn, person: str, draft: views.ResetOffer, *, address: str
    ) -> views.NewInvitation:
        """A link that lets a member set his password anew, from tomorrow on or when he agrees; he is told of it.

        Raises `NotFound`, `SignInAgain`, `Conflict` for an owner and for who is shut out.
        """
        found = await self._users.person(person)
        if found is None:
            raise NotFound("Nobody of that id lives here.")
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY_RESET)
        if found.role == "owner":
            raise Conflict("Nobody makes a link to an owner's password. Make him a member first.")
        if found.suspended is not None:
            raise Conflict("He is shut out, and would not learn of it. Let him in again first.")
        opens = self._clock() + WAIT
        link = self._links.draft(
            "reset", inviter=me.user.id, user=person, opens=opens, expires=opens + _RESET_LIVES, factors=draft.factors
        )
        content = {
            "of": person, "by": me.user.id, "name": me.user.display_name, "opens": opens.isoformat(),
            "factors": draft.factors,
        }  # fmt: skip
        await self._ledger.note(AuditAction.RESET_OFFERED, user=person, id=link.id, content=content)
        await self._ledger.note(AuditAction.RESET_OFFERED, user=me.user.id, content=content)
        await self._words.say(person, "reset_offered", by=me.user.display_name, about=link.id, ends=link.expires)
        return await self._links.keep(link)

    # --- who comes by a link --------------------------------------------------------------------------------------

    async def look(self, token: str, *, address: str) -> views.Invited:
        """What a link is for, before anything is given; raises `NotFound`, `RateLimited`."""
        link = await self._links.find(token, address=address)
        everybody = {each.id: each for each in await self._users.everybody()}
        return views.Invited(
            kind=link.kind, by=everybody[link.inviter].display_name, owners=(await self._people.owners()).names,
            username=everybody[link.user].username if link.user else None, opens_at=link.opens,
            expires_at=link.expires,
        )  # fmt: skip

    async def join(self, draft: views.JoinDraft, *, address: str) -> User:
        """The person who came by a link, created once with it used up.

        Raises `NotFound`, `RateLimited`, `InvalidRequest` that names the field, `Conflict` for a name that is taken
        and for a house that is full.
        """
        async with self._lock:
            link = await self._living(draft.token, "join", address)
            if not draft.of_age:
                words = f"You have to be {self._rules.minimum_age} or older to join."
                raise invalid(words, of_age=words)
            await self._users.refuse_full(self._rules.people)
            user, hashed = await self._users.prepare(
                username=draft.username, password=draft.password, display_name=draft.display_name, role="member"
            )
            if await self._users.find(user.username) is not None:
                raise Conflict("That user name is taken.", details={"fields": {"username": "Somebody has it already."}})
            content = {"role": user.role, "invitation": link.id}
            await self._ledger.note(AuditAction.USER_CREATED, user=user.id, id=user.id, content=content)
            await self._users.add(
                user, hashed, of_age=True, most=self._rules.people, within=lambda connection: take(connection, link.id)
            )
        self._ledger.try_note(
            AuditAction.USER_JOINED, user=link.inviter, content={"invitation": link.id, "who": user.display_name}
        )
        return user

    async def reset(self, draft: views.ResetDraft, *, address: str) -> User:
        """The person whose password is another now; whoever was signed in as him is so no longer.

        Raises `NotFound`, `RateLimited`, `InvalidRequest` that names the field, `Forbidden` before the link works,
        `CodeRequired` of whom a code is asked, unless the link takes his second factor away.
        """
        async with self._lock:
            link = await self._living(draft.token, "reset", address)
            if link.opens > self._clock():
                raise Forbidden(
                    f"This link works from {link.opens:%Y-%m-%d %H:%M} UTC on, so that you are told of it first. Where"
                    " you are still signed in, a note lets you use it now."
                )
            person = await self._users.person(str(link.user))
            assert person is not None, "a link goes with its person"
            row = {"user": person.id, "password": await self._users.hashed(person.username, draft.password)}
            if not link.factors:
                await self._sessions.second(person, draft.code, address=address)
            content = {"link": link.id, "factors": link.factors}
            await self._ledger.note(AuditAction.PASSWORD_CHANGED, user=person.id, content=content)
            inviter = await self._users.person(link.inviter)
            word = self._words.row(person.id, "reset_used", by=inviter.display_name if inviter else "")

            def write(connection: Connection) -> None:
                take(connection, link.id)
                _set_password(connection, row)
                if link.factors:
                    forget_codes(connection, person.id)
                    connection.execute(text("DELETE FROM passkeys WHERE user = :user"), row)
                connection.execute(text("DELETE FROM sessions WHERE user = :user"), row)
                connection.execute(text("DELETE FROM house_words WHERE user = :user AND kind = 'reset_offered'"), row)
                put(connection, word)

            await self._store.write(write)
        return person

    # --- what one does oneself ------------------------------------------------------------------------------------

    async def change_password(self, me: SignedIn, draft: views.PasswordDraft, *, address: str) -> None:
        """Sets one's own password; every other sign-in ends. Raises `InvalidRequest` that names the field."""
        await self._sessions.confirm(me, draft.password, address=address)
        try:
            hashed = await self._users.hashed(me.user.username, draft.new)
        except InvalidRequest as error:
            raise invalid(error.message, new=error.details["fields"]["password"]) from error
        await self._ledger.note(AuditAction.PASSWORD_CHANGED, user=me.user.id, content={"by": "owner"})
        row = {"user": me.user.id, "password": hashed, "session": me.session}

        def write(connection: Connection) -> None:
            _set_password(connection, row)
            connection.execute(text("DELETE FROM sessions WHERE user = :user AND id != :session"), row)
            connection.execute(text("DELETE FROM invitations WHERE user = :user"), row)
            connection.execute(text("DELETE FROM house_words WHERE user = :user AND kind = 'reset_offered'"), row)

        await self._store.write(write)

    async def told(self, me: SignedIn) -> list[views.HouseWord]:
        """What the house tells oneself, newest first; a link that is over is not worth a word."""
        found = await self._words.of(me.user.id)
        link = await self._links.of(me.user.id)
        living = [each for each in found if each.kind != "reset_offered" or (link and each.about == link.id)]
        return [self._shown(each, link) for each in living]

    async def agree(self, me: SignedIn, word: str) -> list[views.HouseWord]:
        """Lets the link to one's own password work from now on; raises `NotFound`."""
        link = await self._offered(me, word)
        await self._answer(me, link, "agreed")
        await self._links.open_now(link.id)
        return await self.told(me)

    async def wave_away(self, me: SignedIn, word: str) -> list[views.HouseWord]:
        """One has seen it; a link to one's password that waits is refused by that. Raises `NotFound`, `Conflict`."""
        found = await self._words.one(me.user.id, word)
        if found.kind == "leaving":
            raise Conflict("This stays until it is done, or withdrawn.")
        link = await self._links.of(me.user.id)
        if found.kind == "reset_offered" and link is not None:
            await self._links.revoke(link.id)
            await self._answer(me, link, "refused")
        await self._words.drop(me.user.id, found.kind)
        return await self.told(me)

    def _shown(self, word: HouseWord, link: Link | None) -> views.HouseWord:
        waits = word.kind == "reset_offered" and link is not None and link.opens > self._clock()
        return views.HouseWord(
            id=word.id, kind=word.kind, by=word.by, at=word.at, ends_at=word.ends, can_agree=waits,
            factors=word.kind == "reset_offered" and link is not None and link.factors,
        )  # fmt: skip

    async def _offered(self, me: SignedIn, word: str) -> Link:
        found, link = await self._words.one(me.user.id, word), await self._links.of(me.user.id)
        if found.kind != "reset_offered" or link is None or found.about != link.id:
            raise NotFound("There is nothing to agree to any more.")
        return link

    async def _answer(self, me: SignedIn, link: Link, outcome: str) -> None:
        content = {"link": link.id, "session": me.session}
        await self._ledger.note(AuditAction.RESET_ANSWERED, user=me.user.id, outcome=outcome, content=content)

    async def _living(self, token: str, kind: str, address: str) -> Link:
        link = await self._links.find(token, address=address)
        if link.kind != kind:
            raise NotFound("This link is for something else.")
        return link


def _set_password(connection: Connection, row: dict[str, Any]) -> None:
    """From now on he has one of his own, also where he came by a provider and had none."""
    connection.execute(text("UPDATE users SET password = :password WHERE id = :user"), row)
    connection.execute(text("DELETE FROM openid_people WHERE user = :user"), row)
