"""The ledger from the gateway's side: what it writes down, what the owner reads, and the head that it keeps."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext, new_id
from openassistant.errors import InvalidRequest, OaError
from openassistant.messages import (
    AuditAction,
    Consistency,
    ConsistencyRequest,
    Done,
    Effect,
    ExportPage,
    ExportRequest,
    LedgerEntry,
    LedgerPage,
    LedgerQuery,
    Proof,
    ProofRequest,
    Record,
    TreeHead,
    TurnCalls,
    TurnQuery,
    Verification,
    VerifyRequest,
)
from openassistant.witness import record
from services.gateway import views
from services.gateway.grants import Grants
from services.gateway.preferences import Preferences

__all__ = ["Ledger"]

_HEADS, _FORMER = "ledger_heads", "ledger_head"
_NEWEST = 32
"""Heads that are all kept; of the older ones, one for each doubling of the ledger."""

_log = logging.getLogger("openassistant.gateway")


class Ledger:
    """The witness, as this room asks it."""

    def __init__(self, bus: Bus, grants: Grants, preferences: Preferences) -> None:
        self._bus, self._grants, self._preferences = bus, grants, preferences
        self._held = False
        self.names: Callable[[], Awaitable[Mapping[str, str]]] = _nobody
        """What the people of the house are called, by id: a use of a lent account names who it was by his."""

    async def note(
        self,
        action: AuditAction,
        *,
        user: str,
        id: str | None = None,  # noqa: A002 - the record's own word
        grant: str | None = None,
        **fields: Any,
    ) -> None:
        """Writes one thing down; raises `Unavailable`, and then it must not happen."""
        ctx = self._grants.context(user, seconds=5, grant=grant)
        await record(self._bus, ctx, Record(id=id or new_id(), action=action, **fields))

    def try_note(self, action: AuditAction, *, user: str, **fields: Any) -> None:
        """Writes down what happens in any case; a witness that is away does not hold it up."""
        self._bus.spawn(self._try(action, user, fields))

    async def page(
        self, user: str, *, after: int, limit: int, newest: bool, action: str | None, connector: str | None,
        search: str = "",
    ) -> views.Ledger:  # fmt: skip
        """A user's entries; raises `InvalidRequest` for an unknown action."""
        if action is not None and action not in set(AuditAction):
            raise InvalidRequest(f"There is no action {action[:40]!r}.")
        query = LedgerQuery(
            after=after,
            limit=limit,
            newest=newest,
            actions=(AuditAction(action),) if action else (),
            connector=connector,
            search=search,
        )
        found = await self._bus.request(subjects.audit("query"), query, LedgerPage, self._context(user, 30))
        borrowed = any(each.action is AuditAction.LOAN_USED for each in found.entries)
        names = await self.names() if borrowed else {}
        entries = tuple(_entry(each, names) for each in found.entries)
        return views.Ledger(entries=entries, next=found.next, head=_head(found.head) if found.head else None)

    async def of_call(self, user: str, call: str, *actions: AuditAction) -> tuple[LedgerEntry, ...]:
        """The records with one id of a user's, of these actions, oldest first."""
        query = LedgerQuery(id=call, actions=actions)
        found = await self._bus.ask(subjects.audit("query"), query, LedgerPage, self._context(user, 10))
        return found.entries

    async def acted(self, user: str, conversation: str) -> bool:
        """Whether anything that acts was begun in a conversation, in whatever version of it."""
        query = TurnQuery(user=user, conversation=conversation)
        found = await self._bus.ask(subjects.audit("turn"), query, TurnCalls, self._context(user, 5))
        return any(each.effect is not Effect.READ for each in found.calls)

    async def verify(self, user: str, heads: Sequence[str] = ()) -> views.Verification:
        """What a full check finds, also against the heads that this room has kept, and those that somebody brings."""
        seen = (each.checkpoint for each in await self._seen())
        request = VerifyRequest(heads=(*seen, *heads))
        found = await self._bus.request(subjects.audit("verify"), request, Verification, self._context(user, 120))
        problem = None
        if not found.ok:
            problem = views.LedgerProblem(index=-1 if found.index is None else found.index, detail=found.detail)
        else:
            with contextlib.suppress(OaError):
                await self.keep_head()
        return views.Verification(ok=found.ok, size=found.size, root=found.root, problem=problem, seconds=found.seconds)

    async def proof(self, user: str, index: int) -> dict[str, Any]:
        """The inclusion proof of one of the user's records; raises `NotFound`."""
        request = ProofRequest(index=index)
        found = await self._bus.request(subjects.audit("proof"), request, Proof, self._context(user, 30))
        return {**found.model_dump(mode="json", exclude={"head"}), "head": _head(found.head).model_dump(mode="json")}

    async def consistency(self, user: str, first: int) -> dict[str, Any]:
        """The proof that the ledger has only grown since a head of `first` records; raises `NotFound`."""
        request = ConsistencyRequest(first=first)
        found = await self._bus.request(subjects.audit("consistency"), request, Consistency, self._context(user, 30))
        return {**found.model_dump(mode="json", exclude={"head"}), "head": _head(found.head).model_dump(mode="json")}

    async def export(self, user: str) -> AsyncIterator[str]:
        """The ledger line by line (NDJSON), each page asked for when the one before was taken."""
        after: int | None = -1
        while after is not None:
            request = ExportRequest(after=after)
            page = await self._bus.request(subjects.audit("export"), request, ExportPage, self._context(user, 60))
            yield "".join(f"{line}\n" for line in page.lines)
            after = page.next

    async def keep_last_head(self) -> None:
        """Keeps the head over everything that there is when the house stops; waits no more than a second for it."""
        await self.keep_head(seconds=1.0)

    async def keep_head(self, *, seconds: float = 10.0) -> None:
        """Keeps the newest signed head in this room's store, and holds the ledger against those that it kept before.

        That is done at the first time, and whenever the ledger has become shorter: an older copy of its file then
        records nothing more. A head that was seen is not forgotten for a newer one, which could be of another history.
        """
        seen = await self._seen()
        await self.hold()
        head = await self._bus.ask(subjects.audit("head"), Done(), TreeHead, CallContext.within(seconds))
        newest = seen[-1].size if seen else -1
        if head.size < newest:
            await self._hold(seen)
        elif head.size > newest:
            kept = TypeAdapter(list[TreeHead]).dump_json(_thinned([*seen, head])).decode()
            await self._preferences.put(_HEADS, kept)

    async def hold(self) -> None:
        """Holds the ledger against the heads that were kept, once in the life of this process."""
        if not self._held:
            await self._hold(await self._seen())

    async def _hold(self, seen: Sequence[TreeHead]) -> None:
        request = VerifyRequest(heads=tuple(each.checkpoint for each in seen), only_heads=True)
        found = await self._bus.request(subjects.audit("verify"), request, Verification, CallContext.within(60))
        self._held = True
        if not found.ok:
            _log.error("the ledger is not the one that was seen", extra={"detail": found.detail})

    def _context(self, user: str, seconds: float) -> CallContext:
        return self._grants.context(user, seconds=seconds)

    async def _seen(self) -> list[TreeHead]:
        """The heads that this room has kept, smallest first."""
        kept, former = await self._preferences.get(_HEADS), await self._preferences.get(_FORMER)
        if kept:
            return TypeAdapter(list[TreeHead]).validate_json(kept)
        return [TreeHead.model_validate_json(former)] if former else []

    async def _try(self, action: AuditAction, user: str, fields: dict[str, Any]) -> None:
        try:
            await self.note(action, user=user, **fields)
        except OaError:
            return


def _thinned(heads: list[TreeHead]) -> list[TreeHead]:
    """The newest heads, and the last one before each doubling among the older."""
    older = {each.size.bit_length(): each for each in heads[:-_NEWEST]}
    return [*older.values(), *heads[-_NEWEST:]]


async def _nobody() -> Mapping[str, str]:
    return {}


def _entry(entry: LedgerEntry, names: Mapping[str, str]) -> views.LedgerEntry:
    given = entry.model_dump(exclude={"id", "leaf", "user", "account", "call_digest"})
    if entry.action is AuditAction.LOAN_USED:
        given |= {"outcome": None, "content": {"name": names.get(entry.outcome or "", "")}}
    call_id = entry.id if entry.action.value.startswith("tool.") else None
    return views.LedgerEntry(**given, call_id=call_id, leaf_hash=entry.leaf)


def _head(head: TreeHead) -> views.TreeHead:
    return views.TreeHead(size=head.size, root=head.root, time=head.time, signature=head.checkpoint)
