"""What this connector holds of its user, by kind: mails and what was read of them, drafts, changes, notes of acts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from connectors.outlook_mail import mirror
from connectors.outlook_mail.files import known_files
from connectors.outlook_mail.kept import kept_in
from connectors.outlook_mail.letters import Letter
from openassistant.formats.eml import Rebuilt, eml, lacking
from openassistant.holdings import Kind, Thing
from openassistant.kinds import changes, drop_from, drop_numbered, fields, undo
from openassistant.mails.drafts import draft_file

__all__ = ["KINDS"]


def _mail(connection: Connection, row: Thing) -> bytes | None:
    """A mail as it is kept: headers, and the text where it was read, else its beginning."""
    letter = Letter.of(json.loads(row.data))
    if letter is None:
        return None
    query = text("SELECT text, formatted FROM outlook_mail_texts WHERE message = :id")
    words = connection.execute(query, {"id": row.key}).one_or_none()
    files = known_files(connection, row.key)
    missing = ["the original source"]
    missing += ["the text beyond its beginning"] if words is None else ["the formatting"] if words.formatted else []
    missing += lacking(files) or (["the attachments, which were never listed"] if letter.files else [])
    return eml(
        Rebuilt(
            date=letter.at,
            sender=letter.sender,
            to=letter.to,
            cc=letter.cc,
            bcc=letter.bcc,
            reply_to=letter.reply_to,
            subject=letter.subject,
            message_id=letter.message_id.strip("<>"),
            text=letter.excerpt if words is None else words.text,
            missing=missing,
            more=[("Importance", "high" if letter.important else "")],
        )
    )


def _line(connection: Connection, row: Thing) -> Mapping[str, Any]:
    letter = Letter.of(json.loads(row.data))
    if letter is None:
        return {}
    marks = {"read": letter.read, "draft": letter.draft, "flag": letter.flag, "categories": list(letter.categories)}
    return {"folder": row.folder, "subject": letter.subject, "from": letter.sender.address, **marks}


def _draft(connection: Connection, row: Thing) -> bytes:
    kept = kept_in(row.content)
    return draft_file(
        kept.draft(),
        sender=kept.sender,
        formatted=kept.formatted,
        message_id=kept.message_id,
        reply_to=kept.reply_to,
    )


KINDS = (
    Kind(
        "mails",
        rows="SELECT m.id AS key, m.account, m.at, m.ref, m.data, f.name AS folder FROM outlook_mail_messages m"
        " JOIN outlook_mail_folders f ON f.id = m.folder",
        drop=mirror.drop,
        file=_mail,
        suffix=".eml",
        line=_line,
    ),
    Kind(
        "texts",
        rows="SELECT m.id AS key, m.account, m.at, m.ref FROM outlook_mail_messages m"
        " WHERE coalesce(m.data ->> 'excerpt', '') <> '' OR EXISTS"
        " (SELECT 1 FROM outlook_mail_texts t WHERE t.message = m.id AND octet_length(t.text) > 0)",
        drop=mirror.drop_texts,
    ),
    Kind(
        "attachments",
        rows="SELECT x.message * 1000 + x.number AS key, m.account, m.at, m.ref || '-' || x.number AS ref,"
        " m.ref AS message, x.name, x.type, x.size, x.kind FROM outlook_mail_files x"
        " JOIN outlook_mail_messages m ON m.id = x.message",
        drop=drop_numbered("outlook_mail_files"),
        line=fields("message", "name", "type", "size", "kind"),
        returns=False,
    ),
    Kind(
        "drafts",
        rows="SELECT d.message AS key, m.account, m.at, m.ref, d.content FROM outlook_mail_drafts d"
        " JOIN outlook_mail_messages m ON m.id = d.message",
        drop=drop_from("outlook_mail_drafts.message"),
        file=_draft,
        suffix=".eml",
        returns=False,
    ),
    changes("outlook_mail_changes", key="id", at="t.at", names=("what", "key", "folder"), packed=("data",)),
    undo("outlook_mail_acts", at="noted", names=("stage",)),
)
