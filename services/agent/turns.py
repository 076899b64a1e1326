"""Turns as durable state machines: accepted is stored, every step is stored before the next, a restart goes on.

What a turn does next is read off its stored calls and messages, never off memory: so going on after a crash, after a
decision that came hours later, and after a step are the same thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from ag_ui.core import Interrupt

from openassistant.again import again
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, Clock, new_id
from openassistant.errors import (
    Conflict,
    Forbidden,
    Internal,
    NotFound,
    OaError,
    Unavailable,
)
from openassistant.grants import Grant, Trust
from openassistant.guard import admit_grant
from openassistant.keys import Keys
from openassistant.messages import (
    CallSettled,
    CallState,
    Decision,
    Done,
    Effect,
    ErrorBody,
    Message,
    Renewal,
    RenewalRequest,
    TurnAccepted,
    TurnRequest,
)
from openassistant.store import Store, UserStores
from services.agent import (
    closing,
    commands,
    conversations,
    livestore,
    versions,
)
from services.agent.asking import Asking, ModelFactory
from services.agent.conversations import ENDED, StoredCall, Turn
from services.agent.hands import as_changed, ask_policy, run_call
from services.agent.live import Live, snapshot
from services.agent.metering import Limit, Reached
from services.agent.model import Usage
from services.agent.offers import offers
from services.agent.permits import Permits
from services.agent.questions import Questions

__all__ = ["Turns"]

_ENDING_SECONDS = 10.0

_log = logging.getLogger("openassistant.agent")


class Turns:
    """All turns of all users that this process works on."""

    def __init__(
        self,
        bus: Bus,
        stores: UserStores,
        room: Store,
        *,
        keys: Keys,
        catalogue: Catalogue,
        trust: Trust,
        clock: Clock,
        model: ModelFactory,
        questions: Questions,
    ) -> None:
        self._bus, self._stores, self._room, self._keys = bus, stores, room, keys
        self._catalogue, self._trust, self._clock = catalogue, trust, clock
        self._permits = Permits(bus, stores, room, trust=trust, clock=clock)
        self._lives: dict[str, Live] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped: set[str] = set()
        self._asked: dict[str, set[str]] = {}
        self._asking = Asking(
            keys=keys, catalogue=catalogue, clock=clock, model=model, questions=questions, permits=self._permits,
            stopped=self._stopped,
        )  # fmt: skip

    async def on_turn(self, ctx: CallContext, request: TurnRequest) -> TurnAccepted:
        """Stores a new turn, then accepts it, then works on it. The same turn again is accepted again."""
        grant = self._turn_grant(ctx)
        turn_id, conversation = str(grant.turn), str(grant.conversation)
        await self._keys.unlock(grant.user, ctx.grant)
        live = await self.live(grant.user, conversation)
        accepted = TurnAccepted(turn=turn_id, run=turn_id, last_event_id=live.last_event_id)
        if turn_id in self._tasks:
            return accepted
        async with live.lock:  # who has just heard that a turn ended need not wait until that is stored
            running = [each for each in await livestore.turns_of(self._room, conversation) if self.is_running(each)]
        if running:
            raise Conflict("The previous message is still being answered. Stop it first, or wait.")
        async with self._stores.use(grant.user) as store:
            if await conversations.has_turn(store, turn_id):
                return accepted
            if not request.retry and request.anew is None:
                for waiting in await conversations.waiting_turns(store, conversation):
                    await self._withdraw(store, live, waiting, "The owner wrote something else instead.")
            try:
                turn = await self._store_turn(store, live, turn_id, ctx, request)
            except BaseException:
                after = partial(self._look_after, turn_id, grant.user, conversation, str(ctx.grant))
                self._bus.spawn(_insist(turn_id, after))
                raise
        self._permits.give(turn_id, str(ctx.grant))
        self._start(grant.user, turn, run=turn_id, fresh=True)
        return accepted

    async def _store_turn(self, store: Store, live: Live, turn_id: str, ctx: CallContext, request: TurnRequest) -> Turn:
        """The new turn with what was said in it; first it is noted as one that has not ended."""
        conversation = str(ctx.conversation)
        follows = await versions.place(store, conversation, anew=request.anew, retry=request.retry)
        if request.retry:
            request = await commands.again(store, follows, request)
        turn = Turn(id=turn_id, conversation=conversation, state="running", request=request)
        said = None
        if not request.retry:
            said = Message(
                id=new_id(), role="user", turn=turn_id, created=self._clock(), text=request.text,
                command=request.command,
            )  # fmt: skip
        async with live.lock:
            await livestore.keep(self._room, turn_id, live.user, conversation, str(ctx.grant))
            said = await conversations.start_turn(store, turn, said, follows=follows, now=self._clock())
            if request.retry or request.anew:
                await live.version_changed()
            if said:
                await live.user_said(said)
        return turn

    async def _look_after(self, turn_id: str, user: str, conversation: str, grant: str) -> None:
        """A turn whose storing broke off: what was not stored is forgotten, what was goes on."""
        if turn_id in self._tasks:
            return
        live = await self.live(user, conversation)
        async with self._stores.use(user) as store, live.lock:
            if turn_id not in await livestore.turns_of(self._room, conversation):
                return
            if not await conversations.has_turn(store, turn_id):
                await livestore.forget(self._room, turn_id)
                return
        if turn_id not in self._tasks:
            self._resume(turn_id, user, conversation, grant)

    async def on_decide(self, ctx: CallContext, decision: Decision) -> Done:
        """A person's decision about a parked call; the same one again changes nothing. Resumes the turn."""
        grant = self._turn_grant(ctx)
        await self._keys.unlock(grant.user, ctx.grant)
        await self._decide(grant.user, str(grant.turn), str(ctx.grant), decision)
        return Done()

    async def on_settle(self, ctx: CallContext, settled: CallSettled) -> Done:
        """What became of a call whose outcome was unknown; one that has another state stays as it is."""
        grant = self._turn_grant(ctx)
        await self._keys.unlock(grant.user, ctx.grant)
        live = await self.live(grant.user, str(grant.conversation))
        async with self._stores.use(grant.user) as store, live.lock:
            for call in await conversations.calls_of_turn(store, str(grant.turn)):
                if call.id == settled.call_id and call.state is CallState.UNKNOWN:
                    known = {"state": CallState(settled.state), "outcome": settled.outcome}
                    after = call.model_copy(update=known)
                    await conversations.save_call(store, after)
                    await live.call_changed(after)
            await conversations.remember_event(store, str(grant.conversation), live.last_event_id)
        return Done()

    async def on_cancel(self, ctx: CallContext, _: Done) -> Done:
        """Stops the turns of a conversation: the model at once, parked calls withdrawn, acts brought to their end.

        What is parked in a version that is not shown stays.
        """
        grant = admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock())
        conversation = str(ctx.conversation)
        await self._keys.unlock(grant.user, ctx.grant)
        live = await self.live(grant.user, conversation)
        async with self._stores.use(grant.user) as store:
            turns = await livestore.turns_of(self._room, conversation)
            elsewhere = await versions.apart(store, turns)
            for turn_id in turns:
                task = self._tasks.get(turn_id)
                if task is None and turn_id in elsewhere:
                    continue
                self._stopped.add(turn_id)
                if task:
                    task.cancel()
                    await asyncio.wait([task], timeout=5)
            for turn in await conversations.open_turns(store, conversation):
                if not self.is_running(turn.id) and turn.id not in elsewhere:
                    await self._withdraw(store, live, turn, "The owner stopped this.")
                    await live.cancelled(new_id())
        return Done()

    async def recover(self) -> None:
        """Goes on with what was under way when the process ended."""
        for turn_id, user, conversation, grant in await livestore.everything(self._room):
            self._resume(turn_id, user, conversation, grant)

    async def forget(self, user: str) -> None:
        """Ends everything that is under way for a user, and forgets it; what acts is given some seconds."""
        await self._end_all([turn for turn, owner, _, _ in await livestore.everything(self._room) if owner == user])
        for conversation in [each for each, live in self._lives.items() if live.user == user]:
            del self._lives[conversation]

    async def leave(self, conversation: str) -> None:
        """Ends everything that is under way in a conversation, and forgets it."""
        await self._end_all(await livestore.turns_of(self._room, conversation))
        self._lives.pop(conversation, None)

    async def _end_all(self, turns: list[str]) -> None:
        tasks = [self._tasks[turn] for turn in turns if turn in self._tasks]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_ENDING_SECONDS)
        for turn in turns:
            await livestore.forget(self._room, turn)
            self._permits.drop(turn)

    def is_running(self, turn_id: str) -> bool:
        """Whether this process works on a turn at this moment."""
        task = self._tasks.get(turn_id)
        return task is not None and not task.done()

    async def live(self, user: str, conversation: str) -> Live:
        """The live side of a user's conversation; raises `NotFound`, also where it is somebody else's."""
        if conversation not in self._lives:
            async with self._stores.use(user) as store:
                _, event_id = await conversations.find(store, conversation)
            self._lives.setdefault(conversation, Live(self._bus, user, conversation, last_event_id=event_id))
        live = self._lives[conversation]
        if live.user != user:
            raise NotFound("That conversation does not exist.")
        return live

    def _turn_grant(self, ctx: CallContext) -> Grant:
        grant = admit_grant(ctx, trust=self._trust, user=str(ctx.user), now=self._clock())
        if grant.kind != "turn" or not grant.turn or not grant.conversation:
            raise Forbidden("A turn needs the grant of a turn.")
        return grant

    def _start(self, user: str, turn: Turn, *, run: str, fresh: bool = False, recovered: bool = False) -> None:
        self._work_on(turn.id, self._run(user, turn, run, fresh=fresh, recovered=recovered))

    def _work_on(self, turn_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[turn_id] = self._bus.spawn(work)
        task.add_done_callback(
            lambda done: self._tasks.pop(turn_id, None) if self._tasks.get(turn_id) is done else None
        )

    async def _run(self, user: str, turn: Turn, run: str, *, fresh: bool, recovered: bool) -> None:
        try:
            await self._lived(user, turn, run, fresh=fresh, recovered=recovered)
        except Unavailable as error:  # not even its end could be stored: the disk is full
            _log.warning("a turn stands still", extra={"turn": turn.id, "code": error.code})
            task = asyncio.current_task()
            if (grant := self._permits.token(turn.id)) and not (task and task.cancelling()):
                self._resume(turn.id, user, turn.conversation, grant)

    async def _lived(self, user: str, turn: Turn, run: str, *, fresh: bool, recovered: bool) -> None:
        live = await self.live(user, turn.conversation)
        async with self._stores.use(user) as store:
            has_begun = False
            try:
                await live.turn.acquire()  # in another version something may be under way
                has_begun = True
                await self._begin(store, live, turn, run, recovered=recovered)
                await self._advance(store, live, user, turn, run, fresh=fresh)
            except asyncio.CancelledError:
                if turn.id not in self._stopped:
                    raise
                await self._stop(store, live, turn, run)
            except OaError as error:
                await self._fail(store, live, turn, error)
            except Exception:  # noqa: BLE001 - the outermost edge of a turn: the owner must see an end to it
                _log.exception("turn failed", extra={"turn": turn.id})
                await self._fail(
                    store, live, turn, Internal("The assistant failed inside. Nothing was lost; try again.")
                )
            finally:
                if has_begun:
                    await self._rest(live)
                await conversations.remember_event(store, turn.conversation, live.last_event_id)

    async def _begin(self, store: Store, live: Live, turn: Turn, run: str, *, recovered: bool) -> None:
        """A run of a turn, which is alone in its conversation until it rests."""
        self._permits.begin(turn.id)
        live.aside = await versions.is_aside(store, turn.conversation, turn.id)
        await live.run_started(run, turn=turn.id)
        if recovered:
            calls = await conversations.calls_of_turn(store, turn.id)
            self._asked[turn.id] = {call.id for call in calls if call.state is CallState.RUNNING}
            await live.snapshot(snapshot(*await conversations.messages(store, turn.conversation)))

    async def _rest(self, live: Live) -> None:
        """Lets other turns of the conversation go on."""
        try:
            if live.aside:
                live.aside = False
                await live.version_changed()
        finally:
            live.turn.release()

    async def _advance(self, store: Store, live: Live, user: str, turn: Turn, run: str, *, fresh: bool) -> None:
        """Steps until the turn has ended, is parked, or has come to a limit, where it ends with what it has."""
        used: list[Usage] = []
        try:
            if not await self._step(store, live, user, turn, run, used, fresh=fresh):
                return
        except Reached as reached:
            used += await self._close(store, live, user, turn, reached.limit)
        async with live.lock:  # who reads the history sees the last event and the end, or neither
            await live.finished(run, used)
            await self._end(store, turn, "done")

    async def _step(
        self, store: Store, live: Live, user: str, turn: Turn, run: str, used: list[Usage], *, fresh: bool
    ) -> bool:
        """Whether the turn has come to its end, not to a question; a `fresh` one was stored just now.

        Raises `Reached`.
        """
        if fresh:
            if near := self._permits.budget(turn).near:
                await live.notice(closing.near(near))
            used += await self._next(store, live, user, turn)
        while True:
            self._check(turn, await conversations.calls_of_turn(store, turn.id))
            await self._work(store, live, user, turn)
            calls, answers = await conversations.progress(store, turn.id)
            if any(call.state is CallState.WAITING for call in calls):
                if await self._park(store, live, user, turn, run, used):
                    return False
                continue
            if any(call.state not in ENDED for call in calls):
                continue
            if answers and not any(call.message == answers[-1] for call in calls):
                return True
            used += await self._next(store, live, user, turn)

    async def _park(self, store: Store, live: Live, user: str, turn: Turn, run: str, used: list[Usage]) -> bool:
        """The turn waits in the file, and holds nothing of the day's budget; False where a decision came meanwhile."""
        try:
            await self._permits.renew(user, turn, parked=True)
        except OaError as error:
            _log.info("the gateway was not told of a parked turn", extra={"code": error.code})
        async with live.lock:
            open_calls = [each for each in await conversations.calls_of_turn(store, turn.id) if each.state not in ENDED]
            if not open_calls or any(call.state is not CallState.WAITING for call in open_calls):
                return False
            await conversations.turn_state(store, turn.id, "waiting")
            await live.interrupted(run, [_interrupt(call) for call in open_calls], used)
            self._tasks.pop(turn.id, None)
            return True

    def _check(self, turn: Turn, calls: list[StoredCall]) -> None:
        """Raises `Reached` where a turn calls too many tools, or takes too long."""
        budget = self._permits.budget(turn)
        if turn.request.command is not None:
            return
        if closing.overrun(calls, most=budget.tool_calls):
            raise Reached("tool_calls")
        if self._permits.seconds(turn) > budget.seconds:
            raise Reached("seconds")

    async def _close(self, store: Store, live: Live, user: str, turn: Turn, limit: Limit) -> list[Usage]:
        """Ends what is under way, then the turn, in a last word of the model where that can be paid."""
        calls = await conversations.calls_of_turn(store, turn.id)
        running = [call for call in calls if call.state is CallState.RUNNING]
        await asyncio.gather(*(self._run_one(store, live, user, turn, call) for call in running))
        return await closing.close(
            store, live, turn, limit, now=self._clock(),
            ask=lambda largest: self._asking.ask_last(store, live, user, turn, largest),
        )  # fmt: skip

    async def _work(self, store: Store, live: Live, user: str, turn: Turn) -> None:
        """Puts proposed calls to the policy and runs what may run, side by side."""
        calls = await conversations.calls_of_turn(store, turn.id)
        running = [call for call in calls if call.state is CallState.RUNNING]
        proposed = [call for call in calls if call.state is CallState.PROPOSED]
        if proposed:
            ctx, grant = await self._permits.context(user, turn), self._permits.of(turn)
            decided = await asyncio.gather(
                *(
                    ask_policy(self._bus, ctx, call, grant, turn.request.text[:500], rises=self._rises(call))
                    for call in proposed
                )
            )
            async with live.lock:
                await conversations.save_calls(store, decided)
                for call in decided:
                    await live.call_changed(call)
            running += [call for call in decided if call.state is CallState.RUNNING]
        if running:
            await self._permits.context(user, turn)
            await asyncio.gather(*(self._run_one(store, live, user, turn, call) for call in running))

    def _rises(self, call: StoredCall) -> bool:
        """Whether the effect of a call depends on its arguments; of a connector that is away nothing runs anyway."""
        meant = call.call
        card = self._catalogue.card(meant.connector, meant.card_digest) if meant else None
        tool = card.tool(meant.tool) if card and meant else None
        return tool is not None and tool.rises

    async def _run_one(self, store: Store, live: Live, user: str, turn: Turn, call: StoredCall) -> None:
        context = partial(self._permits.plain, user, turn)
        after = await run_call(self._bus, context, call, asked=call.id in self._asked.get(turn.id, ()))
        async with live.lock:
            await conversations.save_call(store, after)
            await live.call_changed(after)

    async def _next(self, store: Store, live: Live, user: str, turn: Turn) -> list[Usage]:
        """What the assistant says next, by a command's calls or by the model."""
        request = turn.request
        if request.command is None:
            return await self._asking.ask(store, live, user, turn)
        await self._permits.context(user, turn)
        await self._catalogue.read()
        offered = offers(self._catalogue, self._permits.of(turn), request.accounts)
        await commands.answer(store, live, turn, request.command, user=user, offered=offered, now=self._clock())
        return []

    async def _decide(self, user: str, turn_id: str, grant: str, decision: Decision) -> None:
        async with self._stores.use(user) as store:
            turn = await conversations.turn(store, turn_id)
            live = await self.live(user, turn.conversation)
            async with live.lock:
                calls = await conversations.calls_of_turn(store, turn_id)
                call = next((each for each in calls if each.id == decision.call_id), None)
                if call is None or call.approval_id != decision.approval_id:
                    raise Conflict("That call does not wait for this decision.")
                if call.state is not CallState.WAITING:
                    return
                after = _decided(call, decision)
                await conversations.save_call(store, after)
                await conversations.turn_state(store, turn_id, "running")
                await live.call_changed(after)
                self._permits.give(turn_id, grant)
                await livestore.keep(self._room, turn_id, user, turn.conversation, grant)
                if turn_id not in self._tasks:
                    self._start(user, turn, run=new_id())

    def _resume(self, turn_id: str, user: str, conversation: str, grant: str) -> None:
        """Goes on with a turn as soon as what it needs is there again: the gateway, its keys, room on the disk."""
        self._work_on(turn_id, _insist(turn_id, partial(self._go_on, turn_id, user, conversation, grant)))

    async def _go_on(self, turn_id: str, user: str, conversation: str, grant: str) -> None:
        """One try; a turn that the gateway has ended, or that was erased, is forgotten."""
        try:
            renewal = await self._permits.ask(user, conversation, grant, RenewalRequest(turn=turn_id))
        except Forbidden:
            renewal = Renewal()
        if renewal.aside and renewal.grant:
            await self._put_aside(turn_id, user, conversation, grant, renewal)
            return
        if renewal.grant is None:
            await livestore.forget(self._room, turn_id)
            return
        self._permits.give(turn_id, renewal.grant)
        await self._keys.unlock(user, renewal.grant)
        async with self._stores.use(user) as store:
            if not await conversations.has_turn(store, turn_id):
                await livestore.forget(self._room, turn_id)
                return
            await livestore.keep(self._room, turn_id, user, conversation, renewal.grant)
            for decision in renewal.decisions:
                with contextlib.suppress(Conflict):  # a call that was not yet known to wait: its policy is asked again
                    await self._decide(user, turn_id, renewal.grant, decision)
            self._tasks.pop(turn_id, None)  # from here on whoever decides starts the turn himself
            turn = await conversations.turn(store, turn_id)
            if turn.state != "waiting" and turn_id not in self._tasks:
                self._start(user, turn, run=new_id(), recovered=True)

    async def _put_aside(self, turn_id: str, user: str, conversation: str, grant: str, renewal: Renewal) -> None:
        """Ends a turn of before the house was restored. What it was about to do may have been done since."""
        assert renewal.grant, "with it the user's file is opened"
        self._permits.give(turn_id, grant)
        await self._keys.unlock(user, renewal.grant)
        why = Conflict(str(renewal.aside))
        async with self._stores.use(user) as store:
            if not await conversations.has_turn(store, turn_id):
                await livestore.forget(self._room, turn_id)
                return
            live, turn = await self.live(user, conversation), await conversations.turn(store, turn_id)
            async with live.lock:
                await closing.refuse(store, live, turn, ErrorBody(code=why.code, message=why.message))
            await self._fail(store, live, turn, why)
            await conversations.remember_event(store, conversation, live.last_event_id)

    async def _stop(self, store: Store, live: Live, turn: Turn, run: str) -> None:
        """After the owner's stop: what acts is brought to its end, the rest is withdrawn."""
        await live.text_ended()
        await self._finish_acts(store, live, turn)
        await self._withdraw(store, live, turn, "The owner stopped this.")
        await live.cancelled(run)

    async def _finish_acts(self, store: Store, live: Live, turn: Turn) -> None:
        """Brings to its end what acts, or was decided to act."""
        user = self._permits.of(turn).user
        calls = await conversations.calls_of_turn(store, turn.id)
        acting = [call for call in calls if call.state is CallState.RUNNING and call.effect is not Effect.READ]
        if acting:
            await live.notice("Something was already under way and is brought to its end.")
            await asyncio.gather(*(self._run_one(store, live, user, turn, call) for call in acting))

    async def _withdraw(self, store: Store, live: Live, turn: Turn, why: str) -> None:
        async with live.lock:
            await closing.refuse(store, live, turn, ErrorBody(code="forbidden", message=why))
        await self._end(store, turn, "cancelled")

    async def _fail(self, store: Store, live: Live, turn: Turn, error: OaError) -> None:
        """The turn ends with an error, and each of its calls with what became of it."""
        await live.text_ended()
        try:
            await self._finish_acts(store, live, turn)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - what failed once may fail again: then nobody knows what became of it
            _log.exception("an act could not be brought to its end", extra={"turn": turn.id})
        if not await versions.broke_off(store, turn.id):
            body = ErrorBody(code=error.code, message=error.message)
            note = Message(id=new_id(), role="assistant", turn=turn.id, created=self._clock(), error=body)
            await conversations.add_message(store, turn.conversation, note)
        async with live.lock:
            await closing.refuse(store, live, turn, closing.BROKEN_OFF)
            await live.failed(error)
            await self._end(store, turn, "failed")

    async def _end(self, store: Store, turn: Turn, state: str) -> None:
        if await versions.left_empty(store, turn.conversation, turn.id) and (
            live := self._lives.get(turn.conversation)
        ):
            await live.version_changed()
        await conversations.turn_state(store, turn.id, state)
        await livestore.forget(self._room, turn.id)
        self._stopped.discard(turn.id)
        self._permits.rest(turn.id)
        self._asked.pop(turn.id, None)
        if self._permits.token(turn.id) is not None:
            self._bus.spawn(self._say_ended(self._permits.of(turn).user, turn))

    async def _say_ended(self, user: str, turn: Turn) -> None:
        try:
            await self._permits.renew(user, turn, over=True)
        except OaError as error:
            _log.info("the gateway was not told of an ended turn", extra={"code": error.code})
        finally:
            self._permits.drop(turn.id)


async def _insist(turn_id: str, work: Callable[[], Awaitable[None]]) -> None:
    """Does it as soon as it can be done; what hinders it is a room that is away, or a disk that is full."""

    def note(error: OaError) -> None:
        _log.info("a turn cannot go on yet", extra={"turn": turn_id, "code": error.code})

    await again(work, on=OaError, first=0.2, note=note)


def _decided(call: StoredCall, decision: Decision) -> StoredCall:
    if decision.approved:
        changed = as_changed(call, decision.call)
        return changed.model_copy(update={"state": CallState.RUNNING, "approval": decision.approval})
    why = "The owner said no" + (f": {decision.note}" if decision.note else ".")
    if decision.expired:
        why = "Nobody decided in time, so it was not done."
    outcome = {"error": {"code": "forbidden", "message": why}}
    return call.model_copy(update={"state": CallState.DENIED, "outcome": outcome})


def _interrupt(call: StoredCall) -> Interrupt:
    return Interrupt(
        id=str(call.approval_id),
        reason="approval",
        message=call.view().title,
        tool_call_id=call.id,
    )
