"""The text of attached files: mails here, all else by `openassistant.documents`. Runs inside the sandbox alone."""

from __future__ import annotations

from typing import Any

from connectors.mail.message import parse_mail
from openassistant.documents import readers

__all__ = ["read", "warm_up"]


def read(data: bytes, type: str = "", name: str = "") -> dict[str, Any]:  # noqa: A002 - a media type is called so
    """The text in a file, as `openassistant.documents.readers.read` gives it."""
    named = type.lower() == "message/rfc822" or name.lower().endswith(".eml")
    if data and named and not readers.says_what_it_is(data):
        return readers.read_by(_mail, data, "mail")
    return readers.read(data, type, name)


def warm_up() -> None:
    """Imports what parsers import late."""
    readers.warm_up()
    read(b"Subject: a\r\n\r\nb", "message/rfc822")


def _mail(data: bytes) -> tuple[str, str]:
    mail = parse_mail(data)
    people = ", ".join(each.shown for each in mail.to)
    lines = [f"From: {mail.sender.shown}", f"To: {people}", f"Date: {mail.date}", f"Subject: {mail.subject}"]
    files = ", ".join(each.name for each in mail.attachments)
    return "\n".join([*lines, *([f"Attachments: {files}"] if files else []), "", mail.text]), ""
