"""Accounts that sign in at their provider: from the first click to tokens, their renewal, and their end.

A refresh token is used by one refresh at a time, and what comes of it is kept before anybody is given it: a provider
that rotates them takes the old one only once.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal

from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import AccountRequired, Conflict, Forbidden, InvalidRequest, NotFound, OaError
from openassistant.messages import Account, AuditAction, ErrorBody, OAuth2
from openassistant.oauth import AuthorizeRequest, Authorizing, DeviceQuery, FinishRequest, fingerprint
from openassistant.store import Store
from services.vault import accounts, clients, flows
from services.vault.accounts import Consent
from services.vault.credentials import Credentials
from services.vault.flows import Flow
from services.vault.oauth import OAuth, Registration, Tokens

__all__ = ["Consents"]

_FLOW = timedelta(minutes=10)
_LEEWAY = timedelta(seconds=60)
_LEEWAY_SHARE = 0.2
"""A token counts as over a minute before its end, or a fifth of its life where that is less."""
_TRIAL_SLACK = 0.5
"""Days around the end of a trial in which a refused refresh is put down to it."""
Outcome = Literal["revoked", "failed", "unsupported", "none"]
_log = logging.getLogger("openassistant.vault")


class Consents:
    """Begins and ends authorizations, and gives out access tokens that are good."""

    def __init__(
        self,
        store: Store,
        credentials: Credentials,
        oauth: OAuth,
        *,
        catalogue: Catalogue,
        clock: Clock,
        note: Callable[[CallContext, AuditAction, Account, str], Awaitable[None]],
    ) -> None:
        self._store, self._credentials, self._oauth = store, credentials, oauth
        self._catalogue, self._clock, self._note = catalogue, clock, note
        self._renewing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def authorize(self, request: AuthorizeRequest) -> Authorizing:
        """Begins; raises `InvalidRequest`, `NotFound` without a registration, `Forbidden` for another card."""
        customs = await self._customs(request.connector, request.digest)
        wanted = request.capabilities
        if not wanted or not set(wanted) <= set(customs.capabilities):
            raise InvalidRequest("Choose at least one of the things that the connector can do.")
        if request.account is not None:
            known = await self._own(request)
            wanted = tuple(dict.fromkeys((*wanted, *(known.capabilities or ()))))
            request = request.model_copy(update={"capabilities": wanted})
        at = await self._at(customs)
        scopes = tuple(dict.fromkeys((*customs.scopes, *_scopes(customs, wanted))))
        if request.redirect_uri is None:
            return await self._begin_device(at, request, scopes)
        state, flow = flows.new_state(), new_id()
        url, verifier = self._oauth.authorization(
            at, scopes=scopes, redirect_uri=request.redirect_uri, state=state, login_hint=request.login_hint
        )
        expires = self._clock() + _FLOW
        await self._keep(Flow(flow, request, {"verifier": verifier}, expires), state)
        return Authorizing(id=flow, url=url, expires=expires)

    async def finish(self, request: FinishRequest, code: str | None) -> Account:
        """The account, pending or renewed, for what came back with the redirect; the state is used up either way."""
        async with self._credentials.steady:
            flow = await flows.take(
                self._store, self._credentials, state=request.state, user=request.user, session=request.session,
                now=self._clock(),
            )  # fmt: skip
        asked = flow.request
        customs = await self._customs(asked.connector, asked.digest)
        at = await self._at(customs)
        if request.issuer is not None and at.client.issuer and request.issuer != at.client.issuer:
            raise Forbidden("The answer came from another provider than the one that was asked, so it was not used.")
        if code is None:
            raise _denied(customs, request.error)
        given = await self._oauth.exchange(
            at, code=code, verifier=flow.secrets["verifier"], redirect_uri=asked.redirect_uri or ""
        )
        return await self._take(at, asked, given)

    async def poll(self, query: DeviceQuery) -> Account | None:
        """The account when the user code was typed; None while it was not. Raises what it ended with."""
        async with self._credentials.steady:
            flow = await flows.find(
                self._store, self._credentials, flow=query.id, user=query.user, session=query.session,
                now=self._clock(),
            )  # fmt: skip
        at = await self._at(await self._customs(flow.request.connector, flow.request.digest))
        try:
            given = await self._oauth.poll_device(at, flow.secrets["device_code"])
        except OaError as error:
            if not error.retryable:
                await flows.drop(self._store, flow.id)
            raise
        if given is None:
            return None
        if not await flows.drop(self._store, flow.id):
            raise NotFound("This sign-in is not under way here any more. Begin again.")
        return await self._take(at, flow.request, given)

    async def access(
        self, ctx: CallContext, account: Account, *, refused: str = ""
    ) -> tuple[dict[str, str], datetime | None]:
        """The access token of an account and until when to use it, refreshed where it is over or was `refused`.

        Raises `AccountRequired` when its owner has to connect it again, and then marks the account.
        """
        found = await self._good(account.id, refused)
        if found is None:
            async with self._renewing[account.id]:
                found = await self._good(account.id, refused) or await self._renewed(ctx, account)
        token, ends = found
        return {"access_token": token}, ends

    async def revoke(self, account: Account) -> tuple[Outcome, str]:
        """Ends the consent at the provider as far as it can; what came of it, and where its owner can."""
        consent = await accounts.consent_of(self._store, account.id)
        if consent is None:
            return "none", ""
        return await self._ended_there(account.id, consent.customs), consent.customs.manage_url

    async def _ended_there(self, account: str, customs: OAuth2) -> Outcome:
        try:
            at = await self._at(customs)
            if not at.client.revoke_url:
                return "unsupported"
            kept = await self._secrets(account)
            await self._oauth.revoke(at, kept.get("refresh_token") or kept["access_token"])
        except OaError as error:
            _log.warning("token not revoked", extra={"account": account, "code": error.code})
            return "failed"
        return "revoked"

    async def _begin_device(self, at: Registration, request: AuthorizeRequest, scopes: tuple[str, ...]) -> Authorizing:
        if not at.client.device_url:
            raise InvalidRequest(f"{at.customs.name} has no sign-in by a code for this.")
        device, flow = await self._oauth.begin_device(at, scopes=scopes), new_id()
        secrets = {"device_code": device.device_code.get_secret_value()}
        await self._keep(Flow(flow, request, secrets, device.expires), None)
        return Authorizing(
            id=flow, url=device.url, user_code=device.user_code, interval=device.interval, expires=device.expires
        )

    async def _keep(self, flow: Flow, state: str | None) -> None:
        async with self._credentials.steady:
            await flows.begin(self._store, self._credentials, flow, state=state, now=self._clock())

    async def _take(self, at: Registration, asked: AuthorizeRequest, given: Tokens) -> Account:
        """An account with the tokens that were given; what cannot be used is revoked and not kept."""
        try:
            return await self._kept(at, asked, given)
        except OaError:
            await self._give_back(at, given)
            raise

    async def _kept(self, at: Registration, asked: AuthorizeRequest, given: Tokens) -> Account:
        granted = _granted(at.customs, asked.capabilities, given.scopes)
        if not granted:
            raise Forbidden(f"Nothing of what was chosen was allowed at {at.customs.name}, so nothing was connected.")
        if given.refresh is None and given.ends is not None:
            raise Conflict(
                f"{at.customs.name} gave no lasting permission. Take this assistant off the list of connected apps"
                f" there ({at.customs.manage_url}), then connect again."
            )
        known = await self._own(asked) if asked.account else None
        await self._check_subject(asked, given, known)
        ends = _early(given.ends, self._clock())
        consent = Consent(at.customs, given.subject, granted, self._clock(), given.consent_ends, ends)
        async with self._credentials.steady:
            token = self._credentials.encrypt(_kept_secrets(given, None))
            if known is None:
                known = await accounts.add(
                    self._store, user=asked.user, connector=asked.connector, name=asked.name or given.address,
                    settings=asked.settings, token=token, now=self._clock(), auth="oauth2",
                )  # fmt: skip
            return await accounts.authorize(self._store, known.id, token=token, consent=consent)

    async def _check_subject(self, asked: AuthorizeRequest, given: Tokens, known: Account | None) -> None:
        """Raises `Conflict` for somebody else than the account's, or for one that is connected already."""
        if not given.subject:
            return
        mine = await accounts.find_subject(self._store, user=asked.user, connector=asked.connector)
        if known is not None and mine.get(known.id) not in (None, "", given.subject):
            raise Conflict("You signed in as somebody else than this account's owner, so nothing was changed.")
        if known is None and given.subject in mine.values():
            raise Conflict(
                "This account is connected already. Under Connections, “Change what it may do” asks for more; in a"
                " terminal, --again does."
            )

    async def _give_back(self, at: Registration, given: Tokens) -> None:
        if at.client.revoke_url:
            try:
                await self._oauth.revoke(at, (given.refresh or given.access).get_secret_value())
            except OaError as error:
                _log.warning("token not revoked", extra={"code": error.code})

    async def _good(self, account: str, refused: str) -> tuple[str, datetime | None] | None:
        """The token at hand with when to stop using it, unless it is over or was refused."""
        consent = await accounts.consent_of(self._store, account)
        if consent is None:
            raise NotFound("That account is not connected any more.")
        token = (await self._secrets(account))["access_token"]
        ends = consent.token_ends
        if refused and fingerprint(token) == refused:
            return None
        if ends is not None and ends <= self._clock():
            return None
        return token, ends

    async def _renewed(self, ctx: CallContext, account: Account) -> tuple[str, datetime | None]:
        consent = await accounts.consent_of(self._store, account.id)
        kept = await self._secrets(account.id)
        if consent is None:
            raise NotFound("That account is not connected any more.")
        if not kept.get("refresh_token"):
            raise await self._ended(account, consent, f"{consent.customs.name} refused the sign-in.")
        await self._note(ctx, AuditAction.TOKEN_REFRESHED, account, "asked")
        try:
            given = await self._oauth.refresh(await self._at(consent.customs), kept["refresh_token"])
        except AccountRequired as error:
            raise await self._ended(account, consent, error.message) from error
        ends = _early(given.ends, self._clock())
        async with self._credentials.steady:
            token = self._credentials.encrypt(_kept_secrets(given, kept["refresh_token"]))
            await accounts.renew(self._store, account.id, token=token, token_ends=ends, consent_ends=given.consent_ends)
        if account.state == "attention":
            await accounts.mark(self._store, account.id, problem=None)
        return given.access.get_secret_value(), ends

    async def _ended(self, account: Account, consent: Consent, words: str) -> AccountRequired:
        """Marks an account whose consent is over, and says why as far as that can be told."""
        trial, age = consent.customs.trial_days, (self._clock() - consent.authorized) / timedelta(days=1)
        if trial is not None and abs(age - trial) <= _TRIAL_SLACK:
            url = consent.customs.console_url
            error = AccountRequired(consent.customs.trial_hint, details={"reason": "trial_over", "url": url})
        else:
            error = AccountRequired(words)
        problem = ErrorBody(code=error.code, message=error.message, details=error.details)
        await accounts.mark(self._store, account.id, problem=problem)
        return error

    async def _secrets(self, account: str) -> dict[str, str]:
        async with self._credentials.steady:
            return self._credentials.decrypt(await accounts.secrets_of(self._store, account))

    async def _at(self, customs: OAuth2) -> Registration:
        async with self._credentials.steady:
            client, secret = await clients.find(self._store, self._credentials, customs.provider)
        return Registration(client, secret, customs)

    async def _customs(self, connector: str, digest: str) -> OAuth2:
        await self._catalogue.read()
        card = self._catalogue.card(connector, digest)
        if card is None or card.auth.oauth2 is None:
            raise Forbidden("That connector does not run as it was approved, or signs in otherwise.")
        return card.auth.oauth2

    async def _own(self, request: AuthorizeRequest) -> Account:
        account = await accounts.one(self._store, request.account or "")
        if (account.user, account.connector, account.auth) != (request.user, request.connector, "oauth2"):
            raise NotFound("That account is not connected any more.")
        return account


