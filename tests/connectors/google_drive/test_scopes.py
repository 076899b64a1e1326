"""Google's own description of the API: each request is one of its methods, and each capability allows what it asks."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.google_drive.card import connector
from connectors.google_drive.items import FIELDS
from tests.connectors.google_drive.conftest import CAROL, Desk

_SHARED = {"fields", "alt", "uploadType", "upload_id"}
CALLS: dict[str, dict[str, Any]] = {
    "changes_list": {},
    "comments_create": {"file": "1lease", "text": "?"},
    "files_copy": {"file": "1lease"},
    "files_download": {"file": "1scan"},
    "files_get": {"file": "1lease"},
    "files_move": {"file": "1lease", "folder": "1folderOld"},
    "files_read": {"file": "1letter"},
    "files_rename": {"file": "1lease", "name": "x.txt"},
    "files_restore": {"files": ["1old"]},
    "files_search": {"query": "lease", "where": "texts"},
    "files_share": {"file": "1lease", "person": CAROL},
    "files_trash": {"files": ["1scan"]},
    "files_upload": {"name": "a.txt", "text": "a", "folder": "1folderFlat"},
    "folders_create": {"name": "a"},
    "folders_list": {"folder": "1folderFlat"},
    "links_create": {"file": "1lease"},
}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The discovery document of Drive v3."""
    found = importlib.util.find_spec("googleapiclient")
    assert found is not None
    assert found.origin is not None
    document = Path(found.origin).parent / "discovery_cache/documents/drive.v3.json"
    loaded: dict[str, Any] = json.loads(document.read_text())
    return loaded


def methods(node: dict[str, Any]) -> list[dict[str, Any]]:
    own = list(node.get("methods", {}).values())
    return own + [each for child in node.get("resources", {}).values() for each in methods(child)]


def method_of(described: dict[str, Any], verb: str, path: str) -> dict[str, Any]:
    verb = "PATCH" if verb == "PUT" else verb
    plain = re.sub(r"^/(upload/)?drive/v3/", "", path)
    found = [
        each
        for each in methods(described)
        if each["httpMethod"] == verb and re.fullmatch(re.sub(r"\{\w+\}", r"[\\w-]+", each["path"]), plain)
    ]
    assert found, f"{verb} {path} is no method of Drive"
    return min(found, key=lambda each: each["path"].count("{"))


@pytest.mark.parametrize("tool", sorted(set(connector.tools) - {"actions_undo", "files_update"}))
async def test_a_capability_allows_what_its_tools_ask(read: Desk, described: dict[str, Any], tool: str) -> None:
    assert connector.manifest.auth.oauth2 is not None
    await read.house.call(tool, **CALLS[tool])
    await _hold(read, described, tool)


async def test_saving_allows_to_replace_what_was_saved(read: Desk, described: dict[str, Any]) -> None:
    made = await read.house.call("files_upload", name="a.txt", text="a")
    revision = (await read.house.call("files_get", file=made["file"]["id"]))["revision"]
    read.front.seen.clear()
    await read.house.call("files_update", file=made["file"]["id"], revision=revision, text="b")
    await read.house.call("actions_undo")
    await _hold(read, described, "files_update")


async def _hold(read: Desk, described: dict[str, Any], tool: str) -> None:
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    scopes = set(oauth.capabilities[connector.tools[tool].capability].scopes)
    for each in read.front.seen:
        url = urlsplit(each.path)
        method = method_of(described, each.method, url.path)
        assert scopes & set(method["scopes"]), f"{tool} may not call {method['id']}"
        unknown = {name for name, _ in parse_qsl(url.query)} - set(method.get("parameters", {})) - _SHARED
        assert unknown == set(), f"{method['id']} has no {unknown}"


def test_each_capability_asks_for_scopes_that_google_has(described: dict[str, Any]) -> None:
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    known = set(described["auth"]["oauth2"]["scopes"])
    assert {scope for each in oauth.capabilities.values() for scope in each.scopes} <= known


def test_the_fields_that_are_asked_for_are_those_of_a_file(described: dict[str, Any]) -> None:
    file = described["schemas"]["File"]["properties"]
    for name, inner in re.findall(r"(\w+)(?:\(([\w,]+)\))?", FIELDS):
        assert name in file
        plain = file[name].get("items", file[name])
        held = described["schemas"][plain["$ref"]] if "$ref" in plain else plain
        assert not inner or set(inner.split(",")) <= set(held["properties"])
