"""What mail tools give back alike. What a stranger could have written is `OutsideText`, with whom it claims to be from.

A connector extends `MailSummary` and `MailText` by what its provider tells besides, and names both in its answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypedDict

from pydantic import BaseModel, ConfigDict

from openassistant.connector import OutsideText
from openassistant.formats.addresses import Address
from openassistant.formats.drafts import Draft, L, Letter
from openassistant.formats.message import Attachment
from openassistant.formats.quotes import Parts
from openassistant.messages import OutsideSource

__all__ = [
    "CUT", "LONGEST_DRAFT", "Body", "DraftText", "DraftWords", "FlaggedMail", "Head", "MailSummary", "MailText",
    "MailsMoved", "MovedMail", "View", "Written", "attached_shown", "body_of", "draft_text", "draft_words", "head_of",
    "notes_of", "outside", "people_shown", "source_of",
]  # fmt: skip

CUT = "The text is longer than shown."
LONGEST_DRAFT = 60_000
_LONGEST_SIGNATURE = 1_000
_MOST_PEOPLE, _MOST_FILES = 20, 30


class View(BaseModel):
    """What a tool gives back, and never changes."""

    model_config = ConfigDict(frozen=True)


class MailSummary(View):
    """A mail that was found; `id` is what the other tools take."""

    id: str
    date: datetime
    folder: str
    unread: bool
    flagged: bool
    sender: OutsideText
    recipients: OutsideText
    subject: OutsideText
    excerpt: OutsideText


class MailText(View):
    """A mail with its text in parts; `folded` says how many quoted lines were left out."""

    id: str
    date: datetime
    folder: str
    sender: OutsideText
    recipients: OutsideText
    subject: OutsideText
    text: OutsideText
    signature: OutsideText | None = None
    quoted: OutsideText | None = None
    folded: int = 0


class DraftText(View):
    """A draft in full; `note` says what of it is not shown."""

    id: str
    recipients: OutsideText
    copies: OutsideText
    blind_copies: OutsideText
    subject: OutsideText
    text: OutsideText
    attachments: OutsideText | None = None
    note: str = ""


class FlaggedMail(View):
    """A mail's marks as they were before; what was not touched is null."""

    message: str
    was_read: bool | None = None
    was_starred: bool | None = None


class MovedMail(View):
    """A mail that lies in another folder now; its id stays."""

    message: str
    came_from: str


class MailsMoved(View):
    """Mails that lie in a folder now; `note` says when some of them were gone."""

    folder: str
    mails: list[MovedMail]
    note: str = ""


class Written(Protocol):
    """A mail, of which its sender is known."""

    @property
    def sender(self) -> Address:
        """Who wrote it, as it says."""


class Head(TypedDict):
    """What stands above a mail, as the fields of a view."""

    date: datetime
    sender: OutsideText
    recipients: OutsideText
    subject: OutsideText


class Body(TypedDict):
    """The text of a mail in parts, as the fields of a view."""

    text: OutsideText
    signature: OutsideText | None
    quoted: OutsideText | None
    folded: int


class DraftWords(TypedDict):
    """What stands in a draft, as the fields of a view."""

    recipients: OutsideText
    copies: OutsideText
    blind_copies: OutsideText
    subject: OutsideText
    text: OutsideText
    attachments: OutsideText | None


def head_of(mail: Letter) -> Head:
    """When a mail was sent, by whom, to whom, and about what."""
    people = (*mail.to, *mail.cc)
    more = f" and {len(people) - _MOST_PEOPLE} more" if len(people) > _MOST_PEOPLE else ""
    return {
        "date": mail.date,
        "sender": outside(mail, mail.sender.shown),
        "recipients": outside(mail, people_shown(people[:_MOST_PEOPLE]) + more),
        "subject": outside(mail, mail.subject),
    }


def body_of(mail: Written, parts: Parts, *, longest: int, fold: bool) -> Body:
    """At most `longest` characters of a text and of what it quotes; `fold` counts the quoted lines instead."""
    quoted = "" if fold else parts.quoted
    return {
        "text": outside(mail, parts.own[:longest]),
        "signature": outside(mail, parts.signature[:_LONGEST_SIGNATURE]) if parts.signature else None,
        "quoted": outside(mail, quoted[:longest]) if quoted else None,
        "folded": parts.quoted.count("\n") + 1 if fold and parts.quoted else 0,
    }


def attached_shown(mail: Written, files: Sequence[Attachment]) -> OutsideText | None:
    """What is attached to a mail, in one line; None where nothing is."""
    if not files:
        return None
    return outside(mail, ", ".join(f"{each.name} ({each.size // 1024} KB)" for each in files[:_MOST_FILES]))


def draft_text(id: str, draft: Draft[L], *, formatted: bool) -> DraftText:  # noqa: A002 - it is called so
    """A draft that was read in full; `formatted` says that it holds more than its text."""
    return DraftText(id=id, **draft_words(draft), note="It has formatting, which is not shown." if formatted else "")


def draft_words(draft: Draft[L]) -> DraftWords:
    """What a draft says; it may repeat what others wrote, or be planted by them."""

    def said(text: str) -> OutsideText:
        return OutsideText(text=text, source="a draft in this mailbox")

    return {
        "recipients": said(people_shown(draft.to)),
        "copies": said(people_shown(draft.cc)),
        "blind_copies": said(people_shown(draft.bcc)),
        "subject": said(draft.subject),
        "text": said(draft.text[:LONGEST_DRAFT]),
        "attachments": said(", ".join(each.shown for each in draft.attached)) if draft.attached else None,
    }


def people_shown(people: Iterable[Address]) -> str:
    """People as they are written in a line."""
    return ", ".join(each.shown for each in people)


def source_of(mail: Written) -> OutsideSource:
    """Where the texts of a mail come from: in words, and by the address that it says it is from."""
    authors = (mail.sender.address,) if mail.sender.address else ()
    return OutsideSource(source=f"a mail from {mail.sender.address or 'nobody named'}", authors=authors)


def outside(mail: Written, text: str) -> OutsideText:
    """A text out of a mail, with whom it says it is from."""
    source = source_of(mail)
    return OutsideText(text=text, source=source.source, authors=source.authors)


def notes_of(*notes: str) -> str:
    """The notes that say something."""
    return " ".join(note for note in notes if note)
