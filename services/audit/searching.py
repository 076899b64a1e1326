"""Full-text search by a record's owner: his records are opened one after the other, and nothing is kept of that.

There is no index. It would be a second copy of what the records hold, readable with one key for all of it and not
covered by any proof; looking at 100,000 records takes a few seconds, in parts between which others are served.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from services.audit.records import decrypt

__all__ = ["AT_ONCE", "MOST", "fitting", "words_of"]

AT_ONCE = 500
"""Records that are read and opened in one go."""
MOST = 10_000
"""Records that one request looks at; what follows is asked for by the next."""
_PLAIN = ("action", "connector", "tool", "effect", "outcome", "room")


def words_of(search: str) -> tuple[str, ...]:
    """The words of a search; a record fits when it holds them all, in any case."""
    return tuple(search.casefold().split())


def fitting(rows: Iterable[dict[str, Any]], key: bytes, words: Sequence[str]) -> list[tuple[dict[str, Any], Any]]:
    """The rows of one user that hold all words, each with its content."""
    found: list[tuple[dict[str, Any], Any]] = []
    for row in rows:
        content = decrypt(row["content"], key, bound_to=f"{row['id']}/{row['action']}")
        text = _text(row, content)
        if all(word in text for word in words):
            found.append((row, content))
    return found


def _text(row: dict[str, Any], content: Any) -> str:
    plain = " ".join(str(row[name]) for name in _PLAIN if row[name])
    return f"{plain} {json.dumps(content, ensure_ascii=False) if content is not None else ''}".casefold()
