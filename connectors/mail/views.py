"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it claims to be from."""

from __future__ import annotations

from connectors.mail.imap import Flag
from connectors.mail.invitation_views import MailInvitation
from connectors.mail.search import Found
from openassistant.connector import OutsideText
from openassistant.formats.quotes import split
from openassistant.mails import views
from openassistant.mails.views import CUT, FlaggedMail, View, attached_shown, body_of, head_of, notes_of, outside

__all__ = [
    "DraftDeleted",
    "DraftSaved",
    "FolderList",
    "FolderView",
    "InvitationAnswered",
    "MailSent",
    "MailSummary",
    "MailText",
    "MailThread",
    "MailsFlagged",
    "SearchResult",
    "Unsubscribed",
    "summary_of",
    "text_of_mail",
]

_STATES = {
    "cut": "Only the beginning of this large mail was read.",
    "damaged": "This mail is malformed; only a part of it can be read.",
    "unreadable": "This mail cannot be read; look at it in another mail program.",
}


class MailSummary(views.MailSummary):
    """A mail that was found; `id` is what the other tools take. `invitation` is the method of one in it."""

    attachments: OutsideText | None = None
    invitation: str = ""


class SearchResult(View):
    """Mails, newest first; `note` says when the answer may not be complete."""

    messages: list[MailSummary]
    note: str = ""


class FolderView(View):
    """A folder; `role` is inbox, sent, drafts, archive, junk, trash, all or nothing; `read` when it is read in full.

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

    `mailing_list` names the list that it came from, when messages_unsubscribe may be able to leave it.
    `quoted` is the tail that repeats an earlier mail. Where that mail stands in the same answer it is folded: `folded`
    says how many lines were left out.
    """

    attachments: OutsideText | None = None
    mailing_list: OutsideText | None = None
    invitation: MailInvitation | None = None
    note: str = ""


class MailThread(View):
    """The mails of a conversation, oldest first."""

    messages: list[MailText]
    note: str = ""


class MailSent(View):
    """A mail that the server took; `note` says when its copy in Sent follows later."""

    message_id: str
    recipients: list[str]
    note: str = ""


class InvitationAnswered(MailSent):
    """An answer to an invitation that the server took: accepted, tentative or declined."""

    answer: str


class DraftSaved(View):
    """A draft that lies in the folder of drafts; nothing was sent. `draft` is what drafts_update and drafts_send take.

    It is empty while the folder was never read: the next sync brings it. `replaces` is the version in the trash.
    """

    message_id: str
    draft: str = ""
    replaces: str = ""


class DraftDeleted(View):
    """A draft that lies in the trash."""

    draft: str
    folder: str
    came_from: str


class MailsFlagged(View):
    """Mails with new marks; `note` says when some of them were gone."""

    read: bool | None = None
    starred: bool | None = None
    mails: list[FlaggedMail]
    note: str = ""


class Unsubscribed(View):
    """A request to leave a list that went out, by `click` or `mail`, to a host or an address."""

    message: str
    way: str
    target: str
    note: str = ""


def summary_of(found: Found, excerpt: str) -> MailSummary:
    """A mail in a list of found ones."""
    return MailSummary(
        **head_of(found),
        id=str(found.id),
        folder=found.folder.name,
        unread=not found.flags & Flag.SEEN,
        flagged=bool(found.flags & Flag.FLAGGED),
        excerpt=outside(found, excerpt or found.excerpt),
        attachments=attached_shown(found, found.attachments),
        invitation=found.invitation,
    )


def text_of_mail(found: Found, text: str, *, longest: int, fold: bool = False) -> MailText:
    """A mail with at most `longest` characters of its text; `fold` leaves out what it repeats."""
    parts = split(text)
    return MailText(
        **head_of(found),
        **body_of(found, parts, longest=longest, fold=fold),
        id=str(found.id),
        folder=found.folder.name,
        mailing_list=outside(found, found.list_id or "(not named)") if found.unsubscribe else None,
        attachments=attached_shown(found, found.attachments),
        note=notes_of(_STATES.get(found.state, ""), found.problem, CUT if len(parts.own) > longest else ""),
    )
