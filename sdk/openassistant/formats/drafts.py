"""What a call would send: recipients, subject, text, files and thread, checked; answers, and mails passed on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from openassistant.errors import InvalidRequest, TooLarge
from openassistant.formats.addresses import Address, parse_typed
from openassistant.formats.charsets import clean
from openassistant.formats.compose import (
    LARGEST_FILES,
    File,
    Outgoing,
    checked_subject,
    compose,
    forward_subject,
    reply_subject,
)
from openassistant.formats.files import Attached

__all__ = [
    "Draft",
    "Letter",
    "composed",
    "forward_draft",
    "new_draft",
    "reply_all_draft",
    "reply_draft",
    "threaded",
]


class Letter(Protocol):
    """What has to be known of a mail to answer it or to pass it on."""

    @property
    def message_id(self) -> str:
        """Its Message-ID, without angle brackets."""

    @property
    def references(self) -> tuple[str, ...]:
        """The ids that it answers, oldest first."""

    @property
    def sender(self) -> Address:
        """Who wrote it."""

    @property
    def reply_to(self) -> tuple[Address, ...]:
        """Where answers are wanted."""

    @property
    def followup(self) -> tuple[Address, ...]:
        """Who wants answers to all."""

    @property
    def to(self) -> tuple[Address, ...]:
        """Whom it went to."""

    @property
    def cc(self) -> tuple[Address, ...]:
        """Who got a copy."""

    @property
    def subject(self) -> str:
        """Its subject."""

    @property
    def date(self) -> datetime:
        """When it was sent."""


L = TypeVar("L", bound=Letter)


class Draft(NamedTuple, Generic[L]):
    """A mail before it has a date; `text` is the text as it will be sent, line ends as line feeds.

    `attached` names the files that go along; their content is added when the mail is made. `calendar` is the answer to
    an invitation (iTIP) that goes along for programs.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    text: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    answers: L | None = None
    forwards: L | None = None
    attached: tuple[Attached, ...] = ()
    calendar: str = ""


def new_draft(
    *,
    to: Sequence[str],
    subject: str,
    text: str,
    cc: Sequence[str] | None = None,
    bcc: Sequence[str] | None = None,
    answers: L | None = None,
) -> Draft[L]:
    """A mail of its own, or one in the conversation of another; raises `InvalidRequest` that says what to correct."""
    draft: Draft[L] = Draft(_typed(to), _typed(cc or ()), _typed(bcc or ()), checked_subject(subject), _body(text))
    return draft if answers is None else threaded(draft, answers)


def reply_draft(found: L, text: str, *, address: str, own: bool) -> Draft[L]:
    """An answer from `address` to a mail: to its Reply-To or sender, or, when it is `own`, to its recipients.

    Threaded by In-Reply-To and References (RFC 5322, 3.6.4). Raises `InvalidRequest` when there is nobody to answer.
    """
    to = _checked(_first(found, address, own=own))
    if not to:
        raise InvalidRequest("That mail names no address that an answer could go to.")
    answer: Draft[L] = Draft(to, (), (), reply_subject(found.subject), _body(text))
    return threaded(answer, found)


def reply_all_draft(found: L, text: str, *, addresses: set[str], address: str, own: bool) -> Draft[L]:
    """An answer to everybody in a mail but the owner, whose addresses are `addresses`; raises `InvalidRequest`.

    Mail-Followup-To, where a mail has it, names exactly who wants answers to all; else they go to Reply-To or sender,
    with the other recipients in copy (RFC 5322, 3.6.3).
    """
    first = found.followup or _first(found, address, own=own)
    rest = () if found.followup else (*found.to, *found.cc)
    mine = {*addresses, address}
    to = _checked(_without(first, mine)) or _checked(first)
    if not to:
        raise InvalidRequest("That mail names no address that an answer could go to.")
    copies = _without(rest, mine | {each.address for each in to})
    answer: Draft[L] = Draft(to, _checked(copies), (), reply_subject(found.subject), _body(text))
    return threaded(answer, found)


def forward_draft(
    found: L,
    original: str,
    *,
    to: Sequence[str],
    text: str,
    cc: Sequence[str] | None,
    bcc: Sequence[str] | None,
    attached: tuple[Attached, ...],
    whole: bool,
) -> Draft[L]:
    """A mail passed on: its text below the owner's words, or, when `whole`, as the file that `attached` names."""
    if sum(each.size for each in attached) > LARGEST_FILES:
        raise TooLarge(f"The files of that mail have more than {LARGEST_FILES // 1_048_576} MB together.")
    words = clean(text).strip("\n")
    body = words or "See the attached mail." if whole else f"{words}\n\n{_quoted(found, original)}".strip("\n")
    subject = forward_subject(found.subject)
    draft: Draft[L] = Draft(_typed(to), _typed(cc or ()), _typed(bcc or ()), checked_subject(subject), _body(body))
    return draft._replace(forwards=found, attached=attached)


def composed(
    draft: Draft[L],
    *,
    address: str,
    message_id: str,
    date: datetime,
    files: Sequence[File] = (),
    kept: bool = False,
) -> Outgoing:
    """The finished mail from `address`, or, when `kept`, the draft of it with its blind copies; raises as `compose`."""
    return compose(
        Address(address),
        to=draft.to,
        cc=draft.cc,
        bcc=draft.bcc,
        subject=draft.subject,
        body=draft.text,
        message_id=message_id,
        date=date,
        in_reply_to=draft.in_reply_to,
        references=draft.references,
        files=files,
        calendar=draft.calendar,
        draft=kept,
    )


def threaded(draft: Draft[L], found: L) -> Draft[L]:
    """A mail in the conversation of another."""
    links = (*found.references, found.message_id)
    return draft._replace(in_reply_to=found.message_id, references=links, answers=found)


def _first(found: Letter, address: str, *, own: bool) -> tuple[Address, ...]:
    """Who gets an answer in the first place."""
    return found.to if own or found.sender.address == address else found.reply_to or (found.sender,)


def _checked(people: Sequence[Address]) -> tuple[Address, ...]:
    """Addresses out of a mail, held against the rules for typed ones; raises `InvalidRequest`."""
    found = (parse_typed(each.address)._replace(name=each.name[:100]) for each in people if each.address)
    return tuple({each.address: each for each in found}.values())


def _without(people: Sequence[Address], left_out: set[str]) -> list[Address]:
    return [each for each in people if each.address not in left_out and _untagged(each.address) not in left_out]


def _untagged(address: str) -> str:
    """The address without what stands behind a plus sign."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _typed(addresses: Sequence[str]) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(parse_typed(each) for each in addresses))


def _quoted(found: Letter, original: str) -> str:
    people = {"From": (found.sender,), "To": found.to, "Cc": found.cc}
    lines = [f"{label}: {', '.join(each.shown for each in some)}" for label, some in people.items() if some]
    head = [lines[0], f"Date: {found.date:%A, %d %B %Y %H:%M} UTC", f"Subject: {found.subject}", *lines[1:]]
    return "\n".join(["---------- Forwarded message ----------", *head, "", original.strip("\n")])


def _body(text: str) -> str:
    kept = clean(text).strip("\n")
    if not kept.strip():
        raise InvalidRequest("A mail needs a text.")
    return kept