def _scopes(customs: OAuth2, capabilities: Iterable[str]) -> tuple[str, ...]:
    return tuple(scope for name in capabilities for scope in customs.capabilities[name].scopes)


def _granted(customs: OAuth2, asked: Iterable[str], scopes: tuple[str, ...] | None) -> tuple[str, ...]:
    """Of what was asked, that whose scopes were all granted; all of it where the provider does not say (RFC 6749, 5.1).

    Providers spell a scope with or without the address of the API that it belongs to, and in any case.
    """
    if scopes is None:
        return tuple(asked)
    given = {scope.lower() for scope in scopes}
    short = {scope.rsplit("/", 1)[-1] for scope in given}

    def has(scope: str) -> bool:
        return scope.lower() in given or ("/" not in scope and scope.lower() in short)

    return tuple(name for name in asked if all(has(scope) for scope in customs.capabilities[name].scopes))


def _kept_secrets(given: Tokens, before: str | None) -> dict[str, str]:
    """What is kept of a token answer; a provider that does not rotate gives no refresh token with a refresh."""
    refresh = given.refresh.get_secret_value() if given.refresh else before
    return {"access_token": given.access.get_secret_value(), **({"refresh_token": refresh} if refresh else {})}


def _early(ends: datetime | None, now: datetime) -> datetime | None:
    """Some time before a token's end, so that it does not end on the way."""
    return ends - min(_LEEWAY, (ends - now) * _LEEWAY_SHARE) if ends else None


def _denied(customs: OAuth2, code: str) -> OaError:
    """The error for an authorization response without a code (RFC 6749, 4.1.2.1)."""
    if code == "access_denied":
        return Forbidden(f"It was not allowed at {customs.name}, so nothing was connected.")
    if code in ("admin_policy_enforced", "org_internal"):
        return Forbidden(f"An administrator of this account at {customs.name} does not allow this registration.")
    return InvalidRequest(
        f"{customs.name} did not finish the sign-in. Begin again.", details={"oauth_error": code[:60]}
    )
