"""The mirror of an account's contacts in the user's encrypted store.

All functions run inside a transaction of `Store.read` or `Store.write`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.google_contacts.people import Person, digits
from openassistant.holdings import left_out

__all__ = [
    "HELD_AS",
    "Change",
    "Group",
    "Listing",
    "added_at",
    "changes",
    "count",
    "drop_kind",
    "find",
    "forget",
    "group_members",
    "groups",
    "keep_listing",
    "listing",
    "people",
    "person_in",
    "person_with",
    "put",
    "put_groups",
    "remove",
    "sweep",
    "with_id",
]

_WORD = re.compile(r"[^\W_]", re.UNICODE)
_PLACE = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"[\d\s()+./-]+")
_MOST_WORDS = 12
_LONGEST_WORD = 100
_MOST_LOGGED = 5000
_FEWEST_DIGITS = 4
HELD_AS = {"contact": "contacts", "other": "collected"}
"""What the lists are called where it is said what is held."""


class Listing(NamedTuple):
    """How far a list was read: the sync token, the page to go on at with when that was, the pass, and if ever whole."""

    token: str = ""
    page: str = ""
    page_at: str = ""
    round: int = 0
    complete: bool = False


class Group(NamedTuple):
    """A contact group; `own` when the owner made it, `members` how many contacts of the mirror are in it."""

    id: str
    name: str
    own: bool
    members: int = 0


class Change(NamedTuple):
    """A contact that was "added", "changed" or "deleted" at Google, as a sync saw it at a time (ISO 8601)."""

    at: str
    what: str
    id: str
    name: str


def listing(connection: Connection, account: str, kind: str) -> Listing:
    """How far a list was read."""
    row = connection.execute(
        text("SELECT token, page, page_at, round, complete FROM gcontacts_lists WHERE account = :a AND kind = :k"),
        {"a": account, "k": kind},
    ).one_or_none()
    return Listing._make(row)._replace(complete=bool(row.complete)) if row else Listing()


def keep_listing(connection: Connection, account: str, kind: str, found: Listing) -> None:
    """Keeps how far a list was read."""
    connection.execute(
        text(
            "INSERT OR REPLACE INTO gcontacts_lists (account, kind, token, page, page_at, round, complete)"
            " VALUES (:account, :kind, :token, :page, :page_at, :round, :complete)"
        ),
        {"account": account, "kind": kind, **found._asdict()},
    )


def put(
    connection: Connection, account: str, found: Iterable[Person], *, now: str, turn: int = 0, log: bool = False
) -> list[str]:
    """Writes people, new or over older ones; gives the ids of those that are new or not as they were.

    Who was not changed since their owner had that time forgotten is left out.
    """
    touched = []
    spans = {kind: left_out(connection, account, name) for kind, name in HELD_AS.items()}
    for person in found:
        if spans[person.kind].hold(_changed_at(person)):
            continue
        kept = json.dumps(person._replace(marks=(), previous=())._asdict(), ensure_ascii=False)
        row: dict[str, Any] = {
            "account": account, "kind": person.kind, "resource": person.id, "name": person.name[:300],
            "numbers": _numbers(person), "digest": _digest(person), "person": kept, "now": now, "round": turn,
        }  # fmt: skip
        was = connection.execute(
            text(
                "SELECT id, digest FROM gcontacts_people"
                " WHERE account = :account AND kind = :kind AND resource = :resource"
            ),
            row,
        ).one_or_none()
        if was is None:
            row["id"] = connection.execute(
                text(
                    "INSERT INTO gcontacts_people"
                    " (account, kind, resource, name, numbers, digest, person, added, round)"
                    " VALUES (:account, :kind, :resource, :name, :numbers, :digest, :person, :now, :round) RETURNING id"
                ),
                row,
            ).scalar_one()
        else:
            row["id"] = was.id
            connection.execute(
                text(
                    "UPDATE gcontacts_people SET name = :name, numbers = :numbers, digest = :digest, person = :person,"
                    " round = :round WHERE id = :id"
                ),
                row,
            )
        if was is not None and was.digest == row["digest"]:
            continue
        _index(connection, int(row["id"]), person, fresh=was is None)
        touched.append(person.id)
        if log and person.kind == "contact":
            _log(connection, account, Change(now, "changed" if was else "added", person.id, person.name[:300]))
    return touched


def remove(
    connection: Connection, account: str, kind: str, ids: Iterable[str], *, now: str = "", log: bool = False
) -> None:
    """Deletes people from the mirror."""
    for each in ids:
        row = connection.execute(
            text("DELETE FROM gcontacts_people WHERE account = :a AND kind = :k AND resource = :r RETURNING id, name"),
            {"a": account, "k": kind, "r": each},
        ).one_or_none()
        if row is None:
            continue
        _unindex(connection, row.id)
        if log and kind == "contact":
            _log(connection, account, Change(now, "deleted", each, row.name))


def sweep(connection: Connection, account: str, kind: str, *, turn: int, now: str, log: bool) -> None:
    """Deletes the people that a whole pass did not meet."""
    query = text("SELECT resource FROM gcontacts_people WHERE account = :a AND kind = :k AND round < :r")
    gone = list(connection.scalars(query, {"a": account, "k": kind, "r": turn}))
    remove(connection, account, kind, gone, now=now, log=log)


def drop_kind(connection: Connection, account: str, kind: str) -> None:
    """Deletes a list of an account, and how far it was read."""
    query = text("SELECT resource FROM gcontacts_people WHERE account = :a AND kind = :k")
    remove(connection, account, kind, list(connection.scalars(query, {"a": account, "k": kind})))
    connection.execute(text("DELETE FROM gcontacts_lists WHERE account = :a AND kind = :k"), {"a": account, "k": kind})


def with_id(connection: Connection, account: str, kind: str, name: str) -> Person | None:
    """The person with that id."""
    query = text("SELECT person FROM gcontacts_people WHERE account = :a AND kind = :k AND resource = :r")
    found = connection.scalars(query, {"a": account, "k": kind, "r": name}).one_or_none()
    return person_in(found) if found else None


def added_at(connection: Connection, account: str, name: str) -> str:
    """When a contact came into the mirror (ISO 8601); "" when it is not there."""
    query = text("SELECT added FROM gcontacts_people WHERE account = :a AND kind = 'contact' AND resource = :r")
    return connection.scalars(query, {"a": account, "r": name}).one_or_none() or ""


def find(connection: Connection, account: str, kind: str, query: str, *, limit: int) -> list[Person]:
    """The people who hold all words of a query, each as the beginning of a word, or its number; the best first."""
    ids: list[int] = []
    if match := _match(query):
        rows = connection.execute(
            text(
                "SELECT p.id FROM gcontacts_search s CROSS JOIN gcontacts_people p ON p.id = s.rowid"
                " WHERE gcontacts_search MATCH :match AND p.account = :a AND p.kind = :k"
                " ORDER BY bm25(gcontacts_search, 8.0, 4.0, 4.0, 1.0), p.name COLLATE NOCASE LIMIT :limit"
            ),
            {"match": match, "a": account, "k": kind, "limit": limit},
        )
        ids = [row.id for row in rows]
    number = digits(query) if _NUMBER.fullmatch(query) else ""
    if len(number) >= _FEWEST_DIGITS and len(ids) < limit:
        rows = connection.execute(
            text(
                "SELECT id FROM gcontacts_people WHERE account = :a AND kind = :k AND numbers LIKE :like LIMIT :limit"
            ),
            {"a": account, "k": kind, "like": f"%{number}%", "limit": limit},
        )
        ids += [row.id for row in rows]
    return _with_ids(connection, list(dict.fromkeys(ids))[:limit])


def person_with(connection: Connection, account: str, key: str, *, besides: str = "") -> list[Person]:
    """The contacts that have exactly this mail address."""
    found = find(connection, account, "contact", key, limit=20)
    return [
        each for each in found
        if each.id != besides and key.casefold() in (address.casefold() for address in each.values("emailAddresses"))
    ]  # fmt: skip


def people(
    connection: Connection, account: str, kind: str, *, group: str = "", after: str = "", limit: int
) -> list[tuple[str, Person]]:
    """People by name, from behind a place on (as it stands beside each of them); `ValueError` for what is no place."""
    name, _, number = after.rpartition("\n")
    if after and not _PLACE.fullmatch(number):
        raise ValueError("no place in a list")
    inside = "AND p.id IN (SELECT person FROM gcontacts_members WHERE team = :team)" if group else ""
    beyond = "AND (lower(p.name), p.id) > (:name, :id)" if after else ""
    rows = connection.execute(
        text(
            "SELECT p.id, lower(p.name) AS place, p.person FROM gcontacts_people p"  # noqa: S608 - ours
            f" WHERE p.account = :a AND p.kind = :k {inside} {beyond} ORDER BY lower(p.name), p.id LIMIT :limit"
        ),
        {"a": account, "k": kind, "team": group, "name": name, "id": int(number or 0), "limit": limit},
    )
    return [(f"{row.place}\n{row.id}", person_in(row.person)) for row in rows]


def count(connection: Connection, account: str, kind: str) -> int:
    """How many people a list has."""
    query = text("SELECT count(*) FROM gcontacts_people WHERE account = :a AND kind = :k")
    return int(connection.scalars(query, {"a": account, "k": kind}).one())


def put_groups(connection: Connection, account: str, found: Sequence[Group]) -> None:
    """Keeps the groups that there are."""
    connection.execute(text("DELETE FROM gcontacts_groups WHERE account = :a"), {"a": account})
    rows = [{"account": account, "resource": each.id, "name": each.name, "own": each.own} for each in found]
    if rows:
        connection.execute(
            text(
                "INSERT OR REPLACE INTO gcontacts_groups (account, resource, name, own)"
                " VALUES (:account, :resource, :name, :own)"
            ),
            rows,
        )


def groups(connection: Connection, account: str) -> list[Group]:
    """The groups by name, with how many contacts of the mirror are in each."""
    rows = connection.execute(
        text(
            "SELECT g.resource, g.name, g.own, (SELECT count(*) FROM gcontacts_members m JOIN gcontacts_people p"
            " ON p.id = m.person WHERE m.team = g.resource AND p.account = g.account) AS members"
            " FROM gcontacts_groups g WHERE g.account = :a ORDER BY g.own DESC, g.name COLLATE NOCASE"
        ),
        {"a": account},
    )
    return [Group(row.resource, row.name, bool(row.own), row.members) for row in rows]


def group_members(connection: Connection, account: str, group: str) -> set[str]:
    """The ids of the contacts in a group."""
    query = text(
        "SELECT p.resource FROM gcontacts_members m JOIN gcontacts_people p ON p.id = m.person"
        " WHERE m.team = :g AND p.account = :a"
    )
    return set(connection.scalars(query, {"g": group, "a": account}))


def changes(connection: Connection, account: str, *, since: str, limit: int) -> list[Change]:
    """What syncs saw change from a time on, newest first."""
    rows = connection.execute(
        text(
            "SELECT at, what, resource, name FROM gcontacts_log WHERE account = :a AND at >= :since"
            " ORDER BY at DESC, id DESC LIMIT :limit"
        ),
        {"a": account, "since": since, "limit": limit},
    )
    return [Change._make(row) for row in rows]


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    for kind in ("contact", "other"):
        drop_kind(connection, account, kind)
    for table in ("gcontacts_groups", "gcontacts_log", "gcontacts_changes"):
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": account})  # noqa: S608 - ours


def _index(connection: Connection, row: int, person: Person, *, fresh: bool) -> None:
    if not fresh:
        _unindex(connection, row)
    first = ("names", "nicknames", "emailAddresses", "phoneNumbers")
    names = " ".join(words for field in ("names", "nicknames") for words in person.values(field))
    spoken = (str(each.get(part, "")) for each in person.fields.get("names", ()) for part in each if "phonetic" in part)
    rest = " ".join(words for field in person.fields if field not in first for words in person.values(field))
    connection.execute(
        text("INSERT INTO gcontacts_search (rowid, name, mails, numbers, rest) VALUES (:id, :name, :mails, :n, :rest)"),
        {
            "id": row,
            "name": " ".join((names, *spoken)),
            "mails": " ".join(person.values("emailAddresses")),
            "n": " ".join(person.values("phoneNumbers")),
            "rest": rest,
        },
    )
    rows = [{"person": row, "team": each} for each in dict.fromkeys(person.groups)]
    if rows:
        connection.execute(text("INSERT INTO gcontacts_members (person, team) VALUES (:person, :team)"), rows)


def _unindex(connection: Connection, row: int) -> None:
    connection.execute(text("DELETE FROM gcontacts_search WHERE rowid = :id"), {"id": row})
    connection.execute(text("DELETE FROM gcontacts_members WHERE person = :id"), {"id": row})


def _log(connection: Connection, account: str, change: Change) -> None:
    connection.execute(
        text("INSERT INTO gcontacts_log (account, at, what, resource, name) VALUES (:account, :at, :what, :id, :name)"),
        {"account": account, **change._asdict()},
    )
    connection.execute(
        text("DELETE FROM gcontacts_log WHERE account = :a AND id <= (SELECT max(id) FROM gcontacts_log) - :most"),
        {"a": account, "most": _MOST_LOGGED},
    )


def _with_ids(connection: Connection, ids: Sequence[int]) -> list[Person]:
    rows = connection.execute(
        text("SELECT id, person FROM gcontacts_people WHERE id IN (SELECT value FROM json_each(:ids))"),
        {"ids": json.dumps(list(ids))},
    )
    found = {row.id: person_in(row.person) for row in rows}
    return [found[each] for each in ids if each in found]


def _match(query: str) -> str:
    """The query for FTS5: each word as the beginning of a word; "" when there is no word in it."""
    words = [each.replace('"', " ")[:_LONGEST_WORD] for each in query.split() if _WORD.search(each)]
    return " AND ".join(f'"{word}" *' for word in words[:_MOST_WORDS])


def _changed_at(person: Person) -> datetime | None:
    try:
        return datetime.fromisoformat(person.updated)
    except ValueError:
        return None


def _numbers(person: Person) -> str:
    given = person.fields.get("phoneNumbers", ())
    return " ".join(digits(str(each.get(part, ""))) for each in given for part in ("value", "canonicalForm"))


def _digest(person: Person) -> str:
    kept = json.dumps([person.fields, sorted(person.groups)], sort_keys=True)
    return hashlib.sha256(kept.encode()).hexdigest()


def person_in(kept: str) -> Person:
    """The person in a row."""
    found = json.loads(kept)
    lists = {name: tuple(found[name]) for name in ("groups", "cut", "previous", "marks")}
    return Person(**{**found, **lists})
