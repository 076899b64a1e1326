"""The texts of mails: asked for when somebody reads them, and kept then, so that a search finds their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from connectors.outlook_mail import mirror, search
from connectors.outlook_mail.account import api_of, iri, owner_of
from connectors.outlook_mail.letters import SELECT, is_id, plain_of
from connectors.outlook_mail.search import Found
from openassistant.connector import Context
from openassistant.errors import NotFound
from openassistant.providers.graph import GraphApi

__all__ = ["WHOLE", "conversation_texts", "take", "text_of", "texts_of", "whole"]

WHOLE = f"{SELECT},body"
_AT_ONCE = "10"
_PAGES = 3
Texts = dict[int, tuple[str, bool]]


async def text_of(ctx: Context, found: Found) -> tuple[str, bool]:
    """The text of a mail, and whether it has formatting; a draft's is asked for each time, since it changes."""
    known = await texts_of(ctx, [found])
    if found.id in known:
        return known[found.id]
    raw = await whole(await api_of(ctx), found.ref)
    await take(ctx, [raw])
    return plain_of(raw.get("body"))


async def texts_of(ctx: Context, mails: Sequence[Found]) -> Texts:
    """The texts that are known already."""
    ids = [each.id for each in mails if not each.letter.draft]
    return await ctx.store.read(lambda c: search.texts(c, ids))


async def conversation_texts(ctx: Context, name: str) -> None:
    """Brings the newest mails of a conversation, by Graph's id of it, into the mirror, with their texts."""
    quoted = name.replace("'", "''")
    params = {"$filter": f"conversationId eq '{quoted}'", "$select": WHOLE, "$top": _AT_ONCE}
    count = 0
    async for page in (await api_of(ctx)).pages("me/messages", params):
        await take(ctx, [each for each in page.get("value") or [] if isinstance(each, dict)])
        count += 1
        if count == _PAGES:
            break


async def take(ctx: Context, raw: Sequence[Mapping[str, Any]]) -> None:
    """Writes mails with their texts into the mirror, each into its folder; those of unknown folders are left out."""
    owner = owner_of(ctx)

    def write(connection: Connection) -> None:
        known = {each.ref: each for each in mirror.folders(connection, owner)}
        for each in raw:
            folder = known.get(str(each.get("parentFolderId")))
            if folder is None:
                continue
            mirror.put(connection, folder, [each])
            found = search.with_ref(connection, owner, str(each["id"])) if is_id(each.get("id")) else None
            if found is not None and not found.letter.draft and "body" in each:
                text, formatted = plain_of(each["body"])
                mirror.put_text(connection, found.id, text, formatted=formatted)

    await ctx.store.write(write)


async def whole(api: GraphApi, ref: str) -> dict[str, Any]:
    """A mail in full; raises `NotFound`."""
    try:
        return await api.get(f"me/messages/{iri(ref)}", {"$select": WHOLE})
    except NotFound as error:
        raise NotFound("Outlook does not know that mail any more.") from error
