"""Every act of the calendar connector happens once on real servers, whatever interrupts it: the SDK's own check."""

from __future__ import annotations

from itertools import count

from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.caldav.conftest import Desk


async def created(read: Desk, numbers: count[int]) -> Call:
    day = 1 + next(numbers)
    start, end = f"2026-12-{day:02d}T10:00:00", f"2026-12-{day:02d}T10:30:00"
    return read.house.make("events_create", title=f"Sign the lease {day}", start=start, end=end)


async def test_an_event_is_created_once(read: Desk) -> None:
    numbers = count()

    async def done() -> int:
        return len(await read.texts())

    assert await once_faults(read.house, lambda: created(read, numbers), done) == []


async def test_an_event_is_changed_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        made = await read.house.send(await created(read, numbers))
        return read.house.make("events_update", event=made.content["id"], title="Signed")

    async def done() -> int:
        return sum("SUMMARY:Signed" in text for text in await read.texts())

    assert await once_faults(read.house, make, done) == []


async def test_an_event_is_deleted_once(read: Desk) -> None:
    numbers = count()
    made: list[Call] = []

    async def make() -> Call:
        made.append(await created(read, numbers))
        return read.house.make("events_delete", event=(await read.house.send(made[-1])).content["id"])

    async def done() -> int:
        return len(made) - len(await read.texts())

    assert await once_faults(read.house, make, done) == []
