"""What a call would write into a contact, worked out from its arguments and the mirror alone: for act and preview."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from connectors.google_contacts import mirror
from connectors.google_contacts.account import owner_of, require
from connectors.google_contacts.people import SINGLE, Item, Person, clean, key_of
from openassistant.connector import Context
from openassistant.errors import InvalidRequest, NotFound

__all__ = ["changed_fields", "chosen", "filled_fields", "new_fields"]

_LISTS = {"emails": "emailAddresses", "phones": "phoneNumbers", "addresses": "addresses", "urls": "urls"}
_PARTS = {"addresses": "formattedValue"}
_LABEL = re.compile(r"([^\W\d_][\w ]{0,30}):\s+(.+)", re.DOTALL)
_ADDRESS = re.compile(r"[^@\s<>,;:\"\x00-\x1f]+@[^@\s<>,;:\"\x00-\x1f]+")
_PHONE = re.compile(r"\+?[\d\s()./;,#*xext-]{3,60}", re.IGNORECASE)
_DAY = re.compile(r"(?:(\d{4})|-)-(\d{2})-(\d{2})")
Fields = dict[str, list[Item]]


async def chosen(ctx: Context, contact: str, kind: str = "contact") -> Person:
    """The contact (or collected address) of the mirror with an id; raises `NotFound`, `Forbidden`."""
    await require(ctx, "read" if kind == "contact" else "other")
    owner = owner_of(ctx)
    found = await ctx.store.read(lambda c: mirror.with_id(c, owner, kind, contact))
    if found is None:
        where = "contacts_search or contacts_list" if kind == "contact" else "others_search"
        raise NotFound(f"There is nobody with that id here; take it from {where}.")
    return found


def new_fields(*, name: str | None = None, **given: Any) -> Fields:
    """The fields of a new contact; raises `InvalidRequest` that says which part to correct."""
    fields = {**_singles(name=name, **given), **_lists(given)}
    fields = {field: items for field, items in fields.items() if items}
    if not any(field in fields for field in ("names", "organizations", "emailAddresses", "phoneNumbers")):
        raise InvalidRequest("Give a name, an organization, a mail address or a number.")
    return fields


def changed_fields(person: Person, *, remove: Sequence[str] | None, **given: Any) -> Fields:
    """The fields that a change replaces, each whole; raises `InvalidRequest` where it changes nothing or cannot."""
    fields = _singles(person, **given)
    for field, items in _lists(given).items():
        fields[field] = _with(person.fields.get(field, []), items, field)
    for each in remove or ():
        gone = False
        for field in _LISTS.values():
            kept = fields.get(field, person.fields.get(field, []))
            left = [item for item in kept if key_of(field, item) != key_of(field, _plain(field, clean(each)))]
            if len(left) < len(kept):
                fields[field], gone = left, True
        if not gone:
            raise InvalidRequest("remove: give an address or number as contacts_get shows it, without label.")
    fields = {field: items for field, items in fields.items() if items != person.fields.get(field, [])}
    if not fields:
        raise InvalidRequest("That is how the contact is already; say what to change.")
    _require_whole(person, fields)
    return fields


def filled_fields(person: Person, source: Person) -> tuple[Fields, list[str]]:
    """What another contact adds to this one, and the fields where both say something else, which stay as they are."""
    fields: Fields = {}
    kept = []
    for field, items in source.fields.items():
        own = person.fields.get(field, [])
        if field in SINGLE and own:
            if key_of(field, own[0]) != key_of(field, items[0]):
                kept.append(field)
        elif field not in person.cut and (joined := _with(own, items, field)) != own:
            fields[field] = joined
    if not fields:
        raise InvalidRequest("The other contact has nothing that this one lacks.")
    return fields, kept


def _singles(
    person: Person | None = None, *, name: str | None = None, nickname: str | None = None,
    organization: str | None = None,
    job_title: str | None = None, birthday: str | None = None, notes: str | None = None, **_: Any,
) -> Fields:  # fmt: skip
    fields: Fields = {}
    if name is not None:
        if not (words := _line(name)):
            raise InvalidRequest("name: give a name.")
        fields["names"] = [{"unstructuredName": words}]
    if nickname is not None:
        fields["nicknames"] = [{"value": _line(nickname)}] if _line(nickname) else []
    if organization is not None or job_title is not None:
        own = list(person.fields.get("organizations", [])) if person else []
        first = dict(own[0]) if own else {}
        first |= {"name": _line(organization)} if organization is not None else {}
        first |= {"title": _line(job_title)} if job_title is not None else {}
        first = {part: value for part, value in first.items() if value}
        fields["organizations"] = ([first] if first.keys() - {"type", "current"} else []) + own[1:]
    if birthday is not None:
        fields["birthdays"] = [{"date": _date(birthday)}] if birthday else []
    if notes is not None:
        fields["biographies"] = [{"value": clean(notes, 20_000), "contentType": "TEXT_PLAIN"}] if clean(notes) else []
    return fields


def _lists(given: dict[str, Any]) -> Fields:
    return {field: [_item(field, each) for each in given[name]] for name, field in _LISTS.items() if given.get(name)}


def _item(field: str, typed: str) -> Item:
    """An item from words such as "work: carol@example.org"."""
    labelled = _LABEL.fullmatch(clean(typed))
    label, value = (labelled.group(1).strip(), labelled.group(2).strip()) if labelled else ("", clean(typed))
    if field == "emailAddresses" and not _ADDRESS.fullmatch(value):
        raise InvalidRequest("emails: give addresses such as carol@example.org or work: carol@example.org.")
    if field == "phoneNumbers" and not _PHONE.fullmatch(value):
        raise InvalidRequest("phones: give numbers such as +49 30 1234567 or mobile: +49 151 1234567.")
    if not value:
        raise InvalidRequest("An address, number or link is empty.")
    return {**_plain(field, value), **({"type": label.lower()} if label else {})}


def _plain(field: str, value: str) -> Item:
    return {_PARTS.get(field, "value"): value}


def _with(own: list[Item], more: list[Item], field: str) -> list[Item]:
    known = {key_of(field, each) for each in own}
    return [*own, *{key_of(field, each): each for each in more if key_of(field, each) not in known}.values()]


def _require_whole(person: Person, fields: Fields) -> None:
    if any(field in person.cut for field in fields):
        raise InvalidRequest("There is more in that contact than is kept here, so it must be changed at Google itself.")


def _line(value: str) -> str:
    return " ".join(clean(value, 500).split())


def _date(typed: str) -> dict[str, int]:
    found = _DAY.fullmatch(typed.strip())
    month, day = (int(found.group(2)), int(found.group(3))) if found else (0, 0)
    if found is None or not (1 <= month <= 12 and 1 <= day <= 31):
        raise InvalidRequest("birthday: give a day such as 1990-05-17, or --05-17 without the year.")
    return {**({"year": int(found.group(1))} if found.group(1) else {}), "month": month, "day": day}
