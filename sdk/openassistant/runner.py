"""What runs a connector: registry, tool calls behind their checks, accounts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from openassistant import journal, subjects, tally
from openassistant.again import again
from openassistant.bus import Bus
from openassistant.connector import Connector, Context, Credentials, Tool
from openassistant.context import CallContext, Clock, new_id
from openassistant.data import Answers, serve_data
from openassistant.egress import Egress, Proxy
from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    Internal,
    InvalidRequest,
    NotFound,
    OaError,
    Unavailable,
    Unstored,
)
from openassistant.grants import Approval, Grant, Trust
from openassistant.guard import admit_call, admit_grant, require_approval
from openassistant.hooks import Hook, HookAnswer
from openassistant.http import HttpClient
from openassistant.journal import Outcome
from openassistant.keeping import Keeping
from openassistant.keys import Keys
from openassistant.locks import FileLock, is_free
from openassistant.messages import (
    AccountParts,
    AccountQuery,
    AttachRequest,
    Call,
    CheckReport,
    CheckStep,
    Effect,
    ErrorBody,
    Heartbeat,
    Preview,
    PreviewField,
    ToolResult,
    Traffic,
    call_digest,
    card_digest,
)
from openassistant.meter import Meter, measuring
from openassistant.oauth import fingerprint
from openassistant.outcomes import Outcomes
from openassistant.rekeying import Rekeying
from openassistant.reporting import Reporting
from openassistant.rules import reaches
from openassistant.store import Migrations, Store, UserStores
from openassistant.syncing import Syncing
from openassistant.targets import DnsRecord, DnsRecords, Lookup, of_account, of_card

__all__ = ["Runner"]

_BEAT_SECONDS = 20.0
_LOOKUP_SECONDS = 15.0
_WRITE_SECONDS = 60.0
"""A full disk is waited for with an outcome in hand: who dies meanwhile has it looked up at the provider."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_log = logging.getLogger("openassistant.runner")
T = TypeVar("T")
_NO_ANSWER = "The provider did not answer."


