"""What the tools give back. A contact's words may be others': copied from a mail, a card that was sent, an app."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from connectors.google_contacts.mirror import Group
from connectors.google_contacts.people import Person, shown
from openassistant.connector import OutsideText
from openassistant.messages import OutsideSource, PreviewField

__all__ = [
    "LABELS", "ChangeList", "ChangeView", "ContactDetails", "ContactList", "ContactSaved", "ContactView", "GroupList",
    "GroupView", "details_of", "group_view", "rows_of", "source_of", "view_of",
]  # fmt: skip

LABELS = {
    "names": "Name", "nicknames": "Nickname", "emailAddresses": "Mail", "phoneNumbers": "Phone", "addresses": "Address",
    "organizations": "Organisation", "birthdays": "Birthday", "events": "Days", "relations": "Relations",
    "urls": "Web", "biographies": "Notes",
}  # fmt: skip
_SOURCES = {"contact": "a contact", "other": "an address that Google collected"}
_MOST = 10


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContactView(_View):
    """A contact in short. `id` is what the other tools take."""

    id: str
    name: OutsideText
    emails: list[OutsideText] = []
    phones: list[OutsideText] = []
    organization: OutsideText | None = None


class ContactList(_View):
    """Contacts; `note` says when there may be more, `next` goes on from there."""

    contacts: list[ContactView]
    next: str = ""
    note: str = ""


class ContactDetails(ContactView):
    """A contact in full: every field by its label, and the groups it is in, by id."""

    details: dict[str, list[OutsideText]]
    groups: list[str]
    note: str = ""


class ContactSaved(_View):
    """A contact as Google took it; `kept` names the fields that were left as they are."""

    id: str
    changed: list[str] = []
    kept: list[str] = []
    note: str = ""


class GroupView(_View):
    """A contact group; `own` when the owner made it. Contacts can be added to own ones, myContacts and starred."""

    id: str
    name: OutsideText
    own: bool
    contacts: int


class GroupList(_View):
    """The groups, own ones first."""

    groups: list[GroupView]


class ChangeView(_View):
    """A contact that was added, changed or deleted; `time` is when it was noticed here, ISO 8601."""

    time: str
    what: str
    id: str
    name: OutsideText


class ChangeList(_View):
    """What changed, newest first; `note` says what is missing."""

    changes: list[ChangeView]
    note: str = ""


def view_of(person: Person) -> ContactView:
    """A contact in short."""
    return ContactView(**_short(person))


def details_of(person: Person) -> ContactDetails:
    """A contact in full."""
    note = "Not all of it is kept here; look at Google for the rest." if person.cut else ""
    details = {
        LABELS[field]: [_outside(person, _labelled(field, each)) for each in items if shown(field, each)]
        for field, items in person.fields.items()
    }
    return ContactDetails(**_short(person), details=details, groups=list(person.groups), note=note)


def group_view(group: Group) -> GroupView:
    """A group, whose name may have come in with a file or by an app."""
    name = OutsideText(text=group.name, source="a contact group")
    return GroupView(id=group.id, name=name, own=group.own, contacts=group.members)


def rows_of(person: Person) -> tuple[PreviewField, ...]:
    """A contact in the rows of a preview."""
    rows = [PreviewField(label="Contact", value=person.name or "(no name)")]
    for field in person.fields:
        words = person.values(field)
        if field != "names" and words:
            rows.append(PreviewField(label=LABELS[field], value="; ".join(words)[:2000]))
    return tuple(rows)


def source_of(person: Person) -> OutsideSource:
    """Where a contact's words come from."""
    addresses = tuple(each.lower() for each in person.values("emailAddresses")[:_MOST])
    return OutsideSource(source=_SOURCES[person.kind], authors=addresses if person.kind == "other" else ())


def _short(person: Person) -> dict[str, object]:
    organizations = person.values("organizations")
    return {
        "id": person.id,
        "name": _outside(person, person.name or "(no name)"),
        "emails": [_outside(person, each) for each in person.values("emailAddresses")[:_MOST]],
        "phones": [_outside(person, each) for each in person.values("phoneNumbers")[:_MOST]],
        "organization": _outside(person, organizations[0]) if organizations else None,
    }


def _outside(person: Person, words: str) -> OutsideText:
    source = source_of(person)
    return OutsideText(text=words, source=source.source, authors=source.authors)


def _labelled(field: str, item: dict[str, object]) -> str:
    words = shown(field, item)
    plain = field in ("names", "events", "relations", "biographies", "organizations")
    return words if plain or not item.get("type") else f"{item['type']}: {words}"
