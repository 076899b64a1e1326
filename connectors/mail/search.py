"""Reading the mirror: full-text search newest first, threads, and what is known of the people written to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.mail.folders import Folder
from connectors.mail.imap import Flag
from connectors.mail.message import Attachment
from connectors.mail.mirror import time_of
from openassistant.errors import NotFound
from openassistant.formats.addresses import Address
from openassistant.formats.approvals import Known

__all__ = [
    "Counted",
    "Found",
    "Known",
    "Query",
    "find",
    "folder_named",
    "folders",
    "known_addresses",
    "message",
    "own_addresses",
    "parse_query",
    "texts",
    "thread",
    "with_message_id",
    "with_subject",
    "written_to",
]

_TERM = re.compile(r"(?:(from|to|subject|in|is|has|before|after):)?(\"[^\"]*\"?|\S+)", re.IGNORECASE)
_WORD = re.compile(r"\w", re.UNICODE)
_STATES: dict[str, dict[str, Any]] = {
    "is:unread": {"unread": True},
    "is:read": {"unread": False},
    "is:flagged": {"flagged": True},
    "is:starred": {"flagged": True},
    "has:attachment": {"attached": True},
    "has:invitation": {"invites": True},
}
_COLUMNS = {"from": "sender", "to": "recipients", "subject": "subject"}
_MOST_TERMS = 24
_LONGEST_TERM = 200
_FIELDS = "m.*, f.path AS folder_path, f.name AS folder_name, f.role AS folder_role, f.uidvalidity"
_SELECT = f"SELECT {_FIELDS} FROM mail_messages m JOIN mail_folders f ON f.id = m.folder"  # noqa: S608 - two constants


class Query(NamedTuple):
    """A search: `match` is an FTS5 expression ("" finds all); `loose` the same with any of its words.

    `folder` is the name that was asked for, `place` the path of the folder that it means.
    """

    match: str = ""
    loose: str = ""
    words: tuple[str, ...] = ()
    folder: str = ""
    place: bytes | None = None
    unread: bool | None = None
    flagged: bool | None = None
    attached: bool | None = None
    invites: bool | None = None
    since: int = 0
    until: int = 1 << 62

    def by(self, column: Literal["from", "to", "subject"], value: str) -> Query:
        """The same search, in the mails alone that have a value in a column."""
        term = _term(column, value[:_LONGEST_TERM])
        if not term:
            return self
        both = (f"({each}) AND {term}" if each else each for each in (self.match, self.loose))
        match, loose = both
        return self._replace(match=match or term, loose=loose)

    def between(self, after: date | None, before: date | None) -> Query:
        """The same search, in the mails alone that were sent from one day on, and before another (UTC)."""
        since = max(self.since, _moment(after)) if after else self.since
        return self._replace(since=since, until=min(self.until, _moment(before)) if before else self.until)


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


def parse_query(wanted: str) -> Query:
    """What a person or a model typed, as a search that FTS5 accepts, whatever it was; never raises.

    Words must all be there, by their beginnings; "quoted words" in this order; `from:`, `to:`, `subject:`, `in:`
    (a folder), `is:unread`, `is:read`, `is:flagged`, `has:attachment`, `has:invitation`, `after:2026-01-31`,
    `before:2026-01-31` narrow it; OR between words loosens it.
    """
    query, terms, words, either = Query(), list[str](), list[str](), False
    for found in list(_TERM.finditer(wanted))[:_MOST_TERMS]:
        prefix, value = (found.group(1) or "").lower(), found.group(2).strip('"')[:_LONGEST_TERM]
        if found.group(2) in ("OR", "AND"):
            either = either or found.group(2) == "OR"
        elif prefix in ("in", "is", "has", "before", "after") and (narrowed := _narrowed(query, prefix, value)):
            query = narrowed
        elif term := _term(prefix, value):
            terms.append(term)
            words += [] if prefix else [value]
    loose = " OR ".join(terms) if len(terms) > 1 and not either else ""
    return query._replace(match=(" OR " if either else " AND ").join(terms), loose=loose, words=tuple(words))


def find(connection: Connection, account: str, query: Query, *, limit: int, loose: bool = False) -> list[Found]:
    """At most `limit` messages, newest first; of copies in several folders one. Spam and trash only when asked for.

    `loose` finds those where the most and rarest of the words occur (bm25), newest first again.
    """
    match = query.loose if loose else query.match
    source = "mail_search CROSS JOIN mail_messages m ON m.id = mail_search.rowid" if match else "mail_messages m"
    order = "mail_search.rowid" if match else "m.id"
    statement = (
        f"SELECT {_FIELDS} FROM {source} CROSS JOIN mail_folders f ON f.id = m.folder"  # noqa: S608 - no value is in it
        f" WHERE {_conditions(query, match)} AND {order} >= :since AND {order} < :until"
        f" ORDER BY {'mail_search.rank' if match and loose else f'{order} DESC'} LIMIT :limit"
    )
    rows = connection.execute(
        text(statement),
        {
            "account": account,
            "match": match,
            "place": query.place,
            "since": query.since,
            "until": query.until,
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
    term = _term("subject", subject[:_LONGEST_TERM])
    if not term:
        return []
    statement = (
        f"SELECT {_FIELDS} FROM mail_search CROSS JOIN mail_messages m ON m.id = mail_search.rowid"  # noqa: S608 - ours
        " CROSS JOIN mail_folders f ON f.id = m.folder WHERE mail_search MATCH :match AND m.account = :account"
        f" AND mail_search.rowid BETWEEN :since AND :until AND NOT m.flags & {Flag.DELETED | Flag.DRAFT}"
        " AND f.role NOT IN ('junk', 'trash', 'drafts') ORDER BY mail_search.rowid DESC LIMIT :limit"
    )
    span = {name: int(moment.timestamp()) * 1_000_000 for name, moment in (("since", since), ("until", until))}
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
    for fits in (_is_name, _is_role, _is_last_part):
        if found := next((folder for folder in known if fits(folder, wanted)), None):
            return found
    if not known:
        raise NotFound("There are no folders yet: the mailbox is still being read.")
    raise NotFound(f"There is no folder {name[:60]!r}; folders_list names those that there are.")


def _is_name(folder: Folder, wanted: str) -> bool:
    return folder.name.casefold() == wanted


def _is_role(folder: Folder, wanted: str) -> bool:
    return bool(folder.role) and folder.role == {"spam": "junk", "bin": "trash"}.get(wanted, wanted)


def _is_last_part(folder: Folder, wanted: str) -> bool:
    return re.split(r"[/.]", folder.name.casefold())[-1] == wanted


def _term(prefix: str, value: str) -> str:
    """One FTS5 phrase, its last word by its beginning; "" when there is nothing to look for in it."""
    if not _WORD.search(value.replace("_", "")):
        return ""
    plain = "".join(c for c in value if c.isprintable() and not "\ud800" <= c <= "\udfff").replace('"', " ")
    column = f"{_COLUMNS[prefix]} : " if prefix in _COLUMNS else ""
    return f'{column}"{plain}" *'


def _narrowed(query: Query, prefix: str, value: str) -> Query | None:
    if prefix == "in":
        return query._replace(folder=value.casefold())
    if prefix in ("is", "has"):
        states = _STATES.get(f"{prefix}:{value.lower()}")
        return query._replace(**states) if states else None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return query.between(day, None) if prefix == "after" else query.between(None, day)


def _moment(day: date) -> int:
    """The first id that a mail of a day can have."""
    return max(int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 1_000_000, 0)


def _conditions(query: Query, match: str) -> str:
    conditions = ["m.account = :account", f"NOT m.flags & {Flag.DELETED}"]
    if match:
        conditions.append("mail_search MATCH :match")
    conditions.append("f.role NOT IN ('junk', 'trash')" if query.place is None else "f.path = :place")
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
