"""What this connector holds of its user, by kind: contacts as cards, collected addresses, groups, changes, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from connectors.google_contacts import mirror
from connectors.google_contacts.people import Item, day_of
from openassistant.formats.vcf import Card, Entry, vcf
from openassistant.holdings import Kind, Thing
from openassistant.kinds import changes, drop_from, fields, undo

__all__ = ["KINDS"]

_TYPES = {"home": "home", "work": "work", "mobile": "cell", "homeFax": "fax", "workFax": "fax", "pager": "pager"}
_GROUPS = text(
    "SELECT g.name FROM gcontacts_members m JOIN gcontacts_groups g ON g.resource = m.team AND g.account = :account"
    " WHERE m.person = :person ORDER BY g.name"
)


def _card(connection: Connection, row: Thing) -> bytes:
    """A person as a card, with everything that is kept of them."""
    person = mirror.person_in(row.person)
    groups = connection.scalars(_GROUPS, {"account": row.account, "person": row.key}).all()
    items = [(read, item) for field, read in _READERS.items() for item in person.fields.get(field, ())]
    entries = [entry for read, item in items for entry in read(item)]
    if groups:
        entries.append(Entry("CATEGORIES", ",".join(each.replace(",", " ") for each in groups), raw=True))
    if person.updated:
        entries.append(Entry("REV", person.updated.replace("-", "").replace(":", "").partition(".")[0] + "Z", raw=True))
    return vcf(Card(person.id, person.name, entries))


def _line(connection: Connection, row: Thing) -> Mapping[str, Any]:
    return {"name": row.name, "cut": list(mirror.person_in(row.person).cut)}


def _name(item: Item) -> Iterator[Entry]:
    parts = ("familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
    yield Entry("N", [str(item.get(part, "")) for part in parts])


def _kind(item: Item) -> dict[str, str]:
    return {"TYPE": _TYPES.get(str(item.get("type", "")), "")}


def _valued(name: str) -> Any:
    def read(item: Item) -> Iterator[Entry]:
        yield Entry(name, str(item.get("value", "")), _kind(item))

    return read


def _address(item: Item) -> Iterator[Entry]:
    parts = ("poBox", "extendedAddress", "streetAddress", "city", "region", "postalCode", "country")
    found = [str(item.get(part, "")) for part in parts]
    whole = str(item.get("formattedValue", ""))
    yield Entry("ADR", found if any(found) else ["", "", whole, "", "", "", ""], _kind(item))


def _organization(item: Item) -> Iterator[Entry]:
    if item.get("name") or item.get("department"):
        yield Entry("ORG", [str(item.get("name", "")), str(item.get("department", ""))])
    yield Entry("TITLE", str(item.get("title", "")))
    yield Entry("ROLE", str(item.get("jobDescription", "")))


def _birthday(item: Item) -> Iterator[Entry]:
    if found := day_of(item.get("date")):
        yield Entry("BDAY", _date(found), raw=True)
    elif item.get("text"):
        yield Entry("BDAY", str(item["text"]), {"VALUE": "text"})


def _event(item: Item) -> Iterator[Entry]:
    if found := day_of(item.get("date")):
        name = "ANNIVERSARY" if item.get("type") == "anniversary" else "X-EVENT"
        yield Entry(name, _date(found), {"X-LABEL": str(item.get("type", ""))} if name == "X-EVENT" else {}, raw=True)


def _date(day: str) -> str:
    """A day as cards have it: 19850412, --0412, 1985-04, 1985."""
    if day.startswith("--"):
        return f"--{day[2:].replace('-', '')}"
    return day if day.count("-") == 1 else day.replace("-", "")


def _relation(item: Item) -> Iterator[Entry]:
    yield Entry("RELATED", str(item.get("person", "")), {"VALUE": "text", "X-LABEL": str(item.get("type", ""))})


def _url(item: Item) -> Iterator[Entry]:
    yield Entry("URL", str(item.get("value", "")), _kind(item), raw=True)


_READERS = {
    "names": _name,
    "nicknames": _valued("NICKNAME"),
    "emailAddresses": _valued("EMAIL"),
    "phoneNumbers": _valued("TEL"),
    "addresses": _address,
    "organizations": _organization,
    "birthdays": _birthday,
    "events": _event,
    "relations": _relation,
    "urls": _url,
    "biographies": _valued("NOTE"),
}


def _people(name: str, kind: str) -> Kind:
    return Kind(
        name,
        rows="SELECT id AS key, account, unixepoch(coalesce(nullif(person ->> 'updated', ''), added)) AS at,"  # noqa: S608 - ours
        f" resource AS ref, name, person FROM gcontacts_people WHERE kind = '{kind}'",
        drop=drop_from("gcontacts_search.rowid", "gcontacts_members.person", "gcontacts_people.id"),
        file=_card,
        suffix=".vcf",
        line=_line,
    )


KINDS = (
    *(_people(name, kind) for kind, name in mirror.HELD_AS.items()),
    Kind(
        "groups",
        rows="SELECT rowid AS key, account, NULL AS at, resource AS ref, name, own FROM gcontacts_groups",
        drop=drop_from("gcontacts_groups.rowid"),
        line=fields("name", "own"),
    ),
    changes("gcontacts_log", key="id", at="unixepoch(t.at)", names=("what", "resource", "name")),
    undo("gcontacts_changes", at="made", packed=("before", "wanted"), names=("resource", "after")),
)
