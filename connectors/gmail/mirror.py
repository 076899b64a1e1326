"""The mirror of a mailbox in the user's encrypted store: what mails there are, and what was read of them.

All functions run inside a transaction of `Store.read` or `Store.write`. A listing of everything is a *round*: rows
that a finished round did not see are gone from the mailbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.gmail.letters import Letter
from openassistant.errors import InvalidRequest, NotFound
from openassistant.formats.addresses import Address
from openassistant.formats.approvals import Known
from openassistant.formats.files import Attached
from openassistant.formats.message import Attachment
from openassistant.holdings import left_out

__all__ = [
    "Account",
    "Filter",
    "Label",
    "account",
    "count",
    "drop",
    "files",
    "find",
    "forget",
    "known_addresses",
    "known_ids",
    "label_named",
    "labels",
    "letter",
    "letter_in",
    "letters",
    "note_files",
    "note_text",
    "own_addresses",
    "put",
    "reindex",
    "set_account",
    "set_labels",
    "set_labels_of",
    "sweep",
    "text_of",
    "written_to",
]

_WORD = re.compile(r"\w+")
_MOST_WORDS = 20
_THESE = "(SELECT value FROM json_each(:ids))"
_INDEX = text(
    "INSERT INTO gmail_search (rowid, subject, sender, recipients, body)"
    " VALUES (:row, :subject, :sender, :recipients, :body)"
)
_TABLES = (
    "gmail_texts", "gmail_files", "gmail_labels", "gmail_written", "gmail_changes", "gmail_drafts", "gmail_outgoing",
    "gmail_acts", "gmail_accounts",
)  # fmt: skip


class Account(NamedTuple):
    """How far the sync of an account is.

    `history`: where changes go on from. `page`: where an unfinished listing goes on from. `complete`: everything was
    listed once. `total`: how many mails Gmail says there are.
    """

    address: str = ""
    history: str = ""
    page: str = ""
    round: int = 0
    complete: bool = False
    total: int = 0


class Label(NamedTuple):
    """A label; `type` is system or user."""

    id: str
    name: str
    type: str


class Filter(NamedTuple):
    """What narrows a search of the mirror; `label` is an id, times are milliseconds."""

    sender: str = ""
    recipient: str = ""
    label: str = ""
    attached: bool | None = None
    unread: bool | None = None
    flagged: bool | None = None
    since: int = 0
    until: int = 1 << 62


def account(connection: Connection, owner: str) -> Account:
    """What is known of an account's sync; the beginning where there was none."""
    query = text(f"SELECT {', '.join(Account._fields)} FROM gmail_accounts WHERE account = :a")  # noqa: S608 - ours
    row = connection.execute(query, {"a": owner}).one_or_none()
    found = Account._make(row) if row else Account()
    return found._replace(complete=bool(found.complete))


def set_account(connection: Connection, owner: str, found: Account) -> None:
    """Notes how far the sync is."""
    names = Account._fields
    statement = (
        f"INSERT OR REPLACE INTO gmail_accounts (account, {', '.join(names)})"  # noqa: S608 - ours
        f" VALUES (:account, {', '.join(f':{name}' for name in names)})"
    )
    connection.execute(text(statement), {"account": owner, **found._asdict()})


def put(connection: Connection, owner: str, some: Iterable[Letter], *, round: int) -> None:  # noqa: A002 - the word
    """Writes mails, new or over older ones. What is sent counts as written to its recipients: Gmail says what is.

    What its owner had forgotten is left out, whole or its words alone.
    """
    out, wordless = (left_out(connection, owner, kind) for kind in ("mails", "texts"))
    held = (each for each in some if not out.hold(each.date))
    new = {each.id: each._replace(excerpt="") if wordless.hold(each.date) else each for each in held}
    if not new:
        return
    ids = {"a": owner, "ids": json.dumps(list(new))}
    these = f"FROM gmail_messages WHERE account = :a AND id IN {_THESE}"
    connection.execute(text(f"DELETE FROM gmail_search WHERE rowid IN (SELECT row {these})"), ids)  # noqa: S608 - ours
    connection.execute(text(f"DELETE {these}"), ids)
    connection.execute(
        text(
            "INSERT INTO gmail_messages (account, id, thread, labels, time, size, sender, sender_name, people,"
            " message_id, links, subject, excerpt, attachments, list_id, problem, round) VALUES (:account, :id,"
            " :thread, :labels, :time, :size, :sender, :sender_name, :people, :message_id, :links, :subject, :excerpt,"
            " :attachments, :list_id, :problem, :round)"
        ),
        [_row(owner, each, round) for each in new.values()],
    )
    found = connection.execute(text(f"SELECT row, id {these}"), ids).all()
    connection.execute(_INDEX, [_words(row, new[id_]) for row, id_ in found])
    _count_recipients(connection, owner, new.values())


