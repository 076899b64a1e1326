"""What calendar tools ask, give back and show alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from openassistant.calendars.arguments import (
    addresses_of,
    calendar_to_write,
    calendars_named,
    effect_on_guests,
    effect_with_guests,
    title_of,
)
from openassistant.calendars.previews import alarms_shown, preview_change, preview_creation
from openassistant.calendars.times import Busy, ahead, busy_in, busy_shown, slots_shown
from openassistant.calendars.views import described, source_in, times_shown
from openassistant.errors import InvalidRequest, Unavailable
from openassistant.formats.guests import Person
from openassistant.formats.moments import Window
from openassistant.messages import Effect

BERLIN = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 11, 2, 9, tzinfo=BERLIN)
HOUR = timedelta(hours=1)
CAROL, BEN = Person("carol@example.org", "Carol", "accepted"), Person("ben@example.org")


class Entry(NamedTuple):
    title: str = "Choir"
    place: str = ""
    notes: str = ""
    organizer: Person | None = CAROL
    guests: tuple[Person, ...] = (BEN,)


class Known(NamedTuple):
    name: str
    writable: bool
    id: int = 1
    account: str = "a"
    ref: str = "r"


def test_what_is_not_settled_is_busy_perhaps_and_only_beside_what_is() -> None:
    dates = [
        (NINE - HOUR, NINE + HOUR, False),
        (NINE, NINE + 2 * HOUR, True),
        (NINE + 3 * HOUR, NINE + 3 * HOUR, False),
        (NINE + 5 * HOUR, NINE + 6 * HOUR, False),
    ]
    busy = busy_in(Window(NINE, NINE + 4 * HOUR), dates)
    assert busy.firm == [Window(NINE, NINE + HOUR)]
    assert busy.tentative == [Window(NINE + HOUR, NINE + 2 * HOUR)]


def test_taken_times_are_shown_by_start_and_a_cut_is_said() -> None:
    firm = [Window(NINE + n * HOUR, NINE + n * HOUR + timedelta(minutes=5)) for n in range(300)]
    perhaps = [Window(NINE - HOUR, NINE)]
    shown = busy_shown(Busy(firm, perhaps, ("Ada",)), BERLIN, "There may be more.")
    assert (len(shown.busy), shown.accounts) == (300, ["Ada"])
    assert (shown.busy[0].start, shown.busy[0].tentative) == ("2026-11-02T08:00:00+01:00", True)
    assert shown.note == "Only the first 300 are shown. There may be more."


def test_free_times_are_shown_in_the_zone_and_a_cut_is_said() -> None:
    span = Window(NINE.astimezone(UTC), NINE.astimezone(UTC) + 40 * 24 * HOUR)
    taken = [Window(NINE, NINE + HOUR)]
    slots, cut = slots_shown(taken, span, minutes=60, opens=time(9), closes=time(12), zone=BERLIN)
    assert (slots[0].start, slots[0].minutes) == ("2026-11-02T10:00:00+01:00", 120)
    assert (len(slots), cut) == (30, "Only the first 30 are shown.")


def test_of_a_span_that_has_begun_the_rest_is_left() -> None:
    span = Window(NINE, NINE + 2 * HOUR)
    assert ahead(span, NINE + HOUR) == Window(NINE + HOUR, NINE + 2 * HOUR)
    assert ahead(span, NINE - HOUR) == ahead(span, NINE + 3 * HOUR) == span


def test_whole_days_are_shown_with_their_last_one_and_times_in_the_zone() -> None:
    assert times_shown(date(2026, 11, 2), date(2026, 11, 4), BERLIN) == ("2026-11-02", "2026-11-03")
    assert times_shown(date(2026, 11, 2), date(2026, 11, 2), BERLIN) == ("2026-11-02", "2026-11-02")
    assert times_shown(NINE.astimezone(UTC), NINE + HOUR, BERLIN)[0] == "2026-11-02T09:00:00+01:00"


def test_the_words_of_an_event_name_whose_they_are() -> None:
    crowd = tuple(Person(f"{each}@example.org") for each in range(20))
    words = described(Entry(notes="n" * 1_001, guests=crowd), source_in("a diary", CAROL), CAROL, whole=False)
    assert words["title"].authors == ("carol@example.org",)
    assert words["title"].source == "an event of carol@example.org in a diary"
    assert words["people"] is not None
    assert words["people"].text.startswith("Carol <carol@example.org> (organiser), 0@example.org (open), ")
    assert words["people"].text.endswith("18@example.org (open) and 1 more")
    assert words["notes"] is not None
    assert words["notes"].text == "n" * 1_000
    assert words["place"] is None


def test_the_users_own_event_is_nobody_elses_word() -> None:
    words = described(Entry(title="", guests=()), source_in("a diary", None), None, whole=True)
    assert (words["title"].text, words["title"].authors, words["people"]) == ("(no title)", (), None)


def test_an_approval_says_that_guests_hear_of_it() -> None:
    shown = preview_creation({"Title": "Choir", "Place": ""}, [CAROL, BEN], account="Ada", content="Bring the book")
    assert (shown.verb, shown.confirm) == ("Create an event and invite guests", "Invite")
    assert [(each.value, each.name) for each in shown.destinations] == [
        ("carol@example.org", "Carol"),
        ("ben@example.org", None),
    ]
    assert [(each.label, each.value) for each in shown.fields] == [("Title", "Choir")]
    assert shown.outside == ()
    quiet = preview_change({}, source_in("a diary", CAROL), (), account="Ada")
    assert (quiet.verb, quiet.confirm) == ("Change an event", "Change")
    assert [each.authors for each in quiet.outside] == [("carol@example.org",)]


def test_reminders_are_shown_in_minutes() -> None:
    assert alarms_shown((10, 60)) == "10, 60 minutes before"
    assert alarms_shown(()) == alarms_shown(None) == ""


def test_whoever_is_told_makes_it_a_send() -> None:
    assert effect_with_guests({"guests": ["carol@example.org"]}) is Effect.SEND
    assert effect_with_guests({"guests": []}) is effect_with_guests({}) is Effect.WRITE
    assert effect_on_guests({"guests": []}) is effect_on_guests({"tell_guests": True}) is Effect.SEND
    assert effect_on_guests({"guests": None, "tell_guests": False}) is Effect.WRITE


def test_a_title_is_one_line_and_not_nothing() -> None:
    assert title_of("  Choir \n at noon ") == "Choir at noon"
    with pytest.raises(InvalidRequest, match="give it a title"):
        title_of(" \n ")


def test_each_address_is_asked_for_once() -> None:
    assert addresses_of(["Carol <carol@example.org>", "CAROL@example.org"]) == ["carol@example.org"]


def test_a_calendar_is_found_by_its_name_whatever_its_case() -> None:
    known = [Known("Club", writable=False), Known("Home", writable=True)]
    assert [each.name for each in calendars_named(known, " home ")] == ["Home"]
    assert calendars_named(known, None) == known
    assert calendar_to_write(known, None).name == "Home"
    with pytest.raises(InvalidRequest, match="no calendar of that name"):
        calendars_named(known, "Work")
    with pytest.raises(InvalidRequest, match="no such calendar to write"):
        calendar_to_write(known, "club")
    with pytest.raises(Unavailable, match="first time"):
        calendar_to_write([], None)
