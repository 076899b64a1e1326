"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from connectors.outlook_mail.files import MailFile
from connectors.outlook_mail.letters import Letter
from connectors.outlook_mail.mirror import Change
from connectors.outlook_mail.search import Found
from openassistant.connector import OutsideText
from openassistant.formats.addresses import Address
from openassistant.formats.quotes import split

__all__ = [
    "AttachmentList", "AttachmentText", "AttachmentView", "AutoReplies", "ChangeList", "ChangeView", "DraftDeleted",
    "DraftSaved", "DraftText", "FlaggedMail", "FolderList", "FolderView", "MailSent", "MailSummary", "MailText",
    "MailThread", "MailsFlagged", "MailsMoved", "MovedMail", "SearchResult", "attachment_view", "change_view",
    "outside", "people_shown", "source_of", "summary_of", "text_of_mail",
]  # fmt: skip

_LONGEST_SIGNATURE = 1_000
_MOST_SHOWN = 20


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class MailSummary(_View):
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
    attachments: bool = False
    important: bool = False
    draft: bool = False
    categories: OutsideText | None = None


class SearchResult(_View):
    """Mails, newest first; `note` says when the answer may not be complete."""

    messages: list[MailSummary]
    note: str = ""


class FolderView(_View):
    """A folder; `role` is inbox, sent, drafts, archive, junk, trash or nothing; `read` when it is read in full.

    Who shares a folder with the user names it.
    """

    name: OutsideText
    role: str
    mails: int
    unread: int
    read: bool


class FolderList(_View):
    """The folders of a mailbox."""

    folders: list[FolderView]
    note: str = ""


class MailText(_View):
    """A mail with its text in parts; `note` says when something of it is missing.

    `quoted` is the tail that repeats an earlier mail. Where that mail stands in the same answer it is folded: `folded`
    says how many lines were left out.
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
    attachments: bool = False
    note: str = ""


class MailThread(_View):
    """The mails of a conversation, oldest first."""

    messages: list[MailText]
    note: str = ""


class ChangeView(_View):
    """What became of a mail: new, changed or gone; `seen` is when that was noticed."""

    what: str
    seen: datetime
    message: str
    folder: str
    date: datetime
    sender: OutsideText
    subject: OutsideText


class ChangeList(_View):
    """Changes, the newest first."""

    changes: list[ChangeView]
    note: str = ""


class AttachmentView(_View):
    """A file in a mail: `number` is what attachments_read takes, `size` is in bytes.

    `kind` is file, mail (a whole mail, contact or event) or link (to a file that lies elsewhere).
    """

    number: int
    name: OutsideText
    type: str
    size: int
    kind: str


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


class MailSent(_View):
    """A mail that Outlook took to be sent."""

    message: str
    message_id: str
    recipients: list[str]
    note: str = ""


class DraftSaved(_View):
    """A draft that lies among the drafts; nothing was sent. `draft` is what drafts_update and drafts_send take."""

    draft: str
    message_id: str


class DraftText(_View):
    """A draft in full; `note` says what of it is not shown."""

    id: str
    recipients: OutsideText
    copies: OutsideText
    blind_copies: OutsideText
    subject: OutsideText
    text: OutsideText
    attachments: OutsideText | None = None
    note: str = ""


class DraftDeleted(_View):
    """A draft that lies in the trash."""

    draft: str
    folder: str


class FlaggedMail(_View):
    """A mail's marks as they were before; what was not touched is null."""

    message: str
    was_read: bool | None = None
    was_starred: bool | None = None
    had_categories: OutsideText | None = None


class MailsFlagged(_View):
    """Mails with new marks; `note` says when some of them were gone."""

    mails: list[FlaggedMail]
    note: str = ""


class MovedMail(_View):
    """A mail that lies in another folder now; its id stays."""

    message: str
    came_from: str


class MailsMoved(_View):
    """Mails that lie in a folder now; `note` says when some of them were gone."""

    folder: str
    mails: list[MovedMail]
    note: str = ""


class AutoReplies(_View):
    """What Outlook answers by itself. `status` is off, on or scheduled.

    `audience` is who outside the organisation gets it: none, contacts or everybody. Both texts are plain; who else
    may change the mailbox's settings may have written them.
    """

    status: str
    audience: str
    text: OutsideText
    text_for_others: OutsideText
    start: str = ""
    end: str = ""


def source_of(letter: Letter) -> str:
    """Where the texts of a mail come from, in words."""
    return f"a mail from {letter.sender.address or 'nobody named'}"


def outside(letter: Letter, text: str) -> OutsideText:
    """A text out of a mail, with whom it says it is from."""
    authors = (letter.sender.address,) if letter.sender.address else ()
    return OutsideText(text=text, source=source_of(letter), authors=authors)


def people_shown(people: Iterable[Address]) -> str:
    """People as they are written in a line."""
    return ", ".join(each.shown for each in people)


def summary_of(found: Found, excerpt: str) -> MailSummary:
    """A mail in a list of found ones."""
    letter = found.letter
    return MailSummary(
        id=found.key,
        date=letter.at,
        folder=found.folder.name,
        unread=not letter.read,
        flagged=letter.flag == "flagged",
        sender=outside(letter, letter.sender.shown),
        recipients=_recipients(letter),
        subject=outside(letter, letter.subject),
        excerpt=outside(letter, excerpt or letter.excerpt),
        attachments=letter.files,
        important=letter.important,
        draft=letter.draft,
        categories=outside(letter, ", ".join(letter.categories)) if letter.categories else None,
    )


def text_of_mail(found: Found, text: str | None, *, formatted: bool, longest: int, fold: bool = False) -> MailText:
    """A mail with at most `longest` characters of its text; `fold` leaves out what it repeats.

    Where the text could not be read, its beginning stands there.
    """
    letter = found.letter
    parts = split(letter.excerpt if text is None else text)
    quoted = "" if fold else parts.quoted
    notes = [
        "Only the beginning of its text is known at the moment." if text is None else "",
        "The text is longer than shown." if len(parts.own) > longest else "",
        "It has formatting and may have pictures, which are not shown." if formatted and not parts.own.strip() else "",
    ]
    return MailText(
        id=found.key,
        date=letter.at,
        folder=found.folder.name,
        sender=outside(letter, letter.sender.shown),
        recipients=_recipients(letter),
        subject=outside(letter, letter.subject),
        text=outside(letter, parts.own[:longest]),
        signature=outside(letter, parts.signature[:_LONGEST_SIGNATURE]) if parts.signature else None,
        quoted=outside(letter, quoted[:longest]) if quoted else None,
        folded=parts.quoted.count("\n") + 1 if fold and parts.quoted else 0,
        attachments=letter.files,
        note=" ".join(note for note in notes if note),
    )


def change_view(change: Change) -> ChangeView:
    """A change in a list of them."""
    letter = change.letter
    return ChangeView(
        what=change.what,
        seen=change.at,
        message=change.key,
        folder=change.folder,
        date=letter.at,
        sender=outside(letter, letter.sender.shown),
        subject=outside(letter, letter.subject),
    )


def attachment_view(letter: Letter, file: MailFile) -> AttachmentView:
    """A file in a list of them."""
    name = outside(letter, file.name)
    return AttachmentView(number=file.number, name=name, type=file.type, size=file.size, kind=file.kind)


def _recipients(letter: Letter) -> OutsideText:
    people = (*letter.to, *letter.cc)
    more = f" and {len(people) - _MOST_SHOWN} more" if len(people) > _MOST_SHOWN else ""
    return outside(letter, people_shown(people[:_MOST_SHOWN]) + more)
