"""Changes at Notion, each made once: noted before, looked up after a crash, taken back while nothing else changed.

Notion takes no id of ours and knows no condition on a change. So it is noted what was there, what is wanted and what
came of it; after a silence the note is held against what Notion has. Something new is found by its place, its words,
its maker (this connection) and its time; where two could be it, nobody can know.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text

from connectors.notion import mirror
from connectors.notion.account import owner_of
from connectors.notion.api import Markdown, NotionApi
from connectors.notion.sections import change, counted, letters
from connectors.notion.sync import meet
from connectors.notion.things import Thing, id_of, thing_of
from openassistant.connector import Context
from openassistant.errors import Conflict, DeadlineExceeded, NotFound, UpstreamFailed

__all__ = [
    "Note", "call_id", "chosen", "edited_text", "kept_text", "made_by_us", "note_begin", "note_end", "only",
    "read_text", "recall", "require_settled", "taken_back", "taken_by_others", "unknown", "was_written", "whole",
]  # fmt: skip

_SLACK = timedelta(minutes=3)
"""Notion's times are minutes, and its clock may differ from ours."""
_SETTLES = timedelta(minutes=2)
"""How long after a silence something new may still turn up: nobody says how long Notion works on a request."""
_LARGEST_KEPT = 1_000_000
_CHANGED = "It was changed at Notion since, so it is left as it is. Change it by hand if you want."


class Note(NamedTuple):
    """A change under way: of which thing ("" for a new one), what was there, what is wanted, what came of it."""

    thing: str
    before: Any = None
    wanted: Any = None
    after: Any = None
    made: str = ""


def call_id(ctx: Context) -> str:
    """The id of the call that makes a change."""
    assert ctx.call is not None, "a change is made for a call"
    return ctx.call.id


async def chosen(ctx: Context, name: str, *, kind: str = "page") -> Thing:
    """The page or database of the mirror with an id; raises `NotFound`."""
    owner, wanted = owner_of(ctx), id_of(name) or ""
    found = await ctx.store.read(lambda c: mirror.with_id(c, owner, wanted))
    if found is None or found.kind != kind:
        where = "pages_search or rows_query" if kind == "page" else "databases_list"
        raise NotFound(f"There is no {kind} with that id here; take it from {where}.")
    return found


async def whole(ctx: Context, raw: dict[str, Any]) -> Thing:
    """A page as Notion gave it, put into the mirror."""
    found = thing_of(raw)
    if found is None:
        raise UpstreamFailed("Notion answered with something else than the page. Please check there.")
    await meet(ctx, [found])
    return found


async def read_text(ctx: Context, api: NotionApi, page: str) -> Markdown:
    """The text of a page as it is now, kept for what may be done with it next."""
    return await kept_text(ctx, page, await api.markdown(page))


async def kept_text(ctx: Context, page: str, found: Markdown) -> Markdown:
    """Keeps a text as Notion gave it, unless that was in part."""
    owner, now = owner_of(ctx), ctx.now()
    if found.cut or len(found.text) > _LARGEST_KEPT:
        await ctx.store.write(lambda c: mirror.drop_text(c, owner, page))
    else:
        await ctx.store.write(lambda c: mirror.keep_text(c, owner, page, found.text, now=now))
    return found


async def edited_text(ctx: Context, page: str, before: str, after: str) -> None:
    """Turns a text into another one, which is kept then; raises `Conflict` where it is not `before` any more."""
    found = await (await NotionApi.of(ctx)).edit(page, *change(before, after))
    await note_end(ctx, call_id(ctx), page, found.text)
    await kept_text(ctx, page, found)


async def was_written(ctx: Context, call: str, note: Note) -> bool:
    """Whether an interrupted change of a text was made; raises `DeadlineExceeded` where that cannot be told.

    `note.wanted` is the part that was to be written, the whole text with it, and whether twice would do harm.
    """
    part, wanted, adds = note.wanted
    now = await (await NotionApi.of(ctx)).markdown(note.thing)
    if now.cut:
        raise unknown()
    if now.text.strip() == note.before.strip():
        if adds:
            require_settled(ctx, note)
        return False
    if letters(now.text) == letters(wanted):
        await note_end(ctx, call, note.thing, now.text)
        return True
    had, has = counted(note.before, part), counted(now.text, part)
    if had is None or has is None or has <= had:
        raise unknown()
    return True


