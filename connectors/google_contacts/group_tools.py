"""The tools about groups and collected addresses that change something: add to a group, copy into the contacts."""

from __future__ import annotations

import json
from typing import Annotated, Any

from connectors.google_contacts import mirror
from connectors.google_contacts.account import account_name, owner_of
from connectors.google_contacts.changes import (
    Note,
    mirrored,
    new_since,
    note_begin,
    note_end,
    recall,
    remove_created,
    require_settled,
    same_fields,
)  # fmt: skip
from connectors.google_contacts.client import PeopleApi
from connectors.google_contacts.connector import connector
from connectors.google_contacts.drafts import chosen
from connectors.google_contacts.mirror import Group
from connectors.google_contacts.people import ID, Person
from connectors.google_contacts.views import ContactSaved, rows_of, source_of
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Conflict, DeadlineExceeded, InvalidRequest, NotFound
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["groups_add", "others_copy"]

Contacts = Annotated[
    list[Annotated[str, Field(pattern=ID)]],
    Field(description="The ids of the contacts, as contacts_search gives them", min_length=1, max_length=50),
]
GroupId = Annotated[str, Field(description="The id of a group, as groups_list gives it", pattern=ID)]
OtherId = Annotated[str, Field(description="The id of a collected address, as others_search gives it", pattern=ID)]
_OPEN = ("myContacts", "starred")
"""The groups of Google's own that take contacts."""


@connector.tool(effect="write", capability="write")
async def groups_add(ctx: Context, group: GroupId, contacts: Contacts) -> ContactSaved:
    """Add contacts to one of the user's groups (labels)."""
    found, people = await _group(ctx, group), [await chosen(ctx, each) for each in contacts]
    new = [each.id for each in people if found.id not in each.groups]
    if not new:
        raise InvalidRequest("They are all in that group already.")
    await note_begin(ctx, Note(group, wanted=json.dumps(new)))
    api = await PeopleApi.of(ctx)
    missing, _ = await api.regroup(group, add=new)
    await _read(ctx, api, new)
    note = f"{missing} of them are gone from Google." if missing else ""
    return ContactSaved(id=group, changed=["Groups"], note=note)


@groups_add.preview
async def preview_add(ctx: Context, group: str, contacts: list[str]) -> Preview:
    """The group, and who comes into it."""
    found, people = await _group(ctx, group), [await chosen(ctx, each) for each in contacts]
    rows = [PreviewField(label="Group", value=found.name)]
    rows += [PreviewField(label="Contact", value=each.name or "(no name)") for each in people]
    return Preview(
        verb="Add contacts to a group", confirm="Add", account=await account_name(ctx), fields=tuple(rows),
        outside=tuple(dict.fromkeys(source_of(each) for each in people)),
    )  # fmt: skip


@groups_add.reconcile
async def look_for_added(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether they are in the group."""
    note = await recall(ctx, call.id)
    if note is None:
        return None
    people = await _read(ctx, await PeopleApi.of(ctx), json.loads(note.wanted))
    if not people or not all(note.resource in each.groups for each in people):
        return None
    return groups_add.result(ContactSaved(id=note.resource, changed=["Groups"]))


@groups_add.undo
async def undo_add(ctx: Context, call: Call, _: Any) -> None:
    """Takes out those who were not in it before."""
    if (note := await recall(ctx, call.id)) is None:
        raise Conflict("It is not known any more who was added, so this cannot be taken back by itself.")
    added, api = json.loads(note.wanted), await PeopleApi.of(ctx)
    _, kept = await api.regroup(note.resource, remove=added)
    await _read(ctx, api, added)
    if kept:
        raise Conflict("Google keeps contacts in their last group, so not all of them were taken out.")


@connector.tool(effect="write", capability="write")
async def others_copy(ctx: Context, other: OtherId) -> ContactSaved:
    """Save a collected address (from others_search) as a contact."""
    person = await chosen(ctx, other, "other")
    await note_begin(ctx, Note("", before=json.dumps(person.fields), wanted=json.dumps(person.fields)))
    try:
        copied = await (await PeopleApi.of(ctx)).copy(other)
    except NotFound:
        await ctx.store.write(lambda c: mirror.remove(c, owner_of(ctx), "other", [other]))
        raise
    assert ctx.call is not None, "an effect has a call"
    await note_end(ctx, ctx.call.id, copied)
    await mirrored(ctx, copied)
    return ContactSaved(id=copied.id)


@others_copy.preview
async def preview_copy(ctx: Context, other: str) -> Preview:
    """Who becomes a contact, and whether there is one with that address."""
    person, owner = await chosen(ctx, other, "other"), owner_of(ctx)
    addresses = person.values("emailAddresses")
    known = await ctx.store.read(lambda c: any(mirror.person_with(c, owner, each) for each in addresses))
    warnings = ("There is a contact with that mail address already.",) if known else ()
    return Preview(
        verb="Save a collected address as a contact", confirm="Save", account=await account_name(ctx),
        fields=rows_of(person), outside=(source_of(person),), warnings=warnings,
    )  # fmt: skip


@others_copy.reconcile
async def look_for_copied(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for a new contact with just these fields; raises `DeadlineExceeded` where there are several."""
    note = await recall(ctx, call.id)
    if note is None:
        return None
    fields, alike = json.loads(note.wanted), list[Person]()
    async for each in new_since(ctx, note):
        if same_fields(each, fields):
            alike.append(each)
    if len(alike) > 1:
        raise DeadlineExceeded("There are several new contacts with that address. Please check at Google.")
    if not alike:
        require_settled(ctx, note)
        return None
    await note_end(ctx, call.id, alike[0])
    await mirrored(ctx, alike[0])
    return others_copy.result(ContactSaved(id=alike[0].id))


@others_copy.undo
async def undo_copy(ctx: Context, call: Call, _: Any) -> None:
    """Deletes the contact that was made."""
    await remove_created(ctx, call.id)


async def _group(ctx: Context, group: str) -> Group:
    owner = owner_of(ctx)
    found = next((each for each in await ctx.store.read(lambda c: mirror.groups(c, owner)) if each.id == group), None)
    if found is None:
        raise NotFound("There is no group with that id; take it from groups_list.")
    if not found.own and found.id not in _OPEN:
        raise InvalidRequest("Google lets contacts be added to the owner's groups, myContacts and starred alone.")
    return found


async def _read(ctx: Context, api: PeopleApi, contacts: list[str]) -> list[Person]:
    people = await api.get_all(contacts)
    for each in people:
        await mirrored(ctx, each)
    return people
