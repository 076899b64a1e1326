"""What is asked of Gmail is what Google describes, and each tool asks no more than its owner allowed for it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.gmail.card import connector
from connectors.gmail.letters import FIELDS
from tests.connectors.gmail.conftest import CAROL, Desk

_SHARED = {"fields", "alt", "uploadType"}
_TYPES = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The discovery document of Gmail v1."""
    found = importlib.util.find_spec("googleapiclient")
    assert found is not None
    assert found.origin is not None
    document = Path(found.origin).parent / "discovery_cache/documents/gmail.v1.json"
    loaded: dict[str, Any] = json.loads(document.read_text())
    return loaded


def methods(node: dict[str, Any]) -> list[dict[str, Any]]:
    own = list(node.get("methods", {}).values())
    return own + [each for child in node.get("resources", {}).values() for each in methods(child)]


def method_of(described: dict[str, Any], verb: str, path: str) -> dict[str, Any]:
    plain = re.sub(r"^/(upload/)?", "", path)
    found = [
        each
        for each in methods(described)
        if each["httpMethod"] == verb and re.fullmatch(re.sub(r"\{\w+\}", r"[\\w-]+", each["path"]), plain)
    ]
    assert found, f"{verb} {path} is no method of Gmail"
    return min(found, key=lambda each: each["path"].count("{"))


def faults(described: dict[str, Any], schema: str, value: dict[str, Any], at: str = "") -> list[str]:
    """What of a value the document does not know."""
    known, wrong = described["schemas"][schema]["properties"], list[str]()
    for name, given in value.items():
        place = f"{at}{schema}.{name}"
        if name not in known:
            wrong.append(f"{place} is not known")
        elif "$ref" in known[name]:
            wrong += faults(described, known[name]["$ref"], given, f"{place} ")
        elif not isinstance(given, _TYPES[known[name]["type"]]):
            wrong.append(f"{place} is no {known[name]['type']}")
        elif known[name].get("format") in ("int64", "uint64") and not str(given).isdigit():
            wrong.append(f"{place} is no number")
        elif isinstance(given, list) and "$ref" in known[name]["items"]:
            wrong += [one for each in given for one in faults(described, known[name]["items"]["$ref"], each, place)]
    return wrong


async def use(read: Desk, tool: str) -> None:
    """Calls a tool, with what it needs."""
    lease = await read.id("The lease")
    if tool == "messages_forward":
        await read.house.call("messages_read", message=lease)
        await read.house.call("attachments_list", message=lease)
    draft = ""
    if tool.startswith("drafts_") and tool not in ("drafts_create", "drafts_list"):
        made = await read.house.call("drafts_create", to=[CAROL], subject="x", text="x")
        draft = made["draft"]
    messages = {"messages": [lease]}
    calls: dict[str, dict[str, Any]] = {
        "attachments_list": {"message": lease}, "changes_list": {}, "drafts_create": {"to": [CAROL], "subject": "x",
        "text": "x", "answers": lease}, "drafts_delete": {"draft": draft}, "drafts_list": {}, "drafts_read":
        {"draft": draft}, "drafts_send": {"draft": draft}, "drafts_update": {"draft": draft, "text": "y"},
        "labels_create": {"name": "x"}, "labels_list": {}, "messages_archive": messages, "messages_flag":
        {**messages, "read": True}, "messages_forward": {"message": lease, "to": [CAROL]}, "messages_label":
        {**messages, "add": ["Flat"]}, "messages_read": {"message": lease}, "messages_reply": {"message": lease,
        "text": "x"}, "messages_reply_all": {"message": lease, "text": "x"}, "messages_restore": messages,
        "messages_search": {"query": "lease", "sender": "carol"}, "messages_waiting": {},
        "messages_send": {"to": [CAROL], "subject": "x", "text": "x"}, "messages_trash": messages,
        "threads_read": {"message": lease}, "vacation_read": {},
        "vacation_set": {"on": True, "text": "x", "end": "2026-12-24T00:00:00+01:00"},
    }  # fmt: skip
    if tool == "messages_restore":
        await read.house.call("messages_trash", messages=[lease])
    read.front.seen.clear()
    await read.house.call(tool, **calls[tool])


TOOLS = sorted(set(connector.tools) - {"actions_undo", "attachments_read"})
"""The text of a file takes what a list of files takes."""


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_capability_allows_what_its_tools_ask(read: Desk, described: dict[str, Any], tool: str) -> None:
    await use(read, tool)
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    scopes = set(oauth.capabilities[connector.tools[tool].capability].scopes)
    for each in read.front.seen:
        url = urlsplit(each.path)
        method = method_of(described, each.method, url.path)
        assert scopes & set(method["scopes"]), f"{tool} may not call {method['id']}"
        unknown = {name for name, _ in parse_qsl(url.query)} - set(method["parameters"]) - _SHARED
        assert unknown == set(), f"{method['id']} has no {unknown}"
        if each.asked:
            assert faults(described, method["request"]["$ref"], json.loads(each.asked)) == []
        if each.answered and "response" in method:
            assert faults(described, method["response"]["$ref"], json.loads(each.answered)) == []


@pytest.mark.parametrize("tool", ["drafts_create", "drafts_update", "drafts_delete", "labels_create", "messages_trash"])
async def test_a_capability_allows_to_take_back(read: Desk, described: dict[str, Any], tool: str) -> None:
    await use(read, tool)
    read.front.seen.clear()
    await read.house.call("actions_undo")
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    scopes = set(oauth.capabilities[connector.tools[tool].capability].scopes)
    assert read.front.seen
    for each in read.front.seen:
        assert scopes & set(method_of(described, each.method, urlsplit(each.path).path)["scopes"])


def test_each_capability_asks_for_scopes_that_google_has(described: dict[str, Any]) -> None:
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    known = set(described["auth"]["oauth2"]["scopes"])
    assert {scope for each in oauth.capabilities.values() for scope in each.scopes} <= known


def test_nothing_that_deletes_mail_for_good_can_be_asked(described: dict[str, Any]) -> None:
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    scopes = {scope for each in oauth.capabilities.values() for scope in each.scopes}
    for each in methods(described):
        if each["id"] in (
            "gmail.users.messages.delete",
            "gmail.users.messages.batchDelete",
            "gmail.users.threads.delete",
        ):
            assert not scopes & set(each["scopes"])


def test_the_fields_that_are_asked_for_are_those_of_a_mail(described: dict[str, Any]) -> None:
    known = {
        name
        for each in ("Message", "MessagePart", "MessagePartBody")
        for name in described["schemas"][each]["properties"]
    }
    assert set(re.findall(r"\w+", FIELDS)) <= known
