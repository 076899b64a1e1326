"""Calls that nobody can tell the outcome of: shown to their owner, who looks again, or says himself what happened.

His word stands in the ledger before anything comes of it, and the connector's journal then holds the call as ended, so
that nobody repeats it behind his back. To try once more is a new call with a new question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.errors import Conflict, NotFound, OaError, Unavailable
from openassistant.messages import (
    AuditAction,
    CallSettled,
    Command,
    CommandCall,
    Done,
    ErrorBody,
    LedgerEntry,
    TurnAccepted,
)
from openassistant.outcomes import Settled, Settlement, ToldCall, ToldCalls
from services.gateway import views
from services.gateway.chat import Chat, zone_of
from services.gateway.connectors import Connectors
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.sessions import SignedIn

__all__ = ["Outcomes", "told"]

_JOURNAL_SECONDS = 3.0
_LOOK_SECONDS = 60.0
_MOST_TOLD = 100
_SUBJECT_LENGTH = 160

Says = Literal["done", "not_done", "look"]


class Outcomes:
    """One user's calls in doubt at a time."""

    def __init__(self, bus: Bus, connectors: Connectors, ledger: Ledger, grants: Grants, chat: Chat) -> None:
        self._bus, self._connectors, self._ledger, self._grants, self._chat = bus, connectors, ledger, grants, chat

    async def listing(self, me: SignedIn) -> views.Doubts:
        """Every such call of one's own, oldest first, as the connectors' journals have them."""
        found, away = await self.journals(me.user.id, "open")
        calls = sorted(found, key=lambda each: each.started)[:_MOST_TOLD]
        started = await asyncio.gather(*(self._started(me.user.id, each.call.id) for each in calls))
        shown = (told(each, entry) for each, entry in zip(calls, started, strict=True))
        return views.Doubts(calls=tuple(shown), away=tuple(away))

    async def settle(self, me: SignedIn, call: str, says: Says) -> views.Outcome:
        """Looks again, or takes its owner's word for what happened, once.

        Raises `NotFound`, `Conflict` when the outcome is known by now, or he said otherwise before, `Unavailable`
        while the connector is away or still at it.
        """
        me.require("approve")
        entry = await self._begun(me, call)
        if says != "look":
            await self._require_doubt(me, entry)
            await self._ledger.note(
                AuditAction.OUTCOME_SETTLED, user=me.user.id, id=call, grant=self._turn_grant(entry),
                connector=entry.connector, tool=entry.tool, effect=entry.effect, account=entry.account, outcome=says,
                content={"token" if me.is_token else "session": me.session},
            )  # fmt: skip
        settled = await self._ask(me, entry, says)
        await self._tell_agent(entry, settled)
        return views.Outcome(call_id=call, state=settled.state, by_person=settled.by_person, detail=_detail(settled))

    async def again(self, me: SignedIn, call: str, *, zone: str | None = None) -> TurnAccepted:
        """A turn that puts the same arguments to its owner as a new question; looks first.

        Raises `NotFound`, and `Conflict` where it was done, or nobody can tell yet.
        """
        me.require("approve")
        entry = await self._begun(me, call)
        settled = await self._ask(me, entry, "look")
        await self._tell_agent(entry, settled)
        if settled.state == "done":
            raise Conflict("This was done, so it is not tried again.")
        if settled.state == "unknown":
            raise Conflict("Nobody can tell yet whether this was done. Look there, and say so first.")
        arguments = _content(entry).get("arguments")
        if not isinstance(arguments, dict):
            raise Conflict("What it was about can no longer be read, so it has to be asked for anew.")
        wanted = CommandCall(
            connector=str(entry.connector), tool=str(entry.tool), account=entry.account, arguments=arguments
        )
        words = str(entry.tool).replace("_", " ")
        return await self._chat.command(
            me, str(entry.conversation), Command(name="again", calls=(wanted,)), text=f"/again {words}",
            zone=zone_of(zone), asks="doubt",
        )  # fmt: skip

    async def journals(self, user: str, verb: Literal["open", "undoable"]) -> tuple[list[ToldCall], list[str]]:
        """What the journals of all connectors that run say, and the names of those that did not answer."""
        cards = self._connectors.running()
        ctx = self._grants.context(user, seconds=_JOURNAL_SECONDS)
        asked = (self._bus.request(subjects.journal(card.id, verb), Done(), ToldCalls, ctx) for card in cards)
        found, away = list[ToldCall](), list[str]()
        for card, answer in zip(cards, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(answer, ToldCalls):
                found += (each for each in answer.calls if each.call.user == user and each.call.connector == card.id)
            elif isinstance(answer, OaError):
                away.append(card.name)
            else:
                raise answer
        return found, away

    async def _begun(self, me: SignedIn, call: str) -> LedgerEntry:
        """The record of a call's start; the user is the one whose grant reads the ledger. Raises `NotFound`."""
        entry = await self._started(me.user.id, call)
        if entry is None or not entry.turn or not entry.conversation or not entry.connector:
            raise NotFound("There is no such action of yours in the record.")
        return entry

    async def _started(self, user: str, call: str) -> LedgerEntry | None:
        return next(iter(await self._ledger.of_call(user, call, AuditAction.TOOL_STARTED)), None)

    async def _require_doubt(self, me: SignedIn, entry: LedgerEntry) -> None:
        """Raises `Conflict` where the connector knows what became of a call, or his word stands already."""
        ctx = self._grants.context(me.user.id, seconds=_JOURNAL_SECONDS)
        subject = subjects.journal(str(entry.connector), "open")
        found = await self._bus.request(subject, Done(), ToldCalls, ctx)
        if not any(each.call.id == entry.id for each in found.calls):
            settled = await self._ask(me, entry, "look")
            await self._tell_agent(entry, settled)
            raise Conflict(f"This is settled already. {_detail(settled)}")

    async def _ask(self, me: SignedIn, entry: LedgerEntry, says: Says) -> Settled:
        word = self._grants.word(me.user.id, call=entry.id, says=says, session=me.session)
        subject = subjects.journal(str(entry.connector), "settle")
        ctx = self._context(me, entry)
        try:
            return await self._bus.request(subject, Settlement(call=entry.id, word=word), Settled, ctx)
        except NotFound:
            # What is sent comes within seconds or not at all, so a call that is in no journal by now was never begun.
            never = Unavailable("It never reached the service, so nothing was done.")
            return Settled(state="failed", error=ErrorBody(code=never.code, message=never.message))

    def _context(self, me: SignedIn, entry: LedgerEntry) -> CallContext:
        """Under the grant of the account's background work: no call is made, and secrets are needed to look."""
        connector, grant = str(entry.connector), None
        digest = self._connectors.grantable().get(connector)
        if digest is None:
            raise Unavailable("The service of this action is not running at the moment. Try again in a minute.")
        if entry.account is not None:
            grant = self._grants.account(me.user.id, account=entry.account, connector=connector, digest=digest)
        return self._grants.context(me.user.id, seconds=_LOOK_SECONDS, grant=grant)

    async def _tell_agent(self, entry: LedgerEntry, settled: Settled) -> None:
        """What is known now goes into the conversation; one that is gone needs no word."""
        if settled.state == "unknown":
            return
        outcome: dict[str, Any] = {}
        if settled.result is not None:
            outcome = settled.result.model_dump(mode="json")
        elif settled.error is not None:
            outcome = {"error": settled.error.model_dump(mode="json")}
        ctx = self._grants.context(str(entry.user), seconds=10, grant=self._turn_grant(entry))
        ctx = ctx.model_copy(update={"turn": entry.turn, "conversation": entry.conversation})
        told_so = CallSettled(call_id=entry.id, state=settled.state, outcome=outcome)
        try:
            await self._bus.ask(subjects.agent("settle"), told_so, Done, ctx)
        except NotFound:
            return

    def _turn_grant(self, entry: LedgerEntry) -> str:
        return self._grants.turn(str(entry.user), turn=str(entry.turn), conversation=str(entry.conversation), routes={})


def told(each: ToldCall, entry: LedgerEntry | None) -> views.ToldCall:
    """A call as its owner reads it, with the conversation that the ledger has it in."""
    call, shown = each.call, each.shown
    return views.ToldCall(
        call_id=call.id, connector=call.connector, tool=call.tool,
        verb=shown.verb if shown else call.tool.replace("_", " ").capitalize(),
        subject=shown.fields[0].value[:_SUBJECT_LENGTH] if shown and shown.fields else "",
        account=shown.account if shown else "",
        destinations=tuple(_places(shown.destinations) if shown else ()), at=each.started,
        conversation=entry.conversation if entry else None,
    )  # fmt: skip


def _places(found: Iterable[Any]) -> Iterable[views.PreviewDestination]:
    return (views.PreviewDestination.model_validate(each, from_attributes=True) for each in found)


def _content(entry: LedgerEntry) -> dict[str, Any]:
    return entry.content if isinstance(entry.content, dict) else {}


class _Words(NamedTuple):
    found: str
    said: str


_DETAILS = {
    "done": _Words("It was done.", "You said that it was done."),
    "failed": _Words("It was not done.", "You said that it was not done."),
    "unknown": _Words("The service still cannot tell. Please look there yourself.", ""),
}


def _detail(settled: Settled) -> str:
    words = _DETAILS[settled.state]
    return words.said if settled.by_person else words.found
