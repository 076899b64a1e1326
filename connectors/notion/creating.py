"""New pages and rows, each made once though Notion takes no id of ours.

After a silence the page is looked for where it was to be: below its page among the blocks, in its database among the
newest rows; by its title, its maker (this connection) and its time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from connectors.notion.api import NotionApi
from connectors.notion.changes import (
    Note,
    call_id,
    made_by_us,
    note_begin,
    note_end,
    only,
    recall,
    require_settled,
    unknown,
    whole,
)
from connectors.notion.things import Parent, Thing, id_of, line_of, thing_of
from openassistant.connector import Context
from openassistant.errors import Conflict, NotFound, UpstreamFailed

__all__ = ["create_once", "find_created", "remove_created"]

_MOST_LOOKED_AT = 5000
_KEYS = {"page": "page_id", "database": "data_source_id"}
_SLACK = timedelta(minutes=3)


async def create_once(ctx: Context, parent: Parent, title: str, properties: dict[str, Any], text: str) -> Thing:
    """Creates the page of a call."""
    await note_begin(ctx, Note("", None, {"parent": [*parent], "title": line_of(title)}))
    place = {"type": _KEYS[parent.kind], _KEYS[parent.kind]: parent.id}
    made = await whole(ctx, await (await NotionApi.of(ctx)).create(place, properties, text))
    await note_end(ctx, call_id(ctx), made.id, made.edited)
    return made


async def find_created(ctx: Context, call: str) -> Thing | None:
    """The page that an interrupted call made; None when it made none. Raises `DeadlineExceeded` where nobody knows."""
    note, api = await recall(ctx, call), await NotionApi.of(ctx)
    if note is None:
        return None
    if note.thing:
        return await whole(ctx, await api.page(note.thing))
    parent, title = Parent(*note.wanted["parent"]), note.wanted["title"]
    listed = _below(api, parent.id) if parent.kind == "page" else _newest(api, parent.id, note)
    own = id_of(await api.me()) or ""
    found = only([each async for each in made_by_us(ctx, note, listed, own=own) if _title(each) == title])
    if found is None:
        require_settled(ctx, note)
        return None
    made = await whole(ctx, await api.page(id_of(found) or ""))
    await note_end(ctx, call, made.id, made.edited)
    return made


async def remove_created(ctx: Context, call: str) -> None:
    """Puts what a call created into the trash; raises `Conflict` when somebody else changed it since."""
    note, api = await recall(ctx, call), await NotionApi.of(ctx)
    if note is None or not note.thing:
        raise NotFound("It is not known any more which page that was.")
    found = await api.page(note.thing)
    changed = str(found.get("last_edited_time")) > str(note.after)
    if changed and id_of(found.get("last_edited_by")) != id_of(found.get("created_by")):
        raise Conflict("It was changed at Notion since, so it is left as it is.")
    await whole(ctx, await api.update(note.thing, in_trash=True))


async def _below(api: NotionApi, page: str) -> AsyncIterator[dict[str, Any]]:
    """The pages right below a page."""
    seen = 0
    async for each in api.children(page):
        if (seen := seen + 1) > _MOST_LOOKED_AT:
            raise unknown()
        if each.get("type") == "child_page":
            yield each


async def _newest(api: NotionApi, source: str, note: Note) -> AsyncIterator[dict[str, Any]]:
    """The rows of a database that were made since a little before the note."""
    since = (datetime.fromisoformat(note.made) - _SLACK).strftime("%Y-%m-%dT%H:%M:%SZ")
    held = {"timestamp": "created_time", "created_time": {"on_or_after": since}}
    after, seen = "", 0
    while True:
        page = await api.query(source, {"filter": held}, after=after)
        for each in page.results:
            yield each
        seen += len(page.results)
        if not page.next:
            return
        if seen > _MOST_LOOKED_AT or page.next == after:
            raise UpstreamFailed("Notion's list does not end.")
        after = page.next


def _title(raw: dict[str, Any]) -> str:
    """The title of a page, or of the block that stands for one."""
    if (thing := thing_of(raw)) is not None:
        return thing.title
    inner = raw.get("child_page")
    return line_of(str(inner.get("title", ""))) if isinstance(inner, dict) else ""
