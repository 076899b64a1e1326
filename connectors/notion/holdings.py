"""What this connector holds of its user, by kind: pages as Markdown, databases, texts that were read, people, notes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from connectors.notion import mirror
from connectors.notion.things import Thing as Page
from openassistant.holdings import Kind, Thing
from openassistant.kinds import drop_from, fields, undo

__all__ = ["KINDS"]

_AT = "unixepoch(t.edited)"


def _page(connection: Connection, row: Thing) -> bytes:
    """A page: its properties in front, then the text as far as it was read, else the beginning that is kept."""
    page = mirror.thing_in(row.body)
    whole = mirror.text_of(connection, row.account, row.ref)
    head: dict[str, Any] = {
        "id": page.id,
        "title": page.title,
        "url": page.url,
        "created": page.created,
        "edited": page.edited,
    }
    head |= {"inside": " ".join(each for each in page.parent if each), "trashed": page.trashed}
    head |= {"properties": page.words} if page.words else {}
    head |= {} if whole is not None else {"missing": "the text beyond its beginning"}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()]
    words = row.excerpt if whole is None else whole
    front = "\n".join(("---", *lines, "---"))
    return f"{front}\n\n# {page.title}\n\n{words}\n".encode("utf-8", "replace")


def _database(connection: Connection, row: Thing) -> Mapping[str, Any]:
    found: Page = mirror.thing_in(row.body)
    columns = {name: {"kind": each.kind, "options": each.options} for name, each in found.schema.items()}
    return {"title": found.title, "url": found.url, "columns": columns}


def _drop_texts(connection: Connection, keys: Sequence[int]) -> None:
    """Takes the words of pages away, also out of the index; what is left of each are title and properties."""
    query = text("SELECT account, thing FROM notion_things WHERE id IN (SELECT value FROM json_each(:ids))")
    for row in connection.execute(query, {"ids": json.dumps(list(keys))}).all():
        mirror.drop_words(connection, row.account, row.thing)


def _drop_pages(connection: Connection, keys: Sequence[int]) -> None:
    query = text("SELECT account, thing FROM notion_things WHERE id IN (SELECT value FROM json_each(:ids))")
    for row in connection.execute(query, {"ids": json.dumps(list(keys))}).all():
        mirror.remove(connection, row.account, [row.thing])


def _things(kind: str) -> str:
    return (
        f"SELECT t.id AS key, t.account, {_AT} AS at, t.thing AS ref, t.title, t.body, t.excerpt"  # noqa: S608 - ours
        f" FROM notion_things t WHERE t.kind = '{kind}'"
    )


KINDS = (
    Kind("pages", rows=_things("page"), drop=_drop_pages, file=_page, suffix=".md", line=fields("title")),
    Kind("databases", rows=_things("database"), drop=_drop_pages, line=_database),
    Kind(
        "texts",
        rows=f"SELECT t.id AS key, t.account, {_AT} AS at, t.thing AS ref FROM notion_things t"  # noqa: S608 - ours
        " WHERE t.excerpt <> '' OR EXISTS"
        " (SELECT 1 FROM notion_texts x WHERE x.account = t.account AND x.thing = t.thing)",
        drop=_drop_texts,
    ),
    Kind(
        "people",
        rows="SELECT rowid AS key, account, NULL AS at, person AS ref, name FROM notion_people",
        drop=drop_from("notion_people.rowid"),
        line=fields("name"),
    ),
    undo("notion_changes", at="made", packed=("before", "wanted", "after"), names=("thing",)),
)
