"""The connector and the double of its tests, held against what Notion itself publishes: its OpenAPI, its client."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from openassistant.errors import NotFound
from tests.connectors.notion.conftest import Desk
from tests.peers.nodes import FOLDER, MODULES, node
from tests.peers.notion import TOKEN, NotionServer
from tests.peers.prism import Prism

pytestmark = pytest.mark.slow

_DOCUMENT = MODULES / "@notionhq/notion-mcp-server/scripts/notion-openapi.json"
_CLIENT = FOLDER / "notion.cjs"


def _document() -> dict[str, Any]:
    """Notion's description, with what its client's types have and it has not: data sources as parents, answers."""
    found: dict[str, Any] = json.loads(_DOCUMENT.read_text())
    schemas = found["components"]["schemas"]
    source = {
        "type": "object", "required": ["data_source_id"], "additionalProperties": False,
        "properties": {"type": {"const": "data_source_id"}, "data_source_id": {"type": "string", "format": "uuid"}},
    }  # fmt: skip
    for name in ("parentRequest", "movePageParentRequest"):
        schemas[name]["oneOf"].append(source)
    comment = found["paths"]["/v1/comments"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    comment["required"] = ["rich_text"]
    comment["properties"]["discussion_id"] = {"type": "string", "format": "uuid"}
    return found


@pytest.fixture(scope="module")
def prism(notion_server: NotionServer) -> Iterator[Prism]:
    with Prism(_document(), notion_server.url) as prism:
        yield prism


async def test_every_request_is_one_that_notion_describes(desk: Desk, prism: Prism) -> None:
    server, call, before = desk.server, desk.call, len(prism.refusals())
    ada, home, other = server.person("Ada"), server.page("Home", "# Costs\nTea"), server.page("Other")
    tasks = server.database("Tasks", Cost={"number": {}}, Who={"people": {}}, Due={"date": {}})
    server.comment(home, "Who?", by=ada)
    server.page_size = 2
    desk.house.connect("Ada", {"api_url": prism.url}, access_token=TOKEN)
    assert (await desk.house.check()).ok
    await desk.sync()
    await call("pages_search", query="nothing at all")
    await call("pages_read", page=home)
    await call("users_list")
    [comment] = (await call("comments_list", page=home))["comments"]
    await call("databases_get", database=server.sources[tasks]["parent"]["database_id"])
    row = await call("rows_create", database=tasks, properties={"Name": "Row", "Cost": 1, "Who": [ada]}, content="text")
    filters = [{"property": "Cost", "condition": "equals", "value": 1}]
    found = await call("rows_query", database=tasks, filters=filters, sort="Cost")
    assert [each["id"] for each in found["rows"]] == [row["id"]]
    await call("pages_update", page=row["id"], properties={"Due": "2026-12-01/2026-12-02", "Cost": None})
    await call("actions_undo")
    page = await call("pages_create", parent=home, title="Page", content="# A\nb")
    await call("pages_append", page=page["id"], content="c")
    await call("actions_undo")
    await call("pages_read", page=page["id"])
    await call("sections_replace", page=page["id"], heading="A", content="d")
    await call("pages_move", page=page["id"], into=other)
    await call("pages_move", page=page["id"], into=tasks, kind="database")
    await call("pages_trash", page=page["id"])
    await call("actions_undo")
    await call("comments_create", page=home, text="Me")
    await call("comments_create", page=home, text="I", discussion=comment["discussion"])
    assert (server.texts[page["id"]], server.pages[page["id"]]["in_trash"]) == ("# A\nd", False)
    assert len(server.comments) == 3
    assert len(prism.refusals()) == before


async def test_what_interrupted_calls_are_looked_up_by_is_described_too(desk: Desk, prism: Prism) -> None:
    server, home, before = desk.server, desk.server.page("Home"), len(prism.refusals())
    tasks = server.database("Tasks")
    desk.house.connect("Ada", {"api_url": prism.url}, access_token=TOKEN)
    await desk.sync()
    for path, tool, arguments in (
        ("pages", "pages_create", {"parent": home, "title": "New"}),
        ("pages", "rows_create", {"database": tasks, "properties": {"Name": "Row"}}),
        ("comments", "comments_create", {"page": home, "text": "Hi"}),
    ):
        server.fault("POST", path, 504, after=True)
        await desk.call(tool, **arguments)
    assert (len(server.pages), len(server.comments)) == (3, 1)
    assert len(prism.refusals()) == before


async def test_that_description_would_refuse_what_is_wrong(desk: Desk, prism: Prism) -> None:
    before = len(prism.refusals())
    desk.house.connect("Ada", {"api_url": f"{prism.url}/elsewhere"}, access_token=TOKEN)
    with pytest.raises(NotFound):
        await desk.call("users_list")
    assert len(prism.refusals()) == before + 1


async def _client(mode: str, *arguments: str) -> dict[str, Any]:
    """What Notion's own client makes of it."""
    command = [*node(_CLIENT), mode, *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, timeout=30, check=False, cwd=Path(FOLDER)
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_notion_s_own_client_reads_the_double_and_what_the_connector_wrote_there(desk: Desk) -> None:
    home, tasks = desk.server.page("Home", "words"), desk.server.database("Tasks", Cost={"number": {}})
    await desk.sync()
    for cost in (1, 2, 3):
        await desk.call("rows_create", database=tasks, properties={"Name": f"Row {cost}", "Cost": cost})
    await desk.call("pages_append", page=home, content="more")
    await desk.call("pages_create", parent=home, title="Below")
    await desk.call("comments_create", page=home, text="Hi")
    assert await _client("read", desk.server.url, TOKEN, home, tasks) == {
        "me": "bot", "full": True, "blocks": ["paragraph", "paragraph", "child_page"], "found": 6,
        "rows": ["Row 3", "Row 2"], "columns": ["number", "title"], "text": "words\nmore", "comments": 1,
    }  # fmt: skip


async def test_the_connector_reads_what_notion_s_own_client_wrote(desk: Desk) -> None:
    home, tasks = desk.server.page("Home", "words"), desk.server.database("Tasks", Cost={"number": {}})
    made = await _client("write", desk.server.url, TOKEN, home, tasks)
    assert made["answered"]
    assert made["trashed"]
    await desk.sync()
    page = await desk.call("pages_read", page=made["page"])
    assert (page["title"]["text"], page["text"]["text"]) == ("From the client", "# One\nthree")
    assert page["inside"] == f"database {tasks}"
    assert await desk.titles("row") == []
    comments = (await desk.call("comments_list", page=home))["comments"]
    assert [each["text"]["text"] for each in comments] == ["Hi", "Hi again"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "validation_error"), (404, "object_not_found"), (409, "conflict_error"), (429, "rate_limited"),
     (529, "service_overload")],
)  # fmt: skip
async def test_the_double_s_errors_are_notion_s(desk: Desk, status: int, code: str) -> None:
    home = desk.server.page("Home")
    desk.server.fault("GET", home, status)
    found = await _client("fail", desk.server.url, TOKEN, home)
    assert (found["api"], found["code"], found["status"], found["request"]) == (True, code, status, "string")
    assert found.get("reason") == ("connection" if status == 429 else None)


async def test_notion_s_own_client_finds_the_double_s_consents_as_they_are_at_notion(desk: Desk) -> None:
    consents = desk.server.consents
    consents.clients["the-client"] = "obviously-fake-client-secret"
    back = "http://localhost/back"
    asked = {"response_type": "code", "owner": "user", "client_id": "the-client", "redirect_uri": back, "state": "s"}
    code = consents.allow(f"{desk.server.url}/?{urlencode(asked)}")["code"]
    found = await _client("exchange", desk.server.url, "the-client", "obviously-fake-client-secret", code, back)
    assert found == {"type": "bearer", "another": True, "before": True, "after": False}
