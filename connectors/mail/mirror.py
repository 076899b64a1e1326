"""The mirror of a mailbox in the user's encrypted store: what the sync writes. `search.py` reads it.

A message's id is made of its time and its Message-ID: ids sort by time, and a mail that was moved, or whose folder was
read anew, is found under the id it had. All functions run inside a transaction of `Store.read` or `Store.write`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, text

from connectors.mail.folders import Folder
from connectors.mail.itip import read_invitation
from connectors.mail.leaving import INDEX, drop_texts, kept
from connectors.mail.linking import threads_of
from connectors.mail.message import Mail
from openassistant.formats.addresses import Address
from openassistant.holdings import left_out

__all__ = [
    "FolderState",
    "Letter",
    "add",
    "close_folder",
    "count_unseen",
    "counted",
    "delete",
    "drop_folders",
    "folder_states",
    "forget",
    "known_uids",
    "open_folder",
    "relocate",
    "remove",
    "set_flags",
    "set_unseen",
    "time_of",
]

State = Literal["whole", "cut", "damaged", "unreadable"]
"""Read in full; its end not read, being large; read in part, being malformed; not readable at all."""

_A_SECOND = 1_000_000
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_EXCERPT = 240


class FolderState(NamedTuple):
    """What the mirror knows of a folder; `complete` when every mail in it was read once.

    `looked` is when it was last opened on the server, in seconds since 1970.
    """

    id: int
    folder: Folder
    uidvalidity: int
    uidnext: int
    messages: int
    modseq: int
    complete: bool
    unseen: int = 0
    looked: int = 0


class Letter(NamedTuple):
    """One message as it goes into the mirror."""

    uid: int
    flags: int
    received: datetime
    size: int
    mail: Mail
    state: State = "whole"


def time_of(message: int) -> datetime:
    """When a message was sent, to the second, from its id."""
    return datetime.fromtimestamp(message // _A_SECOND, UTC)


def folder_states(connection: Connection, account: str) -> dict[bytes, FolderState]:
    """The mirrored folders by path."""
    rows = connection.execute(text("SELECT * FROM mail_folders WHERE account = :account"), {"account": account})
    return {
        row.path: FolderState(
            row.id,
            Folder(row.path, row.name, row.role),
            row.uidvalidity,
            row.uidnext,
            row.messages,
            row.modseq,
            bool(row.complete),
            row.unseen,
            row.looked,
        )
        for row in rows
    }


def open_folder(connection: Connection, account: str, folder: Folder, uidvalidity: int) -> int:
    """The id of a folder's row, made when missing; with another UIDVALIDITY (RFC 9051, 2.3.1.1) it begins empty."""
    known = folder_states(connection, account).get(folder.path)
    if known is not None and known.uidvalidity != uidvalidity:
        remove(connection, known.id, known_uids(connection, known.id))
    found = connection.execute(
        text(
            "INSERT INTO mail_folders (account, path, name, role, uidvalidity, uidnext, messages, modseq, complete)"
            " VALUES (:account, :path, :name, :role, :uidvalidity, 0, 0, 0, 0) ON CONFLICT (account, path) DO UPDATE"
            " SET name = :name, role = :role, complete = complete AND uidvalidity = :uidvalidity,"
            " uidvalidity = :uidvalidity RETURNING id"
        ),
        {"account": account, **folder._asdict(), "uidvalidity": uidvalidity},
    )
    return int(found.scalar_one())


def close_folder(connection: Connection, folder: int, **numbers: int) -> None:
    """Notes that the mirror of a folder is as the server's numbers say: uidnext, messages, modseq, unseen; looked."""
    connection.execute(
        text(
            "UPDATE mail_folders SET uidnext = :uidnext, messages = :messages, modseq = :modseq, unseen = :unseen,"
            " looked = :looked, complete = 1 WHERE id = :id"
        ),
        {"id": folder, **numbers},
    )


def drop_folders(connection: Connection, account: str, *, keep: Collection[bytes]) -> None:
    """Deletes what the mirror holds of folders that are gone from the server."""
    for path, state in folder_states(connection, account).items():
        if path not in keep:
            remove(connection, state.id, known_uids(connection, state.id))
            connection.execute(text("DELETE FROM mail_folders WHERE id = :id"), {"id": state.id})


def known_uids(connection: Connection, folder: int) -> set[int]:
    """The UIDs of a folder that the mirror holds, or is not to hold."""
    one, other = (f"SELECT uid FROM {table} WHERE folder = :folder" for table in ("mail_messages", "mail_left_out"))  # noqa: S608 - ours
    return set(connection.scalars(text(f"{one} UNION {other}"), {"folder": folder}))


