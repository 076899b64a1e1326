"""Erasing a part: a conversation, an account with what came of it, or a time. What has to be asked of whom.

Which calls were made in a conversation, and in which conversations an account was used, is read from the ledger: that
is kept where nobody who reads texts of others can write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from openassistant import subjects
from openassistant.builtin import HOUSE_ID
from openassistant.bus import Bus
from openassistant.errors import NotFound
from openassistant.grants import Scope
from openassistant.messages import LedgerCall, TurnCalls, TurnQuery
from openassistant.store import Store
from services.gateway import data_views as views
from services.gateway.chat import Chat
from services.gateway.connectors import Connectors
from services.gateway.forgetting import ACCOUNTS, GATEWAY, Forgetting, Order
from services.gateway.grants import Grants
from services.gateway.ownparts import CONVERSATIONS, MEMORIES, PROPOSALS, QUESTIONS
from services.gateway.sessions import Sessions, SignedIn
from services.gateway.vault import Vault

__all__ = ["Parts"]

_AT_ONCE = 100
"""Calls that one order names."""
_LEDGER = ("arguments", "left")


class Parts:
    """What would go, and that it goes."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        forgetting: Forgetting,
        sessions: Sessions,
        *,
        chat: Chat,
        connectors: Connectors,
        vault: Vault,
        grants: Grants,
    ) -> None:
        self._bus, self._store, self._forgetting, self._sessions, self._chat = bus, store, forgetting, sessions, chat
        self._connectors, self._vault, self._grants = connectors, vault, grants

    async def preview(self, me: SignedIn, part: views.Choice) -> views.ErasePreview:
        """What would go now, by room; raises `NotFound` where there is no such part."""
        orders, conversations = await self._orders(me, part)
        tried = await self._forgetting.preview(me.user.id, orders)
        goes = tuple(views.PartGoes(room=each.room, **part.model_dump()) for each in tried for part in each.parts or ())
        away = tuple(sorted(each.room for each in tried if each.parts is None))
        return views.ErasePreview(goes=goes, away=away, conversations=conversations)

    async def erase(self, me: SignedIn, draft: views.PartDraft, *, address: str) -> str:
        """Begins, after the password; the erasing's id. Nothing brings it back.

        Raises `InvalidRequest` for a wrong password, `NotFound` where there is no such part.
        """
        orders, _ = await self._orders(me, draft.part)
        await self._sessions.confirm(me, draft.password, address=address)
        return await self._forgetting.begin(me.user.id, draft.part.what, orders, told=_told(draft.part))

    async def _orders(self, me: SignedIn, part: views.Choice) -> tuple[list[Order], int]:
        """What is to be asked of whom, and in how many conversations an account was used."""
        if isinstance(part, views.EraseConversation):
            if not await self._chat.exists(me.user.id, part.conversation):
                raise NotFound("There is no such conversation.")
            return await self._of_conversation(me, part.conversation, memories=part.memories), 0
        if isinstance(part, views.EraseSource):
            return await self._of_source(me, part)
        scope = Scope(since=part.since, until=part.until)
        rooms = ("agent", "audit", *await self._rooms(), GATEWAY)
        orders = [Order(room=room, scope=scope, waits="agent" if room == GATEWAY else "") for room in rooms]
        return [*orders, _again(scope)], 0

    async def _of_conversation(self, me: SignedIn, conversation: str, *, memories: bool) -> list[Order]:
        calls = await self._calls(me.user.id, conversation=conversation)
        kinds = (CONVERSATIONS, QUESTIONS, PROPOSALS, *((MEMORIES,) if memories else ()))
        in_ledger = Scope(kinds=_LEDGER, conversation=conversation)
        return [
            Order(room="agent", scope=Scope(kinds=(CONVERSATIONS,), conversation=conversation)),
            *_words(calls),
            Order(room="audit", scope=in_ledger),
            Order(room=GATEWAY, scope=Scope(kinds=kinds, conversation=conversation), waits="agent"),
            _again(in_ledger),
        ]

    async def _of_source(self, me: SignedIn, part: views.EraseSource) -> tuple[list[Order], int]:
        account = await self._vault.one(me.user.id, part.account)
        whole, in_ledger = Scope(account=account.id), Scope(kinds=_LEDGER, account=account.id)
        orders = [
            Order(room=ACCOUNTS, scope=whole),
            Order(room=account.connector, scope=whole),
            Order(room="audit", scope=in_ledger),
        ]
        used = {each.conversation for each in await self._calls(me.user.id, account=account.id) if each.conversation}
        for conversation in sorted(used) if part.conversations else ():
            orders += await self._of_conversation(me, conversation, memories=part.memories)
        if part.memories and not part.conversations:
            orders += (Order(room=GATEWAY, scope=Scope(kinds=(MEMORIES,), conversation=each)) for each in sorted(used))
        return [*orders, _again(in_ledger)], len(used)

    async def _calls(self, user: str, **of: str) -> Sequence[LedgerCall]:
        ctx = self._grants.context(user, seconds=20)
        query = TurnQuery.model_validate({"user": user, **of})
        return (await self._bus.ask(subjects.audit("turn"), query, TurnCalls, ctx)).calls

    async def _rooms(self) -> list[str]:
        """Every connector that was ever allowed here, or runs."""
        query = text("SELECT DISTINCT connector FROM cards")
        known: set[Any] = await self._store.read(lambda connection: set(connection.execute(query).scalars()))
        return sorted(known | {card.id for card in self._connectors.running()})


def _words(calls: Sequence[LedgerCall]) -> list[Order]:
    """Orders to the connectors of calls to forget their words."""
    by_room: dict[str, list[str]] = {}
    for each in calls:
        if each.connector != HOUSE_ID:
            by_room.setdefault(each.connector, []).append(each.id)
    return [
        Order(room=room, scope=Scope(kinds=("calls",), calls=tuple(ids[at : at + _AT_ONCE])))
        for room, ids in sorted(by_room.items())
        for at in range(0, len(ids), _AT_ONCE)
    ]


def _again(scope: Scope) -> Order:
    """The ledger once more, when everybody is done: until then a room may have reported what it had done."""
    return Order(room="audit", scope=scope, waits="all")


def _told(part: views.Choice) -> dict[str, Any]:
    """What the ledger says of a part: no name and no id of anything in it."""
    if isinstance(part, views.ErasePeriod):
        return {"since": part.since.isoformat(), "until": part.until.isoformat()}
    if isinstance(part, views.EraseSource):
        return {"conversations": part.conversations, "memories": part.memories}
    return {"memories": part.memories}
