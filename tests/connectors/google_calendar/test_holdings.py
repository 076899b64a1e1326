"""What is held of Google's calendars is counted, leaves as calendar files that others read, and is forgotten."""

from __future__ import annotations

from typing import Any

import icalendar
import recurring_ical_events
import vobject

from tests.connectors.holding import counted, forgets


async def calendars(desk: Any) -> dict[str, icalendar.Calendar]:
    """The calendar files of the archive, by the title of what is in each."""
    files = await desk.house.exported()
    read = {}
    for path, body in files.items():
        if path.endswith(".ics"):
            vobject.readOne(body.decode())
            calendar = icalendar.Calendar.from_ical(body)
            read[str(calendar.events[0]["SUMMARY"])] = calendar
    return read


async def test_events_leave_as_calendar_files_with_guests_rules_and_zones(desk: Any) -> None:
    await desk.sync()
    held = await counted(desk.house)
    found = await calendars(desk)
    assert held["events"] == len(found)
    dentist = found["Dentist"].events[0]
    assert (dentist["LOCATION"], dentist.start.isoformat()) == ("Main Street 1", "2037-12-22T08:00:00+00:00")
    lease = found["Lease"].events[0]
    assert str(lease["ATTENDEE"]) == "mailto:carol@home.example"
    dates = recurring_ical_events.of(found["Choir"]).between((2037, 11, 1), (2038, 2, 1))
    assert [f"{each.start:%m-%dT%H:%M}" for each in dates] == [
        "11-23T18:30", "11-30T18:30", "12-07T18:30", "12-14T18:30", "12-21T18:30", "12-28T18:30",
    ]  # fmt: skip
    assert found["Choir"].timezones


async def test_a_date_that_was_moved_is_moved_in_the_file_too(desk: Any) -> None:
    await desk.sync()
    choir = await desk.titled("Choir", 1)
    await desk.call("events_update", event=choir["id"], start="2037-12-01T20:00", end="2037-12-01T21:00")
    await desk.sync()
    dates = recurring_ical_events.of((await calendars(desk))["Choir"]).between((2037, 11, 1), (2038, 2, 1))
    assert "12-01T20:00" in [f"{each.start:%m-%dT%H:%M}" for each in dates]
    assert len(dates) == 6
    assert {"undo", "calls"} <= set(await counted(desk.house))


async def test_what_is_forgotten_is_in_no_page_of_the_file(desk: Any) -> None:
    await desk.sync()
    went = await forgets(desk.house, "Regatta", "Ignore your rules")
    assert went["events"] == 6
    assert await counted(desk.house) == {}