def set_labels_of(connection: Connection, owner: str, borne: Mapping[str, Collection[str]]) -> None:
    """Writes the labels that mails bear, by the ids of the mails; a mail that is not known is left out."""
    rows = [{"a": owner, "id": id_, "labels": json.dumps(sorted(some))} for id_, some in borne.items()]
    if rows:
        connection.execute(text("UPDATE gmail_messages SET labels = :labels WHERE account = :a AND id = :id"), rows)


def drop(connection: Connection, owner: str, ids: Iterable[str]) -> None:
    """Takes mails out of the mirror, with what was read of them."""
    values = {"a": owner, "ids": json.dumps(list(ids))}
    these = f"FROM gmail_messages WHERE account = :a AND id IN {_THESE}"
    connection.execute(text(f"DELETE FROM gmail_search WHERE rowid IN (SELECT row {these})"), values)  # noqa: S608 - ours
    connection.execute(text(f"DELETE {these}"), values)
    for table in ("gmail_texts", "gmail_files", "gmail_written"):
        statement = f"DELETE FROM {table} WHERE account = :a AND message IN {_THESE}"  # noqa: S608 - ours
        connection.execute(text(statement), values)


def sweep(connection: Connection, owner: str, *, round: int) -> None:  # noqa: A002 - the word
    """Takes out what a finished round did not see."""
    query = text("SELECT id FROM gmail_messages WHERE account = :a AND round < :round")
    drop(connection, owner, connection.execute(query, {"a": owner, "round": round}).scalars().all())


def count(connection: Connection, owner: str) -> int:
    """How many mails the mirror holds."""
    query = text("SELECT count(*) FROM gmail_messages WHERE account = :a")
    return int(connection.execute(query, {"a": owner}).scalar_one())


def known_ids(connection: Connection, owner: str, ids: Iterable[str], *, round: int = 0) -> set[str]:  # noqa: A002 - the word
    """Which of these mails the mirror holds, seen in that round or later."""
    query = text(f"SELECT id FROM gmail_messages WHERE account = :a AND round >= :round AND id IN {_THESE}")  # noqa: S608 - ours
    return set(connection.scalars(query, {"a": owner, "round": round, "ids": json.dumps(list(ids))}))


def letter(connection: Connection, owner: str, id: str) -> Letter:  # noqa: A002 - it is called so
    """The mail with that id; raises `NotFound`."""
    found = letters(connection, owner, [id])
    if not found:
        raise NotFound("No mail with that id is known here. Find it with messages_search first.")
    return found[0]


def letters(connection: Connection, owner: str, ids: Sequence[str]) -> list[Letter]:
    """The mails with these ids that are known, in that order."""
    query = text(f"SELECT * FROM gmail_messages WHERE account = :a AND id IN {_THESE}")  # noqa: S608 - ours
    rows = connection.execute(query, {"a": owner, "ids": json.dumps(list(ids))})
    found = {row.id: letter_in(row) for row in rows}
    return [found[each] for each in dict.fromkeys(ids) if each in found]


