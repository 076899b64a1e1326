"""What gateway and vault say to each other about signing people in at an OpenID provider (OpenID Connect Core 1.0).

Client secrets and authorization codes travel sealed to the vault's key; what comes back is who it was, checked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id, Wire

__all__ = [
    "OpenIdBegin",
    "OpenIdBegun",
    "OpenIdClient",
    "OpenIdDraft",
    "OpenIdFinish",
    "OpenIdList",
    "OpenIdQuery",
    "OpenIdWho",
    "Purpose",
]

Purpose = Literal["enter", "link", "again"]
"""enter: nobody is signed in yet. link: somebody who is adds this way. again: somebody who is shows that it is him."""

_Url = Annotated[str, StringConstraints(max_length=2000)]


class OpenIdClient(Wire):
    """The registration of this house with one OpenID provider, with what the provider's own document says."""

    id: Id
    issuer: _Url
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    scopes: tuple[Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")], ...] = ()
    """Asked for beside `openid`."""
    has_secret: bool = False
    authorize_url: _Url = ""
    token_url: _Url = ""
    keys_url: _Url = ""
    userinfo_url: _Url = ""


class OpenIdDraft(Wire):
    """A registration to keep, of which the provider is asked what it says of itself.

    `sealed` holds {"client_secret": …} or nothing, which keeps the secret that is known for the same client and issuer.
    """

    client: OpenIdClient
    sealed: str | None = None


class OpenIdQuery(Wire):
    """Names a registration; None means all."""

    id: Id | None = None


class OpenIdList(Wire):
    """Registrations, oldest first."""

    clients: tuple[OpenIdClient, ...] = ()


class OpenIdBegin(Wire):
    """Begins a sign-in; only whoever shows the same `binding` again can end it."""

    client: Id
    purpose: Purpose
    binding: Annotated[str, StringConstraints(min_length=16, max_length=200)]
    redirect_uri: _Url
    login_hint: Annotated[str, StringConstraints(max_length=320)] = ""


class OpenIdBegun(Wire):
    """Where the browser goes on, until when."""

    url: str
    expires: datetime


class OpenIdFinish(Wire):
    """What came back with the redirect; `sealed` holds {"code": …}, nothing where the provider answered `error`.

    `claims` are the names of what the gateway wants to know beside who it is.
    """

    purpose: Purpose
    binding: str
    state: str
    sealed: str | None = None
    issuer: str | None = None
    error: str = ""
    claims: dict[Id, tuple[str, ...]] = Field(default_factory=dict)
    """By registration: which one was asked is known to the vault alone."""


class OpenIdWho(Wire):
    """Who signed in, as a provider says whose signature was checked; `claims` are those that were wanted."""

    client: Id
    issuer: str
    subject: str
    claims: dict[str, Any] = Field(default_factory=dict)
    authenticated: datetime | None = None
    """When he last showed the provider that it is him, where it says so."""
