"""What the tools give back. Whatever a stranger could have written is `OutsideText`, with whom it is from."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from connectors.whatsapp.chats import Chat, Draft, Listed, Message
from connectors.whatsapp.faults import words_of
from openassistant.connector import OutsideText

__all__ = [
    "ChatList",
    "ChatSummary",
    "ChatText",
    "ContactBlocked",
    "DraftList",
    "DraftSaved",
    "DraftView",
    "FileView",
    "FoundMessage",
    "MarkedRead",
    "MediaText",
    "MessageSent",
    "MessageView",
    "SearchResult",
    "TemplateList",
    "TemplateView",
    "Window",
    "chat_summary",
    "draft_view",
    "file_view",
    "found_message",
    "message_view",
    "named",
    "outside",
    "window_of",
]

_EXCERPT = 240


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Window(_View):
    """Whether free text may be sent: WhatsApp allows it for 24 hours after the person's last message."""

    open: bool
    ends: datetime | None = None
    last_message_from_them: datetime | None = None
    note: str = ""


class ChatSummary(_View):
    """A chat; `id` is what the other tools take. `phone` is empty where WhatsApp does not tell it."""

    id: str
    name: OutsideText
    phone: str
    group: bool
    blocked: bool
    unread: int
    date: datetime | None
    excerpt: OutsideText | None
    from_you: bool
    window: Window


class ChatList(_View):
    """Chats, the one with the newest message first; `note` says what may be missing."""

    chats: list[ChatSummary]
    note: str = ""


class FileView(_View):
    """A file of a message; media_read reads it."""

    type: str
    name: OutsideText | None = None
    voice: bool = False


class MessageView(_View):
    """One message. `status` says of your own what became of it, `problem` why it did not arrive."""

    id: str
    date: datetime
    from_you: bool
    kind: str
    text: OutsideText | str
    file: FileView | None = None
    answers: str | None = None
    reactions: list[OutsideText | str] = []
    status: str = ""
    problem: str = ""
    edited: bool = False
    deleted: bool = False
    forwarded: bool = False
    unread: bool = False


class ChatText(_View):
    """A chat's messages, the oldest first."""

    chat: ChatSummary
    messages: list[MessageView]
    earlier: bool


class FoundMessage(_View):
    """A message that was found, and the chat it is in."""

    id: str
    chat: str
    name: OutsideText
    date: datetime
    from_you: bool
    excerpt: OutsideText | str


class SearchResult(_View):
    """Messages, the newest first."""

    messages: list[FoundMessage]


class MediaText(_View):
    """What is in a file of a message; without a text `note` says why."""

    message: str
    file: FileView
    size: int
    kind: str = ""
    text: OutsideText | None = None
    start: int = 0
    total: int = 0
    note: OutsideText | str = ""


class TemplateView(_View):
    """A message template; `values` are the keys that templates_send wants, `text` how it reads."""

    name: str
    language: str
    category: str
    status: str
    text: str
    values: list[str]
    note: str = ""


class TemplateList(_View):
    """The number's templates."""

    templates: list[TemplateView]
    note: str = ""


class DraftView(_View):
    """A message that nobody has got."""

    id: str
    chat: str
    name: OutsideText
    text: str
    answers: str | None
    changed: datetime


class DraftList(_View):
    """Drafts, the newest first."""

    drafts: list[DraftView]


class DraftSaved(_View):
    """A draft, kept or thrown away."""

    id: str


class MessageSent(_View):
    """WhatsApp took the message; whether it arrives, its status in chats_read will say."""

    id: str | None
    to: str
    status: str


class MarkedRead(_View):
    """How many messages count as read now."""

    count: int


class ContactBlocked(_View):
    """Whether somebody is blocked now."""

    chat: str
    blocked: bool


def outside(text: str, found: Chat, what: str = "message", *, author: str = "") -> OutsideText:
    """Words of the person in a chat; in a group those of `author`."""
    who = author if found.group_id and author else found.address
    return OutsideText(text=text, source=f"a WhatsApp {what} from {who}", authors=(who,))


def named(found: Chat) -> OutsideText:
    """What somebody calls themselves; anybody may call themselves anything."""
    return outside(found.name or found.username or found.address, found, "name")


def window_of(found: Chat, now: datetime) -> Window:
    """The window of a chat."""
    if found.group_id:
        return Window(open=False, note="A group; it can only be read here.")
    ends = found.window_ends
    note = "" if ends else "They have never written to this number."
    return Window(open=ends is not None and ends > now, ends=ends, last_message_from_them=found.last_in, note=note)


def chat_summary(listed: Listed, now: datetime) -> ChatSummary:
    """A chat for a list."""
    found, newest = listed.chat, listed.newest
    return ChatSummary(
        id=str(found.id),
        name=named(found),
        phone=f"+{found.phone}" if found.phone else "",
        group=bool(found.group_id),
        blocked=found.blocked,
        unread=listed.unread,
        date=found.last_at,
        excerpt=outside(_excerpt(newest), found, author=newest.author) if newest else None,
        from_you=bool(newest and newest.mine),
        window=window_of(found, now),
    )


def message_view(
    found: Chat, message: Message, answers: Message | None, reactions: list[tuple[bool, str]]
) -> MessageView:
    """A message of a chat."""
    return MessageView(
        id=str(message.id),
        date=message.at,
        from_you=message.mine,
        kind=message.kind,
        text=message.text if message.mine else outside(message.text, found, author=message.author),
        file=file_view(found, message),
        answers=str(answers.id) if answers else None,
        reactions=[emoji if mine else outside(emoji, found, "reaction") for mine, emoji in reactions],
        status=message.status,
        problem=words_of(message.problem),
        edited=message.state == "edited",
        deleted=message.state == "deleted",
        forwarded=message.forwarded,
        unread=not message.seen and not message.mine,
    )


def file_view(found: Chat, message: Message) -> FileView | None:
    """The file of a message."""
    if message.media is None:
        return None
    name = outside(message.media.name, found, "file name", author=message.author) if message.media.name else None
    return FileView(type=message.media.mime or message.kind, name=name, voice=message.media.voice)


def found_message(message: Message, found: Chat) -> FoundMessage:
    """A message for a list of what was found."""
    excerpt = _excerpt(message)
    return FoundMessage(
        id=str(message.id),
        chat=str(found.id),
        name=named(found),
        date=message.at,
        from_you=message.mine,
        excerpt=excerpt if message.mine else outside(excerpt, found, author=message.author),
    )


def draft_view(draft: Draft, found: Chat, answers: Message | None) -> DraftView:
    """A draft."""
    return DraftView(
        id=str(draft.id),
        chat=str(draft.chat),
        name=named(found),
        text=draft.text,
        answers=str(answers.id) if answers else None,
        changed=draft.changed,
    )


def _excerpt(message: Message) -> str:
    """One line of a message: its words, or what it is."""
    words = " ".join(message.text[: 4 * _EXCERPT].split())[:_EXCERPT]
    return words or (message.media.name if message.media and message.media.name else f"({message.kind})")
