"""The tools that change pages: create, append, replace a section, move, put into the trash."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from connectors.notion import mirror
from connectors.notion.account import account_name, owner_of
from connectors.notion.api import NotionApi
from connectors.notion.changes import (
    Note,
    call_id,
    chosen,
    edited_text,
    kept_text,
    note_begin,
    note_end,
    read_text,
    recall,
    taken_back,
    unknown,
    was_written,
    whole,
)
from connectors.notion.connector import ID, Content, PageId, connector
from connectors.notion.creating import create_once, find_created, remove_created
from connectors.notion.properties import TITLE, values_for
from connectors.notion.sections import Section, holds_pages, replaced, sections
from connectors.notion.things import Parent, Thing, parent_of
from connectors.notion.views import SOURCE, PageSaved
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["pages_append", "pages_create", "pages_move", "pages_trash", "sections_replace"]

Title = Annotated[str, Field(description="The title: one line", min_length=1, max_length=500)]
Heading = Annotated[
    str,
    Field(description="The heading of the section, as it stands in the text, without #", min_length=1, max_length=500),
]
Number = Annotated[
    int | None, Field(description="Which one, from 1, where several sections have that heading", ge=1, le=1000)
]
Target = Annotated[str, Field(description="The id of the page or database to move it into", pattern=ID)]
_PARENT_KEYS = {"page": "page_id", "database": "data_source_id"}
_SEEN = "Who may see its new place may see it then."


@connector.tool(effect="write", capability="write")
async def pages_create(ctx: Context, parent: PageId, title: Title, content: Content = "") -> PageSaved:
    """Create a page below another one. For a row of a database use rows_create."""
    above = await chosen(ctx, parent)
    properties = values_for(TITLE, {"title": _line(title)})
    made = await create_once(ctx, Parent("page", above.id), _line(title), properties, content)
    return PageSaved(id=made.id, url=made.url)


@pages_create.preview
async def preview_create(ctx: Context, parent: str, title: str, content: str) -> Preview:
    """The page as it will be made, and where."""
    above = await chosen(ctx, parent)
    rows = (PreviewField(label="Title", value=_line(title)), PreviewField(label="Below", value=_named(above)))
    return Preview(
        verb="Create a page", confirm="Create", account=await account_name(ctx), fields=rows, content=content,
        outside=(SOURCE,),
    )  # fmt: skip


@pages_create.reconcile
async def look_for_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks below the parent for a page with that title that this connection made at that time."""
    made = await find_created(ctx, call.id)
    return pages_create.result(PageSaved(id=made.id, url=made.url)) if made else None


@pages_create.undo
async def undo_create(ctx: Context, call: Call, _: Any) -> None:
    """Puts what was created into the trash."""
    await remove_created(ctx, call.id)


@connector.tool(effect="write", capability="write")
async def pages_append(
    ctx: Context, page: PageId, content: Annotated[Content, Field(description="What to add", min_length=1)]
) -> PageSaved:
    """Add text at the end of a page."""
    thing, api = await chosen(ctx, page), await NotionApi.of(ctx)
    before = await read_text(ctx, api, thing.id)
    await note_begin(ctx, Note(thing.id, before.text, [content, f"{before.text}\n{content}", True]))
    after = await kept_text(ctx, thing.id, await api.append(thing.id, content))
    await note_end(ctx, call_id(ctx), thing.id, False if before.cut or after.cut else after.text)
    return PageSaved(id=thing.id, url=thing.url)


@pages_append.preview
async def preview_append(ctx: Context, page: str, content: str) -> Preview:
    """The page, and what comes to its end."""
    return await _shown(ctx, "Add to a page", "Add", await chosen(ctx, page), content=content)


