"""A message as Gmail's API describes it, in plain values: its headers, its labels, its text, what is attached to it.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages. Gmail takes mails apart by itself;
here its parts are put together into one mail again, so that the reader that all mail goes through
(`openassistant.formats.message`) meets whatever strangers made of them.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openassistant.errors import UpstreamFailed
from openassistant.formats.addresses import Address
from openassistant.formats.charsets import clean, file_name
from openassistant.formats.message import Attachment, Mail, parse_mail

__all__ = ["FIELDS", "Letter", "decoded", "is_id", "labels_of", "letter_of", "mail_of"]

_PARTS = "mimeType,filename,body/size"
FIELDS = (
    "id,threadId,labelIds,snippet,internalDate,sizeEstimate,"
    f"payload(headers,{_PARTS},parts({_PARTS},parts({_PARTS},parts({_PARTS}))))"
)
"""What is asked for of a mail without its text."""

_HEADERS = {
    "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "references", "in-reply-to",
    "mail-followup-to", "list-id", "delivered-to",
}  # fmt: skip
_DEEPEST = 20
_MOST_PARTS = 300
_MOST_LABELS = 200
_MOST_ATTACHED = 100
_EXCERPT = 240
_LONGEST_HEADER = 64_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LABEL = re.compile(r"[\w.-]{1,128}")
_KIND = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_CHARSET = re.compile(r"charset\s*=\s*\"?[^\s;\"]*\"?", re.IGNORECASE)


class Letter(NamedTuple):
    """A mail of the mailbox without its text. `labels` are ids; `time` is milliseconds since 1970, as Gmail orders."""

    id: str
    thread: str
    labels: tuple[str, ...]
    time: int
    size: int
    sender: Address
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    followup: tuple[Address, ...]
    message_id: str
    references: tuple[str, ...]
    subject: str
    excerpt: str
    attachments: tuple[Attachment, ...]
    list_id: str = ""
    problem: str = ""

    @property
    def date(self) -> datetime:
        """When it came, or was sent."""
        return datetime.fromtimestamp(self.time / 1000, UTC)

    @property
    def own(self) -> bool:
        """Whether the owner wrote it: Gmail says so, not the mail."""
        return bool({"SENT", "DRAFT"} & set(self.labels))


def is_id(value: object) -> bool:
    """Whether it can be the id of something at Gmail: it becomes a part of addresses."""
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def letter_of(message: dict[str, Any]) -> Letter:
    """A message of the API; raises `UpstreamFailed` where it is none."""
    id_, thread = message.get("id"), message.get("threadId")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise UpstreamFailed("Google described a mail without an id.")
    payload = _object(message.get("payload"))
    mail = parse_mail(_head(payload) + b"\r\n")
    snippet = clean(html.unescape(str(message.get("snippet") or "")[: 4 * _EXCERPT]))
    return Letter(
        id=id_,
        thread=thread if isinstance(thread, str) and _ID.fullmatch(thread) else id_,
        labels=labels_of(message),
        time=_number(message.get("internalDate")),
        size=_number(message.get("sizeEstimate")),
        sender=mail.sender,
        reply_to=mail.reply_to,
        to=mail.to,
        cc=mail.cc,
        bcc=mail.bcc,
        followup=mail.followup,
        message_id=mail.message_id,
        references=mail.references,
        subject=mail.subject,
        excerpt=" ".join(snippet.split())[:_EXCERPT],
        attachments=tuple(_attached(payload)),
        list_id=mail.list_id,
        problem="" if payload else "Google did not say what stands in it.",
    )


def labels_of(message: dict[str, Any]) -> tuple[str, ...]:
    """The ids of the labels that a message bears."""
    found = message.get("labelIds")
    listed = found[:_MOST_LABELS] if isinstance(found, list) else []
    return tuple(sorted({each for each in listed if isinstance(each, str) and _LABEL.fullmatch(each)}))


def mail_of(message: dict[str, Any]) -> Mail:
    """A message of the API in format `full`, read as the mail that it is."""
    payload, builder = _object(message.get("payload")), _Builder()
    return parse_mail(_head(payload) + builder.part(payload))


def decoded(raw: object) -> bytes:
    """Bytes that the API gives as base64url; raises `UpstreamFailed`."""
    if not isinstance(raw, str):
        raise UpstreamFailed("Google did not give out that mail.")
    try:
        return base64.urlsafe_b64decode(raw.rstrip("=") + "=" * (-len(raw.rstrip("=")) % 4))
    except (binascii.Error, ValueError) as error:
        raise UpstreamFailed("Google gave out a mail that cannot be read.") from error


class _Builder:
    """Puts the parts of a message together again, within bounds."""

    def __init__(self) -> None:
        self._left = _MOST_PARTS
        self._marks = 0

    def part(self, part: dict[str, Any], depth: int = 0) -> bytes:
        """The headers that tell the content, an empty line, and the content."""
        self._left -= 1
        inner = _inner(part)
        kind = _kind(part)
        if kind.startswith("multipart/") and inner and depth < _DEEPEST:
            self._marks += 1
            mark = f"=_{self._marks}_="  # what lies between is headers and base64, which never begin a line so
            pieces = [self.part(each, depth + 1) for each in inner if self._left > 0]
            body = b"".join(f"--{mark}\r\n".encode() + piece + b"\r\n" for piece in pieces)
            return f'Content-Type: {kind}; boundary="{mark}"\r\n\r\n'.encode() + body + f"--{mark}--\r\n".encode()
        return self._leaf(part, kind)

    def _leaf(self, part: dict[str, Any], kind: str) -> bytes:
        data = _object(part.get("body")).get("data")
        content = b""
        if isinstance(data, str):
            try:
                content = decoded(data)
            except UpstreamFailed:
                content = b""
        told = _header(part, "content-type")
        charset = found.group() if (found := _CHARSET.search(told)) else "charset=utf-8"
        if _is_utf8(content):
            charset = "charset=utf-8"
        disposition = _header(part, "content-disposition").split(";", 1)[0].strip().lower()
        lines = [f"Content-Type: {kind}" + (f"; {charset}" if kind.startswith("text/") else "")]
        if disposition in ("inline", "attachment") or part.get("filename"):
            name = str(part.get("filename") or "").replace("\\", "_").replace('"', "_")
            named = f'; filename="{_one_line(name)[:200]}"' if name else ""
            lines.append(f"Content-Disposition: {'inline' if disposition == 'inline' else 'attachment'}{named}")
        lines.append("Content-Transfer-Encoding: base64")
        head = "\r\n".join(lines).encode("utf-8", "replace")
        return head + b"\r\n\r\n" + base64.encodebytes(content).replace(b"\n", b"\r\n")


def _is_utf8(content: bytes) -> bool:
    """Whether it says so itself: Gmail gives some texts as UTF-8 whose header still names what they were before."""
    if content.isascii():
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _head(payload: dict[str, Any]) -> bytes:
    return "".join(f"{line}\r\n" for line in _headers(payload)).encode("utf-8", "replace")


def _headers(part: dict[str, Any]) -> Iterator[str]:
    """The headers of a message that are read, each on one line whatever is in it."""
    listed = part.get("headers")
    for each in listed[:1_000] if isinstance(listed, list) else ():
        if isinstance(each, dict) and str(each.get("name", "")).lower() in _HEADERS:
            yield f"{each['name']}: {_one_line(str(each.get('value') or ''))[:_LONGEST_HEADER]}"


def _header(part: dict[str, Any], name: str) -> str:
    listed = part.get("headers")
    for each in listed[:1_000] if isinstance(listed, list) else ():
        if isinstance(each, dict) and str(each.get("name", "")).lower() == name:
            return _one_line(str(each.get("value") or ""))[:1_000]
    return ""


def _one_line(value: str) -> str:
    return re.sub(r"[\r\n\x00\x0b\x0c\x85\u2028\u2029]+", " ", value)


def _kind(part: dict[str, Any]) -> str:
    kind = str(part.get("mimeType") or "").lower()
    return kind if _KIND.fullmatch(kind) else "application/octet-stream"


def _inner(part: dict[str, Any]) -> list[dict[str, Any]]:
    parts = part.get("parts")
    return [each for each in parts[:_MOST_PARTS] if isinstance(each, dict)] if isinstance(parts, list) else []


def _attached(payload: dict[str, Any]) -> list[Attachment]:
    """What is attached, by name, kind and size, in the order of the parts."""
    found: list[Attachment] = []
    waiting, seen = [(payload, 0)], 0
    while waiting and seen < _MOST_PARTS and len(found) < _MOST_ATTACHED:
        part, depth = waiting.pop(0)
        seen += 1
        name, kind = file_name(str(part.get("filename") or "")), _kind(part)
        if name:
            found.append(Attachment(name, kind[:100], _number(_object(part.get("body")).get("size"))))
        elif depth < _DEEPEST:
            waiting[:0] = [(each, depth + 1) for each in _inner(part)]
    return found


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
