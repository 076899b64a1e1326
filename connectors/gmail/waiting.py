"""Mail that wants an answer, by what the mirror holds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from connectors.gmail import mirror
from connectors.gmail.card import connector, owner_of
from connectors.gmail.letters import Letter
from connectors.gmail.mirror import Filter
from connectors.gmail.views import SearchResult, summary_of
from openassistant.connector import Context
from openassistant.formats.unanswered import DAYS, LOOKED_AT, wants_answer
from openassistant.mails.arguments import Limit
from openassistant.mails.reading import UNREAD

__all__ = ["messages_waiting"]

_MASSES = {"CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_UPDATES", "CATEGORY_FORUMS"}
"""Labels by which Gmail tells mail of many from that of one."""


@connector.tool(effect="read", capability="read")
async def messages_waiting(ctx: Context, limit: Limit = 20) -> SearchResult:
    """List mails that may want an answer: unread in the inbox, of 30 days, to the user alone, from no mailing list."""
    owner = owner_of(ctx)
    since = int((ctx.now() - timedelta(days=DAYS)).timestamp()) * 1000

    def read(connection: Connection) -> SearchResult:
        account = mirror.account(connection, owner)
        own = {account.address.lower(), *mirror.own_addresses(connection, owner)} - {""}
        narrowed = Filter(label="INBOX", unread=True, since=since)
        unread = mirror.find(connection, owner, "", narrowed, limit=LOOKED_AT)
        names = {each.id: each.name for each in mirror.labels(connection, owner)}
        found = [summary_of(each, names) for each in unread if _waits(each, own)][:limit]
        return SearchResult(messages=found, note="" if account.complete else UNREAD)

    return await ctx.store.read(read)


def _waits(letter: Letter, own: set[str]) -> bool:
    listed = bool(letter.list_id or _MASSES & set(letter.labels))
    return not letter.own and wants_answer(letter.sender, letter.to, letter.cc, own=own, listed=listed)
