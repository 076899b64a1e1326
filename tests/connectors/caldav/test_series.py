"""A series in parts: one date, this and those that follow, all; by the rules for days, times and counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.caldav.compose import Changes, Draft, changed_object, new_object, without_date
from connectors.caldav.events import Event, expand
from connectors.caldav.series import is_first, split_series, without_following
from openassistant.errors import Conflict, InvalidRequest
from openassistant.formats.moments import Window
from openassistant.formats.repeats import Repeat
from tests.connectors.caldav.conftest import Desk, wrap

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 1, tzinfo=UTC)
AUTUMN = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
WEEKLY = (
    "UID:w\nDTSTART;TZID=Europe/Berlin:20261018T183000\nDTEND;TZID=Europe/Berlin:20261018T193000\n"
    "RRULE:FREQ=WEEKLY;COUNT=5\nSUMMARY:Choir\nX-OTHER-PROGRAM:keep me\n"
    "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nX-ALARM:mine\nEND:VALARM"
)
DAYS = "UID:d\nDTSTART;VALUE=DATE:20261005\nRRULE:FREQ=WEEKLY\nSUMMARY:Bins"


def days(events: list[Event]) -> list[str]:
    return [f"{each.start:%m-%d %H:%M} {each.title}" for each in events]


def split(text: str, recurrence: str, changes: Changes) -> tuple[list[str], list[str]]:
    halves = split_series(text, recurrence, changes, uid="new", mark="m", now=NOW)
    return days(expand(halves.ended, AUTUMN, BERLIN)), days(expand(halves.follows, AUTUMN, BERLIN))


def test_a_series_goes_on_changed_from_one_of_its_dates() -> None:
    start = datetime(2026, 11, 1, 20, tzinfo=BERLIN)
    ended, follows = split(wrap(WEEKLY), "20261101T173000Z", Changes(title="Concert", start=start))
    assert ended == ["10-18 18:30 Choir", "10-25 18:30 Choir"]
    assert follows == ["11-01 20:00 Concert", "11-08 20:00 Concert", "11-15 20:00 Concert"]


def test_what_other_programs_wrote_goes_with_both_halves() -> None:
    halves = split_series(wrap(WEEKLY), "20261101T173000Z", Changes(title="x"), uid="new", mark="m", now=NOW)
    for text in halves:
        assert "X-OTHER-PROGRAM:keep me" in text
        assert "X-ALARM:mine" in text
    assert "UID:new" in halves.follows
    assert "UNTIL=20261101T172959Z" in halves.ended


def test_a_series_of_whole_days_ends_with_a_day() -> None:
    text = without_following(wrap(DAYS), "20261019", mark="m", now=NOW)
    assert "UNTIL=20261018\r\n" in text
    assert days(expand(text, AUTUMN, BERLIN)) == ["10-05 00:00 Bins", "10-12 00:00 Bins"]


def test_a_floating_series_ends_with_a_floating_time() -> None:
    text = wrap("UID:f\nDTSTART:20261005T080000\nRRULE:FREQ=DAILY\nSUMMARY:Pill")
    assert "UNTIL=20261007T075959\r\n" in without_following(text, "20261007T080000", mark="m", now=NOW)


def test_dates_taken_out_and_changed_go_to_the_half_they_belong_to() -> None:
    text = without_date(wrap(WEEKLY), "20261108T173000Z", mark="a", now=NOW)
    text = changed_object(text, "20261025T173000Z", Changes(title="Guest"), mark="b", now=NOW)
    text = changed_object(text, "20261115T173000Z", Changes(title="Last"), mark="c", now=NOW)
    ended, follows = split(text, "20261101T173000Z", Changes(start=datetime(2026, 11, 2, 9, tzinfo=BERLIN)))
    assert ended == ["10-18 18:30 Choir", "10-25 18:30 Guest"]
    assert follows == ["11-02 09:00 Choir", "11-16 09:00 Last"]


def test_extra_dates_stay_on_their_side() -> None:
    text = wrap("UID:r\nDTSTART:20261005T080000Z\nRDATE:20261012T080000Z,20261020T080000Z\nSUMMARY:Walk")
    assert split(text, "20261012T080000Z", Changes(title="Run")) == (
        ["10-05 08:00 Walk"],
        ["10-12 08:00 Run", "10-20 08:00 Run"],
    )


def test_the_first_date_is_told_from_others_and_what_does_not_repeat_is_not_cut() -> None:
    assert is_first(wrap(WEEKLY), "20261018T163000Z")
    assert not is_first(wrap(WEEKLY), "20261025T173000Z")
    with pytest.raises(InvalidRequest, match="does not repeat"):
        without_following(wrap("UID:o\nDTSTART:20261005T080000Z"), "20261005T080000Z", mark="m", now=NOW)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(["daily", "weekly"]), st.integers(2, 12), st.data())
def test_both_halves_together_are_the_series(frequency: str, count: int, data: st.DataObject) -> None:
    start = datetime(2026, 10, 20, 18, 30, tzinfo=BERLIN)
    repeat = Repeat(frequency, times=count)  # type: ignore[arg-type]  # one of two literals
    text = new_object(Draft("x", start, start + timedelta(hours=1), repeats=repeat), uid="u", now=NOW)
    dates = expand(text, AUTUMN, BERLIN)
    at = data.draw(st.integers(1, count - 1))
    halves = split_series(text, dates[at].recurrence, Changes(title="y"), uid="v", mark="m", now=NOW)
    ended, follows = expand(halves.ended, AUTUMN, BERLIN), expand(halves.follows, AUTUMN, BERLIN)
    assert [each.start for each in ended + follows] == [each.start for each in dates]
    assert [each.title for each in ended + follows] == ["x"] * at + ["y"] * (count - at)


def test_a_weekly_series_on_several_days_is_written_and_read() -> None:
    start = datetime(2026, 10, 19, 9, tzinfo=BERLIN)
    repeat = Repeat("weekly", 2, ("monday", "thursday"), date(2026, 11, 6))
    found = expand(new_object(Draft("x", start, start, repeats=repeat), uid="u", now=NOW), AUTUMN, BERLIN)
    assert [f"{each.start:%m-%d}" for each in found] == ["10-19", "10-22", "11-02", "11-05"]


async def following(desk: Desk) -> list[dict[str, str]]:
    await desk.put("w", WEEKLY)
    await desk.sync()
    return await desk.between("2026-10-01", "2026-12-31")


async def titles(desk: Desk) -> list[str]:
    found = await desk.between("2026-10-01", "2026-12-31")
    return [f"{each['start'][5:16]} {each['title']['text']}" for each in found]


async def test_this_and_following_are_changed_on_the_server_and_changed_back(desk: Desk) -> None:
    dates = await following(desk)
    before = await titles(desk)
    shown = await desk.house.preview("events_update", event=dates[2]["id"], extent="following", title="Concert")
    rows = {row.label: row.value for row in shown.fields}
    assert rows["Extent"] == "this date of a series and all that follow"
    await desk.house.call("events_update", event=dates[2]["id"], extent="following", title="Concert")
    await desk.sync()
    after = [*before[:2], *(each.replace("Choir", "Concert") for each in before[2:])]
    assert await titles(desk) == after
    assert len(await desk.texts()) == 2
    await desk.house.call("actions_undo")
    await desk.sync()
    assert await titles(desk) == before
    assert len(await desk.texts()) == 1


async def test_this_and_following_are_deleted_and_put_back(desk: Desk) -> None:
    dates = await following(desk)
    before = await titles(desk)
    await desk.house.call("events_delete", event=dates[2]["id"], extent="following")
    await desk.sync()
    assert await titles(desk) == before[:2]
    await desk.house.call("actions_undo")
    assert await titles(desk) == before


async def test_a_whole_series_is_moved_by_any_of_its_dates(desk: Desk) -> None:
    dates = await following(desk)
    await desk.house.call("events_update", event=dates[2]["id"], extent="all", start="2026-11-01T19:00")
    await desk.sync()
    assert [each[:11] for each in await titles(desk)][:2] == ["10-18T19:00", "10-25T19:00"]


async def test_a_deleted_event_is_put_back(read: Desk) -> None:
    created = await read.house.call("events_create", title="Sign", start="2026-10-23T10:00", alarms=[10])
    await read.house.call("events_delete", event=created["id"])
    assert await read.texts() == []
    await read.house.call("actions_undo")
    [event] = await read.between("2026-10-23", "2026-10-23")
    details = await read.house.call("events_get", event=event["id"])
    assert (details["title"]["text"], details["alarms"]) == ("Sign", [10])


async def test_what_was_created_is_removed_unless_somebody_changed_it(read: Desk) -> None:
    await read.house.call("events_create", title="Sign", start="2026-10-23T10:00")
    await read.house.call("actions_undo")
    assert await read.texts() == []
    call = read.house.make("events_create", title="Sign", start="2026-10-23T10:00")
    await read.house.send(call)
    await read.put(call.id, f"UID:{call.id}@open-assistant\nDTSTART:20261023T060000Z\nSUMMARY:Moved by Ada")
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo", action=call.id)
    assert len(await read.texts()) == 1
