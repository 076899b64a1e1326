"""What of a mailbox is not kept because its owner had it forgotten: whole mails, or the words of mails alone.

All functions run inside a transaction of `Store.write`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, text

from openassistant.formats.addresses import Address
from openassistant.holdings import left_out

__all__ = ["INDEX", "drop_texts", "kept"]

INDEX = text(
    "INSERT INTO mail_search (rowid, subject, sender, recipients, body)"
    " VALUES (:id, :subject, :from, :recipients, :text || ' ' || :files)"
)
_A_SECOND = 1_000_000
_FORGOTTEN = "Its text is not kept here any more, as its owner wished."


class _Numbered(Protocol):
    @property
    def uid(self) -> int:
        """Its number on the server."""


L = TypeVar("L", bound=_Numbered)


def kept(
    connection: Connection, account: str, folder: int, letters: Sequence[L], ids: Sequence[int]
) -> tuple[list[L], list[int]]:
    """The messages that may be held; of the others their UIDs are noted."""
    spans = left_out(connection, account, "mails")
    out = {id_ for id_ in ids if spans.hold(id_ // _A_SECOND)}
    pairs = [(letter, id_) for letter, id_ in zip(letters, ids, strict=True) if id_ not in out]
    noted = [{"folder": folder, "uid": each.uid} for each, id_ in zip(letters, ids, strict=True) if id_ in out]
    if noted:
        connection.execute(text("INSERT OR IGNORE INTO mail_left_out (folder, uid) VALUES (:folder, :uid)"), noted)
    return [letter for letter, _ in pairs], [id_ for _, id_ in pairs]


def drop_texts(connection: Connection, ids: Sequence[int]) -> None:
    """Takes the words out of messages, and out of the index; what stays of each are its headers."""
    these = {"ids": json.dumps(list(ids)), "forgotten": _FORGOTTEN}
    among = "IN (SELECT value FROM json_each(:ids))"
    for statement in (
        f"DELETE FROM mail_texts WHERE message {among}",  # noqa: S608 - ours
        f"DELETE FROM mail_search WHERE rowid {among}",  # noqa: S608 - ours
        f"UPDATE mail_messages SET excerpt = '', problem = :forgotten WHERE id {among}",  # noqa: S608 - ours
    ):
        connection.execute(text(statement), these)
    found = connection.execute(text(f"SELECT * FROM mail_messages WHERE id {among}"), these)  # noqa: S608 - ours
    if rows := [_headers(row) for row in found]:
        connection.execute(INDEX, rows)


def _headers(row: Row[Any]) -> dict[str, Any]:
    """What the index is to find a message by whose text is gone."""
    people = json.loads(row.people)
    shown = [Address(*each).shown for name in ("to", "cc") for each in people[name]]
    return {
        "id": row.id,
        "subject": row.subject,
        "from": Address(row.sender, row.sender_name).shown,
        "recipients": ", ".join(shown),
        "text": "",
        "files": " ".join(each[0] for each in json.loads(row.attachments)),
    }
