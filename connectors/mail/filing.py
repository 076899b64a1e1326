"""The tools that file."""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.account import account_of
from connectors.mail.connector import MessageId, connector, owner_of
from connectors.mail.folders import Folder
from connectors.mail.moves import move_mail, was_moved
from connectors.mail.search import Found
from connectors.mail.views import MailMoved, source_of
from openassistant.connector import Context, Field, Preview
from openassistant.messages import Call, OutsideSource, PreviewField, ToolResult

__all__ = ["messages_move"]


@connector.tool(effect="write")
async def messages_move(
    ctx: Context,
    message: MessageId,
    folder: Annotated[
        str, Field(description="Where to: the name of a folder, or inbox, archive, junk, trash", max_length=200)
    ],
) -> MailMoved:
    """Move a mail to another folder, for example to the archive or the trash."""
    found, to = await _move_of(ctx, message, folder)
    if found.folder.path != to.path:
        await move_mail(ctx, await account_of(ctx), found, to)
    return MailMoved(message=message, folder=to.name, came_from=found.folder.name)


@messages_move.preview
async def preview_move(ctx: Context, message: str, folder: str) -> Preview:
    """Which mail goes from where to where."""
    found, to = await _move_of(ctx, message, folder)
    authors = (found.sender.address,) if found.sender.address else ()
    rows = {"Mail": found.subject, "Sender": found.sender.shown, "Out of": found.folder.name, "Into": to.name}
    return Preview(
        verb="Move a mail",
        confirm="Move",
        account=(await account_of(ctx)).address,
        fields=tuple(PreviewField(label=label, value=value) for label, value in rows.items()),
        outside=(OutsideSource(source=source_of(found), authors=authors),),
    )


@messages_move.reconcile
async def find_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks in both folders."""
    given = messages_move.parse(call.arguments)
    found, to = await _move_of(ctx, given["message"], given["folder"])
    if not await was_moved(ctx, await account_of(ctx), found, to):
        return None
    moved = MailMoved(message=given["message"], folder=to.name, came_from=found.folder.name)
    return messages_move.result(moved)


@messages_move.undo
async def move_back(ctx: Context, call: Call, result: dict[str, Any]) -> MailMoved:
    """Moves it back where it came from."""
    return await messages_move(ctx, message=result["message"], folder=result["came_from"])


async def _move_of(ctx: Context, message: str, folder: str) -> tuple[Found, Folder]:
    owner = owner_of(ctx)

    def read(connection: Connection) -> tuple[Found, Folder]:
        return search.message(connection, owner, message), search.folder_named(connection, owner, folder)

    return await ctx.store.read(read)
