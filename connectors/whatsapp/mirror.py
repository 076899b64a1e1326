"""The mirror of a number in the user's encrypted store: what the hook, the sync and the sending write.

All functions run inside a transaction of `Store.write`. Repeats change nothing: a message is known by its id at
WhatsApp, a status by what it adds. `chats.py` reads the mirror.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, text

from connectors.whatsapp.inbound import Inbound, Media, Person, Status, TemplateChange
from connectors.whatsapp.people import chat_of, move, set_chat
from openassistant.holdings import left_out

__all__ = [
    "Letter",
    "Stage",
    "change_template",
    "drop_messages",
    "drop_old",
    "forget",
    "keep_message",
    "keep_number",
    "keep_status",
    "keep_templates",
    "note_heard",
    "note_stage",
    "open_letter",
    "set_blocked",
    "set_blocked_all",
    "set_seen",
    "take",
]

Stage = Literal["posted", "taken", "refused"]

_RANKS = {"": 0, "accepted": 1, "sent": 2, "delivered": 3, "read": 4, "played": 5}
_NOBODY = Person()
_FAILED = "failed"
_KEPT = 30 * 24 * 3600
_TABLES = (
    "wa_messages", "wa_chats", "wa_reactions", "wa_outgoing", "wa_drafts", "wa_templates", "wa_numbers",
)  # fmt: skip


class Letter(NamedTuple):
    """What goes out, as the mirror is to keep it: into `chat`, or into the one with `phone` where there is none yet."""

    chat: int
    kind: str
    text: str = ""
    phone: str = ""
    media: Media | None = None
    reply_to: str = ""
    reacts: str = ""

    def packed(self) -> str:
        """As the table has it."""
        return json.dumps({**self._asdict(), "media": self.media._asdict() if self.media else None})

    @classmethod
    def unpacked(cls, packed: str) -> Letter:
        """The other way round."""
        given = json.loads(packed)
        return cls(**{**given, "media": Media(**given["media"]) if given["media"] else None})


# --- what comes in --------------------------------------------------------------------------------------------------


def keep_message(connection: Connection, account: str, told: Inbound) -> int | None:
    """Keeps a message, an edit, a deletion or a reaction; the id of a message that is new, else None.

    What is of a time that its owner had forgotten is left out.
    """
    if left_out(connection, account, "messages").hold(told.at):
        return None
    if told.reacts:
        _react(connection, account, told.reacts, _author(told.person), told.text, told.at)
        return None
    if told.edits or told.deletes:
        _change(connection, account, told)
        return None
    if told.kind in ("edit", "revoke", "reaction"):
        return None
    if _is_kept(connection, account, told.wamid):
        return None
    chat = chat_of(connection, account, told.person, at=told.at, group=told.group)
    made = _add_message(connection, account, chat, told)
    if made is None:
        return None
    opens = not told.mine and not told.group and told.kind != "system"
    _touch(connection, chat, told.at, opens=opens)
    if told.moved is not None and (told.moved.bsuid or told.moved.phone):
        move(connection, account, chat, told.moved)
    return made


def _is_kept(connection: Connection, account: str, wamid: str) -> bool:
    """Whether a message is there already, so that a repeat says nothing new, not even about who wrote it."""
    query = text("SELECT 1 FROM wa_messages WHERE account = :account AND wamid = :wamid AND kind != 'edit'")
    return connection.execute(query, {"account": account, "wamid": wamid}).scalar_one_or_none() is not None


def _author(person: Person) -> str:
    return person.bsuid or person.phone


def _add_message(
    connection: Connection, account: str, chat: int, told: Inbound, *, status: str = "", state: str = ""
) -> int | None:
    """Keeps a message once; what an edit left in its place (see `_change`) gets the rest of it."""
    statement = (
        "INSERT INTO wa_messages (account, chat, wamid, author, mine, at, kind, text, media, reply_to, status, problem,"
        " state, forwarded, seen) VALUES (:account, :chat, :wamid, :author, :mine, :at, :kind, :text, :media,"
        " :reply_to, :status, 0, :state, :forwarded, :seen) ON CONFLICT (account, wamid) DO UPDATE SET at = :at,"
        " kind = :kind, media = :media, reply_to = :reply_to, forwarded = :forwarded"
        " WHERE kind = 'edit' AND :kind != 'edit' AND author = :author RETURNING id"
    )
    row = {
        "account": account,
        "chat": chat,
        "wamid": told.wamid,
        "author": "" if told.mine else _author(told.person),
        "mine": told.mine,
        "at": told.at,
        "kind": told.kind,
        "text": told.text,
        "media": json.dumps(told.media._asdict()) if told.media else "",
        "reply_to": told.reply_to,
        "status": status,
        "state": state,
        "forwarded": told.forwarded,
        "seen": told.mine or told.kind == "system" or state == "deleted",
    }
    made = connection.execute(text(statement), row).scalar_one_or_none()
    if made is not None:
        _index(connection, int(made))
    return None if made is None else int(made)


def _index(connection: Connection, message: int) -> None:
    """Puts a message into the index anew."""
    row = connection.execute(
        text("SELECT m.text, m.media, c.name FROM wa_messages m JOIN wa_chats c ON c.id = m.chat WHERE m.id = :id"),
        {"id": message},
    ).one()
    name = json.loads(row.media)["name"] if row.media else ""
    connection.execute(text("DELETE FROM wa_search WHERE rowid = :id"), {"id": message})
    connection.execute(
        text("INSERT INTO wa_search (rowid, who, body) VALUES (:id, :who, :body)"),
        {"id": message, "who": row.name, "body": f"{row.text} {name}"},
    )


def _touch(connection: Connection, chat: int, at: int, *, opens: bool) -> None:
    """A chat's newest times; they never go back when something comes late."""
    statement = "UPDATE wa_chats SET last_at = max(last_at, :at), last_in = max(last_in, :opened) WHERE id = :id"
    connection.execute(text(statement), {"id": chat, "at": at, "opened": at if opens else 0})


