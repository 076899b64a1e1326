"""A search in the words of Microsoft's own."""

from __future__ import annotations

import re

from openassistant.mails.query import Query

__all__ = ["kql_of"]


def kql_of(query: Query) -> str:
    """The words for Microsoft's own search, as `$search` takes them; "" where there are none.

    https://learn.microsoft.com/graph/search-query-parameter: one string in quotation marks, those in it escaped.
    """
    pieces = []
    for column, value in query.terms:
        plain = " ".join(re.sub(r"[\\\"():]", " ", value).split())
        if plain:
            phrase = f'\\"{plain}\\"' if " " in plain else plain
            pieces.append(f"{column}:{phrase}" if column else phrase)
    return f'"{(" OR " if query.either else " ").join(pieces)}"' if pieces else ""
