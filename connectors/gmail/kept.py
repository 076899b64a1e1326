"""Drafts as they were last read or written, so that a preview can show exactly what an approval will cover."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.gmail.digests import digest_of
from connectors.gmail.letters import Letter
from openassistant.formats.addresses import Address
from openassistant.formats.drafts import Draft
from openassistant.formats.files import Attached, attached, files_of
from openassistant.formats.message import parse_mail

__all__ = ["Kept", "forget_draft", "kept_draft", "kept_of", "write_kept"]

_FORMATTED = re.compile(rb"^content-type:\s*text/html", re.IGNORECASE | re.MULTILINE)


class Kept(NamedTuple):
    """A draft in plain values; `digest` as `digest_of`, `formatted` says that it holds more than its text."""

    digest: str
    thread: str
    sender: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    text: str
    references: tuple[str, ...]
    attached: tuple[Attached, ...]
    formatted: bool

    def draft(self) -> Draft[Letter]:
        """The same as a mail to be made."""
        last = self.references[-1] if self.references else ""
        plain: Draft[Letter] = Draft(self.to, self.cc, self.bcc, self.subject, self.text, last, self.references)
        return plain._replace(attached=self.attached)


def kept_of(raw: bytes, *, thread: str) -> Kept:
    """What a draft's bytes say."""
    mail = parse_mail(raw)
    return Kept(
        digest=digest_of(raw),
        thread=thread,
        sender=mail.sender.address,
        to=mail.to,
        cc=mail.cc,
        bcc=mail.bcc,
        subject=mail.subject[:500],
        text=mail.text,
        references=mail.references,
        attached=attached(files_of(raw))[1:],
        formatted=bool(_FORMATTED.search(raw)),
    )


def write_kept(connection: Connection, owner: str, draft: str, kept: Kept) -> None:
    """Remembers a draft."""
    statement = text("INSERT OR REPLACE INTO gmail_drafts (account, draft, content) VALUES (:a, :draft, :content)")
    connection.execute(statement, {"a": owner, "draft": draft, "content": json.dumps(kept._asdict())})


def kept_draft(connection: Connection, owner: str, draft: str) -> Kept | None:
    """What was remembered of a draft; None when it was never read in full."""
    query = text("SELECT content FROM gmail_drafts WHERE account = :a AND draft = :draft")
    content = connection.execute(query, {"a": owner, "draft": draft}).scalar_one_or_none()
    return _kept(json.loads(content)) if content else None


def forget_draft(connection: Connection, owner: str, draft: str) -> None:
    """Forgets a draft that is gone."""
    statement = text("DELETE FROM gmail_drafts WHERE account = :a AND draft = :draft")
    connection.execute(statement, {"a": owner, "draft": draft})


def _kept(given: dict[str, Any]) -> Kept:
    people = {name: tuple(Address(*each) for each in given[name]) for name in ("to", "cc", "bcc")}
    files = tuple(Attached(*each) for each in given["attached"])
    return Kept(**{**given, **people, "references": tuple(given["references"]), "attached": files})
