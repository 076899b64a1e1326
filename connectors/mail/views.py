"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from connectors.mail.files import Attached
from connectors.mail.imap import Flag
from connectors.mail.invitation_views import MailInvitation
from connectors.mail.kept import Kept
from connectors.mail.search import Found
from openassistant.connector import OutsideText
from openassistant.formats.addresses import Address
from openassistant.formats.quotes import split

__all__ = [
    "AttachmentList",
    "AttachmentText",
    "AttachmentView",
    "DraftDeleted",
    "DraftSaved",
    "DraftText",
    "FlaggedMail",
    "FolderList",
    "FolderView",
    "InvitationAnswered",
    "MailSent",
    "MailSummary",
    "MailText",
    "MailThread",
    "MailsFlagged",
    "MailsMoved",
    "MovedMail",
    "SearchResult",
    "Unsubscribed",
    "attachment_list",
    "attachment_text",
    "draft_text",
    "outside",
    "source_of",
    "summary_of",
    "text_of_mail",
]

_LONGEST_DRAFT = 60_000
_LONGEST_SIGNATURE = 1_000
_STATES = {
    "cut": "Only the beginning of this large mail was read.",
    "damaged": "This mail is malformed; only a part of it can be read.",
    "unreadable": "This mail cannot be read; look at it in another mail program.",
}


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class MailSummary(_View):
    """A mail that was found; `id` is what the other tools take. `invitation` is the method of one in it."""

    id: str
    date: datetime
    folder: str
    unread: bool
    flagged: bool
    sender: OutsideText
    recipients: OutsideText
    subject: OutsideText
    excerpt: OutsideText
    attachments: OutsideText | None = None
    invitation: str = ""


class SearchResult(_View):
    """Mails, newest first; `note` says when the answer may not be complete."""

    messages: list[MailSummary]
    note: str = ""


class FolderView(_View):
    """A folder; `role` is inbox, sent, drafts, archive, junk, trash, all or nothing; `read` when it is read in full.

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

    `mailing_list` names the list that it came from, when messages_unsubscribe may be able to leave it.
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
    attachments: OutsideText | None = None
    mailing_list: OutsideText | None = None
    invitation: MailInvitation | None = None
    note: str = ""


class MailThread(_View):
    """The mails of a conversation, oldest first."""

    messages: list[MailText]
    note: str = ""


class MailSent(_View):
    """A mail that the server took; `note` says when its copy in Sent follows later."""

    message_id: str
    recipients: list[str]
    note: str = ""


class InvitationAnswered(MailSent):
    """An answer to an invitation that the server took: accepted, tentative or declined."""

    answer: str


class DraftSaved(_View):
    """A draft that lies in the folder of drafts; nothing was sent. `draft` is what drafts_update and drafts_send take.

    It is empty while the folder was never read: the next sync brings it. `replaces` is the version in the trash.
    """

    message_id: str
    draft: str = ""
    replaces: str = ""


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
    came_from: str


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


class FlaggedMail(_View):
    """A mail's marks as they were before; what was not touched is null."""

    message: str
    was_read: bool | None = None
    was_starred: bool | None = None


class MailsFlagged(_View):
    """Mails with new marks; `note` says when some of them were gone."""

    read: bool | None = None
    starred: bool | None = None
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


class Unsubscribed(_View):
    """A request to leave a list that went out, by `click` or `mail`, to a host or an address."""

    message: str
    way: str
    target: str
    note: str = ""


def attachment_list(found: Found, files: Sequence[Attached]) -> AttachmentList:
    """The files of a mail that was read in full."""
    views = [
        AttachmentView(
            number=each.number,
            name=outside(found, each.name),
            type=each.type,
            size=each.size,
            sha256=each.sha256,
        )
        for each in files
    ]
    return AttachmentList(message=str(found.id), attachments=views)


def attachment_text(
    found: Found, file: Attached, text: str, *, kind: str, start: int, total: int, note: str
) -> AttachmentText:
    """A part of a file's text, said to be from whom the mail says it is from."""
    return AttachmentText(
        message=str(found.id),
        number=file.number,
        name=outside(found, file.name),
        kind=kind,
        text=outside(found, text),
        start=start,
        total=total,
        note=note,
    )


def draft_text(found: Found, kept: Kept) -> DraftText:
    """A draft that was read in full; it may repeat what others wrote, or be planted by them."""

    def outside(text: str) -> OutsideText:
        return OutsideText(text=text, source="a draft in this mailbox")

    def people(some: tuple[Address, ...]) -> OutsideText:
        return outside(", ".join(each.shown for each in some))

    return DraftText(
        id=str(found.id),
        recipients=people(kept.to),
        copies=people(kept.cc),
        blind_copies=people(kept.bcc),
        subject=outside(kept.subject),
        text=outside(kept.text[:_LONGEST_DRAFT]),
        attachments=outside(", ".join(each.shown for each in kept.attached)) if kept.attached else None,
        note="It has formatting, which is not shown." if kept.formatted else "",
    )


def source_of(found: Found) -> str:
    """Where the texts of a mail come from, in words."""
    return f"a mail from {found.sender.address or 'nobody named'}"


def summary_of(found: Found, excerpt: str) -> MailSummary:
    """A mail in a list of found ones."""
    return MailSummary(
        id=str(found.id),
        date=found.date,
        folder=found.folder.name,
        unread=not found.flags & Flag.SEEN,
        flagged=bool(found.flags & Flag.FLAGGED),
        sender=outside(found, found.sender.shown),
        recipients=_recipients(found),
        subject=outside(found, found.subject),
        excerpt=outside(found, excerpt or found.excerpt),
        attachments=_attachments(found),
        invitation=found.invitation,
    )


def text_of_mail(found: Found, text: str, *, longest: int, fold: bool = False) -> MailText:
    """A mail with at most `longest` characters of its text; `fold` leaves out what it repeats."""
    parts = split(text)
    quoted = "" if fold else parts.quoted
    text = parts.own
    notes = [
        _STATES.get(found.state, ""),
        found.problem,
        "The text is longer than shown." if len(text) > longest else "",
    ]
    return MailText(
        id=str(found.id),
        date=found.date,
        folder=found.folder.name,
        sender=outside(found, found.sender.shown),
        recipients=_recipients(found),
        subject=outside(found, found.subject),
        text=outside(found, text[:longest]),
        signature=outside(found, parts.signature[:_LONGEST_SIGNATURE]) if parts.signature else None,
        quoted=outside(found, quoted[:longest]) if quoted else None,
        mailing_list=outside(found, found.list_id or "(not named)") if found.unsubscribe else None,
        folded=parts.quoted.count("\n") + 1 if fold and parts.quoted else 0,
        attachments=_attachments(found),
        note=" ".join(note for note in notes if note),
    )


def _recipients(found: Found) -> OutsideText:
    people = (*found.to, *found.cc)
    more = f" and {len(people) - 20} more" if len(people) > 20 else ""
    return outside(found, ", ".join(each.shown for each in people[:20]) + more)


def _attachments(found: Found) -> OutsideText | None:
    if not found.attachments:
        return None
    return outside(found, ", ".join(f"{each.name} ({each.size // 1024} KB)" for each in found.attachments[:30]))


def outside(found: Found, text: str) -> OutsideText:
    """A text out of a mail, with whom it says it is from."""
    authors = (found.sender.address,) if found.sender.address else ()
    return OutsideText(text=text, source=source_of(found), authors=authors)
