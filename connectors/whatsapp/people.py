"""Whom a chat is with: the business-scoped user ID names a person for good, a number only as long as it is theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text

from connectors.whatsapp.inbound import Person

__all__ = ["chat_of", "move", "set_chat"]


def chat_of(connection: Connection, account: str, person: Person, *, at: int, group: str = "") -> int:
    """The chat with somebody, made when there is none, with what was known of them at a time.

    The business-scoped user ID decides. A number that comes with another ID belongs to somebody else now, unless what
    brings it is older than what the other wrote under it: things come late and twice.
    """
    if group:
        found = _find(connection, account, "group_id", group)
        return int(found.id) if found else _add_chat(connection, account, Person(), group=group)
    by_id = _find(connection, account, "bsuid", person.bsuid)
    by_phone = _find(connection, account, "phone", person.phone)
    if by_phone and person.bsuid and by_phone.bsuid not in ("", person.bsuid):
        if by_phone.last_in > at:
            person = person._replace(phone="")
        else:
            set_chat(connection, by_phone.id, phone="")
        by_phone = None
    if by_id and by_phone and by_id.id != by_phone.id:
        _merge(connection, by_phone.id, into=by_id.id)
    known = by_id or by_phone
    if known is None:
        return _add_chat(connection, account, person)
    set_chat(connection, known.id, **{name: value for name, value in person._asdict().items() if value})
    return int(known.id)


def _find(connection: Connection, account: str, column: str, value: str) -> Row[Any] | None:
    if not value:
        return None
    query = f"SELECT * FROM wa_chats WHERE account = :account AND {column} = :value ORDER BY id LIMIT 1"  # noqa: S608 - ours
    return connection.execute(text(query), {"account": account, "value": value}).one_or_none()


def _add_chat(connection: Connection, account: str, person: Person, *, group: str = "") -> int:
    statement = (
        "INSERT INTO wa_chats (account, bsuid, phone, group_id, name, username, last_in, last_at, blocked)"
        " VALUES (:account, :bsuid, :phone, :group, :name, :username, 0, 0, 0) RETURNING id"
    )
    row = {"account": account, "group": group, **person._asdict()}
    return int(connection.execute(text(statement), row).scalar_one())


def set_chat(connection: Connection, chat: int, **values: Any) -> None:
    """Changes what is known of a chat."""
    if values:
        sets = ", ".join(f"{name} = :{name}" for name in values)
        connection.execute(text(f"UPDATE wa_chats SET {sets} WHERE id = :id"), {"id": chat, **values})  # noqa: S608 - ours


def _merge(connection: Connection, chat: int, *, into: int) -> None:
    """Makes two chats one: somebody who was known by the number alone, and now by the id, too."""
    row = {"chat": chat, "into": into}
    for table in ("wa_messages", "wa_drafts"):
        connection.execute(text(f"UPDATE {table} SET chat = :into WHERE chat = :chat"), row)  # noqa: S608 - ours
    for column in ("last_in", "last_at"):
        statement = (
            f"UPDATE wa_chats SET {column} = max({column}, (SELECT {column} FROM wa_chats WHERE id = :chat))"  # noqa: S608 - ours
            " WHERE id = :into"
        )
        connection.execute(text(statement), row)
    connection.execute(text("DELETE FROM wa_chats WHERE id = :chat"), row)


def move(connection: Connection, account: str, chat: int, to: Person) -> None:
    """Somebody has another number, and with it another id; what was known of others under these is theirs no more."""
    for column in ("bsuid", "phone"):
        if value := getattr(to, column):
            taken = _find(connection, account, column, value)
            if taken is not None and taken.id != chat:
                set_chat(connection, taken.id, **{column: ""})
    set_chat(connection, chat, **{name: value for name, value in to._asdict().items() if value})
