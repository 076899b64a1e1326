"""Reading the mirror: full-text search newest first, conversations, and what is known of the people written to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.outlook_mail import mirror
from connectors.outlook_mail.letters import Letter
from connectors.outlook_mail.mirror import Folder
from openassistant.errors import NotFound
from openassistant.formats.addresses import Address
from openassistant.formats.approvals import Known
from openassistant.mails.folders import folder_meant
from openassistant.mails.query import Query

__all__ = [
    "Counted", "Found", "conversation", "counts", "find", "folder_named", "known_addresses", "message",
    "own_addresses", "texts", "with_ref", "written_to",
]  # fmt: skip

_FIELDS = (
    "m.id, m.key, m.ref, m.data, f.id AS f_id, f.account AS f_account, f.ref AS f_ref, f.name AS f_name,"
    " f.role AS f_role, f.link AS f_link, f.round AS f_round, f.filling AS f_filling, f.complete AS f_complete"
)
_SELECT = f"SELECT {_FIELDS} FROM outlook_mail_messages m JOIN outlook_mail_folders f ON f.id = m.folder"  # noqa: S608 - two constants
_ROLES = {"spam": "junk", "bin": "trash", "sentitems": "sent", "deleteditems": "trash", "junkemail": "junk"}


class Found(NamedTuple):
    """A mail of the mirror, without its text. `ref` is Graph's id, `key` the one that tools take.

    What answers and what is shown of them ask of a mail is there by its own name (`openassistant.formats.drafts`).
    """

    id: int
    key: str
    ref: str
    folder: Folder
    letter: Letter

    @property
    def message_id(self) -> str:
        """Its Message-ID, without angle brackets."""
        return self.letter.message_id.strip("<>")

    @property
    def references(self) -> tuple[str, ...]:
        """Graph threads answers by itself, so none are known."""
        return ()

    @property
    def sender(self) -> Address:
        """Who wrote it."""
        return self.letter.sender

    @property
    def reply_to(self) -> tuple[Address, ...]:
        """Where answers are wanted."""
        return self.letter.reply_to

    @property
    def followup(self) -> tuple[Address, ...]:
        """Who wants answers to all: Graph's lists do not tell."""
        return ()

    @property
    def to(self) -> tuple[Address, ...]:
        """Whom it went to."""
        return self.letter.to

    @property
    def cc(self) -> tuple[Address, ...]:
        """Who got a copy."""
        return self.letter.cc

    @property
    def subject(self) -> str:
        """Its subject."""
        return self.letter.subject

    @property
    def date(self) -> datetime:
        """When it came."""
        return self.letter.at


class Counted(NamedTuple):
    """A folder with the numbers of the mirror."""

    folder: Folder
    mails: int
    unread: int


def find(
    connection: Connection,
    account: str,
    query: Query,
    *,
    limit: int,
    place: Folder | None = None,
    loose: bool = False,
    refs: Sequence[str] | None = None,
) -> list[Found]:
    """At most `limit` mails, newest first. Spam and trash only when their folder is `place`.

    `loose` finds those where the most and rarest of the words occur, `refs` those that Microsoft's search named.
    """
    match = "" if refs is not None else query.loose if loose else query.match
    source = (
        "outlook_mail_search CROSS JOIN outlook_mail_messages m ON m.id = outlook_mail_search.rowid"
        if match
        else "outlook_mail_messages m"
    )
    order = "outlook_mail_search.rank" if match and loose else "m.at DESC, m.id DESC"
    statement = (
        f"SELECT {_FIELDS} FROM {source} CROSS JOIN outlook_mail_folders f ON f.id = m.folder"  # noqa: S608 - no value is in it
        f" WHERE {_conditions(query, match, place, refs)} ORDER BY {order} LIMIT :limit"
    )
    values = {
        "account": account, "match": match, "place": place.id if place else 0, "refs": json.dumps(refs or []),
        "since": query.since, "until": query.until, "limit": limit,
    }  # fmt: skip
    found = [each for row in connection.execute(text(statement), values) if (each := _found(row)) is not None]
    return sorted(found, key=lambda each: each.letter.at, reverse=True)


def message(connection: Connection, account: str, name: str) -> Found:
    """The mail with that id; raises `NotFound`."""
    row = connection.execute(
        text(f"{_SELECT} WHERE m.key = :key AND m.account = :account"), {"key": name, "account": account}
    ).one_or_none()
    found = _found(row) if row is not None else None
    if found is None:
        raise NotFound("There is no mail with that id in this mailbox. Take the id from messages_search.")
    return found


def with_ref(connection: Connection, account: str, ref: str) -> Found | None:
    """The mail with that id of Graph's, where the mirror holds it."""
    row = connection.execute(
        text(f"{_SELECT} WHERE m.ref = :ref AND m.account = :account"), {"ref": ref, "account": account}
    ).one_or_none()
    return _found(row) if row is not None else None


