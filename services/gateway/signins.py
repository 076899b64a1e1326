"""Accounts that sign in at their provider: registrations of this house, and the way there and back.

The browser comes back to a page of the web UI, which hands the whole address in: so the session's strict cookie
suffices, and where the browser cannot reach this house by the address that a provider allows, a person can do it.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.errors import InvalidRequest, NotFound
from openassistant.messages import Account, AuditAction, Card, Done, OAuth2
from openassistant.oauth import (
    AuthorizeRequest,
    Authorizing,
    ClientDraft,
    ClientQuery,
    DeviceQuery,
    DeviceReply,
    FinishRequest,
    OAuthClient,
)
from services.gateway import views
from services.gateway.accounts import Accounts
from services.gateway.connectors import Connectors
from services.gateway.forms import check_form
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.problems import invalid
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.vault import Vault

__all__ = ["CALLBACK", "SignIns", "way_back"]

CALLBACK = "/oauth/callback"
"""The web UI's page that a provider sends the browser back to."""
_SECONDS = 10.0
_WHY = "Who registers this house with a provider decides where its secrets go, so it needs your password."
_URLS = set(views.OAuthUrls.model_fields)
_LONGEST = 8192
"""Characters of an address that came back."""


class SignIns:
    """Registrations (an administrator's), and authorizations (everybody's own)."""

    def __init__(
        self,
        bus: Bus,
        vault: Vault,
        accounts: Accounts,
        connectors: Connectors,
        grants: Grants,
        sessions: Sessions,
        ledger: Ledger,
    ) -> None:
        self._bus, self._vault, self._accounts, self._connectors = bus, vault, accounts, connectors
        self._grants, self._sessions, self._ledger = grants, sessions, ledger

    async def clients(self, me: SignedIn, *, base: str) -> list[views.OAuthClient]:
        """Each provider of the connectors that run, with this house's registration where there is one."""
        known = {each.provider: each for each in await self._vault.clients()}
        return [_client(customs, known.get(name), base) for name, customs in sorted(self._providers().items())]

    async def keep(
        self, me: SignedIn, provider: str, draft: views.OAuthClientDraft, *, address: str, base: str
    ) -> views.OAuthClient:
        """Registers this house with a provider; raises `NotFound`, `SignInAgain`, `InvalidRequest`."""
        customs = self._provider(provider)
        if customs.client_secret == "required" and not draft.client_secret and not await self._has_secret(draft):
            raise invalid("The provider gives a secret with the client ID.", client_secret="Please fill this in.")
        await self._sessions.confirm_fresh(me, draft.password, address=address, why=_WHY)
        given = {name: url for name, url in draft.urls.model_dump().items() if url is not None}
        usual = customs.model_dump(include=_URLS)
        client = OAuthClient(provider=provider, client_id=draft.client_id, **{**usual, **given})
        await self._ledger.note(
            AuditAction.CLIENT_CHANGED, user=me.user.id,
            content={"provider": provider, "client_id": client.client_id, "token_url": client.token_url},
        )  # fmt: skip
        ctx = self._grants.context(me.user.id, seconds=_SECONDS)
        secret = draft.client_secret or ""
        subject = subjects.vault_oauth("keep")
        sealed = await self._vault.sealed(ctx, subject, client_secret=secret) if secret else None
        kept = await self._bus.request(subject, ClientDraft(client=client, sealed=sealed), OAuthClient, ctx)
        await self._accounts.way.tell()
        return _client(customs, kept, base)

    async def forget(self, me: SignedIn, provider: str) -> None:
        """Forgets a registration; its accounts need one again when their access tokens are over."""
        await self._ledger.note(AuditAction.CLIENT_CHANGED, user=me.user.id, content={"provider": provider})
        ctx = self._grants.context(me.user.id, seconds=_SECONDS)
        await self._bus.request(subjects.vault_oauth("remove"), ClientQuery(provider=provider), Done, ctx)
        await self._accounts.way.tell()

    async def authorize(self, me: SignedIn, draft: views.AuthorizeDraft, *, base: str) -> views.Authorizing:
        """Begins: where to go, or which code to type there. `base` is this house as the browser names it."""
        card, digest = self._connectors.usable(draft.connector)
        _oauth(card)
        check_form(card, draft.settings, None)
        back, reaches = way_back(base)
        request = AuthorizeRequest(
            user=me.user.id, session=me.session, connector=card.id, digest=digest, account=draft.account,
            name=draft.name, settings=draft.settings, capabilities=draft.capabilities,
            redirect_uri=None if draft.device else back, login_hint=draft.login_hint,
        )  # fmt: skip
        ctx = self._grants.context(me.user.id, seconds=_SECONDS)
        begun = await self._bus.request(subjects.vault_oauth("authorize"), request, Authorizing, ctx)
        return views.Authorizing(
            id=begun.id, url=begun.url, user_code=begun.user_code or None, interval=begun.interval,
            expires_at=begun.expires, redirect_uri=request.redirect_uri, returns_here=reaches,
        )  # fmt: skip

    async def finish(self, me: SignedIn, draft: views.ReturnDraft) -> views.Account:
        """The account for the address that the browser was sent back to, tried before it counts as connected."""
        back = _answer_in(draft.address)
        ctx = self._grants.context(me.user.id, seconds=_SECONDS)
        subject = subjects.vault_oauth("finish")
        sealed = await self._vault.sealed(ctx, subject, code=back["code"]) if "code" in back else None
        request = FinishRequest(
            user=me.user.id, session=me.session, state=back["state"], sealed=sealed, issuer=back.get("iss"),
            error=back.get("error", ""),
        )  # fmt: skip
        return await self._tried(me, await self._bus.request(subject, request, Account, ctx))

    async def poll(self, me: SignedIn, flow: str) -> views.Polled:
        """Whether the code was typed meanwhile; then the account, tried."""
        ctx = self._grants.context(me.user.id, seconds=_SECONDS)
        query = DeviceQuery(user=me.user.id, session=me.session, id=flow)
        reply = await self._bus.request(subjects.vault_oauth("poll"), query, DeviceReply, ctx)
        return views.Polled(account=await self._tried(me, reply.account) if reply.account else None)

    async def _tried(self, me: SignedIn, made: Account) -> views.Account:
        await self._ledger.note(
            AuditAction.ACCOUNT_AUTHORIZED, user=me.user.id, connector=made.connector, account=made.id,
            content={"capabilities": list(made.capabilities or ())},
        )  # fmt: skip
        return await self._accounts.authorized(me, made)

    async def _has_secret(self, draft: views.OAuthClientDraft) -> bool:
        return any(each.has_secret and each.client_id == draft.client_id for each in await self._vault.clients())

    def _providers(self) -> dict[str, OAuth2]:
        return {each.provider: each for each in self._connectors.oauth()}

    def _provider(self, name: str) -> OAuth2:
        try:
            return self._providers()[name]
        except KeyError as error:
            raise NotFound("No connector that runs needs that provider.") from error


