"""What was done in a conversation, as the ledger tells it: the model has no say in it, and neither has the agent.

Every call that acts was put to the policy first, and what came of that stands in the ledger with the connector's own
words for the call. A read leaves no receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.messages import (
    AuditAction,
    Effect,
    LedgerCall,
    LedgerEntry,
    LedgerPage,
    LedgerQuery,
    Preview,
    TurnCalls,
    TurnQuery,
)
from services.gateway import views
from services.gateway.connectors import Connectors
from services.gateway.grants import Grants
from services.gateway.sessions import SignedIn
from services.gateway.turns import Turns

__all__ = ["Receipts"]

_PUT = (AuditAction.APPROVAL_ASKED, AuditAction.POLICY_DECIDED)
_EDITED = AuditAction.APPROVAL_EDITED
_REFUSED: Mapping[AuditAction, views.ReceiptState] = {
    AuditAction.APPROVAL_DENIED: "refused",
    AuditAction.APPROVAL_EXPIRED: "expired",
}
_SETTLED = AuditAction.OUTCOME_SETTLED
_WORDS: Mapping[str | None, views.ReceiptState] = {"done": "confirmed", "not_done": "dismissed"}
_OUTCOMES: Mapping[str | None, views.ReceiptState] = {
    None: "running",
    "finished": "done",
    "failed": "failed",
    "unknown": "unknown",
}
_PAGE = 500
_SUBJECT_LENGTH = 160


class Receipts:
    """Reads them from the witness."""

    def __init__(self, bus: Bus, grants: Grants, connectors: Connectors, turns: Turns) -> None:
        self._bus, self._grants, self._connectors, self._turns = bus, grants, connectors, turns

    async def of(self, me: SignedIn, conversation: str) -> list[views.Receipt]:
        """One for each call that acts or was to act, oldest first; none where the conversation is somebody else's."""
        calls = await self._calls(me, conversation)
        decided = await self._decided(me, conversation)
        edits = {_call_of(each): each for each in decided if each.action is _EDITED}
        words = {each.id: _WORDS[each.outcome] for each in decided if each.action is _SETTLED}
        answers = {each.id: _REFUSED[each.action] for each in decided if each.action in _REFUSED}
        receipts = list[views.Receipt]()
        digests = {each.call_digest: each.id for each in calls.values() if each.call_digest}
        for entry in decided:
            if entry.action in _PUT and entry.effect is not Effect.READ:
                asked = entry.action is AuditAction.APPROVAL_ASKED
                # A record whose content was removed says by its digest alone which call it is about.
                call = _call_of(entry) or digests.get(entry.call_digest or "", "")
                shown = edits.get(call, entry)
                started = calls.pop(call) if _began(calls.get(call), shown) else None
                waits: views.ReceiptState = answers.get(entry.id, "waiting") if asked else "running"
                if started is None and entry.id not in answers and not await self._lives(me, entry.turn):
                    waits = "withdrawn"
                receipts.append(_receipt(entry, shown, started, waits))
        receipts += (self._unasked(call) for call in calls.values() if self._acts(call))
        receipts = [await self._doubted(me, each) for each in receipts]
        said = (_said(each, words.get(each.call_id)) for each in receipts)
        return sorted(said, key=lambda each: each.index)

    async def _calls(self, me: SignedIn, conversation: str) -> dict[str, LedgerCall]:
        ctx = self._grants.context(me.user.id, seconds=10)
        query = TurnQuery(user=me.user.id, conversation=conversation)
        found = await self._bus.ask(subjects.audit("turn"), query, TurnCalls, ctx)
        return {each.id: each for each in found.calls}

    async def _decided(self, me: SignedIn, conversation: str) -> list[LedgerEntry]:
        """The records of what the policy and the owner decided, oldest first."""
        ctx, entries, after = self._grants.context(me.user.id, seconds=20), list[LedgerEntry](), -1
        while True:
            query = LedgerQuery(
                after=after, limit=_PAGE, actions=(*_PUT, _EDITED, _SETTLED, *_REFUSED), conversation=conversation
            )
            page = await self._bus.ask(subjects.audit("query"), query, LedgerPage, ctx)
            entries += page.entries
            if page.next is None:
                return entries
            after = page.next

    async def _doubted(self, me: SignedIn, receipt: views.Receipt) -> views.Receipt:
        """What was under way or waited in the copy that the house was restored from may have been done since."""
        is_open = receipt.state in ("waiting", "running", "withdrawn")
        if is_open and receipt.turn and await self._turns.ended_by_restore(receipt.turn, user=me.user.id):
            return receipt.model_copy(update={"state": "unknown"})
        return receipt

    async def _lives(self, me: SignedIn, turn: str | None) -> bool:
        """Whether what was put in a turn can still begin: not once that has ended, by a stop or by the next message."""
        return turn is not None and await self._turns.lives(turn, user=me.user.id)

    def _acts(self, call: LedgerCall) -> bool:
        """Whether a call was more than a read, by the approved card rather than by what the agent called it."""
        tool = self._connectors.known_tool(call.connector, call.card_digest, call.tool)
        return call.effect.raised(tool.effect if tool else Effect.DELETE) is not Effect.READ

    def _unasked(self, call: LedgerCall) -> views.Receipt:
        """Of a call that was never put to the policy: no connector runs it, and that somebody tried is seen here."""
        return views.Receipt(
            call_id=call.id, turn=call.turn, connector=call.connector, tool=call.tool, effect=call.effect,
            verb=_named(call.tool), state=_OUTCOMES[call.outcome], at=call.time, index=call.newest,
            leaf_hash=call.leaf,
        )  # fmt: skip


