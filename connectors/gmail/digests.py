"""What makes a mail the mail that was approved, whatever Gmail writes around it.

Gmail gives every mail another Message-ID, date and boundaries, and encodes its parts anew; so bytes cannot be compared.
"""

from __future__ import annotations

import email.parser
import email.policy
import hashlib
import json
from collections.abc import Iterator

from openassistant.formats.compose import File
from openassistant.formats.files import files_of
from openassistant.formats.message import BROKEN, parse_mail

__all__ = ["digest_of"]

_PARSER = email.parser.BytesParser(policy=email.policy.compat32)


def digest_of(raw: bytes) -> str:
    """SHA-256 over recipients, subject, text, kinds and contents of a mail, in hex."""
    mail = parse_mail(raw)
    told = {
        "people": [sorted({each.address for each in some}) for some in (mail.to, mail.cc, mail.bcc)],
        "subject": " ".join(mail.subject.split()),
        "text": "\n".join(line.rstrip() for line in mail.text.strip().split("\n")),
        "html": list(_formatted(raw)),
        "files": [[each.name, each.type, _content(each)] for each in files_of(raw)[1:]],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _formatted(raw: bytes) -> Iterator[str]:
    """The digests of what it says with formatting, which its text alone does not show."""
    try:
        for part in _PARSER.parsebytes(raw).walk():
            if part.get_content_type() == "text/html":
                content = part.get_payload(decode=True)
                yield hashlib.sha256(b" ".join(content.split()) if isinstance(content, bytes) else b"").hexdigest()
    except BROKEN:
        yield "unreadable"


def _content(file: File) -> str:
    """The digest of a file; of a mail within a mail without its blanks, which are folded anew on the way."""
    content = b"".join(file.content.split()) if file.type == "message/rfc822" else file.content
    return hashlib.sha256(content).hexdigest()