def counted(connection: Connection, account: str) -> int:
    """How many messages of an account the mirror holds, or is not to hold."""
    query = (
        "SELECT (SELECT count(*) FROM mail_messages WHERE account = :account) + (SELECT count(*) FROM mail_left_out o"
        " JOIN mail_folders f ON f.id = o.folder WHERE f.account = :account)"
    )
    return int(connection.execute(text(query), {"account": account}).scalar_one())


def add(connection: Connection, account: str, folder: int, letters: Sequence[Letter], *, sent: bool) -> list[int]:
    """Writes messages that the folder's mirror does not hold yet, and gives their ids.

    `sent` says that this is the folder of sent mail: its recipients, and no others, count as written to, because
    anybody can put the owner's address into a From header.
    """
    known = known_uids(connection, folder)
    letters = [letter for letter in letters if letter.uid not in known]
    if not letters:
        return []
    ids = _ids(connection, letters)
    letters, ids = kept(connection, account, folder, letters, ids)
    if not letters:
        return []
    threads = threads_of(connection, account, [letter.mail for letter in letters], ids)
    rows = [
        _row(account, folder, letter, message, thread)
        for letter, message, thread in zip(letters, ids, threads, strict=True)
    ]
    _insert(connection, rows)
    _note_invitations(connection, rows)
    wordless = left_out(connection, account, "texts")
    drop_texts(connection, [id_ for id_ in ids if wordless.hold(id_ // _A_SECOND)])
    if sent:
        _count_recipients(connection, account, letters, ids)
    return ids


def remove(connection: Connection, folder: int, uids: Collection[int]) -> None:
    """Deletes messages of a folder from the mirror."""
    rows = connection.execute(
        text(
            "SELECT id, thread FROM mail_messages WHERE folder = :folder AND uid IN (SELECT value FROM json_each(:u))"
        ),
        {"folder": folder, "u": json.dumps(list(uids))},
    ).all()
    delete(connection, [row.id for row in rows], {row.thread for row in rows})
    left = text("DELETE FROM mail_left_out WHERE folder = :folder AND uid IN (SELECT value FROM json_each(:u))")
    connection.execute(left, {"folder": folder, "u": json.dumps(list(uids))})


def relocate(connection: Connection, account: str, message: int, to: Folder) -> None:
    """Notes that a message lies in another folder; under which UID, the next sync will see."""
    connection.execute(
        text(
            "UPDATE mail_messages SET uid = -id, folder ="
            " (SELECT id FROM mail_folders WHERE account = :account AND path = :path) WHERE id = :id"
        ),
        {"account": account, "path": to.path, "id": message},
    )


def set_flags(connection: Connection, folder: int, flags: Mapping[int, int]) -> None:
    """Writes flags by UID."""
    rows = [{"folder": folder, "uid": uid, "flags": bits} for uid, bits in flags.items()]
    if rows:
        statement = "UPDATE mail_messages SET flags = :flags WHERE folder = :folder AND uid = :uid AND flags != :flags"
        connection.execute(text(statement), rows)


def set_unseen(connection: Connection, folder: int, unseen: Collection[int]) -> None:
    """Makes these mails of a folder the unread ones."""
    statement = (
        "UPDATE mail_messages SET flags = CASE WHEN uid IN (SELECT value FROM json_each(:uids))"
        " THEN flags & ~1 ELSE flags | 1 END WHERE folder = :folder"
        " AND (flags & 1) = (uid IN (SELECT value FROM json_each(:uids)))"
    )
    connection.execute(text(statement), {"folder": folder, "uids": json.dumps(list(unseen))})


def count_unseen(connection: Connection, folder: int) -> int:
    """How many mails of a folder count as unread in the mirror."""
    query = text("SELECT count(*) FROM mail_messages WHERE folder = :folder AND NOT flags & 1")
    return int(connection.execute(query, {"folder": folder}).scalar_one())


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    ids = connection.scalars(text("SELECT id FROM mail_messages WHERE account = :a"), {"a": account}).all()
    delete(connection, ids, ())
    folders = "SELECT id FROM mail_folders WHERE account = :a"
    connection.execute(text(f"DELETE FROM mail_left_out WHERE folder IN ({folders})"), {"a": account})  # noqa: S608 - ours
    for table in ("mail_written", "mail_links", "mail_outgoing", "mail_folders", "mail_servers"):
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": account})  # noqa: S608 - ours


def _ids(connection: Connection, letters: Sequence[Letter]) -> list[int]:
    """A free id for each letter: its second, then a number out of its Message-ID, then the next free one."""
    wanted = [_preferred(letter) for letter in letters]
    taken = _taken(connection, wanted)
    ids: list[int] = []
    for first in wanted:
        each = first
        while each in taken:
            each += 1
            if each not in taken:
                taken |= _taken(connection, [each])
        taken.add(each)
        ids.append(each)
    return ids


def _taken(connection: Connection, ids: Sequence[int]) -> set[int]:
    query = text("SELECT id FROM mail_messages WHERE id IN (SELECT value FROM json_each(:ids))")
    return set(connection.scalars(query, {"ids": json.dumps(ids)}))


def _preferred(letter: Letter) -> int:
    name = letter.mail.message_id or f"{letter.mail.sender}{letter.mail.subject}{letter.size}"
    number = zlib.crc32(name.encode("utf-8", "replace")) % _A_SECOND
    return max(int(_moment(letter).timestamp()) * _A_SECOND + number, 1)


def _moment(letter: Letter) -> datetime:
    """The sender's date, unless it lies after the arrival: nobody shall put his mail on top by dating it forward."""
    claimed = letter.mail.date
    if claimed is None or claimed < _EARLIEST or claimed > letter.received + timedelta(days=1):
        return letter.received
    return claimed


def _row(account: str, folder: int, letter: Letter, message: int, thread: int) -> dict[str, Any]:
    mail = letter.mail
    invitation = read_invitation(mail.calendar) if mail.calendar else None
    return {
        "id": message,
        "account": account,
        "folder": folder,
        "uid": letter.uid,
        "message_id": mail.message_id,
        "thread": thread,
        "sender": mail.sender.address,
        "sender_name": mail.sender.name,
        "people": json.dumps(
            {"reply_to": mail.reply_to, "to": mail.to, "cc": mail.cc, "bcc": mail.bcc, "followup": mail.followup}
        ),
        "list_id": mail.list_id,
        "unsubscribe": mail.unsubscribe,
        "one_click": mail.one_click,
        "links": json.dumps(mail.references),
        "subject": mail.subject,
        "excerpt": " ".join(mail.text[: 4 * _EXCERPT].split())[:_EXCERPT],
        "attachments": json.dumps(mail.attachments),
        "flags": letter.flags,
        "size": letter.size,
        "state": letter.state,
        "problem": mail.problem,
        "invitation": invitation.method if invitation else "",
        "uid_of_event": invitation.uid if invitation else "",
        "calendar": mail.calendar,
        "text": mail.text,
        "from": mail.sender.shown,
        "recipients": ", ".join(address.shown for address in (*mail.to, *mail.cc)),
        "files": " ".join(each.name for each in mail.attachments),
    }


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(
        text(
            "INSERT INTO mail_messages (id, account, folder, uid, message_id, thread, sender, sender_name, people,"
            " links, subject, excerpt, attachments, flags, size, state, problem, list_id, unsubscribe, one_click,"
            " invitation) VALUES (:id, :account, :folder, :uid, :message_id, :thread, :sender, :sender_name, :people,"
            " :links, :subject, :excerpt, :attachments, :flags, :size, :state, :problem, :list_id, :unsubscribe,"
            " :one_click, :invitation)"
        ),
        rows,
    )
    connection.execute(text("INSERT INTO mail_texts (message, text) VALUES (:id, :text)"), rows)
    connection.execute(INDEX, rows)


def _note_invitations(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Keeps what is about events, by their UID, so that updates, cancellations and answers find each other."""
    statement = (
        "INSERT INTO mail_invitations (message, account, uid, text) VALUES (:id, :account, :uid_of_event, :calendar)"
    )
    if invited := [row for row in rows if row["invitation"]]:
        connection.execute(text(statement), invited)


def _count_recipients(connection: Connection, account: str, letters: Sequence[Letter], ids: Sequence[int]) -> None:
    rows = [
        {"account": account, "address": address.address, "message": message, "name": address.name}
        for letter, message in zip(letters, ids, strict=True)
        for address in _recipients(letter.mail)
    ]
    statement = (
        "INSERT OR IGNORE INTO mail_written (account, address, message, name)"
        " VALUES (:account, :address, :message, :name)"
    )
    if rows:
        connection.execute(text(statement), rows)


def _recipients(mail: Mail) -> Iterable[Address]:
    return (*mail.to, *mail.cc)


def delete(connection: Connection, ids: Sequence[int], threads: Collection[int]) -> None:
    """Deletes messages of these threads, with what hangs on them."""
    rows = [{"id": message} for message in ids]
    for statement in (
        "DELETE FROM mail_search WHERE rowid = :id",
        "DELETE FROM mail_texts WHERE message = :id",
        "DELETE FROM mail_invitations WHERE message = :id",
        "DELETE FROM mail_written WHERE message = :id",
        "DELETE FROM mail_messages WHERE id = :id",
    ):
        if rows:
            connection.execute(text(statement), rows)
    connection.execute(
        text(
            "DELETE FROM mail_links WHERE thread IN (SELECT value FROM json_each(:threads))"
            " AND NOT EXISTS (SELECT 1 FROM mail_messages m WHERE m.thread = mail_links.thread)"
        ),
        {"threads": json.dumps(list(threads))},
    )
