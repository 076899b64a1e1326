"""The tools that read: search, one in full, lists, groups, changes. The mirror first, Google where it is not enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from connectors.google_contacts import mirror
from connectors.google_contacts.account import owner_of
from connectors.google_contacts.changes import mirrored
from connectors.google_contacts.client import Kind, PeopleApi
from connectors.google_contacts.connector import connector
from connectors.google_contacts.people import ID, Person
from connectors.google_contacts.views import (
    ChangeList,
    ChangeView,
    ContactDetails,
    ContactList,
    GroupList,
    details_of,
    group_view,
    view_of,
)  # fmt: skip
from openassistant.connector import Context, Field, OutsideText
from openassistant.errors import InvalidRequest, NotFound, OaError

__all__ = ["ContactId", "Limit", "changes_list", "contacts_get", "contacts_list", "contacts_search", "groups_list"]

ContactId = Annotated[str, Field(description="The id of a contact, as contacts_search gives it", pattern=ID)]
Limit = Annotated[int, Field(description="How many at most", ge=1, le=300)]
Query = Annotated[
    str,
    Field(description="Beginnings of words: name, address, number, company", min_length=1, max_length=500),
]
_UNREAD = "The contacts are still being read, so there may be more."


@connector.tool(effect="read", capability="read")
async def contacts_search(
    ctx: Context, query: Query, limit: Annotated[int, Field(description="How many at most", ge=1, le=100)] = 20
) -> ContactList:
    """Find the user's contacts by name, mail address, number, company or anything else, the best match first."""
    return await _search(ctx, "contact", query, limit)


@connector.tool(effect="read", capability="other")
async def others_search(
    ctx: Context, query: Query, limit: Annotated[int, Field(description="How many at most", ge=1, le=100)] = 20
) -> ContactList:
    """Find people the user exchanged mail with and never saved. Only where contacts_search finds nobody."""
    return await _search(ctx, "other", query, limit)


@connector.tool(effect="read", capability="read")
async def contacts_get(ctx: Context, contact: ContactId) -> ContactDetails:
    """Read one contact in full: all addresses, numbers, birthday, notes, groups."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.with_id(c, owner, "contact", contact))
    if found is None:
        found = await (await PeopleApi.of(ctx)).get(contact)
        if found is None:
            raise NotFound("There is no contact with that id; take it from contacts_search or contacts_list.")
        await mirrored(ctx, found)
    return details_of(found)


@connector.tool(effect="read", capability="read")
async def contacts_list(
    ctx: Context,
    group: Annotated[
        str | None, Field(description="Only those in the group with this id (groups_list)", pattern=ID)
    ] = None,
    after: Annotated[str, Field(description="Where to go on: `next` of the answer before", max_length=400)] = "",
    limit: Limit = 100,
) -> ContactList:
    """List the user's contacts by name, all or those of one group."""
    owner = owner_of(ctx)
    try:
        found = await ctx.store.read(
            lambda c: mirror.people(c, owner, "contact", group=group or "", after=after, limit=limit + 1)
        )
    except ValueError as error:
        raise InvalidRequest("after: give `next` as it stood in the answer before.") from error
    more = found[limit - 1][0] if len(found) > limit else ""
    views = [view_of(person) for _, person in found[:limit]]
    return ContactList(contacts=views, next=more, note=await _unread(ctx, "contact"))


@connector.tool(effect="read", capability="read")
async def groups_list(ctx: Context) -> GroupList:
    """List the user's contact groups (labels), with how many contacts are in each."""
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.groups(c, owner))
    return GroupList(groups=[group_view(each) for each in found])


@connector.tool(effect="read", capability="read")
async def changes_list(
    ctx: Context,
    since: Annotated[
        str | None, Field(description="From when on, ISO 8601; the last seven days", max_length=40)
    ] = None,
    limit: Limit = 100,
) -> ChangeList:
    """List which contacts were added, changed or deleted lately, as it was noticed here, newest first."""
    try:
        start = datetime.fromisoformat(since) if since else ctx.now() - timedelta(days=7)
    except ValueError as error:
        raise InvalidRequest("since: give a day or a time, such as 2026-11-01.") from error
    when = (start if start.tzinfo else start.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.changes(c, owner, since=when, limit=limit + 1))
    views = [
        ChangeView(time=each.at, what=each.what, id=each.id, name=OutsideText(text=each.name, source="a contact"))
        for each in found[:limit]
    ]
    cut = f"Only the newest {limit} are shown." if len(found) > limit else ""
    return ChangeList(changes=views, note=" ".join(each for each in (cut, await _unread(ctx, "contact")) if each))


async def _search(ctx: Context, kind: Kind, query: str, limit: int) -> ContactList:
    """The mirror's answer; Google's too where that is empty or not everything was read yet."""
    owner, note = owner_of(ctx), await _unread(ctx, kind)
    found = await ctx.store.read(lambda c: mirror.find(c, owner, kind, query, limit=limit + 1))
    if not found or note:
        try:
            found = _joined(found, await _asked(ctx, kind, query))
        except OaError:
            if note:
                raise
            note = "Google could not be asked; this is what was read before."
    cut = f"Only the first {limit} are shown." if len(found) > limit else ""
    notes = " ".join(each for each in (cut, note) if each)
    return ContactList(contacts=[view_of(each) for each in found[:limit]], note=notes)


async def _asked(ctx: Context, kind: Kind, query: str) -> list[Person]:
    """Google's answer. Whom the mirror did not know it knows from now on, so that previews can show them.

    Google searches a memory of its own, which may still hold who was deleted: contacts are read anew.
    """
    api, owner = await PeopleApi.of(ctx), owner_of(ctx)
    found = await api.search(kind, query)
    known = await ctx.store.read(
        lambda c: {each.id: had for each in found if (had := mirror.with_id(c, owner, kind, each.id))}
    )
    new = [each for each in found if each.id not in known]
    if kind == "contact" and new:
        new = await api.get_all([each.id for each in new])
    for each in new:
        await mirrored(ctx, each, log=True)
    there = {**known, **{each.id: each for each in new}}
    return [there[each.id] for each in found if each.id in there]


def _joined(ours: list[Person], theirs: list[Person]) -> list[Person]:
    return list({each.id: each for each in (*theirs, *ours)}.values())


async def _unread(ctx: Context, kind: Kind) -> str:
    owner = owner_of(ctx)
    return "" if (await ctx.store.read(lambda c: mirror.listing(c, owner, kind))).complete else _UNREAD
