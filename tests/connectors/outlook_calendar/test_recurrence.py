"""How events repeat: Graph's patterns in words, and typed repetition as Graph takes it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connectors.outlook_calendar.recurrence import last_day, recurrence_of, rule_shown
from openassistant.errors import InvalidRequest
from openassistant.formats.repeats import Repeat

FOREVER = {"type": "noEnd", "startDate": "2037-10-20"}
MONDAY = date(2037, 10, 26)


@pytest.mark.parametrize(
    ("pattern", "range_", "words"),
    [
        ({"type": "daily", "interval": 1}, FOREVER, "every day"),
        (
            {"type": "weekly", "interval": 2, "daysOfWeek": ["monday", "friday"]},
            FOREVER,
            "every 2 weeks on monday, friday",
        ),
        (
            {"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"], "index": "second"},
            {"type": "endDate", "endDate": "2037-11-27"},
            "every month on second tuesday, until Friday 27 November 2037",
        ),
        (
            {"type": "relativeYearly", "interval": 1, "daysOfWeek": ["sunday"], "index": "last", "month": 3},
            {"type": "numbered", "numberOfOccurrences": 4},
            "every year on last sunday, 4 times",
        ),
        ({"type": "absoluteMonthly", "dayOfMonth": 3}, FOREVER, "every month"),
        ({"type": "whenever"}, FOREVER, "repeats"),
        ({"type": "weekly", "interval": "x", "daysOfWeek": [{}, 5, "moonday"]}, {"type": "endDate"}, "every week"),
        ("weekly", FOREVER, ""),
        ({"type": "daily"}, None, ""),
    ],
)
def test_a_pattern_of_graph_is_said_in_words(pattern: Any, range_: Any, words: str) -> None:
    assert rule_shown({"pattern": pattern, "range": range_}) == words


def test_a_typed_repetition_becomes_a_pattern_and_a_range() -> None:
    found = recurrence_of(Repeat("monthly", 3, until=date(2038, 4, 30)), MONDAY, "W. Europe Standard Time")
    assert found == {
        "pattern": {"type": "absoluteMonthly", "interval": 3, "dayOfMonth": 26},
        "range": {
            "type": "endDate", "startDate": "2037-10-26", "endDate": "2038-04-30",
            "recurrenceTimeZone": "W. Europe Standard Time",
        },
    }  # fmt: skip


def test_a_week_repeats_on_the_day_of_its_first_date_where_none_is_named() -> None:
    assert recurrence_of(Repeat("weekly", times=2), MONDAY, "UTC")["pattern"]["daysOfWeek"] == ["monday"]


def test_a_last_day_lies_not_before_the_first() -> None:
    assert last_day("2037-10-26", MONDAY) == MONDAY
    with pytest.raises(InvalidRequest, match="last day"):
        last_day("2037-10-25", MONDAY)
