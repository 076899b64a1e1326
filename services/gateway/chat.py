"""Conversations from the gateway's side: the agent has them, this room opens turns and signs what they may do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openassistant import subjects
from openassistant.budgets import NOTHING, Budget
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, NotFound, OaError, TooLarge
from openassistant.messages import (
    AuditAction,
    Command,
    Conversation,
    ConversationList,
    ConversationQuery,
    Done,
    History,
    Message,
    TurnAccepted,
    TurnRequest,
    VersionChoice,
)
from services.gateway import views
from services.gateway.accounts import Accounts
from services.gateway.budgets import Budgets
from services.gateway.given import Given, Noted, shown
from services.gateway.grants import Grants
from services.gateway.ledger import Ledger
from services.gateway.memories import Memories, Recall
from services.gateway.models import Models
from services.gateway.policy import Asks
from services.gateway.problems import invalid
from services.gateway.questions import Questions
from services.gateway.routing import Routing
from services.gateway.schedules import Kept
from services.gateway.sessions import SignedIn
from services.gateway.turns import Turns

__all__ = ["LONGEST", "Chat", "view_of", "zone_of"]

LONGEST = 200_000
"""Characters of one message."""

_SECONDS = 10.0


class Chat:
    """One user's conversations at a time."""

    def __init__(
        self,
        bus: Bus,
        turns: Turns,
        questions: Questions,
        *,
        accounts: Accounts,
        models: Models,
        memories: Memories,
        routing: Routing,
        grants: Grants,
        ledger: Ledger,
        budgets: Budgets,
        given: Given,
    ) -> None:
        self._bus, self._turns, self._questions, self._memories = bus, turns, questions, memories
        self._budgets, self._given = budgets, given
        self._accounts, self._models, self._grants, self._ledger = accounts, models, grants, ledger
        self._routing = routing

    async def create(self, me: SignedIn, *, title: str = "") -> views.Conversation:
        """A new, empty conversation."""
        query = ConversationQuery(title=title)
        return view_of(await self._bus.request(subjects.agent("create"), query, Conversation, self._context(me)))

    async def history(self, me: SignedIn, conversation: str) -> views.History:
        """A conversation with its messages; raises `NotFound`."""
        ctx = self._context(me, conversation)
        found = await self._bus.ask(subjects.agent("history"), Done(), History, ctx)
        return _history(found)

    async def delete(self, me: SignedIn, conversation: str) -> None:
        """Deletes a conversation, what was asked in it, and what it said on the bus; its records stay whole.

        Raises `NotFound`, `Conflict` while it is answered. What its calls left behind goes by erasing it (parts.py).
        """
        await self.history(me, conversation)
        await self._ledger.note(AuditAction.CONVERSATION_DELETED, user=me.user.id, content={"id": conversation})
        await self._bus.request(subjects.agent("delete"), Done(), Done, self._context(me, conversation))
        await self._questions.forget(me.user.id, conversation)
        await self._turns.forget(me.user.id, conversation)
        await self._given.forget(me.user.id, conversation)
        await self._bus.forget_events(subjects.chat(me.user.id, conversation))

    async def say(
        self, me: SignedIn, conversation: str, text: str, *, zone: str | None = None, files: Sequence[str] = ()
    ) -> TurnAccepted:
        """A message, stored, with a turn under way; raises `TooLarge`, `NotFound`, `Conflict`, `BudgetSpent`."""
        _require_words(text, files)
        await self._budgets.check(me.user.id, zone=zone and zone_of(zone).key)
        return await self._turn(me, conversation, text, zone=zone_of(zone).key, files=files)

    async def edit(
        self, me: SignedIn, conversation: str, message: str, text: str, *, zone: str | None = None
    ) -> TurnAccepted:
        """Says something else in the place of a message of one's own: another version of the conversation.

        Raises what `say` raises, `NotFound` where there is no such message, `Conflict` for one that began a command.
        """
        _require_words(text)
        await self._budgets.check(me.user.id, zone=zone and zone_of(zone).key)
        asks = await self._asks(me, conversation)
        return await self._turn(me, conversation, text, zone=zone_of(zone).key, anew=message, asks=asks)

    async def show(self, me: SignedIn, conversation: str, message: str) -> None:
        """Shows the version that a message is in; raises `NotFound`, and `Conflict` while an answer is written."""
        choice = VersionChoice(message=message)
        await self._bus.ask(subjects.agent("show"), choice, Done, self._context(me, conversation))

    async def command(
        self,
        me: SignedIn,
        conversation: str,
        command: Command,
        *,
        text: str,
        zone: ZoneInfo,
        asks: Asks | None = None,
    ) -> TurnAccepted:
        """A command, shown as `text`, as a turn without a model; raises `NotFound`, `Conflict`.

        With `asks` whatever acts in it is asked about.
        """
        return await self._turn(me, conversation, text, zone=zone.key, command=command, asks=asks)

    async def retry(self, me: SignedIn, conversation: str, answer: str | None = None) -> TurnAccepted:
        """Has an answer written again, or the last one: another version of the conversation.

        Raises `NotFound` where no such message is shown, `Conflict` where there is nothing to answer.
        """
        ctx = self._context(me, conversation)
        history = await self._bus.ask(subjects.agent("history"), Done(), History, ctx)
        said = _asked(history.messages, answer)
        await self._budgets.check(me.user.id)
        asks = await self._asks(me, conversation)
        return await self._turn(me, conversation, said.text, zone="UTC", retry=True, anew=said.id, asks=asks)

    async def ids(self, user: str) -> set[str]:
        """The ids of a user's conversations."""
        ctx = self._grants.context(user, seconds=_SECONDS)
        query = ConversationQuery()
        found = await self._bus.ask(subjects.agent("conversations"), query, ConversationList, ctx)
        return {each.id for each in found.conversations}

    async def exists(self, user: str, conversation: str) -> bool:
        """Whether a user has this conversation."""
        ctx = self._grants.context(user, seconds=_SECONDS, conversation=conversation)
        try:
            await self._bus.ask(subjects.agent("history"), Done(), History, ctx)
        except NotFound:
            return False
        return True

    async def open(self, user: str, *, title: str) -> str:
        """A new conversation of a user, for what begins by itself; its id."""
        ctx = self._grants.context(user, seconds=_SECONDS)
        made = await self._bus.request(subjects.agent("create"), ConversationQuery(title=title), Conversation, ctx)
        return made.id

    async def run(self, user: str, conversation: str, *, turn: str, kept: Kept, due: datetime) -> TurnAccepted:
        """One run of a schedule, as a turn that reads nothing of the runs before; the same `turn` again is one run.

        Raises what the agent raises; the turn then lives on, to be asked for again or ended.
        """
        terms = kept.terms
        budget = await self._budgets.begin(user, turn)
        routes = await self._routing.of(user)
        grant = self._grants.scheduled(kept.signed, turn=turn, conversation=conversation, routes=routes, budget=budget)
        memories = await self._memories.recall(user, terms.prompt)
        named = {each.partition(".")[0] for each in kept.signed.tools}
        accounts = [each for each in await self._accounts.refs(user) if each.connector in named]
        request = TurnRequest(
            text=terms.prompt, accounts=tuple(accounts), model=await self._models.ref(user),
            private=await self._models.private(user), zone=terms.zone, alone=True, memories=memories,
        )  # fmt: skip
        tainted = terms.tainted or any(each.tainted for each in memories)
        await self._turns.begin(turn, user, conversation, schedule=kept.signed.id, tainted=tainted)
        began = {"schedule": kept.signed.id, "due": due.isoformat(), **_began(memories), "tainted": tainted}
        await self._ledger.note(AuditAction.TURN_STARTED, user=user, id=turn, grant=grant, content=began)
        return await self._accepted(user, turn, conversation, grant, request)

    async def abandon(self, user: str, turn: str) -> None:
        """Ends a turn that began by itself, whatever the agent says of it, and gives back what it has not spent."""
        await self._turns.end(turn)
        await self._budgets.unused(user, turn)

    async def cancel(self, me: SignedIn, conversation: str) -> None:
        """Stops the answer; what already acts is brought to its end."""
        await self._bus.request(subjects.agent("cancel"), Done(), Done, self._context(me, conversation, seconds=30))

    async def _turn(
        self,
        me: SignedIn,
        conversation: str,
        text: str,
        *,
        zone: str,
        retry: bool = False,
        anew: str | None = None,
        command: Command | None = None,
        asks: Asks | None = None,
        files: Sequence[str] = (),
    ) -> TurnAccepted:
        if await self._questions.held(me.user.id, conversation):
            raise Conflict("Something is about to be sent. Take it back, or wait for a moment.")
        user, turn = me.user.id, new_id()
        routes = await self._routing.of(user)
        bare = self._grants.turn(user, turn=turn, conversation=conversation, routes=routes)
        memories = () if command else await self._memories.recall(user, text)
        tainted = any(each.tainted for each in memories)
        given = await self._given.claim(user, files, conversation=conversation, turn=turn)
        try:
            accounts, model, private, budget, *_ = await _all_of(
                self._accounts.refs(user),
                self._models.ref(user),
                self._models.private(user),
                self._allotted(user, turn, thinks=command is None),
                self._turns.begin(turn, user, conversation, tainted=tainted, asks=asks),
                self._ledger.note(
                    AuditAction.TURN_STARTED, user=user, id=turn, grant=bare, content=_began(memories, given) or None
                ),
            )
            grant = self._grants.turn(user, turn=turn, conversation=conversation, routes=routes, budget=budget)
            request = TurnRequest(
                text=text,
                accounts=accounts,
                model=model,
                private=private,
                retry=retry,
                anew=anew,
                zone=zone,
                command=command,
                memories=memories,
                files=tuple(files),
            )
            accepted = await self._accepted(user, turn, conversation, grant, request)
        except OaError:
            await self._turns.end(turn)
            if given:
                await self._given.release(user, turn)
            await self._budgets.unused(user, turn)
            raise
        if given:
            await self._given.settle(user, turn)
        return accepted

    async def _asks(self, me: SignedIn, conversation: str) -> Asks | None:
        """Why a version that begins now asks about whatever acts: what was done in another one stays done."""
        return "version" if await self._ledger.acted(me.user.id, conversation) else None

    async def _allotted(self, user: str, turn: str, *, thinks: bool) -> Budget:
        """What a new turn may spend; nothing where it asks no model, as far as is known."""
        return await self._budgets.begin(user, turn) if thinks else NOTHING

    async def _accepted(
        self, user: str, turn: str, conversation: str, grant: str, request: TurnRequest
    ) -> TurnAccepted:
        """The agent's word that it is stored; asked again where no answer came, for it is one turn all the same."""
        ctx = self._grants.context(user, seconds=2 * _SECONDS, grant=grant, conversation=conversation)
        ctx = ctx.model_copy(update={"turn": turn})
        return await self._bus.ask(subjects.agent("turn"), request, TurnAccepted, ctx)

    def _context(self, me: SignedIn, conversation: str | None = None, *, seconds: float = _SECONDS) -> CallContext:
        return self._grants.context(me.user.id, seconds=seconds, conversation=conversation)


