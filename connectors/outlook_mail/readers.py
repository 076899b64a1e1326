"""The text of attached files: mails here, all else by `openassistant.documents`. Runs inside the sandbox alone."""

from __future__ import annotations

from typing import Any

from openassistant.documents import readers
from openassistant.formats.charsets import clean
from openassistant.formats.message import parse_mail

__all__ = ["read", "warm_up"]


def read(data: bytes, type: str = "", name: str = "") -> dict[str, Any]:  # noqa: A002 - a media type is called so
    """The text in a file, as `openassistant.documents.readers.read` gives it."""
    if data and (type.lower() == "message/rfc822" or name.lower().endswith(".eml")):
        return readers.read_by(_mail, data, "mail")
    return readers.read(data, type, name)


def warm_up() -> None:
    """Imports what parsers import late."""
    readers.warm_up()
    read(b"Subject: a\r\n\r\nb", "message/rfc822")


def _mail(data: bytes) -> tuple[str, str]:
    mail = parse_mail(data)
    people, files = ", ".join(each.shown for each in mail.to), ", ".join(each.name for each in mail.attachments)
    rows = {"From": mail.sender.shown, "To": people, "Subject": mail.subject, "Attachments": files}
    head = [f"{label}: {value}" for label, value in rows.items() if value]
    return clean("\n".join([*head, "", mail.text])), ""