def _change(connection: Connection, account: str, told: Inbound) -> None:
    """Somebody edited or deleted a message; only their own, and no deleted one comes back.

    Where the message itself has not come yet, what is known of it takes its place.
    """
    state = "edited" if told.edits else "deleted"
    statement = (
        "UPDATE wa_messages SET text = :text, state = :state, media = CASE WHEN :state = 'deleted' THEN '' ELSE media"
        " END WHERE account = :account AND wamid = :wamid AND state != 'deleted' AND mine = :mine"
        " AND (mine OR author IN (:bsuid, :phone)) RETURNING id"
    )
    row = {
        "account": account,
        "wamid": told.edits or told.deletes,
        "text": told.text if told.edits else "",
        "state": state,
        "mine": told.mine,
        "bsuid": told.person.bsuid,
        "phone": told.person.phone,
    }
    changed = connection.scalars(text(statement), row).all()
    for each in changed:
        _index(connection, int(each))
    if not changed:
        chat = chat_of(connection, account, told.person, at=told.at, group=told.group)
        placed = told._replace(wamid=str(row["wamid"]), text=str(row["text"]), media=None, reply_to="")
        _add_message(connection, account, chat, placed, state=state)


def _react(connection: Connection, account: str, wamid: str, author: str, emoji: str, at: int) -> None:
    """The newest reaction of somebody to a message; an empty one takes it back. `author` is "" for the owner."""
    statement = (
        "INSERT INTO wa_reactions (account, wamid, author, emoji, at) VALUES (:account, :wamid, :author, :emoji, :at)"
        " ON CONFLICT (account, wamid, author) DO UPDATE SET emoji = :emoji, at = :at WHERE at <= :at"
    )
    row = {"account": account, "wamid": wamid, "author": author, "emoji": emoji, "at": at}
    connection.execute(text(statement), row)


# --- what goes out --------------------------------------------------------------------------------------------------


