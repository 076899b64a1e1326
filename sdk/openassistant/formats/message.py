"""A mail as it came off the wire, made readable: headers, text, attachments. Never raises, whatever the mail holds.

Parsed with the policy `compat32` and decoded by hand, because that is five times as fast as `policy.default`, and
because what is wrong in one header must not cost the others.
"""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import email.utils
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from typing import NamedTuple, Protocol

from openassistant.formats.addresses import Address, parse_header
from openassistant.formats.charsets import clean, decode_bytes, decode_header, file_name, is_charset
from openassistant.formats.markup import text_of

__all__ = ["BROKEN", "Attachment", "KeepCalendar", "Mail", "parse_mail"]

BROKEN = (ValueError, TypeError, LookupError, AttributeError, RecursionError, AssertionError, MessageError)
"""What the standard library's parser has been seen to raise on hostile mail."""

_DEEPEST = 20
_MOST_PARTS = 300
_MOST_REFERENCES = 40
_LONGEST_LIST = 4_000
_LONGEST_TEXT = 256 * 1024
_LONGEST_HEADERS = 256 * 1024
_ID = re.compile(r"<([^<>\s]{1,250})>")
_PARSER = email.parser.BytesParser(policy=email.policy.compat32)


class Attachment(NamedTuple):
    """What is attached, by name and type; `size` is about the decoded bytes, 0 when unknown."""

    name: str
    type: str
    size: int


class Mail(NamedTuple):
    """A mail in plain values. Ids are without angle brackets; `date` is what the sender claims, in UTC.

    `calendar` is what was kept of a calendar part.
    `problem` says in words what about it could not be read; `followup` is Mail-Followup-To; `unsubscribe` the value of
    List-Unsubscribe (RFC 2369), `one_click` whether List-Unsubscribe-Post (RFC 8058) goes with it.
    """

    message_id: str = ""
    references: tuple[str, ...] = ()
    sender: Address = Address("")
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    date: datetime | None = None
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    damaged: bool = False
    bcc: tuple[Address, ...] = ()
    followup: tuple[Address, ...] = ()
    list_id: str = ""
    unsubscribe: str = ""
    one_click: bool = False
    problem: str = ""
    calendar: str = ""


class KeepCalendar(Protocol):
    """What is kept of a calendar part, by its text, the method that its header declares, and who got the mail."""

    def __call__(self, text: str, *, declared: str, readers: Collection[str]) -> str:
        """The text to keep; "" for nothing."""


def _no_calendar(text: str, *, declared: str, readers: Collection[str]) -> str:
    return ""


def parse_mail(raw: bytes, *, calendar: KeepCalendar = _no_calendar) -> Mail:
    """The mail in `raw` (RFC 5322), which may be cut off at any byte; `damaged` when parts could not be read."""
    body = _Body(calendar)
    try:
        parsed = _PARSER.parsebytes(raw)
    except BROKEN:
        parsed, body.damaged = _headers_alone(raw), True
    body.readers = _readers(_headers_of(parsed))
    try:
        body.read(parsed)
    except BROKEN:
        body.damaged = True
    return _mail(_headers_of(parsed), body)


def _mail(headers: dict[str, str], body: _Body) -> Mail:
    date = _date(headers.get("date", ""))
    senders = parse_header(headers.get("from", "")) or parse_header(headers.get("sender", ""))
    return Mail(
        message_id=next(iter(_ids(headers.get("message-id", ""))), ""),
        references=_references(headers),
        sender=senders[0] if senders else Address("", decode_header(headers.get("from", ""))[:200]),
        reply_to=parse_header(headers.get("reply-to", "")),
        to=parse_header(headers.get("to", "")),
        cc=parse_header(headers.get("cc", "")),
        subject=decode_header(headers.get("subject", ""))[:1000],
        date=date,
        text=body.text(),
        attachments=tuple(body.attachments),
        damaged=body.damaged,
        bcc=parse_header(headers.get("bcc", "")),
        followup=parse_header(headers.get("mail-followup-to", "")),
        list_id=decode_header(headers.get("list-id", ""))[:200],
        unsubscribe=decode_header(headers.get("list-unsubscribe", ""))[:_LONGEST_LIST],
        one_click=headers.get("list-unsubscribe-post", "").strip().lower() == "list-unsubscribe=one-click",
        problem=" ".join(_problems(headers, body, date)),
        calendar=body.calendar,
    )


def _problems(headers: dict[str, str], body: _Body, date: datetime | None) -> Iterator[str]:
    """In words of ours alone: a reader takes them for the truth."""
    if not headers:
        yield "It has no header, so it may be no mail at all."
    if headers.get("date") and date is None:
        yield "Its date cannot be read; the time of its arrival stands for it."
    if body.odd_letters:
        yield "It names a character set that nobody knows, so letters may be wrong."
    if body.damaged:
        yield "Parts of it could not be read."


def _readers(headers: dict[str, str]) -> set[str]:
    """The addresses that a mail went to, as far as it says."""
    names = ("to", "cc", "delivered-to", "x-original-to")
    return {each.address for name in names for each in parse_header(headers.get(name, ""))}


