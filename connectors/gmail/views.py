"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from connectors.gmail.letters import Letter
from openassistant.connector import OutsideText
from openassistant.formats.files import Attached
from openassistant.formats.quotes import split

__all__ = [
    "AttachmentList",
    "AttachmentText",
    "AttachmentView",
    "DraftDeleted",
    "DraftList",
    "DraftSaved",
    "DraftText",
    "DraftView",
    "LabelCreated",
    "LabelList",
    "LabelView",
    "LabelledMail",
    "MailChange",
    "MailChanges",
    "MailSent",
    "MailSummary",
    "MailText",
    "MailThread",
    "MailsLabelled",
    "SearchResult",
    "VacationReply",
    "attachment_list",
    "label_text",
    "outside",
    "place_of",
    "source_of",
    "summary_of",
    "text_of_mail",
]

_LONGEST_SIGNATURE = 1_000
_PLACES = (("TRASH", "trash"), ("SPAM", "spam"), ("DRAFT", "drafts"), ("INBOX", "inbox"), ("SENT", "sent"))
_SILENT = {"TRASH", "SPAM", "DRAFT", "INBOX", "SENT", "UNREAD", "STARRED", "CHAT"}


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class MailSummary(_View):
    """A mail that was found; `id` is what the other tools take. `folder` is inbox, sent, drafts, archive, spam, trash.

    `labels` are the further labels that it bears.
    """

    id: str
    date: datetime
    folder: str
    unread: bool
    flagged: bool
    sender: OutsideText
    recipients: OutsideText
    subject: OutsideText
    excerpt: OutsideText
    labels: OutsideText | None = None
    attachments: OutsideText | None = None


class SearchResult(_View):
    """Mails, newest first; `note` says when the answer may not be complete."""

    messages: list[MailSummary]
    note: str = ""


class MailText(_View):
    """A mail with its text in parts; `note` says when something of it is missing.

    `quoted` is the tail that repeats an earlier mail. Where that mail stands in the same answer it is folded: `folded`
    says how many lines were left out. `total` is how many characters the text has.
    """

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
    total: int = 0
    attachments: OutsideText | None = None
    labels: OutsideText | None = None
    note: str = ""


class MailThread(_View):
    """The mails of a conversation, oldest first."""

    messages: list[MailText]
    note: str = ""


class LabelView(_View):
    """A label; `type` is system for Gmail's own, user for others."""

    id: str
    name: OutsideText
    type: str


class LabelList(_View):
    """The labels of a mailbox."""

    labels: list[LabelView]
    note: str = ""


class LabelCreated(_View):
    """A label that was made."""

    id: str
    name: OutsideText


class MailChange(_View):
    """What happened to a mail: came, deleted or labelled, and which labels it bore then."""

    message: str
    what: str
    time: datetime
    labels: list[str]
    sender: OutsideText | None = None
    subject: OutsideText | None = None


class MailChanges(_View):
    """What happened in a mailbox, newest first."""

    changes: list[MailChange]
    note: str = ""


class MailSent(_View):
    """A mail that Gmail took; `message` is its id among the sent ones."""

    message: str
    recipients: list[str]


class DraftSaved(_View):
    """A draft that lies among the drafts; nothing was sent. `draft` is what drafts_update and drafts_send take."""

    draft: str


class DraftView(_View):
    """A draft in a list; `draft` is what the other tools take, `message` its id as a mail."""

    draft: str
    message: str
    recipients: OutsideText | None = None
    subject: OutsideText | None = None
    excerpt: OutsideText | None = None


class DraftList(_View):
    """The newest drafts."""

    drafts: list[DraftView]


class DraftText(_View):
    """A draft in full; `note` says what of it is not shown."""

    draft: str
    recipients: OutsideText
    copies: OutsideText
    blind_copies: OutsideText
    subject: OutsideText
    text: OutsideText
    attachments: OutsideText | None = None
    note: str = ""


class DraftDeleted(_View):
    """A draft that was taken out of the mailbox; it is kept here for 90 days, to be brought back."""

    draft: str


class AttachmentView(_View):
    """A file in a mail: `number` is what attachments_read takes, `size` is in bytes."""

    number: int
    name: OutsideText
    type: str
    size: int
    sha256: str


class AttachmentList(_View):
    """The files that are attached to a mail."""

    message: str
    attachments: list[AttachmentView]


