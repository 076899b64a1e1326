"""Changes at Google, each made once: noted before, looked up after a crash, taken back while nothing else changed.

Nothing is overwritten that the mirror did not show: a contact that is another one by now is read anew, and left alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import text

from connectors.google_contacts import mirror
from connectors.google_contacts.account import owner_of
from connectors.google_contacts.client import MARK, PeopleApi
from connectors.google_contacts.people import Item, Person, key_of
from openassistant.connector import Context
from openassistant.errors import Conflict, DeadlineExceeded, NotFound

__all__ = [
    "Note",
    "create_once",
    "delete_once",
    "find_created",
    "mirrored",
    "new_since",
    "note_begin",
    "note_end",
    "put_back",
    "recall",
    "remove_created",
    "require_settled",
    "same_fields",
    "update_once",
    "was_updated",
]

_KEPT = timedelta(days=30)
_CHANGED = "It was changed at Google since, so it is left as it is. Change it by hand if you want."
_SETTLES = timedelta(minutes=10)
"""How late Google may list what was made: "several minutes" (people.connections.list)."""
_SLACK = timedelta(minutes=10)
"""How far the clocks here and at Google may differ."""

Fields = dict[str, list[Item]]


class Note(NamedTuple):
    """A change under way: of which contact, its ETag and fields before, what is wanted, its ETag after ("" so far)."""

    resource: str
    etag: str = ""
    before: str = "{}"
    wanted: str = "{}"
    after: str = ""
    made: str = ""


async def create_once(ctx: Context, fields: Fields) -> Person:
    """Creates the contact of a call, marked with the call's id."""
    await note_begin(ctx, Note("", wanted=json.dumps(fields)))
    made = await (await PeopleApi.of(ctx)).create(fields, _call_id(ctx))
    await note_end(ctx, _call_id(ctx), made)
    return await mirrored(ctx, made)


async def find_created(ctx: Context, call_id: str) -> Person | None:
    """The contact that an interrupted call made, by its mark; None when it made none.

    Raises `DeadlineExceeded` where a new contact says the same and has no mark (then nobody can know whose it is), and
    where the call is so young that Google may not list what it made.
    """
    note = await recall(ctx, call_id)
    if note is None:
        return None
    wanted, alike = json.loads(note.wanted), False
    async for each in new_since(ctx, note):
        if f"{MARK}={call_id}" in each.marks:
            await note_end(ctx, call_id, each)
            return await mirrored(ctx, each)
        unmarked = not any(mark.startswith(f"{MARK}=") for mark in each.marks)
        alike = alike or (unmarked and same_fields(each, wanted))
    if alike:
        raise DeadlineExceeded("There is a new contact that says the same, without our mark. Please check at Google.")
    require_settled(ctx, note)
    return None


async def new_since(ctx: Context, note: Note) -> AsyncIterator[Person]:
    """The contacts that may have been made by an interrupted call, newest first."""
    earliest = datetime.fromisoformat(note.made) - _SLACK
    async for each in (await PeopleApi.of(ctx)).latest():
        if (when := _moment(each.updated)) is not None and when < earliest:
            return
        known = await ctx.store.read(partial(mirror.added_at, account=owner_of(ctx), name=each.id))
        if not known or known >= note.made:
            yield each


def require_settled(ctx: Context, note: Note) -> None:
    """Raises `DeadlineExceeded` while a new contact that is not listed may have been made all the same."""
    if ctx.now() - datetime.fromisoformat(note.made) < _SETTLES:
        raise DeadlineExceeded("Google may list a new contact some minutes late. Look again in ten minutes.")


async def update_once(ctx: Context, person: Person, fields: Fields) -> Person:
    """Puts fields in the place of a contact's own; raises `Conflict` or `NotFound`, and reads it anew then."""
    before = {field: person.fields.get(field, []) for field in fields}
    await note_begin(ctx, Note(person.id, _etag(person), json.dumps(before), json.dumps(fields)))
    api = await PeopleApi.of(ctx)
    try:
        changed = await api.update(person, fields)
    except (Conflict, NotFound):
        await _read_again(ctx, api, person.id)
        raise
    await note_end(ctx, _call_id(ctx), changed)
    return await _whole(ctx, api, changed)


async def was_updated(ctx: Context, call_id: str) -> Person | None:
    """The contact that an interrupted call changed; None when it did not. Raises `DeadlineExceeded` in between."""
    note = await recall(ctx, call_id)
    if note is None:
        return None
    found = await (await PeopleApi.of(ctx)).get(note.resource)
    if found is not None and _etag(found) == note.etag:
        return None
    if found is not None and same_fields(found, json.loads(note.wanted)):
        await note_end(ctx, call_id, found)
        return await mirrored(ctx, found)
    raise DeadlineExceeded("It was changed again since, so it cannot be told whether this was done.")


