"""What gateway and vault say to each other about OAuth: registrations of this installation, and authorizations begun.

Client secrets and authorization codes travel sealed to the vault's key; tokens never leave the vault but as the
`access_token` of an account's own connector.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from openassistant.messages import Account, Id, Wire

__all__ = [
    "AuthorizeRequest",
    "Authorizing",
    "ClientDraft",
    "ClientList",
    "ClientQuery",
    "DeviceQuery",
    "DeviceReply",
    "FinishRequest",
    "OAuthClient",
    "Revoked",
    "fingerprint",
]


class OAuthClient(Wire):
    """The registration of this installation with one provider (RFC 6749, 2), without its secret."""

    provider: str
    client_id: str
    has_secret: bool = False
    authorize_url: str
    token_url: str
    device_url: str = ""
    revoke_url: str = ""
    issuer: str = ""


class ClientDraft(Wire):
    """A registration to keep; `sealed` holds {"client_secret": …} or nothing, which keeps the secret that is known."""

    client: OAuthClient
    sealed: str | None = None


class ClientQuery(Wire):
    """Names the registration with one provider; None means all."""

    provider: str | None = None


class ClientList(Wire):
    """Registrations, by provider."""

    clients: tuple[OAuthClient, ...] = ()


class AuthorizeRequest(Wire):
    """Begins the authorization of an account, new or known (`account`).

    `redirect_uri` is where the browser comes back to; without one the provider's device flow is used (RFC 8628).
    """

    user: Id
    session: str
    connector: str
    digest: str
    """Of the connector's approved card."""
    account: Id | None = None
    name: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    capabilities: tuple[str, ...]
    redirect_uri: str | None = None
    login_hint: str = ""


class Authorizing(Wire):
    """An authorization that its owner has to go on with: at `url`, or by typing `user_code` there."""

    id: Id
    url: str
    user_code: str = ""
    interval: float = 5.0
    """Seconds between two questions whether the code was typed."""
    expires: datetime


class FinishRequest(Wire):
    """What came back with the redirect; `sealed` holds {"code": …}, nothing where the provider answered `error`."""

    user: Id
    session: str
    state: str
    sealed: str | None = None
    issuer: str | None = None
    error: str = ""


class DeviceQuery(Wire):
    """Asks whether a user code was typed meanwhile."""

    user: Id
    session: str
    id: Id


class DeviceReply(Wire):
    """The account, once the user code was typed; None before."""

    account: Account | None = None


class Revoked(Wire):
    """An account that is gone."""

    account: Account
    outcome: Literal["revoked", "failed", "unsupported", "none"] = "none"
    """What became of the consent; `none`: there was none. With `unsupported` its owner ends it at `manage_url`."""
    manage_url: str = ""


def fingerprint(token: str) -> str:
    """The SHA-256 (hex) by which an access token is named without saying it; "" for none."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""
