"""People who sign in at an OpenID provider (OpenID Connect Core 1.0, code flow with PKCE), checked here.

The provider's document says where to ask (Discovery 1.0); its keys say whether an identity token is its own. A token is
good for one sign-in: for our client, of that issuer, with the nonce of this flow, by an asymmetric signature, in time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
from pydantic import SecretStr

from openassistant.context import Clock
from openassistant.errors import (
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import OAuth2
from openassistant.oauth import OAuthClient
from openassistant.openid import OpenIdBegin, OpenIdBegun, OpenIdClient, OpenIdFinish, OpenIdWho
from openassistant.origins import parse_url
from openassistant.store import Store
from services.vault import openidstore
from services.vault.clients import check_url
from services.vault.credentials import Credentials
from services.vault.identity import ALGORITHMS, PublicKeys
from services.vault.oauth import OAuth, Registration, Tokens
from services.vault.openidstore import Flow

__all__ = ["OpenId"]

_SKEW = timedelta(seconds=60)
"""By how much the clocks of provider and house may differ."""
_LONGEST_LIFE = timedelta(days=1)
_SECONDS, _WHOLE = 7.0, 20.0
_LARGEST = 512 * 1024
_KNOWN_FOR = timedelta(hours=1)
_ASK_AGAIN = timedelta(seconds=30)
"""So often the keys are asked for because of a token whose key is not among them."""

_log = logging.getLogger("openassistant.vault")


class _Document(NamedTuple):
    """What a provider says of itself (Discovery 1.0, 3), as far as it matters here."""

    authorize_url: str
    token_url: str
    keys_url: str
    userinfo_url: str
    algorithms: tuple[str, ...]
    says_issuer: bool
    basic: bool


class _Keys(NamedTuple):
    keys: PublicKeys
    asked: datetime


class OpenId:
    """Registrations, and sign-ins from their beginning to what is known then."""

    def __init__(
        self,
        store: Store,
        credentials: Credentials,
        oauth: OAuth,
        *,
        clock: Clock,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._store, self._credentials, self._oauth = store, credentials, oauth
        self._clock, self._transport = clock, transport
        self._documents: dict[str, tuple[_Document, datetime]] = {}
        self._keys: dict[str, _Keys] = {}

    async def keep(self, client: OpenIdClient, secret: str | None) -> OpenIdClient:
        """Keeps a registration, once the provider has said where to ask; raises in words for whoever enters it."""
        self._documents.pop(client.issuer, None)
        self._keys.pop(client.issuer, None)
        found = await self._document(client.issuer)
        known = client.model_copy(
            update={
                "authorize_url": found.authorize_url, "token_url": found.token_url, "keys_url": found.keys_url,
                "userinfo_url": found.userinfo_url,
            }
        )  # fmt: skip
        return await openidstore.keep(self._store, self._credentials, known, secret=secret, now=self._clock())

    async def begin(self, request: OpenIdBegin) -> OpenIdBegun:
        """Where the browser goes on; with the purpose `again` the provider has to ask for a password or the like."""
        async with self._credentials.steady:
            client, secret = await openidstore.find(self._store, self._credentials, request.client)
        document = await self._document(client.issuer)
        # The page that the browser comes back to tells by the first part what this was for; nothing else relies on it.
        state, nonce = f"{request.purpose}.{secrets.token_urlsafe(32)}", secrets.token_urlsafe(32)
        params = {"nonce": nonce, "response_mode": "query"}
        if request.purpose == "again":
            params |= {"prompt": "login", "max_age": "0"}
        at = _registration(client, secret, document, params)
        url, verifier = self._oauth.authorization(
            at, scopes=("openid", *client.scopes), redirect_uri=request.redirect_uri, state=state,
            login_hint=request.login_hint,
        )  # fmt: skip
        flow = Flow(request, {"verifier": verifier, "nonce": nonce}, self._clock())
        await openidstore.begin(self._store, self._credentials, flow, state=state)
        return OpenIdBegun(url=url, expires=flow.begun + openidstore.LIFE)

    async def finish(self, request: OpenIdFinish, code: str | None) -> OpenIdWho:
        """Who signed in; the state is used up, whatever came back."""
        flow = await openidstore.take(
            self._store, self._credentials, state=request.state, binding=request.binding, now=self._clock()
        )
        try:
            async with asyncio.timeout(_WHOLE):
                return await self._who(flow, request, code)
        except TimeoutError as error:
            raise DeadlineExceeded("The provider did not answer in time.") from error

    async def _who(self, flow: Flow, request: OpenIdFinish, code: str | None) -> OpenIdWho:
        if flow.request.purpose != request.purpose:
            raise Forbidden("This sign-in was begun for something else. Begin again.")
        async with self._credentials.steady:
            client, secret = await openidstore.find(self._store, self._credentials, flow.request.client)
        document = await self._document(client.issuer)
        _check_issuer(client, document, request.issuer)
        if code is None:
            raise _denied(request.error)
        at = _registration(client, secret, document, {})
        given = await self._oauth.exchange(
            at, code=code, verifier=flow.secrets["verifier"], redirect_uri=flow.request.redirect_uri
        )
        claims = await self._identity(client, document, given, flow)
        wanted = request.claims.get(client.id, ())
        told = await self._completed(client, document, given, claims, wanted)
        authenticated = _moment(claims.get("auth_time"))
        if flow.request.purpose == "again" and (authenticated is None or authenticated < flow.begun - _SKEW):
            raise Forbidden("The provider does not say that you signed in there just now, so this does not count.")
        return OpenIdWho(
            client=client.id, issuer=client.issuer, subject=claims["sub"],
            claims={name: told[name] for name in wanted if name in told}, authenticated=authenticated,
        )  # fmt: skip

    # --- what the provider says -----------------------------------------------------------------------------------

    async def _identity(self, client: OpenIdClient, document: _Document, given: Tokens, flow: Flow) -> dict[str, Any]:
        """The claims of the identity token (Core 3.1.3.7); raises `Forbidden` for one that is not for this sign-in."""
        if given.identity is None:
            raise _unfit("the provider gave no identity token")
        claims = await self._verified(client, document, given.identity.get_secret_value())
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if claims.get("iss") != client.issuer:
            raise _unfit("it is of another issuer")
        if not isinstance(audiences, list) or client.client_id not in audiences:
            raise _unfit("it is for somebody else")
        if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client.client_id:
            raise _unfit("it was given to somebody else")
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), flow.secrets["nonce"].encode()):
            raise _unfit("it is of another sign-in")
        self._check_times(claims)
        if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
            raise _unfit("it names nobody")
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, ends, made = self._clock(), _moment(claims.get("exp")), _moment(claims.get("iat"))
        begins = _moment(claims.get("nbf"))
        if ends is None or ends <= now - _SKEW:
            raise _unfit("it is over; are the clocks of this house and of the provider right?")
        if made is None or made > now + _SKEW or made < now - _LONGEST_LIFE:
            raise _unfit("it was not made just now; are the clocks of this house and of the provider right?")
        if begins is not None and begins > now + _SKEW:
            raise _unfit("it does not count yet")

    async def _verified(self, client: OpenIdClient, document: _Document, token: str) -> dict[str, Any]:
        """The claims of a token that is signed with one of the provider's keys, asked for anew once if need be."""
        keys = await self._keys_of(client.issuer, document, anew=False)
        claims = keys.keys.claims(token, document.algorithms)
        if claims is None:
            keys = await self._keys_of(client.issuer, document, anew=True)
            claims = keys.keys.claims(token, document.algorithms)
        if claims is None:
            raise _unfit("its signature is not the provider's")
        return claims

    async def _completed(
        self, client: OpenIdClient, document: _Document, given: Tokens, claims: dict[str, Any], wanted: tuple[str, ...]
    ) -> dict[str, Any]:
        """The claims with those that the provider only tells at its userinfo endpoint (Core 5.3)."""
        if not document.userinfo_url or all(name in claims for name in wanted):
            return claims
        bearer = {"Authorization": f"Bearer {given.access.get_secret_value()}"}
        try:
            told = await self._fetched(document.userinfo_url, headers=bearer)
        except (UpstreamFailed, Unavailable) as error:
            _log.warning("userinfo was not told", extra={"code": error.code})
            return claims
        if told.get("sub") != claims["sub"]:
            raise _unfit("the provider tells of somebody else")
        return {**told, **claims}

    async def _keys_of(self, issuer: str, document: _Document, *, anew: bool) -> _Keys:
        """The provider's keys; `anew`: one is missing, so they are asked for again, but not all the time."""
        known, now = self._keys.get(issuer), self._clock()
        if known is not None and now - known.asked < (_ASK_AGAIN if anew else _KNOWN_FOR):
            return known
        told = await self._fetched(document.keys_url)
        self._keys[issuer] = _Keys(PublicKeys.read(told), now)
        return self._keys[issuer]

    async def _document(self, issuer: str) -> _Document:
        """What the provider says of itself, asked each hour; raises where it says it is somebody else."""
        known, now = self._documents.get(issuer), self._clock()
        if known is not None and now - known[1] < _KNOWN_FOR:
            return known[0]
        check_url(issuer)
        if parse_url(issuer).query or parse_url(issuer).fragment:
            raise InvalidRequest("The issuer is an address without “?” and “#”.")
        told = await self._fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != issuer:
            raise InvalidRequest("The provider at this address calls itself otherwise. Enter the issuer as it does.")
        found = _read(told)
        for url in (found.authorize_url, found.token_url, found.keys_url, found.userinfo_url):
            check_url(url)
        self._documents[issuer] = (found, now)
        return found

    async def _fetched(self, url: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A JSON object of the provider's."""
        async with self._client() as client, client.stream("GET", url, headers=dict(headers or {})) as answer:
            if answer.status_code != 200:
                raise UpstreamFailed(f"{httpx.URL(url).host} answered with the status {answer.status_code}.")
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body.extend(piece)
                if len(body) > _LARGEST:
                    raise UpstreamFailed(f"{httpx.URL(url).host} answered with more than is taken.")
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise UpstreamFailed(f"{httpx.URL(url).host} is no OpenID provider, as it answers.")
        return told

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        options: dict[str, Any] = {"transport": self._transport()} if self._transport else {"trust_env": False}
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False, **options) as client:
                yield client
        except httpx.TimeoutException as error:
            raise DeadlineExceeded("The provider did not answer in time.") from error
        except httpx.HTTPError as error:
            raise Unavailable("The provider cannot be reached.") from error