def note_stage(
    connection: Connection, account: str, call_id: str, stage: Stage, *, now: int, letter: Letter | None = None
) -> None:
    """Writes down how far a call came; what a status already proved stays."""
    row = {"call_id": call_id, "account": account, "stage": stage, "now": now}
    if letter is not None:
        statement = (
            "INSERT INTO wa_outgoing (call_id, account, stage, wamid, status, problem, letter, changed)"
            " VALUES (:call_id, :account, :stage, '', '', 0, :letter, :now) ON CONFLICT (call_id) DO NOTHING"
        )
        connection.execute(text(statement), {**row, "letter": letter.packed()})
        return
    statement = "UPDATE wa_outgoing SET stage = :stage, changed = :now WHERE call_id = :call_id AND stage = 'posted'"
    connection.execute(text(statement), row)


def open_letter(connection: Connection, account: str, call_id: str) -> Row[Any] | None:
    """What was written down about a call."""
    query = text("SELECT * FROM wa_outgoing WHERE call_id = :call_id AND account = :account")
    return connection.execute(query, {"call_id": call_id, "account": account}).one_or_none()


def take(connection: Connection, account: str, call_id: str, wamid: str, *, now: int, person: Person = _NOBODY) -> None:
    """WhatsApp took what a call sent, under that id: keeps the message. The second time it changes nothing."""
    row = open_letter(connection, account, call_id)
    if row is None:
        return
    statement = "UPDATE wa_outgoing SET stage = 'taken', wamid = :wamid, changed = :now WHERE call_id = :call_id"
    connection.execute(text(statement), {"call_id": call_id, "wamid": wamid, "now": now})
    letter = Letter.unpacked(row.letter)
    if letter.reacts:
        _react(connection, account, letter.reacts, "", letter.text, now)
        return
    to = person if person.bsuid or person.phone else Person(phone=letter.phone)
    chat = letter.chat or chat_of(connection, account, to, at=now)
    told = Inbound(
        wamid, now, to, letter.kind, text=letter.text, media=letter.media, reply_to=letter.reply_to, mine=True
    )
    if _add_message(connection, account, chat, told, status="accepted") is not None:
        _touch(connection, chat, now, opens=False)


def keep_status(connection: Connection, account: str, told: Status) -> int | None:
    """What became of a message of ours; the message's id where this is news of one that the mirror has.

    A status with the id of a call proves that WhatsApp took it, whatever was answered then.
    """
    row = open_letter(connection, account, told.tracker) if told.tracker else None
    if row is not None and row.wamid in ("", told.wamid):
        take(connection, account, told.tracker, told.wamid, now=told.at, person=told.person)
    _raise_status(connection, "wa_outgoing", account, told)
    return _raise_status(connection, "wa_messages", account, told)


def _raise_status(connection: Connection, table: str, account: str, told: Status) -> int | None:
    """Statuses come twice and out of order: only a higher one counts, and a failure only where nothing arrived."""
    query = f"SELECT rowid AS id, status FROM {table} WHERE account = :account AND wamid = :wamid"  # noqa: S608 - ours
    known = connection.execute(text(query), {"account": account, "wamid": told.wamid}).one_or_none()
    if known is None:
        return None
    arrived = _RANKS.get(known.status, 0) >= _RANKS["delivered"]
    higher = _RANKS.get(told.status, -1) > _RANKS.get(known.status, 0) and known.status != _FAILED
    fails = told.status == _FAILED and not arrived and known.status != _FAILED
    late = known.status == _FAILED and _RANKS.get(told.status, 0) >= _RANKS["delivered"]
    if not (higher or fails or late):
        return None
    statement = f"UPDATE {table} SET status = :status, problem = :problem WHERE rowid = :id"  # noqa: S608 - ours
    problem = told.code if told.status == _FAILED else 0
    connection.execute(text(statement), {"id": known.id, "status": told.status, "problem": problem})
    return int(known.id)


# --- the rest -------------------------------------------------------------------------------------------------------


def set_seen(connection: Connection, account: str, chat: int, message: int) -> int:
    """A message and those before it in the chat count as read; how many did not before."""
    statement = (
        "UPDATE wa_messages SET seen = 1 WHERE account = :account AND chat = :chat AND NOT seen AND (at, id) <="
        " (SELECT at, id FROM wa_messages WHERE id = :message)"
    )
    return connection.execute(text(statement), {"account": account, "chat": chat, "message": message}).rowcount