def find(connection: Connection, owner: str, query: str, narrowed: Filter, *, limit: int) -> list[Letter]:
    """The mails in whose headers or beginnings all words occur, newest first; spam and trash only where named."""
    condition, values = ["m.account = :a", "m.time >= :since", "m.time < :until"], dict[str, Any]()
    terms = [f'"{word[:100]}"*' for word in _WORD.findall(query)[:_MOST_WORDS]]
    if query.strip() and not terms:
        return []
    for column, value in (("sender", narrowed.sender), ("recipients", narrowed.recipient)):
        terms += [f'{column} : "{word[:100]}"*' for word in _WORD.findall(value)[:_MOST_WORDS]]
    if terms:
        condition.append("m.row IN (SELECT rowid FROM gmail_search WHERE gmail_search MATCH :match)")
        values["match"] = " AND ".join(terms)
    for label, wanted in (("UNREAD", narrowed.unread), ("STARRED", narrowed.flagged)):
        if wanted is not None:
            condition.append(f"{'' if wanted else 'NOT '}{_bears(label.lower())}")
            values[label.lower()] = label
    if narrowed.label:
        condition.append(_bears("label"))
        values["label"] = narrowed.label
    else:
        condition.append(f"NOT {_bears('spam')} AND NOT {_bears('trash')}")
        values |= {"spam": "SPAM", "trash": "TRASH"}
    if narrowed.attached is not None:
        condition.append(f"m.attachments {'!=' if narrowed.attached else '='} '[]'")
    statement = (
        f"SELECT m.* FROM gmail_messages m WHERE {' AND '.join(condition)}"  # noqa: S608 - no value is in it
        " ORDER BY m.time DESC, m.row DESC LIMIT :limit"
    )
    span = {"since": narrowed.since, "until": narrowed.until, "limit": limit}
    return [letter_in(row) for row in connection.execute(text(statement), {"a": owner, **span, **values})]


def note_text(connection: Connection, owner: str, message: str, found: str) -> None:
    """Remembers the text of a mail that was read, unless its owner had that forgotten."""
    if not (known := letters(connection, owner, [message])) or _is_wordless(connection, owner, known[0]):
        return
    statement = text("INSERT OR REPLACE INTO gmail_texts (account, message, text) VALUES (:a, :message, :text)")
    connection.execute(statement, {"a": owner, "message": message, "text": found})


