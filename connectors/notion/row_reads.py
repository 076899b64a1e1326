"""The tools that read databases: which there are, their columns, their rows by typed conditions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from connectors.notion import mirror
from connectors.notion.account import owner_of
from connectors.notion.api import NotionApi
from connectors.notion.connector import DatabaseId, connector
from connectors.notion.properties import Filter, filter_for
from connectors.notion.sync import meet
from connectors.notion.things import Thing, id_of, thing_of
from connectors.notion.views import DatabaseDetails, DatabaseList, RowList, database_details, database_view, row_view
from openassistant.connector import Context, Field
from openassistant.errors import InvalidRequest, OaError, UpstreamFailed

__all__ = ["databases_get", "databases_list", "rows_query"]

_MOST = 200
_TIMES = ("created_time", "last_edited_time")


@connector.tool(effect="read", capability="read")
async def databases_list(ctx: Context) -> DatabaseList:
    """List the databases of the user's Notion workspace by title, with their ids."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.databases(c, owner, limit=_MOST + 1))
    complete = (await ctx.store.read(lambda c: mirror.state_of(c, owner))).complete
    notes = [f"Only the first {_MOST} are shown."] if len(found) > _MOST else []
    notes += [] if complete else ["The workspace is still being read, so there may be more."]
    return DatabaseList(databases=[database_view(each) for each in found[:_MOST]], note=" ".join(notes))


@connector.tool(effect="read", capability="read")
async def databases_get(ctx: Context, database: DatabaseId) -> DatabaseDetails:
    """Show a database's columns: names, types, options, and which conditions rows_query takes for each."""
    owner, name = owner_of(ctx), id_of(database) or ""
    try:
        return database_details(await _schema(ctx, name))
    except OaError as error:
        known = await ctx.store.read(lambda c: mirror.with_id(c, owner, name))
        if not error.retryable or known is None or known.kind != "database":
            raise
        return database_details(known, "Notion could not be asked; this is what was read before.")


@connector.tool(effect="read", capability="read")
async def rows_query(
    ctx: Context,
    database: DatabaseId,
    filters: Annotated[
        list[Filter] | None, Field(description="Conditions on columns; none for all rows", max_length=20)
    ] = None,
    match: Annotated[
        Literal["all", "any"], Field(description="Whether all conditions have to hold, or any of them")
    ] = "all",
    sort: Annotated[
        str | None,
        Field(description="The column to sort by, or created_time or last_edited_time", max_length=200),
    ] = None,
    *,
    descending: Annotated[bool, Field(description="The greatest first")] = False,
    after: Annotated[
        str, Field(description="Where to go on: `next` of the answer before", pattern=r"^[A-Za-z0-9_=.-]{0,300}$")
    ] = "",
    limit: Annotated[int, Field(description="How many at most", ge=1, le=100)] = 50,
) -> RowList:
    """List rows of a database that fit conditions on its columns. Look with databases_get first."""
    found = await _schema(ctx, id_of(database) or "")
    asked: dict[str, Any] = {}
    if held := filter_for(found.schema, filters or [], match):
        asked["filter"] = held
    if sort is not None:
        asked["sorts"] = [_sort(found, sort, "descending" if descending else "ascending")]
    page = await (await NotionApi.of(ctx)).query(found.id, asked, after=after, size=limit)
    rows = [thing for each in page.results if (thing := thing_of(each)) and thing.kind == "page" and not thing.trashed]
    await meet(ctx, rows)
    return RowList(rows=[row_view(each) for each in rows], next=page.next)


async def _schema(ctx: Context, name: str) -> Thing:
    """The database as it is now, put into the mirror."""
    found = thing_of(await (await NotionApi.of(ctx)).source(name))
    if found is None or found.kind != "database":
        raise UpstreamFailed("Notion answered with something else than the database.")
    await meet(ctx, [found])
    return found


def _sort(found: Thing, by: str, direction: str) -> dict[str, str]:
    if by in found.schema:
        return {"property": by, "direction": direction}
    if by in _TIMES:
        return {"timestamp": by, "direction": direction}
    raise InvalidRequest("sort: there is no such column; take the names from databases_get.")
