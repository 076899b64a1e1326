"""Sessions: opaque 256-bit ids, stored hashed, with an idle and an absolute end; a new one at every sign-in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import NotFound
from openassistant.messages import AuditAction, Id, Wire
from openassistant.store import Store
from services.gateway import views
from services.gateway.backoff import Backoff, network_of
from services.gateway.codes import Code, Codes
from services.gateway.ledger import Ledger
from services.gateway.problems import (
    CodeRequired,
    ScopeMissing,
    ShutOut,
    SignInAgain,
    SignInRefused,
    SignInRequired,
    invalid,
)
from services.gateway.proofs import Proofs
from services.gateway.scopes import Scope
from services.gateway.users import User, Users, login_of

__all__ = ["FRESH", "Opened", "Sessions", "SignedIn"]

FRESH = timedelta(minutes=15)
"""How young a sign-in must be for what acts later without asking."""
IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=60)
_TOUCH_EVERY = timedelta(minutes=1)
_KNOWN_FOR = timedelta(days=180)


class SignedIn(Wire):
    """A living session and whose it is, or an API token in its place; then `session` is the token's id.

    `began`: when a password was last given. `scopes`: what the token is for; a session is for everything.
    """

    session: Id
    user: User
    expires: datetime
    began: datetime | None = None
    scopes: frozenset[Scope] | None = None

    @property
    def is_token(self) -> bool:
        """Whether this is an API token."""
        return self.scopes is not None

    def require(self, scope: Scope) -> None:
        """Raises `ScopeMissing` for a token without this scope."""
        if self.scopes is not None and scope not in self.scopes:
            raise ScopeMissing((scope,))


class Opened(Wire):
    """A new session: the one moment at which its token is known."""

    token: str
    session: Id
    user: User
    expires: datetime
    seconds: int


class Sessions:
    """Sign-in and what comes of it."""

    def __init__(self, store: Store, users: Users, ledger: Ledger, backoff: Backoff, clock: Clock) -> None:
        self._store, self._users, self._ledger, self._backoff = store, users, ledger, backoff
        self._clock, self.codes, self.proofs = clock, Codes(store, clock), Proofs(store, clock)

    async def sign_in(
        self,
        username: str,
        password: str,
        *,
        address: str,
        agent: str,
        code: str | None = None,
        former: tuple[str, ...] = (),
    ) -> Opened:
        """A session for the right password, and the right `code` of whom one is asked of; `former` are tokens that end.

        Raises `SignInRefused`, `CodeRequired` once the password is right, `ShutOut`, `RateLimited`.
        """
        found = await self._users.find(username)
        user, stored = found or (None, None)
        known = user is not None and await self._knows(user, address)
        self._backoff.admit(login_of(username), address, known=known)
        if not await self._users.fits(stored, password) or user is None or stored is None:
            if user is not None:
                self._ledger.try_note(AuditAction.SESSION_REFUSED, user=user.id, content={"address": address})
            raise SignInRefused("User name or password is wrong.")
        by = await self._second(user, code, address)
        self._backoff.succeeded(login_of(username), address)
        await self._users.refresh(user, stored, password)
        return await self.enter(user, address=address, agent=agent, former=former, by=by)

    async def second(self, user: User, code: str | None, *, address: str) -> None:
        """The code of somebody of whom one is asked, guarded as a password; raises `CodeRequired`, `RateLimited`."""
        self._backoff.admit(login_of(user.username), address, known=await self._knows(user, address))
        await self._second(user, code, address)
        self._backoff.succeeded(login_of(user.username), address)

    async def enter(
        self,
        user: User,
        *,
        address: str,
        agent: str,
        former: tuple[str, ...] = (),
        began: datetime | None = None,
        by: str | None = None,
    ) -> Opened:
        """A session of somebody who has shown who he is; `former` are tokens that end."""
        await self.leave(former)
        return await self.open(user, address=address, agent=agent, began=began, by=by)

    async def leave(self, former: tuple[str, ...]) -> None:
        """Ends the sessions that a browser had before, by their tokens."""
        for token in former:
            await self._forget(_hash(token))

    async def open(
        self, user: User, *, address: str, agent: str, began: datetime | None = None, by: str | None = None
    ) -> Opened:
        """A new session, written down first; `began`: when he last showed who he is, if that is not now.

        `by`: what he showed beside a password, or in its place. Raises `ShutOut`.
        """
        person = await self._users.person(user.id)
        if person is not None and person.suspended is not None:
            raise ShutOut("Who runs this house has shut your account out. Your data is kept. Ask him.")
        token, session, now = secrets.token_urlsafe(32), new_id(), self._clock()
        content = {"address": address, "agent": agent} | ({"by": by} if by else {})
        await self._ledger.note(AuditAction.SESSION_STARTED, user=user.id, id=session, content=content)
        row = {
            "id": session,
            "token_hash": _hash(token),
            "user": user.id,
            "now": now.isoformat(),
            "expires": (now + ABSOLUTE).isoformat(),
            "began": (began or now).isoformat(),
            "address": address,
            "agent": agent,
            "place": network_of(address),
        }
        await self._store.write(lambda connection: _insert(connection, row))
        seconds = int(ABSOLUTE.total_seconds())
        return Opened(token=token, session=session, user=user, expires=now + IDLE, seconds=seconds)

    async def find(self, token: str) -> SignedIn:
        """The living session behind a token; raises `SignInRequired`. Its idle time begins anew."""
        row = await self._store.read(lambda connection: _select(connection, "s.token_hash", _hash(token)))
        if row is None or self._ends(row) <= self._clock():
            raise SignInRequired("Your session is over. Please sign in again.")
        seen, now = datetime.fromisoformat(row.seen), self._clock()
        if now - seen > _TOUCH_EVERY:
            touched = {"id": row.session, "now": now.isoformat()}
            await self._store.write(
                lambda connection: connection.execute(text("UPDATE sessions SET seen = :now WHERE id = :id"), touched)
            )
        began = datetime.fromisoformat(row.began or row.created)
        return SignedIn(session=row.session, user=_user(row), expires=self._ends(row), began=began)

    async def confirm(self, me: SignedIn, password: str, *, address: str) -> None:
        """The password once more, guarded as at sign-in; raises `InvalidRequest` that names it, `RateLimited`.

        Who signs in elsewhere, or has a passkey, may give a proof in its place.
        """
        if await self.proofs.take(me.session, password):
            return
        user, stored = await self._users.find(me.user.username) or (None, None)
        self._backoff.admit(login_of(me.user.username), address, known=await self._knows(me.user, address))
        if not await self._users.fits(stored, password) or user is None or user.id != me.user.id:
            self._ledger.try_note(AuditAction.SESSION_REFUSED, user=me.user.id, content={"address": address})
            raise invalid("The password is wrong.", password="This is not your password.")
        self._backoff.succeeded(login_of(me.user.username), address)

    async def confirm_fresh(self, me: SignedIn, password: str | None, *, address: str, why: str) -> None:
        """A sign-in of the last quarter of an hour, or the password once more.

        Raises `SignInAgain` with `why`, `InvalidRequest` for a wrong password, `RateLimited`.
        """
        if password is not None:
            await self.confirm(me, password, address=address)
        elif me.began is None or self._clock() - me.began > FRESH:
            raise SignInAgain(why)

    async def lives(self, session: str) -> bool:
        """Whether a session has neither ended nor been revoked; for answers that last."""
        row = await self._store.read(lambda connection: _select(connection, "s.id", session))
        return row is not None and self._ends(row) > self._clock()

    async def listing(self, me: SignedIn) -> list[views.Device]:
        """One's own living sessions, newest first."""

        def read(connection: Connection) -> list[Any]:
            rows = connection.execute(
                text("SELECT * FROM sessions WHERE user = :user ORDER BY id DESC"), {"user": me.user.id}
            )
            return list(rows)

        rows = await self._store.read(read)
        return [self._device(row, me) for row in rows if self._ends(row) > self._clock()]

    async def end(self, user: User, session: str) -> None:
        """Ends a session of this user; raises `NotFound`. The witness is told, and cannot prevent it."""
        row = {"id": session, "user": user.id}

        def write(connection: Connection) -> bool:
            done = connection.execute(text("DELETE FROM sessions WHERE id = :id AND user = :user"), row)
            return done.rowcount > 0

        if not await self._store.write(write):
            raise NotFound("There is no such session.")
        self._ledger.try_note(AuditAction.SESSION_ENDED, user=user.id, id=session)

    async def sweep(self) -> None:
        """Removes what has ended by itself."""
        now = self._clock()
        row = {"now": now.isoformat(), "idle": (now - IDLE).isoformat(), "known": (now - _KNOWN_FOR).isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM sessions WHERE expires <= :now OR seen <= :idle"), row)
            connection.execute(text("DELETE FROM known_addresses WHERE seen <= :known"), row)

        await self._store.write(write)

    async def _second(self, user: User, code: str | None, address: str) -> Code | None:
        """The kind of code that came with a right password; a try without one does not count as a failed one."""
        if await self.codes.since(user.id) is None:
            return None
        if not code:
            self._backoff.spared(login_of(user.username), address)
            raise CodeRequired("Your password is right. Now the code that your app shows, or a recovery code.")
        kind = await self.codes.take(user.id, code)
        if kind is None:
            content = {"address": address, "by": "code"}
            self._ledger.try_note(AuditAction.SESSION_REFUSED, user=user.id, content=content)
            words = "This code is wrong, is over, or was used. Take the one that your app shows now."
            raise CodeRequired(words, details={"fields": {"code": words}})
        return kind

    async def _forget(self, token_hash: str) -> None:
        row = await self._store.read(lambda connection: _select(connection, "s.token_hash", token_hash))
        if row is not None:
            try:
                await self.end(_user(row), row.session)
            except NotFound:
                return

    async def _knows(self, user: User, address: str) -> bool:
        row = {"user": user.id, "address": network_of(address)}
        query = text("SELECT 1 FROM known_addresses WHERE user = :user AND address = :address")
        return await self._store.read(lambda connection: connection.execute(query, row).first() is not None)

    def _ends(self, row: Any) -> datetime:
        return min(datetime.fromisoformat(row.expires), datetime.fromisoformat(row.seen) + IDLE)

    def _device(self, row: Any, me: SignedIn) -> views.Device:
        return views.Device(
            id=row.id,
            created_at=datetime.fromisoformat(row.created),
            seen_at=datetime.fromisoformat(row.seen),
            expires_at=self._ends(row),
            address=row.address,
            agent=row.agent,
            current=row.id == me.session,
        )


def _hash(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _insert(connection: Connection, row: dict[str, Any]) -> None:
    connection.execute(
        text(
            "INSERT INTO sessions (id, token_hash, user, created, seen, expires, address, agent, began)"
            " VALUES (:id, :token_hash, :user, :now, :now, :expires, :address, :agent, :began)"
        ),
        row,
    )
    connection.execute(
        text(
            "INSERT INTO known_addresses (user, address, seen) VALUES (:user, :place, :now)"
            " ON CONFLICT (user, address) DO UPDATE SET seen = :now"
        ),
        row,
    )


def _select(connection: Connection, column: str, value: str) -> Any:
    columns = "s.id AS session, s.created, s.seen, s.expires, s.began, u.id, u.username, u.display_name, u.role"
    joined = "sessions s JOIN users u ON u.id = s.user"
    query = text(f"SELECT {columns} FROM {joined} WHERE {column} = :value AND u.suspended IS NULL")  # noqa: S608 - names from the code
    return connection.execute(query, {"value": value}).one_or_none()


def _user(row: Any) -> User:
    return User(id=row.id, username=row.username, display_name=row.display_name, role=row.role)
