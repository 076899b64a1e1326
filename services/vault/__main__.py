"""The vault: root key, data keys, third-party accounts. Wires and serves."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

from openassistant import log, subjects
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock, new_id, utc_now
from openassistant.data import Answers, ExportPage, Forgotten, Holding, Imported, Part, Piece, serve_data
from openassistant.egress import Egress, Proxy
from openassistant.errors import Forbidden, InvalidRequest, OaError
from openassistant.grants import Scope, Trust
from openassistant.guard import admit_grant
from openassistant.messages import (
    Account,
    AccountList,
    AccountPayload,
    AccountQuery,
    AuditAction,
    BorrowRequest,
    ConnectRequest,
    Done,
    KeyReply,
    KeyRequest,
    PublicKey,
    Record,
    SealedKey,
    TokenReply,
    TokenRequest,
)
from openassistant.oauth import (
    AuthorizeRequest,
    Authorizing,
    ClientDraft,
    ClientList,
    ClientQuery,
    DeviceQuery,
    DeviceReply,
    FinishRequest,
    OAuthClient,
    Revoked,
)
from openassistant.openid import (
    OpenIdBegin,
    OpenIdBegun,
    OpenIdClient,
    OpenIdDraft,
    OpenIdFinish,
    OpenIdList,
    OpenIdQuery,
    OpenIdWho,
)
from openassistant.rekeying import RotateRequest
from openassistant.seal import SealingKey, seal
from openassistant.store import DataKey, Migrations, Store
from openassistant.witness import record
from services.vault import accounts, clients, loans, moving, openidstore, tokens
from services.vault.consents import Consents
from services.vault.credentials import Credentials
from services.vault.datakeys import adopt, data_key, destroy, erase_user
from services.vault.oauth import OAuth
from services.vault.openid import OpenId
from services.vault.rootkey import RootFile, RootKey
from services.vault.rotation import Rotation
from services.vault.settings import VaultSettings

__all__ = ["ROOM", "Vault", "main", "open_file"]

ROOM = "vault"
_WITNESS = "audit"
_LATEST, _AGAIN = 300.0, 1.0
"""Seconds: so long the witness is waited for with what must be written down afterwards, asked again so often."""
_SERVICES = ("gateway", "agent", "audit")
"""Rooms that serve every user; a connector's grant must name it."""


_log = logging.getLogger("openassistant.vault")


