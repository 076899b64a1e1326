"""When somebody is told, and in which words: a table of cases."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from openassistant.context import new_id
from openassistant.messages import Destination, Preview, PreviewField
from services.gateway.notices import EVERY, SETTLE, Choices, Kind, Known, Notice, due, is_quiet, lines
from services.gateway.questions import Question, State

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def known(*told: Kind, age: timedelta = timedelta(minutes=5), life: timedelta = DAY, state: State = "pending") -> Known:
    question = Question(
        id=new_id(), call_id=new_id(), call_digest="", user=new_id(), turn=new_id(), conversation=new_id(),
        state=state, created=NOW - age, expires=NOW - age + life,
    )  # fmt: skip
    return Known(question, frozenset(told))


def notice(*those: Known, last: datetime | None = None, seen: bool = False, choices: Choices | None = None) -> Notice:
    found = due(those, choices=choices or Choices(), now=NOW, last=last, seen=seen)
    assert found is not None
    return found


def is_silent(*those: Known, last: datetime | None = None, seen: bool = False, choices: Choices | None = None) -> bool:
    return due(those, choices=choices or Choices(), now=NOW, last=last, seen=seen) is None


def test_one_question_is_told_once_and_leads_to_itself() -> None:
    one = known()
    found = notice(one)
    assert (found.title, found.about, found.waiting) == ("Something waits for your yes", one.question.id, 1)
    assert is_silent(known("asked"))


def test_several_are_one_notice_that_leads_to_all() -> None:
    found = notice(known(), known(), known("asked"))
    assert (found.title, found.about, len(found.reasons)) == ("3 things wait for your yes", None, 2)


def test_what_is_new_beside_what_waits_leads_to_all() -> None:
    assert notice(known(), known("asked")).about is None


def test_the_first_question_waits_a_moment_for_the_others_of_its_answer() -> None:
    assert is_silent(known(age=SETTLE / 2))
    assert not is_silent(known(age=SETTLE))


def test_within_a_minute_there_is_one_notice() -> None:
    assert is_silent(known(), last=NOW - EVERY / 2)
    assert not is_silent(known(), last=NOW - EVERY)


def test_nobody_is_told_while_he_looks() -> None:
    assert is_silent(known(), seen=True)


@pytest.mark.parametrize(
    ("start", "end", "zone", "quiet"),
    [
        (None, None, "UTC", False),
        (time(22), time(7), "UTC", False),
        (time(11), time(13), "UTC", True),
        (time(12), time(13), "UTC", True),
        (time(11), time(12), "UTC", False),
        (time(13), time(12, 30), "UTC", True),
        (time(12), time(12), "UTC", False),
        (time(20), time(22), "Asia/Tokyo", True),
        (time(11), time(13), "Asia/Tokyo", False),
        (time(11), time(13), "Nowhere/Nowhere", False),
    ],
)
def test_quiet_hours_are_those_of_ones_zone_and_may_go_over_midnight(
    start: time | None, end: time | None, zone: str, quiet: bool
) -> None:
    choices = Choices(quiet_from=start, quiet_to=end, zone=zone)
    assert is_quiet(choices, NOW) is quiet
    assert is_silent(known(), choices=choices) is quiet


@pytest.mark.parametrize(
    ("life", "left", "warned"),
    [
        (DAY, timedelta(minutes=59), True),
        (DAY, timedelta(minutes=61), False),
        (timedelta(hours=2), timedelta(minutes=29), True),
        (timedelta(hours=2), timedelta(minutes=31), False),
        (timedelta(hours=1), timedelta(minutes=5), False),
    ],
)
def test_of_a_long_lived_question_somebody_is_reminded_once_before_its_end(
    life: timedelta, left: timedelta, warned: bool
) -> None:
    assert is_silent(known("asked", age=life - left, life=life)) is not warned
    assert is_silent(known("asked", "ending", age=life - left, life=life))


def test_the_first_notice_near_the_end_says_so_and_is_the_only_one() -> None:
    found = notice(known(age=DAY - timedelta(minutes=5)))
    assert {each.kind for each in found.reasons} == {"asked", "ending"}
    assert "nearly over" in found.body


def test_the_end_is_told_once_and_not_of_what_was_decided() -> None:
    over = known("asked", age=DAY + timedelta(minutes=1), state="expired")
    assert notice(over).title == "Time is over for something that waited"
    assert is_silent(known("asked", "ended", age=DAY + timedelta(minutes=1), state="expired"))
    assert is_silent(known("asked", age=3 * DAY, state="expired"))
    for state in ("approved", "denied", "void"):
        assert is_silent(known("asked", state=state))


def test_what_ended_beside_what_waits_counts_what_waits() -> None:
    over = known("asked", age=DAY + timedelta(minutes=1), state="expired")
    assert notice(over, known("asked")).title == "Something waits for your yes"


def test_the_words_hold_no_content_unless_asked_for() -> None:
    found = notice(known())
    assert "carol" not in f"{found.title} {found.body}".lower()


def test_with_content_each_question_is_one_line() -> None:
    shown = Preview(
        verb="Send a mail", confirm="Send", fields=(PreviewField(label="Subject", value="The lease"),),
        destinations=(Destination(kind="recipient", value="carol@example.org", name="Carol Meyer"),),
    )  # fmt: skip
    long = shown.model_copy(update={"verb": "x" * 500})
    assert lines([shown]) == "Send a mail · The lease · Carol Meyer"
    assert [len(line) for line in lines([shown, long]).splitlines()] == [37, 160]
