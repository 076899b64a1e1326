"""Passkeys: made while signed in, shown in the place of user name, password and code; `relying` says whether rightly.

A passkey is something that one has and that asks for its person (a finger, a face, a PIN), so it is two factors in one.
What a browser is asked is random, kept here, and good for once, for minutes, and for the one thing it was asked for.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import security_views as views
from services.gateway.backoff import Backoff
from services.gateway.house_words import HouseWords, put
from services.gateway.ledger import Ledger
from services.gateway.people_views import Fresh
from services.gateway.problems import SignInRefused
from services.gateway.relying import SECONDS, Known, Party, asked_for, check_made, check_shown, encoded, to_make
from services.gateway.sessions import Opened, Sessions, SignedIn
from services.gateway.users import User, Users

__all__ = ["MOST", "Passkeys"]

MOST = 20
"""Passkeys of one person."""
_LIFE = timedelta(seconds=SECONDS)
_WHY = "A passkey signs you in without your password, so it needs that once more."
_OVER = "This took too long, or was begun elsewhere. Begin again."
_UNKNOWN = "This passkey signs nobody in here. It was removed, or it is of another house."
_DOUBTFUL = (
    "This passkey counted backwards, as a copy of it would, so it was refused. Sign in otherwise and look there."
)

_Purpose = Literal["add", "enter", "again"]


class Passkeys:
    """The tables `passkeys` and `passkey_challenges`. `backoff` counts who begins many sign-ins and ends none."""

    def __init__(self, store: Store, users: Users, sessions: Sessions, ledger: Ledger, *, clock: Clock) -> None:
        self._store, self._users, self._sessions, self._ledger = store, users, sessions, ledger
        self._backoff, self._words, self._clock = Backoff(clock), HouseWords(store, clock), clock

    async def listing(self, user: str) -> tuple[views.Passkey, ...]:
        """A user's passkeys, newest first."""
        return tuple(_shown(row) for row in await self._rows(user))

    # --- one's own ------------------------------------------------------------------------------------------------

    async def begin(self, me: SignedIn, draft: Fresh, who: Party, *, address: str) -> views.PasskeyGoing:
        """Begins to make one; raises `SignInAgain`, `Conflict` for too many."""
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        rows = await self._rows(me.user.id)
        if len(rows) >= MOST:
            raise Conflict(f"You have {MOST} passkeys. Remove one that is no longer used.")
        ceremony, challenge = await self._challenge("add", session=me.session)
        handle, shown = bytes.fromhex(me.user.id), me.user.display_name
        known = [_known(row) for row in rows if row.host == who.host]
        options = to_make(who, challenge=challenge, handle=handle, name=me.user.username, shown=shown, known=known)
        return views.PasskeyGoing(id=ceremony, options=options)

    async def add(self, me: SignedIn, draft: views.PasskeyDraft, who: Party, *, address: str) -> views.Passkey:
        """The passkey that the browser made; raises `InvalidRequest`, `Conflict` where it is known."""
        challenge = await self._take(draft.id, "add", session=me.session)
        made = check_made(draft.credential.model_dump(exclude_none=True), who, challenge=challenge)
        content = {"kind": "passkey", "name": draft.name, "address": address}
        await self._ledger.note(AuditAction.FACTOR_ADDED, user=me.user.id, content=content)
        row = {
            "id": new_id(), "user": me.user.id, "credential": made.credential, "public_key": made.public_key,
            "host": who.host, "counter": made.counter, "transports": " ".join(draft.credential.response.transports),
            "name": draft.name, "synced": made.synced, "created": self._clock().isoformat(),
        }  # fmt: skip
        word = self._words.row(me.user.id, "passkey_added", by=draft.name)

        def write(connection: Connection) -> None:
            _insert(connection, row)
            put(connection, word)

        await self._store.write(write)
        return _shown(await self._own(me.user.id, str(row["id"])))

    async def rename(self, me: SignedIn, passkey: str, name: str, *, address: str) -> views.Passkey:
        """Another name for one; raises `NotFound`. A name that it has already is no change."""
        found = await self._own(me.user.id, passkey)
        if found.name != name:
            content = {"kind": "passkey", "name": name, "before": found.name, "address": address}
            await self._ledger.note(AuditAction.FACTOR_RENAMED, user=me.user.id, content=content)
            row = {"id": passkey, "user": me.user.id, "name": name}
            update = text("UPDATE passkeys SET name = :name WHERE id = :id AND user = :user")
            await self._store.write(lambda connection: connection.execute(update, row))
        return _shown(await self._own(me.user.id, passkey))

    async def remove(self, me: SignedIn, passkey: str, draft: Fresh, *, address: str) -> None:
        """It signs nobody in any more; raises `NotFound`, `SignInAgain`."""
        found = await self._own(me.user.id, passkey)
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        content = {"kind": "passkey", "name": found.name, "address": address}
        await self._ledger.note(AuditAction.FACTOR_REMOVED, user=me.user.id, content=content)
        word = self._words.row(me.user.id, "passkey_removed", by=found.name)

        def write(connection: Connection) -> None:
            row = {"id": passkey, "user": me.user.id}
            connection.execute(text("DELETE FROM passkeys WHERE id = :id AND user = :user"), row)
            put(connection, word)

        await self._store.write(write)

    async def again(self, me: SignedIn, who: Party) -> views.PasskeyGoing:
        """Begins to show once more that it is oneself; raises `NotFound` without a passkey for this name."""
        known = [_known(row) for row in await self._rows(me.user.id) if row.host == who.host]
        if not known:
            raise NotFound("You have no passkey for this name of the house.")
        ceremony, challenge = await self._challenge("again", session=me.session)
        return views.PasskeyGoing(id=ceremony, options=asked_for(who, challenge=challenge, known=known))

    async def proved(self, me: SignedIn, draft: views.PasskeyShown, who: Party, *, address: str) -> views.Proof:
        """What does once in a password's place; raises `SignInRefused` for a passkey that is not one's own."""
        challenge = await self._take(draft.id, "again", session=me.session)
        await self._check(draft, who, challenge=challenge, address=address, of=me.user.id)
        return views.Proof(proof=await self._sessions.proofs.give(me.session))

    # --- sign-in --------------------------------------------------------------------------------------------------

    async def enter(self, who: Party, *, address: str) -> views.PasskeyGoing:
        """Begins a sign-in of whoever it may be; raises `RateLimited` for whoever begins many and ends none."""
        self._backoff.admit("passkey", address, known=True)
        ceremony, challenge = await self._challenge("enter")
        return views.PasskeyGoing(id=ceremony, options=asked_for(who, challenge=challenge))

    async def entered(
        self, draft: views.PasskeyShown, who: Party, *, address: str, agent: str, former: tuple[str, ...]
    ) -> Opened:
        """A session of whose passkey it is; raises `SignInRefused`, `InvalidRequest`, `ShutOut`."""
        challenge = await self._take(draft.id, "enter")
        user = await self._check(draft, who, challenge=challenge, address=address)
        self._backoff.succeeded("passkey", address)
        return await self._sessions.enter(user, address=address, agent=agent, former=former, by="passkey")

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _check(
        self, draft: views.PasskeyShown, who: Party, *, challenge: bytes, address: str, of: str | None = None
    ) -> User:
        """Whose passkey was rightly shown. Of a sign-in it has to say itself whose it is (7.2, step 6)."""
        row, handle = await self._find(draft.credential.id, who), draft.credential.response.userHandle
        if row is None or (of is not None and row.user != of):
            raise SignInRefused(_UNKNOWN)
        named = handle == encoded(bytes.fromhex(row.user)) or (handle is None and of is not None)
        try:
            answer = draft.credential.model_dump(exclude_none=True)
            counter = check_shown(answer, who, challenge=challenge, public_key=row.public_key)
        except InvalidRequest:
            self._refused(row, address)
            raise
        if not named:
            self._refused(row, address)
            raise SignInRefused(_UNKNOWN)
        if not await self._counted(row, counter):
            self._refused(row, address)
            await self._words.say(row.user, "passkey_doubtful", by=row.name)
            raise SignInRefused(_DOUBTFUL)
        return User(id=row.user, username=row.username, display_name=row.display_name, role=row.role)

    def _refused(self, row: Any, address: str) -> None:
        content = {"address": address, "by": "passkey", "name": row.name}
        self._ledger.try_note(AuditAction.SESSION_REFUSED, user=row.user, content=content)

    async def _counted(self, row: Any, counter: int) -> bool:
        """Whether a passkey counts on; those that count nothing always say 0 (6.1.1, and 7.2, step 22)."""
        update = {"id": row.id, "counter": counter, "now": self._clock().isoformat()}
        query = text(
            "UPDATE passkeys SET counter = :counter, used = :now WHERE id = :id"
            " AND (counter < :counter OR (counter = 0 AND :counter = 0))"
        )
        return await self._store.write(lambda connection: connection.execute(query, update).rowcount > 0)

    async def _challenge(self, purpose: _Purpose, *, session: str | None = None) -> tuple[str, bytes]:
        ceremony, challenge, now = new_id(), secrets.token_bytes(32), self._clock()
        row = {
            "id": ceremony, "challenge": challenge, "purpose": purpose, "session": session,
            "expires": (now + _LIFE).isoformat(), "now": now.isoformat(),
        }  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM passkey_challenges WHERE expires <= :now"), row)
            connection.execute(
                text(
                    "INSERT INTO passkey_challenges (id, challenge, purpose, session, expires)"
                    " VALUES (:id, :challenge, :purpose, :session, :expires)"
                ),
                row,
            )

        await self._store.write(write)
        return ceremony, challenge

    async def _take(self, ceremony: str, purpose: _Purpose, *, session: str | None = None) -> bytes:
        """What was asked, used up by that, whatever comes of the answer; raises `InvalidRequest`."""
        row = {"id": ceremony, "purpose": purpose, "session": session, "now": self._clock().isoformat()}
        query = text(
            "DELETE FROM passkey_challenges WHERE id = :id AND purpose = :purpose AND session IS :session"
            " AND expires > :now RETURNING challenge"
        )
        found = await self._store.write(lambda connection: connection.execute(query, row).scalar())
        if found is None:
            raise InvalidRequest(_OVER)
        return bytes(found)

    async def _find(self, credential: str, who: Party) -> Any:
        query = text(
            "SELECT p.*, u.username, u.display_name, u.role FROM passkeys p JOIN users u ON u.id = p.user"
            " WHERE p.credential = :credential AND p.host = :host"
        )
        row = {"credential": credential, "host": who.host}
        return await self._store.read(lambda connection: connection.execute(query, row).one_or_none())

    async def _own(self, user: str, passkey: str) -> Any:
        """One of a user's; raises `NotFound`."""
        found = next((row for row in await self._rows(user) if row.id == passkey), None)
        if found is None:
            raise NotFound("There is no such passkey.")
        return found

    async def _rows(self, user: str) -> list[Any]:
        query = text("SELECT * FROM passkeys WHERE user = :user ORDER BY id DESC")
        return await self._store.read(lambda connection: list(connection.execute(query, {"user": user})))


def _insert(connection: Connection, row: dict[str, Any]) -> None:
    """Stores one; raises `Conflict` for an id that is somebody's already (7.1, step 26)."""
    if connection.execute(text("SELECT 1 FROM passkeys WHERE credential = :credential"), row).first():
        raise Conflict("This passkey is known here already.")
    connection.execute(
        text(
            "INSERT INTO passkeys"
            " (id, user, credential, public_key, host, counter, transports, name, synced, created) VALUES"
            " (:id, :user, :credential, :public_key, :host, :counter, :transports, :name, :synced, :created)"
        ),
        row,
    )


def _known(row: Any) -> Known:
    return Known(row.credential, tuple(row.transports.split()))


def _shown(row: Any) -> views.Passkey:
    return views.Passkey(
        id=row.id, name=row.name, host=row.host, synced=bool(row.synced),
        created_at=datetime.fromisoformat(row.created),
        used_at=datetime.fromisoformat(row.used) if row.used else None,
    )  # fmt: skip