class Vault:
    """The room's handlers over an open store."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        root: RootKey,
        *,
        trust: Trust,
        clock: Clock,
        proxy: Proxy | None = None,
        root_file: RootFile | None = None,
    ) -> None:
        self._bus, self._store, self._root, self._trust, self._clock = bus, store, root, trust, clock
        self._credentials = Credentials(store, root)
        self.rotation = Rotation(store, root, self._credentials, file=root_file, clock=clock)
        self._sealing = SealingKey()
        self.catalogue = Catalogue(clock)
        transport = Egress(proxy=proxy).transport if proxy else None
        oauth = OAuth(clock, transport)
        self._consents = Consents(
            store, self._credentials, oauth, catalogue=self.catalogue, clock=clock, note=self._note
        )
        self._openid = OpenId(store, self._credentials, oauth, clock=clock, transport=transport)

    async def start(self) -> None:
        """Opens the credential keys and serves."""
        await self._credentials.open(self._clock())
        serve = self._bus.serve
        await serve(subjects.vault("public"), Done, self.on_public)
        await serve(subjects.vault_key("*"), KeyRequest, self.on_key, caller_is_last=True)
        await serve(subjects.vault_token("*"), TokenRequest, self.on_token, caller_is_last=True)
        await serve(subjects.vault_rotate("*"), RotateRequest, self.rotation.on_rotate, caller_is_last=True)
        await serve(subjects.vault_account("connect"), ConnectRequest, self.on_connect)
        await serve(subjects.vault_account("borrow"), BorrowRequest, self.on_borrow)
        await serve(subjects.vault_account("finish"), AccountQuery, self.on_finish)
        await serve(subjects.vault_account("rename"), AccountQuery, self.on_rename)
        await serve(subjects.vault_account("list"), AccountQuery, self.on_list)
        await serve(subjects.vault_account("revoke"), AccountQuery, self.on_revoke)
        await serve(subjects.vault_oauth("keep"), ClientDraft, self.on_keep_client)
        await serve(subjects.vault_oauth("list"), ClientQuery, self.on_clients)
        await serve(subjects.vault_oauth("remove"), ClientQuery, self.on_remove_client)
        await serve(subjects.vault_oauth("authorize"), AuthorizeRequest, self.on_authorize)
        await serve(subjects.vault_oauth("finish"), FinishRequest, self.on_authorized)
        await serve(subjects.vault_oauth("poll"), DeviceQuery, self.on_poll)
        await serve(subjects.vault_openid("keep"), OpenIdDraft, self.on_keep_openid)
        await serve(subjects.vault_openid("list"), OpenIdQuery, self.on_openids)
        await serve(subjects.vault_openid("remove"), OpenIdQuery, self.on_remove_openid)
        await serve(subjects.vault_openid("begin"), OpenIdBegin, self.on_begin_openid)
        await serve(subjects.vault_openid("finish"), OpenIdFinish, self.on_finish_openid)
        answers = Answers(
            usage=self.on_usage, erase=self.erase, forget=self.forget, export=self.on_export, take=self.on_import
        )
        await serve_data(self._bus, ROOM, answers, trust=self._trust, clock=self._clock)

    async def on_usage(self, ctx: CallContext, user: str) -> Holding:
        """A user's accounts."""
        found = await accounts.find(self._store, AccountQuery(user=user))
        return Holding(parts=(Part.of("accounts", [each.created for each in found]),))

    async def on_export(self, ctx: CallContext, user: str, cursor: str) -> ExportPage:
        """A user's accounts as a file, without secrets."""
        return ExportPage(pieces=(await moving.export(self._store, user),))

    async def on_import(self, ctx: CallContext, user: str, pieces: tuple[Piece, ...]) -> Imported:
        """Accounts out of such a file, each in need of a sign-in."""
        async with self._credentials.steady:
            return await moving.take(self._store, user, pieces, nothing=self._credentials.encrypt({}))

    async def erase(self, user: str) -> None:
        """Destroys a user's keys and accounts; done twice is done."""
        await erase_user(self._store, user, now=self._clock())
        await self._store.tidy()

    async def forget(self, user: str, scope: Scope, dry: bool) -> Forgotten:  # noqa: FBT001 - see `Answers`
        """Destroys a user's key in connectors whose data will not come back: `kinds` are their ids.

        Nothing else that lies here is forgotten in parts; an account goes by `revoke`.
        """
        rooms = [each for each in scope.kinds if each not in (*_SERVICES, ROOM)]
        count = sum([await destroy(self._store, room=room, user=user, dry=dry) for room in rooms])
        if count and not dry:
            await self._store.tidy()
        return Forgotten(parts=(Part(kind="keys", count=count),) if count else ())

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
        if request.adopted is not None:
            await adopt(self._store, room=room, user=request.user, key_id=request.adopted, now=self._clock())
        key = await data_key(self._store, self._root, room=room, user=request.user, now=self._clock())
        if room != _WITNESS or request.user is not None:
            self._bus.spawn(self._note_key(room, ctx if request.user else CallContext.within(_LATEST)))

        def sealed(key: DataKey) -> SealedKey:
            return SealedKey(sealed=seal(bytes(key), request.public_key, context=ctx.subject), key_id=key.id)

        following = sealed(key.successor) if key.successor else None
        return KeyReply(**sealed(key).model_dump(), successor=following)

    async def _note_key(self, room: str, ctx: CallContext) -> None:
        """Writes down that a key was released. Rooms need theirs before the witness is there: it is told as it comes.

        The witness's own is the one that cannot be written down before it has it.
        """
        entry = Record(id=new_id(), action=AuditAction.KEY_RELEASED, connector=room, outcome="released")
        ends = asyncio.get_running_loop().time() + _LATEST
        while True:
            try:
                await record(self._bus, ctx.renewed(_LATEST), entry)
            except OaError as error:
                if not error.retryable or asyncio.get_running_loop().time() > ends:
                    _log.error("a released key is not in the ledger", extra={"room": room, "code": error.code})
                    return
                await self._bus.pause(_AGAIN)
            else:
                return

    async def on_token(self, ctx: CallContext, request: TokenRequest) -> TokenReply:
        """An account's settings and secrets for its own connector, after every check and a record of it.

        For one that is lent they are those of the account behind it, within the loan, and its lender has a record, too.
        """
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
        source, lent = await loans.behind(
            self._store, request, account, trust=self._trust, catalogue=self.catalogue, now=self._clock()
        )
        expires = min(expires, lent.until) if lent else expires
        secrets: dict[str, str] = {}
        if not request.profile:
            await self._note(ctx, AuditAction.TOKEN_RELEASED, account, "released")
            if lent is not None:
                await record(self._bus, ctx, await loans.used(self._store, request, account, source))
            secrets, ends = await self._released(ctx, source, request.refused)
            expires = min(expires, ends or expires)
        payload = AccountPayload(
            account=account.id, name=account.name, settings=source.settings, secrets=secrets,
            capabilities=source.capabilities, lent=lent,
        )  # fmt: skip
        sealed = seal(payload.model_dump_json().encode(), request.public_key, context=ctx.subject)
        return TokenReply(sealed=sealed, expires=expires)

    async def _released(
        self, ctx: CallContext, account: Account, refused: str
    ) -> tuple[dict[str, str], datetime | None]:
        moving.refuse_moved(account)
        if account.auth == "oauth2":
            return await self._consents.access(ctx, account, refused=refused)
        async with self._credentials.steady:
            return self._credentials.decrypt(await accounts.secrets_of(self._store, account.id)), None

    async def on_connect(self, ctx: CallContext, request: ConnectRequest) -> Account:
        """Stores an account as pending; its secrets come sealed and stay encrypted."""
        secrets = self._opened(request.sealed, ctx.subject)
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

    async def on_borrow(self, ctx: CallContext, request: BorrowRequest) -> Account:
        """Stores an account as pending that points to the one of a loan, and has no secrets of its own."""
        loan = self._trust.loan(request.loan, now=self._clock())
        loans.admit_loan(loan, await accounts.one(self._store, loan.account))
        async with self._credentials.steady:
            return await accounts.borrow(
                self._store, loans.terms(loan), user=loan.user, connector=loan.connector, signed=request.loan,
                name=request.name, nothing=self._credentials.encrypt({}), now=self._clock(),
            )  # fmt: skip

    async def on_finish(self, ctx: CallContext, query: AccountQuery) -> Account:
        """Marks an account connected, or in need of attention when the query names a problem."""
        account = await accounts.one(self._store, _named(query))
        return await accounts.mark(self._store, account.id, problem=moving.still_moved(account, query.problem))

    async def on_rename(self, ctx: CallContext, query: AccountQuery) -> Account:
        """Gives an account another name."""
        return await accounts.rename(self._store, _named(query), query.name or "")

    async def on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        """Accounts without secrets."""
        return AccountList(accounts=await accounts.find(self._store, query))

    async def on_revoke(self, ctx: CallContext, query: AccountQuery) -> Revoked:
        """Ends an account's consent at its provider, as far as that can be reached, and deletes it with its secrets."""
        account = await accounts.one(self._store, _named(query))
        outcome, manage_url = await self._consents.revoke(account)
        await accounts.remove(self._store, account.id)
        if outcome != "none":
            self._bus.spawn(self._note(ctx, AuditAction.TOKEN_REVOKED, account, outcome))
        return Revoked(account=account, outcome=outcome, manage_url=manage_url)

    async def on_keep_client(self, ctx: CallContext, draft: ClientDraft) -> OAuthClient:
        """Keeps the registration of this installation with a provider."""
        secret = None if draft.sealed is None else self._opened(draft.sealed, ctx.subject).get("client_secret", "")
        return await clients.keep(self._store, self._credentials, draft.client, secret=secret, now=self._clock())

    async def on_clients(self, ctx: CallContext, query: ClientQuery) -> ClientList:
        """Registrations without secrets."""
        return ClientList(clients=await clients.listing(self._store, query.provider))

    async def on_remove_client(self, ctx: CallContext, query: ClientQuery) -> Done:
        """Forgets a registration; accounts that came of it can no longer be refreshed."""
        await clients.remove(self._store, query.provider or "")
        return Done()

    async def on_authorize(self, ctx: CallContext, request: AuthorizeRequest) -> Authorizing:
        """Begins the authorization of an account."""
        return await self._consents.authorize(request)

    async def on_authorized(self, ctx: CallContext, request: FinishRequest) -> Account:
        """Ends one that came back by a redirect."""
        code = None if request.sealed is None else self._opened(request.sealed, ctx.subject).get("code", "")
        return await self._consents.finish(request, code)

    async def on_poll(self, ctx: CallContext, query: DeviceQuery) -> DeviceReply:
        """Ends one by a user code, once that was typed."""
        return DeviceReply(account=await self._consents.poll(query))

    async def on_keep_openid(self, ctx: CallContext, draft: OpenIdDraft) -> OpenIdClient:
        """Keeps the registration with an OpenID provider that people sign in at."""
        secret = None if draft.sealed is None else self._opened(draft.sealed, ctx.subject).get("client_secret", "")
        return await self._openid.keep(draft.client, secret)

    async def on_openids(self, ctx: CallContext, query: OpenIdQuery) -> OpenIdList:
        """Those registrations, without secrets."""
        return OpenIdList(clients=await openidstore.listing(self._store, query.id))

    async def on_remove_openid(self, ctx: CallContext, query: OpenIdQuery) -> Done:
        """Forgets one."""
        await openidstore.remove(self._store, query.id or "")
        return Done()

    async def on_begin_openid(self, ctx: CallContext, request: OpenIdBegin) -> OpenIdBegun:
        """Begins a sign-in."""
        return await self._openid.begin(request)

    async def on_finish_openid(self, ctx: CallContext, request: OpenIdFinish) -> OpenIdWho:
        """Ends one: who it was."""
        code = None if request.sealed is None else self._opened(request.sealed, ctx.subject).get("code", "")
        return await self._openid.finish(request, code)

    async def _note(self, ctx: CallContext, action: AuditAction, account: Account, outcome: str) -> None:
        entry = Record(id=new_id(), action=action, connector=account.connector, account=account.id, outcome=outcome)
        await record(self._bus, ctx, entry)

    def _opened(self, sealed: str, subject: str) -> dict[str, str]:
        """Sealed values by name; raises `InvalidRequest`."""
        plain = self._sealing.open(sealed, context=subject)
        try:
            return {str(name): str(value) for name, value in json.loads(plain).items()}
        except (ValueError, AttributeError) as error:
            raise InvalidRequest("The sealed secrets are not a JSON object.") from error


def _named(query: AccountQuery) -> str:
    if query.account is None:
        raise InvalidRequest("The request names no account.")
    return query.account


async def open_file(path: Path, file: RootFile) -> tuple[RootKey, Store]:
    """The root key and the vault's file, which it opens; a change of root keys that broke off is ended or taken back.

    Raises `Internal` in words for the administrator: wrong passphrase, another key, damage.
    """
    root, coming = file.load(), file.load_coming()
    following = DataKey(coming.derive("file")) if coming else None
    lines = Migrations({"own": Path(__file__).parent / "migrations"})
    store = await Store.open(path, DataKey(root.derive("file"), successor=following), lines)
    if coming is not None and store.key == following:
        file.switch()
        return coming, store
    file.discard()
    return root, store


async def run(settings: VaultSettings) -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    file = RootFile(settings.root_key_file, passphrase_file=settings.passphrase_file)
    async with AsyncExitStack() as stack:
        root, store = await open_file(settings.data_dir / "vault.db", file)
        stack.push_async_callback(store.close)
        bus = await settings.connect(ROOM)
        vault = Vault(
            bus, store, root, trust=settings.trust(), clock=utc_now, proxy=settings.proxy(ROOM), root_file=file
        )
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
