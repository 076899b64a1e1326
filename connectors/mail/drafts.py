"""What a call would send: recipients, subject, text, files and thread, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connectors.mail.account import MailAccount
from connectors.mail.files import Attached
from connectors.mail.search import Found
from openassistant.connector import Context
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
    message_id_of,
    reply_subject,
)

__all__ = ["Draft", "forward_draft", "new_draft", "outgoing_of", "reply_all_draft", "reply_draft", "threaded"]


class Draft(NamedTuple):
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
    answers: Found | None = None
    forwards: Found | None = None
    attached: tuple[Attached, ...] = ()
    calendar: str = ""


def new_draft(
    *,
    to: Sequence[str],
    subject: str,
    text: str,
    cc: Sequence[str] | None = None,
    bcc: Sequence[str] | None = None,
    answers: Found | None = None,
) -> Draft:
    """A mail of its own, or one in the conversation of another; raises `InvalidRequest` that says what to correct."""
    draft = Draft(_typed(to), _typed(cc or ()), _typed(bcc or ()), checked_subject(subject), _body(text))
    return draft if answers is None else threaded(draft, answers)


def reply_draft(account: MailAccount, found: Found, text: str) -> Draft:
    """An answer to a mail: to its Reply-To or sender, or, when it is the owner's own, to whom that went.

    Threaded by In-Reply-To and References (RFC 5322, 3.6.4). Raises `InvalidRequest` when there is nobody to answer.
    """
    to = _checked(_first(account, found))
    if not to:
        raise InvalidRequest("That mail names no address that an answer could go to.")
    return threaded(Draft(to, (), (), reply_subject(found.subject), _body(text)), found)


def reply_all_draft(account: MailAccount, found: Found, text: str, *, own: set[str]) -> Draft:
    """An answer to everybody in a mail but the owner, whose addresses are `own`; raises `InvalidRequest`.

    Mail-Followup-To, where a mail has it, names exactly who wants answers to all; else they go to Reply-To or sender,
    with the other recipients in copy (RFC 5322, 3.6.3).
    """
    first = found.followup or _first(account, found)
    rest = () if found.followup else (*found.to, *found.cc)
    mine = {*own, account.address}
    to = _checked(_without(first, mine)) or _checked(first)
    if not to:
        raise InvalidRequest("That mail names no address that an answer could go to.")
    copies = _without(rest, mine | {each.address for each in to})
    return threaded(Draft(to, _checked(copies), (), reply_subject(found.subject), _body(text)), found)


def forward_draft(
    found: Found,
    original: str,
    *,
    to: Sequence[str],
    text: str,
    cc: Sequence[str] | None,
    bcc: Sequence[str] | None,
    attached: tuple[Attached, ...],
    whole: bool,
) -> Draft:
    """A mail passed on: its text below the owner's words, or, when `whole`, as the file that `attached` names."""
    if sum(each.size for each in attached) > LARGEST_FILES:
        raise TooLarge(f"The files of that mail have more than {LARGEST_FILES // 1_048_576} MB together.")
    words = clean(text).strip("\n")
    body = words or "See the attached mail." if whole else f"{words}\n\n{_quoted(found, original)}".strip("\n")
    subject = forward_subject(found.subject)
    draft = Draft(_typed(to), _typed(cc or ()), _typed(bcc or ()), checked_subject(subject), _body(body))
    return draft._replace(forwards=found, attached=attached)


def outgoing_of(
    ctx: Context, account: MailAccount, draft: Draft, *, files: Sequence[File] = (), kept: bool = False
) -> Outgoing:
    """The finished mail of the call in `ctx`, or, when `kept`, the draft of it; raises as `compose`."""
    assert ctx.call is not None, "a mail is made for a call"
    return compose(
        Address(account.address),
        to=draft.to,
        cc=draft.cc,
        bcc=draft.bcc,
        subject=draft.subject,
        body=draft.text,
        message_id=message_id_of(ctx.call.id, ctx.call.nonce, account.address),
        date=ctx.now(),
        in_reply_to=draft.in_reply_to,
        references=draft.references,
        files=files,
        calendar=draft.calendar,
        draft=kept,
    )


def threaded(draft: Draft, found: Found) -> Draft:
    """A mail in the conversation of another."""
    links = (*found.references, found.message_id)
    return draft._replace(in_reply_to=found.message_id, references=links, answers=found)


def _first(account: MailAccount, found: Found) -> tuple[Address, ...]:
    """Who gets an answer in the first place."""
    own = found.sender.address == account.address or found.folder.role in ("sent", "drafts")
    return found.to if own else found.reply_to or (found.sender,)


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


def _quoted(found: Found, original: str) -> str:
    people = {"From": (found.sender,), "To": found.to, "Cc": found.cc}
    lines = [f"{label}: {', '.join(each.shown for each in some)}" for label, some in people.items() if some]
    head = [lines[0], f"Date: {found.date:%A, %d %B %Y %H:%M} UTC", f"Subject: {found.subject}", *lines[1:]]
    return "\n".join(["---------- Forwarded message ----------", *head, "", original.strip("\n")])


def _body(text: str) -> str:
    kept = clean(text).strip("\n")
    if not kept.strip():
        raise InvalidRequest("A mail needs a text.")
    return kept
