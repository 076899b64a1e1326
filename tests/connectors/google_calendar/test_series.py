"""Series are followed, divided, ended and moved as RFC 5545 says, whatever stands in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.google_calendar.events import Event, MalformedError, held_by, read_event, trimmed
from connectors.google_calendar.series import (
    dates_before,
    dates_in,
    ended_before,
    following,
    is_heavy,
    latest,
    named,
    shifted_rules,
)
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import Window

BERLIN = ZoneInfo("Europe/Berlin")
AUTUMN = Window(datetime(2037, 10, 1, tzinfo=UTC), datetime(2037, 12, 1, tzinfo=UTC))


def event(*lines: str, **more: Any) -> Event:
    """A choir on Sundays at half past six, an hour long."""
    start, end = ({"dateTime": f"2037-10-18T{hour}:30:00+02:00", "timeZone": "Europe/Berlin"} for hour in (18, 19))
    return read_event(
        {"id": "choir", "summary": "Choir", "start": start, "end": end, "recurrence": list(lines), **more}
    )


def days(*lines: str) -> Event:
    """A fair of two days."""
    return event(*lines, start={"date": "2037-10-18"}, end={"date": "2037-10-20"})


def single(day: str, **more: Any) -> Event:
    """One date of the choir that differs."""
    original = {"dateTime": f"{day}:30:00+01:00", "timeZone": "Europe/Berlin"}
    return event(id="choir_x", recurringEventId="choir", originalStartTime=original, **more)


def starts(found: list[Event]) -> list[str]:
    return [each.start.isoformat() for each in found]


def test_a_weekly_event_keeps_its_hour_when_the_clock_changes() -> None:
    found = dates_in(event("RRULE:FREQ=WEEKLY;COUNT=3"), [], AUTUMN, UTC)
    assert starts(found) == ["2037-10-18T18:30:00+02:00", "2037-10-25T18:30:00+01:00", "2037-11-01T18:30:00+01:00"]
    assert all(each.end - each.start == timedelta(hours=1) for each in found)


@pytest.mark.parametrize(
    "line", ["EXDATE;TZID=Europe/Berlin:20371025T183000", "EXDATE:20371025T173000Z", "exdate:20371025T173000Z"]
)
def test_a_date_that_was_taken_out_is_left_out(line: str) -> None:
    found = dates_in(event("RRULE:FREQ=WEEKLY;COUNT=3", line), [], AUTUMN, UTC)
    assert [each.start.day for each in found] == [18, 1]


def test_a_date_that_was_added_is_there() -> None:
    found = dates_in(event("RRULE:FREQ=WEEKLY;COUNT=1", "RDATE:20371022T163000Z"), [], AUTUMN, UTC)
    assert [each.start.day for each in found] == [18, 22]


def test_a_date_that_differs_or_is_off_replaces_the_one_it_was() -> None:
    moved = single("2037-10-25T18", start={"dateTime": "2037-10-27T20:00:00+01:00"},
                   end={"dateTime": "2037-10-27T21:00:00+01:00"})  # fmt: skip
    off = single("2037-11-01T18", status="cancelled")
    found = dates_in(event("RRULE:FREQ=WEEKLY;COUNT=4"), [moved, off], AUTUMN, UTC)
    assert [each.start.day for each in found] == [18, 27, 8]
    choir = event("RRULE:FREQ=WEEKLY;COUNT=4")
    assert named(choir, [moved, off], "20371025T173000Z") == moved
    assert named(choir, [moved, off], "20371101T173000Z") is None
    assert named(choir, [moved, off], "20371102T173000Z") is None


def test_whole_days_are_days_in_the_zone_of_whoever_asks() -> None:
    fair = days("RRULE:FREQ=YEARLY")
    tuesday = Window(datetime(2037, 10, 20, tzinfo=BERLIN), datetime(2037, 10, 21, tzinfo=BERLIN))
    assert dates_in(fair, [], tuesday, BERLIN) == []
    monday = Window(tuesday.start - timedelta(days=1), tuesday.start)
    [found] = dates_in(fair, [], monday, BERLIN)
    assert (found.start, found.end) == (date(2037, 10, 18), date(2037, 10, 20))
    assert named(fair, [], "20381018") is not None


def test_the_next_date_of_a_series_is_found() -> None:
    choir = event("RRULE:FREQ=WEEKLY;COUNT=3")
    assert latest(choir, [], datetime(2037, 10, 20, tzinfo=UTC), UTC).start.day == 25
    assert latest(choir, [], datetime(2038, 1, 1, tzinfo=UTC), UTC).start.day == 1
    assert latest(choir, [], datetime(2050, 1, 1, tzinfo=UTC), UTC).start.day == 18


def test_a_series_that_is_divided_has_its_dates_once() -> None:
    choir = event("RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE:20371025T173000Z", "EXDATE:20371108T173000Z")
    begin = datetime(2037, 11, 1, 18, 30, tzinfo=BERLIN)
    assert dates_before(choir, "20371101T173000Z") == 2
    ended = choir._replace(recurrence=tuple(ended_before(choir, begin)))
    goes_on = choir._replace(start=begin, end=begin + timedelta(hours=1), recurrence=tuple(following(choir, begin, 2)))
    wide = Window(AUTUMN.start, datetime(2038, 6, 1, tzinfo=UTC))
    assert starts(dates_in(ended, [], wide, UTC)) == ["2037-10-18T18:30:00+02:00"]
    both = starts([*dates_in(ended, [], wide, UTC), *dates_in(goes_on, [], wide, UTC)])
    assert both == starts(dates_in(choir, [], wide, UTC))


def test_a_series_of_days_ends_with_a_day() -> None:
    assert ended_before(days("RRULE:FREQ=YEARLY;COUNT=3"), date(2038, 10, 18)) == ["RRULE:FREQ=YEARLY;UNTIL=20381017"]
    with pytest.raises(InvalidRequest, match="does not repeat"):
        ended_before(event("RDATE:20371022T163000Z"), AUTUMN.start)


def test_what_names_the_dates_of_a_series_moves_with_it() -> None:
    was, becomes = (datetime(2037, 10, 18, hour, 30, tzinfo=BERLIN) for hour in (18, 20))
    lines = ["RRULE:FREQ=WEEKLY;UNTIL=20371101T173000Z", "EXDATE;TZID=Europe/Berlin:20371025T183000", "RDATE:x"]
    assert shifted_rules(lines, was, becomes) == [
        "RRULE:FREQ=WEEKLY;UNTIL=20371101T193000Z",
        "EXDATE:20371025T193000Z",
        "RDATE:x",
    ]


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=DAILY;INTERVAL=0", "x", "FREQ=NEVER"]
)
def test_a_rule_that_nobody_can_use_is_not_followed(rule: str) -> None:
    assert is_heavy(event(f"RRULE:{rule}"))
    assert starts(dates_in(event(f"RRULE:{rule}"), [], AUTUMN, UTC)) == ["2037-10-18T18:30:00+02:00"]


def test_a_series_of_a_far_century_is_followed_where_that_is_no_work() -> None:
    ancient = {"start": {"date": "1700-01-01"}, "end": {"date": "1700-01-02"}}
    assert is_heavy(event("RRULE:FREQ=DAILY", **ancient))
    assert not is_heavy(event("RRULE:FREQ=YEARLY", **ancient))


def test_an_event_is_the_same_however_its_times_are_written() -> None:
    one = {"id": "a", "start": {"dateTime": "2037-10-18T18:30:00+02:00"}, "end": {"dateTime": "2037-10-18T16:45:00Z"}}
    other = {"id": "a", "start": {"dateTime": "2037-10-18T16:30:00Z"}, "end": {"dateTime": "2037-10-18T16:45:00Z"}}
    assert held_by(one) == held_by(other)
    assert held_by(one) != held_by({**one, "summary": "x"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from(
        ["2037-10-18", "2037-10-18T18:30:00Z", "Europe/Berlin", "RRULE:FREQ=DAILY", "EXDATE:20371018", "accepted"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["date", "dateTime", "timeZone", "email", "self", "private", "minutes", "overrides"]), inner
    ),
    max_leaves=12,
)  # fmt: skip
NAMES = (
    "summary", "description", "location", "start", "end", "recurrence", "attendees", "organizer", "reminders",
    "originalStartTime", "conferenceData", "hangoutLink", "extendedProperties", "status", "recurringEventId",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8))
@example({"start": {"date": "2026-11-30"}, "description": {"date": ""}})
def test_every_answer_is_read_or_called_malformed(raw: dict[str, Any]) -> None:
    try:
        found = read_event(trimmed({"id": "a", **raw}))
    except MalformedError:
        return
    assert isinstance(dates_in(found, [], AUTUMN, BERLIN), list)
    assert held_by(raw)
