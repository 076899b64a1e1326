"""Search by content in a person's own conversations: plain functions over his own file.

Messages are found by an index that is kept by the file itself (FTS5), so that what was removed in whatever way is found
no more. Titles and labels are few, and are looked through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import new_id
from openassistant.shelf import Found, Hit, Search, Shred
from openassistant.store import Store
from services.agent import conversations

__all__ = ["expression", "search"]

_MOST_TITLES = 20
_MOST_TERMS = 12
_AROUND = 24
"""Words that are shown of a message."""

_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')
_ACCENTS = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"[^\W_]")
_HITS = """
SELECT messages.seq, messages.id, messages.role, messages.created, messages.conversation, conversations.title,
    conversations.archived, snippet(message_words, 0, :mark, :mark, '…', :around) AS around
FROM message_words JOIN messages ON messages.seq = message_words.rowid
    JOIN conversations ON conversations.id = messages.conversation
WHERE message_words MATCH :match AND message_words.rowid < :before
ORDER BY message_words.rowid DESC LIMIT :limit
"""
_TITLES = "SELECT rowid, title, labels FROM conversations ORDER BY updated DESC, id DESC"
_SHOWN = "SELECT * FROM conversations WHERE rowid = :row"
_BEHIND_ALL = (1 << 63) - 1


async def search(store: Store, wanted: Search) -> Found:
    """What has all the words; nothing where there are none."""
    terms = _terms(wanted.words)
    if not terms:
        return Found()
    row = {
        "match": expression(terms), "mark": new_id(), "around": _AROUND, "limit": wanted.limit + 1,
        "before": _BEHIND_ALL if wanted.before is None else wanted.before,
    }  # fmt: skip

    def read(connection: Connection) -> Found:
        rows = list(connection.execute(text(_HITS), row))
        shown = rows[: wanted.limit]
        return Found(
            conversations=tuple(_titled(connection, terms)) if wanted.before is None else (),
            hits=tuple(_hit(each, str(row["mark"])) for each in shown),
            next=shown[-1].seq if len(rows) > len(shown) else None,
        )

    return await store.read(read)


def expression(terms: list[tuple[str, bool]]) -> str:
    """An FTS5 expression for all terms; each is quoted, so that none of it is read as an operator."""
    return " AND ".join(f'"{words}"' if whole else f'"{words}"*' for words, whole in terms)


def _terms(words: str) -> list[tuple[str, bool]]:
    """What is searched for, without what has no letter: words by their beginning, or as a whole where in quotes."""
    found = [(quoted or bare, bool(quoted)) for quoted, bare in _TERM.findall(words.replace("\0", " "))]
    return [each for each in found if _WORD.search(each[0])][:_MOST_TERMS]


def _titled(connection: Connection, terms: list[tuple[str, bool]]) -> Iterator[Any]:
    """Conversations whose title or labels have all terms, newest change first."""
    wanted = [_plain(words) for words, _ in terms]
    named = ((row, _plain(f"{title} {labels}")) for row, title, labels in connection.execute(text(_TITLES)))
    rows = (row for row, name in named if all(each in name for each in wanted))
    for row in list(islice(rows, _MOST_TITLES)):
        yield conversations.of_row(connection.execute(text(_SHOWN), {"row": row}).one())


def _plain(words: str) -> str:
    """Without case and accents, as the index compares."""
    if words.isascii():
        return words.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", words.casefold()))


def _hit(row: Any, mark: str) -> Hit:
    """A message that was found. Nobody who wrote it could know the mark, so no text says of itself that it is a hit."""
    parts = row.around.split(mark)
    shreds = tuple(Shred(text=part, hit=bool(place % 2)) for place, part in enumerate(parts) if part)
    return Hit(
        conversation=row.conversation, title=row.title, archived=row.archived, message=row.id, role=row.role,
        created=datetime.fromisoformat(row.created), shreds=shreds,
    )  # fmt: skip
