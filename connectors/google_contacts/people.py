"""A person of the People API, checked and bounded: from Google's JSON to what is kept, and back to what is written.

https://developers.google.com/people/api/rest/v1/people: each field is a list; names, biographies and birthdays hold at
most one item. Only what a contact itself holds is taken: what its Google profile says was written by somebody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = [
    "CONTACT_MASK",
    "FIELDS",
    "ID",
    "OTHER_MASK",
    "SINGLE",
    "Item",
    "Person",
    "clean",
    "day_of",
    "digits",
    "group_id",
    "key_of",
    "person_of",
    "shown",
    "writable",
]

ID = r"^[A-Za-z0-9_-]{1,60}$"
Item = dict[str, Any]

FIELDS: dict[str, tuple[str, ...]] = {
    "names": (
        "unstructuredName", "givenName", "familyName", "middleName", "honorificPrefix", "honorificSuffix",
        "phoneticGivenName", "phoneticFamilyName", "phoneticMiddleName", "phoneticFullName", "displayName",
    ),
    "nicknames": ("value", "type"),
    "emailAddresses": ("value", "type", "displayName"),
    "phoneNumbers": ("value", "type", "canonicalForm"),
    "addresses": (
        "formattedValue", "type", "streetAddress", "extendedAddress", "poBox", "postalCode", "city", "region",
        "country", "countryCode",
    ),
    "organizations": (
        "name", "title", "department", "type", "current", "domain", "location", "jobDescription", "startDate",
        "endDate", "symbol", "costCenter", "phoneticName",
    ),
    "birthdays": ("date", "text"),
    "events": ("date", "type"),
    "relations": ("person", "type"),
    "urls": ("value", "type"),
    "biographies": ("value", "contentType"),
}  # fmt: skip
"""The fields that are kept and may be written, each with its parts."""
SINGLE = {"names", "biographies", "birthdays"}
CONTACT_MASK = ",".join((*FIELDS, "memberships", "metadata"))
OTHER_MASK = "names,emailAddresses,phoneNumbers,metadata"

_ID = re.compile(ID)
_SOURCES = {"contact": ("CONTACT",), "other": ("OTHER_CONTACT", "CONTACT")}
"""Where a field of either kind may come from; never from a profile."""
_OUTPUT = {"displayName": ("names",), "canonicalForm": ("phoneNumbers",)}
"""Parts that Google makes by itself and does not take."""
_LONGEST_PART, _LONGEST_NOTES = 2000, 20_000
_MOST_ITEMS = 100
"""So many of a field a list gives at most (Person.emailAddresses); of one that is longer the rest is not known."""
_MOST_BYTES = 64_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Person(NamedTuple):
    """A contact, or a collected address. `id` is without its prefix, `kind` "contact" or "other".

    `etag` is the person's, `source_etag` and `source` those of the contact itself. `cut` are fields of which not
    everything is kept, so that they must not be written back. `previous` are ids that it had before.
    """

    id: str
    kind: str
    etag: str
    source: str
    source_etag: str
    updated: str
    fields: dict[str, list[Item]]
    groups: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    deleted: bool = False
    previous: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How it is called: by name, nickname, organisation, address or number; "" for nothing of all that."""
        for field in ("names", "nicknames", "organizations", "emailAddresses", "phoneNumbers"):
            if found := self.values(field):
                return found[0]
        return ""

    def values(self, field: str) -> list[str]:
        """A field's items in words."""
        return [words for each in self.fields.get(field, ()) if (words := shown(field, each))]


def person_of(raw: Any, kind: str = "contact") -> Person | None:
    """The person in Google's JSON; None where there is none that can be named."""
    if not isinstance(raw, Mapping):
        return None
    prefix = "people/" if kind == "contact" else "otherContacts/"
    if (found := _suffix(raw.get("resourceName"), prefix)) is None:
        return None
    metadata = _mapping(raw.get("metadata"))
    wanted = _SOURCES[kind]
    source = next((each for each in _mappings(metadata.get("sources")) if each.get("type") in wanted), {})
    fields, cut = _fields(raw, wanted)
    groups = (_mapping(each.get("contactGroupMembership")) for each in _mappings(raw.get("memberships")))
    return Person(
        id=found,
        kind=kind,
        etag=_text(raw.get("etag"), 500),
        source=_text(source.get("id"), 200),
        source_etag=_text(source.get("etag"), 500),
        updated=_text(source.get("updateTime"), 40),
        fields=fields,
        groups=tuple(found for each in groups if (found := group_id(each.get("contactGroupResourceName")))),
        cut=cut,
        deleted=metadata.get("deleted") is True,
        previous=tuple(
            found for each in _sequence(metadata.get("previousResourceNames")) if (found := _suffix(each, prefix))
        ),
        marks=tuple(
            f"{_text(each.get('key'), 100)}={_text(each.get('value'), 100)}"
            for each in _mappings(raw.get("clientData"))[:_MOST_ITEMS]
        ),
    )


def group_id(name: Any) -> str:
    """The id in a group's resource name; "" where it is none."""
    return _suffix(name, "contactGroups/") or ""