def _said(receipt: views.Receipt, word: views.ReceiptState | None) -> views.Receipt:
    """With its owner's word, where nobody else can tell; what the ledger knows of the call itself goes before."""
    doubtful = receipt.state in ("unknown", "running")
    return receipt.model_copy(update={"state": word}) if word and doubtful else receipt


def _call_of(entry: LedgerEntry) -> str:
    """The id of the call that a decision is about."""
    if entry.action is AuditAction.POLICY_DECIDED:
        return entry.id
    return str(_content(entry).get("call", ""))


def _began(started: LedgerCall | None, shown: LedgerEntry) -> bool:
    """Whether what started is the very call that was decided on, and not another one under the same id."""
    if started is None:
        return False
    return None in (shown.call_digest, started.call_digest) or shown.call_digest == started.call_digest


def _content(entry: LedgerEntry) -> dict[str, Any]:
    return entry.content if isinstance(entry.content, dict) else {}


def _receipt(
    entry: LedgerEntry, shown: LedgerEntry, started: LedgerCall | None, state: views.ReceiptState
) -> views.Receipt:
    """Of a call that was put by `entry`, in the words of `shown`, which is the newest change of it."""
    preview = _preview(_content(shown).get("preview"))
    index, leaf = entry.index, entry.leaf
    if started is not None:
        state = _OUTCOMES[started.outcome]
        index, leaf = started.newest, started.leaf
    tool = entry.tool or ""
    return views.Receipt(
        call_id=(started.id if started else _call_of(entry)) or entry.id, turn=entry.turn,
        connector=entry.connector or "", tool=tool,
        effect=shown.effect or Effect.DELETE, verb=preview.verb if preview else _named(tool),
        account=preview.account if preview else "", destinations=_destinations(preview),
        subject=preview.fields[0].value[:_SUBJECT_LENGTH] if preview and preview.fields else "",
        state=state, at=started.time if started else entry.time, index=index,
        leaf_hash=leaf,
    )  # fmt: skip


def _named(tool: str) -> str:
    """A tool's name as words, where no connector's words for its call are known."""
    return tool.replace("_", " ").capitalize()


def _destinations(preview: Preview | None) -> tuple[views.PreviewDestination, ...]:
    found = preview.destinations if preview else ()
    return tuple(views.PreviewDestination.model_validate(each, from_attributes=True) for each in found)


def _preview(given: Any) -> Preview | None:
    """The preview in a record; None where its key is gone, or it was written by an older version."""
    try:
        return Preview.model_validate(given)
    except ValidationError:
        return None
