"""Drafts as they were last read or written, so that a preview can show exactly what an approval will cover."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy import Connection, text

from connectors.gmail.digests import digest_of
from connectors.gmail.letters import Letter
from openassistant.formats.addresses import Address
from openassistant.formats.drafts import Draft
from openassistant.formats.files import Attached
from openassistant.formats.message import parse_mail
from openassistant.mails.drafts import restored, said_in

__all__ = ["Kept", "forget_draft", "kept_draft", "kept_of", "write_kept"]


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
    return Kept(digest=digest_of(raw), thread=thread, **said_in(raw, parse_mail(raw)))


def write_kept(connection: Connection, owner: str, draft: str, kept: Kept) -> None:
    """Remembers a draft."""
    statement = text("INSERT OR REPLACE INTO gmail_drafts (account, draft, content) VALUES (:a, :draft, :content)")
    connection.execute(statement, {"a": owner, "draft": draft, "content": json.dumps(kept._asdict())})


def kept_draft(connection: Connection, owner: str, draft: str) -> Kept | None:
    """What was remembered of a draft; None when it was never read in full."""
    query = text("SELECT content FROM gmail_drafts WHERE account = :a AND draft = :draft")
    content = connection.execute(query, {"a": owner, "draft": draft}).scalar_one_or_none()
    return Kept(**restored(json.loads(content))) if content else None


def forget_draft(connection: Connection, owner: str, draft: str) -> None:
    """Forgets a draft that is gone."""
    statement = text("DELETE FROM gmail_drafts WHERE account = :a AND draft = :draft")
    connection.execute(statement, {"a": owner, "draft": draft})
