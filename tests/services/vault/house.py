"""The vault with a witness that can fail, in memory, and what each room and each thief sends it."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import OaError
from openassistant.grants import Approval, Grant, Receipt, Rule, SigningKey, Trust
from openassistant.messages import (
    Account,
    AccountPayload,
    AccountQuery,
    Call,
    Card,
    ConnectRequest,
    Done,
    Effect,
    Heartbeat,
    KeyReply,
    KeyRequest,
    PublicKey,
    Record,
    RecordReply,
    TokenReply,
    TokenRequest,
    ToolCard,
    call_digest,
    card_digest,
)
from openassistant.seal import SealingKey, seal
from openassistant.store import Migrations, Store
from openassistant.testing import MemoryBus
from services.vault import __main__ as vault_room
from services.vault.__main__ import Vault
from services.vault.rootkey import RootKey

__all__ = ["CARD", "DIGEST", "PASSWORD", "VaultHouse"]

PASSWORD = "planted-not-a-real-password"
CARD = Card(
    id="mail",
    name="Mail",
    version="1",
    tools=(
        ToolCard(name="messages_search", description="", effect=Effect.READ, parameters={}),
        ToolCard(name="messages_flag", description="", effect=Effect.WRITE, parameters={}),
        ToolCard(name="messages_send", description="", effect=Effect.SEND, parameters={}),
    ),
)
DIGEST = card_digest(CARD)
_MIGRATIONS = Migrations({"own": Path(vault_room.__file__).parent / "migrations"})
Reply = TypeVar("Reply", bound=BaseModel)


class VaultHouse:
    """`async with VaultHouse(folder) as house:`; `stop` and `start` are a restart on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = RootKey(secrets.token_bytes(32))
        self.user = new_id()
        self.gateway, self.audit = SigningKey.generate(), SigningKey.generate()
        self.trust = Trust.of(gateway=self.gateway, audit=self.audit)
        self.bus = MemoryBus()
        self.records: list[Record] = []
        self.refusal: OaError | None = None
        self.later = timedelta()
        self.vault: Vault
        self.store: Store
        self._room: Bus
        self._witness = self.bus.room("audit")

    async def __aenter__(self) -> Self:
        await self._witness.serve(subjects.audit_record("*"), Record, self._on_record)
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()
        await self._witness.drain(seconds=1)

    async def start(self, *, root: RootKey | None = None) -> None:
        key = root or self.root
        self.store = await Store.open(self.folder / "vault.db", key.derive("file"), _MIGRATIONS)
        self._room = self.bus.room("vault")
        self.vault = Vault(self._room, self.store, key, trust=self.trust, clock=self.now)
        await self.vault.start()
        self.announce(CARD)
        self.vault.catalogue.apply("", None)

    async def stop(self) -> None:
        await self._room.drain(seconds=2)
        await self.store.close()

    async def silence_witness(self) -> None:
        await self._witness.drain(seconds=1)

    def now(self) -> datetime:
        return utc_now() + self.later

    def announce(self, card: Card) -> None:
        """A connector's heartbeat as the registry tells it."""
        beat = Heartbeat(instance=new_id(), card=card, digest=card_digest(card), started=self.now())
        self.vault.catalogue.apply(f"{card.id}.{beat.instance}", beat.model_dump_json().encode())

    async def ask(self, subject: str, body: BaseModel, reply: type[Reply], ctx: CallContext | None = None) -> Reply:
        """The vault's answer; keys and tokens are asked for by the room that the subject's last token names."""
        caller = self.bus.room(subjects.last_token(subject))
        return await caller.request(subject, body, reply, ctx or CallContext.within(10))

    async def key(self, room: str, *, user: str | None = None, grant: str | None = None) -> bytes:
        """The data key that a room gets."""
        sealing, subject = SealingKey(), subjects.vault_key(room)
        ctx = CallContext.within(10).signed(grant=grant)
        reply = await self.ask(subject, KeyRequest(user=user, public_key=sealing.public), KeyReply, ctx)
        return sealing.open(reply.sealed, context=subject)

    async def connect(self, connector: str = "mail", *, user: str | None = None, **secret: str) -> Account:
        """An account with its secrets, as the gateway connects it."""
        public = (await self.ask(subjects.vault("public"), Done(), PublicKey)).public_key
        subject = subjects.vault_account("connect")
        plain = json.dumps(secret or {"password": PASSWORD}).encode()
        request = ConnectRequest(
            user=user or self.user,
            connector=connector,
            name="Ada's mail",
            settings={"host": "imap.home.example"},
            sealed=seal(plain, public, context=subject),
        )
        return await self.ask(subject, request, Account)

    async def account(self, verb: str, reply: type[Reply], **query: Any) -> Reply:
        return await self.ask(subjects.vault_account(verb), AccountQuery(**query), reply)

    async def release(
        self,
        account: Account,
        ctx: CallContext,
        *,
        caller: str = "mail",
        call: Call | None = None,
        effect: Effect = Effect.READ,
        profile: bool = False,
    ) -> AccountPayload:
        """The settings and secrets that a connector gets."""
        sealing, subject = SealingKey(), subjects.vault_token(caller)
        request = TokenRequest(account=account.id, public_key=sealing.public, call=call, effect=effect, profile=profile)
        reply = await self.ask(subject, request, TokenReply, ctx)
        return AccountPayload.model_validate_json(sealing.open(reply.sealed, context=subject))

    def grant(self, *, by: SigningKey | None = None, **changes: Any) -> str:
        """A turn's grant of the user for the connector `mail`, or with fields changed."""
        plain: dict[str, Any] = {"id": new_id(), "kind": "turn", "user": self.user, "turn": new_id()}
        plain |= {"origin": "message", "connectors": {"mail": DIGEST}, "expires": self.now() + timedelta(minutes=10)}
        return (by or self.gateway).sign(Grant.model_validate({**plain, **changes}))

    def account_grant(self, account: Account, **changes: Any) -> str:
        """The grant of an account's background work."""
        return self.grant(kind="account", origin="connect", account=account.id, turn=None, **changes)

    def call(self, account: Account, tool: str = "messages_search", **changes: Any) -> Call:
        plain: dict[str, Any] = {"id": new_id(), "nonce": secrets.token_hex(16), "user": self.user, "tool": tool}
        plain |= {"account": account.id, "connector": "mail", "card_digest": DIGEST, "arguments": {"to": "carol"}}
        return Call.model_validate({**plain, **changes})

    def receipt(self, call: Call, *, by: SigningKey | None = None, **changes: Any) -> str:
        plain: dict[str, Any] = {"index": 0, "leaf": "00", "time": self.now().isoformat(), "call_id": call.id}
        plain |= {"call_digest": call_digest(call), "expires": self.now() + timedelta(minutes=2)}
        return (by or self.audit).sign(Receipt.model_validate({**plain, **changes}))

    def approval(self, call: Call, *, by: SigningKey | None = None, **changes: Any) -> str:
        plain: dict[str, Any] = {"id": new_id(), "call_digest": call_digest(call), "call_id": call.id}
        plain |= {"user": call.user, "decided_by": "person", "expires": self.now() + timedelta(hours=1)}
        return (by or self.gateway).sign(Approval.model_validate({**plain, **changes}))

    def by_rule(self, call: Call, *, by: SigningKey | None = None, **changes: Any) -> str:
        """An approval under a rule about the call's tool and Carol, or about something else."""
        plain: dict[str, Any] = {"id": new_id(), "user": call.user, "connector": "mail", "tool": call.tool}
        plain |= {"account": call.account, "effect": Effect.SEND, "destinations": ("recipient:carol@example.org",)}
        plain |= {"session": new_id(), "expires": self.now() + timedelta(days=30)}
        rule = (by or self.gateway).sign(Rule.model_validate({**plain, **changes}))
        return self.approval(call, decided_by="rule", rule=rule, preview_digest="0" * 64)

    def context(self, **tokens: str | None) -> CallContext:
        ctx = CallContext.within(10, now=self.now(), user=self.user)
        return ctx.model_copy(update=tokens)

    def acting(self, call: Call, **tokens: str | None) -> CallContext:
        """The full context of an approved call; a token given here replaces its own, None removes it."""
        whole: dict[str, str | None] = {"grant": self.grant(), "receipt": self.receipt(call)}
        return self.context(**{**whole, "approval": self.approval(call), **tokens})

    async def _on_record(self, ctx: CallContext, record: Record) -> RecordReply:
        if self.refusal is not None:
            raise self.refusal
        self.records.append(record)
        return RecordReply(receipt="", index=len(self.records) - 1)
