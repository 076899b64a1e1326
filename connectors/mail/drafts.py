"""What a call would send: recipients, subject, text and thread, checked; and the preview of exactly that."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.account import MailAccount
from connectors.mail.addresses import Address, looks_like, parse_typed
from connectors.mail.charsets import clean
from connectors.mail.compose import Outgoing, checked_subject, compose, message_id_of, reply_subject
from connectors.mail.search import Found
from connectors.mail.views import source_of
from openassistant.connector import Context
from openassistant.errors import InvalidRequest
from openassistant.messages import Destination, OutsideSource, Preview, PreviewField

__all__ = ["Draft", "new_draft", "outgoing_of", "preview_of", "reply_draft"]


class Draft(NamedTuple):
    """A mail before it has a date; `text` is the text as it will be sent, line ends as line feeds."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    text: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    answers: Found | None = None


def new_draft(
    *, to: Sequence[str], subject: str, text: str, cc: Sequence[str] | None = None, bcc: Sequence[str] | None = None
) -> Draft:
    """A mail of its own; raises `InvalidRequest` that says which part to correct."""
    return Draft(_typed(to), _typed(cc or ()), _typed(bcc or ()), checked_subject(subject), _body(text))


def reply_draft(account: MailAccount, found: Found, text: str) -> Draft:
    """An answer to a mail: to its Reply-To or sender, or, when it is the owner's own, to whom that went.

    Threaded by In-Reply-To and References (RFC 5322, 3.6.4). Raises `InvalidRequest` when there is nobody to answer.
    """
    own = found.sender.address == account.address or found.folder.role in ("sent", "drafts")
    people = found.to if own else found.reply_to or (found.sender,)
    to = tuple(parse_typed(each.address)._replace(name=each.name[:100]) for each in people if each.address)
    if not to:
        raise InvalidRequest("That mail names no address that an answer could go to.")
    subject, links = reply_subject(found.subject), (*found.references, found.message_id)
    return Draft(to, (), (), subject, _body(text), found.message_id, links, found)


def outgoing_of(ctx: Context, account: MailAccount, draft: Draft) -> Outgoing:
    """The finished mail of the call in `ctx`; raises as `compose`."""
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
    )


async def preview_of(ctx: Context, account: MailAccount, draft: Draft, *, verb: str, confirm: str) -> Preview:
    """What a person decides on: every recipient, subject and text exactly as sent, and what came from outside."""
    outgoing_of(ctx, account, draft)  # raises now what would fail after the approval
    owner = str(ctx.account)

    def read(connection: Connection) -> tuple[tuple[Destination, ...], list[str]]:
        people = (*draft.to, *draft.cc, *draft.bcc)
        destinations = tuple(_destination(connection, owner, each) for each in people)
        return destinations, _doubts(connection, owner, people)

    destinations, doubts = await ctx.store.read(read)
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account.address,
        destinations=destinations,
        fields=tuple(_fields(draft)),
        content=draft.text,
        outside=_outside(draft),
        warnings=(*doubts, *_reply_doubts(draft), *_text_doubts(draft)),
    )


def _typed(addresses: Sequence[str]) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(parse_typed(each) for each in addresses))


def _body(text: str) -> str:
    kept = clean(text).strip("\n")
    if not kept.strip():
        raise InvalidRequest("A mail needs a text.")
    return kept


def _fields(draft: Draft) -> list[PreviewField]:
    rows = [("To", draft.to), ("Copy", draft.cc), ("Blind copy", draft.bcc)]
    people = [PreviewField(label=label, value=", ".join(each.shown for each in some)) for label, some in rows if some]
    return [*(people if draft.cc or draft.bcc else []), PreviewField(label="Subject", value=draft.subject)]


def _destination(connection: Connection, owner: str, address: Address) -> Destination:
    known = search.written_to(connection, owner, address.address)
    if known.last is None:
        note = "You have never written to this address."
    else:
        times = "once" if known.times == 1 else f"{known.times} times"
        note = f"You wrote to this address {times}, last on {known.last.day} {known.last:%B %Y}."
    return Destination(kind="recipient", value=address.address, name=address.name or None, note=note)


def _doubts(connection: Connection, owner: str, people: Sequence[Address]) -> list[str]:
    known, doubts = search.known_addresses(connection, owner), []
    for each in people:
        if near := looks_like(each.address, known):
            doubts.append(f"{each.address} looks like {near}, to whom you have written, but is another address.")
        if "@" in each.name and each.name.strip().lower() != each.address:
            doubts.append(f"The name {each.name[:80]!r} looks like an address; the mail goes to {each.address}.")
    return doubts


def _reply_doubts(draft: Draft) -> list[str]:
    found = draft.answers
    if found is None or not found.reply_to or found.sender.address in {each.address for each in draft.to}:
        return []
    goes = ", ".join(each.address for each in draft.to)
    return [f"The mail came from {found.sender.address}, but asks for answers to {goes}."]


def _text_doubts(draft: Draft) -> list[str]:
    if any(unicodedata.category(character) == "Cf" for character in draft.subject + draft.text):
        return ["Subject or text holds characters that cannot be seen."]
    return []


def _outside(draft: Draft) -> tuple[OutsideSource, ...]:
    """Recipient and subject of an answer are taken from the mail that it answers."""
    found = draft.answers
    if found is None:
        return ()
    authors = (found.sender.address,) if found.sender.address else ()
    return (OutsideSource(source=f"{source_of(found)} (recipient and subject)", authors=authors),)
