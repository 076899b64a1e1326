"""The tools that read pages: search, text, comments, people. The mirror finds; a text is asked of Notion each time."""

from __future__ import annotations

from typing import Annotated

from connectors.notion import mirror
from connectors.notion.account import owner_of
from connectors.notion.api import NotionApi
from connectors.notion.changes import read_text, whole
from connectors.notion.connector import PageId, connector
from connectors.notion.sync import meet
from connectors.notion.things import Parent, Thing, clean, id_of, person_of, thing_of
from connectors.notion.views import (
    CommentList,
    CommentView,
    PageList,
    PageText,
    UserList,
    UserView,
    comment_view,
    outside,
    page_view,
    parent_words,
    properties_of,
)
from openassistant.connector import Context, Field
from openassistant.errors import NotFound, OaError

__all__ = ["comments_list", "pages_read", "pages_search", "users_list"]

_PIECE = 40_000
"""Characters of a text in one answer."""
_MOST_UNREAD = 50
_UNREAD = "The workspace is still being read, so there may be more."
_MOST_LISTED = 500


@connector.tool(effect="read", capability="read")
async def pages_search(
    ctx: Context,
    query: Annotated[
        str, Field(description="Beginnings of words of a title, a property or a text", min_length=1, max_length=500)
    ],
    limit: Annotated[int, Field(description="How many at most", ge=1, le=100)] = 20,
) -> PageList:
    """Find pages, rows and databases of the user's Notion workspace, the best match first. All words must occur."""
    owner = owner_of(ctx)
    complete = (await ctx.store.read(lambda c: mirror.state_of(c, owner))).complete
    note = "" if complete else _UNREAD
    found = await ctx.store.read(lambda c: mirror.find(c, owner, query, limit=limit + 1))
    views = {each.thing.id: page_view(each.thing, each.excerpt) for each in found}
    if not found or note:
        try:
            more = await _asked(ctx, query, limit)
        except OaError:
            if note:
                raise
            more, note = [], "Notion could not be asked; this is what was read before."
        views |= {each.id: page_view(each) for each in more if each.id not in views}
    cut = f"Only the first {limit} are shown." if len(views) > limit else ""
    return PageList(pages=list(views.values())[:limit], note=" ".join(each for each in (cut, note) if each))


@connector.tool(effect="read", capability="read")
async def pages_read(
    ctx: Context,
    page: PageId,
    start: Annotated[int, Field(description="Where to go on: `next` of the answer before", ge=0)] = 0,
) -> PageText:
    """Read a page's properties and its text in Notion's Markdown. Read it before you change a section of it."""
    name, api = id_of(page) or "", await NotionApi.of(ctx)
    found = await read_text(ctx, api, name)
    thing = await _page(ctx, api, name)
    ends = start + _PIECE
    unread = [each for raw in found.unread[:_MOST_UNREAD] if (each := id_of(raw))]
    note = "Notion left parts of the text out." if found.cut else ""
    return PageText(
        id=name, title=outside(thing.title or "(no title)"), inside=parent_words(thing), date=thing.edited,
        url=thing.url, properties=properties_of(thing), text=outside(found.text[start:ends]),
        next=ends if ends < len(found.text) else None, unread=unread, note=note,
    )  # fmt: skip


@connector.tool(effect="read", capability="comment")
async def comments_list(ctx: Context, page: PageId) -> CommentList:
    """List the open comments on a page, the oldest first."""
    owner, note = owner_of(ctx), ""
    found: list[CommentView] = []
    people = await ctx.store.read(lambda c: mirror.people(c, owner))
    async for each in (await NotionApi.of(ctx)).comments(id_of(page) or ""):
        if len(found) >= _MOST_LISTED:
            note = f"Only the first {_MOST_LISTED} are shown."
            break
        if view := comment_view(each, people):
            found.append(view)
    return CommentList(comments=found, note=note)


@connector.tool(effect="read", capability="read")
async def users_list(ctx: Context) -> UserList:
    """List who is in the workspace: people and connections, with the ids that columns of people take."""
    owner, note, names = owner_of(ctx), "", {}
    found: list[UserView] = []
    async for each in (await NotionApi.of(ctx)).users():
        if len(found) >= _MOST_LISTED:
            note = f"Only the first {_MOST_LISTED} are shown."
            break
        if (name := id_of(each)) is None:
            continue
        person = each.get("person")
        mail = person.get("email") if isinstance(person, dict) else None
        names[name] = person_of(each)
        kind = "bot" if each.get("type") == "bot" else "person"
        address = outside(clean(mail, 300)) if isinstance(mail, str) else None
        found.append(UserView(id=name, kind=kind, name=outside(names[name] or "(no name)"), address=address))
    await ctx.store.write(lambda c: mirror.keep_people(c, owner, names))
    return UserList(users=found, note=note)


async def _asked(ctx: Context, query: str, limit: int) -> list[Thing]:
    """What Notion's own search finds by title."""
    page = await (await NotionApi.of(ctx)).search(query, size=min(limit + 1, 100))
    found = [thing for each in page.results if (thing := thing_of(each)) and not thing.trashed]
    await meet(ctx, found)
    return found


async def _page(ctx: Context, api: NotionApi, name: str) -> Thing:
    """A page without its text; for a block, which has a text too, one without title."""
    try:
        return await whole(ctx, await api.page(name))
    except NotFound:
        return Thing(name, "page", "", Parent("block"), "", "", "", "", False, {}, {})
