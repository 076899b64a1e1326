"""The tools that change contacts: create, update, fill from another one, delete."""

from __future__ import annotations

import json
from typing import Annotated, Any

from connectors.google_contacts import mirror
from connectors.google_contacts.account import account_name, owner_of
from connectors.google_contacts.changes import (
    create_once,
    delete_once,
    find_created,
    put_back,
    recall,
    remove_created,
    update_once,
    was_updated,
)  # fmt: skip
from connectors.google_contacts.client import PeopleApi
from connectors.google_contacts.connector import connector
from connectors.google_contacts.contact_reads import ContactId
from connectors.google_contacts.drafts import changed_fields, chosen, filled_fields, new_fields
from connectors.google_contacts.people import ID, Item, Person, shown
from connectors.google_contacts.views import LABELS, ContactSaved, rows_of, source_of
from openassistant.connector import Context, Field, Preview
from openassistant.messages import Call, PreviewField, ToolResult

__all__ = ["contacts_create", "contacts_delete", "contacts_merge", "contacts_update"]

Name = Annotated[str | None, Field(description="The whole name, as it is spoken", max_length=500)]
Nickname = Annotated[str | None, Field(description="A nickname", max_length=500)]
Organization = Annotated[str | None, Field(description="The company or other organisation", max_length=500)]
JobTitle = Annotated[str | None, Field(description="What the person does there", max_length=500)]
Birthday = Annotated[str | None, Field(description="1990-05-17, or --05-17 without the year", max_length=20)]
Notes = Annotated[str | None, Field(description="Notes, plain text; the whole new text", max_length=20_000)]
_Words = list[Annotated[str, Field(max_length=1000)]] | None
Emails = Annotated[
    _Words, Field(description='Mail addresses to add: "carol@example.org" or "work: carol@example.org"', max_length=20)
]
Phones = Annotated[
    _Words, Field(description='Numbers to add: "+49 30 1234567" or "mobile: +49 151 1234567"', max_length=20)
]
Addresses = Annotated[
    _Words, Field(description='Postal addresses to add, with or without a label such as "home: "', max_length=10)
]
Urls = Annotated[_Words, Field(description="Web addresses to add", max_length=10)]


@connector.tool(effect="write", capability="write")
async def contacts_create(
    ctx: Context,
    name: Name = None,
    emails: Emails = None,
    phones: Phones = None,
    organization: Organization = None,
    job_title: JobTitle = None,
    nickname: Nickname = None,
    birthday: Birthday = None,
    addresses: Addresses = None,
    urls: Urls = None,
    notes: Notes = None,
) -> ContactSaved:
    """Save a new contact. Look with contacts_search first whether there is one already."""
    made = await create_once(
        ctx,
        new_fields(
            name=name, emails=emails, phones=phones, organization=organization, job_title=job_title, nickname=nickname,
            birthday=birthday, addresses=addresses, urls=urls, notes=notes,
        ),
    )  # fmt: skip
    return ContactSaved(id=made.id)


@contacts_create.preview
async def preview_create(ctx: Context, **given: Any) -> Preview:
    """The contact as it will be saved, and whether an address is known already."""
    fields = new_fields(**given)
    addresses = [shown("emailAddresses", each) for each in fields.get("emailAddresses", [])]
    owner = owner_of(ctx)
    known = await ctx.store.read(lambda c: any(mirror.person_with(c, owner, each) for each in addresses))
    warnings = ("There is a contact with such a mail address already.",) if known else ()
    rows = _rows(fields)
    return Preview(
        verb="Save a contact", confirm="Save", account=await account_name(ctx), fields=rows, warnings=warnings
    )


