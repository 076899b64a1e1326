"""Google's own description of the API: each request is one of its methods, and each capability allows what it asks."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.google_calendar.card import connector
from tests.connectors.google_calendar.conftest import CAROL, Desk
from tests.peers.front import Passed

_TEA = {"title": "Tea", "start": "2037-12-03T16:00Z", "place": "Café", "notes": "Cake", "alarms": [5]}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "events_create": ("", {**_TEA, "guests": [CAROL], "repeats": "weekly", "meet": True}),
    "events_update": ("Choir", {"title": "Late choir", "extent": "following", "notes": "", "alarms": [5]}),
    "events_move": ("Dentist", {"calendar": "family"}),
    "events_cancel": ("Lease", {}),
    "events_delete": ("Choir", {}),
    "invitations_answer": ("Party", {"answer": "accept", "comment": "Yes"}),
    "schedules_list": ("", {"start": "2037-12-01", "end": "2037-12-02"}),
    "slots_find": ("", {"start": "2037-12-01", "end": "2037-12-02", "minutes": 30, "guests": [CAROL]}),
}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The discovery document of Calendar v3."""
    found = importlib.util.find_spec("googleapiclient")
    assert found is not None
    assert found.origin is not None
    document = Path(found.origin).parent / "discovery_cache/documents/calendar.v3.json"
    loaded: dict[str, Any] = json.loads(document.read_text())
    return loaded


def methods(node: dict[str, Any]) -> list[dict[str, Any]]:
    own = list(node.get("methods", {}).values())
    return own + [each for child in node.get("resources", {}).values() for each in methods(child)]


def method_of(described: dict[str, Any], asked: Passed) -> dict[str, Any]:
    path = urlsplit(asked.path).path.removeprefix("/calendar/v3/")
    [found] = [
        each
        for each in methods(described)
        if each["httpMethod"] == asked.method and re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", each["path"]), path)
    ]
    return found


def faults(described: dict[str, Any], schema: str, value: Any) -> list[str]:
    """What about a body Google does not know, or knows as something else."""
    kinds = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}

    def look(shape: dict[str, Any], value: Any, where: str) -> list[str]:
        shape = described["schemas"][shape["$ref"]] if "$ref" in shape else shape
        if value is None:
            return []
        if not isinstance(value, kinds[shape["type"]]):
            return [f"{where} is no {shape['type']}"]
        if isinstance(value, list):
            return [fault for each in value for fault in look(shape["items"], each, where)]
        if not isinstance(value, dict):
            return []
        known, more = shape.get("properties", {}), shape.get("additionalProperties")
        unknown = [f"{where} has no {name}" for name in value if name not in known and more is None]
        return unknown + [
            fault for name, each in value.items() if name in known for fault in look(known[name], each, name)
        ]

    return look({"$ref": schema}, value, schema)


def hold(described: dict[str, Any], asked: Passed, capability: str) -> None:
    """A request is one that Google describes, and the capability has a scope for it."""
    assert connector.manifest.auth.oauth2 is not None
    method = method_of(described, asked)
    known = {**described["parameters"], **method.get("parameters", {})}
    for name, value in parse_qsl(urlsplit(asked.path).query):
        assert name in known, name
        assert value in known[name].get("enum", [value])
    if "request" in method and asked.asked:
        assert faults(described, method["request"]["$ref"], json.loads(asked.asked)) == []
    else:
        assert asked.asked == b""
    scopes = set(connector.manifest.auth.oauth2.capabilities[capability].scopes)
    assert scopes & set(method["scopes"]), f"{capability} may not {method['id']}"


@pytest.mark.parametrize("tool", sorted(CALLS))
async def test_a_capability_allows_what_its_tools_ask(read: Desk, described: dict[str, Any], tool: str) -> None:
    title, given = CALLS[tool]
    event = {"event": (await read.titled(title, 1 if title == "Choir" else 0))["id"]} if title else {}
    capability = connector.tools[tool].capability
    assert capability is not None
    read.front.seen.clear()
    await read.call(tool, **event, **given)
    assert read.front.seen
    for asked in read.front.seen:
        hold(described, asked, capability)


async def test_what_a_pass_reads_is_allowed_by_reading_alone(desk: Desk, described: dict[str, Any]) -> None:
    await desk.sync()
    await desk.sync()
    assert len({method_of(described, each)["id"] for each in desk.front.seen}) == 2
    for asked in desk.front.seen:
        hold(described, asked, "read")


async def test_every_other_tool_asks_google_nothing(read: Desk) -> None:
    quiet = {"actions_undo", *CALLS}
    given: dict[str, dict[str, Any]] = {
        "busy_list": {"start": "2037-12-01", "end": "2037-12-02"},
        "calendars_list": {},
        "changes_list": {"since": "2037-12-01"},
        "events_get": {"event": (await read.titled("Dentist"))["id"]},
        "events_list": {"start": "2037-12-01", "end": "2037-12-02"},
        "events_search": {"query": "dentist"},
        "invitations_list": {},
    }
    assert set(connector.tools) - quiet == set(given)
    for tool, more in given.items():
        await read.call(tool, **more)
    assert read.front.seen == []


def test_each_capability_asks_for_scopes_that_google_has(described: dict[str, Any]) -> None:
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    known = set(described["auth"]["oauth2"]["scopes"])
    assert {scope for each in oauth.capabilities.values() for scope in each.scopes} <= known
