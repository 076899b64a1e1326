"""A turn without a model: a command's calls are proposed as they stand, and one sentence says how they ended."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from openassistant.context import new_id
from openassistant.errors import NotFound, Unavailable
from openassistant.messages import (
    Call,
    CallState,
    Command,
    CommandCall,
    Effect,
    Message,
    TurnRequest,
)
from openassistant.store import Store
from services.agent import conversations
from services.agent.conversations import StoredCall, Turn
from services.agent.hands import ended
from services.agent.live import Live
from services.agent.offers import Offer

__all__ = ["again", "answer", "count", "sentence"]

_SILENT = {"unavailable", "deadline_exceeded"}


async def answer(
    store: Store, live: Live, turn: Turn, command: Command, *, user: str, offered: dict[str, Offer], now: datetime
) -> None:
    """What the assistant says next: at first the calls, and when they have ended how they did."""
    calls = await conversations.calls_of_turn(store, turn.id)
    message = Message(id=new_id(), role="assistant", turn=turn.id, created=now, command=command)
    await live.text_started(message)
    proposed: list[StoredCall] = []
    if calls:
        message = message.model_copy(update={"text": sentence(calls, _names(turn.request))})
        await live.text(message.text)
        await live.flush()
    else:
        proposed = [_proposed(each, turn, message.id, user, offered) for each in command.calls]
    async with live.lock:
        await conversations.add_message(store, turn.conversation, message, proposed)
        await live.text_ended()
        for call in proposed:
            await live.call_proposed(call)


async def again(store: Store, follows: str | None, request: TurnRequest) -> TurnRequest:
    """A request to run a message again, meant in the same time zone: its command, where it was one."""
    former = await conversations.turn_of(store, follows) if follows else None
    if former is None:
        return request
    return request.model_copy(update={"command": former.request.command, "zone": former.request.zone})


def sentence(calls: Sequence[StoredCall], names: dict[str, str]) -> str:
    """How ended calls ended, in one plain sentence; `names` are accounts by id."""
    if all(call.effect is Effect.READ for call in calls):
        return _found(calls, names)
    states = {call.state for call in calls}
    if CallState.UNKNOWN in states:
        return "The service did not answer, so it is not known whether it was done."
    return "Done." if states == {CallState.DONE} else "Not done."


def _found(calls: Sequence[StoredCall], names: dict[str, str]) -> str:
    done = [call for call in calls if call.state is CallState.DONE]
    failed = [call for call in calls if call.state is not CallState.DONE]
    silent = [_name(call, names) for call in failed if _code(call) in _SILENT]
    broken = [_name(call, names) for call in failed if _code(call) not in _SILENT]
    parts = [_counted([count(call) for call in done])] if done else []
    parts += [f"{_listed(silent)} did not answer"] if silent else []
    parts += [f"{_listed(broken)} could not do this"] if broken else []
    return "; ".join(parts) + "."


def _counted(counts: Sequence[int | None]) -> str:
    services = f"{len(counts)} services" if len(counts) > 1 else ""
    if None in counts:
        return f"{services or 'The service'} answered"
    total = sum(count or 0 for count in counts)
    if total == 0:
        return f"Nothing found in {services}" if services else "Nothing found"
    return f"{total} result{'' if total == 1 else 's'}" + (f" from {services}" if services else "")


def count(call: StoredCall) -> int | None:
    """How many things a result lists; None where it is no list of things and holds none, or several."""
    content: Any = (call.outcome or {}).get("content")
    held = content.values() if isinstance(content, dict) and "text" not in content else [content]
    lists = [each for each in held if isinstance(each, list) and all(isinstance(thing, dict) for thing in each)]
    return len(lists[0]) if len(lists) == 1 else None


def _code(call: StoredCall) -> str:
    return str(((call.outcome or {}).get("error") or {}).get("code", ""))


def _name(call: StoredCall, names: dict[str, str]) -> str:
    account = call.call.account if call.call else None
    return names.get(account or "", call.call.connector if call.call else call.name)


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _names(request: TurnRequest) -> dict[str, str]:
    return {account.id: account.name for account in request.accounts}


def _proposed(wanted: CommandCall, turn: Turn, message: str, user: str, offered: dict[str, Offer]) -> StoredCall:
    """The call that a command asks for; one that cannot be made has ended already, and says why."""
    offer = next((o for o in offered.values() if (o.card.id, o.tool.name) == (wanted.connector, wanted.tool)), None)
    meant = Call(
        id=new_id(),
        nonce=secrets.token_hex(16),
        user=user,
        account=wanted.account,
        connector=wanted.connector,
        card_digest=offer.digest if offer else "",
        tool=wanted.tool,
        arguments=wanted.arguments,
    )
    call = StoredCall(
        id=meant.id,
        turn=turn.id,
        message=message,
        name=offer.name if offer else wanted.tool,
        given=json.dumps(wanted.arguments, ensure_ascii=False),
        call=meant,
        effect=offer.tool.effect if offer else Effect.READ,
    )
    if wanted.account and wanted.account not in _names(turn.request):
        return ended(call, NotFound("That account is not connected."))
    if offer is None:
        name = _names(turn.request).get(wanted.account or "", wanted.connector)
        return ended(call, Unavailable(f"{name} is away: its connector is not running at the moment."))
    return call
