"""The tool that writes comments. Notion tells those who follow the page, so it is a send."""

from __future__ import annotations

from typing import Annotated, Any

from connectors.notion.account import account_name
from connectors.notion.api import NotionApi
from connectors.notion.changes import (
    Note,
    call_id,
    chosen,
    made_by_us,
    note_begin,
    note_end,
    only,
    recall,
    require_settled,
)
from connectors.notion.connector import ID, PageId, connector
from connectors.notion.things import id_of, plain
from connectors.notion.views import SOURCE, CommentSaved
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest, UpstreamFailed
from openassistant.messages import Call, Destination, PreviewField, ToolResult

__all__ = ["comments_create"]

_MOST_LOOKED_AT = 1000


@connector.tool(effect="send", capability="comment")
async def comments_create(
    ctx: Context,
    page: PageId,
    text: Annotated[str, Field(description="The comment, plain text", min_length=1, max_length=10_000)],
    discussion: Annotated[
        str | None, Field(description="To answer: the discussion of a comment on that page (comments_list)", pattern=ID)
    ] = None,
) -> CommentSaved:
    """Write a comment on a page, or answer one. Others who may see the page are told."""
    thing, api = await chosen(ctx, page), await NotionApi.of(ctx)
    thread = id_of(discussion) if discussion else None
    if thread:
        await _require_thread(api, thing.id, thread)
    await note_begin(ctx, Note("", None, {"page": thing.id, "text": text, "discussion": thread}))
    place = {"discussion_id": thread} if thread else {"parent": {"type": "page_id", "page_id": thing.id}}
    return await _saved(ctx, call_id(ctx), await api.comment(place, text))


@comments_create.preview
async def preview_comment(ctx: Context, page: str, text: str, discussion: str | None) -> Preview:
    """The comment, and the page that it stands on."""
    thing = await chosen(ctx, page)
    title = thing.title or "(no title)"
    answers = (PreviewField(label="Answers", value=f"the discussion {id_of(discussion)}"),) if discussion else ()
    return Preview(
        verb="Answer a comment" if discussion else "Comment on a page", confirm="Comment",
        account=await account_name(ctx), content=text, outside=(SOURCE,),
        destinations=(Destination(kind="path", value=thing.url or thing.id, name=title),),
        fields=(PreviewField(label="Page", value=title), *answers),
        warnings=("Everybody who may see the page can read it.",),
    )  # fmt: skip


@comments_create.reconcile
async def look_for_comment(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for a comment with these words that this connection made at that time."""
    note, api = await recall(ctx, call.id), await NotionApi.of(ctx)
    if note is None:
        return None
    if note.thing:
        return comments_create.result(CommentSaved(id=note.thing, discussion=str(note.after or "")))
    own, wanted = id_of(await api.me()) or "", "".join(str(note.wanted["text"]).split())
    listed = api.comments(note.wanted["page"])
    found = only(
        [
            each async for each in made_by_us(ctx, note, listed, own=own)
            if "".join(plain(each.get("rich_text")).split()) == wanted
        ]
    )  # fmt: skip
    if found is None:
        require_settled(ctx, note)
        return None
    return comments_create.result(await _saved(ctx, call.id, found))


async def _require_thread(api: NotionApi, page: str, thread: str) -> None:
    """Raises `InvalidRequest` where a discussion is on another page than the one that was shown."""
    seen = 0
    async for each in api.comments(page):
        if id_of(each.get("discussion_id")) == thread:
            return
        if (seen := seen + 1) > _MOST_LOOKED_AT:
            break
    raise InvalidRequest("discussion: there is none like that on the page; take it from comments_list.")


async def _saved(ctx: Context, call: str, raw: dict[str, Any]) -> CommentSaved:
    name, thread = id_of(raw), id_of(raw.get("discussion_id")) or ""
    if name is None:
        raise UpstreamFailed("Notion did not name the comment. Please check there.")
    await note_end(ctx, call, name, thread)
    return CommentSaved(id=name, discussion=thread)
