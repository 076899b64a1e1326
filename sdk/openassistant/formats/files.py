"""The files in a mail, taken out of it in full, and what an approval has to know of them to cover them.

Number 0 stands for the whole mail.
"""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from openassistant.formats.charsets import clean, decode_header
from openassistant.formats.compose import File
from openassistant.formats.message import BROKEN

__all__ = ["LARGEST_MAIL", "Attached", "attached", "files_of"]

LARGEST_MAIL = 40 * 1024 * 1024
"""The largest mail that is read in full, in bytes."""

_DEEPEST = 20
_MOST = 300
_TEXTS = ("text/plain", "text/html")
_PARSER = email.parser.BytesParser(policy=email.policy.compat32)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")


class Attached(NamedTuple):
    """What is known of a file of a mail; `size` in bytes, `sha256` in hex, "" where nobody has its content."""

    number: int
    name: str
    type: str
    size: int
    sha256: str = ""

    @property
    def shown(self) -> str:
        """As a person reads it: name, size and digest."""
        digest = f", SHA-256 {self.sha256}" if self.sha256 else ""
        return f"{self.name} ({max(self.size // 1024, 1)} KB{digest})"


def files_of(raw: bytes) -> list[File]:
    """The whole mail, and after it what is attached to it, in the order of its parts; never raises."""
    try:
        parsed = _PARSER.parsebytes(raw)
        found = list(_leaves(parsed, 0))[:_MOST]
    except BROKEN:
        parsed, found = email.message.Message(), []
    subject = decode_header(str(parsed["subject"] or ""))
    return [File(f"{_plain(subject)[:80] or 'mail'}.eml", "message/rfc822", raw), *found]


def attached(files: Sequence[File]) -> tuple[Attached, ...]:
    """What is to be known of files, numbered as they come."""
    return tuple(
        Attached(number, each.name, each.type, len(each.content), hashlib.sha256(each.content).hexdigest())
        for number, each in enumerate(files)
    )


def _leaves(part: email.message.Message, depth: int) -> Iterator[File]:
    inner = part.get_payload()
    kind = clean(part.get_content_type())
    if kind == "message/rfc822" and isinstance(inner, list) and inner and isinstance(inner[0], email.message.Message):
        name = _name(part) or decode_header(str(inner[0]["subject"] or "")) or "mail"
        yield File((_plain(name).removesuffix(".eml") or "mail") + ".eml", kind, inner[0].as_bytes())
    elif isinstance(inner, list):
        for each in inner[:_MOST] if depth < _DEEPEST else ():
            if isinstance(each, email.message.Message):
                yield from _leaves(each, depth + 1)
    elif found := _file(part, kind):
        yield found


def _file(part: email.message.Message, kind: str) -> File | None:
    """A leaf that is attached: named, not text to read, or said to be an attachment."""
    name, disposition = _name(part), str(part.get("content-disposition") or "").strip().lower()
    if kind.startswith("multipart/"):
        return None
    if not name and not disposition.startswith("attachment") and (kind in _TEXTS or disposition.startswith("inline")):
        return None
    content = part.get_payload(decode=True)
    kind = kind if _TYPE.fullmatch(kind) else "application/octet-stream"
    return File(_plain(name) or f"({kind.replace('/', ' ')})", kind, content if isinstance(content, bytes) else b"")


def _name(part: email.message.Message) -> str:
    try:
        return decode_header(str(part.get_filename("")))
    except BROKEN:
        return "(unreadable name)"


def _plain(name: str) -> str:
    """A name without folders and without characters that a file name must not have."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[\x00-\x1f\x7f:*?\"<>|]", "_", last).strip(" .")[:150]
