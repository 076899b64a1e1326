"""What a person decides on before a mail goes out: every recipient, subject, text and file, and what is doubtful."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from openassistant.formats.addresses import Address, looks_like
from openassistant.formats.drafts import Draft, L
from openassistant.formats.files import Attached
from openassistant.messages import Destination, OutsideSource, Preview, PreviewField

__all__ = ["Known", "mail_preview"]

_MANY = 10
_PROGRAMS = (
    ".apk", ".app", ".bat", ".cmd", ".com", ".cpl", ".dll", ".docm", ".exe", ".hta", ".img", ".iso", ".jar", ".js",
    ".jse", ".lnk", ".msi", ".pif", ".ppam", ".pptm", ".ps1", ".reg", ".scr", ".sh", ".vbe", ".vbs", ".wsf", ".xlam",
    ".xlsb", ".xlsm",
)  # fmt: skip


class Known(NamedTuple):
    """How often the owner wrote to an address, and when last."""

    times: int
    last: datetime | None


def mail_preview(
    draft: Draft[L],
    *,
    verb: str,
    confirm: str,
    account: str,
    written_to: Callable[[str], Known],
    addresses: Sequence[str],
    doubts: Sequence[str] = (),
) -> Preview:
    """Every recipient, subject, text and file exactly as sent, what came from outside, and what is doubtful.

    `written_to` tells what is known of an address, `addresses` are all that the owner wrote to.
    """
    people = (*draft.to, *draft.cc, *draft.bcc)
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account,
        destinations=tuple(_destination(written_to(each.address), each) for each in people),
        fields=tuple(_fields(draft)),
        content=draft.text,
        outside=_outside(draft),
        warnings=(
            *_doubts(people, addresses),
            *_reply_doubts(draft),
            *doubts,
            *_file_doubts(draft.attached),
            *_text_doubts(draft),
        ),
    )


def _fields(draft: Draft[L]) -> list[PreviewField]:
    rows = [("To", draft.to), ("Copy", draft.cc), ("Blind copy", draft.bcc)]
    people = [PreviewField(label=label, value=", ".join(each.shown for each in some)) for label, some in rows if some]
    files = [PreviewField(label="Attachment", value=each.shown) for each in draft.attached]
    return [*(people if draft.cc or draft.bcc else []), PreviewField(label="Subject", value=draft.subject), *files]


def _destination(known: Known, address: Address) -> Destination:
    if known.last is None:
        note = "You have never written to this address."
    else:
        times = "once" if known.times == 1 else f"{known.times} times"
        note = f"You wrote to this address {times}, last on {known.last.day} {known.last:%B %Y}."
    return Destination(kind="recipient", value=address.address, name=address.name or None, note=note)


def _doubts(people: Sequence[Address], known: Sequence[str]) -> list[str]:
    doubts = []
    if len(people) >= _MANY:
        doubts.append(f"This goes to {len(people)} recipients.")
    for each in people:
        if near := looks_like(each.address, known):
            doubts.append(f"{each.address} looks like {near}, to whom you have written, but is another address.")
        if "@" in each.name and each.name.strip().lower() != each.address:
            doubts.append(f"The name {each.name[:80]!r} looks like an address; the mail goes to {each.address}.")
    return doubts


def _reply_doubts(draft: Draft[L]) -> list[str]:
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


def _text_doubts(draft: Draft[L]) -> list[str]:
    if any(unicodedata.category(character) == "Cf" for character in draft.subject + draft.text):
        return ["Subject or text holds characters that cannot be seen."]
    return []


def _outside(draft: Draft[L]) -> tuple[OutsideSource, ...]:
    """What of the mail is taken from another: recipients and subject of an answer, or all of a mail passed on."""
    sources = []
    for found, what in ((draft.answers, "recipients and subject"), (draft.forwards, "subject, text and files")):
        if found is not None:
            authors = (found.sender.address,) if found.sender.address else ()
            sources.append(
                OutsideSource(source=f"a mail from {found.sender.address or 'nobody named'} ({what})", authors=authors)
            )
    return tuple(sources)
