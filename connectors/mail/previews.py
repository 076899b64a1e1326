"""What a person decides on before a mail goes out: every recipient, subject, text and file, and what is doubtful."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from sqlalchemy import Connection

from connectors.mail import search
from connectors.mail.account import MailAccount
from connectors.mail.drafts import Draft, outgoing_of
from connectors.mail.files import Attached
from connectors.mail.views import source_of
from openassistant.connector import Context
from openassistant.formats.addresses import Address, looks_like
from openassistant.messages import Destination, OutsideSource, Preview, PreviewField

__all__ = ["preview_of"]

_MANY = 10
_PROGRAMS = (
    ".apk", ".app", ".bat", ".cmd", ".com", ".cpl", ".dll", ".docm", ".exe", ".hta", ".img", ".iso", ".jar", ".js",
    ".jse", ".lnk", ".msi", ".pif", ".ppam", ".pptm", ".ps1", ".reg", ".scr", ".sh", ".vbe", ".vbs", ".wsf", ".xlam",
    ".xlsb", ".xlsm",
)  # fmt: skip


async def preview_of(
    ctx: Context,
    account: MailAccount,
    draft: Draft,
    *,
    verb: str,
    confirm: str,
    kept: bool = False,
    doubts: Sequence[str] = (),
) -> Preview:
    """Every recipient, subject, text and file exactly as sent, what came from outside, and what is doubtful.

    Raises now what would fail after the approval, but for files, which are not at hand yet.
    """
    outgoing_of(ctx, account, draft, kept=kept)
    owner = str(ctx.account)

    def read(connection: Connection) -> tuple[tuple[Destination, ...], list[str]]:
        people = (*draft.to, *draft.cc, *draft.bcc)
        destinations = tuple(_destination(connection, owner, each) for each in people)
        return destinations, _doubts(connection, owner, people)

    destinations, found = await ctx.store.read(read)
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account.address,
        destinations=destinations,
        fields=tuple(_fields(draft)),
        content=draft.text,
        outside=_outside(draft),
        warnings=(*found, *_reply_doubts(draft), *doubts, *_file_doubts(draft.attached), *_text_doubts(draft)),
    )


def _fields(draft: Draft) -> list[PreviewField]:
    rows = [("To", draft.to), ("Copy", draft.cc), ("Blind copy", draft.bcc)]
    people = [PreviewField(label=label, value=", ".join(each.shown for each in some)) for label, some in rows if some]
    files = [PreviewField(label="Attachment", value=each.shown) for each in draft.attached]
    return [*(people if draft.cc or draft.bcc else []), PreviewField(label="Subject", value=draft.subject), *files]


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
    if len(people) >= _MANY:
        doubts.append(f"This goes to {len(people)} recipients.")
    for each in people:
        if near := looks_like(each.address, known):
            doubts.append(f"{each.address} looks like {near}, to whom you have written, but is another address.")
        if "@" in each.name and each.name.strip().lower() != each.address:
            doubts.append(f"The name {each.name[:80]!r} looks like an address; the mail goes to {each.address}.")
    return doubts


def _reply_doubts(draft: Draft) -> list[str]:
    found = draft.answers
    if found is None or not draft.to or found.sender.address in {each.address for each in (*draft.to, *draft.cc)}:
        return []
    if not found.reply_to and not found.followup:
        return []
    goes = ", ".join(each.address for each in (*draft.to, *draft.cc))
    return [f"The mail came from {found.sender.address}, but asks for answers to {goes}."]


def _file_doubts(files: Sequence[Attached]) -> list[str]:
    doubts = [f"Files go along: {len(files)}. Whoever gets the mail gets them."] if files else []
    programs = [each.name[:80] for each in files if each.name.lower().endswith(_PROGRAMS)]
    doubts += [f"{name!r} can run as a program on the machine of whoever opens it." for name in programs]
    return doubts


def _text_doubts(draft: Draft) -> list[str]:
    if any(unicodedata.category(character) == "Cf" for character in draft.subject + draft.text):
        return ["Subject or text holds characters that cannot be seen."]
    return []


def _outside(draft: Draft) -> tuple[OutsideSource, ...]:
    """What of the mail is taken from another: recipients and subject of an answer, or all of a mail passed on."""
    sources = []
    for found, what in ((draft.answers, "recipients and subject"), (draft.forwards, "subject, text and files")):
        if found is not None:
            authors = (found.sender.address,) if found.sender.address else ()
            sources.append(OutsideSource(source=f"{source_of(found)} ({what})", authors=authors))
    return tuple(sources)
