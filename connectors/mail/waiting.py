"""Mail that wants an answer, by what the mirror holds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.connector import connector, owner_of
from connectors.mail.imap import Flag
from connectors.mail.search import Found
from connectors.mail.views import SearchResult, summary_of
from openassistant.connector import Context
from openassistant.formats.unanswered import DAYS, LOOKED_AT, wants_answer
from openassistant.mails.arguments import Limit
from openassistant.mails.query import Query
from openassistant.mails.reading import UNREAD

__all__ = ["messages_waiting"]


@connector.tool(effect="read")
async def messages_waiting(ctx: Context, limit: Limit = 20) -> SearchResult:
    """List mails that may want an answer: unread in the inbox, of 30 days, to the user alone, from no mailing list."""
    account = owner_of(ctx)
    address = str((await ctx.credentials()).settings.get("address", "")).lower()
    since = int((ctx.now() - timedelta(days=DAYS)).timestamp())

    def read(connection: Connection) -> SearchResult:
        known = search.folders(connection, account)
        inbox = next((each for each in known if each.role == "inbox"), None)
        if inbox is None:
            return SearchResult(messages=[], note=UNREAD)
        place = search.folder_named(connection, account, inbox.name).path
        query = Query(unread=True, since=since)
        own = {address, *search.own_addresses(connection, account)} - {""}
        unread = search.find(connection, account, query, limit=LOOKED_AT, place=place)
        found = [each for each in unread if _waits(each, own)][:limit]
        return SearchResult(messages=[summary_of(each, "") for each in found], note="" if inbox.complete else UNREAD)

    return await ctx.store.read(read)


def _waits(mail: Found, own: set[str]) -> bool:
    listed = bool(mail.list_id or mail.unsubscribe)
    answered = bool(mail.flags & (Flag.ANSWERED | Flag.DRAFT))
    return not answered and wants_answer(mail.sender, mail.to, mail.cc, own=own, listed=listed)
