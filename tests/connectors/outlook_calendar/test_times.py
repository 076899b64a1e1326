"""When the user is busy, when others are, and when several are free."""

from __future__ import annotations

import pytest

from openassistant.errors import AccountRequired, Forbidden, InvalidRequest
from tests.connectors.outlook_calendar.conftest import ADA, CAROL, Desk

SHARED = "Calendars.Read.Shared"


async def test_the_user_is_busy_with_what_takes_time(read: Desk) -> None:
    read.box.add("Reminder", "2037-10-21T15:00:00", showAs="free")
    other = read.box.add_calendar("Carol's", owner=CAROL)
    read.box.add("Hers", "2037-10-21T17:00:00", calendar=other)
    await read.sync()
    found = (await read.house.call("busy_list", start="2037-10-21", end="2037-10-22"))["busy"]
    assert [(each["start"], each["tentative"]) for each in found] == [
        ("2037-10-21T09:00:00+02:00", False),
        ("2037-10-22T14:00:00+02:00", True),
    ]


async def test_the_times_of_an_account_that_is_lent_are_not_the_users(read: Desk) -> None:
    read.house.lend("read")
    await read.house.attach()
    assert (await read.house.call("busy_list", start="2037-10-21", end="2037-10-22"))["busy"] == []


async def test_others_are_busy_without_titles(read: Desk) -> None:
    given = {"people": [CAROL, "nobody@example.net"], "start": "2037-10-22", "end": "2037-10-22"}
    carol, nobody = (await read.house.call("schedules_list", **given))["schedules"]
    assert [each["start"] for each in carol["busy"]] == ["2037-10-22T14:00:00+02:00"]
    assert carol["hours"].endswith("08:00-17:00 Europe/Berlin")
    assert (nobody["known"], nobody["busy"]) == (False, [])


async def test_a_personal_account_says_that_it_cannot_tell(read: Desk) -> None:
    read.box.personal = True
    [carol] = (await read.house.call("schedules_list", people=[CAROL], start="2037-10-22", end="2037-10-22"))[
        "schedules"
    ]
    assert (carol["known"], carol["note"]) == (False, "Microsoft tells this only to work and school accounts.")


async def test_others_are_asked_about_for_six_weeks_at_most(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="42 days"):
        await read.house.call("schedules_list", people=[CAROL], start="2037-10-22", end="2037-12-22")


async def test_a_free_time_is_free_for_user_and_guests(read: Desk) -> None:
    given = {"start": "2037-10-22", "end": "2037-10-22", "minutes": 60, "opens": "13:00", "closes": "16:00"}
    read.carol.add("Walk", "2037-10-22T12:30:00", zone="UTC", minutes=30)
    found = await read.house.call("slots_find", **given, guests=[CAROL])
    assert [(each["start"][11:16], each["end"][11:16]) for each in found["slots"]] == [
        ("13:00", "14:00"),
        ("15:00", "16:00"),
    ]
    assert found["guests"] == [{"guest": CAROL, "known": True, "note": "As Microsoft says."}]


async def test_the_past_is_not_free(read: Desk) -> None:
    found = await read.house.call("slots_find", start="2037-10-19", end="2037-10-20", minutes=60)
    assert found["slots"][0]["start"].startswith("2037-10-20T10:0")


async def test_microsoft_proposes_times(read: Desk) -> None:
    read.graph.user(ADA).scopes.add(SHARED)
    given = {"guests": [CAROL], "start": "2037-10-22T12:00Z", "end": "2037-10-22T14:00Z", "minutes": 90}
    found = (await read.house.call("meeting_times_find", **given))["times"]
    assert [each["start"] for each in found] == ["2037-10-22T14:30:00+02:00"]
    assert (found[0]["user"], found[0]["guests"]) == ("free", {CAROL: "free"})


async def test_no_proposal_says_why(read: Desk) -> None:
    read.graph.user(ADA).scopes.add(SHARED)
    given = {"guests": [CAROL], "start": "2037-10-22T02:00Z", "end": "2037-10-22T03:00Z", "minutes": 30}
    found = await read.house.call("meeting_times_find", **given)
    assert (found["times"], found["note"]) == ([], "The guests are not free.")


async def test_proposals_need_their_own_permission(read: Desk) -> None:
    given = {"guests": [CAROL], "start": "2037-10-22", "end": "2037-10-22", "minutes": 30}
    with pytest.raises(Forbidden, match="Connect it again"):
        await read.house.call("meeting_times_find", **given)
    read.house.account = read.house.account.model_copy(update={"capabilities": ("read", "write")})
    read.house.runner.keys.forget_account(read.house.account.account)
    with pytest.raises(AccountRequired, match="Have meeting times proposed"):
        await read.house.call("meeting_times_find", **given)
