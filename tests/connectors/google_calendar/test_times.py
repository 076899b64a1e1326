"""When one is busy, when others are, and when several are free."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import AccountRequired, InvalidRequest
from tests.connectors.google_calendar.conftest import ADA, CAROL, Desk

DAY = {"start": "2037-12-22", "end": "2037-12-22", "zone": "Europe/Berlin"}
HOURS = {**DAY, "minutes": 30, "opens": "08:00", "closes": "12:00"}


def times(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["start"][11:16], each["end"][11:16]) for each in found]


async def test_the_user_is_busy_by_their_own_calendars_alone(read: Desk) -> None:
    found = await read.call("busy_list", **DAY)
    assert times(found["busy"]) == [("09:00", "09:45")]
    assert found["accounts"] == ["Ada"]
    assert "Dentist" not in str(found)


async def test_the_times_of_an_account_that_is_lent_are_not_the_users(read: Desk) -> None:
    read.house.lend("read")
    await read.house.attach()
    assert (await read.call("busy_list", **DAY))["busy"] == []


async def test_an_open_invitation_is_busy_perhaps_and_a_declined_one_free(read: Desk) -> None:
    party = {"start": "2037-12-05", "end": "2037-12-05", "zone": "Europe/Berlin"}
    [span] = (await read.call("busy_list", **party))["busy"]
    assert span["tentative"]
    await read.call("invitations_answer", event=(await read.titled("Party"))["id"], answer="decline")
    assert (await read.call("busy_list", **party))["busy"] == []


async def test_free_times_are_what_is_left(read: Desk) -> None:
    assert times((await read.call("slots_find", **HOURS))["slots"]) == [("08:00", "09:00"), ("09:45", "12:00")]


async def test_guests_are_taken_into_account_as_far_as_google_tells(read: Desk) -> None:
    start, end = ({"dateTime": f"2037-12-22T{hour}:00:00+01:00"} for hour in (10, 11))
    await read.other("POST", "calendars/primary/events", person=CAROL, json={"start": start, "end": end})
    found = await read.call("slots_find", **HOURS, guests=[CAROL, "nobody@elsewhere.example", ADA])
    assert times(found["slots"]) == [("08:00", "09:00"), ("11:00", "12:00")]
    assert [(each["guest"], each["known"]) for each in found["guests"]] == [
        (CAROL, True),
        ("nobody@elsewhere.example", False),
    ]


async def test_times_of_others_are_told_without_titles(read: Desk) -> None:
    found = await read.call("schedules_list", **DAY, people=[CAROL, ADA, "nobody@elsewhere.example"])
    by = {each["address"]: each for each in found["schedules"]}
    assert times(by[ADA]["busy"]) == [("09:00", "09:45")]
    assert (by[CAROL]["known"], by[CAROL]["busy"]) == (True, [])
    assert (by["nobody@elsewhere.example"]["known"], "not shared" in by["nobody@elsewhere.example"]["note"]) == (
        False,
        True,
    )


async def test_a_long_time_is_asked_for_in_parts(read: Desk) -> None:
    span = {"start": "2037-01-02", "end": "2037-12-31", "zone": "Europe/Berlin"}
    [own] = (await read.call("schedules_list", **span))["schedules"]
    assert own["address"] == "the user"
    assert len(own["busy"]) == 9
    assert len(read.asked("POST", "freeBusy")) == 8


async def test_who_may_see_times_alone_finds_free_ones(desk: Desk) -> None:
    desk.allow("availability")
    await desk.sync()
    assert times((await desk.call("slots_find", **HOURS))["slots"]) == [("08:00", "09:00"), ("09:45", "12:00")]
    assert [each.method for each in desk.front.seen] == ["POST"]
    with pytest.raises(AccountRequired):
        await desk.call("busy_list", **DAY)


async def test_a_guest_who_is_no_address_is_refused(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="no mail address"):
        await read.call("slots_find", **HOURS, guests=["Carol"])


async def test_a_calendar_that_is_not_read_yet_is_said_so(desk: Desk) -> None:
    assert "still being read" in (await desk.call("busy_list", **DAY))["note"]
