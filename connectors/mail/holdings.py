"""What this connector holds of its user, by kind: mails and what was read of them, drafts, what goes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from connectors.mail import mirror
from connectors.mail.kept import kept_draft
from connectors.mail.leaving import drop_texts
from connectors.mail.message import Attachment
from openassistant.formats.addresses import Address
from openassistant.formats.eml import Part, Rebuilt, eml, lacking
from openassistant.holdings import Kind, Thing
from openassistant.kinds import drop_from, drop_numbered, fields, undo
from openassistant.mails.drafts import draft_file

__all__ = ["KINDS"]

_AT = "m.id / 1000000"
_CUT = {
    "cut": "the end of the text, and what is attached",
    "damaged": "what could not be read",
    "unreadable": "everything: it could not be read",
}


def _letter(connection: Connection, row: Thing) -> bytes:
    """A mail as it is kept: headers, text, and what it says of an event."""
    words = text("SELECT text FROM mail_texts WHERE message = :id")
    body = connection.scalars(words, {"id": row.key}).one_or_none()
    calendar = text("SELECT text FROM mail_invitations WHERE message = :id")
    people = {name: [Address(*each) for each in some] for name, some in json.loads(row.people).items()}
    attached = [Attachment(*each) for each in json.loads(row.attachments)]
    missing = ["the original source"]
    missing += ["the text"] if body is None else [_CUT[row.state]] if row.state in _CUT else []
    missing += lacking(attached)
    more = [("Mail-Followup-To", ", ".join(each.shown for each in people.get("followup", ())))]
    more += [("List-Id", row.list_id), ("List-Unsubscribe", row.unsubscribe)]
    return eml(
        Rebuilt(
            date=mirror.time_of(row.key),
            sender=Address(row.sender, row.sender_name),
            **{name: people.get(name, ()) for name in ("to", "cc", "bcc", "reply_to")},
            subject=row.subject,
            message_id=row.message_id,
            references=json.loads(row.links),
            text=body or "",
            parts=[Part("text/calendar", each) for each in connection.scalars(calendar, {"id": row.key})],
            missing=missing,
            more=more,
        )
    )


def _mail(connection: Connection, row: Thing) -> dict[str, Any]:
    flags = [name for bit, name in ((1, "seen"), (2, "flagged"), (4, "answered")) if row.flags & bit]
    return {"folder": row.folder, "subject": row.subject, "from": row.sender, "flags": flags, "size": row.size}


def _draft(connection: Connection, row: Thing) -> bytes | None:
    kept = kept_draft(connection, row.account, row.key)
    if kept is None:
        return None
    return draft_file(
        kept.draft(),
        sender=kept.sender,
        formatted=kept.formatted,
        date=mirror.time_of(row.key),
        message_id=kept.message_id,
    )


def _leave_out(connection: Connection, ids: Sequence[int]) -> None:
    """Deletes messages that their owner does not want to be held, so that no sync asks for them again."""
    these = {"ids": json.dumps(list(ids))}
    among = "IN (SELECT value FROM json_each(:ids))"
    threads = connection.scalars(text(f"SELECT DISTINCT thread FROM mail_messages WHERE id {among}"), these).all()  # noqa: S608 - ours
    connection.execute(
        text(
            "INSERT OR IGNORE INTO mail_left_out (folder, uid) SELECT folder, uid FROM mail_messages"  # noqa: S608 - ours
            f" WHERE uid > 0 AND id {among}"
        ),
        these,
    )
    for table in ("mail_files", "mail_drafts"):
        connection.execute(text(f"DELETE FROM {table} WHERE message {among}"), these)  # noqa: S608 - ours
    mirror.delete(connection, ids, threads)


def _drop_outgoing(connection: Connection, keys: Sequence[str]) -> None:
    """Mails on their way out stay until it is known that they went: they are what keeps one from being sent twice."""
    query = text("SELECT call_id FROM mail_outgoing WHERE stage = 'taken'")
    waiting = set(connection.scalars(query))
    drop_from("mail_outgoing.call_id", in_doubt=True)(connection, [each for each in keys if each not in waiting])


KINDS = (
    Kind(
        "mails",
        rows=f"SELECT m.id AS key, m.account, {_AT} AS at, m.id AS ref, f.name AS folder, m.message_id, m.sender,"  # noqa: S608 - ours
        " m.sender_name, m.people, m.links, m.subject, m.attachments, m.flags, m.size, m.state, m.list_id,"
        " m.unsubscribe FROM mail_messages m JOIN mail_folders f ON f.id = m.folder",
        drop=_leave_out,
        file=_letter,
        suffix=".eml",
        line=_mail,
    ),
    Kind(
        "texts",
        rows="SELECT t.message AS key, (SELECT m.account FROM mail_messages m WHERE m.id = t.message) AS account,"
        " t.message / 1000000 AS at, t.message AS ref FROM mail_texts t",
        drop=drop_texts,
    ),
    Kind(
        "attachments",
        rows="SELECT m.message * 1000 + m.number AS key, m.account, m.message / 1000000 AS at,"
        " m.message || '-' || m.number AS ref, m.message, m.name, m.type, m.size, m.sha256 FROM mail_files m",
        drop=drop_numbered("mail_files"),
        line=fields("message", "name", "type", "size", "sha256"),
        returns=False,
    ),
    Kind(
        "invitations",
        rows=f"SELECT m.id AS key, m.account, {_AT} AS at, m.id AS ref, i.text FROM mail_invitations i"  # noqa: S608 - ours
        " JOIN mail_messages m ON m.id = i.message",
        drop=drop_from("mail_invitations.message"),
        file=lambda _, row: row.text.encode(),
        suffix=".ics",
    ),
    Kind(
        "drafts",
        rows="SELECT m.message AS key, m.account, m.message / 1000000 AS at, m.message AS ref FROM mail_drafts m",
        drop=drop_from("mail_drafts.message"),
        file=_draft,
        suffix=".eml",
        returns=False,
    ),
    Kind(
        "outgoing",
        rows="SELECT call_id AS key, account, unixepoch(changed) AS at, call_id AS ref, stage, content"
        " FROM mail_outgoing WHERE length(content) > 0",
        drop=_drop_outgoing,
        file=lambda _, row: bytes(row.content),
        suffix=".eml",
        line=fields("stage"),
        returns=False,
    ),
    undo("mail_acts", at="noted"),
)
