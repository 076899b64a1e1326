"""The mirror of an account's mail: written page by page, so that a pass that was stopped goes on where it was.

A mail's id (`key`) comes from the account and Graph's immutable id: it stays when the mail moves. A round is one
reading of a folder from its beginning: what it did not meet is gone at its end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.outlook_mail.letters import Letter, is_id, parse
from openassistant.holdings import left_out

__all__ = [
    "UNMET", "Change", "Folder", "begin_round", "changes_since", "close_round", "drop", "drop_folders", "drop_texts",
    "folders", "forget", "is_known", "key_of", "open_folder", "put", "put_text", "relocate", "remove", "step",
]  # fmt: skip

UNMET = 0
"""The round of a mail that is thought to lie in a folder, and was not met there yet."""
_PATIENCE = timedelta(hours=1)
_CHANGES_KEPT = timedelta(days=30)
_OF_READING = ("texts", "files")


class Folder(NamedTuple):
    """A folder. `link` is where its delta goes on; `filling` says that it is being read from its beginning."""

    id: int
    account: str
    ref: str
    name: str
    role: str
    link: str
    round: int
    filling: bool
    complete: bool


class Change(NamedTuple):
    """What became of a mail: new, changed or gone, and in which folder it lay then."""

    what: str
    at: datetime
    key: str
    folder: str
    letter: Letter


def key_of(account: str, ref: str) -> str:
    """The id by which the house knows a mail."""
    return hashlib.sha256(f"{account}\n{ref}".encode()).hexdigest()[:20]


def folders(connection: Connection, account: str) -> list[Folder]:
    """The folders: those with a role first, the inbox before all."""
    rows = connection.execute(
        text(
            "SELECT id, account, ref, name, role, link, round, filling, complete FROM outlook_mail_folders"
            " WHERE account = :account ORDER BY role != 'inbox', role != 'sent', role != 'drafts', role != 'archive',"
            " role IN ('junk', 'trash'), lower(name), id"
        ),
        {"account": account},
    )
    return [_folder(row) for row in rows]


def open_folder(connection: Connection, account: str, *, ref: str, name: str, role: str) -> None:
    """Takes a folder in, or its new name."""
    connection.execute(
        text(
            "INSERT INTO outlook_mail_folders (account, ref, name, role) VALUES (:account, :ref, :name, :role)"
            " ON CONFLICT (account, ref) DO UPDATE SET name = :name, role = :role"
        ),
        {"account": account, "ref": ref, "name": name, "role": role},
    )


def drop_folders(connection: Connection, account: str, *, keep: Collection[str]) -> None:
    """Deletes the folders that are not there any more, with their mails."""
    for each in folders(connection, account):
        if each.ref not in keep:
            _delete(connection, _ids(connection, "folder = :folder", folder=each.id))
            connection.execute(text("DELETE FROM outlook_mail_folders WHERE id = :id"), {"id": each.id})


def begin_round(connection: Connection, folder: int) -> Folder:
    """A folder is read from its beginning."""
    statement = "UPDATE outlook_mail_folders SET link = '', round = round + 1, filling = 1 WHERE id = :id RETURNING *"
    return _folder(connection.execute(text(statement), {"id": folder}).one())


def step(connection: Connection, folder: int, link: str) -> None:
    """Notes where to go on."""
    connection.execute(
        text("UPDATE outlook_mail_folders SET link = :link WHERE id = :id"), {"link": link, "id": folder}
    )


def close_round(connection: Connection, folder: Folder, *, now: datetime) -> None:
    """A folder was read to its end: what a round from the beginning did not meet is gone."""
    if folder.filling:
        _delete(
            connection, _ids(connection, "folder = :folder AND round != :round", folder=folder.id, round=folder.round)
        )
    late = {"folder": folder.id, "unmet": UNMET, "late": int((now - _PATIENCE).timestamp())}
    _delete(connection, _ids(connection, "folder = :folder AND round = :unmet AND at < :late", **late))
    connection.execute(
        text("UPDATE outlook_mail_folders SET filling = 0, complete = 1 WHERE id = :id"), {"id": folder.id}
    )
    old = {"account": folder.account, "old": int((now - _CHANGES_KEPT).timestamp())}
    connection.execute(text("DELETE FROM outlook_mail_changes WHERE account = :account AND at < :old"), old)


def is_known(connection: Connection, account: str, ref: str) -> bool:
    """Whether the mirror holds a mail of that id."""
    query = text("SELECT 1 FROM outlook_mail_messages WHERE account = :account AND ref = :ref")
    return connection.execute(query, {"account": account, "ref": ref}).one_or_none() is not None


def put(
    connection: Connection, folder: Folder, raw: Iterable[Mapping[str, Any]], *, seen: datetime | None = None
) -> list[str]:
    """Writes mails of a folder over what is known of them, and gives the keys of those that are new or changed.

    Left out is what is no mail, tells only a part of one that is not known, or was forgotten at its owner's wish. With
    `seen` changes are noted.
    """
    keys = []
    out, wordless = (left_out(connection, folder.account, kind) for kind in ("mails", "texts"))
    for each in raw:
        if not is_id(each.get("id")):
            continue
        ref = str(each["id"])
        key = key_of(folder.account, ref)
        before = connection.execute(
            text("SELECT id, data, folder FROM outlook_mail_messages WHERE key = :key"), {"key": key}
        ).one_or_none()
        old: dict[str, Any] = json.loads(before.data) if before else {}
        data = {**old, **json.loads(json.dumps(parse(each))), "folder": folder.ref}
        letter = Letter.of(data)
        if letter is None or out.hold(letter.at):
            continue
        if wordless.hold(letter.at):
            letter, data = letter._replace(excerpt=""), {**data, "excerpt": ""}
        number = _write(connection, folder, key, ref, letter, data)
        if before is not None and data == old and before.folder == folder.id:
            continue
        keys.append(key)
        if letter.draft or any(data.get(name) != old.get(name) for name in ("subject", "excerpt")):
            _forget_content(connection, number, _OF_READING)
        _index(connection, number, letter)
        _count_recipients(connection, folder, number, letter)
        if seen is not None:
            what = "changed" if before else "new"
            _note(connection, folder, seen, what, key, data)
    return keys


def put_text(connection: Connection, message: int, body: str, *, formatted: bool) -> None:
    """Keeps the text of a mail, and lets a search find it by that; not where its owner had it forgotten."""
    query = text("SELECT account, at FROM outlook_mail_messages WHERE id = :message")
    known = connection.execute(query, {"message": message}).one_or_none()
    if known is None or left_out(connection, known.account, "texts").hold(known.at):
        return
    row = {"message": message, "text": body, "formatted": formatted}
    statement = "INSERT OR REPLACE INTO outlook_mail_texts (message, text, formatted)"
    connection.execute(text(f"{statement} VALUES (:message, :text, :formatted)"), row)
    query = text("SELECT data FROM outlook_mail_messages WHERE id = :message")
    data = connection.execute(query, {"message": message}).scalar_one_or_none()
    if data is not None and (letter := Letter.of(json.loads(data))) is not None:
        _index(connection, message, letter)


def drop(connection: Connection, ids: Sequence[int]) -> None:
    """Deletes mails, with what was read of them."""
    _delete(connection, ids)


def drop_texts(connection: Connection, ids: Sequence[int]) -> None:
    """Takes the words of mails away, out of the index too; what is left of each are its headers."""
    these = {"ids": json.dumps(list(ids))}
    among = "IN (SELECT value FROM json_each(:ids))"
    for statement in (
        f"DELETE FROM outlook_mail_texts WHERE message {among}",  # noqa: S608 - ours
        f"UPDATE outlook_mail_messages SET data = json_set(data, '$.excerpt', '') WHERE id {among}",  # noqa: S608 - ours
    ):
        connection.execute(text(statement), these)
    query = text(f"SELECT id, data FROM outlook_mail_messages WHERE id {among}")  # noqa: S608 - ours
    for row in connection.execute(query, these).all():
        if (letter := Letter.of(json.loads(row.data))) is not None:
            _index(connection, row.id, letter)


def remove(connection: Connection, folder: Folder, refs: Iterable[str], *, seen: datetime | None) -> list[str]:
    """Deletes mails that left a folder, unless they lie in another one by now; gives their keys."""
    keys = []
    for ref in refs:
        row = connection.execute(
            text("SELECT id, key, data FROM outlook_mail_messages WHERE folder = :folder AND ref = :ref"),
            {"folder": folder.id, "ref": ref},
        ).one_or_none()
        if row is not None:
            keys.append(row.key)
            _delete(connection, [row.id])
            if seen is not None:
                _note(connection, folder, seen, "gone", row.key, json.loads(row.data))
    return keys


def relocate(connection: Connection, message: int, to: Folder) -> None:
    """Notes that a mail lies in another folder."""
    row = {"id": message, "folder": to.id, "round": to.round, "ref": to.ref}
    statement = (
        "UPDATE outlook_mail_messages SET folder = :folder, round = :round,"
        " data = json_set(data, '$.folder', :ref) WHERE id = :id"
    )
    connection.execute(text(statement), row)


def changes_since(connection: Connection, account: str, since: datetime, *, limit: int) -> list[Change]:
    """What changed since then, newest first, each mail once."""
    rows = connection.execute(
        text(
            "SELECT what, at, key, folder, data FROM outlook_mail_changes WHERE account = :account AND at >= :since"
            " AND id IN (SELECT max(id) FROM outlook_mail_changes GROUP BY key) ORDER BY id DESC LIMIT :limit"
        ),
        {"account": account, "since": int(since.timestamp()), "limit": limit},
    )
    found = [(row, Letter.of(json.loads(row.data))) for row in rows]
    return [
        Change(row.what, datetime.fromtimestamp(row.at, UTC), row.key, row.folder, letter)
        for row, letter in found
        if letter is not None
    ]


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that is kept of an account."""
    _delete(connection, _ids(connection, "account = :account", account=account))
    for table in ("written", "changes", "acts", "folders"):
        statement = f"DELETE FROM outlook_mail_{table} WHERE account = :account"  # noqa: S608 - a name of ours
        connection.execute(text(statement), {"account": account})


