"""For tests: a bus in memory, fakes of the rooms a connector meets, `call_tool`, and the connector contract suite."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import secrets
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from openassistant import subjects
from openassistant.budgets import Budget
from openassistant.bus import Bus, Incoming, Subscription
from openassistant.connector import Connector
from openassistant.context import CallContext, Clock, new_id, utc_now
from openassistant.data import (
    EraseRequest,
    ExportPage,
    ExportRequest,
    Forgotten,
    Holding,
    Imported,
    ImportRequest,
    Piece,
)
from openassistant.errors import DeadlineExceeded, TooLarge, Unavailable
from openassistant.grants import Approval, Erasure, Grant, Receipt, Rule, Scope, SigningKey, Trust
from openassistant.hooks import Hook, HookAnswer
from openassistant.messages import (
    AccountPayload,
    AttachRequest,
    AuditAction,
    Call,
    CheckReport,
    Done,
    Effect,
    KeyReply,
    KeyRequest,
    Lent,
    Preview,
    Record,
    RecordReply,
    TokenReply,
    TokenRequest,
    ToolResult,
    call_digest,
)
from openassistant.runner import Runner
from openassistant.seal import seal

__all__ = ["FakeHouse", "MemoryBus", "MemoryTransport", "call_tool", "matches"]


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject fits a pattern with `*` (one token) and `>` (the rest)."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, token in enumerate(wanted):
        if token == ">":
            return len(given) > position
        if position >= len(given) or token not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


class _MemorySubscription:
    def __init__(
        self, pattern: str, queue: str, handle: Callable[[Incoming], Awaitable[None]], owner: MemoryTransport
    ) -> None:
        self.pattern, self.queue, self._handle, self._owner = pattern, queue, handle, owner
        self._pending: asyncio.Queue[Incoming] = asyncio.Queue()
        self._task = asyncio.create_task(self._pump())

    def push(self, message: Incoming) -> None:
        self._pending.put_nowait(message)

    async def _pump(self) -> None:
        while True:
            await self._handle(await self._pending.get())

    async def drain(self) -> None:
        if self in self._owner.subscriptions:
            self._owner.subscriptions.remove(self)
        while not self._pending.empty():
            await asyncio.sleep(0)
        self._task.cancel()


class MemoryTransport:
    """What NATS does for us, in one process: queue groups, request/reply, chat replay, buckets."""

    def __init__(self, *, max_payload: int = 8 * 1024 * 1024) -> None:
        self._room = "nobody"
        self.subscriptions: list[_MemorySubscription] = []
        self.events: dict[str, list[Incoming]] = defaultdict(list)
        self.buckets: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._watchers: dict[str, list[asyncio.Queue[tuple[str, bytes | None]]]] = defaultdict(list)
        self._max_payload = max_payload
        self._turns: dict[tuple[str, str], int] = defaultdict(int)

    def of(self, room: str) -> MemoryTransport:
        """The same transport, as one room is connected to it."""
        mine = copy.copy(self)
        mine._room = room  # noqa: SLF001 - a copy of this very class
        return mine

    async def request(
        self, subject: str, data: bytes, headers: dict[str, str], timeout: float
    ) -> tuple[bytes, Mapping[str, str]]:
        """See `openassistant.bus.Transport`."""
        inbox = f"{subjects.replies(self._room)}.{new_id()}"
        answer: asyncio.Future[Incoming] = asyncio.get_running_loop().create_future()

        async def take(message: Incoming) -> None:
            if not answer.done():
                answer.set_result(message)

        subscription = await self.subscribe(inbox, "", take)
        try:
            if not self._deliver(Incoming(subject, self._checked(data), headers, inbox)):
                raise Unavailable(f"Nobody answers {subject}: that room is not running.")
            message = await asyncio.wait_for(answer, timeout)
        except TimeoutError as error:
            raise DeadlineExceeded("There was no answer in time.") from error
        finally:
            await subscription.drain()
        return message.data, message.headers

    async def publish(self, subject: str, data: bytes, headers: dict[str, str] | None) -> None:
        """See `openassistant.bus.Transport`."""
        message = Incoming(subject, self._checked(data), headers or {}, "")
        if subject.startswith("oa.event."):
            self.events[subject].append(message)
        self._deliver(message)

    async def subscribe(self, subject: str, queue: str, handle: Callable[[Incoming], Awaitable[None]]) -> Subscription:
        """See `openassistant.bus.Transport`."""
        subscription = _MemorySubscription(subject, queue, handle, self)
        self.subscriptions.append(subscription)
        return subscription

    async def put(self, bucket: str, key: str, value: bytes) -> None:
        """See `openassistant.bus.Transport`."""
        self.buckets[bucket][key] = value
        for watcher in self._watchers[bucket]:
            watcher.put_nowait((key, value))

    async def watch(self, bucket: str) -> AsyncIterator[tuple[str, bytes | None]]:
        """See `openassistant.bus.Transport`."""
        changes: asyncio.Queue[tuple[str, bytes | None]] = asyncio.Queue()
        for item in self.buckets[bucket].items():
            changes.put_nowait(item)
        changes.put_nowait(("", None))
        self._watchers[bucket].append(changes)
        while True:
            yield await changes.get()

    async def last(self, stream: str, subject: str) -> Incoming | None:
        """See `openassistant.bus.Transport`."""
        return self.events[subject][-1] if self.events[subject] else None

    async def replay(self, stream: str, subject: str) -> AsyncIterator[Incoming]:
        """See `openassistant.bus.Transport`."""
        for message in list(self.events[subject]):
            yield message

    async def purge(self, stream: str, subject: str) -> None:
        """See `openassistant.bus.Transport`."""
        for each in [known for known in self.events if matches(subject, known)]:
            del self.events[each]

    async def ping(self) -> None:
        """Memory always answers."""

    async def until_returned(self) -> None:
        """Memory is never away."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing to flush; other rooms may still use the same transport."""

    def _checked(self, data: bytes) -> bytes:
        if len(data) > self._max_payload:
            raise TooLarge("The message is larger than the bus carries (8 MB).")
        return data

    def _deliver(self, message: Incoming) -> bool:
        groups: dict[tuple[str, str], list[_MemorySubscription]] = defaultdict(list)
        for position, subscription in enumerate(self.subscriptions):
            if matches(subscription.pattern, message.subject):
                queue = subscription.queue or f"#{position}"
                groups[(subscription.pattern, queue)].append(subscription)
        for name, members in groups.items():
            self._turns[name] += 1
            members[self._turns[name] % len(members)].push(message)
        return bool(groups)


