"""The vault: root key, data keys, third-party accounts. Wires and serves."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from openassistant import log, subjects
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock, new_id, utc_now
from openassistant.errors import Forbidden, InvalidRequest
from openassistant.grants import Trust
from openassistant.guard import admit_grant
from openassistant.messages import (
    Account,
    AccountList,
    AccountPayload,
    AccountQuery,
    AuditAction,
    ConnectRequest,
    Done,
    KeyReply,
    KeyRequest,
    PublicKey,
    Record,
    TokenReply,
    TokenRequest,
)
from openassistant.seal import SealingKey, seal
from openassistant.store import Migrations, Store
from openassistant.witness import record
from services.vault import accounts, tokens
from services.vault.credentials import Credentials
from services.vault.datakeys import data_key
from services.vault.rootkey import RootKey
from services.vault.settings import VaultSettings

__all__ = ["ROOM", "Vault", "main"]

ROOM = "vault"
_SERVICES = ("gateway", "agent", "audit")
"""Rooms that serve every user; a connector's grant must name it."""


class Vault:
    """The room's handlers over an open store."""

    def __init__(self, bus: Bus, store: Store, root: RootKey, *, trust: Trust, clock: Clock) -> None:
        self._bus, self._store, self._root, self._trust, self._clock = bus, store, root, trust, clock
        self._credentials = Credentials(store, root)
        self._sealing = SealingKey()
        self.catalogue = Catalogue(clock)

    async def start(self) -> None:
        """Opens the credential keys and serves."""
        await self._credentials.open(self._clock())
        serve = self._bus.serve
        await serve(subjects.vault("public"), Done, self.on_public)
        await serve(subjects.vault_key("*"), KeyRequest, self.on_key, caller_is_last=True)
        await serve(subjects.vault_token("*"), TokenRequest, self.on_token, caller_is_last=True)
        await serve(subjects.vault_account("connect"), ConnectRequest, self.on_connect)
        await serve(subjects.vault_account("finish"), AccountQuery, self.on_finish)
        await serve(subjects.vault_account("list"), AccountQuery, self.on_list)
        await serve(subjects.vault_account("revoke"), AccountQuery, self.on_revoke)

    async def on_public(self, ctx: CallContext, _: Done) -> PublicKey:
        """The key to seal secrets to; a new one with each start."""
        return PublicKey(public_key=self._sealing.public)

    async def on_key(self, ctx: CallContext, request: KeyRequest) -> KeyReply:
        """A room's own data key, or that of a user against a grant of that user."""
        room = subjects.last_token(ctx.subject)
        if request.user is not None:
            grant = admit_grant(ctx, trust=self._trust, user=request.user, now=self._clock())
            if room not in _SERVICES and room not in grant.connectors:
                raise Forbidden("The grant does not cover this connector.")
        key_id, key = await data_key(self._store, self._root, room=room, user=request.user, now=self._clock())
        return KeyReply(sealed=seal(key, request.public_key, context=ctx.subject), key_id=key_id)

    async def on_token(self, ctx: CallContext, request: TokenRequest) -> TokenReply:
        """An account's settings and secrets for its own connector, after every check and a record of it."""
        account = await accounts.one(self._store, request.account)
        await self.catalogue.read()
        caller = subjects.last_token(ctx.subject)
        expires = tokens.admit_release(
            ctx,
            request,
            account,
            caller=caller,
            trust=self._trust,
            catalogue=self.catalogue,
            now=self._clock(),
        )
        secrets = {}
        if not request.profile:
            entry = Record(
                id=new_id(), action=AuditAction.TOKEN_RELEASED, connector=caller, account=account.id, outcome="released"
            )
            await record(self._bus, ctx, entry)
            async with self._credentials.steady:
                secrets = self._credentials.decrypt(await accounts.secrets_of(self._store, account.id))
        payload = AccountPayload(account=account.id, name=account.name, settings=account.settings, secrets=secrets)
        sealed = seal(payload.model_dump_json().encode(), request.public_key, context=ctx.subject)
        return TokenReply(sealed=sealed, expires=expires)

    async def on_connect(self, ctx: CallContext, request: ConnectRequest) -> Account:
        """Stores an account as pending; its secrets come sealed and stay encrypted."""
        plain = self._sealing.open(request.sealed, context=ctx.subject)
        try:
            secrets = {str(name): str(value) for name, value in json.loads(plain).items()}
        except (ValueError, AttributeError) as error:
            raise InvalidRequest("The sealed secrets are not a JSON object.") from error
        async with self._credentials.steady:
            return await accounts.add(
                self._store,
                user=request.user,
                connector=request.connector,
                name=request.name,
                settings=request.settings,
                token=self._credentials.encrypt(secrets),
                now=self._clock(),
            )

    async def on_finish(self, ctx: CallContext, query: AccountQuery) -> Account:
        """Marks an account connected, or in need of attention when the query names a problem."""
        return await accounts.mark(self._store, _named(query), problem=query.problem)

    async def on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        """Accounts without secrets."""
        return AccountList(accounts=await accounts.find(self._store, query))

    async def on_revoke(self, ctx: CallContext, query: AccountQuery) -> Account:
        """Deletes an account and its secrets."""
        return await accounts.remove(self._store, _named(query))


def _named(query: AccountQuery) -> str:
    if query.account is None:
        raise InvalidRequest("The request names no account.")
    return query.account


async def run(settings: VaultSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    root = RootKey.load(settings.root_key_file)
    async with AsyncExitStack() as stack:
        path = settings.data_dir / "vault.db"
        lines = Migrations({"own": Path(__file__).parent / "migrations"})
        store = await Store.open(path, root.derive("file"), lines)
        stack.push_async_callback(store.close)
        bus = await settings.connect(ROOM)
        vault = Vault(bus, store, root, trust=settings.trust(), clock=utc_now)
        await vault.start()
        follow = asyncio.create_task(vault.catalogue.follow(bus))
        stack.callback(follow.cancel)
        stack.push_async_callback(bus.drain)
        await stop.wait()


def main() -> None:
    """The room's process."""
    settings = VaultSettings.read_or_exit()
    log.configure(ROOM)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
