"""What a person decides on before something goes out: to whom, what exactly, and what is doubtful."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from connectors.whatsapp.chats import Chat, Message
from connectors.whatsapp.views import outside
from openassistant.messages import Destination, OutsideSource, Preview, PreviewField

__all__ = ["preview_to", "quoted"]

_EXCERPT = 200


def preview_to(
    found: Chat,
    account: str,
    *,
    verb: str,
    confirm: str,
    content: str = "",
    fields: Sequence[PreviewField] = (),
    about: Message | None = None,
    warnings: Sequence[str] = (),
    ends: datetime | None = None,
) -> Preview:
    """A card for what goes to the person of a chat; `about` is the message that is answered or passed on.

    Until when the window is open stands beside the person: it moves with each of their messages.
    """
    hidden = any(unicodedata.category(character) == "Cf" and character != "\u200d" for character in content)
    doubts = ("The text holds characters that cannot be seen.",) if hidden else ()
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account,
        destinations=(_destination(found, ends),),
        fields=(*fields, *(quoted(about) if about else ())),
        content=content,
        outside=_outside(found, about),
        warnings=(*warnings, *doubts),
    )


def quoted(message: Message) -> tuple[PreviewField, ...]:
    """The message that something is about, so that a person sees which."""
    words = " ".join(message.text[: 4 * _EXCERPT].split())[:_EXCERPT]
    shown = words or (message.media.name if message.media and message.media.name else f"({message.kind})")
    return (PreviewField(label="Message of yours" if message.mine else "Their message", value=shown),)


def _destination(found: Chat, ends: datetime | None) -> Destination:
    notes = [f"Free text may be sent until {ends:%d %B %Y, %H:%M} UTC."] if ends else []
    if not found.phone and not found.group_id:
        notes.append("WhatsApp does not tell this person's number.")
    return Destination(
        kind="recipient", value=found.address, name=found.name or found.username or None, note=" ".join(notes) or None
    )


def _outside(found: Chat, about: Message | None) -> tuple[OutsideSource, ...]:
    if about is None or about.mine:
        return ()
    source = outside("", found, author=about.author)
    return (OutsideSource(source=source.source, authors=source.authors),)
