"""Databases show their columns, and rows are found by conditions that fit them."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import (
    InvalidRequest,
)
from tests.connectors.notion.conftest import Desk


async def _tasks(desk: Desk) -> str:
    options = {"options": [{"name": "open"}, {"name": "done"}]}
    tasks = desk.server.database(
        "Tasks", State={"select": options}, Cost={"number": {}}, Due={"date": {}}, Done={"checkbox": {}},
        Tags={"multi_select": options}, Who={"people": {}}, Sum={"formula": {"expression": "1"}},
    )  # fmt: skip
    rows: list[tuple[str, Any]] = [("Tea", 3), ("Milk", 1), ("Sugar", None)]
    for number, (name, cost) in enumerate(rows):
        desk.server.page(
            name, source=tasks, Cost={"number": cost}, State={"select": {"name": "open" if number else "done"}},
            Due={"date": {"start": f"2026-12-0{number + 1}"}}, Done={"checkbox": number == 0},
            Tags={"multi_select": [{"name": "open"}] if number else []},
        )  # fmt: skip
    return tasks


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["Tea", "Milk", "Sugar"]),
        ({"filters": [{"property": "Cost", "condition": "greater_than", "value": 1}]}, ["Tea"]),
        ({"filters": [{"property": "Cost", "condition": "is_empty"}]}, ["Sugar"]),
        ({"filters": [{"property": "State", "condition": "does_not_equal", "value": "done"}]}, ["Milk", "Sugar"]),
        ({"filters": [{"property": "Due", "condition": "on_or_after", "value": "2026-12-02"}]}, ["Milk", "Sugar"]),
        ({"filters": [{"property": "Done", "condition": "equals", "value": True}]}, ["Tea"]),
        ({"filters": [{"property": "Tags", "condition": "contains", "value": "open"}], "sort": "Name"},
         ["Milk", "Sugar"]),
        ({"filters": [{"property": "Name", "condition": "starts_with", "value": "T"},
                      {"property": "Cost", "condition": "less_than", "value": 2}], "match": "any"}, ["Tea", "Milk"]),
        ({"filters": [{"property": "Name", "condition": "contains", "value": "T"},
                      {"property": "Cost", "condition": "less_than", "value": 2}]}, []),
        ({"sort": "Cost", "descending": True}, ["Tea", "Milk", "Sugar"]),
    ],
)  # fmt: skip
async def test_rows_are_found_by_typed_conditions(desk: Desk, asked: dict[str, Any], names: list[str]) -> None:
    tasks = await _tasks(desk)
    found = await desk.call("rows_query", database=tasks, **asked)
    assert [each["title"]["text"] for each in found["rows"]] == names
    assert found["next"] == ""


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"property": "Nothing", "condition": "is_empty"}, "no such column"),
        ({"property": "Cost", "condition": "contains", "value": 1}, "type number takes these conditions: equals"),
        ({"property": "Cost", "condition": "equals", "value": "1"}, "give a number"),
        ({"property": "Cost", "condition": "equals", "value": True}, "give a number"),
        ({"property": "Done", "condition": "equals", "value": "yes"}, "true or false"),
        ({"property": "Due", "condition": "before", "value": "soon"}, "2026-11-01"),
        ({"property": "State", "condition": "equals", "value": "maybe"}, "databases_get"),
        ({"property": "Who", "condition": "contains", "value": "Ada"}, "give an id"),
        ({"property": "Sum", "condition": "is_empty"}, "takes these conditions: none"),
        ({"property": "Cost", "condition": "sql", "value": 1}, "condition"),
    ],
)
async def test_a_condition_that_does_not_fit_its_column_is_refused_before_it_is_asked(
    desk: Desk, held: dict[str, Any], words: str
) -> None:
    tasks = await _tasks(desk)
    with pytest.raises(InvalidRequest, match=words):
        await desk.call("rows_query", database=tasks, filters=[held])
    assert desk.asked("/query") == 0


async def test_rows_come_in_pages(desk: Desk) -> None:
    tasks = await _tasks(desk)
    one = await desk.call("rows_query", database=tasks, limit=2)
    two = await desk.call("rows_query", database=tasks, limit=2, after=one["next"])
    assert [each["title"]["text"] for each in one["rows"] + two["rows"]] == ["Tea", "Milk", "Sugar"]
    with pytest.raises(InvalidRequest, match="after"):
        await desk.call("rows_query", database=tasks, after='"}, "x": {"')


async def test_a_database_shows_its_columns_also_by_the_id_that_a_text_names(desk: Desk) -> None:
    tasks = await _tasks(desk)
    outer = desk.server.sources[tasks]["parent"]["database_id"]
    found = await desk.call("databases_get", database=outer)
    assert (found["id"], found["title"]["text"]) == (tasks, "Tasks")
    columns = {each["name"]["text"]: each for each in found["columns"]}
    assert [each["text"] for each in columns["State"]["options"]] == ["open", "done"]
    assert columns["Done"]["conditions"] == ["equals", "does_not_equal"]
    await desk.sync()
    listed = await desk.call("databases_list")
    assert [each["id"] for each in listed["databases"]] == [tasks]


async def test_a_database_is_shown_from_the_mirror_where_notion_is_away(desk: Desk) -> None:
    tasks = await _tasks(desk)
    await desk.sync()
    for _ in range(3):
        desk.server.fault("GET", tasks, 503)
    found = await desk.call("databases_get", database=tasks)
    assert found["note"].startswith("Notion could not be asked")
