"""The gateway's parts between an agent, a vault, a witness and a connector that only remember what they were told."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from openassistant import subjects
from openassistant.builtin import HOUSE_DIGEST, HOUSE_ID
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import Conflict, InvalidRequest, OaError
from openassistant.grants import SigningKey, Trust
from openassistant.keys import Keys
from openassistant.messages import (
    Account,
    AccountList,
    AccountQuery,
    ApprovalNeed,
    ApprovalOutcome,
    AuditAction,
    Call,
    CallSettled,
    Card,
    Decision,
    Destination,
    Done,
    Effect,
    Heartbeat,
    KeyReply,
    KeyRequest,
    LedgerCall,
    LedgerEntry,
    LedgerPage,
    LedgerQuery,
    Preview,
    Record,
    RecordReply,
    Renewal,
    RenewalRequest,
    ToolCard,
    TurnCalls,
    TurnQuery,
    call_digest,
    card_digest,
)
from openassistant.outcomes import Settled, Settlement, ToldCall, ToldCalls
from openassistant.seal import seal
from openassistant.store import Migrations, Store, UserStores
from openassistant.testing import MemoryBus
from services import gateway
from services.gateway.approvals import Approvals
from services.gateway.backoff import Backoff
from services.gateway.budgets import Budgets
from services.gateway.connectors import Connectors
from services.gateway.files import OwnFiles
from services.gateway.given import Given
from services.gateway.grants import Grants
from services.gateway.hand import Hand
from services.gateway.holds import Holds
from services.gateway.leaves import Leaves
from services.gateway.ledger import Ledger
from services.gateway.memories import Memories
from services.gateway.passwords import Passwords
from services.gateway.preferences import Preferences
from services.gateway.proposals import Proposals
from services.gateway.questions import Questions
from services.gateway.receipts import Receipts
from services.gateway.routing import Routing
from services.gateway.rules import Rules
from services.gateway.runbook import Runbook
from services.gateway.schedules import Schedules
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.taint import Taint
from services.gateway.turns import Turns
from services.gateway.users import User, Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut

__all__ = ["POST", "GatewayHouse"]

_SCRIPTS = Path(gateway.__file__).parent / "migrations"


def migrations(line: str) -> Migrations:
    return Migrations({"own": _SCRIPTS / line})


def _tool(name: str, effect: Effect, *, outside: bool = False) -> ToolCard:
    return ToolCard(name=name, description=name, effect=effect, parameters={"type": "object"}, returns_outside=outside)


POST = Card(
    id="post",
    name="Post",
    version="1",
    tools=(
        _tool("letters_read", Effect.READ, outside=True),
        _tool("drafts_create", Effect.WRITE),
        _tool("letters_send", Effect.SEND),
        _tool("letters_burn", Effect.DELETE),
    ),
)


class GatewayHouse:
    """`async with GatewayHouse(folder) as house:`; `stop` and `start` are a restart on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bus = folder, MemoryBus()
        self.key = SigningKey.generate()
        self.audit_key = SigningKey.generate()
        self.trust = Trust.of(gateway=self.key, audit=self.audit_key)
        self.time = utc_now()
        self.me = SignedIn(
            session=new_id(),
            user=User(id=new_id(), username="ada", display_name="Ada", role="owner"),
            expires=self.time + timedelta(days=1),
            began=self.time,
        )
        self.account = Account(
            id=new_id(), user=self.me.user.id, connector="post", name="Home", settings={}, state="connected",
            created=self.time,
        )  # fmt: skip
        self.conversation = new_id()
        self.records: list[Record] = []
        self.entries: list[LedgerEntry] = []
        self.read: list[LedgerCall] = []
        self.decisions: list[tuple[CallContext, Decision]] = []
        self.preview = Preview(
            verb="Send a letter", confirm="Send", effect=Effect.SEND, account="Home", content="I sign on Friday.",
            destinations=(Destination(kind="recipient", value="carol@example.org"),),
        )  # fmt: skip
        self.journal: list[Call] = []
        self.outcome = Settled(state="unknown")
        self.words: list[tuple[CallContext, Settlement]] = []
        self.told: list[tuple[CallContext, CallSettled]] = []
        self.hold = timedelta()
        self.raised_effect: Effect | None = None
        self.previewed: list[CallContext] = []
        self.previews_lost = 0
        """So many hands die over the preview that they are asked for."""
        self.agent_error: OaError | None = None
        self.ledger_error: OaError | None = None
        self._keys: dict[str, bytes] = defaultdict(lambda: secrets.token_bytes(32))
        self._others = AsyncExitStack()
        self._own = AsyncExitStack()
        self.approvals: Approvals
        self.budgets: Budgets
        self.questions: Questions
        self.rules: Rules
        self.routing: Routing
        self.receipts: Receipts
        self.turns: Turns
        self.grants: Grants
        self.connectors: Connectors
        self.store: Store
        self.agent = self.bus.room("agent")

    async def __aenter__(self) -> Self:
        vault, audit, post = (self.bus.room(name) for name in ("vault", "audit", "post"))
        for bus in (vault, audit, post, self.agent):
            self._others.push_async_callback(bus.drain, seconds=0.1)
        await vault.serve(subjects.vault_key("*"), KeyRequest, self._on_key)
        await vault.serve(subjects.vault_account("list"), AccountQuery, self._on_list)
        await audit.serve(subjects.audit_record("*"), Record, self._on_record)
        await audit.serve(subjects.audit("turn"), TurnQuery, self._on_turn)
        await audit.serve(subjects.audit("query"), LedgerQuery, self._on_query)
        await post.serve(subjects.preview("post"), Call, self._on_preview)
        await post.serve(subjects.journal("post", "open"), Done, self._on_open)
        await post.serve(subjects.journal("post", "settle"), Settlement, self._on_settle)
        await self.agent.serve(subjects.agent("decide"), Decision, self._on_decide)
        await self.agent.serve(subjects.agent("settle"), CallSettled, self._on_told)
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()
        await self._others.aclose()

    def clock(self) -> datetime:
        return self.time

    async def start(self) -> None:
        bus, clock = self.bus.room("gateway"), self.clock
        keys = Keys(bus, clock)
        self.store = await Store.open(self.folder / "room.db", self._keys["gateway/None"], migrations("room"))
        users = UserStores(self.folder / "users", migrations("user"), keys.of)
        self.catalogue = catalogue = Catalogue(clock)
        self.connectors = Connectors(self.store, catalogue, clock, release=frozenset({("post", card_digest(POST))}))
        await self.connectors.start(bus)
        self.beat()
        self.grants = Grants(self.key, lambda: {**self.connectors.grantable(), HOUSE_ID: HOUSE_DIGEST}, clock)
        ledger = Ledger(bus, self.grants, Preferences(self.store))
        self.turns = Turns(self.store, clock)
        self.own = own = OwnFiles(users, keys, self.grants)
        self.questions = Questions(self.store, own, clock)
        people = Users(self.store, Passwords(), clock)
        sessions = Sessions(self.store, people, ledger, Backoff(clock), clock)
        self.budgets = Budgets(self.store, Preferences(self.store), people, clock)
        self.rules = Rules(
            own, self.questions, sessions, connectors=self.connectors, grants=self.grants, ledger=ledger,
            trust=self.trust, clock=clock,
        )  # fmt: skip
        self.routing = Routing(own, Vault(bus, self.grants), sessions, ledger=ledger, clock=clock)
        self.runbook = Runbook(self.store, clock)
        self.schedules = Schedules(
            own, self.runbook, sessions, rules=self.rules, connectors=self.connectors, grants=self.grants,
            ledger=ledger, trust=self.trust, clock=clock,
        )  # fmt: skip
        proposals = Proposals(bus, self.connectors, Vault(bus, self.grants), self.grants)
        self.given, self.memories = Given(bus, own, people, self.grants, clock), Memories(own, clock)
        self.taint = Taint(proposals, self.turns, self.given)
        self.hand = Hand(bus, self.memories, self.schedules, self.taint, ledger, trust=self.trust, clock=clock)
        self.leaves = Leaves(self.grants, self.turns, self.schedules, self.routing)
        self.approvals = Approvals(
            bus, self.questions, self.turns, grants=self.grants, leaves=self.leaves, rules=self.rules, taint=self.taint,
            proposals=proposals, ledger=ledger, budgets=self.budgets, trust=self.trust, clock=clock,
            life=timedelta(hours=24), holds=Holds(self.store, ledger, default=self.hold),
            way=WayOut(bus, Vault(bus, self.grants), self.connectors.running, room="gateway", proxy=None),
        )  # fmt: skip
        self.receipts = Receipts(bus, self.grants, self.connectors, self.turns)
        await self.approvals.start()
        await self.hand.start()
        self._own.push_async_callback(self.store.close)
        self._own.push_async_callback(users.close)
        self._own.push_async_callback(bus.drain, seconds=0.1)

    async def stop(self) -> None:
        await self._own.aclose()

    def beat(self) -> None:
        """The connector says that it is there, as it does every 20 seconds."""
        beat = Heartbeat(instance="1", card=POST, digest=card_digest(POST), started=self.time)
        self.catalogue.apply("post.1", beat.model_dump_json().encode())

    def later(self, time: timedelta) -> None:
        """So much time goes by."""
        self.time += time
        self.beat()

    # --- what the agent does --------------------------------------------------------------------------------------

    async def turn(self) -> str:
        """A live turn's id."""
        turn = new_id()
        await self.turns.begin(turn, self.me.user.id, self.conversation)
        return turn

    def call(self, tool: str, **arguments: Any) -> Call:
        return Call(
            id=new_id(), nonce=secrets.token_hex(16), user=self.me.user.id, account=self.account.id,
            connector="post", card_digest=card_digest(POST), tool=tool, arguments=arguments,
        )  # fmt: skip

    def grant(self, turn: str, **changes: Any) -> str:
        user = changes.get("user", self.me.user.id)
        return self.grants.turn(user, turn=turn, conversation=self.conversation, routes=changes.get("routes", {}))

    async def put(self, call: Call, turn: str, *, grant: str | None = None, zone: str | None = None) -> ApprovalOutcome:
        """The gateway's answer to the agent that puts a call to the policy."""
        ctx = self._context(turn, grant or self.grant(turn)).model_copy(update={"zone": zone})
        return await self.agent.request(subjects.gateway("approve"), ApprovalNeed(call=call), ApprovalOutcome, ctx)

    async def renew(self, turn: str, *, grant: str | None = None, **more: Any) -> Renewal:
        ctx = self._context(turn, grant or self.grant(turn))
        return await self.agent.request(subjects.gateway("renew"), RenewalRequest(turn=turn, **more), Renewal, ctx)

    def read_outside(self, turn: str) -> None:
        """The ledger has seen a tool start that brings in text from outside."""
        self.seen(new_id(), turn, "letters_read", Effect.READ)

    def seen(
        self, call: str, turn: str, tool: str, effect: Effect, outcome: str | None = None, digest: str | None = None
    ) -> None:
        """The ledger has seen a call start, with the effect that the agent gives it, and perhaps end."""
        self.read = [each for each in self.read if each.id != call]
        index = 1_000 + len(self.read)
        self.read.append(LedgerCall(
            id=call, index=index, time=self.time, turn=turn, connector="post", card_digest=card_digest(POST), tool=tool,
            effect=effect, outcome=outcome, ended=index + 500 if outcome else None, leaf="ab" * 32, call_digest=digest,
        ))  # fmt: skip

    def become(self, me: SignedIn) -> None:
        """The house is theirs from now on, with its account."""
        self.me, self.account = me, self.account.model_copy(update={"user": me.user.id})

    async def settled(self, action: str) -> None:
        """Waits until the witness has been told of what does not wait for it."""
        async with asyncio.timeout(5):
            while action not in self.recorded():
                await asyncio.sleep(0.005)

    def recorded(self) -> list[str]:
        return [each.action.value for each in self.records]

    def _context(self, turn: str, grant: str) -> CallContext:
        ctx = CallContext.within(10, now=self.time, user=self.me.user.id).signed(grant=grant)
        return ctx.model_copy(update={"turn": turn, "conversation": self.conversation})

    # --- the other rooms ------------------------------------------------------------------------------------------

    async def _on_key(self, ctx: CallContext, request: KeyRequest) -> KeyReply:
        self.trust.grant(ctx.grant, now=self.time)
        name = f"{subjects.last_token(ctx.subject)}/{request.user}"
        return KeyReply(sealed=seal(self._keys[name], request.public_key, context=ctx.subject), key_id="fake")

    async def _on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        mine = query.user == self.account.user and query.account in (None, self.account.id)
        return AccountList(accounts=(self.account,) if mine else ())

    async def _on_record(self, ctx: CallContext, record: Record) -> RecordReply:
        if self.ledger_error:
            raise self.ledger_error
        self.records.append(record)
        grant = self.trust.expired_grant(ctx.grant)
        if record.action is AuditAction.OUTCOME_SETTLED:
            before = [each for each in self.records if (each.id, each.action) == (record.id, record.action)][:-1]
            if any(each.outcome != record.outcome for each in before):
                self.records.pop()
                raise Conflict("This id was recorded for something else.")
        fields = {"id", "action", "connector", "tool", "effect", "account", "outcome", "content"}
        given = record.model_dump(include=fields)
        self.entries.append(LedgerEntry(
            **given, index=len(self.entries), time=self.time, room="gateway", user=grant.user, turn=grant.turn,
            conversation=grant.conversation, leaf="", call_digest=call_digest(record.call) if record.call else None,
        ))  # fmt: skip
        return RecordReply(receipt="", index=len(self.records))

    async def _on_query(self, ctx: CallContext, query: LedgerQuery) -> LedgerPage:
        user = self.trust.grant(ctx.grant, now=self.time).user
        found = [
            each
            for each in self.entries
            if each.user == user
            and query.conversation in (None, each.conversation)
            and query.id in (None, each.id)
            and each.action in query.actions
        ]
        rest = [each for each in found if each.index > query.after]
        page = rest[: query.limit]
        return LedgerPage(entries=tuple(page), next=page[-1].index if len(rest) > len(page) else None)

    async def _on_turn(self, ctx: CallContext, query: TurnQuery) -> TurnCalls:
        return TurnCalls(calls=tuple(self.read))

    async def _on_preview(self, ctx: CallContext, call: Call) -> Preview:
        self.previewed.append(ctx)
        if self.previews_lost:
            self.previews_lost -= 1
            await asyncio.Event().wait()
        if "subject" in call.arguments:
            raise InvalidRequest("subject: a letter has none.")
        declared = next(tool.effect for tool in POST.tools if tool.name == call.tool)
        content = call.arguments.get("text", self.preview.content)
        return self.preview.model_copy(update={"effect": self.raised_effect or declared, "content": content})

    async def _on_open(self, ctx: CallContext, _: Done) -> ToldCalls:
        self.trust.grant(ctx.grant, now=self.time)
        return ToldCalls(
            calls=tuple(ToldCall(call=each, started=self.time, shown=self.preview) for each in self.journal)
        )

    async def _on_settle(self, ctx: CallContext, settlement: Settlement) -> Settled:
        self.words.append((ctx, settlement))
        says = self.trust.word(settlement.word, now=self.time).says
        if says != "look" and any(each.id == settlement.call for each in self.journal):
            self.outcome = Settled(state="done" if says == "done" else "failed", by_person=True)
        if self.outcome.state != "unknown":
            self.journal = [each for each in self.journal if each.id != settlement.call]
        return self.outcome

    async def _on_told(self, ctx: CallContext, settled: CallSettled) -> Done:
        self.told.append((ctx, settled))
        return Done()

    async def _on_decide(self, ctx: CallContext, decision: Decision) -> Done:
        if self.agent_error:
            raise self.agent_error
        self.decisions.append((ctx, decision))
        return Done()
