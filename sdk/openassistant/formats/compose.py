"""The mail that goes out: built by hand from checked values (RFC 5322, RFC 2047), the same bytes for the same input.

Not with `email.message`: its header folding breaks long Message-IDs in References into encoded words, and with them
the thread. Blind copies are recipients of the envelope and stand in no header.
"""

from __future__ import annotations

import base64
import quopri
import re
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import quote

from openassistant.errors import InvalidRequest, TooLarge
from openassistant.formats.addresses import Address

__all__ = [
    "LARGEST_FILES",
    "File",
    "Outgoing",
    "checked_subject",
    "compose",
    "finish",
    "forward_subject",
    "message_id_of",
    "reply_subject",
]

_MOST_RECIPIENTS = 100
_LONGEST_SUBJECT = 500
_LONGEST_BODY = 1_000_000
_LONGEST_REFERENCES = 900
_NOT_SENT = re.compile(
    rb"(?:bcc|resent-bcc|date|message-id|return-path|received|x-mozilla-[a-z-]*|x-draft-info|x-uid|status"
    rb"|x-status)[ \t]*:",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
"""RFC 5322, 2.2; any other line would end the headers at some reader."""
LARGEST_FILES = 25 * 1024 * 1024
"""What most servers take, in bytes before they are encoded."""


class File(NamedTuple):
    """A file with its content; `name` is without folders, `type` a media type."""

    name: str
    type: str
    content: bytes


class Outgoing(NamedTuple):
    """A finished mail: its id without angle brackets, the envelope, and the bytes."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


def message_id_of(call_id: str, nonce: str, address: str) -> str:
    """The Message-ID of the mail that a call sends, the same one whenever it is asked for: `uuid@domain`."""
    return f"{uuid.uuid5(uuid.UUID(call_id), nonce)}@{address.rpartition('@')[2]}"


def compose(
    sender: Address,
    *,
    to: Sequence[Address],
    cc: Sequence[Address] = (),
    bcc: Sequence[Address] = (),
    subject: str,
    body: str,
    message_id: str,
    date: datetime,
    in_reply_to: str = "",
    references: Sequence[str] = (),
    files: Sequence[File] = (),
    calendar: str = "",
    draft: bool = False,
) -> Outgoing:
    """The mail and its envelope; raises `InvalidRequest` on line breaks in headers or no recipient, `TooLarge`.

    A `draft` keeps its blind copies in a header, and may have no recipient yet. `calendar` is an answer to an
    invitation (iTIP's REPLY) that programs read instead of the body.
    """
    recipients = tuple(dict.fromkeys(address.address for address in (*to, *cc, *bcc)))
    _check_size(recipients, body, files, draft=draft)
    headers = [
        f"From: {_addresses([sender])}",
        *([f"To: {_addresses(to)}"] if to else []),
        *([f"Cc: {_addresses(cc)}"] if cc else []),
        *([f"Bcc: {_addresses(bcc)}"] if bcc and draft else []),
        f"Subject: {_words(checked_subject(subject), first=9)}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: <{_checked_id(message_id)}>",
        *_threading(in_reply_to, references),
        "MIME-Version: 1.0",
    ]
    content = "\r\n".join(headers).encode("ascii") + b"\r\n" + _parts(body, files, message_id, calendar)
    return Outgoing(message_id, sender.address, recipients, content)


def finish(raw: bytes, *, sender: str, recipients: Sequence[str], message_id: str, date: datetime) -> Outgoing:
    """A draft as it goes out: its own bytes but for Bcc, Date, Message-ID, what programs note in drafts and no header.

    Raises `InvalidRequest` without a recipient, `TooLarge` when there are too many.
    """
    unique = tuple(dict.fromkeys(recipients))
    _check_size(unique, "", (), draft=False)
    head, _, body = re.sub(rb"\r\n|\r|\n", b"\r\n", raw).partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", head)
    kept = [each.rstrip() for each in fields if _FIELD.match(each) and not _NOT_SENT.match(each)]
    ours = [f"Date: {format_datetime(date)}", f"Message-ID: <{_checked_id(message_id)}>"]
    content = b"\r\n".join([*(each.encode("ascii") for each in ours), *kept]) + b"\r\n\r\n" + body
    return Outgoing(message_id, sender, unique, content)


def checked_subject(subject: str) -> str:
    """The subject without outer blanks; raises `InvalidRequest` on control characters or excessive length."""
    subject = subject.strip()
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in subject):
        raise InvalidRequest("A subject is one line: leave out line breaks and control characters.")
    if len(subject) > _LONGEST_SUBJECT:
        raise InvalidRequest(f"A subject has at most {_LONGEST_SUBJECT} characters.")
    return subject


def forward_subject(subject: str) -> str:
    """`Fwd: ` before a subject that does not have it yet."""
    return _prefixed(subject, "Fwd: ", ("fwd:", "fw:", "wg:"))


def reply_subject(subject: str) -> str:
    """`Re: ` before a subject that does not have it yet, within the length that a subject may have."""
    return _prefixed(subject, "Re: ", ("re:", "aw:"))


def _prefixed(subject: str, prefix: str, known: tuple[str, ...]) -> str:
    kept = "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") else " " for c in subject).strip()
    prefixed = kept if kept.lower().startswith(known) else f"{prefix}{kept}"
    return prefixed[:_LONGEST_SUBJECT].strip()


def _check_size(recipients: Sequence[str], body: str, files: Sequence[File], *, draft: bool) -> None:
    if not recipients and not draft:
        raise InvalidRequest("A mail needs at least one recipient.")
    if len(recipients) > _MOST_RECIPIENTS:
        raise InvalidRequest(f"A mail goes to at most {_MOST_RECIPIENTS} recipients.")
    if len(body) > _LONGEST_BODY:
        raise TooLarge(f"A mail's text has at most {_LONGEST_BODY:,} characters.")
    if sum(len(each.content) for each in files) > LARGEST_FILES:
        raise TooLarge(f"The attachments of a mail have at most {LARGEST_FILES // 1_048_576} MB together.")


def _threading(in_reply_to: str, references: Iterable[str]) -> list[str]:
    if not in_reply_to:
        return []
    chain: list[str] = []
    room = _LONGEST_REFERENCES
    earlier = [each for each in dict.fromkeys(references) if each != in_reply_to and _is_id(each)]
    for each in [in_reply_to, *reversed(earlier)]:
        room -= len(each) + 3
        if chain and room < 0:
            break
        chain.append(f"<{_checked_id(each)}>")
    return [f"In-Reply-To: {chain[0]}", "References: " + "\r\n ".join(reversed(chain))]


def _is_id(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and not set(value) & set("<> ") and len(value) <= 250


def _checked_id(value: str) -> str:
    if not _is_id(value):
        raise InvalidRequest("A Message-ID holds printable ASCII without blanks.")
    return value


def _addresses(addresses: Sequence[Address]) -> str:
    return ",\r\n ".join(_one_address(address) for address in addresses)


def _one_address(address: Address) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in address.name + address.address):
        raise InvalidRequest("A name or address in a header cannot contain line breaks.")
    if not address.name:
        return address.address
    name = address.name[:100]
    if not name.isascii():
        return f"{_words(name, first=6)}\r\n <{address.address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address.address}>'


def _words(text: str, *, first: int) -> str:
    """A header value as ASCII, folded; `first` characters of the first line are taken by the header's name."""
    if text.isascii():
        return text
    return Header(text, "utf-8", header_name="x" * max(first - 2, 0)).encode(linesep="\r\n")


def _parts(body: str, files: Sequence[File], message_id: str, calendar: str) -> bytes:
    """The headers that tell the content, an empty line, and the content (RFC 2046, 5.1)."""
    text = _text_part("text/plain; charset=utf-8", body)
    if calendar:
        answer = _text_part("text/calendar; method=REPLY; charset=utf-8; component=VEVENT", calendar)
        text = _multipart("alternative", (text, answer), f"{message_id}/alternative")
    return _multipart("mixed", (text, *map(_file_part, files)), message_id) if files else text


def _text_part(kind: str, content: str) -> bytes:
    encoding, payload = _encoded_body(content)
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + payload


def _multipart(kind: str, parts: Iterable[bytes], seed: str) -> bytes:
    mark = f"=_{uuid.uuid5(uuid.NAMESPACE_URL, seed).hex}"
    line = f"--{mark}\r\n".encode()
    pieces = [line + part + b"\r\n" for part in parts]
    head = f'Content-Type: multipart/{kind}; boundary="{mark}"\r\n\r\n'.encode()
    return head + b"".join(pieces) + f"--{mark}--\r\n".encode()


def _file_part(file: File) -> bytes:
    name = f"filename={_quoted(file.name)}" if file.name.isascii() else f"filename*=utf-8''{quote(file.name, safe='')}"
    disposition = f"Content-Disposition: attachment;\r\n {name}\r\n"
    if file.type == "message/rfc822":  # RFC 2046, 5.2.1: no encoding but 7bit, 8bit or binary
        content = re.sub(rb"\r\n|\r|\n", b"\r\n", file.content)
        encoding = "7bit" if content.isascii() else "8bit"
        head = f"Content-Type: message/rfc822\r\n{disposition}Content-Transfer-Encoding: {encoding}\r\n\r\n"
        return head.encode() + content
    head = f"Content-Type: {file.type}\r\n{disposition}Content-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(file.content).replace(b"\n", b"\r\n")


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _encoded_body(body: str) -> tuple[str, bytes]:
    """The transfer encoding and the encoded lines, each ended by CRLF; every line fits SMTP (RFC 5321, 4.5.3.1)."""
    text = body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    lines = text.rstrip("\n").split("\n")
    if text.isascii() and all(len(line) <= 900 for line in lines):
        return "7bit", "".join(f"{line}\r\n" for line in lines).encode("ascii")
    raw = [line.encode("utf-8", "replace") for line in lines]
    foreign = sum(byte > 126 for line in raw for byte in line)
    if foreign * 3 > sum(map(len, raw)):
        return "base64", base64.encodebytes(b"\r\n".join(raw) + b"\r\n").replace(b"\n", b"\r\n")
    encoded = (quopri.encodestring(line, quotetabs=False).replace(b"=\n", b"=\r\n") for line in raw)
    return "quoted-printable", b"".join(line + b"\r\n" for line in encoded)
