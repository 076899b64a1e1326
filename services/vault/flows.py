"""Authorizations under way: bound to a person's session, good once and for minutes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from openassistant.errors import Conflict, NotFound
from openassistant.oauth import AuthorizeRequest
from openassistant.store import Store
from services.vault.credentials import Credentials

__all__ = ["MOST", "Flow", "begin", "drop", "find", "new_state", "take"]

MOST = 20
"""Authorizations of one person that can be under way at once."""


class Flow(NamedTuple):
    """What was asked, and the secrets that its end needs: code verifier or device code."""

    id: str
    request: AuthorizeRequest
    secrets: dict[str, str]
    expires: datetime


def new_state() -> str:
    """A value that nobody can guess (RFC 6749, 10.12)."""
    return secrets.token_urlsafe(32)


async def begin(store: Store, credentials: Credentials, flow: Flow, *, state: str | None, now: datetime) -> None:
    """Keeps an authorization; those that are over go. Raises `Conflict` where too many are under way."""
    row = {
        "id": flow.id, "state": _hashed(state) if state else None, "user": flow.request.user,
        "session": flow.request.session, "request": flow.request.model_dump_json(),
        "secrets": credentials.encrypt(flow.secrets), "expires": flow.expires.isoformat(),
        "now": now.isoformat(), "most": MOST,
    }  # fmt: skip

    def write(connection: Connection) -> int:
        connection.execute(text("DELETE FROM oauth_flows WHERE expires <= :now"), row)
        return connection.execute(
            text(
                "INSERT INTO oauth_flows (id, state, user, session, request, secrets, expires)"
                " SELECT :id, :state, :user, :session, :request, :secrets, :expires"
                " WHERE (SELECT count(*) FROM oauth_flows WHERE user = :user) < :most"
            ),
            row,
        ).rowcount

    if not await store.write(write):
        raise Conflict("Too many sign-ins are under way. Finish one, or wait ten minutes.")


async def take(store: Store, credentials: Credentials, *, state: str, user: str, session: str, now: datetime) -> Flow:
    """The authorization that a state belongs to, which is used up by it; raises `NotFound`."""
    row = {"state": _hashed(state), "user": user, "session": session, "now": now.isoformat()}

    def write(connection: Connection) -> Row[Any] | None:
        query = text(
            "DELETE FROM oauth_flows WHERE state = :state AND user = :user AND session = :session AND expires > :now"
            " RETURNING id, request, secrets, expires"
        )
        return connection.execute(query, row).one_or_none()

    return _flow(credentials, await store.write(write))


async def find(store: Store, credentials: Credentials, *, flow: str, user: str, session: str, now: datetime) -> Flow:
    """An authorization by its id, which goes on; raises `NotFound`."""
    row = {"id": flow, "user": user, "session": session, "now": now.isoformat()}

    def read(connection: Connection) -> Row[Any] | None:
        query = text(
            "SELECT id, request, secrets, expires FROM oauth_flows"
            " WHERE id = :id AND user = :user AND session = :session AND expires > :now"
        )
        return connection.execute(query, row).one_or_none()

    return _flow(credentials, await store.read(read))


async def drop(store: Store, flow: str) -> bool:
    """Ends an authorization; whether it was still under way."""

    def write(connection: Connection) -> int:
        return connection.execute(text("DELETE FROM oauth_flows WHERE id = :id"), {"id": flow}).rowcount

    return bool(await store.write(write))


def _flow(credentials: Credentials, row: Row[Any] | None) -> Flow:
    if row is None:
        raise NotFound("This sign-in is not under way here any more. Begin again.")
    return Flow(
        row.id,
        AuthorizeRequest.model_validate_json(row.request),
        credentials.decrypt(bytes(row.secrets)),
        datetime.fromisoformat(row.expires),
    )


def _hashed(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
