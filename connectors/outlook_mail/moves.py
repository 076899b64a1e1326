"""Mails moved between folders, and where one lies; its id at Graph stays (`IdType="ImmutableId"`)."""

from __future__ import annotations

from functools import partial

from connectors.outlook_mail import mirror
from connectors.outlook_mail.account import api_of, iri
from connectors.outlook_mail.mirror import Folder
from connectors.outlook_mail.search import Found
from openassistant.connector import Context
from openassistant.errors import NotFound

__all__ = ["lies_in", "move", "place_of"]


async def move(ctx: Context, found: Found, to: Folder) -> None:
    """Puts a mail into a folder; raises `NotFound` where it is not there any more."""
    api = await api_of(ctx)
    try:
        await api.send("POST", f"me/messages/{iri(found.ref)}/move", json={"destinationId": to.ref})
    except NotFound as error:
        raise NotFound("Outlook does not know that mail or that folder any more.") from error
    await ctx.store.write(partial(mirror.relocate, message=found.id, to=to))


async def place_of(ctx: Context, ref: str) -> str:
    """The id of the folder in which a mail lies; "" for one that is not there."""
    try:
        raw = await (await api_of(ctx)).get(f"me/messages/{iri(ref)}", {"$select": "parentFolderId"})
    except NotFound:
        return ""
    return str(raw.get("parentFolderId") or "")


async def lies_in(ctx: Context, ref: str, folder: str) -> bool:
    """Whether a mail lies in the folder of an id."""
    return await place_of(ctx, ref) == folder
