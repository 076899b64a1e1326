"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connectors.gmail.letters import Letter
from openassistant.connector import OutsideText
from openassistant.formats.quotes import Parts, split
from openassistant.mails import views
from openassistant.mails.views import CUT, View, attached_shown, body_of, head_of, notes_of, outside

__all__ = [
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
    "label_text",
    "place_of",
    "summary_of",
    "text_of_mail",
]

_PLACES = (("TRASH", "trash"), ("SPAM", "spam"), ("DRAFT", "drafts"), ("INBOX", "inbox"), ("SENT", "sent"))
_SILENT = {"TRASH", "SPAM", "DRAFT", "INBOX", "SENT", "UNREAD", "STARRED", "CHAT"}


class MailSummary(views.MailSummary):
    """A mail that was found; `id` is what the other tools take. `folder` is inbox, sent, drafts, archive, spam, trash.

    `labels` are the further labels that it bears.
    """

    labels: OutsideText | None = None
    attachments: OutsideText | None = None


class SearchResult(View):
    """Mails, newest first; `note` says when the answer may not be complete."""

    messages: list[MailSummary]
    note: str = ""


class MailText(views.MailText):
    """A mail with its text in parts; `note` says when something of it is missing.

    `quoted` is the tail that repeats an earlier mail. Where that mail stands in the same answer it is folded: `folded`
    says how many lines were left out. `total` is how many characters the text has.
    """

    total: int = 0
    attachments: OutsideText | None = None
    labels: OutsideText | None = None
    note: str = ""


class MailThread(View):
    """The mails of a conversation, oldest first."""

    messages: list[MailText]
    note: str = ""


class LabelView(View):
    """A label; `type` is system for Gmail's own, user for others."""

    id: str
    name: OutsideText
    type: str


class LabelList(View):
    """The labels of a mailbox."""

    labels: list[LabelView]
    note: str = ""


class LabelCreated(View):
    """A label that was made."""

    id: str
    name: OutsideText


class MailChange(View):
    """What happened to a mail: came, deleted or labelled, and which labels it bore then."""

    message: str
    what: str
    time: datetime
    labels: list[str]
    sender: OutsideText | None = None
    subject: OutsideText | None = None


class MailChanges(View):
    """What happened in a mailbox, newest first."""

    changes: list[MailChange]
    note: str = ""


class MailSent(View):
    """A mail that Gmail took; `message` is its id among the sent ones."""

    message: str
    recipients: list[str]


class DraftSaved(View):
    """A draft that lies among the drafts; nothing was sent. `draft` is what drafts_update and drafts_send take."""

    draft: str


class DraftView(View):
    """A draft in a list; `draft` is what the other tools take, `message` its id as a mail."""

    draft: str
    message: str
    recipients: OutsideText | None = None
    subject: OutsideText | None = None
    excerpt: OutsideText | None = None


class DraftList(View):
    """The newest drafts."""

    drafts: list[DraftView]


class DraftText(View):
    """A draft in full; `note` says what of it is not shown."""

    draft: str
    recipients: OutsideText
    copies: OutsideText
    blind_copies: OutsideText
    subject: OutsideText
    text: OutsideText
    attachments: OutsideText | None = None
    note: str = ""


class DraftDeleted(View):
    """A draft that was taken out of the mailbox; it is kept here for 90 days, to be brought back."""

    draft: str


class LabelledMail(View):
    """A mail with the labels that it lost and got, by their ids."""

    message: str
    added: list[str]
    removed: list[str]


class MailsLabelled(View):
    """Mails that were filed; `note` says when some of them were gone."""

    mails: list[LabelledMail]
    note: str = ""


class VacationReply(View):
    """The answer that Gmail gives by itself; times where it begins and ends by itself."""

    on: bool
    subject: OutsideText
    text: OutsideText
    start: datetime | None = None
    end: datetime | None = None
    contacts_only: bool = False
    domain_only: bool = False


def label_text(name: str) -> OutsideText:
    """The name of a label: other programs make them too."""
    return OutsideText(text=name, source="the name of a label")


def place_of(letter: Letter) -> str:
    """Where a mail lies, as people say it."""
    return next((place for label, place in _PLACES if label in letter.labels), "archive")


def summary_of(letter: Letter, names: Mapping[str, str]) -> MailSummary:
    """A mail in a list of found ones; `names` are those of labels by id."""
    return MailSummary(
        **head_of(letter),
        id=letter.id,
        folder=place_of(letter),
        unread="UNREAD" in letter.labels,
        flagged="STARRED" in letter.labels,
        excerpt=outside(letter, letter.excerpt),
        labels=_labels(letter, names),
        attachments=attached_shown(letter, letter.attachments),
    )


def text_of_mail(
    letter: Letter, text: str, names: Mapping[str, str], *, longest: int, start: int = 0, fold: bool = False
) -> MailText:
    """A mail with at most `longest` characters of its text from `start` on; `fold` leaves out what it repeats."""
    parts = Parts(text[start:]) if start else split(text)
    return MailText(
        **head_of(letter),
        **body_of(letter, parts, longest=longest, fold=fold),
        id=letter.id,
        folder=place_of(letter),
        total=len(text),
        attachments=attached_shown(letter, letter.attachments),
        labels=_labels(letter, names),
        note=notes_of(letter.problem, CUT if len(parts.own) > longest else ""),
    )


def _labels(letter: Letter, names: Mapping[str, str]) -> OutsideText | None:
    shown = [names.get(each, each) for each in letter.labels if each not in _SILENT]
    return label_text(", ".join(shown)) if shown else None
