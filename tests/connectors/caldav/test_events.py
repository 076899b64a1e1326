"""iCalendar read and written: recurrences, time zones, days, and texts that are no calendar at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.caldav.compose import Changes, Draft, changed_object, new_object, without_date
from connectors.caldav.events import Event, expand, latest, pick
from connectors.caldav.objects import DamagedError, read_object
from connectors.caldav.outlines import outline
from openassistant.errors import InvalidRequest
from openassistant.formats.guests import Person
from openassistant.formats.moments import Window, window
from openassistant.formats.repeats import Repeat
from tests.connectors.caldav.conftest import wrap

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 1, tzinfo=UTC)
AUTUMN = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
WEEKLY = (
    "UID:w\nDTSTART;TZID=Europe/Berlin:20261018T183000\nDTEND;TZID=Europe/Berlin:20261018T193000\n"
    "RRULE:FREQ=WEEKLY;COUNT=4\nSUMMARY:Choir"
)


def starts(events: list[Event]) -> list[str]:
    return [each.start.isoformat() for each in events]


def test_a_weekly_event_keeps_its_hour_when_the_clock_changes() -> None:
    assert starts(expand(wrap(WEEKLY), AUTUMN, UTC)) == [
        "2026-10-18T18:30:00+02:00",
        "2026-10-25T18:30:00+01:00",
        "2026-11-01T18:30:00+01:00",
        "2026-11-08T18:30:00+01:00",
    ]


def test_an_excluded_date_is_left_out() -> None:
    found = expand(wrap(f"{WEEKLY}\nEXDATE;TZID=Europe/Berlin:20261025T183000"), AUTUMN, UTC)
    assert starts(found)[1] == "2026-11-01T18:30:00+01:00"


def test_a_moved_date_replaces_the_one_it_was() -> None:
    moved = (
        "UID:w\nRECURRENCE-ID;TZID=Europe/Berlin:20261025T183000\nDTSTART;TZID=Europe/Berlin:20261027T200000\n"
        "DTEND;TZID=Europe/Berlin:20261027T210000\nSUMMARY:Choir\\, moved"
    )
    text = wrap(f"{WEEKLY}\nEND:VEVENT\nBEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n{moved}")
    found = expand(text, AUTUMN, UTC)
    assert [(each.title, each.start.day) for each in found] == [
        ("Choir", 18),
        ("Choir, moved", 27),
        ("Choir", 1),
        ("Choir", 8),
    ]
    assert pick(text, found[1].recurrence, NOW, UTC) == found[1]


def test_a_cancelled_date_of_a_series_is_not_busy() -> None:
    gone = "UID:w\nRECURRENCE-ID;TZID=Europe/Berlin:20261025T183000\nDTSTART;TZID=Europe/Berlin:20261025T183000"
    text = wrap(f"{WEEKLY}\nEND:VEVENT\nBEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n{gone}\nSTATUS:CANCELLED")
    assert [each.busy for each in expand(text, AUTUMN, UTC)] == [True, False, True, True]


def test_a_whole_day_is_that_day_in_the_owners_zone() -> None:
    [found] = expand(
        wrap("UID:d\nDTSTART;VALUE=DATE:20261024\nDTEND;VALUE=DATE:20261026\nSUMMARY:Away"), AUTUMN, BERLIN
    )
    assert found.all_day
    assert starts([found]) == ["2026-10-24T00:00:00+02:00"]
    assert found.end.isoformat() == "2026-10-26T00:00:00+01:00"


def test_a_whole_day_does_not_leak_into_the_next() -> None:
    text = wrap("UID:d\nDTSTART;VALUE=DATE:20261024\nSUMMARY:Away")
    assert expand(text, window("2026-10-25", "2026-10-25", BERLIN), BERLIN) == []
    assert len(expand(text, window("2026-10-24", "2026-10-24", BERLIN), BERLIN)) == 1


def test_a_floating_time_is_that_hour_wherever_one_is() -> None:
    text = wrap("UID:f\nDTSTART:20261024T080000\nDURATION:PT30M")
    assert starts(expand(text, AUTUMN, BERLIN)) == ["2026-10-24T08:00:00+02:00"]
    assert starts(expand(text, AUTUMN, UTC)) == ["2026-10-24T08:00:00+00:00"]


def test_a_rule_for_every_second_is_not_followed() -> None:
    text = wrap("UID:x\nDTSTART:20261001T000000Z\nRRULE:FREQ=SECONDLY\nSUMMARY:Flood")
    assert outline(text, now=NOW).state == "heavy"
    assert len(expand(text, AUTUMN, UTC, heavy=True)) == 1


@pytest.mark.parametrize(
    ("rule", "state"),
    [("DAILY", "heavy"), ("WEEKLY", "heavy"), ("YEARLY;BYDAY=MO,TU,WE,TH,FR", "heavy"), ("YEARLY", "whole")],
)
def test_a_series_of_a_far_century_is_followed_where_that_is_no_work(rule: str, state: str) -> None:
    assert outline(wrap(f"UID:x\nDTSTART;VALUE=DATE:16850331\nRRULE:FREQ={rule}"), now=NOW).state == state


def test_a_rule_that_takes_long_to_follow_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outline(wrap(WEEKLY), now=NOW).state == "whole"
    monkeypatch.setattr("connectors.caldav.outlines._PROBE_SECONDS", -1.0)
    assert outline(wrap(WEEKLY), now=NOW).state == "heavy"


@pytest.mark.parametrize(
    "text", ["", "BEGIN:VCALENDAR", wrap("UID:x\nSUMMARY:No start"), wrap("UID:x\nDTSTART:nonsense")]
)
def test_what_is_no_event_is_called_damaged(text: str) -> None:
    assert outline(text, now=NOW).state == "damaged"
    with pytest.raises(DamagedError):
        expand(text, AUTUMN, UTC)


def test_the_next_date_of_a_series_is_found() -> None:
    found = latest(wrap(WEEKLY), datetime(2026, 10, 26, tzinfo=UTC), UTC)
    assert found is not None
    assert found.start.isoformat() == "2026-11-01T18:30:00+01:00"


def test_guests_and_organiser_are_told_apart() -> None:
    text = wrap(
        "UID:g\nDTSTART:20261024T080000Z\nORGANIZER;CN=Carol Meyer:mailto:carol@example.org\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org\nATTENDEE;PARTSTAT=DECLINED:MAILTO:Ada@home.example"
    )
    [found] = expand(text, AUTUMN, UTC)
    assert found.organizer == Person("carol@example.org", "Carol Meyer")
    assert found.guests == (Person("ada@home.example", "", "declined"),)


def test_a_written_series_ends_with_its_last_day_in_its_zone() -> None:
    start = datetime(2026, 10, 18, 18, 30, tzinfo=BERLIN)
    draft = Draft("Choir", start, start + timedelta(hours=1), repeats=Repeat("weekly", until=date(2026, 11, 1)))
    text = new_object(draft, uid="u", now=NOW)
    assert "BEGIN:VTIMEZONE" in text
    assert [each.start.day for each in expand(text, AUTUMN, UTC)] == [18, 25, 1]


def test_a_single_date_is_taken_out_and_another_is_moved() -> None:
    first = without_date(wrap(WEEKLY), "20261025T173000Z", mark="a", now=NOW)
    start = datetime(2026, 11, 3, 9, tzinfo=BERLIN)
    text = changed_object(first, "20261101T173000Z", Changes(start=start), mark="b", now=NOW)
    assert [each.start.day for each in expand(text, AUTUMN, UTC)] == [18, 3, 8]


def test_a_series_moves_with_the_dates_that_were_taken_out_and_changed() -> None:
    taken = without_date(wrap(WEEKLY), "20261025T173000Z", mark="a", now=NOW)
    named = changed_object(taken, "20261101T173000Z", Changes(title="Concert"), mark="b", now=NOW)
    text = changed_object(named, "", Changes(start=datetime(2026, 10, 19, 9, tzinfo=BERLIN)), mark="c", now=NOW)
    found = expand(text, AUTUMN, UTC)
    assert [(each.title, each.start.isoformat()) for each in found] == [
        ("Choir", "2026-10-19T09:00:00+02:00"),
        ("Concert", "2026-11-02T09:00:00+01:00"),
        ("Choir", "2026-11-09T09:00:00+01:00"),
    ]


def test_a_series_on_fixed_days_of_a_month_is_not_moved_to_others() -> None:
    text = wrap("UID:m\nDTSTART:20261005T080000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=5\nSUMMARY:Rent")
    with pytest.raises(InvalidRequest, match="fixed days"):
        changed_object(text, "", Changes(start=datetime(2026, 10, 6, 8, tzinfo=UTC)), mark="b", now=NOW)


def test_what_a_change_does_not_name_stays_in_the_object() -> None:
    text = wrap(f"{WEEKLY}\nX-OTHER-PROGRAM:keep me\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nEND:VALARM")
    changed = changed_object(text, "", Changes(title="Choir practice"), mark="a", now=NOW)
    assert "X-OTHER-PROGRAM:keep me" in changed
    assert "BEGIN:VALARM" in changed
    assert "SUMMARY:Choir practice" in changed


def test_line_ends_in_a_title_cannot_smuggle_a_property_in() -> None:
    draft = Draft("a", NOW, NOW + timedelta(hours=1), notes="x\r\nATTENDEE:mailto:mallory@example.net\nEND:VEVENT")
    [found] = expand(new_object(draft, uid="u", now=NOW), AUTUMN, UTC)
    assert found.guests == ()
    assert "mallory" in found.notes


NAMES = (
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "SUMMARY",
    "UID",
    "STATUS",
    "ATTENDEE",
)
VALUES = (
    "20261024T080000Z",
    "20261024",
    "PT1H",
    "-P1D",
    "FREQ=DAILY;COUNT=3",
    "FREQ=YEARLY;BYDAY=-1SU",
    "",
    "x",
    "0",
    "\x00",
    ":;=,",
)
PARAMS = ("", ";VALUE=DATE", ";TZID=Europe/Berlin", ";TZID=Nowhere/Land", ";VALUE=PERIOD", ';CN="a', ";X")
LINES = st.builds(
    "{}{}:{}".format, st.sampled_from(NAMES), st.sampled_from(PARAMS), st.sampled_from(VALUES) | st.text(max_size=20)
)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, max_size=6))
def test_every_text_is_read_or_called_damaged(lines: list[str]) -> None:
    text = wrap("\n".join(["DTSTART:20261024T080000Z", *lines]))
    state = outline(text, now=NOW).state
    try:
        expand(text, AUTUMN, BERLIN, heavy=state == "heavy")
    except DamagedError:
        assert state in ("damaged", "heavy", "whole")


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=200), st.integers(1, 2000))
def test_what_is_written_is_read_back(title: str, notes: str, minutes: int) -> None:
    end = NOW + timedelta(minutes=minutes)
    [found] = expand(new_object(Draft(title, NOW, end, notes=notes), uid="u", now=NOW), AUTUMN, UTC)
    assert (found.start, found.end) == (NOW, end)
    assert found.guests == ()


def test_an_object_with_a_broken_part_is_read_where_it_can() -> None:
    assert read_object(wrap(f"{WEEKLY}\nX-BROKEN"))


def test_a_date_of_a_series_of_whole_days_is_taken_out_as_a_day() -> None:
    text = wrap("UID:d\nDTSTART;VALUE=DATE:20261005\nRRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:Bins")
    changed = without_date(text, "20261012", mark="a", now=NOW)
    assert "EXDATE;VALUE=DATE:20261012" in changed
    assert [each.start.day for each in expand(changed, AUTUMN, BERLIN)] == [5, 19]
    moved = changed_object(changed, "20261019", Changes(start=date(2026, 10, 20)), mark="b", now=NOW)
    assert [each.start.day for each in expand(moved, AUTUMN, BERLIN)] == [5, 20]


def test_the_organiser_stays_when_guests_are_replaced() -> None:
    text = wrap(
        "UID:g\nDTSTART:20261024T080000Z\nORGANIZER:mailto:ada@home.example\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@home.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org"
    )
    changed = changed_object(text, "", Changes(guests=(Person("carl@example.org"),)), mark="a", now=NOW)
    changed = changed.replace("\r\n ", "")
    assert "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@home.example" in changed
    assert "carol" not in changed
    assert "carl@example.org" in changed
