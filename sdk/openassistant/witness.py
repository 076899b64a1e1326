"""A room's side of the ledger: write down before, report after. No witness, no call."""

from __future__ import annotations

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import DeadlineExceeded, Unavailable
from openassistant.messages import Record, RecordReply

__all__ = ["record"]

_SECONDS = 2.0


async def record(bus: Bus, ctx: CallContext, entry: Record) -> RecordReply:
    """The witness's receipt, given after its commit; raises `Unavailable` when it does not answer within 2 s."""
    try:
        return await bus.request(subjects.audit_record(bus.room), entry, RecordReply, ctx.capped(_SECONDS))
    except DeadlineExceeded as error:
        raise Unavailable("The ledger did not answer, so nothing was done.", retry_after=1) from error