@contacts_create.reconcile
async def look_for_created(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark among the contacts that changed last."""
    found = await find_created(ctx, call.id)
    return contacts_create.result(ContactSaved(id=found.id)) if found else None


@contacts_create.undo
async def undo_create(ctx: Context, call: Call, _: Any) -> None:
    """Deletes what was created."""
    await remove_created(ctx, call.id)


@connector.tool(effect="write", capability="write")
async def contacts_update(
    ctx: Context,
    contact: ContactId,
    name: Name = None,
    emails: Emails = None,
    phones: Phones = None,
    organization: Organization = None,
    job_title: JobTitle = None,
    nickname: Nickname = None,
    birthday: Birthday = None,
    addresses: Addresses = None,
    urls: Urls = None,
    notes: Notes = None,
    remove: Annotated[
        _Words, Field(description="Addresses, numbers or links to take out, as contacts_get shows them", max_length=20)
    ] = None,
) -> ContactSaved:
    """Change a contact: what is not given stays; emails, phones, addresses and urls are added to those there are."""
    person = await chosen(ctx, contact)
    fields = changed_fields(
        person, name=name, emails=emails, phones=phones, organization=organization, job_title=job_title,
        nickname=nickname, birthday=birthday, addresses=addresses, urls=urls, notes=notes, remove=remove,
    )  # fmt: skip
    await update_once(ctx, person, fields)
    return _saved(contact, fields)


@contacts_update.preview
async def preview_update(ctx: Context, contact: str, **given: Any) -> Preview:
    """The contact as it is, and each field that becomes another one."""
    person = await chosen(ctx, contact)
    return await _changing(ctx, "Change a contact", person, changed_fields(person, **given))


@contacts_update.reconcile
async def look_for_updated(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the contact holds what was to be written."""
    return contacts_update.result(await _updated(ctx, call)) if await was_updated(ctx, call.id) else None


@contacts_update.undo
async def undo_update(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former fields back."""
    await put_back(ctx, call.id)


@connector.tool(effect="write", capability="write")
async def contacts_merge(
    ctx: Context,
    contact: ContactId,
    source: Annotated[str, Field(description="The id of the contact to take from; it stays as it is", pattern=ID)],
) -> ContactSaved:
    """Fill what is missing in a contact from another one. Nothing is overwritten, and the other one is not deleted."""
    person, other = await chosen(ctx, contact), await chosen(ctx, source)
    fields, kept = filled_fields(person, other)
    await update_once(ctx, person, fields)
    return _saved(contact, fields, kept)


@contacts_merge.preview
async def preview_merge(ctx: Context, contact: str, source: str) -> Preview:
    """The contact as it is, what it gains, and where both say something else."""
    person, other = await chosen(ctx, contact), await chosen(ctx, source)
    fields, kept = filled_fields(person, other)
    shown_ = await _changing(ctx, "Fill a contact from another one", person, fields)
    rows = [PreviewField(label="From", value=other.name or "(no name)")]
    if kept:
        rows.append(PreviewField(label="Stays as it is", value=", ".join(LABELS[each] for each in kept)))
    return shown_.model_copy(update={"fields": (*shown_.fields, *rows), "confirm": "Fill"})


@contacts_merge.reconcile
async def look_for_merged(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the contact holds what was to be written."""
    return contacts_merge.result(await _updated(ctx, call)) if await was_updated(ctx, call.id) else None


@contacts_merge.undo
async def undo_merge(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former fields back."""
    await put_back(ctx, call.id)


@connector.tool(effect="delete", capability="write")
async def contacts_delete(ctx: Context, contact: ContactId) -> ContactSaved:
    """Delete a contact."""
    await delete_once(ctx, await chosen(ctx, contact))
    return ContactSaved(id=contact)


@contacts_delete.preview
async def preview_delete(ctx: Context, contact: str) -> Preview:
    """The contact that will be gone."""
    person = await chosen(ctx, contact)
    return Preview(
        verb="Delete a contact", confirm="Delete", account=await account_name(ctx), fields=rows_of(person),
        outside=(source_of(person),),
    )  # fmt: skip


@contacts_delete.reconcile
async def look_for_deleted(ctx: Context, call: Call) -> ToolResult | None:
    """Looks whether the contact is gone."""
    note = await recall(ctx, call.id)
    if note is None or await (await PeopleApi.of(ctx)).get(note.resource) is not None:
        return None
    await ctx.store.write(lambda c: mirror.remove(c, owner_of(ctx), "contact", [note.resource]))
    return contacts_delete.result(ContactSaved(id=note.resource))


async def _updated(ctx: Context, call: Call) -> ContactSaved:
    note = await recall(ctx, call.id)
    fields = json.loads(note.wanted) if note else {}
    return _saved(str(call.arguments["contact"]), fields)


def _saved(contact: str, fields: dict[str, list[Item]], kept: list[str] | None = None) -> ContactSaved:
    return ContactSaved(
        id=contact, changed=[LABELS[each] for each in fields], kept=[LABELS[each] for each in kept or ()]
    )


def _rows(fields: dict[str, list[Item]], prefix: str = "") -> tuple[PreviewField, ...]:
    words = ((LABELS[field], "; ".join(shown(field, each) for each in items)) for field, items in fields.items())
    return tuple(PreviewField(label=f"{prefix}{label}", value=value[:20_000] or "none") for label, value in words)


async def _changing(ctx: Context, verb: str, person: Person, fields: dict[str, list[Item]]) -> Preview:
    rows = (*rows_of(person), *_rows(fields, "New: "))
    name = await account_name(ctx)
    return Preview(verb=verb, confirm="Change", account=name, fields=rows, outside=(source_of(person),))
