"""When a schedule is due: on the wall clock of its zone, also where the clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openassistant.errors import InvalidRequest
from services.gateway.occurrences import When, checked, in_words, newest_until, next_after, upcoming

BERLIN = "Europe/Berlin"
NEVER = datetime(2027, 12, 31, tzinfo=UTC)


def when(starts: str, rule: str | None = None, zone: str = BERLIN) -> When:
    return When(starts=datetime.fromisoformat(starts), zone=zone, rule=rule)


def times(given: When, after: str, most: int = 4) -> list[str]:
    found = upcoming(given, datetime.fromisoformat(after), until=NEVER, most=most)
    return [each.isoformat(timespec="minutes").removesuffix("+00:00") for each in found]


def test_weekdays_at_seven_stay_at_seven_when_the_clocks_go_forward() -> None:
    weekdays = when("2026-03-26T07:00", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")
    assert times(weekdays, "2026-03-26T00:00Z") == [
        "2026-03-26T06:00", "2026-03-27T06:00", "2026-03-30T05:00", "2026-03-31T05:00",
    ]  # fmt: skip


def test_a_time_that_the_day_skips_is_read_with_the_offset_before() -> None:
    assert times(when("2026-03-28T02:30", "FREQ=DAILY"), "2026-03-28T12:00Z", 2) == [
        "2026-03-29T01:30",  # 03:30 in Berlin
        "2026-03-30T00:30",
    ]


def test_a_time_that_the_day_has_twice_comes_once_and_is_the_first() -> None:
    assert times(when("2026-10-24T02:30", "FREQ=DAILY"), "2026-10-24T12:00Z", 2) == [
        "2026-10-25T00:30",  # 02:30 with summer time
        "2026-10-26T01:30",
    ]


def test_every_hour_over_both_changes_never_goes_back_and_never_comes_twice() -> None:
    for day in ("2026-03-28", "2026-10-24"):
        hourly = when(f"{day}T12:10", "FREQ=HOURLY")
        found = times(hourly, f"{day}T12:00Z", 30)
        assert found == sorted(set(found))


def test_once_is_once() -> None:
    once = when("2026-05-01T09:00")
    assert times(once, "2026-04-30T00:00Z") == ["2026-05-01T07:00"]
    assert next_after(once, datetime(2026, 5, 1, 7, tzinfo=UTC), until=NEVER) is None


def test_nothing_comes_after_the_end() -> None:
    daily = when("2026-05-01T09:00", "FREQ=DAILY")
    assert upcoming(daily, datetime(2026, 5, 1, tzinfo=UTC), until=datetime(2026, 5, 3, tzinfo=UTC), most=9) == [
        datetime(2026, 5, 1, 7, tzinfo=UTC), datetime(2026, 5, 2, 7, tzinfo=UTC),
    ]  # fmt: skip


def test_of_many_that_were_missed_the_newest_is_left() -> None:
    daily = when("2026-05-01T09:00", "FREQ=DAILY")
    due, now = datetime(2026, 5, 1, 7, tzinfo=UTC), datetime(2026, 5, 20, 12, tzinfo=UTC)
    assert newest_until(daily, due, now, until=NEVER) == datetime(2026, 5, 20, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=YEARLY", "DAILY", "FREQ=DAILY;UNTIL=20270101", "FREQ=DAILY;BYDAY=MO",
        "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=1,2", "FREQ=MONTHLY;BYMONTHDAY=45", "FREQ=MONTHLY;BYDAY=9MO",
        "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1", "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=3", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY\nDTSTART:20200101", "FREQ=DAILY;BYMONTH=2", "FREQ=WEEKLY;BYDAY=XX", "",
    ],
)  # fmt: skip
def test_a_rule_that_keeps_counting_or_is_none_is_refused(rule: str) -> None:
    if not rule:
        assert checked(when("2026-05-01T09:00", rule)).rule is None
        return
    with pytest.raises(InvalidRequest):
        checked(when("2026-05-01T09:00", rule))


def test_a_time_with_a_zone_of_its_own_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        checked(when("2026-05-01T09:00+02:00"))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (None, "Once, on 1 May 2026 at 09:00"),
        ("FREQ=DAILY", "Every day at 09:00"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday at 09:00"),
        ("FREQ=WEEKLY", "Every Friday at 09:00"),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "Every Monday, Thursday at 09:00"),
        ("FREQ=MONTHLY", "On day 1 of every month at 09:00"),
        ("FREQ=HOURLY", "Every hour, at 0 minutes past"),
        ("FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=1MO, from 09:00"),
    ],
)
def test_it_is_told_in_words(rule: str | None, told: str) -> None:
    assert in_words(checked(when("2026-05-01T09:00", rule))) == told


RULES = st.sampled_from(
    ["FREQ=HOURLY", "FREQ=HOURLY;INTERVAL=5", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3;BYHOUR=1,2,3",
     "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYDAY=-1SU", None]
)  # fmt: skip
ZONES = st.sampled_from([BERLIN, "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
STARTS = st.datetimes(*(datetime.fromisoformat(each) for each in ("2026-01-01", "2026-12-01"))).map(
    lambda each: each.replace(second=0, microsecond=0)
)


@settings(max_examples=150, deadline=None)
@given(starts=STARTS, zone=ZONES, rule=RULES, after=st.timedeltas(timedelta(days=-2), timedelta(days=300)))
def test_what_comes_next_is_always_later_and_in_order(
    starts: datetime, zone: str, rule: str | None, after: timedelta
) -> None:
    given = checked(When(starts=starts, zone=zone, rule=rule))
    moment = starts.replace(tzinfo=UTC) + after
    found = upcoming(given, moment, until=NEVER, most=6)
    assert found == sorted(set(found))
    assert all(each > moment for each in found)
    if found and rule:
        assert next_after(given, found[0], until=NEVER) == (found[1] if len(found) > 1 else None)
