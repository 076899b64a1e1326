"""What this connector holds of its user, by kind: mails and what was read of them, drafts, labels, what goes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from connectors.gmail import mirror
from connectors.gmail.kept import kept_draft
from openassistant.formats.eml import Rebuilt, eml, lacking
from openassistant.holdings import Kind, Thing
from openassistant.kinds import changes, drop_from, fields, undo
from openassistant.mails.drafts import draft_file

__all__ = ["KINDS"]

_THESE = "(SELECT value FROM json_each(:ids))"


def _mail(connection: Connection, row: Thing) -> bytes:
    """A mail as it is kept: headers, and the text where it was read, else its beginning."""
    letter = mirror.letter_in(row)
    words = mirror.text_of(connection, row.account, letter.id)
    more = [("List-Id", letter.list_id), ("Mail-Followup-To", ", ".join(each.shown for each in letter.followup))]
    return eml(
        Rebuilt(
            date=letter.date,
            sender=letter.sender,
            to=letter.to,
            cc=letter.cc,
            bcc=letter.bcc,
            reply_to=letter.reply_to,
            subject=letter.subject,
            message_id=letter.message_id,
            references=letter.references,
            text=letter.excerpt if words is None else words,
            missing=(
                "the original source",
                *(["the text beyond its beginning"] if words is None else []),
                *lacking(letter.attachments),
            ),
            more=more,
        )
    )


def _line(connection: Connection, row: Thing) -> Mapping[str, Any]:
    labels = {each.id: each.name for each in mirror.labels(connection, row.account)}
    bears = [labels.get(each, each) for each in json.loads(row.labels)]
    return {"subject": row.subject, "from": row.sender, "labels": bears, "thread": row.thread, "size": row.size}


def _draft(connection: Connection, row: Thing) -> bytes | None:
    kept = kept_draft(connection, row.account, row.ref)
    if kept is None:
        return None
    return draft_file(kept.draft(), sender=kept.sender, formatted=kept.formatted)


def _drop_rows(connection: Connection, rows: Sequence[int]) -> None:
    """Takes mails out of the mirror by their rows."""
    for owner, ids in _by_owner(connection, rows).items():
        mirror.drop(connection, owner, ids)


def _drop_texts(connection: Connection, rows: Sequence[int]) -> None:
    """Takes the words of mails away, out of the index too; what is left of each are its headers."""
    for owner, ids in _by_owner(connection, rows).items():
        values = {"a": owner, "ids": json.dumps(ids)}
        for statement in (
            f"DELETE FROM gmail_texts WHERE account = :a AND message IN {_THESE}",  # noqa: S608 - ours
            f"UPDATE gmail_messages SET excerpt = '' WHERE account = :a AND id IN {_THESE}",  # noqa: S608 - ours
        ):
            connection.execute(text(statement), values)
        found = connection.execute(
            text(f"SELECT * FROM gmail_messages WHERE account = :a AND id IN {_THESE}"),  # noqa: S608 - ours
            values,
        ).all()
        mirror.reindex(connection, found)


def _by_owner(connection: Connection, rows: Sequence[int]) -> dict[str, list[str]]:
    """The ids of mails by whose they are."""
    query = text(f"SELECT account, id FROM gmail_messages WHERE row IN {_THESE}")  # noqa: S608 - ours
    found: dict[str, list[str]] = {}
    for row in connection.execute(query, {"ids": json.dumps(list(rows))}):
        found.setdefault(row.account, []).append(row.id)
    return found


KINDS = (
    Kind(
        "mails",
        rows="SELECT row AS key, time / 1000 AS at, id AS ref, * FROM gmail_messages",
        drop=_drop_rows,
        file=_mail,
        suffix=".eml",
        line=_line,
    ),
    Kind(
        "texts",
        rows="SELECT m.row AS key, m.account, m.time / 1000 AS at, m.id AS ref FROM gmail_messages m"
        " WHERE m.excerpt <> '' OR EXISTS"
        " (SELECT 1 FROM gmail_texts t WHERE t.account = m.account AND t.message = m.id AND octet_length(t.text) > 0)",
        drop=_drop_texts,
    ),
    Kind(
        "attachments",
        rows="SELECT f.rowid AS key, f.account, m.time / 1000 AS at, f.message || '-' || f.number AS ref, f.message,"
        " f.name, f.type, f.size, f.sha256 FROM gmail_files f"
        " LEFT JOIN gmail_messages m ON m.account = f.account AND m.id = f.message",
        drop=drop_from("gmail_files.rowid"),
        line=fields("message", "name", "type", "size", "sha256"),
        returns=False,
    ),
    Kind(
        "labels",
        rows="SELECT rowid AS key, account, NULL AS at, id AS ref, name, type FROM gmail_labels",
        drop=drop_from("gmail_labels.rowid"),
        line=fields("name", "type"),
    ),
    Kind(
        "drafts",
        rows="SELECT rowid AS key, account, NULL AS at, draft AS ref FROM gmail_drafts",
        drop=drop_from("gmail_drafts.rowid"),
        file=_draft,
        suffix=".eml",
        returns=False,
    ),
    Kind(
        "outgoing",
        rows="SELECT call_id AS key, account, unixepoch(changed) AS at, call_id AS ref, stage, content"
        " FROM gmail_outgoing WHERE length(content) > 0",
        drop=drop_from("gmail_outgoing.call_id", in_doubt=True),
        file=lambda _, row: bytes(row.content),
        suffix=".eml",
        line=fields("stage"),
        returns=False,
    ),
    changes("gmail_changes", key="row", at="t.time", names=("message", "what"), packed=("labels",)),
    undo("gmail_acts", at="noted"),
)