def _read(told: Mapping[str, Any]) -> _Document:
    """A provider's document; raises `InvalidRequest` where it cannot do what is needed."""
    named = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [told.get(name) for name in named]
    if not all(isinstance(each, str) and each for each in urls):
        raise InvalidRequest("The provider does not say where to sign in, where to get tokens, or where its keys are.")
    offered = told.get("id_token_signing_alg_values_supported")
    algorithms = tuple(each for each in ALGORITHMS if not isinstance(offered, list) or each in offered)
    if not algorithms:
        raise InvalidRequest("The provider signs in no way that can be checked with its public keys.")
    methods = told.get("token_endpoint_auth_methods_supported")
    userinfo = told.get("userinfo_endpoint")
    return _Document(
        str(urls[0]), str(urls[1]), str(urls[2]), userinfo if isinstance(userinfo, str) else "", algorithms,
        told.get("authorization_response_iss_parameter_supported") is True,
        not isinstance(methods, list) or "client_secret_basic" in methods,
    )  # fmt: skip


def _registration(
    client: OpenIdClient, secret: SecretStr | None, document: _Document, params: dict[str, str]
) -> Registration:
    """The registration as the OAuth client takes it."""
    known = OAuthClient(
        provider=client.id, client_id=client.client_id, authorize_url=document.authorize_url,
        token_url=document.token_url, issuer=client.issuer,
    )  # fmt: skip
    customs = OAuth2(
        provider=client.id, name=httpx.URL(client.issuer).host, authorize_url=document.authorize_url,
        token_url=document.token_url, params=params, capabilities={},
        client_auth="client_secret_basic" if document.basic else "client_secret_post",
    )  # fmt: skip
    return Registration(known, secret, customs)


def _check_issuer(client: OpenIdClient, document: _Document, said: str | None) -> None:
    """The answer has to come from whom we asked (RFC 9207, 2.4)."""
    if (said is None and document.says_issuer) or (said is not None and said != client.issuer):
        raise Forbidden("The answer came from another provider than the one that was asked, so it was not used.")


def _moment(value: object) -> datetime | None:
    """A NumericDate (RFC 7519); None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _denied(code: str) -> Forbidden | InvalidRequest | NotFound:
    """The error for an answer without a code (Core 3.1.2.6)."""
    if code in ("access_denied", "interaction_required", "login_required", "consent_required"):
        return Forbidden("The provider did not let you in, so nothing was changed.")
    return InvalidRequest("The provider did not finish the sign-in. Begin again.", details={"oauth_error": code[:60]})


def _unfit(why: str) -> Forbidden:
    return Forbidden(f"What the provider sent cannot be used: {why}.")
