"""The mirror of a workspace in the user's encrypted store: what is shared, texts that were read, people.

All functions run inside a transaction of `Store.read` or `Store.write`. A whole text is kept only of a page that was
read for a turn, the newest of them; of every other page the beginning, and the index over its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.notion.things import Kind, Parent, Property, Thing
from openassistant.holdings import left_out

__all__ = [
    "Found", "State", "below", "databases", "drop_text", "drop_words", "find", "forget", "keep_people", "keep_state",
    "keep_text", "missed", "old_changes", "people", "put", "put_excerpt", "remove", "state_of", "text_of", "thing_in",
    "total", "unindexed", "with_id",
]  # fmt: skip

_WORD = re.compile(r"[^\W_]", re.UNICODE)
_MOST_WORDS = 12
_LONGEST_WORD = 100
_EXCERPT = 300
_INDEXED = 20_000
"""Characters of a text that can be found."""
_MOST_TEXTS = 200
"""Whole texts that are kept of an account."""


class State(NamedTuple):
    """How far the workspace was read.

    `newest` is the last change that a pass saw; `cursor` where a whole pass goes on that began at `begun_newest`;
    `whole_at` when one ended.
    """

    cursor: str = ""
    cursor_at: str = ""
    newest: str = ""
    begun_newest: str = ""
    whole_at: str = ""
    round: int = 0
    complete: bool = False


class Found(NamedTuple):
    """A thing with the beginning of its text."""

    thing: Thing
    excerpt: str


def state_of(connection: Connection, account: str) -> State:
    """How far the workspace was read."""
    query = text(
        "SELECT cursor, cursor_at, newest, begun_newest, whole_at, round, complete FROM notion_state WHERE account = :a"
    )
    row = connection.execute(query, {"a": account}).one_or_none()
    return State._make(row)._replace(complete=bool(row.complete)) if row else State()


def keep_state(connection: Connection, account: str, state: State) -> None:
    """Keeps how far the workspace was read."""
    connection.execute(
        text(
            "INSERT OR REPLACE INTO notion_state"
            " (account, cursor, cursor_at, newest, begun_newest, whole_at, round, complete)"
            " VALUES (:account, :cursor, :cursor_at, :newest, :begun_newest, :whole_at, :round, :complete)"
        ),
        {"account": account, **state._asdict()},
    )


def put(connection: Connection, account: str, found: Iterable[Thing], *, turn: int = 0) -> list[str]:
    """Writes things, new or over older ones; gives the ids of those that are new or not as they were.

    What was not edited since its owner had that time forgotten is left out.
    """
    touched = []
    spans = {kind: left_out(connection, account, f"{kind}s") for kind in ("page", "database")}
    for thing in found:
        if spans[thing.kind].hold(_edited_at(thing)):
            continue
        row: dict[str, Any] = {
            "account": account, "thing": thing.id, "kind": thing.kind, "title": thing.title, "edited": thing.edited,
            "body": json.dumps(thing._asdict(), ensure_ascii=False), "round": turn,
        }  # fmt: skip
        query = text("SELECT id, body, round FROM notion_things WHERE account = :account AND thing = :thing")
        was = connection.execute(query, row).one_or_none()
        if was is None:
            insert = text(
                "INSERT INTO notion_things (account, thing, kind, title, edited, body, excerpt, indexed, round)"
                " VALUES (:account, :thing, :kind, :title, :edited, :body, '', '', :round) RETURNING id"
            )
            row["id"] = connection.execute(insert, row).scalar_one()
            _index(connection, row["id"], thing, "")
        elif was.body == row["body"]:
            row |= {"id": was.id, "round": max(turn, was.round)}
            connection.execute(text("UPDATE notion_things SET round = :round WHERE id = :id"), row)
            continue
        else:
            row |= {"id": was.id, "round": max(turn, was.round)}
            update = text(
                "UPDATE notion_things SET title = :title, edited = :edited, body = :body, round = :round WHERE id = :id"
            )
            connection.execute(update, row)
            if _title_and_words(thing) != _title_and_words(thing_in(was.body)):
                connection.execute(text("UPDATE notion_things SET indexed = '' WHERE id = :id"), row)
                _index(connection, was.id, thing, "")
        touched.append(thing.id)
    return touched


def put_excerpt(connection: Connection, account: str, name: str, words: str, *, edited: str) -> None:
    """Keeps the beginning of a text as it was at an edit, and makes its words found."""
    query = text("SELECT id, body FROM notion_things WHERE account = :a AND thing = :t")
    row = connection.execute(query, {"a": account, "t": name}).one_or_none()
    if row is None:
        return
    if left_out(connection, account, "texts").hold(_edited_at(thing_in(row.body))):
        words = ""
    excerpt = " ".join(words[: _EXCERPT * 4].split())[:_EXCERPT]
    connection.execute(
        text("UPDATE notion_things SET excerpt = :excerpt, indexed = :edited WHERE id = :id"),
        {"excerpt": excerpt, "edited": edited, "id": row.id},
    )
    _index(connection, row.id, thing_in(row.body), words[:_INDEXED])


def remove(connection: Connection, account: str, names: Iterable[str]) -> None:
    """Deletes things from the mirror."""
    for each in names:
        query = text("DELETE FROM notion_things WHERE account = :a AND thing = :t RETURNING id")
        row = connection.execute(query, {"a": account, "t": each}).one_or_none()
        if row is not None:
            connection.execute(text("DELETE FROM notion_search WHERE rowid = :id"), {"id": row.id})
        drop_text(connection, account, each)


def with_id(connection: Connection, account: str, name: str) -> Thing | None:
    """The page or database with that id."""
    query = text("SELECT body FROM notion_things WHERE account = :a AND thing = :t")
    found = connection.scalars(query, {"a": account, "t": name}).one_or_none()
    return thing_in(found) if found else None


def find(connection: Connection, account: str, query: str, *, limit: int) -> list[Found]:
    """What holds all words of a query, each as the beginning of a word; titles count most, then what is newer."""
    if not (match := _match(query)):
        return []
    rows = connection.execute(
        text(
            "SELECT t.body, t.excerpt FROM (SELECT s.rowid AS id, bm25(notion_search, 8.0, 1.0) AS rank"
            " FROM notion_search s CROSS JOIN notion_things o ON o.id = s.rowid"
            " WHERE notion_search MATCH :match AND o.account = :a ORDER BY rank LIMIT :most) f"
            " JOIN notion_things t ON t.id = f.id ORDER BY f.rank, t.edited DESC LIMIT :limit"
        ),
        {"match": match, "a": account, "limit": limit, "most": limit * 4},
    )
    return [_found(row) for row in rows]


def databases(connection: Connection, account: str, *, limit: int) -> list[Thing]:
    """The databases, by title."""
    query = text(
        "SELECT body FROM notion_things WHERE account = :a AND kind = 'database'"
        " ORDER BY title COLLATE NOCASE, id LIMIT :limit"
    )
    return [thing_in(each) for each in connection.scalars(query, {"a": account, "limit": limit})]


def total(connection: Connection, account: str) -> int:
    """How many pages and databases there are."""
    query = text("SELECT count(*) FROM notion_things WHERE account = :a")
    return int(connection.scalars(query, {"a": account}).one())


def below(connection: Connection, account: str, name: str) -> int:
    """How many pages and databases lie right below one."""
    query = text("SELECT count(*) FROM notion_things WHERE account = :a AND body ->> '$.parent[1]' = :t")
    return int(connection.scalars(query, {"a": account, "t": name}).one())


def missed(connection: Connection, account: str, *, turn: int, limit: int) -> list[str]:
    """Things that a whole pass did not meet."""
    query = text("SELECT thing FROM notion_things WHERE account = :a AND round < :turn ORDER BY id LIMIT :limit")
    return list(connection.scalars(query, {"a": account, "turn": turn, "limit": limit}))


def unindexed(connection: Connection, account: str, *, limit: int) -> list[Thing]:
    """Pages whose text was not looked at since they changed, the newest first."""
    query = text(
        "SELECT body FROM notion_things WHERE account = :a AND kind = 'page' AND indexed <> edited"
        " ORDER BY edited DESC, id DESC LIMIT :limit"
    )
    return [thing_in(each) for each in connection.scalars(query, {"a": account, "limit": limit})]


def keep_text(connection: Connection, account: str, name: str, words: str, *, now: datetime) -> None:
    """Keeps the whole text of a page that was read; the oldest ones go."""
    connection.execute(
        text("INSERT OR REPLACE INTO notion_texts (account, thing, text, read_at) VALUES (:a, :t, :text, :now)"),
        {"a": account, "t": name, "text": words, "now": now.isoformat()},
    )
    connection.execute(
        text(
            "DELETE FROM notion_texts WHERE account = :a AND thing NOT IN"
            " (SELECT thing FROM notion_texts WHERE account = :a ORDER BY read_at DESC LIMIT :most)"
        ),
        {"a": account, "most": _MOST_TEXTS},
    )


def text_of(connection: Connection, account: str, name: str) -> str | None:
    """The text of a page as it was read last; None where it was not."""
    query = text("SELECT text FROM notion_texts WHERE account = :a AND thing = :t")
    return connection.scalars(query, {"a": account, "t": name}).one_or_none()


def drop_text(connection: Connection, account: str, name: str) -> None:
    """Forgets the text of a page."""
    query = text("DELETE FROM notion_texts WHERE account = :a AND thing = :t")
    connection.execute(query, {"a": account, "t": name})


def drop_words(connection: Connection, account: str, name: str) -> None:
    """Forgets the words of a page as it is now, in full, in their beginning, and in the index."""
    drop_text(connection, account, name)
    query = text(
        "UPDATE notion_things SET excerpt = '', indexed = edited WHERE account = :a AND thing = :t RETURNING id, body"
    )
    for row in connection.execute(query, {"a": account, "t": name}).all():
        _index(connection, row.id, thing_in(row.body), "")


def keep_people(connection: Connection, account: str, found: Mapping[str, str]) -> None:
    """Keeps the names of people, by id."""
    rows = [{"a": account, "p": each, "n": name} for each, name in found.items()]
    if rows:
        connection.execute(
            text("INSERT OR REPLACE INTO notion_people (account, person, name) VALUES (:a, :p, :n)"), rows
        )


def people(connection: Connection, account: str) -> dict[str, str]:
    """The names of people, by id."""
    query = text("SELECT person, name FROM notion_people WHERE account = :a")
    return {row.person: row.name for row in connection.execute(query, {"a": account})}


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    ids = {"a": account}
    connection.execute(
        text("DELETE FROM notion_search WHERE rowid IN (SELECT id FROM notion_things WHERE account = :a)"), ids
    )
    for table in ("notion_state", "notion_things", "notion_texts", "notion_people", "notion_changes"):
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), ids)  # noqa: S608 - ours


def old_changes(connection: Connection, account: str, *, now: datetime, days: int) -> None:
    """Deletes notes of changes that nobody will ask for any more."""
    query = text("DELETE FROM notion_changes WHERE account = :a AND made < :before")
    connection.execute(query, {"a": account, "before": (now - timedelta(days=days)).isoformat()})


def _edited_at(thing: Thing) -> datetime | None:
    try:
        return datetime.fromisoformat(thing.edited)
    except ValueError:
        return None


def _index(connection: Connection, row: int, thing: Thing, words: str) -> None:
    title, rest = _title_and_words(thing)
    connection.execute(text("DELETE FROM notion_search WHERE rowid = :id"), {"id": row})
    connection.execute(
        text("INSERT INTO notion_search (rowid, title, text) VALUES (:id, :title, :text)"),
        {"id": row, "title": title, "text": f"{rest} {words}"},
    )


def _title_and_words(thing: Thing) -> tuple[str, str]:
    return thing.title, " ".join([*thing.words.values(), *thing.schema])


def _match(query: str) -> str:
    """The query for FTS5: each word as the beginning of a word; "" when there is no word in it."""
    words = [each.replace('"', " ")[:_LONGEST_WORD] for each in query.split() if _WORD.search(each)]
    return " AND ".join(f'"{word}" *' for word in words[:_MOST_WORDS])


def _found(row: Row[Any]) -> Found:
    return Found(thing_in(row.body), row.excerpt)


def thing_in(body: str) -> Thing:
    """The thing in a row."""
    found = json.loads(body)
    kind: Kind = found["kind"]
    schema = {name: Property(each[0], tuple(each[1])) for name, each in found["schema"].items()}
    return Thing(**{**found, "kind": kind, "parent": Parent(*found["parent"]), "schema": schema})