def _headers_alone(raw: bytes) -> email.message.Message:
    """A message without parts, for structures that the parser cannot take."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    kept = re.sub(rb"(?im)^content-type:.*(?:\r?\n[ \t].*)*\r?\n?", b"", head[:_LONGEST_HEADERS])
    return _PARSER.parsebytes(kept + b"\r\n\r\n")


def _headers_of(message: email.message.Message) -> dict[str, str]:
    """The first of each header, raw, by its name in lower case."""
    headers: dict[str, str] = {}
    for name, value in message.raw_items():
        headers.setdefault(name.lower(), str(value))
    return headers


def _ids(value: str) -> Iterator[str]:
    return (clean(found) for found in _ID.findall(value[:_LONGEST_HEADERS]) if found.isascii())


def _references(headers: dict[str, str]) -> tuple[str, ...]:
    """The ids that this mail answers, oldest first; of very long chains the root and the newest."""
    found = list(dict.fromkeys([*_ids(headers.get("references", "")), *_ids(headers.get("in-reply-to", ""))]))
    return tuple(found if len(found) <= _MOST_REFERENCES else [found[0], *found[1 - _MOST_REFERENCES :]])


def _date(value: str) -> datetime | None:
    try:
        parsed = email.utils.parsedate_to_datetime(value[:200])
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (*BROKEN, OverflowError):
        return None


class _Body:
    """Walks the parts of a mail, within bounds."""

    def __init__(self, keep: KeepCalendar) -> None:
        self._keep = keep
        self.attachments: list[Attachment] = []
        self.damaged = False
        self.odd_letters = False
        self.calendar = ""
        self.readers: set[str] = set()
        self._texts: list[str] = []
        self._length = 0
        self._left = _MOST_PARTS

    def text(self) -> str:
        return "\n\n".join(text for text in self._texts if text)[:_LONGEST_TEXT]

    def read(self, part: email.message.Message, depth: int = 0) -> None:
        """Takes what a part (and those in it) says."""
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            self.damaged = True
            return
        kind, inner = clean(part.get_content_type()), _parts(part)
        if kind == "multipart/alternative" and inner:
            self._alternative(inner, depth)
        elif kind.startswith("multipart/") and inner:
            for each in inner:
                self.read(each, depth + 1)
        else:
            self._leaf(part, kind)

    def _alternative(self, parts: list[email.message.Message], depth: int) -> None:
        """Plain text where it says something, else HTML; what else is offered may hold attachments."""
        plain = [part for part in parts if part.get_content_type() == "text/plain"]
        chosen = next((part for part in plain if len(_text(part, "text/plain")[:200].split()) > 2), None)
        for part in parts:
            if part.get_content_maintype() == "multipart" and chosen is None:
                self.read(part, depth + 1)
                chosen = part
            elif part is chosen or (chosen is None and part.get_content_type() == "text/html"):
                self._leaf(part, clean(part.get_content_type()))
                chosen = part
            elif part.get_content_type() == "text/calendar":
                self._calendar(part)
            elif part.get_content_maintype() not in ("text", "multipart"):
                self._leaf(part, clean(part.get_content_type()))
        if chosen is None and plain:
            self._leaf(plain[0], "text/plain")

    def _leaf(self, part: email.message.Message, kind: str) -> None:
        if kind in ("text/calendar", "application/ics"):
            self._calendar(part)
        name = _file_name(part)
        disposition = _raw_header(part, "content-disposition").strip().lower()
        if kind in ("text/plain", "text/html") and not name and not disposition.startswith("attachment"):
            if self._length < _LONGEST_TEXT:
                text = _text(part, kind)
                self.odd_letters |= not is_charset(_charset(part) or "")
                self._length += len(text)
                self._texts.append(text)
        elif name or not disposition.startswith("inline"):
            self.attachments.append(Attachment(name or _nameless(part, kind), kind[:100], _size(part)))

    def _calendar(self, part: email.message.Message) -> None:
        """The first calendar part that says what it wants; programs often send the same once more as a file."""
        raw = part.get_payload(decode=True)
        if self.calendar or not isinstance(raw, bytes):
            return
        text = decode_bytes(raw[: 4 * _LONGEST_TEXT], _charset(part))
        self.calendar = self._keep(text, declared=_parameter(part, "method"), readers=self.readers)


def _parts(part: email.message.Message) -> list[email.message.Message]:
    payload = part.get_payload()
    if not isinstance(payload, list):
        return []
    return [each for each in payload[:_MOST_PARTS] if isinstance(each, email.message.Message)]


def _raw_header(part: email.message.Message, name: str) -> str:
    return next((str(value) for key, value in part.raw_items() if key.lower() == name), "")


def _text(part: email.message.Message, kind: str) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    raw = raw[: 4 * _LONGEST_TEXT]
    text = decode_bytes(raw, _charset(part))
    return clean(text_of(text) if kind == "text/html" else text).strip()


def _charset(part: email.message.Message) -> str | None:
    return _parameter(part, "charset") or None


def _parameter(part: email.message.Message, name: str) -> str:
    found = part.get_param(name)
    return str(found[2] if isinstance(found, tuple) else found) if found else ""


def _file_name(part: email.message.Message) -> str:
    """The name of an attachment, decoded (RFC 2231 or encoded words); without folders, which nobody asked for."""
    if "name" not in _raw_header(part, "content-disposition") + _raw_header(part, "content-type"):
        return ""
    try:
        name = part.get_filename("")
    except BROKEN:
        return "(unreadable name)"
    return file_name(str(name))


def _nameless(part: email.message.Message, kind: str) -> str:
    if kind == "message/rfc822":
        inner = _parts(part)
        return (decode_header(_raw_header(inner[0], "subject"))[:200] if inner else "") or "(mail)"
    return f"({kind})"[:100]


def _size(part: email.message.Message) -> int:
    payload = part.get_payload()
    if not isinstance(payload, str):
        return 0
    encoded = _raw_header(part, "content-transfer-encoding").strip().lower()
    return len(payload) * 3 // 4 if encoded == "base64" else len(payload)