class AttachmentText(_View):
    """The text of a file from character `start` on; `total` is how many characters it has."""

    message: str
    number: int
    name: OutsideText
    kind: str
    text: OutsideText
    start: int
    total: int
    note: str = ""


class LabelledMail(_View):
    """A mail with the labels that it lost and got, by their ids."""

    message: str
    added: list[str]
    removed: list[str]


class MailsLabelled(_View):
    """Mails that were filed; `note` says when some of them were gone."""

    mails: list[LabelledMail]
    note: str = ""


class VacationReply(_View):
    """The answer that Gmail gives by itself; times where it begins and ends by itself."""

    on: bool
    subject: OutsideText
    text: OutsideText
    start: datetime | None = None
    end: datetime | None = None
    contacts_only: bool = False
    domain_only: bool = False


def source_of(letter: Letter) -> str:
    """Where the texts of a mail come from, in words."""
    return f"a mail from {letter.sender.address or 'nobody named'}"


def outside(letter: Letter, text: str) -> OutsideText:
    """A text out of a mail, with whom it says it is from."""
    authors = (letter.sender.address,) if letter.sender.address else ()
    return OutsideText(text=text, source=source_of(letter), authors=authors)


def label_text(name: str) -> OutsideText:
    """The name of a label: other programs make them too."""
    return OutsideText(text=name, source="the name of a label")


def place_of(letter: Letter) -> str:
    """Where a mail lies, as people say it."""
    return next((place for label, place in _PLACES if label in letter.labels), "archive")


def summary_of(letter: Letter, names: Mapping[str, str]) -> MailSummary:
    """A mail in a list of found ones; `names` are those of labels by id."""
    return MailSummary(
        id=letter.id,
        date=letter.date,
        folder=place_of(letter),
        unread="UNREAD" in letter.labels,
        flagged="STARRED" in letter.labels,
        sender=outside(letter, letter.sender.shown),
        recipients=_recipients(letter),
        subject=outside(letter, letter.subject),
        excerpt=outside(letter, letter.excerpt),
        labels=_labels(letter, names),
        attachments=_attachments(letter),
    )


def text_of_mail(
    letter: Letter, text: str, names: Mapping[str, str], *, longest: int, start: int = 0, fold: bool = False
) -> MailText:
    """A mail with at most `longest` characters of its text from `start` on; `fold` leaves out what it repeats."""
    parts = split(text)
    own, quoted, signature = (text, "", "") if start else (parts.own, "" if fold else parts.quoted, parts.signature)
    notes = [letter.problem, "The text is longer than shown." if len(own) > start + longest else ""]
    return MailText(
        id=letter.id,
        date=letter.date,
        folder=place_of(letter),
        sender=outside(letter, letter.sender.shown),
        recipients=_recipients(letter),
        subject=outside(letter, letter.subject),
        text=outside(letter, own[start : start + longest]),
        signature=outside(letter, signature[:_LONGEST_SIGNATURE]) if signature else None,
        quoted=outside(letter, quoted[:longest]) if quoted else None,
        folded=parts.quoted.count("\n") + 1 if fold and parts.quoted else 0,
        total=len(text),
        attachments=_attachments(letter),
        labels=_labels(letter, names),
        note=" ".join(note for note in notes if note),
    )


def attachment_list(letter: Letter, files: Sequence[Attached]) -> AttachmentList:
    """The files of a mail that was read in full."""
    views = [
        AttachmentView(
            number=each.number, name=outside(letter, each.name), type=each.type, size=each.size, sha256=each.sha256
        )
        for each in files
    ]
    return AttachmentList(message=letter.id, attachments=views)


def _labels(letter: Letter, names: Mapping[str, str]) -> OutsideText | None:
    shown = [names.get(each, each) for each in letter.labels if each not in _SILENT]
    return label_text(", ".join(shown)) if shown else None


def _recipients(letter: Letter) -> OutsideText:
    people = (*letter.to, *letter.cc)
    more = f" and {len(people) - 20} more" if len(people) > 20 else ""
    return outside(letter, ", ".join(each.shown for each in people[:20]) + more)


def _attachments(letter: Letter) -> OutsideText | None:
    if not letter.attachments:
        return None
    return outside(letter, ", ".join(f"{each.name} ({each.size // 1024} KB)" for each in letter.attachments[:30]))