def _folder(row: Row[Any]) -> Folder:
    return Folder(
        row.id, row.account, row.ref, row.name, row.role, row.link, row.round, bool(row.filling), bool(row.complete)
    )


def _write(connection: Connection, folder: Folder, key: str, ref: str, letter: Letter, data: Mapping[str, Any]) -> int:
    row = {
        "key": key, "account": folder.account, "folder": folder.id, "ref": ref, "at": int(letter.at.timestamp()),
        "conversation": letter.conversation, "message_id": letter.message_id, "sender": letter.sender.address,
        "read": letter.read, "flagged": letter.flag == "flagged", "draft": letter.draft, "files": letter.files,
        "data": json.dumps(data, sort_keys=True), "round": folder.round,
    }  # fmt: skip
    names = list(row)
    changed = ", ".join(f"{name} = :{name}" for name in names if name != "key")
    statement = (
        f"INSERT INTO outlook_mail_messages ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"  # noqa: S608 - names of ours
        f" ON CONFLICT (key) DO UPDATE SET {changed} RETURNING id"
    )
    return int(connection.execute(text(statement), row).scalar_one())


def _index(connection: Connection, number: int, letter: Letter) -> None:
    query = text("SELECT text FROM outlook_mail_texts WHERE message = :id")
    body = connection.execute(query, {"id": number}).scalar_one_or_none()
    row = {
        "id": number, "subject": letter.subject, "sender": letter.sender.shown,
        "recipients": ", ".join(each.shown for each in (*letter.to, *letter.cc)),
        "body": " ".join((letter.excerpt if body is None else body, *letter.categories)),
    }  # fmt: skip
    connection.execute(text("DELETE FROM outlook_mail_search WHERE rowid = :id"), {"id": number})
    connection.execute(
        text(
            "INSERT INTO outlook_mail_search (rowid, subject, sender, recipients, body)"
            " VALUES (:id, :subject, :sender, :recipients, :body)"
        ),
        row,
    )


