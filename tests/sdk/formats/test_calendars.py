"""What calendars have in common: moments as they are typed and shown, free times, guests, repetition."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as tried_with
from hypothesis import strategies as st

from openassistant.errors import InvalidRequest
from openassistant.formats.guests import Person, parse_guest, parse_guests
from openassistant.formats.moments import Window, aware, moment, range_of, span_shown, window, zone_named
from openassistant.formats.repeats import Repeat, repeat_of, repeat_shown, rule_of
from openassistant.formats.slots import free_slots, merged, without

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 2, 10, tzinfo=BERLIN)


def test_free_times_are_found_round_the_change_of_the_clock() -> None:
    span = window("2026-10-25", "2026-10-25", BERLIN)
    [night] = free_slots([], span, length=timedelta(hours=1), opens=time(0), closes=time(6), zone=BERLIN)
    assert night.end - night.start == timedelta(hours=7)


def test_free_times_are_what_busy_ones_leave() -> None:
    busy = [Window(MONDAY, MONDAY + timedelta(hours=1))]
    span = window("2026-11-02", "2026-11-02", BERLIN)
    found = list(free_slots(busy, span, length=timedelta(hours=1), opens=time(9), closes=time(12), zone=BERLIN))
    assert [(each.start.astimezone(BERLIN).hour, each.end.astimezone(BERLIN).hour) for each in found] == [
        (9, 10),
        (11, 12),
    ]


def test_spans_that_touch_are_one_and_others_are_cut_out_of_them() -> None:
    hours = [MONDAY + timedelta(hours=each) for each in range(4)]
    assert merged([Window(hours[1], hours[3]), Window(hours[0], hours[1])]) == [Window(hours[0], hours[3])]
    left = without([Window(hours[0], hours[3])], [Window(hours[1], hours[2])])
    assert left == [Window(hours[0], hours[1]), Window(hours[2], hours[3])]


def test_a_time_without_zone_is_in_the_given_one() -> None:
    found = moment("2026-10-23T10:00", "start", BERLIN)
    assert isinstance(found, datetime)
    assert found.isoformat() == "2026-10-23T10:00:00+02:00"
    assert moment("2026-10-23T08:00Z", "start", BERLIN) == found


def test_a_day_counts_in_full() -> None:
    assert range_of(date(2026, 11, 2), date(2026, 11, 3)) == (date(2026, 11, 2), date(2026, 11, 4))
    assert span_shown(date(2026, 11, 2), date(2026, 11, 3)) == "Monday 2 November 2026, all day"
    assert aware(date(2026, 11, 2), BERLIN) == datetime(2026, 11, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="no time zone"):
        zone_named(name)


@tried_with(st.text(max_size=80))
def test_a_typed_moment_is_read_or_refused(typed: str) -> None:
    try:
        found = moment(typed, "start", BERLIN)
    except InvalidRequest:
        return
    assert isinstance(found, date)


@tried_with(st.text(max_size=120))
def test_a_typed_guest_is_read_or_refused(typed: str) -> None:
    try:
        found = parse_guest(typed)
    except InvalidRequest:
        return
    assert not set(found.shown) & set("\r\n\0")


def test_a_guest_who_is_typed_twice_is_one() -> None:
    found = parse_guests(["carol@example.org", "Carol Meyer <Carol@Example.org>"])
    assert found == (Person("carol@example.org", "Carol Meyer"),)
    assert parse_guests(None) == ()


def test_a_repetition_is_written_as_a_rule_and_in_words() -> None:
    found = repeat_of("weekly", every=2, on=["monday"], until="2026-11-30", count=None, start=MONDAY)
    assert found == Repeat("weekly", 2, ("monday",), date(2026, 11, 30))
    assert rule_of(found, MONDAY) == {
        "FREQ": ["WEEKLY"],
        "INTERVAL": [2],
        "BYDAY": ["MO"],
        "UNTIL": [datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC)],
    }
    assert repeat_shown(found) == "every 2 weeks on monday, until Monday 30 November 2026"
    assert repeat_shown(None) == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"repeats": None, "count": 3}, "how often"),
        ({"repeats": "daily", "count": 3, "until": "2026-12-01"}, "not both"),
        ({"repeats": "daily", "on": ["monday"]}, "go with repeats weekly"),
        ({"repeats": "weekly", "on": ["tuesday"]}, "must be on one of"),
        ({"repeats": "weekly", "until": "2026-11-01"}, "must not lie before"),
    ],
)
def test_a_repetition_that_makes_no_sense_is_refused(given: dict[str, Any], words: str) -> None:
    usual: dict[str, Any] = {"every": 1, "on": None, "until": None, "count": None, "start": MONDAY}
    with pytest.raises(InvalidRequest, match=words):
        repeat_of(**{**usual, **given})