async def delete_once(ctx: Context, person: Person) -> None:
    """Deletes the contact that the mirror shows; raises `Conflict` when it is another one by now."""
    api = await PeopleApi.of(ctx)
    await note_begin(ctx, Note(person.id, _etag(person)))
    found = await api.get(person.id)
    if found is None:
        await _read_again(ctx, api, person.id)
        raise NotFound("It was deleted at Google meanwhile, so nothing was done.")
    if _etag(found) != _etag(person) and found.fields != person.fields:
        await mirrored(ctx, found)
        raise Conflict("It was changed at Google meanwhile, so nothing was done. Look again.")
    await api.delete(person.id)
    await ctx.store.write(lambda c: mirror.remove(c, owner_of(ctx), "contact", [person.id]))


async def remove_created(ctx: Context, call_id: str) -> None:
    """Deletes what a call created; raises `Conflict` when it was changed since."""
    note, api = _usable(await recall(ctx, call_id)), await PeopleApi.of(ctx)
    found = await api.get(note.resource)
    if found is None or _etag(found) != note.after:
        raise Conflict(_CHANGED)
    await api.delete(note.resource)
    await ctx.store.write(lambda c: mirror.remove(c, owner_of(ctx), "contact", [note.resource]))


async def put_back(ctx: Context, call_id: str) -> None:
    """Puts a contact's former fields back; raises `Conflict` when it was changed since."""
    note, api = _usable(await recall(ctx, call_id)), await PeopleApi.of(ctx)
    found = await api.get(note.resource)
    if found is None or _etag(found) != note.after:
        raise Conflict(_CHANGED)
    try:
        await _whole(ctx, api, await api.update(found, json.loads(note.before)))
    except Conflict as error:
        raise Conflict(_CHANGED) from error


async def mirrored(ctx: Context, person: Person, *, log: bool = False) -> Person:
    """Puts a contact into the mirror as Google holds it; `log` where that is news from outside."""
    owner, now = owner_of(ctx), ctx.now().isoformat()

    def write(connection: Any) -> None:
        kept = mirror.listing(connection, owner, person.kind)
        mirror.put(connection, owner, [person], now=now, turn=kept.round, log=log and kept.complete)

    await ctx.store.write(write)
    return person


def same_fields(person: Person, fields: Fields) -> bool:
    """Whether a contact holds exactly these fields, in whatever spelling Google gives them back."""
    return all(
        {key_of(field, each) for each in items} == {key_of(field, each) for each in person.fields.get(field, ())}
        for field, items in fields.items()
    )


async def note_begin(ctx: Context, note: Note) -> None:
    """Writes down what is about to be changed, and drops notes that nobody will ask for any more."""
    now = ctx.now()
    row = {**note._asdict(), "made": now.isoformat(), "call_id": _call_id(ctx), "account": owner_of(ctx)}

    def write(connection: Any) -> None:
        old = {"before": (now - _KEPT).isoformat()}
        connection.execute(text("DELETE FROM gcontacts_changes WHERE made < :before"), old)
        connection.execute(
            text(
                'INSERT OR REPLACE INTO gcontacts_changes (call_id, account, made, resource, etag, "before", wanted,'
                ' "after") VALUES (:call_id, :account, :made, :resource, :etag, :before, :wanted, :after)'
            ),
            row,
        )

    await ctx.store.write(write)


async def note_end(ctx: Context, call_id: str, person: Person) -> None:
    """Writes down which contact it is, and its ETag after the change."""
    row = {"id": call_id, "resource": person.id, "after": _etag(person)}
    query = text('UPDATE gcontacts_changes SET resource = :resource, "after" = :after WHERE call_id = :id')
    await ctx.store.write(lambda connection: connection.execute(query, row))


async def recall(ctx: Context, call_id: str) -> Note | None:
    """The note of a change."""
    query = text(
        'SELECT resource, etag, "before", wanted, "after", made FROM gcontacts_changes'
        " WHERE call_id = :id AND account = :account"
    )
    row = await ctx.store.read(lambda c: c.execute(query, {"id": call_id, "account": owner_of(ctx)}).one_or_none())
    return Note._make(row) if row else None


async def _whole(ctx: Context, api: PeopleApi, changed: Person) -> Person:
    """The contact in full for the mirror: an answer may hold only what was changed."""
    return await mirrored(ctx, await api.get(changed.id) or changed)


async def _read_again(ctx: Context, api: PeopleApi, contact: str) -> None:
    found = await api.get(contact)
    if found is not None:
        await mirrored(ctx, found)
    else:
        await ctx.store.write(lambda c: mirror.remove(c, owner_of(ctx), "contact", [contact]))


def _usable(note: Note | None) -> Note:
    if note is None or not note.after:
        raise Conflict("It is not known any more what exactly was stored, so this cannot be taken back by itself.")
    return note


def _etag(person: Person) -> str:
    return person.source_etag or person.etag


def _moment(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _call_id(ctx: Context) -> str:
    assert ctx.call is not None, "a change is made for a call"
    return ctx.call.id
