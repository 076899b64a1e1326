"""Pages and databases as the connector keeps them, made of Notion's objects; what is no such object is left out.

https://developers.notion.com/reference/page, /data-source and /page-property-values.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal, NamedTuple

__all__ = [
    "Kind",
    "Parent",
    "Property",
    "Thing",
    "clean",
    "id_of",
    "line_of",
    "parent_of",
    "person_of",
    "plain",
    "thing_of",
    "words_of",
]

Kind = Literal["page", "database"]
_MOST_PROPERTIES = 200
_MOST_OPTIONS = 200
_LONGEST = 2000
_NESTED = ("formula", "rollup")
_PARENTS = {"page_id": "page", "data_source_id": "database", "database_id": "database", "block_id": "block"}


class Parent(NamedTuple):
    """Where something lies: "page", "database", "block" or "workspace", with the id ("" for the workspace)."""

    kind: str = "workspace"
    id: str = ""


class Property(NamedTuple):
    """A column of a database: its type as Notion names it, and what may be chosen in it."""

    kind: str
    options: tuple[str, ...] = ()


class Thing(NamedTuple):
    """A page or a database. `words` are a page's properties as they are read, `schema` the columns of a database."""

    id: str
    kind: Kind
    title: str
    parent: Parent
    edited: str
    created: str
    url: str
    creator: str
    trashed: bool
    words: dict[str, str]
    schema: dict[str, Property]


def thing_of(raw: Any) -> Thing | None:
    """A page or data source; None for anything else."""
    if not isinstance(raw, dict) or raw.get("object") not in ("page", "data_source") or not (name := id_of(raw)):
        return None
    kind: Kind = "page" if raw["object"] == "page" else "database"
    listed = raw.get("properties")
    properties = {clean(key, 200): each for key, each in listed.items() if isinstance(each, dict)} if isinstance(
        listed, dict) else {}  # fmt: skip
    properties = dict(list(properties.items())[:_MOST_PROPERTIES])
    if kind == "page":
        title = next((plain(each.get("title")) for each in properties.values() if each.get("type") == "title"), "")
        words = {key: words_of(each) for key, each in properties.items() if each.get("type") != "title"}
        schema: dict[str, Property] = {}
    else:
        title, words = plain(raw.get("title")), {}
        schema = {key: _column(each) for key, each in properties.items()}
    above = raw.get("database_parent") if kind == "database" else None
    return Thing(
        name, kind, line_of(title), parent_of(above or raw.get("parent")),
        _text(raw, "last_edited_time"), _text(raw, "created_time"), _link(raw.get("url")),
        id_of(raw.get("created_by")) or "",
        bool(raw.get("in_trash") or raw.get("archived")), words, schema,
    )  # fmt: skip


def id_of(raw: Any) -> str | None:
    """The id of an object, or an id itself, in its one spelling; None where there is none."""
    found = raw.get("id") if isinstance(raw, dict) else raw
    try:
        return str(uuid.UUID(found)) if isinstance(found, str) else None
    except ValueError:
        return None


def line_of(words: str) -> str:
    """A title as it is kept and compared: one line, cut where it is too long."""
    return " ".join(clean(words, 20_000).split())[:500]


def parent_of(raw: Any) -> Parent:
    """Where something lies."""
    if not isinstance(raw, dict):
        return Parent()
    for field in ("data_source_id", "page_id", "block_id", "database_id"):
        if found := id_of(raw.get(field)):
            return Parent(_PARENTS[field], found)
    return Parent()


def plain(raw: Any) -> str:
    """The characters of rich text."""
    pieces = raw if isinstance(raw, list) else ()
    return clean("".join(_piece(each) for each in pieces if isinstance(each, dict)), 100_000)


def words_of(value: dict[str, Any]) -> str:
    """A property of a page as a person reads it; "" for none."""
    kind = value.get("type")
    found = value.get(kind) if isinstance(kind, str) else None
    return clean(_words(str(kind), found), _LONGEST)


def person_of(raw: Any) -> str:
    """The name of a user, or a mail address."""
    if not isinstance(raw, dict):
        return ""
    person = raw.get("person")
    mail = person.get("email") if isinstance(person, dict) else None
    name = raw.get("name")
    return clean(name if isinstance(name, str) and name else mail if isinstance(mail, str) else "", 200)


def clean(value: object, longest: int = _LONGEST) -> str:
    """A text without control characters, cut where it is too long."""
    kept = (each for each in str(value)[: longest * 2] if each in "\n\t" or (each.isprintable() or each == "\u00a0"))
    return "".join(kept)[:longest]


def _words(kind: str, found: Any) -> str:
    if found is None:
        return ""
    if kind in ("title", "rich_text"):
        return plain(found)
    if kind == "checkbox":
        return "yes" if found is True else "no"
    if isinstance(found, dict):
        return _inner_words(kind, found)
    if isinstance(found, list):
        named = (_named(each) or person_of(each) or (id_of(each) or "") for each in found[:_MOST_OPTIONS])
        return ", ".join(each for each in named if each)
    return str(found) if isinstance(found, str | int | float) else ""


def _inner_words(kind: str, found: dict[str, Any]) -> str:
    if kind in ("select", "status"):
        return _named(found)
    if kind == "date":
        return _date(found)
    if kind in ("created_by", "last_edited_by"):
        return person_of(found) or id_of(found) or ""
    if kind == "unique_id":
        return "-".join(str(each) for each in (found.get("prefix"), found.get("number")) if each is not None)
    return _computed(found) if kind in ("formula", "rollup") else ""


def _computed(found: dict[str, Any]) -> str:
    """What a formula or a rollup comes to; one inside another is not followed."""
    kind = str(found.get("type"))
    value = found.get(kind)
    if kind == "array" and isinstance(value, list):
        plain_ones = (
            each for each in value[:_MOST_OPTIONS] if isinstance(each, dict) and each.get("type") not in _NESTED
        )
        return ", ".join(filter(None, (words_of(each) for each in plain_ones)))
    if kind in _NESTED:
        return ""
    return _words("checkbox" if kind == "boolean" else kind, value)


def _date(found: dict[str, Any]) -> str:
    start, end = found.get("start"), found.get("end")
    return f"{start}/{end}" if isinstance(end, str) else start if isinstance(start, str) else ""


def _column(raw: dict[str, Any]) -> Property:
    kind = str(raw.get("type"))[:40]
    inner = raw.get(kind)
    listed = inner.get("options") if isinstance(inner, dict) else None
    names = (_named(each) for each in listed[:_MOST_OPTIONS]) if isinstance(listed, list) else ()
    return Property(kind, tuple(each for each in names if each))


def _named(raw: Any) -> str:
    name = raw.get("name") if isinstance(raw, dict) else None
    return clean(name, 200) if isinstance(name, str) else ""


def _piece(raw: dict[str, Any]) -> str:
    if isinstance(found := raw.get("plain_text"), str):
        return found
    inner = raw.get("text")
    content = inner.get("content") if isinstance(inner, dict) else None
    return content if isinstance(content, str) else ""


def _text(raw: dict[str, Any], name: str) -> str:
    found = raw.get(name)
    return found[:40] if isinstance(found, str) else ""


def _link(found: Any) -> str:
    return found[:500] if isinstance(found, str) and found.startswith("https://") else ""
