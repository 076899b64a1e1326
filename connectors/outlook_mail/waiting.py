"""Mail that wants an answer, by what the mirror holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from sqlalchemy import Connection

from connectors.outlook_mail import mirror, search
from connectors.outlook_mail.account import owner_of
from connectors.outlook_mail.card import connector
from connectors.outlook_mail.query import Query
from connectors.outlook_mail.search import Found
from connectors.outlook_mail.views import SearchResult, summary_of
from openassistant.connector import Context, Field
from openassistant.formats.unanswered import DAYS, LOOKED_AT, wants_answer

__all__ = ["messages_waiting"]

_STILL_READING = "The mailbox is still being read, so there may be more."
_LISTS = "Outlook does not say which mails came from mailing lists, so some may be among these."


@connector.tool(effect="read", capability="read")
async def messages_waiting(
    ctx: Context, limit: Annotated[int, Field(description="How many mails at most", ge=1, le=100)] = 20
) -> SearchResult:
    """List mails that may want an answer: unread in the inbox, of 30 days, to the user alone; also from lists."""
    owner = owner_of(ctx)
    since = int((ctx.now() - timedelta(days=DAYS)).timestamp())

    def read(connection: Connection) -> SearchResult:
        inbox = next((each for each in mirror.folders(connection, owner) if each.role == "inbox"), None)
        if inbox is None:
            return SearchResult(messages=[], note=_STILL_READING)
        own = search.own_addresses(connection, owner) - {""}
        query = Query(unread=True, since=since)
        unread = search.find(connection, owner, query, limit=LOOKED_AT, place=inbox)
        found = [summary_of(each, "") for each in unread if _waits(each, own)][:limit]
        notes = [_LISTS if found else "", "" if inbox.complete else _STILL_READING]
        return SearchResult(messages=found, note=" ".join(note for note in notes if note))

    return await ctx.store.read(read)


def _waits(mail: Found, own: set[str]) -> bool:
    return not mail.letter.draft and wants_answer(mail.sender, mail.to, mail.cc, own=own, listed=False)
