"""What this connector holds of its user, by kind: chats as Markdown, messages, drafts, templates, what goes out.

Files of messages lie at Meta, for thirty days; here are their names and digests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from connectors.whatsapp import chats, mirror
from openassistant.holdings import Kind, Thing
from openassistant.kinds import drop_from, fields

__all__ = ["KINDS"]

_OF_CHAT = text("SELECT * FROM wa_messages WHERE chat = :chat ORDER BY at, id")
_CHAT_REF = "trim('+' || c.phone || ' ' || c.bsuid || ' ' || c.group_id)"


def _chat(connection: Connection, row: Thing) -> bytes:
    """All messages of a chat, the oldest first."""
    name = row.name or row.ref
    lines = [f"# {name}", "", f"{row.ref}"]
    for each in connection.execute(_OF_CHAT, {"chat": row.key}):
        media = json.loads(each.media) if each.media else None
        words = each.text or f"({each.kind})"
        words += f" [{media['name'] or media['mime']}, which lies at Meta]" if media else ""
        state = f" ({each.state})" if each.state else ""
        who = "me" if each.mine else name if not row.group_id else each.author
        lines += ["", f"**{who}**, {datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H:%M} UTC{state}", "", words]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _message(connection: Connection, row: Thing) -> Mapping[str, Any]:
    told = {name: row._asdict()[name] for name in ("chat", "author", "kind", "text", "reply_to", "status", "state")}
    media = json.loads(row.media) if row.media else None
    reactions = chats.reactions(connection, row.account, [row.ref]).get(row.ref, [])
    reacted = [{"mine": mine, "emoji": emoji} for mine, emoji in reactions]
    return {**told, "mine": bool(row.mine), "forwarded": bool(row.forwarded), "media": media, "reactions": reacted}


def _drop_chats(connection: Connection, keys: Sequence[int]) -> None:
    """Takes chats away with their messages and drafts; whoever writes again begins a new one."""
    query = text("SELECT id FROM wa_messages WHERE chat IN (SELECT value FROM json_each(:keys))")
    mirror.drop_messages(connection, list(connection.scalars(query, {"keys": json.dumps(list(keys))})))
    drop_from("wa_drafts.chat", "wa_chats.id")(connection, keys)


def _drop_templates(connection: Connection, keys: Sequence[str]) -> None:
    query = "DELETE FROM wa_templates WHERE account || ' ' || id IN (SELECT value FROM json_each(:keys))"
    connection.execute(text(query), {"keys": json.dumps(list(keys))})


KINDS = (
    Kind(
        "chats",
        rows=f"SELECT c.id AS key, c.account, nullif(c.last_at, 0) AS at, {_CHAT_REF} AS ref, c.name, c.phone,"  # noqa: S608 - ours
        " c.username, c.group_id, c.blocked FROM wa_chats c",
        drop=_drop_chats,
        file=_chat,
        suffix=".md",
        line=fields("name", "phone", "username", "blocked"),
    ),
    Kind(
        "messages",
        rows=f"SELECT m.id AS key, m.account, m.at, m.wamid AS ref, {_CHAT_REF} AS chat, m.author, m.mine, m.kind,"  # noqa: S608 - ours
        " m.text, m.media, m.reply_to, m.status, m.state, m.forwarded"
        " FROM wa_messages m JOIN wa_chats c ON c.id = m.chat",
        drop=mirror.drop_messages,
        line=_message,
    ),
    Kind(
        "drafts",
        rows="SELECT d.id AS key, d.account, d.changed AS at, d.id AS ref, d.chat, d.text, d.gone FROM wa_drafts d",
        drop=drop_from("wa_drafts.id"),
        line=fields("chat", "text", "gone"),
        returns=False,
    ),
    Kind(
        "outgoing",
        rows="SELECT call_id AS key, account, changed AS at, call_id AS ref, stage, wamid, status, letter"
        " FROM wa_outgoing",
        drop=drop_from("wa_outgoing.call_id", in_doubt=True),
        line=fields("stage", "wamid", "status", packed=("letter",)),
        returns=False,
    ),
    Kind(
        "templates",
        rows="SELECT account || ' ' || id AS key, account, NULL AS at, id AS ref, name, language, category, status,"
        " components FROM wa_templates",
        drop=_drop_templates,
        line=fields("name", "language", "category", "status", packed=("components",)),
    ),
)