def set_blocked(connection: Connection, chat: int, *, blocked: bool) -> None:
    """Notes that somebody is blocked, or no longer."""
    set_chat(connection, chat, blocked=blocked)


def set_blocked_all(connection: Connection, account: str, people: Sequence[Person]) -> None:
    """Notes who is blocked by Meta's whole list."""
    connection.execute(text("UPDATE wa_chats SET blocked = 0 WHERE account = :account"), {"account": account})
    statement = (
        "UPDATE wa_chats SET blocked = 1 WHERE account = :account AND group_id = ''"
        " AND ((:bsuid != '' AND bsuid = :bsuid) OR (:phone != '' AND phone = :phone))"
    )
    for each in people:
        row = {"account": account, "bsuid": each.bsuid, "phone": each.phone}
        connection.execute(text(statement), row)


def keep_templates(connection: Connection, account: str, rows: Sequence[dict[str, str]]) -> None:
    """Puts the templates, as they are now, in the place of the former ones."""
    connection.execute(text("DELETE FROM wa_templates WHERE account = :account"), {"account": account})
    statement = (
        "INSERT OR REPLACE INTO wa_templates (account, id, name, language, category, status, components)"
        " VALUES (:account, :id, :name, :language, :category, :status, :components)"
    )
    if rows:
        connection.execute(text(statement), [{"account": account, **each} for each in rows])


def change_template(connection: Connection, account: str, told: TemplateChange) -> None:
    """A template was approved, paused or rejected."""
    statement = "UPDATE wa_templates SET status = :status WHERE account = :account AND id = :id"
    connection.execute(text(statement), {"account": account, **told._asdict()})


def keep_number(connection: Connection, account: str, *, phone: str, name: str, quality: str) -> None:
    """What Meta shows of the number itself."""
    statement = (
        "INSERT INTO wa_numbers (account, phone, name, quality, heard) VALUES (:account, :phone, :name, :quality, 0)"
        " ON CONFLICT (account) DO UPDATE SET phone = :phone, name = :name, quality = :quality"
    )
    connection.execute(text(statement), {"account": account, "phone": phone, "name": name, "quality": quality})


def note_heard(connection: Connection, account: str, now: int) -> None:
    """Notes that Meta sent something that it signed."""
    statement = (
        "INSERT INTO wa_numbers (account, phone, name, quality, heard) VALUES (:account, '', '', '', :now)"
        " ON CONFLICT (account) DO UPDATE SET heard = :now"
    )
    connection.execute(text(statement), {"account": account, "now": now})


def drop_old(connection: Connection, account: str, now: int) -> None:
    """Forgets what was written down about calls that ended long ago."""
    row = {"account": account, "before": now - _KEPT}
    connection.execute(text("DELETE FROM wa_outgoing WHERE account = :account AND changed < :before"), row)
    connection.execute(text("DELETE FROM wa_drafts WHERE account = :account AND gone AND changed < :before"), row)


def drop_messages(connection: Connection, ids: Sequence[int]) -> None:
    """Deletes messages, with the reactions to them."""
    these = {"ids": json.dumps(list(ids))}
    among = "IN (SELECT value FROM json_each(:ids))"
    reacted = f"SELECT account, wamid FROM wa_messages WHERE id {among}"  # noqa: S608 - ours
    for statement in (
        f"DELETE FROM wa_reactions WHERE (account, wamid) IN ({reacted})",  # noqa: S608 - ours
        f"DELETE FROM wa_search WHERE rowid {among}",  # noqa: S608 - ours
        f"DELETE FROM wa_messages WHERE id {among}",  # noqa: S608 - ours
    ):
        connection.execute(text(statement), these)


def forget(connection: Connection, account: str) -> None:
    """Deletes everything that the mirror holds of an account."""
    connection.execute(
        text("DELETE FROM wa_search WHERE rowid IN (SELECT id FROM wa_messages WHERE account = :a)"), {"a": account}
    )
    for table in _TABLES:
        connection.execute(text(f"DELETE FROM {table} WHERE account = :a"), {"a": account})  # noqa: S608 - ours
