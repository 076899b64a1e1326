"""What is known of the files in mails (`openassistant.formats.files`), kept for previews.

A preview has no way to the mail server, so what it shows of files was noted when they were read; the act reads them
again and compares their digests.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from openassistant.formats.files import LARGEST_MAIL, Attached, attached, files_of

__all__ = ["LARGEST_MAIL", "Attached", "attached", "files_of", "forget", "known_files", "note_files", "sweep"]


def note_files(connection: Connection, account: str, message: int, files: Sequence[Attached]) -> None:
    """Remembers the files of a mail."""
    connection.execute(text("DELETE FROM mail_files WHERE message = :message"), {"message": message})
    rows = [{"account": account, "message": message, **each._asdict()} for each in files]
    statement = (
        "INSERT INTO mail_files (account, message, number, name, type, size, sha256)"
        " VALUES (:account, :message, :number, :name, :type, :size, :sha256)"
    )
    if rows:
        connection.execute(text(statement), rows)


def known_files(connection: Connection, account: str, message: int) -> tuple[Attached, ...]:
    """What was remembered of a mail's files; empty when they were never read."""
    rows = connection.execute(
        text(
            "SELECT number, name, type, size, sha256 FROM mail_files"
            " WHERE account = :account AND message = :message ORDER BY number"
        ),
        {"account": account, "message": message},
    )
    return tuple(Attached(*row) for row in rows)


def sweep(connection: Connection, account: str) -> None:
    """Deletes what is known of files and drafts that the mirror does not hold any more."""
    for table in ("mail_files", "mail_drafts"):
        gone = f"DELETE FROM {table} WHERE account = :a AND message NOT IN (SELECT id FROM mail_messages)"  # noqa: S608 - ours
        connection.execute(text(gone), {"a": account})


def forget(connection: Connection, account: str) -> None:
    """Deletes all that these tables hold of an account."""
    for table in ("mail_files", "mail_drafts", "mail_acts", "mail_habits"):
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": account})  # noqa: S608 - ours