class Runner:
    """One instance of one connector."""

    def __init__(
        self,
        connector: Connector,
        *,
        bus: Bus,
        trust: Trust,
        clock: Clock,
        data_dir: Path,
        proxy: Proxy | None = None,
    ) -> None:
        self.connector = connector
        self.proxy = proxy
        self.bus = bus
        self.trust = trust
        self.clock = clock
        self.card = connector.card()
        self.digest = card_digest(self.card)
        self.instance = new_id()
        self.keys = Keys(bus, clock)
        self._data_dir = data_dir
        lines = {"sdk": _MIGRATIONS / "user", "traffic": _MIGRATIONS / "traffic"}
        if connector.migrations:
            lines["own"] = connector.migrations
        self.stores = UserStores(data_dir / "users", Migrations(lines), self.keys.of, anew=self.keys.anew)
        self.reporting = Reporting(bus, self.keys, self.stores, trust=trust, clock=clock)
        self._running: dict[tuple[str, str], asyncio.Future[journal.Entry]] = {}
        self._alive: FileLock | None = None
        self.syncing: Syncing | None = None
        self.keeping: Keeping | None = None

    async def start(self) -> None:
        """Opens the room's file, serves, announces itself; raises `Unavailable` without vault or bus."""
        self._alive = FileLock.take(self._lock_of(self.instance))
        key = await self.keys.room()
        room = await Store.open(self._data_dir / "room.db", key, Migrations({"sdk": _MIGRATIONS / "room"}))
        self.syncing = Syncing(self, room, locks=self._data_dir / "locks")
        serve, name = self.bus.serve, self.connector.id
        await serve(subjects.tools_of(name), Call, self.on_call)
        await serve(subjects.preview(name), Call, self.on_preview)
        await serve(subjects.account(name, "check"), AttachRequest, self.on_check)
        await serve(subjects.account(name, "attach"), AttachRequest, self.syncing.on_attach)
        await serve(subjects.account(name, "detach"), AccountQuery, self.syncing.on_detach)
        await serve(subjects.account(name, "status"), AccountQuery, self.syncing.on_status)
        await serve(subjects.account(name, "parts"), AttachRequest, self.on_parts)
        if self.connector.hooker is not None:
            await serve(subjects.hook(name), Hook, self.on_hook)
        await Outcomes(self).start()
        self.keeping = Keeping(self, self.syncing)
        answers = Answers(
            usage=self.keeping.usage,
            erase=self.syncing.erase,
            forget=self.keeping.forget,
            export=self.keeping.export,
            take=self.keeping.take,
            calls=self.keeping.forget_calls,
            unlock=self.keeping.unlock,
        )
        await serve_data(self.bus, name, answers, trust=self.trust, clock=self.clock)
        rekeying = Rekeying(self.keys, room, self.stores)
        await rekeying.serve(self.bus, trust=self.trust, clock=self.clock)

    async def run(self, stop: asyncio.Event) -> None:
        """Beats, syncs and reports until `stop` is set, then lets what runs come to its end."""
        assert self.syncing is not None, "start() comes first"
        tasks = [asyncio.create_task(each) for each in (self._beat(), self.syncing.run(), self.reporting.run())]
        try:
            await stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.bus.drain()
            await self.syncing.close()
            await self.stores.close()
            if self._alive:
                self._alive.release()

    async def on_call(self, ctx: CallContext, call: Call) -> ToolResult:
        """Runs one tool call after every check; the same call again gets the same answer."""
        tool = self._tool(ctx, call)
        grant = admit_call(
            ctx, call, trust=self.trust, connector=self.connector.id, digest=self.digest, now=self.clock()
        )
        if self.syncing and call.account:
            self.syncing.is_used(call.account)
        arguments = tool.parse(call.arguments)
        effect = tool.effect_for(call.arguments)
        approval = require_approval(ctx, call, grant=grant, effect=effect, trust=self.trust, now=self.clock())
        if effect is Effect.READ:
            return await self._joined(call, lambda: self._read(tool, ctx, arguments, call))
        async with self.context(ctx, call.user, call.account, call=call, effect=effect) as context:
            shown = None
            if await journal.find(context.store, call.id) is None:
                await context.require_lent(effect)
                shown = await self._shown(tool, context, arguments, effect, approval)
        return await self._joined(call, lambda: self._once(tool, ctx, arguments, call, effect, shown), kept=True)

    async def on_preview(self, ctx: CallContext, call: Call) -> Preview:
        """What a call would do, in the connector's words, with the effect of exactly these arguments."""
        grant = admit_grant(ctx, trust=self.trust, user=call.user, now=self.clock())
        if grant.connectors.get(self.connector.id) != self.digest or call.card_digest != self.digest:
            raise Forbidden("The grant does not cover this connector as it is now.")
        tool = self._named(call.tool)
        arguments = tool.parse(call.arguments)
        effect = tool.effect_for(call.arguments)
        async with self.context(ctx, call.user, call.account, call=call, effect=effect, preview=True) as context:
            await context.require_lent(effect)
            await self._allowed(tool, context)
            return await self._preview(tool, context, arguments, effect)

    async def on_check(self, ctx: CallContext, request: AttachRequest) -> CheckReport:
        """Tries an account for real, step by step."""
        ctx = ctx.signed(grant=request.grant)
        grant = self.account_grant(ctx, request.account)
        steps: list[CheckStep] = []
        if self.connector.checker is None:
            return CheckReport(ok=True)
        self.keys.forget_account(request.account)
        try:
            async with self.context(ctx, grant.user, request.account) as context:
                async for step in self.connector.checker(context):
                    steps.append(step)  # noqa: PERF401 - the steps before a failure are kept
        except OaError as error:
            problem = ErrorBody(code=error.code, message=error.message, details=error.details)
            return CheckReport(ok=False, steps=tuple(steps), problem=problem)
        failed = next((step for step in steps if not step.ok), None)
        wrong = ErrorBody(code=InvalidRequest.code, message=failed.detail) if failed else None
        return CheckReport(ok=failed is None, steps=tuple(steps), problem=wrong)

    async def on_parts(self, ctx: CallContext, request: AttachRequest) -> AccountParts:
        """What an account consists of, for its owner who lends some of it."""
        ctx = ctx.signed(grant=request.grant)
        grant = self.account_grant(ctx, request.account)
        if self.connector.parter is None:
            return AccountParts(offered=False)
        async with self.context(ctx, grant.user, request.account) as context:
            return AccountParts(offered=True, parts=tuple(await self.connector.parter(context)))

    async def on_hook(self, ctx: CallContext, hook: Hook) -> HookAnswer:
        """Hands on what came by an account's address, under the account's grant."""
        grant = self.account_grant(ctx, hook.account)
        if self.connector.hooker is None:
            raise NotFound("This connector takes nothing.")
        async with self.context(ctx, grant.user, hook.account) as context:
            return await self.connector.hooker(context, hook)

    def account_grant(self, ctx: CallContext, account: str) -> Grant:
        """The account grant of a context, for this connector as it is now; raises `Forbidden`."""
        grant = self.trust.grant(ctx.grant, now=self.clock())
        if grant.kind != "account" or grant.account != account:
            raise Forbidden("The grant is not for this account.")
        if grant.connectors.get(self.connector.id) != self.digest:
            raise Forbidden("The grant does not cover this connector as it is now.")
        return grant

    @contextlib.asynccontextmanager
    async def context(
        self,
        ctx: CallContext,
        user: str,
        account: str | None,
        *,
        call: Call | None = None,
        effect: Effect = Effect.READ,
        preview: bool = False,
        progress: Callable[[int, int | None, str], Any] | None = None,
    ) -> AsyncIterator[_CallContext]:
        """What a tool, check or sync of this user gets; closes its HTTP client and store lease behind it.

        What it sends and receives is on its `meter`; what no report of a call takes from there is the account's.
        """
        await self.keys.unlock(user, ctx.grant)
        async with self.stores.use(user) as store:
            made = _CallContext(self, ctx, user, account, call, effect, preview, store, progress)
            try:
                with measuring(made.meter):
                    async with made.http:
                        yield made
            finally:
                await made.tally()

    def is_under_way(self, entry: journal.Entry) -> bool:
        """Whether some instance, or this one, works on a call that has no outcome yet."""
        if entry.state is not Outcome.INTENT:
            return False
        if entry.holder == self.instance:
            return any(call_id == entry.call.id for call_id, _ in self._running)
        return not self.holder_is_dead(entry.holder)

    def holder_is_dead(self, holder: str) -> bool:
        """Whether the instance that began something no longer runs."""
        return holder != self.instance and is_free(self._lock_of(holder))

    async def reconcile(self, ctx: CallContext, entry: journal.Entry, *, spent: Meter | None = None) -> journal.Entry:
        """Finds out with the provider what became of an interrupted call, and writes it down.

        `spent` counted what was sent and received before; it is reported with what this takes.
        """
        call = entry.call
        tool = self.connector.tools.get(call.tool)
        state = Outcome.UNKNOWN
        outcome: ToolResult | OaError = _unknown()
        async with self.context(ctx, call.user, call.account, call=call) as context:
            if tool is not None and tool.reconciler is not None:
                try:
                    found = await _stored(partial(tool.reconciler, context, call))
                    state = Outcome.DONE if found else Outcome.FAILED
                    outcome = found or Unavailable("It was interrupted before anything was done.")
                except OaError as reason:
                    _log.warning("outcome unknown", extra={"tool": call.tool, "code": reason.code})
                    outcome = _unknown(reason.message if isinstance(reason, DeadlineExceeded) else _NO_ANSWER)
            ended = await self._finished(
                context, call, state, outcome, grant=ctx.grant or "", traffic=context.taken(spent)
            )
        self.reporting.soon(call.user, ctx.grant or "")
        return ended

    async def _joined(
        self, call: Call, work: Callable[[], Awaitable[journal.Entry]], *, kept: bool = False
    ) -> ToolResult:
        """What the work on a call comes to, for all who ask for it meanwhile; it goes on when they give up.

        An outcome that is `kept` in the journal will be the same for whoever asks again: its error says so (`settled`).
        """
        key = (call.id, call_digest(call))
        if key not in self._running:
            ended: asyncio.Future[journal.Entry] = asyncio.get_running_loop().create_future()
            ended.add_done_callback(lambda done: done.exception())
            self._running[key] = ended
            self.bus.spawn(self._settle(ended, work()))
            ended.add_done_callback(lambda _: self._running.pop(key, None))
        entry = await asyncio.shield(self._running[key])
        try:
            return entry.answer()
        except OaError as error:
            if kept:
                error.details["settled"] = True
            raise

    async def _settle(self, ended: asyncio.Future[journal.Entry], work: Awaitable[journal.Entry]) -> None:
        try:
            ended.set_result(await work)
        except OaError as error:
            ended.set_exception(error)
        except BaseException:
            ended.set_exception(Unavailable("The connector is stopping.", retry_after=1))
            raise

    async def _read(self, tool: Tool[Any], ctx: CallContext, arguments: dict[str, Any], call: Call) -> journal.Entry:
        ctx = ctx.renewed(self.connector.manifest.tool_seconds, now=self.clock())
        async with self.context(ctx, call.user, call.account, call=call) as context:
            outcome = await self._outcome(tool, context, arguments)
            if isinstance(outcome, DeadlineExceeded):
                outcome.details["settled"] = True
            entry = await journal.report(
                context.store, call, grant=ctx.grant or "", now=self.clock(), result=outcome, traffic=context.taken()
            )
        self.reporting.soon(call.user, ctx.grant or "")
        return entry

    async def _outcome(self, tool: Tool[Any], context: Context, arguments: dict[str, Any]) -> ToolResult | OaError:
        """What a tool comes to, within the connector's time for it."""
        try:
            async with asyncio.timeout(self.connector.manifest.tool_seconds):
                await self._allowed(tool, context)
                return tool.result(await tool(context, **arguments))
        except OaError as error:
            return error
        except TimeoutError:
            return DeadlineExceeded("The provider did not answer in time.")
        except Exception as reason:  # noqa: BLE001 - a stranger's tool may raise anything; the owner gets an error
            _log.exception("tool failed", extra={"tool": tool.name})
            failed = Internal("The connector failed inside; the log has it.")
            failed.__cause__ = reason
            return failed

    async def _once(
        self,
        tool: Tool[Any],
        ctx: CallContext,
        arguments: dict[str, Any],
        call: Call,
        effect: Effect,
        shown: Preview | None,
    ) -> journal.Entry:
        async with self.stores.use(call.user) as store:
            known = await journal.begin(store, call, holder=self.instance, now=self.clock(), shown=shown)
        if known is not None:
            return await self._known(ctx, known)
        return await self._perform(tool, ctx, arguments, call, effect)

    async def _perform(
        self, tool: Tool[Any], ctx: CallContext, arguments: dict[str, Any], call: Call, effect: Effect
    ) -> journal.Entry:
        ctx = ctx.renewed(self.connector.manifest.tool_seconds, now=self.clock())
        async with self.context(ctx, call.user, call.account, call=call, effect=effect) as context:
            outcome = await self._outcome(tool, context, arguments)
            error = outcome if isinstance(outcome, OaError) else None
            if error and error.unclear:
                now = self.clock()
                entry = journal.Entry(call=call, state=Outcome.INTENT, holder=self.instance, started=now)
                return await self.reconcile(ctx, entry, spent=context.meter)
            state = Outcome.FAILED if error else Outcome.DONE
            ended = await self._finished(context, call, state, outcome, grant=ctx.grant or "", traffic=context.taken())
        self.reporting.soon(call.user, ctx.grant or "")
        return ended

    async def _finished(
        self,
        context: Context,
        call: Call,
        state: Outcome,
        outcome: ToolResult | OaError,
        *,
        grant: str,
        traffic: tuple[Traffic, ...],
    ) -> journal.Entry:
        """Writes an outcome down as soon as it can be written: nobody else knows it."""
        return await _stored(
            lambda: journal.finish(
                context.store, call, state=state, outcome=outcome, grant=grant, now=self.clock(), traffic=traffic
            )
        )

    async def _known(self, ctx: CallContext, entry: journal.Entry) -> journal.Entry:
        """An entry that stood in the journal already: ended, of a dead instance, or still under way elsewhere.

        One that this instance began, and does not work on any more, is one whose outcome it could not write.
        """
        if entry.state is not Outcome.INTENT:
            return entry
        if entry.holder == self.instance:
            return await self.reconcile(ctx, entry)
        if not self.holder_is_dead(entry.holder):
            raise Unavailable("This call is still under way.", retry_after=1)
        async with self.stores.use(entry.call.user) as store:
            mine = await journal.take_over(store, entry.call.id, dead=entry.holder, holder=self.instance)
        if not mine:
            raise Unavailable("This call is being looked into.", retry_after=1)
        return await self.reconcile(ctx, entry)

    async def _allowed(self, tool: Tool[Any], context: Context) -> None:
        """Raises `AccountRequired` where the owner did not allow at the provider what a tool needs."""
        oauth = self.connector.manifest.auth.oauth2
        if oauth is None or not tool.capability:
            return
        granted = (await context.credentials()).capabilities
        if granted is not None and tool.capability not in granted:
            what = oauth.capabilities[tool.capability].title
            raise AccountRequired(
                f"This account was connected without “{what}”. Its owner can allow that under Connections.",
                details={"capability": tool.capability},
            )

    async def _preview(self, tool: Tool[Any], context: Context, arguments: dict[str, Any], effect: Effect) -> Preview:
        if tool.previewer is not None:
            shown = await tool.previewer(context, **arguments)
            return shown.model_copy(update={"effect": effect})
        given = context.call.arguments if context.call else {}
        fields = tuple(PreviewField(label=name, value=str(value)) for name, value in given.items())
        words = tool.name.replace("_", " ")
        return Preview(verb=f"{self.connector.manifest.name}: {words}", confirm="Run", effect=effect, fields=fields)

    async def _shown(
        self, tool: Tool[Any], context: Context, arguments: dict[str, Any], effect: Effect, approval: Approval | None
    ) -> Preview | None:
        """What is about to happen, where a person was asked or an undo will want to say.

        Raises `Conflict` where it is not what was approved, `Forbidden` where it leaves the rule that approved it.
        """
        asked = approval.preview_digest if approval and approval.decided_by != "policy" else None
        if not asked and tool.undoer is None:
            return None
        shown = await self._preview(tool, context, arguments, effect)
        if asked and shown.digest() != asked:
            raise Conflict("What was approved has changed meanwhile, so nothing was done. Ask again.")
        if approval and approval.rule and not reaches(self.trust.rule(approval.rule, now=self.clock()), shown):
            raise Forbidden("The rule does not cover this call.")
        return shown

    def _tool(self, ctx: CallContext, call: Call) -> Tool[Any]:
        user, name = subjects.token_at(ctx.subject, 3), subjects.token_at(ctx.subject, 4)
        if (user, name) != (call.user, call.tool):
            raise Forbidden("The call is for another user or tool than its subject says.")
        return self._named(name)

    def _named(self, name: str) -> Tool[Any]:
        try:
            return self.connector.tools[name]
        except KeyError as error:
            raise NotFound(f"{self.connector.id} has no tool {name[:60]!r}.") from error

    def _lock_of(self, instance: str) -> Path:
        return self._data_dir / "locks" / f"instance-{instance}"

    async def _beat(self) -> None:
        started = self.clock()
        beat = Heartbeat(instance=self.instance, card=self.card, digest=self.digest, started=started)
        key = subjects.instance_key(self.connector.id, self.instance)
        while True:
            try:
                await self.bus.put(subjects.CONNECTORS_BUCKET, key, beat.model_dump_json().encode())
                await self.bus.pause(_BEAT_SECONDS)
            except OaError:
                await asyncio.sleep(1)


