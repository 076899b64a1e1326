"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from datetime import datetime

from connectors.outlook_mail.files import MailFile
from connectors.outlook_mail.letters import Letter
from connectors.outlook_mail.mirror import Change
from connectors.outlook_mail.search import Found
from openassistant.connector import OutsideText
from openassistant.formats.quotes import split
from openassistant.mails import views
from openassistant.mails.views import CUT, View, body_of, head_of, notes_of, outside

__all__ = [
    "AttachmentList", "AttachmentView", "AutoReplies", "ChangeList", "ChangeView", "DraftDeleted", "DraftSaved",
    "FlaggedMail", "FolderList", "FolderView", "MailSent", "MailSummary", "MailText", "MailThread", "MailsFlagged",
    "SearchResult", "attachment_view", "change_view", "summary_of", "text_of_mail",
]  # fmt: skip


class MailSummary(views.MailSummary):
    """A mail that was found; `id` is what the other tools take."""

    attachments: bool = False
    important: bool = False
    draft: bool = False
    categories: OutsideText | None = None


class SearchResult(View):
    """Mails, newest first; `note` says when the answer may not be complete."""

    messages: list[MailSummary]
    note: str = ""


class FolderView(View):
    """A folder; `role` is inbox, sent, drafts, archive, junk, trash or nothing; `read` when it is read in full.

    Who shares a folder with the user names it.
    """

    name: OutsideText
    role: str
    mails: int
    unread: int
    read: bool


class FolderList(View):
    """The folders of a mailbox."""

    folders: list[FolderView]
    note: str = ""


class MailText(views.MailText):
    """A mail with its text in parts; `note` says when something of it is missing.

    `quoted` is the tail that repeats an earlier mail. Where that mail stands in the same answer it is folded: `folded`
    says how many lines were left out.
    """

    attachments: bool = False
    note: str = ""


class MailThread(View):
    """The mails of a conversation, oldest first."""

    messages: list[MailText]
    note: str = ""


class ChangeView(View):
    """What became of a mail: new, changed or gone; `seen` is when that was noticed."""

    what: str
    seen: datetime
    message: str
    folder: str
    date: datetime
    sender: OutsideText
    subject: OutsideText


class ChangeList(View):
    """Changes, the newest first."""

    changes: list[ChangeView]
    note: str = ""


class AttachmentView(View):
    """A file in a mail: `number` is what attachments_read takes, `size` is in bytes.

    `kind` is file, mail (a whole mail, contact or event) or link (to a file that lies elsewhere).
    """

    number: int
    name: OutsideText
    type: str
    size: int
    kind: str


class AttachmentList(View):
    """The files that are attached to a mail."""

    message: str
    attachments: list[AttachmentView]


class MailSent(View):
    """A mail that Outlook took to be sent."""

    message: str
    message_id: str
    recipients: list[str]
    note: str = ""


class DraftSaved(View):
    """A draft that lies among the drafts; nothing was sent. `draft` is what drafts_update and drafts_send take."""

    draft: str
    message_id: str


class DraftDeleted(View):
    """A draft that lies in the trash."""

    draft: str
    folder: str


class FlaggedMail(views.FlaggedMail):
    """A mail's marks as they were before; what was not touched is null."""

    had_categories: OutsideText | None = None


class MailsFlagged(View):
    """Mails with new marks; `note` says when some of them were gone."""

    mails: list[FlaggedMail]
    note: str = ""


class AutoReplies(View):
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


def summary_of(found: Found, excerpt: str) -> MailSummary:
    """A mail in a list of found ones."""
    letter = found.letter
    return MailSummary(
        **head_of(found),
        id=found.key,
        folder=found.folder.name,
        unread=not letter.read,
        flagged=letter.flag == "flagged",
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
    parts = split(found.letter.excerpt if text is None else text)
    note = notes_of(
        "Only the beginning of its text is known at the moment." if text is None else "",
        CUT if len(parts.own) > longest else "",
        "It has formatting and may have pictures, which are not shown." if formatted and not parts.own.strip() else "",
    )
    return MailText(
        **head_of(found),
        **body_of(found, parts, longest=longest, fold=fold),
        id=found.key,
        folder=found.folder.name,
        attachments=found.letter.files,
        note=note,
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
