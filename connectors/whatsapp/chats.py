"""Reading the mirror: chats, messages, templates, drafts. All functions run inside a transaction of `Store.read`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.whatsapp.inbound import Media
from openassistant.errors import InvalidRequest, NotFound

__all__ = [
    "WINDOW",
    "Chat",
    "Draft",
    "Listed",
    "Message",
    "Template",
    "chat",
    "chat_with",
    "chats",
    "count",
    "draft",
    "drafts",
    "heard",
    "message",
    "message_of",
    "messages",
    "reactions",
    "require_window",
    "search",
    "template",
    "templates",
]

WINDOW = timedelta(hours=24)
"""How long after somebody wrote free text may be sent to them
(https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages#customer-service-windows)."""

_MARGIN = timedelta(seconds=30)
_MOST_WORDS = 12


class Chat(NamedTuple):
    """A chat; `last_in` is when the other last wrote, and None when never."""

    id: int
    bsuid: str
    phone: str
    group_id: str
    name: str
    username: str
    last_in: datetime | None
    last_at: datetime | None
    blocked: bool

    @property
    def window_ends(self) -> datetime | None:
        """Until when free text may be sent."""
        return self.last_in + WINDOW if self.last_in and not self.group_id else None

    @property
    def address(self) -> str:
        """How the person is named where it counts: by number, else by id."""
        return f"+{self.phone}" if self.phone else self.bsuid or f"group {self.group_id}"


class Message(NamedTuple):
    """A message; `problem` is the code of why it was not delivered, `author` the id of who wrote it (not the owner)."""

    id: int
    chat: int
    wamid: str
    author: str
    mine: bool
    at: datetime
    kind: str
    text: str
    media: Media | None
    reply_to: str
    status: str
    problem: int
    state: str
    forwarded: bool
    seen: bool


class Listed(NamedTuple):
    """A chat in a list, with its newest message and how many of its messages are unread."""

    chat: Chat
    newest: Message | None
    unread: int


class Template(NamedTuple):
    """A message template; `components` as Meta has them."""

    id: str
    name: str
    language: str
    category: str
    status: str
    components: list[dict[str, Any]]


class Draft(NamedTuple):
    """A message that nobody has got."""

    id: int
    chat: int
    text: str
    reply_to: str
    changed: datetime


def chat(connection: Connection, account: str, wanted: str) -> Chat:
    """A chat by its id; raises `NotFound`."""
    query = text("SELECT * FROM wa_chats WHERE account = :account AND id = :id")
    row = connection.execute(query, {"account": account, "id": int(wanted)}).one_or_none()
    if row is None:
        raise NotFound("There is no such chat; chats_list names them.")
    return _chat(row)


def chat_with(connection: Connection, account: str, phone: str) -> Chat | None:
    """The chat with a number, if there is one."""
    query = text("SELECT * FROM wa_chats WHERE account = :account AND phone = :phone ORDER BY id LIMIT 1")
    row = connection.execute(query, {"account": account, "phone": phone}).one_or_none()
    return _chat(row) if row else None


def chats(connection: Connection, account: str, *, unread: bool, words: str, limit: int, start: int) -> list[Listed]:
    """Chats, the one with the newest message first."""
    query = (
        "SELECT c.*, (SELECT count(*) FROM wa_messages m WHERE m.chat = c.id AND NOT m.seen AND NOT m.mine) AS unread,"
        " (SELECT m.id FROM wa_messages m WHERE m.chat = c.id ORDER BY m.at DESC, m.id DESC LIMIT 1) AS newest"
        " FROM wa_chats c WHERE c.account = :account AND (NOT :unread OR EXISTS (SELECT 1 FROM wa_messages m"
        " WHERE m.chat = c.id AND NOT m.seen AND NOT m.mine))"
        " AND (:words = '' OR instr(lower(c.name || ' ' || c.username || ' +' || c.phone), :words))"
        " ORDER BY c.last_at DESC, c.id DESC LIMIT :limit OFFSET :start"
    )
    row = {"account": account, "unread": unread, "words": words.lower(), "limit": limit, "start": start}
    found = connection.execute(text(query), row).all()
    newest = _by_ids(connection, [each.newest for each in found if each.newest])
    return [Listed(_chat(each), newest.get(each.newest), each.unread) for each in found]


def messages(connection: Connection, account: str, chat: int, *, before: str | None, limit: int) -> list[Message]:
    """Messages of a chat, the newest first; those before a message where one is named."""
    query = (
        "SELECT * FROM wa_messages WHERE account = :account AND chat = :chat AND (:before = 0 OR (at, id) <"
        " (SELECT at, id FROM wa_messages WHERE id = :before AND account = :account))"
        " ORDER BY at DESC, id DESC LIMIT :limit"
    )
    row = {"account": account, "chat": chat, "before": int(before or 0), "limit": limit}
    return [_message(each) for each in connection.execute(text(query), row)]


def message(connection: Connection, account: str, wanted: str) -> Message:
    """A message by its id; raises `NotFound`."""
    query = text("SELECT * FROM wa_messages WHERE account = :account AND id = :id")
    row = connection.execute(query, {"account": account, "id": int(wanted)}).one_or_none()
    if row is None:
        raise NotFound("There is no such message; chats_read names them.")
    return _message(row)


def message_of(connection: Connection, account: str, wamid: str) -> Message | None:
    """A message by its id at WhatsApp."""
    query = text("SELECT * FROM wa_messages WHERE account = :account AND wamid = :wamid")
    row = connection.execute(query, {"account": account, "wamid": wamid}).one_or_none()
    return _message(row) if row else None


def count(connection: Connection, account: str) -> int:
    """How many messages the mirror holds."""
    query = text("SELECT count(*) FROM wa_messages WHERE account = :account AND kind != 'edit'")
    return int(connection.scalars(query, {"account": account}).one())


def reactions(connection: Connection, account: str, wamids: list[str]) -> dict[str, list[tuple[bool, str]]]:
    """The reactions to messages: whether it is the owner's, and the emoji."""
    query = text(
        "SELECT wamid, author, emoji FROM wa_reactions WHERE account = :account AND emoji != ''"
        " AND wamid IN (SELECT value FROM json_each(:wamids)) ORDER BY at LIMIT 1000"
    )
    found: dict[str, list[tuple[bool, str]]] = {}
    for row in connection.execute(query, {"account": account, "wamids": json.dumps(wamids)}):
        found.setdefault(row.wamid, []).append((not row.author, row.emoji))
    return found


def search(connection: Connection, account: str, query: str, *, limit: int) -> list[tuple[Message, Chat]]:
    """Messages in which, or in whose sender's name, all words occur; the newest first."""
    words = ["".join(c for c in word if c.isalnum() or c in "-_.@") for word in query.split()[:_MOST_WORDS]]
    match = " ".join(f'"{word}"*' for word in words if word)
    if not match:
        raise InvalidRequest("Say at least one word to look for.")
    statement = text(
        "SELECT m.* FROM wa_search CROSS JOIN wa_messages m ON m.id = wa_search.rowid"
        " WHERE wa_search MATCH :match AND m.account = :account ORDER BY m.at DESC, m.id DESC LIMIT :limit"
    )
    rows = connection.execute(statement, {"account": account, "match": match, "limit": limit}).all()
    return [(found := _message(row), chat(connection, account, str(found.chat))) for row in rows]


def templates(connection: Connection, account: str, words: str) -> list[Template]:
    """The templates whose name holds these letters."""
    query = text(
        "SELECT * FROM wa_templates WHERE account = :account AND instr(name, :words) ORDER BY name, language LIMIT 200"
    )
    return [_template(row) for row in connection.execute(query, {"account": account, "words": words.lower()})]


def template(connection: Connection, account: str, name: str, language: str | None) -> Template:
    """A template; raises `NotFound`, or `InvalidRequest` where the language has to be named."""
    query = text("SELECT * FROM wa_templates WHERE account = :account AND name = :name ORDER BY language")
    found = [_template(row) for row in connection.execute(query, {"account": account, "name": name})]
    fitting = [each for each in found if language in (None, each.language)]
    if not fitting:
        raise NotFound("There is no such template; templates_list names them with their languages.")
    if len(fitting) > 1:
        raise InvalidRequest(f"Say which language: {', '.join(each.language for each in fitting)[:300]}.")
    return fitting[0]


def draft(connection: Connection, account: str, wanted: str) -> Draft:
    """A draft by its id; raises `NotFound`."""
    query = text("SELECT * FROM wa_drafts WHERE account = :account AND id = :id AND NOT gone")
    row = connection.execute(query, {"account": account, "id": int(wanted)}).one_or_none()
    if row is None:
        raise NotFound("There is no such draft (any more); drafts_list names them.")
    return _draft(row)


def drafts(connection: Connection, account: str) -> list[Draft]:
    """The drafts, the newest first."""
    query = text("SELECT * FROM wa_drafts WHERE account = :account AND NOT gone ORDER BY id DESC LIMIT 50")
    return [_draft(row) for row in connection.execute(query, {"account": account})]


def heard(connection: Connection, account: str) -> tuple[datetime | None, str]:
    """When Meta last sent something that it signed, and how it rates the number (GREEN, YELLOW, RED)."""
    query = text("SELECT heard, quality FROM wa_numbers WHERE account = :account")
    row = connection.execute(query, {"account": account}).one_or_none()
    return (_moment(row.heard), row.quality) if row else (None, "")


def require_window(found: Chat, now: datetime) -> datetime:
    """Until when free text may be sent to somebody; raises `InvalidRequest` where that is over, or never began."""
    if found.group_id:
        raise InvalidRequest("Groups can be read here, and not written to.")
    if found.blocked:
        raise InvalidRequest("You blocked this person; contacts_unblock ends that.")
    ends = found.window_ends
    if ends is None or ends - _MARGIN <= now:
        since = (
            "They have never written to this number" if ends is None else "Their last message is older than 24 hours"
        )
        raise InvalidRequest(
            f"{since}, so WhatsApp takes only an approved template (templates_list, templates_send).",
            details={"reason": "window_closed"},
        )
    return ends


def _by_ids(connection: Connection, ids: list[int]) -> dict[int, Message]:
    query = text("SELECT * FROM wa_messages WHERE id IN (SELECT value FROM json_each(:ids))")
    return {row.id: _message(row) for row in connection.execute(query, {"ids": json.dumps(ids)})}


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _chat(row: Row[Any]) -> Chat:
    return Chat(
        row.id, row.bsuid, row.phone, row.group_id, row.name, row.username, _moment(row.last_in), _moment(row.last_at),
        bool(row.blocked),
    )  # fmt: skip


def _message(row: Row[Any]) -> Message:
    return Message(
        row.id, row.chat, row.wamid, row.author, bool(row.mine), datetime.fromtimestamp(row.at, UTC), row.kind,
        row.text, Media(**json.loads(row.media)) if row.media else None, row.reply_to, row.status, row.problem,
        row.state, bool(row.forwarded), bool(row.seen),
    )  # fmt: skip


def _template(row: Row[Any]) -> Template:
    return Template(row.id, row.name, row.language, row.category, row.status, json.loads(row.components))


def _draft(row: Row[Any]) -> Draft:
    return Draft(row.id, row.chat, row.text, row.reply_to, datetime.fromtimestamp(row.changed, UTC))
