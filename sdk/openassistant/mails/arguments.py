"""The arguments that mail tools share, each with the words in which a model reads it; ids are as each provider's."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypedDict

from pydantic import Field

__all__ = [
    "After", "Answered", "Attachment", "Before", "BlindCopies", "Copies", "DraftChange", "Flagged", "Forwarding",
    "HasAttachment", "InFolder", "Limit", "MessageId", "MessageIds", "NewMail", "NewPeople", "NewSubject", "NewText",
    "People", "Person", "Quotes", "Read", "Star", "Start", "Subject", "Text", "Unread", "Whole", "WithFiles", "Words",
]  # fmt: skip

_Address = Annotated[str, Field(max_length=400)]

MessageId = Annotated[str, Field(description="The id of a mail, as messages_search gives it", max_length=40)]
MessageIds = Annotated[
    list[Annotated[str, Field(max_length=40)]],
    Field(description="The ids of mails, as messages_search gives them", min_length=1, max_length=50),
]

Person = Annotated[str | None, Field(description="A name or address, or a part of it", max_length=200)]
After = Annotated[date | None, Field(description="Sent on this day or later, like 2026-01-31")]
Before = Annotated[date | None, Field(description="Sent before this day")]
InFolder = Annotated[
    str | None, Field(description="A folder's name, or inbox, sent, archive, junk, trash", max_length=200)
]
HasAttachment = Annotated[bool | None, Field(description="With or without attachments")]
Unread = Annotated[bool | None, Field(description="Only unread, or only read mails")]
Flagged = Annotated[bool | None, Field(description="Only starred mails, or only others")]
Limit = Annotated[int, Field(description="How many mails at most", ge=1, le=100)]
Quotes = Annotated[bool, Field(description="Also what mails repeat of earlier mails of the same conversation")]

Attachment = Annotated[
    str,
    Field(description="Its number or name, as attachments_list gives it; nothing for the only one", max_length=200),
]
Start = Annotated[int, Field(description="From which character on, for long texts", ge=0, le=1_000_000)]

People = Annotated[
    list[_Address],
    Field(description="Recipients, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Copies = Annotated[list[_Address] | None, Field(description="More recipients, in copy", max_length=100)]
BlindCopies = Annotated[
    list[_Address] | None, Field(description="More recipients, whom the others do not see", max_length=100)
]
Subject = Annotated[str, Field(description="The subject: one line", max_length=500)]
Text = Annotated[str, Field(description="The whole text, plain, with greeting and name below", max_length=1_000_000)]
Words = Annotated[str, Field(description="Your own words above it, with greeting and name below", max_length=100_000)]
WithFiles = Annotated[bool, Field(description="Whether the files attached to it go along")]
Whole = Annotated[bool, Field(description="Pass it on unchanged as an attached mail, instead of inside the text")]

Answered = Annotated[
    str | None, Field(description="The id of the mail that the draft answers, if it answers one", max_length=40)
]
NewPeople = Annotated[
    list[_Address] | None,
    Field(description="New recipients instead of the old ones; leave out what stays", max_length=100),
]
NewSubject = Annotated[str | None, Field(description="A new subject", max_length=500)]
NewText = Annotated[str | None, Field(description="A new whole text", max_length=1_000_000)]

Read = Annotated[bool | None, Field(description="Mark it as read (true) or unread (false)")]
Star = Annotated[bool | None, Field(description="Set (true) or remove (false) its star")]


class NewMail(TypedDict):
    """A mail as it is asked for."""

    to: list[str]
    subject: str
    text: str
    cc: list[str] | None
    bcc: list[str] | None


class Forwarding(TypedDict):
    """Whom a mail is passed on to, and the words above it."""

    to: list[str]
    text: str
    cc: list[str] | None
    bcc: list[str] | None


class DraftChange(TypedDict):
    """What is to stand in a draft; where it is None, what stands there stays."""

    to: list[str] | None
    subject: str | None
    text: str | None
    cc: list[str] | None
    bcc: list[str] | None
