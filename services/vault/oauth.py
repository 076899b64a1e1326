"""The OAuth 2.0 client (RFC 6749): code with PKCE (RFC 7636), device flow (RFC 8628), refresh, revocation (RFC 7009).

The only importer of authlib. What a provider answers becomes tokens or an error in words; its own description of an
error is the provider's text and is never passed on.
"""

from __future__ import annotations

import base64
import json
import secrets
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.auth import encode_client_secret_basic
from pydantic import SecretStr

from openassistant.context import Clock
from openassistant.errors import (
    AccountRequired,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    OaError,
    RateLimited,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import OAuth2
from openassistant.oauth import OAuthClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would rather have httpx2; our rooms have httpx
    from authlib.integrations.httpx_client import AsyncOAuth2Client

__all__ = ["DeviceCode", "OAuth", "Registration", "Tokens"]

_SECONDS = 7.0
"""Less than the ten that who asks the vault waits."""
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST_LIFE = timedelta(days=400)


class Registration(NamedTuple):
    """This installation at one provider: what is known of it, its secret, and the provider's customs (a card's)."""

    client: OAuthClient
    secret: SecretStr | None
    customs: OAuth2


class Tokens(NamedTuple):
    """What a token endpoint gave (RFC 6749, 5.1); `scopes` is None where it did not say, `ends` where there is none."""

    access: SecretStr
    refresh: SecretStr | None
    scopes: tuple[str, ...] | None
    ends: datetime | None
    consent_ends: datetime | None
    subject: str = ""
    """Who signed in, as the provider's identity token says: an opaque id, or "" where there was none."""
    address: str = ""
    identity: SecretStr | None = None
    """The identity token itself, for whoever checks its signature."""


class DeviceCode(NamedTuple):
    """What a device authorization endpoint gave (RFC 8628, 3.2)."""

    device_code: SecretStr
    user_code: str
    url: str
    interval: float
    expires: datetime


class OAuth:
    """Speaks to the providers; keeps nothing."""

    def __init__(self, clock: Clock, transport: Callable[[], httpx.AsyncBaseTransport] | None = None) -> None:
        self._clock, self._transport = clock, transport

    def authorization(
        self, at: Registration, *, scopes: tuple[str, ...], redirect_uri: str, state: str, login_hint: str
    ) -> tuple[str, str]:
        """The URL to send the owner's browser to, and the code verifier to keep."""
        verifier = secrets.token_urlsafe(48)
        hint = {"login_hint": login_hint} if login_hint else {}
        made = AsyncOAuth2Client(at.client.client_id, code_challenge_method="S256")
        url, _ = made.create_authorization_url(
            at.client.authorize_url, state=state, code_verifier=verifier, redirect_uri=redirect_uri,
            scope=" ".join(scopes) or None, **{**at.customs.params, **hint},
        )  # fmt: skip
        return str(url), verifier

    async def exchange(self, at: Registration, *, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The tokens for an authorization code; raises in words for the owner."""
        async with self._client(at) as client:
            given = await client.fetch_token(
                at.client.token_url, grant_type="authorization_code", code=code, code_verifier=verifier,
                redirect_uri=redirect_uri,
            )  # fmt: skip
        return self._tokens(at, given)

    async def refresh(self, at: Registration, token: str) -> Tokens:
        """New tokens; raises `AccountRequired` where the provider ended the consent."""
        async with self._client(at, refreshing=True) as client:
            client.token = {"access_token": "", "refresh_token": token, "token_type": "Bearer"}
            given = await client.refresh_token(at.client.token_url, refresh_token=token)
        return self._tokens(at, given)

    async def revoke(self, at: Registration, token: str) -> None:
        """Ends a token at the provider; raises `OaError` where that did not succeed."""
        async with self._client(at) as client:
            answer = await client.revoke_token(at.client.revoke_url, token=token)
        if answer.status_code >= 400:
            raise UpstreamFailed(f"{at.customs.name} did not revoke the token (status {answer.status_code}).")

    async def begin_device(self, at: Registration, *, scopes: tuple[str, ...]) -> DeviceCode:
        """A code for the owner to type at the provider."""
        form = {"client_id": at.client.client_id, "scope": " ".join(scopes)}
        async with self._client(at) as client:
            answer = await client.request("POST", at.client.device_url, data=form, withhold_token=True)
            given = _json(at, answer)
        try:
            life = timedelta(seconds=float(given["expires_in"]))
            return DeviceCode(
                SecretStr(str(given["device_code"])), str(given["user_code"]), str(given["verification_uri"]),
                max(1.0, float(given.get("interval", 5))), self._clock() + min(life, timedelta(hours=1)),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise _odd(at) from error

    async def poll_device(self, at: Registration, device_code: str) -> Tokens | None:
        """The tokens; None while the code was not typed."""
        try:
            async with self._client(at) as client:
                given = await client.fetch_token(at.client.token_url, grant_type=_DEVICE_GRANT, device_code=device_code)
        except _StillWaiting:
            return None
        return self._tokens(at, given)

    @asynccontextmanager
    async def _client(self, at: Registration, *, refreshing: bool = False) -> AsyncIterator[Any]:
        """An authlib client for one exchange, whose faults become ours."""
        secret = at.secret.get_secret_value() if at.secret else None
        method = at.customs.client_auth if secret else "none"
        transport = {"transport": self._transport()} if self._transport else {"trust_env": False}
        client = AsyncOAuth2Client(
            at.client.client_id, secret, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method,
            timeout=_SECONDS, follow_redirects=False, **transport,
        )  # fmt: skip
        client.register_client_auth_method(("client_secret_basic_json", _basic_json))
        try:
            async with client:
                yield client
        except OAuthError as error:
            raise _refused(at, str(error.error), refreshing=refreshing) from error
        except httpx.HTTPStatusError as error:
            raise _failed(at, error.response) from error
        except httpx.TimeoutException as error:
            raise DeadlineExceeded(f"{_host(at)} did not answer in time.") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{_host(at)} cannot be reached.") from error
        except ValueError as error:
            raise _odd(at) from error

    def _tokens(self, at: Registration, given: dict[str, Any]) -> Tokens:
        access, refresh, scope = given.get("access_token"), given.get("refresh_token"), given.get("scope")
        if not isinstance(access, str) or not access or str(given.get("token_type", "bearer")).lower() != "bearer":
            raise _odd(at)
        who = _claims(at, given.get("id_token"))
        return Tokens(
            access=SecretStr(access),
            refresh=SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
            scopes=tuple(scope.split()) if isinstance(scope, str) else None,
            ends=self._after(given.get("expires_in")),
            consent_ends=self._after(given.get("refresh_token_expires_in")),
            subject=str(who.get("sub", "")),
            address=str(who.get("email", "") or who.get("preferred_username", "")),
            identity=SecretStr(given["id_token"]) if isinstance(given.get("id_token"), str) else None,
        )

    def _after(self, seconds: object) -> datetime | None:
        """A moment so many seconds from now; None for what is no number."""
        try:
            life = timedelta(seconds=float(str(seconds)))
        except (ValueError, OverflowError):
            return None
        return self._clock() + max(timedelta(0), min(life, _LONGEST_LIFE))


class _StillWaiting(Exception):
    """The owner has not typed the user code yet."""


_PENDING = ("authorization_pending", "slow_down")


def _refused(at: Registration, code: str, *, refreshing: bool) -> Exception:
    """The error for a provider's code (RFC 6749, 5.2; RFC 8628, 3.5); its description is not ours to show."""
    name, details = at.customs.name, {"oauth_error": code[:60]}
    if code in _PENDING:
        return _StillWaiting()
    if code == "invalid_grant" and refreshing:
        return AccountRequired(f"{name} ended this account's consent. Connect it again.", details=details)
    words = {
        "invalid_grant": f"{name} did not take the code: it was used already, or it is too old. Begin again.",
        "expired_token": "The code was not typed in time. Begin again.",
        "access_denied": f"It was not allowed at {name}, so nothing was connected.",
        "invalid_client": f"{name} does not take the client ID with this secret. An administrator corrects them.",
        "unauthorized_client": f"The registration at {name} is of another kind than is needed here.",
        "redirect_uri_mismatch": f"The address to come back to is not the one registered at {name}.",
        "invalid_scope": f"{name} does not know one of the permissions asked for.",
        "unsupported_grant_type": f"The registration at {name} does not allow this way of signing in.",
    }
    if code in words:
        kind: type[OaError] = InvalidRequest if code != "access_denied" else Forbidden
        return kind(words[code], details=details)
    if code in ("temporarily_unavailable", "server_error"):
        return Unavailable(f"{name} cannot answer at the moment.", details=details)
    return UpstreamFailed(f"{name} refused the sign-in ({_plain(code)}).", details=details)


def _failed(at: Registration, answer: httpx.Response) -> OaError:
    if answer.status_code == 429:
        wait = answer.headers.get("retry-after", "")
        return RateLimited(f"{_host(at)} asks for a pause.", retry_after=float(wait) if wait.isdecimal() else None)
    if answer.status_code >= 500:
        return Unavailable(f"{_host(at)} cannot answer at the moment (status {answer.status_code}).")
    return UpstreamFailed(f"{_host(at)} refused the sign-in (status {answer.status_code}).")


def _basic_json(client: Any, method: str, uri: str, headers: Any, body: bytes) -> tuple[str, Any, bytes]:
    """HTTP Basic (RFC 6749, 2.3.1) with the form as a JSON object, as Notion asks for it.

    https://developers.notion.com/reference/create-a-token
    """
    uri, headers, body = encode_client_secret_basic(client, method, uri, headers, body)
    headers["Content-Type"] = "application/json"
    return uri, headers, json.dumps(dict(parse_qsl(body.decode()))).encode()


def _json(at: Registration, answer: httpx.Response) -> dict[str, Any]:
    """An endpoint's JSON object; raises its error."""
    try:
        given = answer.json()
    except ValueError:
        given = None
    if isinstance(given, dict) and "error" in given:
        raise OAuthError(str(given["error"]))
    if answer.status_code >= 400:
        raise _failed(at, answer)
    if not isinstance(given, dict):
        raise _odd(at)
    return given


def _claims(at: Registration, id_token: object) -> dict[str, Any]:
    """The claims of an identity token that came straight from the token endpoint (OpenID Connect Core, 3.1.3.7, 6).

    One that is not for this client says nothing.
    """
    try:
        part = str(id_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        audience = claims["aud"]
    except (IndexError, ValueError, KeyError, TypeError):
        return {}
    return claims if at.client.client_id in ([audience] if isinstance(audience, str) else audience) else {}


def _odd(at: Registration) -> UpstreamFailed:
    return UpstreamFailed(f"{_host(at)} answered with something that is no token.")


def _plain(code: str) -> str:
    return code if code.replace("_", "").isalnum() and len(code) <= 60 else "an unknown reason"


def _host(at: Registration) -> str:
    return httpx.URL(at.client.token_url).host