def conversation(connection: Connection, account: str, chosen: Found, *, limit: int) -> list[Found]:
    """The newest `limit` mails of a conversation, oldest first, without drafts; at least the mail itself."""
    rows = connection.execute(
        text(
            f"{_SELECT} WHERE m.account = :account AND m.conversation = :name AND m.conversation != ''"
            " AND NOT m.draft ORDER BY m.at DESC LIMIT :limit"
        ),
        {"account": account, "name": chosen.letter.conversation, "limit": limit},
    )
    found = [each for row in rows if (each := _found(row)) is not None]
    if all(each.id != chosen.id for each in found):
        found = [*found[: limit - 1], chosen]
    return sorted(found, key=lambda each: (each.letter.at, each.id))


def texts(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[str, bool]]:
    """The texts of mails by id as far as they were read, and whether they have formatting."""
    rows = connection.execute(
        text(
            "SELECT message, text, formatted FROM outlook_mail_texts"
            " WHERE message IN (SELECT value FROM json_each(:ids))"
        ),
        {"ids": json.dumps(list(ids))},
    )
    return {row.message: (row.text, bool(row.formatted)) for row in rows}


def written_to(connection: Connection, account: str, address: str) -> Known:
    """How often sent mail went to an address."""
    row = connection.execute(
        text(
            "SELECT count(*) AS times, max(m.at) AS last FROM outlook_mail_written w"
            " JOIN outlook_mail_messages m ON m.id = w.message WHERE w.account = :account AND w.address = :address"
        ),
        {"account": account, "address": address},
    ).one()
    return Known(row.times, datetime.fromtimestamp(row.last, UTC) if row.last else None)


def known_addresses(connection: Connection, account: str) -> list[str]:
    """The addresses that the owner wrote to, at most 5,000."""
    query = text("SELECT DISTINCT address FROM outlook_mail_written WHERE account = :account LIMIT 5000")
    return list(connection.scalars(query, {"account": account}))


def own_addresses(connection: Connection, account: str) -> set[str]:
    """The addresses that sent mail came from; at most 50."""
    query = text(
        "SELECT DISTINCT m.sender FROM outlook_mail_messages m JOIN outlook_mail_folders f ON f.id = m.folder"
        " WHERE m.account = :account AND f.role = 'sent' AND m.sender != '' AND NOT m.draft LIMIT 50"
    )
    return set(connection.scalars(query, {"account": account}))


def counts(connection: Connection, account: str) -> list[Counted]:
    """The folders, with how many mails the mirror holds of each."""
    rows = connection.execute(
        text(
            "SELECT folder, count(*) AS mails, coalesce(sum(NOT read), 0) AS unread FROM outlook_mail_messages"
            " WHERE account = :account GROUP BY folder"
        ),
        {"account": account},
    )
    numbers: Mapping[int, tuple[int, int]] = {row.folder: (row.mails, row.unread) for row in rows}
    return [Counted(each, *numbers.get(each.id, (0, 0))) for each in mirror.folders(connection, account)]


def folder_named(connection: Connection, account: str, name: str) -> Folder:
    """The folder that a person means, by its name, its role ("trash") or its last part; raises `NotFound`."""
    wanted = name.strip().casefold()
    role = _ROLES.get(wanted.replace(" ", ""), wanted)
    return folder_meant(mirror.folders(connection, account), name, role=role, separators="/")


def _conditions(query: Query, match: str, place: Folder | None, refs: Sequence[str] | None) -> str:
    conditions = ["m.account = :account", "m.at >= :since", "m.at < :until"]
    if match:
        conditions.append("outlook_mail_search MATCH :match")
    if refs is not None:
        conditions.append("m.ref IN (SELECT value FROM json_each(:refs))")
    conditions.append("f.role NOT IN ('junk', 'trash')" if place is None else "f.id = :place")
    if query.unread is not None:
        conditions.append("NOT m.read" if query.unread else "m.read")
    if query.flagged is not None:
        conditions.append("m.flagged" if query.flagged else "NOT m.flagged")
    if query.attached is not None:
        conditions.append("m.files" if query.attached else "NOT m.files")
    return " AND ".join(conditions)


def _found(row: Row[Any]) -> Found | None:
    letter = Letter.of(json.loads(row.data))
    if letter is None:
        return None
    folder = Folder(
        row.f_id, row.f_account, row.f_ref, row.f_name, row.f_role, row.f_link, row.f_round, bool(row.f_filling),
        bool(row.f_complete),
    )  # fmt: skip
    return Found(row.id, row.key, row.ref, folder, letter)
