"""Personal API tokens: what somebody's programs sign in with. Stored hashed, for some things only, and not for ever."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, NotFound
from openassistant.messages import AuditAction
from openassistant.store import Store
from services.gateway import views
from services.gateway.backoff import Backoff
from services.gateway.ledger import Ledger
from services.gateway.problems import TokenRefused, invalid
from services.gateway.scopes import Scope, in_order
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.users import User

__all__ = ["MOST", "Tokens"]

MOST = 100
"""Tokens of one person."""

_TOUCH_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"oa_[0-9a-f]{64}", re.ASCII)
_STRONG: frozenset[Scope] = frozenset({"approve", "accounts"})
_GUESSES = "token"


class Tokens:
    """Makes, finds and revokes tokens. `backoff` is of its own: it counts what was refused, by network address."""

    def __init__(self, store: Store, sessions: Sessions, ledger: Ledger, backoff: Backoff, clock: Clock) -> None:
        self._store, self._sessions, self._ledger = store, sessions, ledger
        self._backoff, self._clock = backoff, clock

    async def create(self, me: SignedIn, draft: views.TokenDraft, *, address: str) -> views.NewToken:
        """A new token, written down first: the one moment at which it is known.

        Raises `SignInAgain` where a strong scope needs the password, `InvalidRequest` for a wrong one, `Conflict`
        for too many.
        """
        if not draft.scopes:
            raise invalid("Say what the token is for.", scopes="Choose at least one.")
        if _STRONG.intersection(draft.scopes):
            why = "A token that may decide or change accounts needs your password once more."
            await self._sessions.confirm_fresh(me, draft.password, address=address, why=why)
        if len(await self._rows(me.user.id)) >= MOST:
            raise Conflict(f"You have {MOST} tokens. Revoke one that is no longer used.")
        token, now = f"oa_{secrets.token_hex(32)}", self._clock()
        shown = views.Token(
            id=new_id(), name=draft.name, scopes=in_order(draft.scopes), tail=token[-4:], created_at=now,
            expires_at=now + timedelta(days=draft.expires_in_days),
        )  # fmt: skip
        await self._note(me.user, shown, address)
        row = _row(shown) | {"token_hash": _hash(token), "user": me.user.id}
        await self._store.write(lambda connection: _insert(connection, row))
        return views.NewToken(**shown.model_dump(), token=token)

    async def find(self, token: str, *, address: str) -> SignedIn:
        """Who acts with a token, and what it is for; raises `TokenRefused`, `RateLimited` for whoever guesses.

        A right token is never made to wait: 256 bits are not guessed, and a neighbour's wrong one must not stop it.
        """
        row = await self._living("t.token_hash", _hash(token)) if _FORM.fullmatch(token) else None
        if row is None:
            self._backoff.admit(_GUESSES, address, known=True)
            raise TokenRefused("This token is unknown, revoked or over.")
        await self._touch(row)
        user = User(id=row.user, username=row.username, display_name=row.display_name, role=row.role)
        expires = datetime.fromisoformat(row.expires)
        return SignedIn(session=row.id, user=user, expires=expires, scopes=frozenset(_scopes(row)))

    async def lives(self, token: str) -> bool:
        """Whether a token, by its id, has neither ended nor been revoked; for answers that last."""
        return await self._living("t.id", token) is not None

    async def listing(self, me: SignedIn) -> list[views.Token]:
        """One's own living tokens, newest first."""
        return await self.of(me.user.id)

    async def of(self, user: str) -> list[views.Token]:
        """A user's living tokens, newest first."""
        return [_shown(row) for row in await self._rows(user)]

    async def revoke(self, me: SignedIn, token: str) -> None:
        """Ends a token of this user at once; raises `NotFound`. The witness is told, and cannot prevent it."""
        row = {"id": token, "user": me.user.id}
        query = text("DELETE FROM tokens WHERE id = :id AND user = :user RETURNING name")
        name = await self._store.write(lambda connection: connection.execute(query, row).scalar())
        if name is None:
            raise NotFound("There is no such token.")
        content = {"token": token, "name": name}
        self._ledger.try_note(AuditAction.API_TOKEN_REVOKED, user=me.user.id, content=content)

    async def sweep(self) -> None:
        """Removes what has ended by itself."""
        row = {"now": self._clock().isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM tokens WHERE expires <= :now"), row)

        await self._store.write(write)

    async def _note(self, user: User, shown: views.Token, address: str) -> None:
        content = {**shown.model_dump(mode="json", include={"name", "scopes", "expires_at"}), "address": address}
        await self._ledger.note(AuditAction.API_TOKEN_CREATED, user=user.id, id=shown.id, content=content)

    async def _living(self, column: str, value: str) -> Any:
        chosen = "SELECT t.*, u.username, u.display_name, u.role FROM tokens t JOIN users u ON u.id = t.user"
        query = text(f"{chosen} WHERE {column} = :value AND t.expires > :now AND u.suspended IS NULL")
        row = {"value": value, "now": self._clock().isoformat()}
        return await self._store.read(lambda connection: connection.execute(query, row).one_or_none())

    async def _rows(self, user: str) -> list[Any]:
        query = text("SELECT * FROM tokens WHERE user = :user AND expires > :now ORDER BY id DESC")
        row = {"user": user, "now": self._clock().isoformat()}
        return await self._store.read(lambda connection: list(connection.execute(query, row)))

    async def _touch(self, row: Any) -> None:
        now = self._clock()
        if row.used is not None and now - datetime.fromisoformat(row.used) <= _TOUCH_EVERY:
            return
        used = {"id": row.id, "now": now.isoformat()}

        def write(connection: Connection) -> None:
            connection.execute(text("UPDATE tokens SET used = :now WHERE id = :id"), used)

        await self._store.write(write)


def _hash(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _row(shown: views.Token) -> dict[str, str]:
    return {
        "id": shown.id,
        "name": shown.name,
        "scopes": " ".join(shown.scopes),
        "tail": shown.tail,
        "created": shown.created_at.isoformat(),
        "expires": shown.expires_at.isoformat(),
    }


def _insert(connection: Connection, row: dict[str, str]) -> None:
    connection.execute(
        text(
            "INSERT INTO tokens (id, token_hash, user, name, scopes, tail, created, expires)"
            " VALUES (:id, :token_hash, :user, :name, :scopes, :tail, :created, :expires)"
        ),
        row,
    )


def _scopes(row: Any) -> tuple[Scope, ...]:
    """The stored scopes that still exist."""
    return in_order(row.scopes.split())


def _shown(row: Any) -> views.Token:
    return views.Token(
        id=row.id,
        name=row.name,
        scopes=_scopes(row),
        tail=row.tail,
        created_at=datetime.fromisoformat(row.created),
        expires_at=datetime.fromisoformat(row.expires),
        last_used_at=datetime.fromisoformat(row.used) if row.used else None,
    )
