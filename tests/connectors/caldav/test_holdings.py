"""What is held of calendars is counted, leaves as calendar files that others read, and is forgotten for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import vobject

from tests.connectors.holding import counted, forgets, listed

WORD = "quincetree"
TASK = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTODO\r\nDTSTAMP:20260101T000000Z\r\nUID:task-1\r\n"
    "SUMMARY:Water the plants\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
)


def event(uid: str, title: str, at: datetime, rule: str = "") -> str:
    start, end = (f"{each:%Y%m%dT%H%M%SZ}" for each in (at, at + timedelta(hours=1)))
    return f"UID:{uid}\nSUMMARY:{title}\nDTSTART:{start}\nDTEND:{end}" + (f"\n{rule}" if rule else "")


async def filled(desk: Any) -> None:
    now = datetime.now(UTC)
    await desk.put("old", event("old-1", f"Under the {WORD}", now - timedelta(days=500)))
    await desk.put("soon", event("soon-1", "Dentist", now + timedelta(days=2)))
    await desk.put("weekly", event("weekly-1", "Choir", now - timedelta(days=600), "RRULE:FREQ=WEEKLY"))
    await desk.put_object("task", TASK)
    await desk.sync()


async def test_events_and_tasks_are_counted_and_leave_as_the_server_has_them(desk: Any) -> None:
    await filled(desk)
    assert await counted(desk.house) == {"events": 3, "tasks": 1}
    files = await desk.house.exported()
    read = [vobject.readOne(body.decode()) for path, body in files.items() if path.endswith(".ics")]
    parts = [part for each in read for name in ("vevent", "vtodo") for part in each.contents.get(name, ())]
    titles = {part.summary.value for part in parts}
    assert titles == {f"Under the {WORD}", "Dentist", "Choir", "Water the plants"}
    assert {line["uid"] for line in listed(files, "Calendar/events/index.jsonl")} == {"old-1", "soon-1", "weekly-1"}


async def test_events_that_are_over_are_forgotten_and_a_series_that_goes_on_stays(desk: Any) -> None:
    await filled(desk)
    went = await forgets(desk.house, WORD, kinds=["events"], until=datetime.now(UTC) - timedelta(days=365))
    assert went == {"events": 1}
    await desk.put("new", event("new-1", "Quinces", datetime.now(UTC) + timedelta(days=5)))
    await desk.sync()
    assert await counted(desk.house) == {"events": 3, "tasks": 1}
    assert WORD not in str(await desk.house.exported())
    progress = await desk.progress()
    assert progress.done == progress.total


async def test_what_was_replaced_by_a_change_is_forgotten_with_the_call(desk: Any) -> None:
    await filled(desk)
    found = await desk.house.call("events_search", query="Dentist")
    await desk.house.call("events_update", event=found["events"][0]["id"], title=f"The {WORD}")
    held = await counted(desk.house)
    assert (held["undo"], held["calls"]) == (1, 1)
    files = await desk.house.exported()
    assert "Dentist" in listed(files, "Calendar/undo.jsonl")[0]["before"]
    assert await forgets(desk.house, kinds=["undo", "calls"]) == {"undo": 1, "calls": 1}
