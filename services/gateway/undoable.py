"""What can still be taken back: what is held before it goes out, and what a connector knows the way back of.

Taking back what was done is a call like any other: a turn, the policy's word, a record, a journal row.
"""

from __future__ import annotations

import asyncio

from openassistant.errors import NotFound
from openassistant.messages import UNDO_TOOL, AuditAction, Command, CommandCall
from openassistant.outcomes import UNDO_WITHIN, ToldCall
from services.gateway import views
from services.gateway.approvals import Approvals
from services.gateway.chat import Chat, zone_of
from services.gateway.ledger import Ledger
from services.gateway.outcomes import Outcomes, told
from services.gateway.sessions import SignedIn

__all__ = ["Undoables"]

_MOST = 50


class Undoables:
    """One user's at a time."""

    def __init__(self, approvals: Approvals, outcomes: Outcomes, chat: Chat, ledger: Ledger) -> None:
        self._approvals, self._outcomes, self._chat, self._ledger = approvals, outcomes, chat, ledger

    async def listing(self, me: SignedIn) -> list[views.Undoable]:
        """What is held, then what was done, each newest first; connectors that do not run are left out."""
        held, done = await asyncio.gather(self._held(me), self._done(me))
        return [*held, *(await asyncio.gather(*(self._shown(me, each) for each in done)))]

    async def take_back(self, me: SignedIn, call: str, *, zone: str | None = None) -> views.Undoing:
        """Takes one back, by the id of its call; raises `NotFound` for what cannot be, or not any more."""
        me.require("approve")
        for each in await self._approvals.listing(me, "approved"):
            if each.call_id == call and each.held_until is not None:
                await self._approvals.decide(me, each.id, approve=False)
                return views.Undoing(taken_back=True, conversation=each.conversation)
        found = next((each for each in await self._done(me) if each.call.id == call), None)
        if found is None:
            raise NotFound("There is nothing of that id that can be taken back, or not any more.")
        conversation = await self._conversation(me, call)
        words = found.shown.verb if found.shown else found.call.tool.replace("_", " ")
        wanted = CommandCall(
            connector=found.call.connector, tool=UNDO_TOOL, account=found.call.account, arguments={"action": call}
        )
        accepted = await self._chat.command(
            me, conversation, Command(name="undo", calls=(wanted,)), text=f"/undo {words}", zone=zone_of(zone)
        )
        return views.Undoing(taken_back=False, conversation=conversation, turn=accepted.turn)

    async def _held(self, me: SignedIn) -> list[views.Undoable]:
        found = await self._approvals.listing(me, "approved")
        return [
            views.Undoable(
                kind="held", until=each.held_until, call_id=each.call_id, connector=each.connector, tool=each.tool,
                verb=each.preview.verb, subject=each.preview.fields[0].value if each.preview.fields else "",
                account=each.preview.account, destinations=each.preview.destinations,
                at=each.decided_at or each.created_at, conversation=each.conversation,
            )
            for each in found
            if each.held_until is not None
        ]  # fmt: skip

    async def _done(self, me: SignedIn) -> list[ToldCall]:
        found, _ = await self._outcomes.journals(me.user.id, "undoable")
        return sorted(found, key=lambda each: each.started, reverse=True)[:_MOST]

    async def _shown(self, me: SignedIn, each: ToldCall) -> views.Undoable:
        entries = await self._ledger.of_call(me.user.id, each.call.id, AuditAction.TOOL_STARTED)
        shown = told(each, entries[0] if entries else None)
        return views.Undoable(kind="done", until=each.started + UNDO_WITHIN, **shown.model_dump())

    async def _conversation(self, me: SignedIn, call: str) -> str:
        """Where it was done, so that it is taken back there; a new conversation where that is gone."""
        entries = await self._ledger.of_call(me.user.id, call, AuditAction.TOOL_STARTED)
        if entries and entries[0].conversation:
            try:
                return (await self._chat.history(me, entries[0].conversation)).id
            except NotFound:
                pass
        return (await self._chat.create(me, title="Taken back")).id
