"""What was there before a change is noted, how it ended is noted, and it is kept as long as anybody may ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from openassistant.calendars.notes import Note, Notes, usable
from openassistant.errors import Conflict
from openassistant.store import Store

NOTES = Notes("diary")
BEGUN = datetime(2026, 11, 2, 12, tzinfo=UTC)


def context(store: Store, *, now: datetime = BEGUN) -> Any:
    return SimpleNamespace(store=store, account="a", now=lambda: now)


async def test_a_note_is_kept_with_how_the_change_ended(store: Store) -> None:
    ctx = context(store)
    await NOTES.begin(ctx, "call", Note("home", "", {"title": "Choir"}))
    assert await NOTES.recall(ctx, "call") == Note("home", "", {"title": "Choir"}, "")
    await NOTES.end(ctx, "call", held="digest", ref="1")
    await NOTES.end(ctx, "call", held="another")
    assert await NOTES.recall(ctx, "call") == Note("home", "1", {"title": "Choir"}, "another")
    assert await NOTES.recall(ctx, "nobody's") is None


async def test_a_note_lives_for_thirty_days(store: Store) -> None:
    await NOTES.begin(context(store), "old", Note("home", "1", {}))
    later = context(store, now=BEGUN + timedelta(days=30, seconds=1))
    await NOTES.begin(later, "new", Note("home", "1", {}))
    assert await NOTES.recall(later, "old") is None
    assert await NOTES.recall(later, "new") is not None


@pytest.mark.parametrize("note", [None, Note("home", "1", {})])
def test_what_did_not_end_cannot_be_taken_back(note: Note | None) -> None:
    with pytest.raises(Conflict, match="what exactly was created"):
        usable(note, "created")
