"""Mail that wants an answer, by what the mirror holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.connector import connector, owner_of
from connectors.mail.imap import Flag
from connectors.mail.search import Found, Query
from connectors.mail.views import SearchResult, summary_of
from openassistant.connector import Context, Field
from openassistant.formats.unanswered import DAYS, LOOKED_AT, wants_answer

__all__ = ["messages_waiting"]

_STILL_READING = "The mailbox is still being read, so there may be more."


@connector.tool(effect="read")
async def messages_waiting(
    ctx: Context, limit: Annotated[int, Field(description="How many mails at most", ge=1, le=100)] = 20
) -> SearchResult:
    """List mails that may want an answer: unread in the inbox, of 30 days, to the user alone, from no mailing list."""
    account = owner_of(ctx)
    address = str((await ctx.credentials()).settings.get("address", "")).lower()
    since = int((ctx.now() - timedelta(days=DAYS)).timestamp()) * 1_000_000

    def read(connection: Connection) -> SearchResult:
        known = search.folders(connection, account)
        inbox = next((each for each in known if each.role == "inbox"), None)
        if inbox is None:
            return SearchResult(messages=[], note=_STILL_READING)
        place = search.folder_named(connection, account, inbox.name).path
        query = Query(unread=True, place=place, since=since)
        own = {address, *search.own_addresses(connection, account)} - {""}
        unread = search.find(connection, account, query, limit=LOOKED_AT)
        found = [each for each in unread if _waits(each, own)][:limit]
        return SearchResult(
            messages=[summary_of(each, "") for each in found], note="" if inbox.complete else _STILL_READING
        )

    return await ctx.store.read(read)


def _waits(mail: Found, own: set[str]) -> bool:
    listed = bool(mail.list_id or mail.unsubscribe)
    answered = bool(mail.flags & (Flag.ANSWERED | Flag.DRAFT))
    return not answered and wants_answer(mail.sender, mail.to, mail.cc, own=own, listed=listed)