def way_back(base: str) -> tuple[str, bool]:
    """The redirect URI for a house that the browser knows as `base`, and whether it leads there.

    Providers take https, and http on the browser's own machine alone (RFC 8252, 7.3). Microsoft's console takes that by
    no other name than localhost: https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions.
    So a house that was opened as 127.0.0.1 is named by that too, and its page there passes the browser on; a house in
    the owner's network is named by it where nothing answers, and the owner hands that address in. Who listens there in
    the house's place has a code without the verifier that it needs (RFC 7636).
    """
    url = urlsplit(base)
    if url.scheme == "https" or url.hostname == "::1":
        return f"{url.scheme}://{url.netloc}{CALLBACK}", True
    return f"http://localhost:{url.port or 80}{CALLBACK}", url.hostname in ("localhost", "127.0.0.1")


def _answer_in(address: str) -> dict[str, str]:
    """What a provider put into the address (RFC 6749, 4.1.2); raises `InvalidRequest`."""
    if len(address) > _LONGEST:
        raise InvalidRequest("That address is too long to be the one that the provider sent you to.")
    found = parse_qs(urlsplit(address.strip()).query)
    given = {name: values[0] for name, values in found.items() if len(values) == 1}
    if "state" not in given or not ("code" in given or "error" in given):
        raise invalid(
            "Copy the whole address of the page that did not open: it holds “code=” and “state=”.",
            address="This is not the address that the provider sent you to.",
        )
    return given


def _oauth(card: Card) -> OAuth2:
    if card.auth.oauth2 is None:
        raise InvalidRequest(f"{card.name} does not sign in at a provider.")
    return card.auth.oauth2


def _client(customs: OAuth2, kept: OAuthClient | None, base: str) -> views.OAuthClient:
    back, reaches = way_back(base)
    urls = (kept or customs).model_dump(include=_URLS)
    return views.OAuthClient(
        provider=customs.provider, name=customs.name, registered=kept is not None,
        client_id=kept.client_id if kept else "", has_secret=kept.has_secret if kept else False,
        secret=customs.client_secret, console_url=customs.console_url, urls=views.OAuthUrls(**urls), redirect_uri=back,
        returns_here=reaches,
    )  # fmt: skip
