"""Everyday tasks: each is done, and whoever asked for it gets the questions that the table says, and no others."""

from collections.abc import Iterator

import pytest

from tests.everyday.run import Household, Outcome, mean, move_in

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

TARGET = 0.5
"""Questions for each task in the mean, for an owner with the rules of the first week."""


@pytest.fixture
def household() -> Iterator[Household]:
    with move_in() as household:
        yield household


def undone(outcomes: list[Outcome]) -> dict[str, tuple[str, ...]]:
    return {each.task.words: each.faults for each in outcomes if each.faults}


def unexpected(outcomes: list[Outcome], *, rules: bool) -> dict[str, tuple[str, ...]]:
    """Tasks that brought other questions than the table says, with those that came."""
    return {each.task.words: each.asked for each in outcomes if each.asked != each.expected(rules=rules)}


def test_with_the_rules_of_a_first_week_each_task_is_done_and_few_are_asked_about(household: Household) -> None:
    week = household.first_week()
    assert undone(week) == {}
    outcomes = household.everyday()
    assert undone(outcomes) == {}
    assert unexpected(outcomes, rules=True) == {}
    assert mean(outcomes) <= TARGET

    standing = household.owner.get("/api/rules")
    assert len(standing) == len(week)
    assert [each["what"] for each in standing if not each["uses"]] == []  # none is there for the figure's sake
    assert household.owner.verify()["ok"]


def test_without_rules_each_task_is_done_and_asked_about_as_the_table_says(household: Household) -> None:
    outcomes = household.everyday()
    assert undone(outcomes) == {}
    assert unexpected(outcomes, rules=False) == {}
