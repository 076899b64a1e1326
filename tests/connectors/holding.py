"""What a connector holds, gives away and forgets, looked at in the same way for all of them."""

from __future__ import annotations

import json
from typing import Any

from openassistant.testing import FakeHouse
from tests.e2e.files import plain

__all__ = ["counted", "forgets", "listed"]


async def counted(house: FakeHouse) -> dict[str, int]:
    """How many things of each kind are held; kinds of which there are none are left out."""
    held = await house.held()
    assert held.bytes > 0
    for part in held.parts:
        assert (part.oldest is None) == (part.newest is None)
    return {part.kind: part.count for part in held.parts if part.count}


def listed(files: dict[str, bytes], path: str) -> list[dict[str, Any]]:
    """The lines of a list in an archive."""
    return [json.loads(line) for line in files[path].splitlines()]


async def forgets(house: FakeHouse, *words: str, **scope: Any) -> dict[str, int]:
    """Forgets, after a try that says the same; these words are in no page of the file any more. What went, by kind."""
    path, key = house.file()
    before = await counted(house)
    for word in words:
        assert word.encode() in plain(path, key), f"{word} is not there to be forgotten"
    tried = await house.forgotten(dry=True, **scope)
    assert await counted(house) == before
    went = await house.forgotten(**scope)
    assert went == tried
    after = await counted(house)
    assert {kind: count - after.get(kind, 0) for kind, count in before.items() if count != after.get(kind, 0)} == went
    for word in words:
        assert word.encode() not in plain(path, key), f"{word} is still in the file"
    return went
