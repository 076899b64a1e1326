"""The tables hold what they say: on whichever day they are read."""

from datetime import date, timedelta

import pytest

from tests.everyday.tables import Task, home_table, read_tasks, read_week

WEEK = [date(2026, 11, 23) + timedelta(days=number) for number in range(7)]


def tools(task: Task) -> set[str]:
    return {name.rpartition("__")[2] for step in task.calls for name in step}


@pytest.mark.parametrize("today", WEEK, ids=lambda day: f"{day:%A}")
def test_the_tables_can_be_read_on_any_day(today: date) -> None:
    assert len(read_tasks(today)) >= 100
    assert read_week(today)
    assert all(home_table(today).values())


def test_every_task_has_something_by_which_one_sees_that_it_was_done() -> None:
    tasks = [*read_tasks(WEEK[0]), *read_week(WEEK[0])]
    changed = [each for each in tasks if each.kind != "look"]
    assert [each.words for each in changed if not (each.sent or each.mails or each.event or each.todo)] == []
    assert [each.words for each in tasks if each.kind == "look" and not each.says] == []


def test_questions_are_expected_of_tools_that_the_task_calls_alone() -> None:
    tasks = [*read_tasks(WEEK[0]), *read_week(WEEK[0])]
    assert [each.words for each in tasks if not {*each.asked, *each.spared} <= tools(each)] == []
    assert [each.words for each in read_week(WEEK[0]) if each.rule.tool not in tools(each)] == []


def test_more_than_half_of_the_tasks_only_look() -> None:
    tasks = read_tasks(WEEK[0])
    assert 2 * sum(each.kind == "look" for each in tasks) > len(tasks)
    assert len({each.words for each in tasks}) == len(tasks)
