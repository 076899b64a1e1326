"""What the tools that look share: how much of a conversation is shown, the words found in a text, and what is noted."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["LOOSENED", "MOST_IN_THREAD", "MOST_LOOSE", "OLDER", "UNREAD", "newest_alone", "passage", "share"]

MOST_IN_THREAD = 30
"""How many mails of a conversation are read."""
MOST_LOOSE = 10
"""How many mails are given that have only some of the words."""
OLDER = "There may be older ones: narrow the search, or look before the last date."
LOOSENED = "No mail has all of these words; these have some of them."
UNREAD = "The mailbox is still being read, so there may be more."
_LONGEST_THREAD = 60_000
_AROUND = 120


def share(mails: int) -> int:
    """How many characters of each text are shown in a conversation of so many mails."""
    return max(_LONGEST_THREAD // mails, 2_000)


def newest_alone(*, cut: bool) -> str:
    """What is said where a conversation is shown in part."""
    return f"Only the newest {MOST_IN_THREAD} mails are shown." if cut else ""


def passage(text: str, words: Sequence[str]) -> str:
    """The text around the first of the words that occurs in it; "" when none does."""
    for word in words:
        if place := re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE):
            start, end = max(place.start() - _AROUND, 0), place.end() + _AROUND
            return ("…" if start else "") + " ".join(text[start:end].split()) + ("…" if end < len(text) else "")
    return ""