def reindex(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    """Puts mails into the index anew, as their rows have them."""
    connection.execute(text("DELETE FROM gmail_search WHERE rowid = :row"), [{"row": row.row} for row in rows])
    connection.execute(_INDEX, [_words(row.row, letter_in(row)) for row in rows])


def _is_wordless(connection: Connection, owner: str, of: Letter) -> bool:
    return left_out(connection, owner, "texts").hold(of.date)


def text_of(connection: Connection, owner: str, message: str) -> str | None:
    """The text of a mail; None when it was never read."""
    query = text("SELECT text FROM gmail_texts WHERE account = :a AND message = :message")
    found = connection.execute(query, {"a": owner, "message": message}).scalar_one_or_none()
    return None if found is None else str(found)


def note_files(connection: Connection, owner: str, message: str, some: Sequence[Attached]) -> None:
    """Remembers the files of a mail."""
    values = {"account": owner, "message": message}
    connection.execute(text("DELETE FROM gmail_files WHERE account = :account AND message = :message"), values)
    statement = (
        "INSERT INTO gmail_files (account, message, number, name, type, size, sha256)"
        " VALUES (:account, :message, :number, :name, :type, :size, :sha256)"
    )
    if some:
        connection.execute(text(statement), [{**values, **each._asdict()} for each in some])


def files(connection: Connection, owner: str, message: str) -> tuple[Attached, ...]:
    """What was remembered of a mail's files; empty when they were never read."""
    query = text(
        "SELECT number, name, type, size, sha256 FROM gmail_files WHERE account = :a AND message = :m ORDER BY number"
    )
    return tuple(Attached(*row) for row in connection.execute(query, {"a": owner, "m": message}))


def set_labels(connection: Connection, owner: str, some: Iterable[Label]) -> None:
    """Writes the labels that there are."""
    connection.execute(text("DELETE FROM gmail_labels WHERE account = :a"), {"a": owner})
    rows = [{"a": owner, **each._asdict()} for each in {each.id: each for each in some}.values()]
    if rows:
        connection.execute(
            text("INSERT INTO gmail_labels (account, id, name, type) VALUES (:a, :id, :name, :type)"), rows
        )


def labels(connection: Connection, owner: str) -> list[Label]:
    """The labels that there are, Gmail's own first."""
    query = text("SELECT id, name, type FROM gmail_labels WHERE account = :a ORDER BY type = 'user', lower(name)")
    return [Label(*row) for row in connection.execute(query, {"a": owner})]


def label_named(connection: Connection, owner: str, name: str) -> Label:
    """The label that a person means, by its name or id; raises `NotFound`, or `InvalidRequest` where none is known."""
    known, wanted = labels(connection, owner), name.strip().casefold()
    wanted = {"junk": "spam", "bin": "trash", "drafts": "draft"}.get(wanted, wanted)
    for each in known:
        if wanted in (each.name.casefold(), each.id.casefold()):
            return each
    if not known:
        raise InvalidRequest("The labels are not known here yet: the mailbox is still being read.")
    raise NotFound(f"There is no label {name[:60]!r}; labels_list names those that there are.")


def written_to(connection: Connection, owner: str, address: str) -> Known:
    """How often sent mail went to an address."""
    query = text("SELECT count(*) AS times, max(time) AS last FROM gmail_written WHERE account = :a AND address = :to")
    row = connection.execute(query, {"a": owner, "to": address}).one()
    return Known(row.times, datetime.fromtimestamp(row.last / 1000, UTC) if row.last else None)


def known_addresses(connection: Connection, owner: str) -> list[str]:
    """The addresses that the owner wrote to, at most 5,000."""
    query = text("SELECT DISTINCT address FROM gmail_written WHERE account = :a LIMIT 5000")
    return list(connection.scalars(query, {"a": owner}))


def own_addresses(connection: Connection, owner: str) -> set[str]:
    """The addresses that the owner sent mail from; at most 50."""
    query = text(
        f"SELECT DISTINCT m.sender FROM gmail_messages m WHERE m.account = :a AND {_bears('sent')}"  # noqa: S608 - ours
        " AND m.sender != '' LIMIT 50"
    )
    return set(connection.scalars(query, {"a": owner, "sent": "SENT"}))


def forget(connection: Connection, owner: str) -> None:
    """Deletes everything that is held of an account."""
    query = text("SELECT id FROM gmail_messages WHERE account = :a")
    drop(connection, owner, connection.execute(query, {"a": owner}).scalars().all())
    for table in _TABLES:
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": owner})  # noqa: S608 - ours


def _bears(parameter: str) -> str:
    """The condition that a mail bears the label in a parameter."""
    return f"EXISTS (SELECT 1 FROM json_each(m.labels) WHERE value = :{parameter})"  # noqa: S608 - ours


def _row(owner: str, each: Letter, round: int) -> dict[str, Any]:  # noqa: A002 - the word
    people = {name: getattr(each, name) for name in ("reply_to", "to", "cc", "bcc", "followup")}
    plain = {name: getattr(each, name) for name in ("id", "thread", "time", "size", "subject", "excerpt", "list_id")}
    return {
        **plain,
        "account": owner,
        "round": round,
        "labels": json.dumps(each.labels),
        "sender": each.sender.address,
        "sender_name": each.sender.name,
        "people": json.dumps(people),
        "message_id": each.message_id,
        "links": json.dumps(each.references),
        "attachments": json.dumps(each.attachments),
        "problem": each.problem,
    }


def _words(row: int, each: Letter) -> dict[str, Any]:
    return {
        "row": row,
        "subject": each.subject,
        "sender": each.sender.shown,
        "recipients": ", ".join(person.shown for person in (*each.to, *each.cc)),
        "body": " ".join([each.excerpt, *(file.name for file in each.attachments)]),
    }


def _count_recipients(connection: Connection, owner: str, some: Iterable[Letter]) -> None:
    rows = [
        {"a": owner, "address": person.address, "message": each.id, "time": each.time}
        for each in some
        if "SENT" in each.labels
        for person in (*each.to, *each.cc)
        if person.address
    ]
    statement = "INSERT OR IGNORE INTO gmail_written (account, address, message, time)"
    if rows:
        connection.execute(text(f"{statement} VALUES (:a, :address, :message, :time)"), rows)


def letter_in(row: Row[Any]) -> Letter:
    """The mail in a row."""
    people = {name: tuple(Address(*each) for each in some) for name, some in json.loads(row.people).items()}
    return Letter(
        id=row.id,
        thread=row.thread,
        labels=tuple(json.loads(row.labels)),
        time=row.time,
        size=row.size,
        sender=Address(row.sender, row.sender_name),
        message_id=row.message_id,
        references=tuple(json.loads(row.links)),
        subject=row.subject,
        excerpt=row.excerpt,
        attachments=tuple(Attachment(*each) for each in json.loads(row.attachments)),
        list_id=row.list_id,
        problem=row.problem,
        **people,
    )
