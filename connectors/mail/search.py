"""Reading the mirror: full-text search newest first, threads, and what is known of the people written to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.mail.folders import Folder
from connectors.mail.imap import Flag
from connectors.mail.message import Attachment
from connectors.mail.mirror import time_of
from openassistant.errors import NotFound
from openassistant.formats.addresses import Address
from openassistant.formats.approvals import Known
from openassistant.mails.folders import folder_meant
from openassistant.mails.query import Query, phrase

__all__ = [
    "Counted",
    "Found",
    "Known",
    "find",
    "folder_named",
    "folders",
    "known_addresses",
    "message",
    "own_addresses",
    "texts",
    "thread",
    "with_message_id",
    "with_subject",
    "written_to",
]

_ROLES = {"spam": "junk", "bin": "trash"}
_A_SECOND = 1_000_000
"""Ids are microseconds since 1970."""
_FIELDS = "m.*, f.path AS folder_path, f.name AS folder_name, f.role AS folder_role, f.uidvalidity"
_SELECT = f"SELECT {_FIELDS} FROM mail_messages m JOIN mail_folders f ON f.id = m.folder"  # noqa: S608 - two constants


class Found(NamedTuple):
    """A message of the mirror, without its text."""

    id: int
    folder: Folder
    folder_id: int
    uidvalidity: int
    uid: int
    message_id: str
    thread: int
    sender: Address
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    references: tuple[str, ...]
    subject: str
    excerpt: str
    attachments: tuple[Attachment, ...]
    flags: int
    state: str
    bcc: tuple[Address, ...] = ()
    followup: tuple[Address, ...] = ()
    list_id: str = ""
    unsubscribe: str = ""
    one_click: bool = False
    problem: str = ""
    invitation: str = ""

    @property
    def date(self) -> datetime:
        """When it was sent."""
        return time_of(self.id)


class Counted(NamedTuple):
    """A folder with the numbers of the mirror; `complete` when every mail in it was read once."""

    name: str
    role: str
    mails: int
    unread: int
    complete: bool


def find(
    connection: Connection, account: str, query: Query, *, limit: int, place: bytes | None = None, loose: bool = False
) -> list[Found]:
    """At most `limit` messages, newest first; of copies in several folders one. Spam and trash only when asked for.

    `place` is the path of the one folder to look in. `loose` finds those where the most and rarest of the words occur
    (bm25), newest first again.
    """
    match = query.loose if loose else query.match
    source = "mail_search CROSS JOIN mail_messages m ON m.id = mail_search.rowid" if match else "mail_messages m"
    order = "mail_search.rowid" if match else "m.id"
    statement = (
        f"SELECT {_FIELDS} FROM {source} CROSS JOIN mail_folders f ON f.id = m.folder"  # noqa: S608 - no value is in it
        f" WHERE {_conditions(query, match, place)} AND {order} >= :since AND {order} < :until"
        f" ORDER BY {'mail_search.rank' if match and loose else f'{order} DESC'} LIMIT :limit"
    )
    rows = connection.execute(
        text(statement),
        {
            "account": account,
            "match": match,
            "place": place,
            "since": query.since * _A_SECOND,
            "until": query.until * _A_SECOND,
            "limit": 2 * limit,
        },
    )
    return sorted(_without_copies(_found(row) for row in rows)[:limit], key=lambda found: -found.id)


def message(connection: Connection, account: str, name: str) -> Found:
    """The message with that id; raises `NotFound`."""
    row = None
    if name.isascii() and name.isdigit() and len(name) < 19:
        row = connection.execute(
            text(f"{_SELECT} WHERE m.id = :id AND m.account = :account"), {"id": int(name), "account": account}
        ).one_or_none()
    if row is None:
        raise NotFound("There is no mail with that id in this mailbox. Take the id from messages_search.")
    return _found(row)


def with_message_id(connection: Connection, account: str, message_id: str) -> Found | None:
    """The newest mail with a Message-ID that the mirror holds."""
    query = text(f"{_SELECT} WHERE m.message_id = :name AND m.account = :account ORDER BY m.id DESC LIMIT 1")
    row = connection.execute(query, {"name": message_id, "account": account}).one_or_none()
    return _found(row) if row else None


def thread(connection: Connection, account: str, number: int, *, limit: int) -> list[Found]:
    """The newest `limit` messages of a thread, oldest first, without drafts and copies."""
    rows = connection.execute(
        text(f"{_SELECT} WHERE m.thread = :thread AND m.account = :account ORDER BY m.id DESC LIMIT :limit"),
        {"thread": number, "account": account, "limit": 2 * limit},
    )
    kept = _without_copies(each for each in map(_found, rows) if not each.flags & (Flag.DRAFT | Flag.DELETED))
    return kept[:limit][::-1]


def with_subject(
    connection: Connection, account: str, subject: str, *, since: datetime, until: datetime, limit: int
) -> list[Found]:
    """Mails of a time with these words in their subject, wherever they lie but in spam, trash and drafts."""
    term = phrase("subject", subject)
    if not term:
        return []
    statement = (
        f"SELECT {_FIELDS} FROM mail_search CROSS JOIN mail_messages m ON m.id = mail_search.rowid"  # noqa: S608 - ours
        " CROSS JOIN mail_folders f ON f.id = m.folder WHERE mail_search MATCH :match AND m.account = :account"
        f" AND mail_search.rowid BETWEEN :since AND :until AND NOT m.flags & {Flag.DELETED | Flag.DRAFT}"
        " AND f.role NOT IN ('junk', 'trash', 'drafts') ORDER BY mail_search.rowid DESC LIMIT :limit"
    )
    span = {name: int(moment.timestamp()) * _A_SECOND for name, moment in (("since", since), ("until", until))}
    rows = connection.execute(text(statement), {"account": account, "match": term, "limit": limit, **span})
    return [_found(row) for row in rows]


def texts(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """The texts of messages by id."""
    rows = connection.execute(
        text("SELECT message, text FROM mail_texts WHERE message IN (SELECT value FROM json_each(:ids))"),
        {"ids": json.dumps(list(ids))},
    )
    return {row.message: row.text for row in rows}


def written_to(connection: Connection, account: str, address: str) -> Known:
    """How often mail in the folder of sent mail went to an address."""
    row = connection.execute(
        text(
            "SELECT count(*) AS times, max(message) AS last FROM mail_written"
            " WHERE account = :account AND address = :address"
        ),
        {"account": account, "address": address},
    ).one()
    return Known(row.times, time_of(row.last) if row.last else None)


def known_addresses(connection: Connection, account: str) -> list[str]:
    """The addresses that the owner wrote to, at most 5,000."""
    query = text("SELECT DISTINCT address FROM mail_written WHERE account = :account LIMIT 5000")
    return list(connection.scalars(query, {"account": account}))


def own_addresses(connection: Connection, account: str) -> set[str]:
    """The addresses that the owner sent mail from, as the folder of sent mail shows; at most 50."""
    query = text(
        "SELECT DISTINCT m.sender FROM mail_messages m JOIN mail_folders f ON f.id = m.folder"
        " WHERE m.account = :account AND f.role = 'sent' AND m.sender != '' LIMIT 50"
    )
    return set(connection.scalars(query, {"account": account}))


def folders(connection: Connection, account: str) -> list[Counted]:
    """The folders by name, those with a role first."""
    rows = connection.execute(
        text(
            "SELECT f.name, f.role, f.complete, count(m.id) AS mails,"  # noqa: S608 - two numbers are in it
            f" coalesce(sum(NOT m.flags & {Flag.SEEN}), 0) AS unread FROM mail_folders f"
            f" LEFT JOIN mail_messages m ON m.folder = f.id AND NOT m.flags & {Flag.DELETED}"
            " WHERE f.account = :account GROUP BY f.id ORDER BY f.role = '', lower(f.name)"
        ),
        {"account": account},
    )
    return [Counted(row.name, row.role, row.mails, row.unread, bool(row.complete)) for row in rows]


def folder_named(connection: Connection, account: str, name: str) -> Folder:
    """The folder that a person means, by its name, its role ("trash") or its last part; raises `NotFound`."""
    rows = connection.execute(
        text("SELECT path, name, role FROM mail_folders WHERE account = :account ORDER BY length(name)"),
        {"account": account},
    )
    known = [Folder(row.path, row.name, row.role) for row in rows]
    wanted = name.strip().casefold()
    return folder_meant(known, name, role=_ROLES.get(wanted, wanted), separators="[/.]")


def _conditions(query: Query, match: str, place: bytes | None) -> str:
    conditions = ["m.account = :account", f"NOT m.flags & {Flag.DELETED}"]
    if match:
        conditions.append("mail_search MATCH :match")
    conditions.append("f.role NOT IN ('junk', 'trash')" if place is None else "f.path = :place")
    if query.unread is not None:
        conditions.append(f"{'NOT ' if query.unread else ''}m.flags & {Flag.SEEN}")
    if query.flagged is not None:
        conditions.append(f"{'' if query.flagged else 'NOT '}m.flags & {Flag.FLAGGED}")
    if query.attached is not None:
        conditions.append(f"m.attachments {'!=' if query.attached else '='} '[]'")
    if query.invites:
        conditions.append("m.invitation != ''")
    return " AND ".join(conditions)


def _without_copies(found: Iterable[Found]) -> list[Found]:
    kept: dict[object, Found] = {}
    for each in found:
        kept.setdefault(each.message_id or each.id, each)
    return list(kept.values())


def _found(row: Row[Any]) -> Found:
    people = json.loads(row.people)
    return Found(
        id=row.id,
        folder=Folder(row.folder_path, row.folder_name, row.folder_role),
        folder_id=row.folder,
        uidvalidity=row.uidvalidity,
        uid=row.uid,
        message_id=row.message_id,
        thread=row.thread,
        sender=Address(row.sender, row.sender_name),
        reply_to=_addresses(people["reply_to"]),
        to=_addresses(people["to"]),
        cc=_addresses(people["cc"]),
        references=tuple(json.loads(row.links)),
        subject=row.subject,
        excerpt=row.excerpt,
        attachments=tuple(Attachment(*each) for each in json.loads(row.attachments)),
        flags=row.flags,
        state=row.state,
        bcc=_addresses(people["bcc"]),
        followup=_addresses(people["followup"]),
        list_id=row.list_id,
        unsubscribe=row.unsubscribe,
        one_click=bool(row.one_click),
        problem=row.problem,
        invitation=row.invitation,
    )


def _addresses(pairs: Sequence[Sequence[str]]) -> tuple[Address, ...]:
    return tuple(Address(*pair) for pair in pairs)
