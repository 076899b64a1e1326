"""The mirror follows the server: newest span first, deltas, deletions, windows that move, and what goes wrong."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, TextClause, text

from connectors.outlook_calendar import mirror
from tests.connectors.outlook_calendar.conftest import ADA, CAROL, WEEKLY, Desk

_DELTA = "GET /me/calendars/.*/calendarView/delta"


async def test_a_second_pass_reads_only_what_changed(read: Desk) -> None:
    read.box.add("Tea", "2037-10-24T15:00:00")
    before = len(read.graph.asked)
    await read.sync()
    [asked] = [each for each in read.graph.asked[before:] if each.path.endswith("delta")]
    assert "$deltatoken" in asked.query
    assert (await read.titled("Tea"))["start"] == "2037-10-24T17:00:00+02:00"


async def test_the_end_of_a_pass_tells_what_the_copy_holds(read: Desk) -> None:
    told = await read.progress()
    assert (told.done, told.total, told.what) == (3, 3, "events")  # a series is one, and what was read twice is, too
    read.box.add("Tea", "2037-10-24T15:00:00")
    told = await read.sync()
    assert (told.done, told.total) == (4, 4)


async def test_deletions_are_followed_with_all_dates_of_a_series(read: Desk) -> None:
    for each in list(read.box.events.values()):
        if each.values["subject"] in ("Dentist", "Choir"):
            read.box.remove(each.id)
    await read.sync()
    found = await read.between("2037-10-01", "2037-11-30")
    assert [each["title"]["text"] for each in found] == ["Lease"]
    assert (await read.house.call("events_search", query="choir"))["events"] == []


async def test_a_new_title_of_a_series_is_that_of_its_dates(read: Desk) -> None:
    choir = next(each for each in read.box.events.values() if each.values["subject"] == "Choir")
    read.box.change(choir.id, {"subject": "Concert choir"})
    await read.sync()
    assert (
        len([e for e in await read.between("2037-10-01", "2037-11-30") if e["title"]["text"] == "Concert choir"]) == 4
    )


async def test_the_coming_weeks_are_there_before_all_is_read(desk: Desk) -> None:
    desk.box.add("Tea", "2037-10-24T15:00:00")
    desk.box.add("Next year", "2038-06-24T15:00:00")
    desk.graph.fault("error", _DELTA, status=500, code="ErrorInternalServerError", times=9)
    progress = await desk.sync()
    assert progress.state == "failed"
    found = await desk.house.call("events_list", start="2037-10-20", end="2037-10-30")
    assert [each["title"]["text"] for each in found["events"]] == ["Tea"]
    assert "still being read" in found["note"]


async def test_a_pass_that_was_stopped_goes_on_where_it_was(desk: Desk) -> None:
    for each in range(120):
        desk.box.add(f"Tea {each}", f"2037-11-{1 + each % 30:02d}T{8 + each // 30:02d}:00:00")
    desk.graph.fault("error", _DELTA, on_call=2, status=400, code="ErrorPlanted")
    assert (await desk.attempt()).state == "failed"
    assert (await desk.attempt()).state == "idle"
    asked = [each.query for each in desk.graph.asked if each.path.endswith("delta")]
    assert ["startDateTime" in each for each in asked] == [True, False, False]
    assert len(await desk.between("2037-11-01", "2037-11-30", limit=300)) == 120


@pytest.mark.parametrize("how", ["gone", "expired"])
async def test_a_delta_that_graph_forgot_begins_anew(read: Desk, how: str) -> None:
    dentist = next(each for each in read.box.events.values() if each.values["subject"] == "Dentist")
    read.box.remove(dentist.id)
    if how == "gone":
        read.graph.fault("gone", _DELTA)
    else:
        read.graph.expire()
    read.box.add("Tea", "2037-10-24T15:00:00")
    await read.sync()
    found = {each["title"]["text"] for each in await read.between("2037-10-01", "2037-11-30")}
    assert found == {"Choir", "Lease", "Tea"}


async def test_the_span_moves_on_before_its_edge(read: Desk) -> None:
    read.box.add("Far", "2038-11-25T15:00:00")
    await read.sync()
    first = [each.query["endDateTime"] for each in read.graph.asked if each.query.get("endDateTime", "") > "2038"]
    read.later += timedelta(days=31)
    await read.sync()
    second = [each.query["endDateTime"] for each in read.graph.asked if each.query.get("endDateTime", "") > "2038"]
    assert (len(first), len(second)) == (1, 2)
    assert second[1] > first[0]
    before = len(read.graph.asked)
    [found] = await read.between("2038-11-20", "2038-11-30")
    assert (found["title"]["text"], len(read.graph.asked)) == ("Far", before)


async def test_while_a_span_moves_on_its_answers_say_that_there_may_be_more(read: Desk) -> None:
    read.later += timedelta(days=31)
    read.graph.fault("error", _DELTA, status=500, code="ErrorInternalServerError", times=9)
    assert (await read.sync()).state == "failed"
    days = {"start": "2037-11-20", "end": "2037-11-30"}
    assert "still being read" in (await read.house.call("events_list", **days))["note"]
    assert "may be more" in (await read.house.call("busy_list", **days))["note"]


async def test_a_calendar_that_is_gone_takes_its_events_along(read: Desk) -> None:
    other = read.box.add_calendar("Club")
    read.box.add("Match", "2037-10-24T15:00:00", calendar=other)
    await read.sync()
    assert (await read.titled("Match"))["calendar"]["text"] == "Club"
    read.box.remove_calendar(other)
    await read.sync()
    assert "Match" not in [each["title"]["text"] for each in await read.between("2037-10-01", "2037-11-30")]


async def test_a_next_page_on_another_host_is_not_asked_for(desk: Desk) -> None:
    for each in range(12):
        desk.box.add("Tea", f"2037-11-{1 + each:02d}T15:00:00")
    desk.graph.fault("foreign_link", _DELTA, times=9)
    assert (await desk.sync()).state == "failed"
    [kept] = await _calendars(desk)
    assert (kept.complete, "attacker.example" in kept.link) == (False, False)


async def _calendars(desk: Desk) -> list[mirror.KeptCalendar]:
    call = desk.house.make("calendars_list")
    async with desk.house.runner.context(desk.house.context(call), call.user, call.account) as context:
        return await context.store.read(mirror.all_calendars)


async def test_a_token_that_ended_is_renewed_in_the_middle_of_a_pass(read: Desk) -> None:
    read.box.add("Tea", "2037-10-24T15:00:00")
    read.graph.user(ADA).token = "another-fake-token"
    read.connect(ADA)
    assert (await read.sync()).state == "idle"
    assert (await read.titled("Tea"))["id"]


async def test_half_an_answer_is_asked_for_again(read: Desk) -> None:
    read.box.add("Tea", "2037-10-24T15:00:00")
    read.graph.fault("truncated", _DELTA)
    await read.sync()
    assert (await read.titled("Tea"))["id"]


@pytest.mark.parametrize("retry_after", [0, None])
async def test_a_pause_is_kept_and_the_pass_goes_on(read: Desk, retry_after: float | None) -> None:
    read.box.add("Tea", "2037-10-24T15:00:00")
    options: dict[str, Any] = {} if retry_after is None else {"retry_after": retry_after}
    read.graph.fault("throttled", _DELTA, **options)
    await read.sync()
    assert (await read.titled("Tea"))["id"]
    assert read.graph.most_at_once <= 4


async def test_odd_events_are_left_out_and_the_others_read(desk: Desk) -> None:
    deep: Any = []
    for _ in range(50):
        deep = [deep]
    times = {
        name: {"dateTime": f"2037-10-24T{hour}:00:00", "timeZone": "UTC"} for name, hour in (("start", 10), ("end", 11))
    }
    good = {"id": "AAMkGood=", "subject": "Good", **times, "attendees": deep, "recurrence": "weekly", "location": "x"}
    good |= {"organizer": {"emailAddress": {"address": 5}}, "body": {"content": "y\u0000" * 99_999}}
    odd = [
        {}, {"id": 5}, {"id": "a"}, {"id": "b", "start": {}, "end": {}}, None, 7, "x", {"id": "..", **times},
        {"id": "e", "type": "exception", "seriesMasterId": "..", **times},
        {"id": "c", "start": {"dateTime": "9999-99-99T00:00:00"}, "end": {"dateTime": "x"}},
        {"id": "d", "start": {"dateTime": "2037-10-24T10:00:00"}, "end": {"dateTime": "2037-10-23T10:00:00"}}, good,
    ]  # fmt: skip
    body = {"value": odd, "@odata.deltaLink": f"{desk.graph.url}/me/calendarView/delta?$deltatoken=none"}
    desk.graph.fault("answer", _DELTA, body=body, times=9)
    await desk.sync()
    found = await desk.between("2037-10-20", "2037-10-30")
    assert [each["title"]["text"] for each in found] == ["Good"]
    assert {each.path.partition("/calendars")[0] for each in desk.graph.asked} == {"/me"}
    assert len(found[0]["notes"]["text"]) == 1_000


async def test_another_account_has_a_mirror_of_its_own_and_both_are_busy(read: Desk) -> None:
    first = read.house.account
    read.house.account = first.model_copy(update={"account": "1" * 32})
    read.connect("ada.work@home.example")
    read.house.account = read.house.account.model_copy(update={"name": "Work"})
    read.graph.user("ada.work@home.example").part(type(read.box)).add("Stand-up", "2037-10-21T12:00:00")
    await read.sync()
    found = await read.between("2037-10-01", "2037-11-30")
    assert [each["title"]["text"] for each in found] == ["Stand-up"]
    busy = await read.house.call("busy_list", start="2037-10-21", end="2037-10-21")
    assert [each["start"][11:16] for each in busy["busy"]] == ["09:00", "14:00"]
    assert busy["accounts"] == ["Outlook", "Work"]


def _counted(connection: Connection, *, query: TextClause) -> int:
    return int(connection.execute(query).scalar_one())


async def test_a_removed_account_leaves_nothing(read: Desk) -> None:
    connector = read.house.connector
    assert connector.forgetter is not None
    call = read.house.make("calendars_list")
    ctx = read.house.context(call)
    async with read.house.runner.context(ctx, call.user, call.account) as context:
        await connector.forgetter(context)
        for table in ("calendars", "events", "changes", "notes", "search"):
            query = text(f"SELECT count(*) FROM outlook_calendar_{table}")
            rows = await context.store.read(partial(_counted, query=query))
            assert rows == 0


async def test_no_token_and_no_words_are_in_what_goes_wrong(desk: Desk) -> None:
    desk.box.add("Planted title", "2037-10-24T15:00:00", repeats=WEEKLY)
    desk.graph.fault("error", "GET /me/calendars", status=400, code="ErrorPlanted", times=9)
    await desk.sync()
    progress = await desk.progress()
    said = progress.model_dump_json()
    assert "obviously-fake-token" not in said
    assert "Planted title" not in said
    assert (ADA in said, CAROL in said, progress.state) == (False, False, "failed")
