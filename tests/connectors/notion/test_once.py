"""Each change is made once: asked for twice, broken off, after a crash, and when Notion fails around it."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from openassistant.errors import Conflict, DeadlineExceeded, Unavailable
from openassistant.messages import Call, Effect
from openassistant.once import once_faults
from tests.connectors.notion.conftest import Desk
from tests.connectors.notion.workspace import CALLS, TEXT, columns, state, workspace


async def test_a_page_is_created_once(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    numbers, before = count(), len(desk.server.pages)

    async def make() -> Call:
        return desk.house.make("pages_create", parent=home, title=f"New {next(numbers)}", content="Hello")

    async def done() -> int:
        return len(desk.server.pages) - before

    assert await once_faults(desk.house, make, done) == []


async def test_a_row_is_created_once(desk: Desk) -> None:
    tasks = await columns(desk)
    await desk.sync()
    numbers = count()

    async def make() -> Call:
        return desk.house.make("rows_create", database=tasks, properties={"Name": f"Row {next(numbers)}", "Cost": 3})

    async def done() -> int:
        return len(desk.server.pages)

    assert await once_faults(desk.house, make, done) == []


async def test_text_is_appended_once(desk: Desk) -> None:
    home = desk.server.page("Home", "Begin")
    await desk.sync()
    numbers = count()

    async def make() -> Call:
        return desk.house.make("pages_append", page=home, content=f"Added number {next(numbers)}")

    async def done() -> int:
        return desk.server.texts[home].count("Added")

    assert await once_faults(desk.house, make, done) == []


async def test_a_section_is_replaced_once(desk: Desk) -> None:
    home = desk.server.page("Home", TEXT)
    await desk.sync()
    numbers, seen = count(), {"Friday"}

    async def make() -> Call:
        await desk.call("pages_read", page=home)
        return desk.house.make("sections_replace", page=home, heading="Dates", content=f"Day {next(numbers)}")

    async def done() -> int:
        seen.add(desk.server.texts[home].rpartition("\n")[2])
        return len(seen) - 1

    assert await once_faults(desk.house, make, done) == []


async def test_properties_are_changed_once(desk: Desk) -> None:
    tasks = await columns(desk)
    rest = iter([desk.server.page(f"Row {each}", source=tasks) for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("pages_update", page=next(rest), properties={"Cost": 7, "State": "done"})

    async def done() -> int:
        return sum(each["properties"]["Cost"]["number"] == 7 for each in desk.server.pages.values())

    assert await once_faults(desk.house, make, done) == []


async def test_a_page_is_moved_once(desk: Desk) -> None:
    home, other = desk.server.page("Home"), desk.server.page("Other")
    rest = iter([desk.server.page(f"Page {each}", parent=home) for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("pages_move", page=next(rest), into=other)

    async def done() -> int:
        return sum(each["parent"].get("page_id") == other for each in desk.server.pages.values())

    assert await once_faults(desk.house, make, done) == []


async def test_a_page_goes_into_the_trash_once(desk: Desk) -> None:
    rest = iter([desk.server.page(f"Page {each}") for each in range(5)])
    await desk.sync()

    async def make() -> Call:
        return desk.house.make("pages_trash", page=next(rest))

    async def done() -> int:
        return sum(each["in_trash"] for each in desk.server.pages.values())

    assert await once_faults(desk.house, make, done) == []


async def test_a_comment_is_written_once(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    numbers = count()

    async def make() -> Call:
        return desk.house.make("comments_create", page=home, text=f"Remark {next(numbers)}")

    async def done() -> int:
        return len(desk.server.comments)

    assert await once_faults(desk.house, make, done) == []


@pytest.mark.parametrize(("tool", "method", "path", "arguments"), CALLS, ids=[each[0] for each in CALLS])
@pytest.mark.parametrize("status", [504, 500, 529])
async def test_what_was_done_though_notion_failed_is_found(
    desk: Desk, tool: str, method: str, path: str, arguments: dict[str, Any], status: int
) -> None:
    names, given = await workspace(desk, arguments)
    before = state(desk)
    desk.server.fault(method, names.get(path, path), status, after=True)
    await desk.call(tool, **given)
    after = state(desk)
    assert after != before
    again = await desk.house.preview(tool, **given) if tool != "pages_trash" else None
    assert again is None or again.effect in (Effect.WRITE, Effect.SEND)
    assert len(after[0]) - len(before[0]) == (tool in ("pages_create", "rows_create"))
    assert after[2] - before[2] == (tool == "comments_create")


@pytest.mark.parametrize(("tool", "method", "path", "arguments"), CALLS, ids=[each[0] for each in CALLS])
async def test_what_was_not_done_when_notion_failed_is_said_to_be_not_done_once_that_is_sure(
    desk: Desk, tool: str, method: str, path: str, arguments: dict[str, Any]
) -> None:
    names, given = await workspace(desk, arguments)
    before, call = state(desk), desk.house.make(tool, **given)
    desk.server.fault(method, names.get(path, path), 504)
    adds = tool in ("pages_create", "rows_create", "pages_append", "comments_create")
    with pytest.raises(DeadlineExceeded if adds else Unavailable) as caught:
        await desk.house.send(call)
    assert ("Look again in two minutes" if adds else "before anything was done") in caught.value.message
    assert state(desk) == before
    desk.server.pass_by(minutes=3)
    reconciler = desk.house.connector.tools[tool].reconciler
    assert reconciler is not None
    ctx = desk.house.context(call)
    async with desk.house.runner.context(ctx, call.user, call.account, call=call, effect=Effect.SEND) as context:
        assert await reconciler(context, call) is None


@pytest.mark.parametrize(("tool", "method", "path", "arguments"), CALLS, ids=[each[0] for each in CALLS])
async def test_a_pause_that_notion_asks_for_is_kept_and_then_it_is_done_once(
    desk: Desk, tool: str, method: str, path: str, arguments: dict[str, Any]
) -> None:
    names, given = await workspace(desk, arguments)
    before = state(desk)
    desk.server.fault(method, names.get(path, path), 429, Retry_After="1")
    desk.server.fault(method, names.get(path, path), 429)
    await desk.call(tool, **given)
    assert len(state(desk)[0]) - len(before[0]) == (tool in ("pages_create", "rows_create"))
    assert state(desk) != before


async def test_at_the_end_of_a_text_that_notion_gives_in_part_nobody_knows(desk: Desk) -> None:
    home = desk.server.page("Home", "Begin")
    desk.server.unread[home] = [home]
    await desk.sync()
    await desk.call("pages_append", page=home, content="More")
    with pytest.raises(Conflict, match="not known any more"):
        await desk.call("actions_undo")
    desk.server.fault("PATCH", "markdown", 504, after=True)
    with pytest.raises(DeadlineExceeded, match="does not tell"):
        await desk.call("pages_append", page=home, content="Again")
    assert desk.server.texts[home] == "Begin\nMore\nAgain"


async def test_where_two_pages_could_be_the_one_nobody_knows(desk: Desk) -> None:
    home = desk.server.page("Home")
    await desk.sync()
    desk.server.page("New", parent=home, by=desk.server.bot)
    desk.server.fault("POST", "pages", 504, after=True)
    with pytest.raises(DeadlineExceeded, match="several"):
        await desk.call("pages_create", parent=home, title="New")


async def test_a_page_that_this_connection_made_before_is_not_taken_for_a_new_one(desk: Desk) -> None:
    home = desk.server.page("Home")
    old = desk.server.page("New", parent=home, by=desk.server.bot)
    desk.server.pass_by(hours=1)
    await desk.sync()
    desk.server.fault("POST", "pages", 504, after=True)
    made = await desk.call("pages_create", parent=home, title="New")
    assert made["id"] != old


async def test_a_page_of_somebody_else_with_that_title_is_not_taken_for_ours(desk: Desk) -> None:
    home = desk.server.page("Home")
    desk.server.page("New", parent=home)
    await desk.sync()
    first = await desk.call("pages_create", parent=home, title="New")
    desk.server.fault("POST", "pages", 504, after=True)
    second = await desk.call("pages_create", parent=home, title="New")
    assert first["id"] != second["id"]
    desk.server.fault("POST", "pages", 504)
    with pytest.raises(DeadlineExceeded, match="Look again"):
        await desk.call("pages_create", parent=home, title="New")
