"""The mails about an event, as the mirror keeps them by the event's UID: invitation, updates, cancellation, answers."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Connection, text

from connectors.mail import search
from connectors.mail.imap import Flag
from connectors.mail.search import Found

__all__ = ["about_event", "calendars_of"]

_MOST = 50


def calendars_of(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    """What the calendar parts of messages say (`itip.kept_text`), by id."""
    rows = connection.execute(
        text("SELECT message, text FROM mail_invitations WHERE message IN (SELECT value FROM json_each(:ids))"),
        {"ids": json.dumps(list(ids))},
    )
    return {row.message: row.text for row in rows}


def about_event(connection: Connection, account: str, uid: str) -> list[tuple[Found, str]]:
    """The newest mails about an event, newest first, with what their calendar parts say; spam counts for nothing."""
    rows = connection.execute(
        text(
            "SELECT m.id, i.text FROM mail_invitations i JOIN mail_messages m ON m.id = i.message"  # noqa: S608 - a flag
            " JOIN mail_folders f ON f.id = m.folder WHERE i.uid = :uid AND i.account = :account"
            f" AND NOT m.flags & {Flag.DELETED} AND f.role NOT IN ('junk', 'drafts') ORDER BY m.id DESC LIMIT :most"
        ),
        {"uid": uid, "account": account, "most": _MOST},
    )
    return [(search.message(connection, account, str(row.id)), row.text) for row in rows.all()]
