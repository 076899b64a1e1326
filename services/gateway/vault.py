"""The vault's accounts from the gateway's side. Secrets leave this process sealed to the vault's key alone."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import BaseModel

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import NotFound
from openassistant.messages import (
    Account,
    AccountList,
    AccountQuery,
    BorrowRequest,
    ConnectRequest,
    Done,
    ErrorBody,
    PublicKey,
)
from openassistant.oauth import ClientList, ClientQuery, OAuthClient, Revoked
from openassistant.openid import OpenIdClient, OpenIdList, OpenIdQuery
from openassistant.seal import seal
from services.gateway.grants import Grants

__all__ = ["Vault"]

_SECONDS = 10.0

Reply = TypeVar("Reply", bound=BaseModel)


class Vault:
    """Connect, finish, list, revoke."""

    def __init__(self, bus: Bus, grants: Grants) -> None:
        self._bus, self._grants = bus, grants

    async def connect(
        self, user: str, *, connector: str, name: str, settings: dict[str, Any], secrets: dict[str, str]
    ) -> Account:
        """A pending account with its secrets."""
        ctx = self._grants.context(user, seconds=_SECONDS)
        subject = subjects.vault_account("connect")
        sealed = await self.sealed(ctx, subject, **secrets)
        request = ConnectRequest(user=user, connector=connector, name=name, settings=settings, sealed=sealed)
        return await self._bus.request(subject, request, Account, ctx)

    async def borrow(self, user: str, loan: str, *, name: str) -> Account:
        """A pending account of who borrows, which points to the one of a signed loan."""
        ctx = self._grants.context(user, seconds=_SECONDS)
        return await self._bus.request(
            subjects.vault_account("borrow"), BorrowRequest(loan=loan, name=name), Account, ctx
        )

    async def sealed(self, ctx: CallContext, subject: str, **secrets: str) -> str:
        """Secrets by name, sealed to the vault's present key for one subject."""
        key = await self._bus.ask(subjects.vault("public"), Done(), PublicKey, ctx)
        return seal(json.dumps(secrets).encode(), key.public_key, context=subject)

    async def finish(self, user: str, account: str, *, problem: ErrorBody | None = None) -> Account:
        """The account, connected, or in need of attention."""
        query = AccountQuery(user=user, account=account, problem=problem)
        return await self._ask("finish", user, query, Account)

    async def listing(self, user: str, *, connector: str | None = None) -> tuple[Account, ...]:
        """A user's accounts, oldest first."""
        found = await self._ask("list", user, AccountQuery(user=user, connector=connector), AccountList)
        return found.accounts

    async def everybodys(self) -> tuple[Account, ...]:
        """The accounts of all users, for the list of who may reach what."""
        ctx = CallContext.within(_SECONDS)
        return (await self._bus.ask(subjects.vault_account("list"), AccountQuery(), AccountList, ctx)).accounts

    async def clients(self) -> tuple[OAuthClient, ...]:
        """The registrations with providers, for the same list."""
        ctx = CallContext.within(_SECONDS)
        return (await self._bus.ask(subjects.vault_oauth("list"), ClientQuery(), ClientList, ctx)).clients

    async def openids(self) -> tuple[OpenIdClient, ...]:
        """The registrations with OpenID providers, for the same list."""
        ctx = CallContext.within(_SECONDS)
        return (await self._bus.ask(subjects.vault_openid("list"), OpenIdQuery(), OpenIdList, ctx)).clients

    async def forget_client(self, provider: str) -> None:
        """The house's registration with a provider is forgotten; one that is gone already is as good."""
        ctx = CallContext.within(_SECONDS)
        with suppress(NotFound):
            await self._bus.request(subjects.vault_oauth("remove"), ClientQuery(provider=provider), Done, ctx)

    async def forget_openid(self, provider: str) -> None:
        """The house's registration with an OpenID provider is forgotten; one that is gone already is as good."""
        ctx = CallContext.within(_SECONDS)
        with suppress(NotFound):
            await self._bus.request(subjects.vault_openid("remove"), OpenIdQuery(id=provider), Done, ctx)

    async def one(self, user: str, account: str) -> Account:
        """One account of this user; raises `NotFound` for another's too."""
        found = await self._ask("list", user, AccountQuery(user=user, account=account), AccountList)
        if not found.accounts:
            raise NotFound("There is no such account.")
        return found.accounts[0]

    async def rename(self, user: str, account: str, name: str) -> Account:
        """The account under another name."""
        return await self._ask("rename", user, AccountQuery(user=user, account=account, name=name), Account)

    async def revoke(self, user: str, account: str) -> None:
        """Destroys an account; one that is gone already is as good."""
        with suppress(NotFound):
            await self.disconnect(user, account)

    async def disconnect(self, user: str, account: str) -> Revoked:
        """Destroys an account, and says what became of its consent at the provider; raises `NotFound`."""
        query, ctx = AccountQuery(user=user, account=account), self._grants.context(user, seconds=_SECONDS)
        return await self._bus.request(subjects.vault_account("revoke"), query, Revoked, ctx)

    async def _ask(self, verb: str, user: str, query: AccountQuery, reply: type[Reply]) -> Reply:
        ctx = self._grants.context(user, seconds=_SECONDS)
        return await self._bus.ask(subjects.vault_account(verb), query, reply, ctx)
