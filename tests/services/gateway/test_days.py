"""A day is a person's own, clocks are put forward and back in it, and nobody has two by moving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.days import Calendar

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Niue",
    "Pacific/Kiritimati", "Australia/Lord_Howe", "Antarctica/Troll", "America/Sao_Paulo", "Asia/Beirut",
]  # fmt: skip


def at(*given: int) -> datetime:
    return datetime(*given, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year to minute


@pytest.mark.parametrize(
    ("zone", "now", "day", "began", "hours"),
    [
        ("Europe/Berlin", at(2026, 11, 28, 23, 30), "2026-11-29", at(2026, 11, 28, 23), 24),
        ("Europe/Berlin", at(2026, 3, 29, 12), "2026-03-29", at(2026, 3, 28, 23), 23),
        ("Europe/Berlin", at(2026, 10, 25, 12), "2026-10-25", at(2026, 10, 24, 22), 25),
        ("America/Havana", at(2026, 3, 8, 12), "2026-03-08", at(2026, 3, 8, 5), 23),
        ("America/Havana", at(2026, 11, 1, 4, 30), "2026-11-01", at(2026, 11, 1, 4), 25),
        ("Pacific/Kiritimati", at(2026, 11, 28, 10), "2026-11-29", at(2026, 11, 28, 10), 24),
    ],
)
def test_a_day_begins_at_midnight_where_one_lives(
    zone: str, now: datetime, day: str, began: datetime, hours: int
) -> None:
    calendar = Calendar(zone=zone)
    assert (calendar.day(now).isoformat(), calendar.began(now)) == (day, began)
    assert calendar.ends(now) - calendar.began(now) == timedelta(hours=hours)


def test_moving_on_does_not_begin_a_day_anew() -> None:
    evening = at(2026, 11, 28, 20)
    moved = Calendar(zone="Europe/Berlin").moved("Pacific/Auckland", evening)
    assert moved.day(evening).isoformat() == "2026-11-28"
    assert moved.day(at(2026, 11, 29, 10)).isoformat() == "2026-11-28"
    assert moved.day(at(2026, 11, 29, 11)).isoformat() == "2026-11-30"


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - the zone is put on below
    moves=st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from(ZONES)), min_size=1, max_size=12),
    home=st.sampled_from(ZONES),
)
def test_however_one_moves_there_are_no_more_new_days_than_days(
    start: datetime, moves: list[tuple[int, str]], home: str
) -> None:
    calendar, now = Calendar(zone=home), start.replace(tzinfo=UTC)
    days = [calendar.day(now)]
    began = now
    for seconds, zone in moves:
        for _ in range(4):
            now += timedelta(seconds=seconds / 4)
            days.append(calendar.day(now))
        calendar = calendar.moved(zone, now)
        assert calendar.day(now) == days[-1]
        assert calendar.began(now) <= now < calendar.ends(now)
    assert days == sorted(days)
    assert len(set(days)) <= (now - began) // timedelta(hours=22) + 2


@given(zone=st.sampled_from(ZONES), seconds=st.integers(0, 4 * 366 * 86_400))
def test_one_day_follows_the_other_without_a_gap(zone: str, seconds: int) -> None:
    calendar, now = Calendar(zone=zone), at(2024, 1, 1) + timedelta(seconds=seconds)
    ends = calendar.ends(now)
    assert calendar.began(now) <= now < ends
    assert calendar.began(ends) == ends
    assert calendar.day(ends) == calendar.day(now) + timedelta(days=1)
