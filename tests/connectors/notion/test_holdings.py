"""What is held of a workspace is counted, leaves as Markdown, and is forgotten for good."""

from __future__ import annotations

import json

from tests.connectors.holding import counted, forgets, listed
from tests.connectors.notion.conftest import Desk

WORD = "quincejam"


async def filled(desk: Desk) -> str:
    tasks = desk.server.database("Tasks", Note={"rich_text": {}})
    desk.server.page("Row", source=tasks, Note={"rich_text": [{"text": {"content": "before Friday"}}]})
    page = desk.server.page("Zoë's plan", f"# Costs\n- [ ] buy **{WORD}**")
    await desk.sync()
    await desk.call("pages_read", page=page)
    return page


async def test_pages_leave_as_markdown_with_their_properties_in_front(desk: Desk) -> None:
    page = await filled(desk)
    held = await counted(desk.house)
    assert (held["pages"], held["databases"], held["texts"]) == (2, 1, 1)
    files = await desk.house.exported()
    [path] = [each for each in files if each.endswith(f"{page}.md")]
    front, _, words = files[path].decode().removeprefix("---\n").partition("\n---\n\n")
    head = {name: json.loads(value) for name, _, value in (line.partition(": ") for line in front.splitlines())}
    assert (head["id"], head["title"]) == (page, "Zoë's plan")
    assert "missing" not in head
    assert words == f"# Zoë's plan\n\n# Costs\n- [ ] buy **{WORD}**\n"
    [row] = [body.decode() for name, body in files.items() if name.endswith(".md") and name != path]
    assert 'properties: {"Note": "before Friday"}' in row
    [databases] = [each for each in files if each.endswith("databases.jsonl")]
    assert listed(files, databases)[0]["columns"]["Note"] == {"kind": "rich_text", "options": []}


async def test_words_are_forgotten_and_the_title_stays(desk: Desk) -> None:
    page = await filled(desk)
    assert await forgets(desk.house, WORD, kinds=["texts"]) == {"texts": 1}
    await desk.sync()
    assert await desk.titles("costs") == []
    assert await desk.titles("plan") == ["Zoë's plan"]
    files = await desk.house.exported()
    [body] = [each.decode() for name, each in files.items() if name.endswith(f"{page}.md")]
    assert 'missing: "the text beyond its beginning"' in body


async def test_what_is_forgotten_is_in_no_page_and_comes_with_no_pass(desk: Desk) -> None:
    await filled(desk)
    before = await counted(desk.house)
    assert await forgets(desk.house, WORD, "before Friday") == before
    await desk.sync()
    assert await counted(desk.house) == {}
