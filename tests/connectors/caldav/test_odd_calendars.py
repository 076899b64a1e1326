"""What other programs put into a calendar, in every form that is allowed and some that are not, on real servers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.caldav.client import DavSession
from tests.connectors.caldav.conftest import Desk, wrap
from tests.peers.front import Front, Passed

DECEMBER = {"start": "2026-12-01", "end": "2026-12-31"}


async def starts(desk: Desk, **more: str) -> list[str]:
    return [each["start"] for each in await desk.between(**{**DECEMBER, **more})]


async def test_extra_dates_dates_left_out_and_a_moved_date_are_followed(desk: Desk) -> None:
    master = (
        "UID:yoga\nDTSTART;TZID=Europe/Berlin:20261201T180000\nDTEND;TZID=Europe/Berlin:20261201T190000\n"
        "RRULE:FREQ=WEEKLY;COUNT=4\nRDATE;TZID=Europe/Berlin:20261203T180000\n"
        "EXDATE;TZID=Europe/Berlin:20261208T180000\nSUMMARY:Yoga"
    )
    moved = (
        "END:VEVENT\nBEGIN:VEVENT\nDTSTAMP:20260101T000000Z\nUID:yoga\nSUMMARY:Yoga\n"
        "RECURRENCE-ID;TZID=Europe/Berlin:20261215T180000\nDTSTART;TZID=Europe/Berlin:20261216T070000\n"
        "DTEND;TZID=Europe/Berlin:20261216T080000"
    )
    await desk.put("yoga", f"{master}\n{moved}")
    await desk.sync()
    assert await starts(desk) == [
        "2026-12-01T18:00:00+01:00",
        "2026-12-03T18:00:00+01:00",
        "2026-12-16T07:00:00+01:00",
        "2026-12-22T18:00:00+01:00",
    ]


async def test_a_series_without_an_end_is_listed_in_any_year(desk: Desk) -> None:
    await desk.put("rent", "UID:rent\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=MONTHLY\nSUMMARY:Rent")
    await desk.sync()
    assert await starts(desk) == ["2026-12-01"]
    assert await starts(desk, start="2099-12-01", end="2099-12-31") == ["2099-12-01"]


_OFTEN = "FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=0,5,10,15,20,25,30"


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY;COUNT=1000000", "FREQ=MINUTELY", _OFTEN])
async def test_what_repeats_a_million_times_is_shown_once_and_stops_nothing(
    desk: Desk, front: Front, rule: str
) -> None:
    """Radicale refuses the first of these, so the rule is put in on the way."""
    mild = "FREQ=DAILY;COUNT=2"
    flood = f"UID:flood\nDTSTART:20261201T080000Z\nDTEND:20261201T080001Z\nRRULE:{mild}\nSUMMARY:Flood"
    await desk.put("flood", flood)
    front.change = lambda passed: replace(passed, answered=passed.answered.replace(mild.encode(), rule.encode()))
    await desk.put("dentist", "UID:dentist\nDTSTART:20261202T080000Z\nDTEND:20261202T084500Z\nSUMMARY:Dentist")
    assert (await desk.sync()).state == "idle"
    found = await desk.house.call("events_list", **DECEMBER)
    assert [each["title"]["text"] for each in found["events"]] == ["Flood", "Dentist"]
    assert "repeat so often" in found["note"]


async def test_a_long_but_honest_series_is_followed(desk: Desk) -> None:
    await desk.put("pill", "UID:pill\nDTSTART:20200101T080000Z\nRRULE:FREQ=DAILY;COUNT=10000\nSUMMARY:Pill")
    await desk.sync()
    assert len(await starts(desk)) == 31


_NOWHERE = "UID:far\nDTSTART;TZID=Mars/Olympus:20261201T100000\nDTEND;TZID=Mars/Olympus:20261201T110000\nSUMMARY:Far"
_OLYMPUS = (
    "BEGIN:VTIMEZONE\r\nTZID:Mars/Olympus\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\n"
    "TZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
)


async def test_a_zone_that_only_the_event_knows_is_taken_from_it(desk: Desk) -> None:
    await desk.put_object("far", wrap(_NOWHERE).replace("BEGIN:VEVENT", _OLYMPUS, 1))
    await desk.sync()
    assert await starts(desk) == ["2026-12-01T08:00:00+01:00"]
    [event] = await desk.between(**DECEMBER)
    await desk.house.call("events_update", event=event["id"], title="Farther")
    assert "TZID:Mars/Olympus" in (await desk.texts())[0]


async def test_a_zone_that_nobody_knows_leaves_the_hour_as_it_stands(desk: Desk, front: Front) -> None:
    """Servers refuse such an object or add what is missing, so it is broken on the way."""
    await desk.put_object("far", wrap(_NOWHERE).replace("BEGIN:VEVENT", _OLYMPUS, 1))
    front.change = _without_zones
    await desk.sync()
    assert await starts(desk) == ["2026-12-01T10:00:00"]


def _without_zones(passed: Passed) -> Passed:
    answered = re.sub(rb"BEGIN:VTIMEZONE.*?END:VTIMEZONE(\r|&#13;|\n)*", b"", passed.answered, flags=re.DOTALL)
    return replace(passed, answered=answered)


async def test_reminders_are_written_changed_and_read_back(read: Desk) -> None:
    made = await read.house.call("events_create", title="Train", start="2026-12-01T10:00", alarms=[60, 10])
    text = (await read.texts())[0]
    assert (text.count("BEGIN:VALARM"), "TRIGGER:-PT1H" in text) == (2, True)
    await read.house.call("events_update", event=made["id"], alarms=[15])
    await read.sync()
    assert (await read.house.call("events_get", event=made["id"]))["alarms"] == [15]
    assert (await read.texts())[0].count("BEGIN:VALARM") == 1


async def test_several_calendars_are_told_apart_by_what_they_hold(desk: Desk) -> None:
    await desk.run(desk.server.make_calendar, "Work")
    await desk.run(desk.server.make_calendar, "Chores", components=("VTODO",))
    await desk.put("dentist", "UID:dentist\nDTSTART:20261202T080000Z\nSUMMARY:Dentist")
    await desk.sync()
    found = await desk.house.call("calendars_list")
    assert [(each["name"]["text"], each["events"], each["tasks"], each["count"]) for each in found["calendars"]] == [
        ("Chores", False, True, 0),
        ("Personal", True, True, 1),
        ("Work", True, True, 0),
    ]
    assert await desk.between(**DECEMBER, calendar="work") == []


async def test_a_floating_and_a_whole_day_stay_where_they_are_in_another_zone(desk: Desk) -> None:
    await desk.put("pill", "UID:pill\nDTSTART:20261201T080000\nDTEND:20261201T081000\nSUMMARY:Pill")
    await desk.put("away", "UID:away\nDTSTART;VALUE=DATE:20261202\nDTEND;VALUE=DATE:20261204\nSUMMARY:Away")
    await desk.sync()
    for zone in ("Europe/Berlin", "Pacific/Auckland"):
        assert await starts(desk, zone=zone) == ["2026-12-01T08:00:00", "2026-12-02"]


async def test_a_server_that_only_counts_changes_is_read_by_its_ctag(
    desk: Desk, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    front.change = _without_tokens
    await desk.put("dentist", "UID:dentist\nDTSTART:20261202T080000Z\nSUMMARY:Dentist")
    await desk.sync()
    assert await starts(desk) == ["2026-12-02T09:00:00+01:00"]
    seen = len(front.seen)
    await desk.sync()
    assert {each.method for each in front.seen[seen:]} <= {"PROPFIND", "OPTIONS"}
    await desk.put("second", "UID:second\nDTSTART:20261203T080000Z\nSUMMARY:Second")
    await desk.run(desk.server.delete, "dentist")
    fetched: list[str] = []
    real = DavSession.multiget

    async def noted(self: DavSession, url: str, urls: list[str]) -> object:
        fetched.extend(urls)
        return await real(self, url, urls)

    monkeypatch.setattr(DavSession, "multiget", noted)
    await desk.sync()
    assert [each.rpartition("/")[2] for each in fetched] == ["second.ics"]
    assert await starts(desk) == ["2026-12-03T09:00:00+01:00"]


def _without_tokens(passed: Passed) -> Passed:
    """A server without sync-collection, as many still are."""
    if b"sync-collection" in passed.asked and passed.method == "REPORT":
        return replace(passed, status=403, answered=b"")
    return replace(passed, answered=re.sub(rb"<(\w+:)?sync-token>.*?</(\w+:)?sync-token>", b"", passed.answered))


async def test_a_day_later_the_same_answers_hold(desk: Desk) -> None:
    await desk.put("rent", "UID:rent\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=MONTHLY\nSUMMARY:Rent")
    await desk.sync()
    before = await starts(desk)
    desk.later = timedelta(days=1)
    assert await starts(desk) == before
