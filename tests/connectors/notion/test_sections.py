"""A page's Markdown is taken apart and put together as it was, whatever stands in it, in time linear in its length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.notion.sections import change, counted, holds_pages, letters, prose, replaced, sections

LINES = st.lists(
    st.sampled_from(["# A", "## A", "# B", "a", "", "```", "\t- a", "> a", "~~~", "#", "a \r"]), max_size=12
)
TEXTS = LINES.map("\n".join)


@given(TEXTS, TEXTS)
def test_a_change_stands_once_in_the_text_and_makes_the_other_one_of_it(before: str, after: str) -> None:
    found, put = change(before, after)
    if before and before != after:
        assert before.count(found) == 1
        assert before.replace(found, put) == after
    else:
        assert before == after or found == ""


@given(TEXTS, TEXTS)
def test_another_body_leaves_everything_else_as_it_is(text: str, body: str) -> None:
    for each in sections(text):
        made = replaced(text, each, body)
        assert made.startswith(text[: each.body])
        assert made.endswith(text[each.end :])
        assert body.strip("\n") in made


@given(TEXTS)
def test_sections_lie_inside_the_text_in_order_and_begin_with_their_heading(text: str) -> None:
    found = sections(text)
    assert [each.start for each in found] == sorted(each.start for each in found)
    for each in found:
        assert each.start < each.body <= each.end <= len(text)
        assert text[each.start : each.body].startswith("#" * each.level + " ")


def test_a_heading_is_named_without_its_marks() -> None:
    [found] = sections('## **The** [plan](https://x.example) \\[1\\] {color="blue"}\nbody')
    assert (found.title, found.level) == ("The plan [1]", 2)


def test_marks_do_not_count_where_words_are_compared() -> None:
    assert letters("- [x] **Tea** \\*3\n\t1. more") == letters("Tea *3\nmore") == "tea3more"
    assert counted("Tea\nTea", "**tea**") == 2
    assert counted("Tea", "---") is None


def test_pages_inside_a_text_are_seen() -> None:
    assert len(holds_pages('<page url="https://x">A</page>\n<database url="https://y"></database>\n<pages>')) == 2


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<a ",
        "[",
        "[](",
        "#",
        "# ",
        '{a="',
        "`",
        "*",
        "_a",
        "\\",
        "\t",
        "\n",
        "- [x] ",
        "a\n",
        "<page ",
        "# a\n",
        "| ",
    ],
)
def test_a_hostile_text_takes_no_longer_than_a_harmless_one(unit: str) -> None:
    text = unit * (400_000 // len(unit))
    began = time.process_time()
    prose(text)
    holds_pages(text)
    found = sections(text)
    if found:
        change(text, replaced(text, found[len(found) // 2], "x"))
    change(text, text + "x")
    assert time.process_time() - began < 3
