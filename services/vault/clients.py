"""Registrations of this installation with providers: one each, its secret as a Fernet token."""

from __future__ import annotations

from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Connection, text

from openassistant.errors import InvalidRequest, NotFound
from openassistant.oauth import OAuthClient
from openassistant.origins import origin, parse_url
from openassistant.store import Store
from services.vault.credentials import Credentials

__all__ = ["check_url", "find", "keep", "listing", "remove"]

_HERE = ("localhost", "127.0.0.1", "[::1]", "::1")


async def keep(
    store: Store, credentials: Credentials, client: OAuthClient, *, secret: str | None, now: datetime
) -> OAuthClient:
    """Keeps a registration in place of the one before; without a secret, that one's stays.

    It stays for the same client at the same token endpoint alone: else whoever changes an address would be sent it.
    """
    for url in (client.authorize_url, client.token_url, client.device_url, client.revoke_url):
        check_url(url)
    async with credentials.steady:
        if secret is None:
            secret = await _kept(store, credentials, client)
        kept = client.model_copy(update={"has_secret": bool(secret)})
        row = {
            "provider": kept.provider, "client": kept.model_dump_json(), "changed": now.isoformat(),
            "secrets": credentials.encrypt({"client_secret": secret}),
        }  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(
                text(
                    "INSERT INTO oauth_clients (provider, client, secrets, changed)"
                    " VALUES (:provider, :client, :secrets, :changed) ON CONFLICT (provider) DO UPDATE"
                    " SET client = excluded.client, secrets = excluded.secrets, changed = excluded.changed"
                ),
                row,
            )

        await store.write(write)
    return kept


async def listing(store: Store, provider: str | None = None) -> tuple[OAuthClient, ...]:
    """The registrations, by provider; with `provider` at most that one."""

    def read(connection: Connection) -> tuple[OAuthClient, ...]:
        rows = connection.execute(text("SELECT client FROM oauth_clients ORDER BY provider"))
        return tuple(OAuthClient.model_validate_json(row.client) for row in rows)

    return tuple(each for each in await store.read(read) if provider in (None, each.provider))


async def find(store: Store, credentials: Credentials, provider: str) -> tuple[OAuthClient, SecretStr | None]:
    """A registration with its secret; raises `NotFound`. The caller holds `credentials.steady`."""

    def read(connection: Connection) -> tuple[OAuthClient, bytes] | None:
        query = text("SELECT client, secrets FROM oauth_clients WHERE provider = :provider")
        row = connection.execute(query, {"provider": provider}).one_or_none()
        return (OAuthClient.model_validate_json(row.client), bytes(row.secrets)) if row else None

    found = await store.read(read)
    if found is None:
        raise NotFound("This installation is not registered with that provider yet.")
    secret = credentials.decrypt(found[1])["client_secret"]
    return found[0], SecretStr(secret) if secret else None


async def remove(store: Store, provider: str) -> None:
    """Forgets a registration with its secret; raises `NotFound`."""

    def write(connection: Connection) -> int:
        query = text("DELETE FROM oauth_clients WHERE provider = :provider")
        return connection.execute(query, {"provider": provider}).rowcount

    if not await store.write(write):
        raise NotFound("This installation is not registered with that provider.")


async def _kept(store: Store, credentials: Credentials, client: OAuthClient) -> str:
    try:
        known, secret = await find(store, credentials, client.provider)
    except NotFound:
        return ""
    same = (known.client_id, known.token_url) == (client.client_id, client.token_url)
    return secret.get_secret_value() if secret and same else ""


def check_url(url: str) -> None:
    """Raises `InvalidRequest` for what is neither https nor on this machine (RFC 6749, 3.1.2.1, 3.2)."""
    if not url:
        return
    place = origin(parse_url(url))
    if place.scheme != "https" and place.host not in _HERE:
        raise InvalidRequest(f"{place.host} has to be asked with https, because a secret goes there.")
