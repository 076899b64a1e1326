"""The tools that change rows and properties: a new row, other values."""

from __future__ import annotations

from typing import Annotated, Any

from connectors.notion import mirror
from connectors.notion.account import account_name, owner_of
from connectors.notion.api import NotionApi
from connectors.notion.changes import Note, call_id, chosen, note_begin, note_end, recall, unknown, whole
from connectors.notion.connector import Content, DatabaseId, PageId, connector
from connectors.notion.creating import create_once, find_created, remove_created
from connectors.notion.properties import TITLE, restored, same_value, values_for
from connectors.notion.things import Parent, Property, Thing
from connectors.notion.views import SOURCE, PageSaved
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, InvalidRequest
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["pages_update", "rows_create"]

_Text = Annotated[str, Field(max_length=20_000)]
Values = Annotated[
    dict[
        Annotated[str, Field(max_length=200)],
        _Text | float | bool | Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)] | None,
    ],
    Field(
        description="Values by column name (databases_get): text; a number; true or false; an option or a list of them;"
        " a day 2026-11-01, a time, or two with / between; ids of people (users_list) or pages; null empties",
        min_length=1,
        max_length=100,
    ),
]


@connector.tool(effect="write", capability="write")
async def rows_create(ctx: Context, database: DatabaseId, properties: Values, content: Content = "") -> PageSaved:
    """Add a row to a database, with values for its columns and, if wanted, a text of its own."""
    source = await chosen(ctx, database, kind="database")
    values = values_for(source.schema, properties)
    made = await create_once(ctx, Parent("database", source.id), _title_in(source, properties), values, content)
    return PageSaved(id=made.id, url=made.url)


@rows_create.preview
async def preview_row(ctx: Context, database: str, properties: dict[str, Any], content: str) -> Preview:
    """The row as it will be made, and where."""
    source = await chosen(ctx, database, kind="database")
    values_for(source.schema, properties)
    rows = [PreviewField(label="Database", value=source.title or "(no title)")]
    rows += [PreviewField(label=name, value=_spoken(value)) for name, value in properties.items()]
    return Preview(
        verb="Add a row", confirm="Add", account=await account_name(ctx), fields=tuple(rows), content=content,
        outside=(SOURCE,),
    )  # fmt: skip


@rows_create.reconcile
async def look_for_row(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for a row with that title that this connection made at that time."""
    made = await find_created(ctx, call.id)
    return rows_create.result(PageSaved(id=made.id, url=made.url)) if made else None


@rows_create.undo
async def undo_row(ctx: Context, call: Call, _: Any) -> None:
    """Puts the row into the trash."""
    await remove_created(ctx, call.id)


@connector.tool(effect="write", capability="write")
async def pages_update(ctx: Context, page: PageId, properties: Values) -> PageSaved:
    """Change properties of a row, or the title of a page (the property "title"). What is not named stays."""
    thing, api = await chosen(ctx, page), await NotionApi.of(ctx)
    values = values_for(await _schema(ctx, thing), properties)
    raw = await api.page(thing.id)
    found = await whole(ctx, raw)
    if found.title != thing.title or any(found.words.get(name) != thing.words.get(name) for name in values):
        raise Conflict("It was changed at Notion meanwhile, so nothing was done. Look again.")
    held = raw.get("properties")
    before = restored({name: held[name] for name in values if name in held} if isinstance(held, dict) else {})
    await note_begin(ctx, Note(thing.id, before, values))
    await whole(ctx, await api.update(thing.id, properties=values))
    await note_end(ctx, call_id(ctx), thing.id, values)
    return PageSaved(id=thing.id, url=thing.url)


@pages_update.preview
async def preview_update(ctx: Context, page: str, properties: dict[str, Any]) -> Preview:
    """Each property that becomes another one: what it is, and what it will be."""
    thing = await chosen(ctx, page)
    schema = await _schema(ctx, thing)
    values_for(schema, properties)
    rows = [PreviewField(label="Page", value=thing.title or "(no title)")]
    for name, value in properties.items():
        now = thing.title if schema[name].kind == "title" else thing.words.get(name, "")
        rows += [PreviewField(label=name, value=now or "-"), PreviewField(label=f"New: {name}", value=_spoken(value))]
    return Preview(
        verb="Change a page's properties", confirm="Change", account=await account_name(ctx), fields=tuple(rows),
        outside=(SOURCE,),
    )  # fmt: skip


@pages_update.reconcile
async def look_for_update(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the page has the values that were to be written."""
    note = await recall(ctx, call.id)
    if note is None:
        return None
    raw = await (await NotionApi.of(ctx)).page(note.thing)
    if _holds(raw, note.wanted):
        await note_end(ctx, call.id, note.thing, note.wanted)
        await whole(ctx, raw)
        return pages_update.result(PageSaved(id=note.thing))
    if len(note.before) == len(note.wanted) and _holds(raw, note.before):
        return None
    raise unknown()


@pages_update.undo
async def undo_update(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former values back."""
    note, api = await recall(ctx, call.id), await NotionApi.of(ctx)
    if note is None or len(note.before) != len(note.wanted):
        raise Conflict("Not all of the former values are known, so this cannot be taken back by itself.")
    if not _holds(await api.page(note.thing), note.wanted):
        raise Conflict("It was changed at Notion since, so it is left as it is. Change it by hand if you want.")
    await whole(ctx, await api.update(note.thing, properties=note.before))


async def _schema(ctx: Context, thing: Thing) -> dict[str, Property]:
    """The columns that a page has; a page in no database has a title alone."""
    if thing.parent.kind != "database":
        return TITLE
    owner = owner_of(ctx)
    source = await ctx.store.read(lambda c: mirror.with_id(c, owner, thing.parent.id))
    if source is None:
        raise InvalidRequest("Look at the row's database with databases_get first.")
    return source.schema


def _holds(raw: dict[str, Any], values: dict[str, Any]) -> bool:
    held = raw.get("properties")
    return isinstance(held, dict) and all(
        name in held and same_value(held[name], value) for name, value in values.items()
    )


def _title_in(source: Thing, properties: dict[str, Any]) -> str:
    name = next((name for name, each in source.schema.items() if each.kind == "title"), "")
    return str(properties.get(name) or "")


def _spoken(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
