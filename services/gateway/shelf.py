"""Conversations as wholes, from the gateway's side: listed, searched, kept in order, taken along one at a time."""

from __future__ import annotations

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import CallContext
from openassistant.data import ExportPage
from openassistant.messages import Conversation, ConversationList, Done
from openassistant.shelf import Change, FileKind, FileRequest, Found, LabelCounts, Listing, Search
from services.gateway import shelf_views as views
from services.gateway.chat import view_of
from services.gateway.grants import Grants
from services.gateway.sessions import SignedIn
from services.gateway.views import Conversation as ConversationView

__all__ = ["Shelf"]

_SECONDS = 10.0


class Shelf:
    """One person's at a time: the agent opens the file of whoever the signed grant names."""

    def __init__(self, bus: Bus, grants: Grants) -> None:
        self._bus, self._grants = bus, grants

    async def page(self, me: SignedIn, listing: Listing) -> tuple[list[ConversationView], str | None]:
        """Conversations, newest change first, and where the page that follows begins; raises `InvalidRequest`."""
        subject = subjects.agent("conversations")
        found = await self._bus.ask(subject, listing, ConversationList, self._context(me))
        return [view_of(each) for each in found.conversations], found.next

    async def change(self, me: SignedIn, conversation: str, wanted: views.ConversationChange) -> ConversationView:
        """Names, pins, labels or archives one; raises `NotFound`."""
        change = Change.model_validate(wanted.model_dump())
        return view_of(
            await self._bus.ask(subjects.agent("change"), change, Conversation, self._context(me, conversation))
        )

    async def labels(self, me: SignedIn) -> list[views.Label]:
        """The labels in use, by name."""
        found = await self._bus.ask(subjects.agent("labels"), Done(), LabelCounts, self._context(me))
        return [views.Label(name=each.name, count=each.count) for each in found.labels]

    async def search(self, me: SignedIn, wanted: Search) -> views.SearchFound:
        """Messages that have the words."""
        found = await self._bus.request(subjects.agent("search"), wanted, Found, self._context(me))
        return views.SearchFound(
            conversations=tuple(view_of(each) for each in found.conversations),
            hits=tuple(
                views.SearchHit(
                    **each.model_dump(exclude={"created", "shreds"}),
                    created_at=each.created,
                    shreds=tuple(views.SearchShred(text=shred.text, hit=shred.hit) for shred in each.shreds),
                )
                for each in found.hits
            ),
            next=found.next,
        )

    async def file(self, me: SignedIn, conversation: str, kind: FileKind) -> bytes:
        """One conversation as an export of everything has it; raises `NotFound`, `Conflict` where it changed."""
        ctx = self._context(me, conversation)
        whole = bytearray()
        cursor: str | None = ""
        while cursor is not None:
            request = FileRequest(kind=kind, cursor=cursor)
            page = await self._bus.request(subjects.agent("file"), request, ExportPage, ctx)
            for piece in page.pieces:
                whole += piece.body
            cursor = page.cursor
        return bytes(whole)

    def _context(self, me: SignedIn, conversation: str | None = None) -> CallContext:
        return self._grants.context(me.user.id, seconds=_SECONDS, conversation=conversation)
