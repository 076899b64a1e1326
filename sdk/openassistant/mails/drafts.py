"""Drafts as they were last read: kept as plain values, changed, and written into a file.

A connector keeps each as a named tuple of its own, by whose digest it knows whether the draft is still the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack

from openassistant.errors import InvalidRequest
from openassistant.formats.addresses import Address
from openassistant.formats.drafts import Draft, L, new_draft
from openassistant.formats.eml import Rebuilt, eml, lacking
from openassistant.formats.files import Attached, attached, files_of
from openassistant.formats.message import Mail
from openassistant.mails.arguments import DraftChange

__all__ = ["CHANGED", "FORMATTED", "Said", "changed", "draft_file", "known", "restored", "said_in"]

CHANGED = "The draft was changed meanwhile, so nothing was done. Read it again with drafts_read."
FORMATTED = "It was written with formatting in another program; what is shown is its text alone."
_MARKUP = re.compile(rb"^content-type:\s*text/html", re.IGNORECASE | re.MULTILINE)

K = TypeVar("K")


class Said(TypedDict):
    """What the bytes of a draft say; `formatted` when it holds more than its text."""

    sender: str
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    text: str
    references: tuple[str, ...]
    attached: tuple[Attached, ...]
    formatted: bool


def said_in(raw: bytes, mail: Mail) -> Said:
    """What a draft says, by its bytes and the mail that was read of them."""
    return {
        "sender": mail.sender.address,
        "to": mail.to,
        "cc": mail.cc,
        "bcc": mail.bcc,
        "subject": mail.subject[:500],
        "text": mail.text,
        "references": mail.references,
        "attached": attached(files_of(raw))[1:],
        "formatted": bool(_MARKUP.search(raw)),
    }


def restored(given: dict[str, Any]) -> dict[str, Any]:
    """What was kept as JSON, with the tuples that it was made of."""
    people = {name: tuple(Address(*each) for each in given[name]) for name in ("to", "cc", "bcc")}
    files = tuple(Attached(*each) for each in given["attached"])
    return {**given, **people, "references": tuple(given["references"]), "attached": files}


def known(kept: K | None) -> K:
    """A draft that was read in full; raises `InvalidRequest` where none was kept."""
    if kept is None:
        raise InvalidRequest("Call drafts_read for that draft first: it was written elsewhere and never read in full.")
    return kept


def changed(old: Draft[L], **given: Unpack[DraftChange]) -> Draft[L]:
    """A draft in which what is given stands instead of what was there; raises as `new_draft`."""
    new: Draft[L] = new_draft(
        to=given["to"] or (),
        subject=old.subject if given["subject"] is None else given["subject"],
        text=given["text"] or old.text or " ",
        cc=given["cc"],
        bcc=given["bcc"],
    )
    return old._replace(
        to=old.to if given["to"] is None else new.to,
        cc=old.cc if given["cc"] is None else new.cc,
        bcc=old.bcc if given["bcc"] is None else new.bcc,
        subject=new.subject,
        text=new.text,
    )


def draft_file(
    draft: Draft[L],
    *,
    sender: str,
    formatted: bool,
    date: datetime | None = None,
    message_id: str = "",
    reply_to: Sequence[Address] = (),
) -> bytes:
    """A draft as a file (RFC 5322), in which it is said what of it is missing."""
    return eml(
        Rebuilt(
            date=date,
            sender=Address(sender),
            to=draft.to,
            cc=draft.cc,
            bcc=draft.bcc,
            reply_to=reply_to,
            subject=draft.subject,
            message_id=message_id,
            references=draft.references,
            text=draft.text,
            missing=(*(["the formatting"] if formatted else []), *lacking(draft.attached)),
        )
    )
