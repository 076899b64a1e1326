"""How a turn ends that has come to a limit: with what it has, in the model's words where they can be paid."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from openassistant.budgets import Bound
from openassistant.context import new_id
from openassistant.errors import OaError
from openassistant.messages import CallState, Effect, ErrorBody, Message
from openassistant.store import Store
from services.agent import conversations
from services.agent.conversations import ENDED, StoredCall, Turn
from services.agent.live import Live
from services.agent.metering import LAST_QUESTION, Limit, Reached
from services.agent.model import Usage
from services.agent.prompt import BYTES

__all__ = ["ASKED_LAST", "BROKEN_OFF", "close", "near", "overrun", "refuse", "words"]

_log = logging.getLogger("openassistant.agent")

ASKED_LAST = """This answer has come to a limit, and this is its last step: no tool can be called any more.
Say in a few sentences what was found out and done so far, and what is still open. Promise nothing."""

_LEFT_OUT = ErrorBody(code="rate_limited", message="The answer had come to a limit, so this was not done.")
BROKEN_OFF = ErrorBody(code="unavailable", message="The answer broke off, so this was not done.")
_RESULTS = 0.6
"""The part of the last question that results may take."""
_WHAT = {
    "model_calls": "the number of times that the model may be asked for one answer",
    "tool_calls": "the number of tool calls for one answer",
    "seconds": "the time for one answer",
}
_WHOSE: dict[Bound, str] = {
    "turn": "for one answer",
    "day": "for today",
    "month": "for this month",
    "house_day": "for the whole house today",
    "house_month": "for the whole house this month",
}
_GO_ON = 'Write "go on" to continue from here. The limit can be changed under Usage.'
_WAIT: dict[Bound, str] = {
    "turn": _GO_ON,
    "day": "It begins anew tomorrow, and can be changed under Usage. Commands such as /find work without a model.",
    "month": "It begins anew next month, and can be changed under Usage. Commands such as /find work without a model.",
    "house_day": "It begins anew tomorrow; whoever looks after the house can change it. Commands still work.",
    "house_month": "It begins anew next month; whoever looks after the house can change it. Commands still work.",
}


def near(bound: Bound) -> str:
    """What is said when four fifths of a limit are gone."""
    return f"More than 80 % of the limit {_WHOSE[bound]} is used. What is left stands under Usage."


def overrun(calls: Sequence[StoredCall], *, most: int) -> bool:
    """Whether calls are proposed beyond how many a turn may make."""
    return len(calls) > most and any(call.state is CallState.PROPOSED for call in calls)


async def close(
    store: Store, live: Live, turn: Turn, limit: Limit, *, now: datetime,
    ask: Callable[[int], Awaitable[list[Usage]]],
) -> list[Usage]:  # fmt: skip
    """The end of a turn at a limit; nothing of it acts any more.

    `ask` asks the model for its last word, with results of so many characters at most. What it raises is no fault: then
    the house's own words are all there is.
    """
    await live.text_ended()
    async with live.lock:
        await refuse(store, live, turn, _LEFT_OUT)
    calls, used = await conversations.calls_of_turn(store, turn.id), list[Usage]()
    try:
        if calls:
            used = await ask(_largest(calls))
    except (OaError, Reached) as error:
        await live.text_ended()
        _log.info("a turn ends without a last word", extra={"turn": turn.id, "reason": type(error).__name__})
    await _say(store, live, turn, words(limit, calls), now=now)
    return used


def words(limit: Limit, calls: Sequence[StoredCall]) -> str:
    """What the turn's owner is told: which limit, what was done, what he can do."""
    what, then = _named(limit)
    return f"**Stopped at a limit:** {what}. {_done(calls)} {then}"


async def _say(store: Store, live: Live, turn: Turn, text: str, *, now: datetime) -> None:
    """A message of the house's own, stored, at the end of a turn."""
    message = Message(id=new_id(), role="assistant", turn=turn.id, created=now)
    await live.text_started(message)
    await live.text(text)
    await live.flush()
    async with live.lock:
        await conversations.add_message(store, turn.conversation, message.model_copy(update={"text": text}))
        await live.text_ended()


async def refuse(store: Store, live: Live, turn: Turn, error: ErrorBody) -> None:
    """What has not begun is not done; of an act that may have begun, nobody knows. The caller holds the lock."""
    for call in await conversations.calls_of_turn(store, turn.id):
        if call.state in ENDED:
            continue
        begun = call.state is CallState.RUNNING and call.effect is not Effect.READ
        state = CallState.UNKNOWN if begun else CallState.DENIED
        after = call.model_copy(update={"state": state, "outcome": {"error": error.model_dump(mode="json")}})
        await conversations.save_call(store, after)
        await live.call_changed(after)


def _largest(calls: Sequence[StoredCall]) -> int:
    """Characters that each result may have in the last question, so that those of one answer fit in together."""
    most = max(Counter(call.message for call in calls).values(), default=1)
    return int(LAST_QUESTION * BYTES * _RESULTS) // most


def _named(limit: Limit) -> tuple[str, str]:
    if isinstance(limit, str):
        return f"{_WHAT[limit]} is reached", _GO_ON
    kind, bound = limit
    used = "the tokens {} are used up" if kind == "tokens" else "the money {} is used up"
    return used.format(_WHOSE[bound]), _WAIT[bound]


def _done(calls: Sequence[StoredCall]) -> str:
    """In a sentence or two, what of the calls of a turn was done; from how they ended, not from what the model says."""
    done = [call for call in calls if call.state is CallState.DONE]
    reads = sum(call.effect is Effect.READ for call in done)
    acts = [_plain(call) for call in done if call.effect is not Effect.READ]
    unknown = [_plain(call) for call in calls if call.state is CallState.UNKNOWN]
    open_ = sum(call.state in (CallState.FAILED, CallState.DENIED) or call.state not in ENDED for call in calls)
    parts = [f"Until then {_counted(reads, 'thing was', 'things were')} looked up."]
    parts.append(f"Done: {'; '.join(acts)}." if acts else "Nothing was changed.")
    parts += [f"Not known whether it was done: {'; '.join(unknown)}."] if unknown else []
    parts += [f"{_counted(open_, 'call was', 'calls were').capitalize()} not carried out."] if open_ else []
    return " ".join(parts)


def _plain(call: StoredCall) -> str:
    """The tool's name as words; nothing of its arguments, which are words of others."""
    return call.name.replace("__", " ").replace("_", " ")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count or 'no'} {one if count == 1 else many}"
