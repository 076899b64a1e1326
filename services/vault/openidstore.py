"""Registrations with OpenID providers, and sign-ins under way: bound to a browser, good once and for minutes."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import SecretStr
from sqlalchemy import Connection, text

from openassistant.errors import NotFound
from openassistant.openid import OpenIdBegin, OpenIdClient
from openassistant.store import Store
from services.vault.credentials import Credentials

__all__ = ["LIFE", "MOST", "Flow", "begin", "find", "keep", "listing", "remove", "take"]

LIFE = timedelta(minutes=10)
"""How long somebody may take at the provider."""
MOST = 1000
"""Sign-ins under way at once; beyond it the oldest one goes."""


class Flow(NamedTuple):
    """A sign-in under way, and the secrets that its end needs: the code verifier and the nonce."""

    request: OpenIdBegin
    secrets: dict[str, str]
    begun: datetime


async def keep(
    store: Store, credentials: Credentials, client: OpenIdClient, *, secret: str | None, now: datetime
) -> OpenIdClient:
    """Keeps a registration in place of the one before.

    Without a secret the known one stays, for the same client of the same issuer at the same token endpoint alone.
    """
    async with credentials.steady:
        if secret is None:
            secret = await _kept(store, credentials, client)
        kept = client.model_copy(update={"has_secret": bool(secret)})
        row = {
            "id": kept.id, "client": kept.model_dump_json(), "changed": now.isoformat(),
            "secrets": credentials.encrypt({"client_secret": secret}),
        }  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT INTO openid_clients (id, client, secrets, changed)"
                    " VALUES (:id, :client, :secrets, :changed)"
                    " ON CONFLICT (id) DO UPDATE SET client = excluded.client, secrets = excluded.secrets,"
                    " changed = excluded.changed"
                ),
                row,
            )
            connection.execute(text("DELETE FROM openid_flows WHERE json_extract(request, '$.client') = :id"), row)

        await store.write(write)
    return kept


async def listing(store: Store, id_: str | None = None) -> tuple[OpenIdClient, ...]:
    """The registrations, oldest first; with an id at most that one."""

    def read(connection: Connection) -> tuple[OpenIdClient, ...]:
        rows = connection.execute(text("SELECT client FROM openid_clients ORDER BY id"))
        return tuple(OpenIdClient.model_validate_json(row.client) for row in rows)

    return tuple(each for each in await store.read(read) if id_ in (None, each.id))


async def find(store: Store, credentials: Credentials, id_: str) -> tuple[OpenIdClient, SecretStr | None]:
    """A registration with its secret; raises `NotFound`. The caller holds `credentials.steady`."""

    def read(connection: Connection) -> tuple[OpenIdClient, bytes] | None:
        query = text("SELECT client, secrets FROM openid_clients WHERE id = :id")
        row = connection.execute(query, {"id": id_}).one_or_none()
        return (OpenIdClient.model_validate_json(row.client), bytes(row.secrets)) if row else None

    found = await store.read(read)
    if found is None:
        raise NotFound("This way of signing in is not there any more.")
    secret = credentials.decrypt(found[1])["client_secret"]
    return found[0], SecretStr(secret) if secret else None


async def remove(store: Store, id_: str) -> None:
    """Forgets a registration with its secret and what is under way there; raises `NotFound`."""

    def write(connection: Connection) -> int:
        connection.execute(text("DELETE FROM openid_flows WHERE json_extract(request, '$.client') = :id"), {"id": id_})
        return connection.execute(text("DELETE FROM openid_clients WHERE id = :id"), {"id": id_}).rowcount

    if not await store.write(write):
        raise NotFound("This way of signing in is not there any more.")


async def begin(store: Store, credentials: Credentials, flow: Flow, *, state: str) -> None:
    """Keeps a sign-in under way; those that are over go, and the oldest where there are too many."""
    async with credentials.steady:
        row: dict[str, Any] = {
            "state": _hashed(state), "binding": _hashed(flow.request.binding), "begun": flow.begun.isoformat(),
            "request": flow.request.model_copy(update={"binding": "-" * 16}).model_dump_json(),
            "secrets": credentials.encrypt(flow.secrets), "over": (flow.begun - LIFE).isoformat(), "most": MOST,
        }  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(text("DELETE FROM openid_flows WHERE begun <= :over"), row)
            connection.execute(
                text(
                    "INSERT INTO openid_flows (state, binding, request, secrets, begun)"
                    " VALUES (:state, :binding, :request, :secrets, :begun)"
                ),
                row,
            )
            connection.execute(
                text(
                    "DELETE FROM openid_flows WHERE state IN"
                    " (SELECT state FROM openid_flows ORDER BY begun DESC, state LIMIT -1 OFFSET :most)"
                ),
                row,
            )

        await store.write(write)


async def take(store: Store, credentials: Credentials, *, state: str, binding: str, now: datetime) -> Flow:
    """The sign-in that a state belongs to, used up by whoever began it; raises `NotFound` for anybody else."""
    row = {"state": _hashed(state), "binding": _hashed(binding), "over": (now - LIFE).isoformat()}
    query = text(
        "DELETE FROM openid_flows WHERE state = :state AND binding = :binding AND begun > :over"
        " RETURNING request, secrets, begun"
    )
    async with credentials.steady:
        found = await store.write(lambda connection: connection.execute(query, row).one_or_none())
        if found is None:
            raise NotFound("This sign-in is not under way in this browser any more. Begin again.")
        secrets = credentials.decrypt(bytes(found.secrets))
    return Flow(OpenIdBegin.model_validate_json(found.request), secrets, datetime.fromisoformat(found.begun))


async def _kept(store: Store, credentials: Credentials, client: OpenIdClient) -> str:
    try:
        known, secret = await find(store, credentials, client.id)
    except NotFound:
        return ""
    same = (known.client_id, known.issuer, known.token_url) == (client.client_id, client.issuer, client.token_url)
    return secret.get_secret_value() if secret and same else ""


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
