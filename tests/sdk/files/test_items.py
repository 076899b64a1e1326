"""What a drive says of a file is taken as far as it can be, and nothing of it harms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from openassistant.files.items import link_in, one_line, part_in, seconds_of, word_in
from openassistant.files.views import moment, shown_name


@pytest.mark.parametrize(("found", "word"), [("Lease", "Lease"), (7, ""), (None, ""), (["x"], ""), ("a\ud800", "a?")])
def test_a_text_is_a_text(found: Any, word: str) -> None:
    assert word_in({"name": found}, "name") == word
    assert word_in({}, "name") == ""


def test_a_text_is_not_endless() -> None:
    assert len(word_in({"name": "n" * 10_000}, "name")) == 4096


@pytest.mark.parametrize("found", ["javascript:alert(1)", "http://box.example", f"https://{'x' * 2000}", 7])
def test_a_link_leads_to_the_web_in_a_reasonable_length(found: Any) -> None:
    assert link_in({"url": found}, "url") == ""
    assert link_in({"url": "https://box.example/1"}, "url") == "https://box.example/1"


def test_a_part_is_an_object() -> None:
    assert part_in({"file": {"a": 1}}, "file") == {"a": 1}
    assert part_in({"file": []}, "file") == part_in({}, "file") == {}


def test_a_line_has_nothing_that_is_not_seen_or_turns_it_round() -> None:
    assert one_line(" cod\u202egpj.exe\n\x00b ") == "cod gpj.exe  b"


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T00:01:00", 60),
        ("1900-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00+14:00", 0),
        ("yesterday", 0),
        (None, 0),
    ],
)
def test_a_moment_is_counted_from_1970(found: Any, seconds: int) -> None:
    assert seconds_of(found) == seconds


def test_a_moment_beyond_the_calendar_is_its_end() -> None:
    assert moment(60) == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    assert moment(10**15).year == 9999


def test_a_name_of_four_thousand_characters_is_shortened() -> None:
    assert shown_name("n" * 300) == "n" * 300
    assert shown_name("n" * 4000) == f"{'n' * 300}… (4000 characters)"
