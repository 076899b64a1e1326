"""Mail that wants an answer, by what the mirror holds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from connectors.outlook_mail import mirror, search
from connectors.outlook_mail.account import owner_of
from connectors.outlook_mail.card import connector
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.views import SearchResult, summary_of
from openassistant.connector import Context
from openassistant.formats.unanswered import DAYS, LOOKED_AT, wants_answer
from openassistant.mails.arguments import Limit
from openassistant.mails.query import Query
from openassistant.mails.reading import UNREAD
from openassistant.mails.views import notes_of

__all__ = ["messages_waiting"]

_LISTS = "Outlook does not say which mails came from mailing lists, so some may be among these."


@connector.tool(effect="read", capability="read")
async def messages_waiting(ctx: Context, limit: Limit = 20) -> SearchResult:
    """List mails that may want an answer: unread in the inbox, of 30 days, to the user alone; also from lists."""
    owner = owner_of(ctx)
    since = int((ctx.now() - timedelta(days=DAYS)).timestamp())

    def read(connection: Connection) -> SearchResult:
        inbox = next((each for each in mirror.folders(connection, owner) if each.role == "inbox"), None)
        if inbox is None:
            return SearchResult(messages=[], note=UNREAD)
        own = search.own_addresses(connection, owner) - {""}
        query = Query(unread=True, since=since)
        unread = search.find(connection, owner, query, limit=LOOKED_AT, place=inbox)
        found = [summary_of(each, "") for each in unread if _waits(each, own)][:limit]
        note = notes_of(_LISTS if found else "", "" if inbox.complete else UNREAD)
        return SearchResult(messages=found, note=note)

    return await ctx.store.read(read)


def _waits(mail: Found, own: set[str]) -> bool:
    return not mail.letter.draft and wants_answer(mail.sender, mail.to, mail.cc, own=own, listed=False)
