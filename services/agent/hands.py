"""One tool call from the agent's side: put to the policy, written down, sent, until its outcome is certain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import DeadlineExceeded, OaError, Unavailable
from openassistant.grants import Grant
from openassistant.messages import (
    ApprovalNeed,
    ApprovalOutcome,
    AuditAction,
    Call,
    CallState,
    Effect,
    ErrorBody,
    Record,
    ToolResult,
)
from openassistant.witness import record
from services.agent.conversations import StoredCall

__all__ = ["as_changed", "ask_policy", "run_call", "started"]

_ASK_SECONDS = 4.0
"""A call goes on in the hand when nobody waits: asking again soon finds a hand that died, and joins one that works."""
_POLICY_WITHIN = 30.0
_CERTAIN_WITHIN = 150.0
_READ_WITHIN = 90.0
_AWAY_WITHIN = 20.0
"""A read waits this long for a hand that is not there, and what is put to the policy for a room that is not."""


async def ask_policy(
    bus: Bus, ctx: CallContext, call: StoredCall, grant: Grant, reason: str, *, rises: bool
) -> StoredCall:
    """The call with its approval, waiting for one, or refused. A read that the grant covers needs no question.

    One whose effect `rises` with its arguments does: only its connector knows whether it still is one.
    """
    assert call.call is not None, "only understood calls are put to the policy"
    if call.effect is Effect.READ and Effect.READ in grant.effects and not rises:
        return call.model_copy(update={"state": CallState.RUNNING})
    need = ApprovalNeed(call=call.call, reason=reason)
    try:
        judge, within = subjects.gateway("approve"), ctx.capped(_POLICY_WITHIN)
        outcome = await bus.ask(judge, need, ApprovalOutcome, within, away=_AWAY_WITHIN)
    except OaError as error:
        return ended(call, error)
    if outcome.verdict == "run":
        changed = as_changed(call, outcome.call)
        return changed.model_copy(update={"state": CallState.RUNNING, "approval": outcome.approval})
    if outcome.verdict == "ask":
        shown = outcome.preview.effect if outcome.preview else call.effect
        waiting = {"state": CallState.WAITING, "approval_id": outcome.approval_id, "effect": call.effect.raised(shown)}
        return call.model_copy(update=waiting)
    refused = {"error": {"code": "forbidden", "message": outcome.detail or "The policy refuses this call."}}
    return call.model_copy(update={"state": CallState.DENIED, "outcome": refused})


def as_changed(call: StoredCall, changed: Call | None) -> StoredCall:
    """The call as its owner changed it: other arguments, under the same id; the call itself where nobody did."""
    return call if changed is None or changed.id != call.id else call.model_copy(update={"call": changed})


async def run_call(
    bus: Bus, context: Callable[[], CallContext], call: StoredCall, *, asked: bool = False
) -> StoredCall:
    """The call with its outcome. `context` gives a fresh context with the turn's present grant.

    A call is asked for again under its own id until the outcome is certain: the hand's journal answers the same call
    twice the same way, so asking again never acts again. An error that is `settled` stands in that journal and will
    not change. Any other (the approval has expired by now) says nothing about what a request before did; `asked` is
    whether there may have been one, of a process that ended.
    """
    assert call.call is not None, "only understood calls run"
    acts, loop = call.effect is not Effect.READ, asyncio.get_running_loop()
    began, pause, sent = loop.time(), 0.25, False
    while True:
        ctx = context().capped(_ASK_SECONDS).signed(approval=call.approval)
        try:
            receipt = await started(bus, ctx, call.call, call.effect)
            sent = True
            subject = subjects.tool(call.call.connector, call.call.user, call.call.tool)
            result = await bus.request(subject, call.call, ToolResult, ctx.signed(receipt=receipt))
        except OaError as error:
            settled = bool(error.details.get("settled"))
            again = isinstance(error, Unavailable | DeadlineExceeded) and not settled
            if not again or loop.time() + pause > began + _patience(error, acts=acts):
                late = isinstance(error, DeadlineExceeded) or (not settled and (asked or (sent and again)))
                return ended(call, error, uncertain=acts and late)
            asked = asked or sent
            await asyncio.sleep(error.retry_after or pause)
            pause = min(pause * 2, 5.0)
        else:
            outcome = result.model_dump(mode="json")
            return call.model_copy(update={"state": CallState.DONE, "outcome": outcome})


def _patience(error: OaError, *, acts: bool) -> float:
    if acts:
        return _CERTAIN_WITHIN
    return _READ_WITHIN if isinstance(error, DeadlineExceeded) else _AWAY_WITHIN


def ended(call: StoredCall, error: OaError, *, uncertain: bool = False) -> StoredCall:
    """The call with an error as its outcome; `uncertain` where it may have been done all the same."""
    body = ErrorBody(code=error.code, message=error.message, details=error.details)
    state = CallState.UNKNOWN if uncertain else CallState.FAILED
    return call.model_copy(update={"state": state, "outcome": {"error": body.model_dump(mode="json")}})


async def started(bus: Bus, ctx: CallContext, call: Call, effect: Effect) -> str:
    """Has the witness write down that a call begins; its receipt."""
    entry = Record(
        id=call.id,
        action=AuditAction.TOOL_STARTED,
        call=call,
        connector=call.connector,
        tool=call.tool,
        effect=effect,
        account=call.account,
        content={"arguments": call.arguments},
    )
    return (await record(bus, ctx, entry)).receipt