def writable(field: str, items: Iterable[Item]) -> list[Item]:
    """A field as Google takes it: without what it makes by itself; the parts of a name before the name as a whole."""
    written = []
    for each in items:
        item = {part: value for part, value in each.items() if field not in _OUTPUT.get(part, ())}
        if field == "names" and any(part in item for part in ("givenName", "familyName", "middleName")):
            item.pop("unstructuredName", None)
        if field == "addresses" and any(part in item for part in ("streetAddress", "city", "postalCode", "poBox")):
            item.pop("formattedValue", None)
        written.append(item)
    return written


def shown(field: str, item: Mapping[str, Any]) -> str:
    """An item in one line of words (notes and addresses keep theirs)."""
    if field == "names":
        parts = (item.get(part, "") for part in ("givenName", "middleName", "familyName"))
        return str(item.get("displayName") or item.get("unstructuredName") or " ".join(each for each in parts if each))
    if field == "organizations":
        return ", ".join(str(item[part]) for part in ("title", "department", "name") if item.get(part))
    if field == "addresses":
        whole = item.get("formattedValue")
        parts = (item.get(part, "") for part in ("streetAddress", "postalCode", "city", "region", "country"))
        return str(whole or ", ".join(each for each in parts if each))
    if field in ("birthdays", "events"):
        day = day_of(item.get("date")) or str(item.get("text", ""))
        return f"{item['type']}: {day}" if field == "events" and item.get("type") else day
    if field == "relations":
        who = str(item.get("person", ""))
        return f"{item['type']}: {who}" if item.get("type") and who else who
    return str(item.get("value", ""))


def key_of(field: str, item: Mapping[str, Any]) -> str:
    """What makes two items the same: an address without case, a number by its digits, other words without spaces."""
    words = shown(field, item)
    if field == "phoneNumbers":
        return digits(str(item.get("canonicalForm") or words)) or words.casefold()
    if field == "urls":
        words = words.removeprefix("https://").removeprefix("http://").rstrip("/")
    return " ".join(re.split(r"[\s,]+", words.casefold())).strip()


def digits(number: str) -> str:
    """The digits of a telephone number, without the zeros or the 00 before a country's code."""
    return "".join(each for each in number if each.isdecimal()).lstrip("0")


def clean(value: str, longest: int = _LONGEST_PART) -> str:
    """A text without control and direction characters, bounded."""
    return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))[:longest].strip()


def _fields(raw: Mapping[str, Any], wanted: tuple[str, ...]) -> tuple[dict[str, list[Item]], tuple[str, ...]]:
    found: dict[str, list[Item]] = {}
    cut: list[str] = []
    room = _MOST_BYTES
    for field, parts in FIELDS.items():
        given = [each for each in _mappings(raw.get(field)) if _is_of(each, wanted)]
        items, whole = _items(field, parts, given[:_MOST_ITEMS])
        size = len(json.dumps(items))
        if not whole or len(given) >= _MOST_ITEMS or size > room:
            cut.append(field)
        if items and size <= room:
            found[field] = items[:1] if field in SINGLE else items
            room -= size
    return found, tuple(cut)


def _items(field: str, parts: Sequence[str], given: Sequence[Mapping[str, Any]]) -> tuple[list[Item], bool]:
    """The items with what is kept of them, and whether that is everything."""
    items, whole = [], True
    longest = _LONGEST_NOTES if field == "biographies" else _LONGEST_PART
    for each in given:
        item: Item = {}
        for part in parts:
            value = each.get(part)
            if isinstance(value, str) and value:
                item[part] = clean(value, longest)
                whole = whole and len(value) <= longest
            elif isinstance(value, bool):
                item[part] = value
            elif part.endswith(("date", "Date")) and isinstance(value, Mapping):
                numbers = ((name, value.get(name)) for name in ("year", "month", "day"))
                item[part] = {name: n for name, n in numbers if isinstance(n, int) and 0 < n <= 9999}
        if any(part not in ("type", "contentType", "current") for part in item):
            items.append(item)
    return items, whole


def _is_of(item: Mapping[str, Any], wanted: tuple[str, ...]) -> bool:
    source = _mapping(_mapping(item.get("metadata")).get("source"))
    return source.get("type", wanted[0]) in wanted


def day_of(value: Any) -> str:
    """A day as ISO 8601, without its year ("--05-17") where there is none."""
    if not isinstance(value, Mapping):
        return ""
    year, month, day = (value.get(each) or 0 for each in ("year", "month", "day"))
    if month and day:
        return f"{year:04d}-{month:02d}-{day:02d}" if year else f"--{month:02d}-{day:02d}"
    return f"{year:04d}-{month:02d}" if year and month else f"{year:04d}" if year else ""


def _suffix(name: Any, prefix: str) -> str | None:
    if not isinstance(name, str) or not name.startswith(prefix):
        return None
    found = name.removeprefix(prefix)
    return found if _ID.fullmatch(found) else None


def _text(value: Any, longest: int) -> str:
    return clean(value, longest) if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in _sequence(value) if isinstance(each, Mapping)]