def require_settled(ctx: Context, note: Note) -> None:
    """Raises `DeadlineExceeded` while what a call was to add, and is not there, may still turn up."""
    if ctx.now() - datetime.fromisoformat(note.made) < _SETTLES:
        raise DeadlineExceeded("Notion does not show it, but may be at work still. Look again in two minutes.")


async def taken_back(ctx: Context, call: str) -> None:
    """Puts the former text of a page back; raises `Conflict` where it was changed since."""
    note, api = await recall(ctx, call), await NotionApi.of(ctx)
    if note is None or not isinstance(note.after, str) or not isinstance(note.before, str):
        raise Conflict("It is not known any more what exactly was written, so this cannot be taken back by itself.")
    if (await api.markdown(note.thing)).text != note.after:
        raise Conflict(_CHANGED)
    try:
        await api.edit(note.thing, *change(note.after, note.before))
    except Conflict as error:
        raise Conflict(_CHANGED) from error
    owner = owner_of(ctx)
    await ctx.store.write(lambda c: mirror.drop_text(c, owner, note.thing))


async def made_by_us(
    ctx: Context, note: Note, listed: AsyncIterator[dict[str, Any]], *, own: str
) -> AsyncIterator[dict[str, Any]]:
    """Of what is listed, that which this connection made since the note, and which no other call is known to have made.

    `own` is the connection's user.
    """
    earliest, taken = datetime.fromisoformat(note.made) - _SLACK, await taken_by_others(ctx)
    async for each in listed:
        when = _moment(each.get("created_time"))
        if id_of(each.get("created_by")) == own and (when is None or when >= earliest) and id_of(each) not in taken:
            yield each


async def taken_by_others(ctx: Context) -> set[str]:
    """What other calls made."""
    owner = owner_of(ctx)
    query = text("""SELECT thing FROM notion_changes WHERE account = :a AND before = 'null' AND thing <> ''""")
    return set(await ctx.store.read(lambda c: c.scalars(query, {"a": owner}).all()))


def unknown() -> DeadlineExceeded:
    """Nobody can tell from here."""
    return DeadlineExceeded("What is there now does not tell whether this was done.")


async def note_begin(ctx: Context, note: Note) -> None:
    """Writes down what is about to be changed."""
    row = {
        "call_id": call_id(ctx), "account": owner_of(ctx), "made": ctx.now().isoformat(), "thing": note.thing,
        "before": json.dumps(note.before), "wanted": json.dumps(note.wanted), "after": json.dumps(note.after),
    }  # fmt: skip
    query = text(
        'INSERT OR REPLACE INTO notion_changes (call_id, account, made, thing, "before", wanted, "after")'
        " VALUES (:call_id, :account, :made, :thing, :before, :wanted, :after)"
    )
    await ctx.store.write(lambda connection: connection.execute(query, row))


async def note_end(ctx: Context, call: str, thing: str, after: Any = None) -> None:
    """Writes down which thing it is, and what came of it."""
    query = text('UPDATE notion_changes SET thing = :thing, "after" = :after WHERE call_id = :id')
    row = {"id": call, "thing": thing, "after": json.dumps(after)}
    await ctx.store.write(lambda connection: connection.execute(query, row))


async def recall(ctx: Context, call: str) -> Note | None:
    """The note of a change."""
    query = text(
        'SELECT thing, "before", wanted, "after", made FROM notion_changes WHERE call_id = :id AND account = :account'
    )
    values = {"id": call, "account": owner_of(ctx)}
    row = await ctx.store.read(lambda c: c.execute(query, values).one_or_none())
    if row is None:
        return None
    return Note(row.thing, json.loads(row.before), json.loads(row.wanted), json.loads(row.after), row.made)


def only(found: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The one thing that a call can have made; None for none. Raises `DeadlineExceeded` where there are several."""
    listed = list(found)
    if len(listed) > 1:
        raise DeadlineExceeded("There are several things that this may have made. Please check at Notion.")
    return listed[0] if listed else None


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else None