def _count_recipients(connection: Connection, folder: Folder, number: int, letter: Letter) -> None:
    """Of what lies with the sent mail: to whom the owner wrote."""
    if folder.role != "sent" or letter.draft:
        return
    statement = "INSERT OR IGNORE INTO outlook_mail_written (account, address, message) VALUES (:account, :a, :message)"
    people = {each.address for each in (*letter.to, *letter.cc, *letter.bcc)}
    if rows := [{"account": folder.account, "a": each, "message": number} for each in people]:
        connection.execute(text(statement), rows)


def _note(connection: Connection, folder: Folder, seen: datetime, what: str, key: str, data: Mapping[str, Any]) -> None:
    row = {
        "account": folder.account, "at": int(seen.timestamp()), "what": what, "key": key, "folder": folder.name,
        "data": json.dumps(data),
    }  # fmt: skip
    statement = "INSERT INTO outlook_mail_changes (account, at, what, key, folder, data)"
    connection.execute(text(f"{statement} VALUES (:account, :at, :what, :key, :folder, :data)"), row)


def _ids(connection: Connection, where: str, **values: Any) -> list[int]:
    query = f"SELECT id FROM outlook_mail_messages WHERE {where}"  # noqa: S608 - conditions of ours
    return list(connection.scalars(text(query), values))


def _forget_content(connection: Connection, number: int, tables: Iterable[str]) -> None:
    for table in tables:
        statement = f"DELETE FROM outlook_mail_{table} WHERE message = :id"  # noqa: S608 - a name of ours
        connection.execute(text(statement), {"id": number})


def _delete(connection: Connection, ids: Collection[int]) -> None:
    for number in ids:
        _forget_content(connection, number, (*_OF_READING, "drafts"))
    rows = [{"id": number} for number in ids]
    for statement in (
        "DELETE FROM outlook_mail_search WHERE rowid = :id",
        "DELETE FROM outlook_mail_written WHERE message = :id",
        "DELETE FROM outlook_mail_messages WHERE id = :id",
    ):
        if rows:
            connection.execute(text(statement), rows)
