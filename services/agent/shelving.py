"""How a person keeps conversations in order: titles, pins, labels, the archive. Plain functions over his own file."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from openassistant.errors import InvalidRequest, NotFound
from openassistant.messages import Conversation, ConversationList
from openassistant.shelf import Change, LabelCount, Listing
from openassistant.store import Store
from services.agent import conversations

__all__ = ["change", "labels", "page"]

_PAGE = """
SELECT * FROM conversations
WHERE (:archived IS NULL OR archived = :archived) AND (:pinned IS NULL OR pinned = :pinned)
    AND (:label IS NULL OR EXISTS (SELECT 1 FROM json_each(labels) WHERE value = :label))
    AND (:id IS NULL OR (updated, id) < (:updated, :id))
ORDER BY updated DESC, id DESC LIMIT :limit
"""
_LABELS = """
SELECT value AS name, count(*) AS count FROM conversations, json_each(conversations.labels)
GROUP BY value ORDER BY lower(value), value
"""
_CHANGE = """
UPDATE conversations SET title = coalesce(:title, title), titled = CASE WHEN :named IS NULL THEN titled
        WHEN :named = '' THEN NULL ELSE :now END,
    pinned = coalesce(:pinned, pinned), archived = coalesce(:archived, archived), labels = coalesce(:labels, labels)
WHERE id = :id RETURNING *
"""


async def page(store: Store, listing: Listing) -> ConversationList:
    """Conversations that fit, newest change first; raises `InvalidRequest` for a cursor that is none of ours."""
    updated, id_ = _place(listing.after)
    row = {
        **listing.model_dump(include={"archived", "pinned", "label"}), "updated": updated, "id": id_,
        "limit": listing.limit + 1 if listing.limit else -1,
    }  # fmt: skip

    def read(connection: Connection) -> list[Any]:
        return list(connection.execute(text(_PAGE), row))

    rows = await store.read(read)
    shown = rows[: listing.limit]
    more = f"{shown[-1].updated} {shown[-1].id}" if len(rows) > len(shown) else None
    return ConversationList(conversations=tuple(map(conversations.of_row, shown)), next=more)


async def change(store: Store, conversation: str, wanted: Change, *, now: datetime) -> Conversation:
    """Makes the changes, which are no change of what was said; raises `NotFound`."""
    row = {
        "id": conversation, "title": wanted.title, "named": wanted.title, "now": now.isoformat(),
        "pinned": wanted.pinned, "archived": wanted.archived,
        "labels": None if wanted.labels is None else json.dumps(wanted.labels, ensure_ascii=False),
    }  # fmt: skip

    def write(connection: Connection) -> Any:
        if wanted.title == "":
            row["title"] = conversations.headline(conversations.first_words(connection, conversation))
        return connection.execute(text(_CHANGE), row).one_or_none()

    changed = await store.write(write)
    if changed is None:
        raise NotFound("That conversation does not exist.")
    return conversations.of_row(changed)


async def labels(store: Store) -> tuple[LabelCount, ...]:
    """The labels in use."""

    def read(connection: Connection) -> tuple[LabelCount, ...]:
        return tuple(LabelCount(name=row.name, count=row.count) for row in connection.execute(text(_LABELS)))

    return await store.read(read)


def _place(cursor: str) -> tuple[str | None, str | None]:
    if not cursor:
        return None, None
    updated, _, id_ = cursor.partition(" ")
    if not id_:
        raise InvalidRequest("The place to go on from is not one that was given.")
    return updated, id_