class _CallContext:
    """See `openassistant.connector.Context`."""

    def __init__(
        self,
        runner: Runner,
        ctx: CallContext,
        user: str,
        account: str | None,
        call: Call | None,
        effect: Effect,
        preview: bool,  # noqa: FBT001 - private
        store: Store,
        progress: Callable[[int, int | None, str], Any] | None,
    ) -> None:
        self.user, self.account, self.call, self.store = user, account, call, store
        self._runner, self._ctx, self._effect, self._progress = runner, ctx, effect, progress
        self._preview = preview
        self.meter = Meter()
        self.announced = 0
        self._tallied = False
        records = self._records if runner.proxy else None
        self.egress = Egress(of_card(runner.card), proxy=runner.proxy, records=records)
        self.http = HttpClient(
            runner.connector.manifest.hosts, deadline=ctx.deadline, clock=runner.clock, egress=self.egress
        )
        if runner.connector.manifest.auth.oauth2 is not None:
            self.http.sign_in_by(self._bearer)

    async def _records(self, name: str, kind: str) -> tuple[DnsRecord, ...]:
        runner = self._runner
        subject, asked = subjects.egress_lookup(runner.connector.id), Lookup(name=name, kind=kind)
        return (await runner.bus.request(subject, asked, DnsRecords, self._ctx.capped(_LOOKUP_SECONDS))).records

    @property
    def now(self) -> Clock:
        return self._runner.clock

    @property
    def zone(self) -> str | None:
        return self._ctx.zone

    @property
    def seconds(self) -> float:
        return self._ctx.remaining(now=self._runner.clock())

    async def credentials(self) -> Credentials:
        return await self._credentials("")

    async def _bearer(self, again: bool) -> SecretStr:  # noqa: FBT001 - see `HttpClient.sign_in_by`
        """The `Authorization` header (RFC 6750); `again`: the one at hand was refused."""
        if self._preview:
            raise Forbidden("A preview is made of what is known here; it asks no provider.")
        kept = await self._credentials("")
        if again:
            kept = await self._credentials(fingerprint(kept.secrets.get("access_token", "")))
        return SecretStr(f"Bearer {kept.secrets['access_token']}")

    async def _credentials(self, refused: str) -> Credentials:
        if self.account is None:
            raise AccountRequired(f"Connect an account of {self._runner.connector.manifest.name} first.")
        kept = await self._runner.keys.account(
            self.account,
            self._ctx,
            user=self.user,
            call=self.call,
            effect=self._effect,
            profile=self._preview,
            refused=refused,
        )
        if kept.lent is not None and kept.lent.parts and self._runner.connector.parter is None:
            raise Forbidden("Parts of this account are lent, and its connector cannot keep to them.")
        manifest = self._runner.connector.manifest
        self.http.allow(*(str(kept.settings[name]) for name in manifest.host_settings if kept.settings.get(name)))
        self.egress.allow(of_account(self._runner.card, kept.settings))
        return Credentials(
            name=kept.name, settings=kept.settings, secrets=kept.secrets, capabilities=kept.capabilities, lent=kept.lent
        )

    async def borrowed(self) -> frozenset[str]:
        syncing = self._runner.syncing
        return await syncing.lent_to(self.user) if syncing else frozenset()

    async def require_lent(self, effect: Effect) -> None:
        """Raises `Forbidden` for what acts on an account of another beyond what he lends.

        The vault is asked before each act, so that his ledger has it, whatever the tool itself needs.
        """
        if self.account is None or effect is Effect.READ:
            return
        kept = await self._runner.keys.account(
            self.account, self._ctx, user=self.user, call=self.call, effect=effect, profile=True
        )
        if kept.lent is None:
            return
        if not kept.lent.allows(effect):
            raise Forbidden("Whose account this is lends it without that, so nothing was done.")
        if not self._preview:
            await self.credentials()

    async def progress(self, done: int, total: int | None = None, what: str = "") -> None:
        if self._progress is not None:
            await self._progress(done, total, what)
            await self.tally(ended=False)

    def taken(self, spent: Meter | None = None) -> tuple[Traffic, ...]:
        """What was sent and received so far and not reported yet, with what another meter counted."""
        if spent is not None:
            self.meter.absorb(spent.take())
        return self.meter.take()

    async def tally(self, *, ended: bool = True) -> None:
        """Adds what was sent and received, and is in no report of a call, to the sums of the account."""
        name, grant, traffic = self._runner.connector.id, self._ctx.grant or "", self.meter.take()
        if not traffic and not self._tallied:
            return
        self._tallied = True
        try:
            due = await tally.keep(
                self.store, name, self.account, traffic, grant=grant, now=self._runner.clock(), ended=ended
            )
        except OaError as error:
            _log.warning("traffic not counted", extra={"code": error.code})
            return
        if due:
            self._runner.reporting.soon(self.user, grant)

    async def announce(self, kind: str, ids: list[str]) -> None:
        self.announced += 1
        body = {"kind": kind, "user": self.user, "account": self.account, "ids": ids}
        await self._runner.bus.publish(subjects.inbox(self._runner.connector.id), json.dumps(body).encode())


def _unknown(words: str = _NO_ANSWER) -> DeadlineExceeded:
    """`settled`: asking for this call again brings the same answer."""
    return DeadlineExceeded(f"{words} It may have happened; please check there.", details={"settled": True})


async def _stored(work: Callable[[], Awaitable[T]]) -> T:
    """What some work comes to once the disk takes and gives again; raises `Unstored` where that takes too long."""

    def note(error: OaError) -> None:
        _log.warning("an outcome waits for the disk", extra={"code": error.code})

    return await again(work, on=Unstored, seconds=_WRITE_SECONDS, first=0.1, most=2.0, note=note)
