"""A mail as a file (RFC 5322), rebuilt from what a mirror keeps of it. What it does not keep is said in a header.

Open-Assistant-Missing: the original source; the attachment lease.pdf (application/pdf, 12345 bytes)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email import policy
from email.charset import QP, Charset
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.utils import format_datetime, formataddr
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from openassistant.formats.addresses import Address

__all__ = ["MISSING", "File", "Part", "Rebuilt", "eml", "lacking"]

MISSING = "Open-Assistant-Missing"
"""The header that says what of a mail is not in its file."""

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_TEXT = Charset("utf-8")
_TEXT.body_encoding = QP
_POLICY = policy.compat32.clone(linesep="\r\n", max_line_length=78)


class Part(NamedTuple):
    """A part that is kept with a mail: its media type, its text, and the name of its file ("" for none)."""

    type: str
    text: str
    name: str = ""


class File(Protocol):
    """What is known of a file of a mail."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def type(self) -> str:
        """Its media type."""

    @property
    def size(self) -> int:
        """In bytes, about."""


class Rebuilt(NamedTuple):
    """What is known of a mail. `missing` says in words what is not; ids are without angle brackets."""

    date: datetime | None
    sender: Address
    to: Sequence[Address] = ()
    cc: Sequence[Address] = ()
    bcc: Sequence[Address] = ()
    reply_to: Sequence[Address] = ()
    subject: str = ""
    message_id: str = ""
    references: Sequence[str] = ()
    text: str = ""
    parts: Sequence[Part] = ()
    missing: Sequence[str] = ()
    more: Sequence[tuple[str, str]] = ()
    """Other headers."""


def eml(mail: Rebuilt) -> bytes:
    """The file; the same for the same mail, and whatever its words are."""
    letter = Message(_POLICY)
    for name, people in (("From", (mail.sender,)), ("To", mail.to), ("Cc", mail.cc), ("Bcc", mail.bcc),
                         ("Reply-To", mail.reply_to)):  # fmt: skip
        _add(letter, name, _people(people))
    _add(letter, "Date", format_datetime(mail.date) if mail.date else "")
    _add(letter, "Message-ID", f"<{mail.message_id}>" if mail.message_id else "")
    _add(letter, "In-Reply-To", f"<{mail.references[-1]}>" if mail.references else "")
    _add(letter, "References", " ".join(f"<{each}>" for each in mail.references))
    _add(letter, "Subject", mail.subject)
    for name, value in mail.more:
        _add(letter, name, value)
    _add(letter, MISSING, "; ".join(mail.missing))
    letter["MIME-Version"] = "1.0"
    _fill(letter, mail)
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=_POLICY).flatten(letter)
    return written.getvalue()


def lacking(files: Iterable[File]) -> list[str]:
    """What is said of files of which only the names are kept."""
    return [f"the attachment {each.name} ({each.type}, {each.size} bytes)" for each in files]


def _fill(letter: Message, mail: Rebuilt) -> None:
    """Puts the text in, and the parts beside it."""
    if not mail.parts:
        letter.set_payload(_clean(mail.text), _TEXT)
        return
    letter["Content-Type"] = "multipart/mixed"
    whole = f"{mail.message_id}\n{mail.text}\n{mail.parts}"
    letter.set_boundary(f"=-{hashlib.sha256(whole.encode('utf-8', 'replace')).hexdigest()[:40]}")
    for each in (Part("text/plain", mail.text), *mail.parts):
        inner = Message(_POLICY)
        inner.set_payload(_clean(each.text), _TEXT)
        inner.set_type(each.type)
        if each.name:
            inner.add_header("Content-Disposition", "attachment", filename=("utf-8", "", _line(each.name)))
        letter.attach(inner)


def _add(letter: Message, name: str, value: str) -> None:
    """A header in one line of words, folded and encoded as it needs; none for no value."""
    if plain := _line(value):
        value_of: Any = Header(plain, None if plain.isascii() else "utf-8", maxlinelen=78, header_name=name)
        letter[name] = value_of  # as the policy `compat32` takes it


def _people(some: Iterable[Address]) -> str:
    return ", ".join(_person(each) for each in some if each.address or each.name)


def _person(each: Address) -> str:
    name, address = _line(each.name), _line(each.address)
    try:
        return formataddr((name, address))
    except UnicodeError:  # an address that is not ASCII (RFC 6532) stands there as it is
        return f'"{name}" <{address}>' if name else address


def _line(value: str) -> str:
    return " ".join(_ODD.sub(" ", value).split())


def _clean(value: str) -> str:
    return value.encode("utf-8", "replace").decode().replace("\r\n", "\n")
