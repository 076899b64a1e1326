"""A mail as Graph tells of it, checked and cut to bounds; https://learn.microsoft.com/graph/api/resources/message.

A delta tells of a change in what was changed alone, so `parse` gives only what a message names, and `Letter.of` takes
what was put together.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openassistant.formats.addresses import Address
from openassistant.formats.charsets import clean
from openassistant.formats.markup import text_of

__all__ = ["SELECT", "Letter", "is_id", "markup_of", "parse", "plain_of"]

SELECT = (
    "subject,from,toRecipients,ccRecipients,bccRecipients,replyTo,receivedDateTime,bodyPreview,conversationId,"
    "internetMessageId,isRead,isDraft,flag,categories,importance,hasAttachments,parentFolderId"
)
"""What is asked for of each mail of a list."""

_LONGEST_ID, _LONGEST_LINE, _LONGEST_NAME, _LONGEST_PREVIEW = 1_000, 1_000, 200, 600
_MOST_PEOPLE, _MOST_CATEGORIES = 500, 30
_LONGEST_BODY = 1_000_000
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_NOBODY = Address("")


class Letter(NamedTuple):
    """A mail without its text. `folder` is the id of the folder at Graph, `at` when it came."""

    folder: str
    at: datetime
    conversation: str
    message_id: str
    sender: Address
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    excerpt: str
    read: bool
    draft: bool
    flag: str
    categories: tuple[str, ...]
    important: bool
    files: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Letter | None:
        """The mail of what `parse` gave; None where it does not say when it came."""
        at = data.get("at")
        if not isinstance(at, int):
            return None
        people = {
            name: tuple(Address(*each) for each in data.get(name, ())) for name in ("reply_to", "to", "cc", "bcc")
        }
        sender = data.get("sender")
        return cls(
            folder=data.get("folder", ""),
            at=datetime.fromtimestamp(at, UTC),
            conversation=data.get("conversation", ""),
            message_id=data.get("message_id", ""),
            sender=Address(*sender) if sender else _NOBODY,
            subject=data.get("subject", ""),
            excerpt=data.get("excerpt", ""),
            read=data.get("read", True),
            draft=data.get("draft", False),
            flag=data.get("flag", "notFlagged"),
            categories=tuple(data.get("categories", ())),
            important=data.get("important", False),
            files=data.get("files", False),
            **people,
        )


def parse(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a message says of what is kept, as plain values; what it does not name, or says oddly, is not there."""
    found: dict[str, Any] = {}
    for name, (key, read) in _READERS.items():
        if name in raw and (value := read(raw[name])) is not None:
            found[key] = value
    return found


def plain_of(body: Any) -> tuple[str, bool]:
    """The text of a message's body, and whether it has formatting, which is not shown."""
    content, formatted = markup_of(body)
    return clean(text_of(content) if formatted else content).strip("\n"), formatted


def markup_of(body: Any) -> tuple[str, bool]:
    """The body as it is, at most a million characters of it, and whether it is HTML."""
    if not isinstance(body, dict) or not isinstance(body.get("content"), str):
        return "", False
    return body["content"][:_LONGEST_BODY], str(body.get("contentType")).lower() == "html"


def is_id(value: Any) -> bool:
    """Whether something is an id as Graph makes them; what is none is asked for nowhere and kept nowhere."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        return False
    return value.isascii() and value.isprintable() and value not in (".", "..")


def _line(value: Any) -> str | None:
    return " ".join(clean(value).split())[:_LONGEST_LINE] if isinstance(value, str) else "" if value is None else None


def _id(value: Any) -> str | None:
    return str(value) if is_id(value) else None


def _preview(value: Any) -> str | None:
    if not isinstance(value, str):
        return "" if value is None else None
    return " ".join(clean(html.unescape(value)).split())[:_LONGEST_PREVIEW]


def _person(value: Any) -> tuple[str, str] | None:
    given = value.get("emailAddress") if isinstance(value, dict) else None
    if not isinstance(given, dict):
        return None
    address, name = given.get("address"), given.get("name")
    if not isinstance(address, str):
        return None
    address = re.sub(r"\s", "", clean(address)).lower()[:320]
    shown = " ".join(clean(name).split())[:_LONGEST_NAME] if isinstance(name, str) else ""
    return (address, "" if shown.lower() == address else shown) if address else None


def _people(value: Any) -> list[tuple[str, str]] | None:
    if not isinstance(value, list):
        return None
    return [found for each in value[:_MOST_PEOPLE] if (found := _person(each)) is not None]


def _moment(value: Any) -> int | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(found.timestamp()) if found > _EARLIEST else None


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _flag(value: Any) -> str | None:
    status = value.get("flagStatus") if isinstance(value, dict) else None
    return status if status in ("notFlagged", "flagged", "complete") else None


def _categories(value: Any) -> list[str] | None:
    if not isinstance(value, list):
        return None
    return [name for each in value[:_MOST_CATEGORIES] if isinstance(each, str) and (name := _line(each))]


def _importance(value: Any) -> bool | None:
    return str(value).lower() == "high"


_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "parentFolderId": ("folder", _id),
    "receivedDateTime": ("at", _moment),
    "conversationId": ("conversation", _id),
    "internetMessageId": ("message_id", _id),
    "from": ("sender", _person),
    "replyTo": ("reply_to", _people),
    "toRecipients": ("to", _people),
    "ccRecipients": ("cc", _people),
    "bccRecipients": ("bcc", _people),
    "subject": ("subject", _line),
    "bodyPreview": ("excerpt", _preview),
    "isRead": ("read", _bool),
    "isDraft": ("draft", _bool),
    "flag": ("flag", _flag),
    "categories": ("categories", _categories),
    "importance": ("important", _importance),
    "hasAttachments": ("files", _bool),
}
