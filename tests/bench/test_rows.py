"""What a measurement says of itself: ratios, targets, shares, and the page and the picture made of them."""

from xml.etree import ElementTree as ET

import pytest

from tests.bench.profile import read
from tests.bench.rows import Row, middle, page, percentile, picture, shares, table

FAST = Row("records", 8_000, "/s", 2_000, "single commits", 5_000, why="nothing to say")
SLOW = Row("first word", 30, "ms", 4, "the client", 10, note="a median", why="half of it is waiting")
FREE = Row("memory of 2,000", 12.345, "MB")


def test_a_rate_meets_its_target_from_it_on_and_a_time_up_to_it() -> None:
    met = [Row("x", ours, unit, limit=10).missed for ours, unit in ((10, "/s"), (9, "/s"), (10, "ms"), (11, "ms"))]
    assert met == [False, True, False, True]


def test_a_rate_of_nothing_misses_any_target() -> None:
    assert Row("x", 0, "/s", limit=1).missed


def test_what_has_no_target_misses_none() -> None:
    assert (FREE.used, FREE.missed) == (None, False)


def test_cells_tell_floor_figure_ratio_and_target() -> None:
    assert FAST.cells() == ("records", "2,000/s (single commits)", "8,000/s", "4.00", "≥ 5,000/s", "yes")
    assert SLOW.cells() == ("first word", "4.00 ms (the client)", "30.0 ms", "7.50", "≤ 10 ms", "NO")
    assert FREE.cells() == ("memory of 2,000", "", "12.3 MB", "", "", "")


def test_a_figure_without_a_unit_is_a_bare_number() -> None:
    assert Row("questions", 0.1818, "", limit=0.5).cells() == ("questions", "", "0.18", "", "≤ 0.50", "yes")


def test_why_is_told_where_the_target_is_missed_alone() -> None:
    assert [row.words for row in (FAST, SLOW, FREE)] == ["", "a median; half of it is waiting", ""]


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (95, 10), (99, 10), (10, 1), (0, 1)])
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile(range(10, 0, -1), percent) == expected


def test_the_middle_is_the_median() -> None:
    assert middle([9.0, 1.0, 2.0]) == 2


def test_shares_are_told_largest_first_and_crumbs_left_out() -> None:
    assert shares({"audit": 1.0, "agent": 3.0, "vault": 0.01}) == "agent 75 %, audit 25 %"


def test_the_table_has_a_line_for_each_row_and_its_words_below() -> None:
    lines = table([FAST, SLOW]).splitlines()
    assert len(lines) == 4
    assert lines[3] == "  first word: a median; half of it is waiting"


def test_the_page_has_a_table_for_each_part() -> None:
    text = page([("Speed", [FAST, SLOW]), ("Size", [FREE])])
    assert text.count("| --- | --- | --- | --- | --- | --- |") == 2
    assert "- first word: a median; half of it is waiting\n" in text


def test_the_picture_shows_what_has_a_target_and_marks_what_misses_it() -> None:
    drawn = ET.fromstring(picture([("Speed: all of it", [FAST, SLOW]), ("Size", [FREE])]))
    bars = [each.attrib["class"] for each in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    words = [str(each.text) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert bars == ["b", "m"]
    assert words == [
        "target", "Speed", "records", "8,000/s, ≥ 5,000/s", "first word", "30.0 ms, ≤ 10 ms", "3.0×",
    ]  # fmt: skip


STACKS = """\
process 7:"python";main (/deploy/supervisor.py:1);send (/x/openassistant/bus.py:9);dumps (/l/python3.11/json/d.py:1) 6
process 7:"python";main (/x/deploy/supervisor.py:1);<listcomp> (/v/lib/python3.11/site-packages/nats/aio/client.py:2) 3
process 7:"python";connect (/v/lib/python3.11/site-packages/sqlalchemy/connectors/pyodbc.py:2) 1
process 7:"python" 5
"""


def test_a_profile_tells_whose_code_ran_and_who_of_ours_called_it() -> None:
    found = read(STACKS)
    assert found.packages == {"json": 6, "nats": 3, "sqlalchemy": 1}
    assert found.functions == {"bus:send": 6, "deploy/supervisor:main": 3, "nothing of ours": 1}
    assert "json 60 %, nats 30 %" in found.words


def test_a_profile_of_nothing_says_so() -> None:
    assert read("").words == "no profile: this machine lets nobody look into a running process"