def _require_words(text: str, files: Sequence[str] = ()) -> None:
    """Raises `TooLarge`, or `InvalidRequest` where there is nothing."""
    if len(text) > LONGEST:
        raise TooLarge(f"A message may have {LONGEST:,} characters; this one has {len(text):,}.")
    if not text.strip() and not files:
        raise invalid("Please write something.", text="Please write something.")


def _asked(messages: Sequence[Message], answer: str | None) -> Message:
    """What its owner said that an answer follows, or said last; raises `NotFound`, `Conflict`."""
    upto = next((at + 1 for at, each in enumerate(messages) if each.id == answer), None)
    if answer is not None and upto is None:
        raise NotFound("There is no such message in the version of the conversation that is shown.")
    said = [each for each in messages[:upto] if each.role == "user"]
    if not said:
        raise Conflict("There is nothing to try again yet.")
    return said[-1]


async def _all_of(*work: Awaitable[Any]) -> list[Any]:
    """Side by side, each to its end; raises the first error once all have ended."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return done


def _began(memories: Recall, files: Sequence[Noted] = ()) -> dict[str, Any]:
    """What the ledger holds of what a turn begins with: memories by their ids, files, and whether any is tainted."""
    told: dict[str, Any] = {}
    if memories:
        told |= {"memories": [each.id for each in memories], "tainted": any(each.tainted for each in memories)}
    if files:
        told |= {"files": [each._asdict() for each in files], "tainted": True}
    return told


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of an IANA name, UTC for none; raises `InvalidRequest` that names the field."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise invalid("The time zone is not known.", zone="Use a name such as Europe/Berlin.") from error


def view_of(found: Conversation) -> views.Conversation:
    """A conversation as the API shows it."""
    return views.Conversation(
        id=found.id, title=found.title, created_at=found.created, updated_at=found.updated, state=found.state,
        pinned=found.pinned, archived=found.archived, labels=found.labels,
    )  # fmt: skip


def _history(found: History) -> views.History:
    shown = view_of(found.conversation).model_dump()
    return views.History(**shown, messages=tuple(map(_message, found.messages)), last_event_id=found.last_event_id)


def _message(found: Message) -> views.Message:
    return views.Message(
        id=found.id,
        role=found.role,
        turn=found.turn,
        created_at=found.created,
        text=found.text,
        calls=tuple(views.CallView.model_validate(each, from_attributes=True) for each in found.calls),
        error=views.MessageError(code=found.error.code, detail=found.error.message) if found.error else None,
        usage=found.usage,
        command=views.CommandNote.model_validate(found.command, from_attributes=True) if found.command else None,
        routed=views.RouteNote.model_validate(found.routed, from_attributes=True) if found.routed else None,
        outside=found.outside,
        files=tuple(map(shown, found.files)),
        versions=found.versions,
    )
