"""What the workspace of a test holds, and a call of each tool that changes something there."""

from __future__ import annotations

from typing import Any

from tests.connectors.notion.conftest import Desk

__all__ = ["CALLS", "TEXT", "columns", "state", "workspace"]

TEXT = "Intro\n# Costs\nTea 3\n## Detail\nBlack\n# Dates\nFriday"


async def columns(desk: Desk) -> str:
    """A database with a column of each kind."""
    options = {"options": [{"name": "open"}, {"name": "done"}]}
    return desk.server.database(
        "Tasks", State={"select": options}, Tags={"multi_select": options}, Cost={"number": {}}, Due={"date": {}},
        Done={"checkbox": {}}, Note={"rich_text": {}}, Who={"people": {}}, Sum={"formula": {"expression": "1"}},
    )  # fmt: skip


CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("pages_create", "POST", "pages", {"parent": "home", "title": "New", "content": "Hello"}),
    ("rows_create", "POST", "pages", {"database": "tasks", "properties": {"Name": "Row", "State": "open"}}),
    ("pages_append", "PATCH", "markdown", {"page": "home", "content": "**More** words"}),
    ("sections_replace", "PATCH", "markdown", {"page": "home", "heading": "Costs", "content": "Tea"}),
    ("pages_update", "PATCH", "row", {"page": "row", "properties": {"Due": "2026-12-01T10:00+01:00", "Note": "x"}}),
    ("pages_move", "POST", "move", {"page": "home", "into": "tasks", "kind": "database"}),
    ("pages_trash", "PATCH", "home", {"page": "home"}),
    ("comments_create", "POST", "comments", {"page": "home", "text": "A remark"}),
]


async def workspace(desk: Desk, arguments: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """A page, a database with a row, all of it read; and the arguments with their ids."""
    desk.server.pages.clear()
    home, tasks = desk.server.page("Home", TEXT), await columns(desk)
    row = desk.server.page("Row", source=tasks, Note={"rich_text": []})
    names = {"home": home, "tasks": tasks, "row": row}
    await desk.sync()
    for each in (home, row):
        await desk.call("pages_read", page=each)
    given = {
        name: names.get(value, value) if name in ("page", "parent", "database", "into") else value
        for name, value in arguments.items()
    }
    return names, given


def state(desk: Desk) -> tuple[dict[str, Any], dict[str, str], int]:
    """All that a change could have changed."""
    pages = {
        name: (each["parent"], each["in_trash"], str(each["properties"])) for name, each in desk.server.pages.items()
    }
    return pages, dict(desk.server.texts), len(desk.server.comments)