@pages_append.reconcile
async def look_for_appended(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the words stand on the page once more than before."""
    return await _looked_up(ctx, call, pages_append)


@pages_append.undo
async def undo_append(ctx: Context, call: Call, _: Any) -> None:
    """Takes the text off again."""
    await taken_back(ctx, call.id)


@connector.tool(effect="write", capability="write")
async def sections_replace(
    ctx: Context, page: PageId, heading: Heading, content: Content, number: Number = None
) -> PageSaved:
    """Replace what stands below a heading, up to the next one as large; the heading stays. Read the page first."""
    thing, api = await chosen(ctx, page), await NotionApi.of(ctx)
    known, section = await _section(ctx, thing, heading, number)
    wanted = replaced(known, section, content)
    if wanted == known:
        raise InvalidRequest("That is what stands there already; say what to change.")
    now = await read_text(ctx, api, thing.id)
    if now.text != known:
        raise Conflict("The page is another one by now, so nothing was done. Read it again.")
    await note_begin(ctx, Note(thing.id, known, [content, wanted, False]))
    await edited_text(ctx, thing.id, known, wanted)
    return PageSaved(id=thing.id, url=thing.url)


@sections_replace.preview
async def preview_replace(ctx: Context, page: str, heading: str, content: str, number: int | None) -> Preview:
    """The section as it was read, and what comes in its place."""
    thing = await chosen(ctx, page)
    known, section = await _section(ctx, thing, heading, number)
    old = known[section.body : section.end].strip("\n")
    rows = (
        PreviewField(label="Section", value=section.title),
        PreviewField(label="Until now", value=old[:20_000] or "-"),
    )
    return await _shown(ctx, "Replace a section of a page", "Replace", thing, *rows, content=content)


@sections_replace.reconcile
async def look_for_replaced(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the page is as it was, or has the new words."""
    return await _looked_up(ctx, call, sections_replace)


@sections_replace.undo
async def undo_replace(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former text back."""
    await taken_back(ctx, call.id)


@connector.tool(effect="write", capability="write")
async def pages_move(
    ctx: Context,
    page: PageId,
    into: Target,
    kind: Annotated[Literal["page", "database"], Field(description="What `into` is")] = "page",
) -> PageSaved:
    """Move a page below another page, or into a database as a row."""
    thing, target, api = await chosen(ctx, page), await chosen(ctx, into, kind=kind), await NotionApi.of(ctx)
    await _require_same_place(ctx, api, thing)
    await note_begin(ctx, Note(thing.id, [*thing.parent], [kind, target.id]))
    await whole(ctx, await api.move(thing.id, _place(Parent(kind, target.id))))
    await note_end(ctx, call_id(ctx), thing.id, [kind, target.id])
    return PageSaved(id=thing.id, url=thing.url)


@pages_move.preview
async def preview_move(ctx: Context, page: str, into: str, kind: str) -> Preview:
    """The page, and where it goes."""
    thing, target = await chosen(ctx, page), await chosen(ctx, into, kind=kind)
    owner = owner_of(ctx)
    above = await ctx.store.read(lambda c: mirror.with_id(c, owner, thing.parent.id))
    rows = (
        PreviewField(label="Until now in", value=_named(above) if above else f"a {thing.parent.kind}"),
        PreviewField(label="Now in", value=_named(target)),
    )
    stays = thing.parent.kind not in _PARENT_KEYS
    warnings = (_SEEN, "It cannot be moved back from here, only at Notion.") if stays else (_SEEN,)
    shown = await _shown(ctx, "Move a page", "Move", thing, *rows)
    return shown.model_copy(update={"warnings": warnings})


@pages_move.reconcile
async def look_for_moved(ctx: Context, call: Call) -> ToolResult | None:
    """Looks where the page is."""
    note = await recall(ctx, call.id)
    if note is None:
        return None
    found = parent_of((await (await NotionApi.of(ctx)).page(note.thing)).get("parent"))
    if [*found] == note.wanted:
        await note_end(ctx, call.id, note.thing, note.wanted)
        return pages_move.result(PageSaved(id=note.thing))
    if [*found] == note.before:
        return None
    raise unknown()


@pages_move.undo
async def undo_move(ctx: Context, call: Call, _: Any) -> None:
    """Moves the page back."""
    note, api = await recall(ctx, call.id), await NotionApi.of(ctx)
    if note is None or note.before[0] not in _PARENT_KEYS:
        raise Conflict("Notion does not let a page be moved there from here. Move it at Notion.")
    if [*parent_of((await api.page(note.thing)).get("parent"))] != note.after:
        raise Conflict("It was moved again since, so it is left where it is.")
    await whole(ctx, await api.move(note.thing, _place(Parent(*note.before))))


@connector.tool(effect="write", capability="write")
async def pages_trash(ctx: Context, page: PageId) -> PageSaved:
    """Put a page or a row into Notion's trash, with everything below it. It can be taken out again."""
    thing, api = await chosen(ctx, page), await NotionApi.of(ctx)
    await note_begin(ctx, Note(thing.id, thing.title, "trash"))
    await whole(ctx, await api.update(thing.id, in_trash=True))
    await note_end(ctx, call_id(ctx), thing.id, "trash")
    return PageSaved(id=thing.id, url=thing.url)


@pages_trash.preview
async def preview_trash(ctx: Context, page: str) -> Preview:
    """The page that goes, and how much is known to lie right below it."""
    thing, owner = await chosen(ctx, page), owner_of(ctx)
    below = await ctx.store.read(lambda c: mirror.below(c, owner, thing.id))
    rows = (PreviewField(label="Goes with it", value=f"{below} below it"),) if below else ()
    return await _shown(ctx, "Put a page into the trash", "Put into the trash", thing, *rows)


@pages_trash.reconcile
async def look_for_trashed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the page is in the trash."""
    note = await recall(ctx, call.id)
    if note is None:
        return None
    if not (await whole(ctx, await (await NotionApi.of(ctx)).page(note.thing))).trashed:
        return None
    return pages_trash.result(PageSaved(id=note.thing))


@pages_trash.undo
async def undo_trash(ctx: Context, call: Call, _: Any) -> None:
    """Takes the page out of the trash."""
    note = await recall(ctx, call.id)
    if note is None:
        raise NotFound("It is not known any more which page that was.")
    await whole(ctx, await (await NotionApi.of(ctx)).update(note.thing, in_trash=False))


async def _section(ctx: Context, thing: Thing, heading: str, number: int | None) -> tuple[str, Section]:
    """The text of a page as it was read, and the section that is meant; raises `InvalidRequest`."""
    owner = owner_of(ctx)
    known = await ctx.store.read(lambda c: mirror.text_of(c, owner, thing.id))
    if known is None:
        raise InvalidRequest("Read the page with pages_read first; one that Notion gives in part cannot be changed so.")
    wanted = " ".join(heading.strip().lstrip("#").split()).casefold()
    found = [each for each in sections(known) if each.title.casefold() == wanted]
    if not found:
        raise InvalidRequest("heading: there is none like that; give it as it stands in the text.")
    if number is None and len(found) > 1:
        raise InvalidRequest(f"number: say which one; {len(found)} sections have that heading.")
    if number is not None and number > len(found):
        raise InvalidRequest(f"number: only {len(found)} sections have that heading.")
    section = found[(number or 1) - 1]
    if holds_pages(known[section.body : section.end]):
        raise InvalidRequest("Pages or databases lie in that section, and would go with it. Move them first.")
    return known, section


async def _require_same_place(ctx: Context, api: NotionApi, thing: Thing) -> None:
    """Raises `Conflict` where a page lies elsewhere than the mirror says, which then knows."""
    if (await whole(ctx, await api.page(thing.id))).parent != thing.parent:
        raise Conflict("It was moved at Notion meanwhile, so nothing was done. Look again.")


async def _looked_up(ctx: Context, call: Call, tool: Any) -> ToolResult | None:
    """The result of a change of a text, where it was made."""
    note = await recall(ctx, call.id)
    if note is None:
        return None
    if note.after is None and not await was_written(ctx, call.id, note):
        return None
    found: ToolResult = tool.result(PageSaved(id=note.thing))
    return found


async def _shown(
    ctx: Context, verb: str, confirm: str, thing: Thing, *rows: PreviewField, content: str = ""
) -> Preview:
    fields = (PreviewField(label="Page", value=_named(thing)), *rows)
    return Preview(
        verb=verb, confirm=confirm, account=await account_name(ctx), fields=fields, content=content, outside=(SOURCE,)
    )


def _named(thing: Thing) -> str:
    return thing.title or "(no title)"


def _line(title: str) -> str:
    if not (words := " ".join(title.split())):
        raise InvalidRequest("title: give one with words in it.")
    return words


def _place(parent: Parent) -> dict[str, str]:
    return {"type": _PARENT_KEYS[parent.kind], _PARENT_KEYS[parent.kind]: parent.id}
