"""The witness with a vault that asks for grants, in memory, and what each room sends it."""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id, utc_now
from openassistant.grants import Grant, Receipt, SigningKey, Trust
from openassistant.keys import Keys
from openassistant.messages import (
    AuditAction,
    Call,
    ExportPage,
    ExportRequest,
    KeyReply,
    KeyRequest,
    Record,
    RecordReply,
    TreeHead,
    Verification,
    VerifyRequest,
)
from openassistant.seal import seal
from openassistant.store import Store
from openassistant.testing import MemoryBus
from openassistant.witness import record
from services.audit.__main__ import MIGRATIONS, Audit
from services.audit.outside import Outside

__all__ = ["CARD", "AuditHouse"]

CARD = "c" * 64
Reply = TypeVar("Reply", bound=BaseModel)


class AuditHouse:
    """`async with AuditHouse(folder) as house:`; `stop` and `start` are a restart on the same data."""

    def __init__(self, folder: Path, *, key: SigningKey | None = None) -> None:
        self.folder = folder
        self.user, self.turn, self.conversation = new_id(), new_id(), new_id()
        self.gateway, self.key = SigningKey.generate(), key or SigningKey.generate()
        self.trust = Trust.of(gateway=self.gateway, audit=self.key)
        self.bus = MemoryBus()
        self.outside: Outside | None = None
        self.keys: dict[str | None, bytes] = defaultdict(lambda: secrets.token_bytes(32))
        self._vault = self.bus.room("vault")
        self.audit: Audit
        self.store: Store
        self._room: Bus

    async def __aenter__(self) -> Self:
        await self._vault.serve(subjects.vault_key("*"), KeyRequest, self._on_key)
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()
        await self._vault.drain(seconds=1)

    async def start(self) -> None:
        self._room = self.bus.room("audit")
        self.store = await self.open_file()
        self.audit = Audit(
            self._room,
            self.store,
            self.keys[None],
            keys=Keys(self._room, utc_now),
            key=self.key,
            trust=self.trust,
            clock=utc_now,
            kept_head=self.folder / "head",
            outside=self.outside,
        )
        await self.audit.start()

    async def stop(self) -> None:
        await self._room.drain(seconds=2)
        await self.store.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def open_file(self) -> Store:
        """The ledger's file, as a thief who has its key would open it."""
        return await Store.open(self.folder / "ledger.db", self.keys[None], MIGRATIONS)

    async def tamper(self, *statements: str) -> None:
        """Changes the file behind the witness's back."""
        thief = await self.open_file()
        for statement in statements:
            await thief.write(lambda connection, sql=statement: connection.exec_driver_sql(sql).close())  # type: ignore[misc]
        await thief.close()

    def grant(self, **changes: Any) -> str:
        """A turn's grant of the user for the connector `mail`, or with fields changed."""
        plain: dict[str, Any] = {"id": new_id(), "kind": "turn", "user": self.user, "turn": self.turn}
        plain |= {"conversation": self.conversation, "origin": "message", "connectors": {"mail": CARD}}
        expires = utc_now() + timedelta(minutes=5)
        return self.gateway.sign(Grant.model_validate({**plain, "expires": expires, **changes}))

    def session(self, user: str | None = None) -> str:
        """A session's grant."""
        return self.grant(kind="session", origin="session", turn=None, conversation=None, user=user or self.user)

    def context(self, grant: str | None = None, **changes: Any) -> CallContext:
        """The context under a grant (that of the turn unless another is given)."""
        ctx = CallContext.within(30, user=self.user).signed(grant=grant or self.grant())
        return ctx.model_copy(update=changes)

    def call(self, **changes: Any) -> Call:
        """A call as the agent would make it."""
        plain: dict[str, Any] = {"id": new_id(), "nonce": secrets.token_hex(16), "user": self.user}
        plain |= {"connector": "mail", "card_digest": CARD, "tool": "messages_search"}
        return Call.model_validate({**plain, "arguments": {"query": "bicycle"}, **changes})

    async def send(self, room: str, entry: Record, ctx: CallContext | None = None) -> RecordReply:
        """A record from a room, as the bus would deliver it."""
        return await record(self.bus.room(room), ctx or self.context(), entry)

    async def begin(self, call: Call | None = None, ctx: CallContext | None = None, **changes: Any) -> Receipt:
        """The start of a call by the agent; the receipt, verified."""
        call = call or self.call()
        entry = Record(id=call.id, action=AuditAction.TOOL_STARTED, call=call)
        reply = await self.send("agent", entry.model_copy(update=changes), ctx)
        return self.trust.receipt(reply.receipt, now=utc_now())

    async def end(self, call: Call, action: AuditAction = AuditAction.TOOL_FINISHED, **changes: Any) -> RecordReply:
        """The outcome of a call by its connector."""
        entry = Record(id=call.id, action=action, outcome="done", content={"result": "two bicycles"})
        return await self.send("mail", entry.model_copy(update=changes))

    async def fill(self, count: int) -> list[Call]:
        """Calls that were started, one after the other."""
        calls = [self.call() for _ in range(count)]
        for call in calls:
            await self.begin(call)
        return calls

    async def ask(self, verb: str, body: BaseModel, reply: type[Reply], ctx: CallContext | None = None) -> Reply:
        """What the gateway asks, under the user's session."""
        ctx = ctx or self.context(self.session())
        return await self.bus.room("gateway").request(subjects.audit(verb), body, reply, ctx)

    async def verify(self, *kept: TreeHead) -> Verification:
        """The full check, also against heads that were kept elsewhere."""
        return await self.ask("verify", VerifyRequest(heads=tuple(each.checkpoint for each in kept)), Verification)

    async def hold_against(self, *kept: TreeHead) -> Verification:
        """The quick check that a room asks for which kept heads itself."""
        heads = tuple(each.checkpoint for each in kept)
        return await self.ask("verify", VerifyRequest(heads=heads, only_heads=True), Verification)

    async def export(self, user: str | None = None, *, limit: int = 500) -> list[str]:
        """All lines of a user's export."""
        lines: list[str] = []
        after: int | None = -1
        ctx = self.context(self.session(user), user=user or self.user)
        while after is not None:
            page = await self.ask("export", ExportRequest(after=after, limit=limit), ExportPage, ctx)
            lines += page.lines
            after = page.next
        return lines

    async def _on_key(self, ctx: CallContext, request: KeyRequest) -> KeyReply:
        if request.user is not None:
            assert self.trust.grant(ctx.grant, now=utc_now()).user == request.user
        return KeyReply(sealed=seal(self.keys[request.user], request.public_key, context=ctx.subject), key_id="fake")
