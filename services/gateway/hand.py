"""The hand of the house's own tools: it checks what every connector checks, then keeps what is to be kept.

That a call is done once rests on its id, under which it is kept; what the witness did not take is reported when the
agent asks again.
"""

from __future__ import annotations

from openassistant import subjects
from openassistant.builtin import HOUSE_DIGEST, HOUSE_ID, MemorySave, SchedulePropose
from openassistant.bus import Bus
from openassistant.context import CallContext, Clock
from openassistant.errors import Conflict, Forbidden, OaError, Unavailable
from openassistant.grants import Grant, Trust
from openassistant.guard import admit_call, require_approval
from openassistant.messages import AuditAction, Call, Effect, ToolResult
from services.gateway import schedule_views as views
from services.gateway.housework import parsed, previewed
from services.gateway.ledger import Ledger
from services.gateway.memories import Memories
from services.gateway.schedules import Schedules
from services.gateway.taint import Taint

__all__ = ["Hand"]


class Hand:
    """Serves `memory_save` and `schedule_propose`."""

    def __init__(
        self, bus: Bus, memories: Memories, schedules: Schedules, taint: Taint, ledger: Ledger, *, trust: Trust,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._bus, self._memories, self._schedules, self._taint = bus, memories, schedules, taint
        self._ledger, self._trust, self._clock = ledger, trust, clock

    async def start(self) -> None:
        """Serves the agent."""
        await self._bus.serve(subjects.tools_of(HOUSE_ID), Call, self.on_call)

    async def on_call(self, ctx: CallContext, call: Call) -> ToolResult:
        """Runs one call after every check; the same call again gets the same answer."""
        if (subjects.token_at(ctx.subject, 3), subjects.token_at(ctx.subject, 4)) != (call.user, call.tool):
            raise Forbidden("The call is for another user or tool than its subject says.")
        now = self._clock()
        grant = admit_call(ctx, call, trust=self._trust, connector=HOUSE_ID, digest=HOUSE_DIGEST, now=now)
        approval = require_approval(ctx, call, grant=grant, effect=Effect.WRITE, trust=self._trust, now=now)
        arguments = parsed(call)
        if approval is None or approval.decided_by == "rule":
            raise Forbidden("This is decided each time.")
        if approval.preview_digest and approval.preview_digest != previewed(call, ctx.zone, tainted=False).digest():
            raise Conflict("What was approved has changed meanwhile, so nothing was done. Ask again.")
        try:
            result = await self._kept(call, arguments, grant, ctx.zone)
        except OaError as error:
            if not isinstance(error, Unavailable):
                await self._ledger.note(AuditAction.TOOL_FAILED, user=call.user, id=call.id, outcome="failed")
            raise
        await self._ledger.note(
            AuditAction.TOOL_FINISHED, user=call.user, id=call.id, outcome="finished", content=result
        )
        return ToolResult(content=result)

    async def _kept(
        self, call: Call, arguments: MemorySave | SchedulePropose, grant: Grant, zone: str | None
    ) -> dict[str, str]:
        conversation = str(grant.conversation)
        sources = await self._taint.sources(call.user, conversation)
        if isinstance(arguments, MemorySave):
            await self._memories.keep(
                call.user, call=call.id, words=arguments.text, sources=sources, conversation=conversation,
                turn=str(grant.turn),
            )  # fmt: skip
            return {"remembered": arguments.text}
        draft = views.ScheduleDraft(
            **arguments.model_dump(include={"name", "prompt", "rule", "connectors"}), zone=zone or "UTC",
            starts=arguments.starts.replace(tzinfo=None),
        )  # fmt: skip
        await self._schedules.propose(call.user, draft, conversation=conversation, tainted=bool(sources), id_=call.id)
        return {"proposed": arguments.name, "next": "The person finds it under Schedules, and signs it there or not."}
