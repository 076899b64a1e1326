"""What a connector's journal tells its owner: what can be taken back, and what nobody can tell the outcome of.

A call in doubt is settled by a signed word alone: its provider is asked once more, or the owner has looked himself. An
outcome that stands is not changed by it, and nothing is ever done again here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from openassistant import journal, subjects
from openassistant.context import CallContext
from openassistant.errors import Forbidden, NotFound, Unavailable
from openassistant.guard import admit_grant
from openassistant.journal import Entry, Outcome
from openassistant.messages import Call, Done, Effect, ErrorBody, Id, Preview, ToolResult, Wire

if TYPE_CHECKING:
    from openassistant.runner import Runner

__all__ = ["UNDO_WITHIN", "Outcomes", "Settled", "Settlement", "ToldCall", "ToldCalls"]

UNDO_WITHIN = timedelta(days=7)
"""How long a done call is offered to be taken back; later it has to be asked for by name."""


class ToldCall(Wire):
    """A call out of the journal, begun at `started`; `shown` is what it said it would do."""

    call: Call
    started: datetime
    shown: Preview | None = None


class ToldCalls(Wire):
    """Calls of one user, in the order that was asked for."""

    calls: tuple[ToldCall, ...] = ()


class Settlement(Wire):
    """Asks for the end of the doubt about a call, with its owner's signed `Word`."""

    call: Id
    word: str


class Settled(Wire):
    """What stands in the journal now; `by_person` says that it is the owner's word, here or from before."""

    state: Literal["done", "failed", "unknown"]
    by_person: bool = False
    result: ToolResult | None = None
    error: ErrorBody | None = None


class Outcomes:
    """The handlers of one instance."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def start(self) -> None:
        """Serves the gateway."""
        bus, name = self._runner.bus, self._runner.connector.id
        await bus.serve(subjects.journal(name, "open"), Done, self.on_open)
        await bus.serve(subjects.journal(name, "settle"), Settlement, self.on_settle)
        await bus.serve(subjects.journal(name, "undoable"), Done, self.on_undoable)

    async def on_open(self, ctx: CallContext, _: Done) -> ToldCalls:
        """Calls of the grant's user that have no certain outcome, without those that are under way."""
        user = await self._unlocked(ctx)
        async with self._runner.stores.use(user) as store:
            found = await journal.open_calls(store)
        idle = (each for each in found if not self._runner.is_under_way(each))
        return ToldCalls(calls=tuple(ToldCall(call=each.call, started=each.started, shown=each.shown) for each in idle))

    async def on_settle(self, ctx: CallContext, wanted: Settlement) -> Settled:
        """Ends the doubt about a call, or says how it ended before.

        Raises `Forbidden` without a word of its owner about exactly this call, `NotFound`, `Unavailable` while it is
        still under way.
        """
        user = await self._unlocked(ctx)
        word = self._runner.trust.word(wanted.word, now=self._runner.clock())
        if word.user != user or word.call_id != wanted.call:
            raise Forbidden("That word is about another call.")
        async with self._runner.stores.use(user) as store:
            entry = await journal.find(store, wanted.call)
            if entry is None:
                raise NotFound("There is no such call here.")
            if self._runner.is_under_way(entry):
                raise Unavailable("This call is still under way.", retry_after=1)
            if entry.state in (Outcome.INTENT, Outcome.UNKNOWN):
                if word.says == "look":
                    return _settled(await self._runner.reconcile(ctx, entry))
                await journal.settle(store, wanted.call, done=word.says == "done", now=self._runner.clock())
                entry = await journal.find(store, wanted.call) or entry
        return _settled(entry)

    async def on_undoable(self, ctx: CallContext, _: Done) -> ToldCalls:
        """What was done lately and can be taken back by a call of `actions_undo`, newest first."""
        user, tools = await self._unlocked(ctx), self._runner.connector.tools
        names = [name for name, tool in tools.items() if tool.undoer is not None]
        async with self._runner.stores.use(user) as store:
            found = await journal.recent_done(store, names, since=self._runner.clock() - UNDO_WITHIN)
        mine = (
            each
            for each in found
            if not each.settled and tools[each.call.tool].effect_for(each.call.arguments) is not Effect.SEND
        )
        return ToldCalls(calls=tuple(ToldCall(call=each.call, started=each.started, shown=each.shown) for each in mine))

    async def _unlocked(self, ctx: CallContext) -> str:
        """The user of the context's grant, whose file can be opened then; raises `Forbidden`."""
        user = admit_grant(ctx, trust=self._runner.trust, user=str(ctx.user), now=self._runner.clock()).user
        await self._runner.keys.unlock(user, ctx.grant)
        return user


def _settled(entry: Entry) -> Settled:
    known: dict[Outcome, Literal["done", "failed"]] = {Outcome.DONE: "done", Outcome.FAILED: "failed"}
    return Settled(
        state=known.get(entry.state, "unknown"), by_person=entry.settled, result=entry.result, error=entry.error
    )