class MemoryBus:
    """Many rooms on one transport in memory: `MemoryBus().room("vault")`."""

    def __init__(self) -> None:
        self.transport = MemoryTransport()

    def room(self, name: str) -> Bus:
        """The bus as one room holds it."""
        return Bus(self.transport.of(name), room=name)


class FakeHouse:
    """The rooms that a connector meets, in memory: a vault, a witness and a gateway that sign with keys of their own.

    `async with FakeHouse(connector) as house:` runs the connector; `house.call(...)` does what agent and gateway do.
    """

    def __init__(self, connector: Connector, *, clock: Clock = utc_now, folder: Path | None = None) -> None:
        self.connector = connector
        self.clock = clock
        self.user = new_id()
        self.account = AccountPayload(account=new_id(), name="", settings={}, secrets={})
        self.gateway, self.audit = SigningKey.generate(), SigningKey.generate()
        self.trust = Trust.of(gateway=self.gateway, audit=self.audit)
        self.records: list[Record] = []
        self.zone: str | None = None
        self.budget = Budget(model_calls=24, tool_calls=60, seconds=3600)
        self.bus = MemoryBus()
        self.agent = self.bus.room("agent")
        self._folder = folder
        self._keys: dict[str, bytes] = defaultdict(lambda: secrets.token_bytes(32))
        self._stack = contextlib.AsyncExitStack()
        self.runner: Runner

    async def __aenter__(self) -> Self:
        """Serves vault and witness, then starts the connector."""
        folder = self._folder or Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        vault, witness = self.bus.room("vault"), self.bus.room("audit")
        await vault.serve(subjects.vault_key("*"), KeyRequest, self._on_key)
        await vault.serve(subjects.vault_token("*"), TokenRequest, self._on_token)
        await witness.serve(subjects.audit_record("*"), Record, self._on_record)
        await self.start(folder)
        for bus in (self.agent, vault, witness):
            self._stack.push_async_callback(bus.drain, seconds=1)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stops everything."""
        await self.stop()
        await self._stack.aclose()

    async def start(self, folder: Path) -> None:
        """Starts an instance of the connector on a data folder."""
        bus = self.bus.room(self.connector.id)
        self.runner = Runner(self.connector, bus=bus, trust=self.trust, clock=self.clock, data_dir=folder)
        await self.runner.start()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self.runner.run(self._stop))

    async def stop(self) -> None:
        """Stops the running instance."""
        self._stop.set()
        await self._task

    def connect(self, name: str, settings: dict[str, Any], **secret: str) -> None:
        """Puts the account into the vault; `secret` are its secrets."""
        self.account = self.account.model_copy(update={"name": name, "settings": settings, "secrets": dict(secret)})

    def lend(self, access: Literal["read", "act"], *parts: str) -> None:
        """From now on the account is another person's, who lends it, or these parts of it."""
        lent = Lent(
            loan=new_id(), lender=new_id(), account=new_id(), access=access, parts=parts,
            until=self.clock() + timedelta(days=30),
        )  # fmt: skip
        self.account = self.account.model_copy(update={"lent": lent})
        self.runner.keys.forget_account(self.account.account)

    def grant(self, **changes: Any) -> str:
        """A turn's grant for the user and this connector, or with fields changed."""
        plain: dict[str, Any] = {
            "id": new_id(),
            "kind": "turn",
            "user": self.user,
            "turn": new_id(),
            "conversation": new_id(),
            "budget": self.budget,
        }
        plain |= {"origin": "message", "connectors": {self.connector.id: self.runner.digest}}
        expires = self.clock() + timedelta(minutes=10)
        return self.gateway.sign(Grant.model_validate({**plain, "expires": expires, **changes}))

    def account_grant(self) -> str:
        """The grant of the account's background work."""
        return self.grant(
            kind="account", origin="connect", account=self.account.account, turn=None, conversation=None,
            lent=self.account.lent is not None,
        )  # fmt: skip

    def make(self, tool: str, **arguments: Any) -> Call:
        """A call as the agent would propose it."""
        return Call(
            id=new_id(),
            nonce=secrets.token_hex(16),
            user=self.user,
            account=self.account.account,
            connector=self.connector.id,
            card_digest=self.runner.digest,
            tool=tool,
            arguments=arguments,
        )

    def receipt(self, call: Call, **changes: Any) -> str:
        """The witness's receipt for a call, or with fields changed."""
        now = self.clock()
        plain = {"index": 0, "leaf": "00", "time": now.isoformat(), "call_digest": call_digest(call)}
        expires = now + timedelta(minutes=2)
        return self.audit.sign(Receipt.model_validate({**plain, "call_id": call.id, "expires": expires, **changes}))

    def approval(self, call: Call, **changes: Any) -> str:
        """A person's approval of a call, or with fields changed."""
        plain = {"id": new_id(), "call_digest": call_digest(call), "call_id": call.id, "user": call.user}
        expires = self.clock() + timedelta(hours=1)
        return self.gateway.sign(
            Approval.model_validate({**plain, "decided_by": "person", "expires": expires, **changes})
        )

    def rule(self, call: Call, *destinations: str, **changes: Any) -> str:
        """A rule of the user about the tool of a call, or with fields changed; "recipient:carol@example.org"."""
        plain: dict[str, Any] = {"id": new_id(), "user": call.user, "connector": call.connector, "tool": call.tool}
        plain |= {"account": call.account, "effect": Effect.SEND, "session": new_id()}
        made = {**plain, "destinations": destinations, "expires": self.clock() + timedelta(days=30), **changes}
        return self.gateway.sign(Rule.model_validate(made))

    def context(self, call: Call, **tokens: str | None) -> CallContext:
        """A context with grant, receipt and approval for a call; a token given here replaces it, None removes it."""
        effect = self.connector.tools[call.tool].effect_for(call.arguments)
        signed: dict[str, str | None] = {"grant": self.grant(), "receipt": self.receipt(call)}
        if effect is not Effect.READ:
            signed["approval"] = self.approval(call)
        ctx = CallContext.within(30, now=self.clock(), user=call.user)
        return ctx.model_copy(update={"zone": self.zone, **signed, **tokens})

    async def send(self, call: Call, ctx: CallContext | None = None) -> ToolResult:
        """Sends a call over the bus; raises the connector's `OaError`."""
        subject = subjects.tool(call.connector, call.user, call.tool)
        return await self.agent.request(subject, call, ToolResult, ctx or self.context(call))

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Makes, approves and sends a call and returns the result's content."""
        return (await self.send(self.make(tool, **arguments))).content

    async def preview(self, tool: str, **arguments: Any) -> Preview:
        """What a call would do."""
        call = self.make(tool, **arguments)
        ctx = self.context(call, receipt=None, approval=None)
        return await self.agent.request(subjects.preview(call.connector), call, Preview, ctx)

    async def check(self) -> CheckReport:
        """Checks the account."""
        report: CheckReport = await self._account("check", CheckReport)
        return report

    async def attach(self) -> None:
        """Attaches the account, so that its sync begins."""
        await self._account("attach", Done)

    async def knock(
        self, body: bytes = b"", *, method: Literal["GET", "POST"] = "POST", query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HookAnswer:  # fmt: skip
        """Sends something to the account's address, as the gateway's door hands it on."""
        hook = Hook(
            account=self.account.account, method=method, query=dict(query or {}), headers=dict(headers or {}), body=body
        )
        ctx = CallContext.within(30, now=self.clock(), user=self.user).signed(grant=self.account_grant())
        return await self.agent.request(subjects.hook(self.connector.id), hook, HookAnswer, ctx)

    async def held(self) -> Holding:
        """What the connector says that it holds of the user."""
        return await self.agent.request(subjects.data(self.connector.id, "usage"), Done(), Holding, self._session())

    async def exported(self) -> dict[str, bytes]:
        """The files of the user's archive, put together from all pages."""
        files: dict[str, bytes] = {}
        async for page in self.pages():
            for piece in page.pieces:
                files[piece.path] = files.get(piece.path, b"") + piece.body
        return files

    async def pages(self, cursor: str = "") -> AsyncIterator[ExportPage]:
        """The pages of the user's archive behind a cursor."""
        subject = subjects.data(self.connector.id, "export")
        following: str | None = cursor
        while following is not None:
            request = ExportRequest(cursor=following)
            page = await self.agent.request(subject, request, ExportPage, self._session())
            yield page
            following = page.cursor

    async def bring(self, *pieces: Piece) -> Imported:
        """Brings files of an archive in."""
        subject, request = subjects.data(self.connector.id, "import"), ImportRequest(pieces=pieces)
        return await self.agent.request(subject, request, Imported, self._session())

    async def forgotten(self, *, dry: bool = False, **scope: Any) -> dict[str, int]:
        """Has the connector forget what fits a scope, or with `dry` say what that were; how many things by kind."""
        expires = self.clock() + timedelta(minutes=5)
        order = Erasure(id=new_id(), user=self.user, scope=Scope.model_validate(scope), expires=expires)
        request = EraseRequest(order=self.gateway.sign(order), dry=dry)
        subject = subjects.data(self.connector.id, "forget")
        found = await self.agent.request(subject, request, Forgotten, self._session())
        return {part.kind: part.count for part in found.parts}

    def file(self) -> tuple[Path, bytes]:
        """The user's file of this connector, and its key."""
        path = self.runner.stores.path(self.user)
        return path, self._keys[f"{self.connector.id}/{self.user}"]

    def _session(self) -> CallContext:
        grant = self.grant(kind="session", origin="session", turn=None, conversation=None, connectors={})
        return CallContext.within(60, now=self.clock(), user=self.user).signed(grant=grant)

    async def _account(self, verb: str, reply: type[Any]) -> Any:
        request = AttachRequest(account=self.account.account, name=self.account.name, grant=self.account_grant())
        ctx = CallContext.within(60, now=self.clock(), user=self.user).signed(grant=request.grant)
        return await self.agent.request(subjects.account(self.connector.id, verb), request, reply, ctx)

    async def _on_key(self, ctx: CallContext, request: KeyRequest) -> KeyReply:
        if request.user is not None:
            self.trust.grant(ctx.grant, now=self.clock())
        name = f"{subjects.last_token(ctx.subject)}/{request.user}"
        return KeyReply(sealed=seal(self._keys[name], request.public_key, context=ctx.subject), key_id="fake")

    async def _on_token(self, ctx: CallContext, request: TokenRequest) -> TokenReply:
        payload = self.account.model_copy(update={"secrets": {}}) if request.profile else self.account
        sealed = seal(payload.model_dump_json().encode(), request.public_key, context=ctx.subject)
        return TokenReply(sealed=sealed, expires=self.clock() + timedelta(minutes=10))

    async def _on_record(self, ctx: CallContext, record: Record) -> RecordReply:
        self.records.append(record)
        receipt = self.receipt(record.call) if record.action is AuditAction.TOOL_STARTED and record.call else ""
        return RecordReply(receipt=receipt, index=len(self.records) - 1)


async def call_tool(connector: Connector, tool: str, **arguments: Any) -> Any:
    """Runs one tool as the house would, every check included, and returns its result as JSON values."""
    async with FakeHouse(connector) as house:
        return await house.call(tool, **arguments)
