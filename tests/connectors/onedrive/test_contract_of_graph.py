"""What the connector asks and sends, held against what others made of Microsoft's own description of Graph."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from connectors.onedrive.card import connector
from connectors.onedrive.tools import connector as complete
from tests.connectors.onedrive.conftest import CAROL, Desk
from tests.peers.front import Passed
from tests.peers.nodes import MODULES, node
from tests.peers.process import MissingPeerError

pytestmark = pytest.mark.slow

_SCRIPT = MODULES.parents[1] / "scripts" / "graph_bodies.mjs"
_PACKAGE = MODULES / "@softeria" / "ms-365-mcp-server"
_HELD_BY = {
    "Files.Read": {"Files.Read", "Files.ReadWrite", "Files.ReadWrite.All"},
    "Files.ReadWrite": {"Files.ReadWrite", "Files.ReadWrite.All"},
    "Files.ReadWrite.All": {"Files.ReadWrite.All"},
}
_ELSE = {
    ("get", "/drives/{}"): "Files.Read",
    ("post", "/drives/{}/items/{}/restore"): "Files.ReadWrite.All",
    ("post", "/drives/{}/items/{}/versions/{}/restoreVersion"): "Files.ReadWrite",
    ("patch", "/drives/{}/items/{}/permissions/{}"): "Files.ReadWrite",
}
"""What the package leaves out: learn.microsoft.com/graph/api/drive-get, driveitem-restore, driveitemversion-restore,
permission-update."""
CALLS: dict[str, dict[str, Any]] = {
    "files_copy": {"file": "lease", "name": "x.txt"},
    "files_download": {"file": "scan"},
    "files_get": {"file": "lease"},
    "files_move": {"file": "lease", "folder": "old"},
    "files_read": {"file": "lease"},
    "files_rename": {"file": "lease", "name": "x.txt"},
    "files_search": {"query": "lease", "where": "texts"},
    "files_share": {"file": "lease", "person": CAROL, "message": "Look."},
    "files_trash": {"files": ["scan"]},
    "folders_list": {"folder": "flat"},
    "links_create": {"file": "lease"},
}


def plain(path: str) -> str:
    """A path as the description spells it: by the drive's id, items by theirs."""
    found = unquote(urlsplit(path).path).removeprefix("/v1.0/me/drive")
    found = re.sub(r"^/(special/approot|root)(?=/|$)", r"/items/{}", found)
    found = re.sub(r"/items/[^/:]+:/[^/]+?(:/|$)", r"/items/{}/", found).rstrip("/")
    found = re.sub(r"/items/[^/{]+", "/items/{}", found)
    found = re.sub(r"/(versions|permissions)/[^/]+", r"/\1/{}", found)
    found = re.sub(r"/items/\{\}/search\(q='.*'\)$", "/search(q='{}')", found)
    return f"/drives/{{}}{found}".replace("/delta", "/delta()")


def described() -> dict[tuple[str, str], set[str]]:
    """By method and path one of the scopes that a request needs."""
    if not _PACKAGE.is_dir():
        raise MissingPeerError("@softeria/ms-365-mcp-server is not installed: make peers")
    found: dict[tuple[str, str], set[str]] = {key: {scope} for key, scope in _ELSE.items()}
    for each in json.loads((_PACKAGE / "src" / "endpoints.json").read_text()):
        scopes = each.get("scopes") or []
        flat = {one for some in scopes for one in (some if isinstance(some, list) else [some])}
        path = re.sub(r"\{[\w-]+\}", "{}", each["pathPattern"])
        found[each["method"], path] = {one for one in flat if one in _HELD_BY}
    # Of the content the package knows only the writing, of the root only the drive's.
    found["get", "/drives/{}/items/{}/content"] = {"Files.Read"}
    return found


def hold(seen: list[Passed], scopes: set[str]) -> None:
    known = described()
    asked = [each for each in seen if each.path.startswith("/v1.0/")]
    assert asked
    for each in asked:
        key = (each.method.lower(), plain(each.path))
        assert key in known, f"{key} is nothing that Graph is described to have"
        assert any(_HELD_BY[one] & scopes for one in known[key]), f"{key} needs {known[key]}"


def scopes_of(tool: str) -> set[str]:
    oauth = connector.manifest.auth.oauth2
    assert oauth is not None
    return set(oauth.capabilities[complete.tools[tool].capability].scopes)


@pytest.mark.parametrize("tool", sorted(CALLS))
async def test_a_capability_allows_what_its_tools_ask(read: Desk, tool: str) -> None:
    await read.house.call(tool, **CALLS[tool])
    hold(read.front.seen, scopes_of(tool))


def test_what_a_scope_does_not_allow_is_found() -> None:
    deletion = Passed("DELETE", "/v1.0/me/drive/items/x", b"", {}, 204, b"")
    with pytest.raises(AssertionError, match="needs"):
        hold([deletion], {"Files.Read"})
    with pytest.raises(AssertionError, match="nothing that Graph"):
        hold([Passed("GET", "/v1.0/me/drive/items/x/secrets", b"", {}, 200, b"")], {"Files.Read"})


async def test_what_only_looks_into_the_mirror_asks_nothing(read: Desk) -> None:
    await read.house.call("changes_list")
    await read.house.call("files_search", query="lease")
    assert not read.front.seen


async def test_restoring_allows_to_restore(read: Desk) -> None:
    await read.house.call("files_trash", files=["lease"])
    read.front.seen.clear()
    await read.house.call("files_restore", files=["lease"])
    hold(read.front.seen, scopes_of("files_restore"))


async def test_the_pass_needs_reading_alone(read: Desk) -> None:
    await read.sync()
    hold(read.front.seen, {"Files.Read"})


async def test_saving_asks_for_nothing_outside_of_the_own_folder(read: Desk) -> None:
    read.allow("save")
    made = await read.house.call("files_upload", name="a.txt", text="a")
    await read.house.call("folders_create", name="b")
    read.allow("save", "read")
    revision = await read.revision(made["file"]["id"])
    read.allow("save")
    read.front.seen.clear()
    await read.house.call("files_update", file=made["file"]["id"], revision=revision, text="b")
    await read.house.call("actions_undo")
    mine = {"ownfolder", made["file"]["id"]}
    for each in read.front.seen:
        path = urlsplit(each.path).path.removeprefix("/v1.0/me/drive/")
        assert path == "special/approot" or re.split(r"[/:]", path)[1] in mine, each.path
    hold(read.front.seen, {"Files.ReadWrite"})


async def test_every_body_is_one_that_microsofts_description_knows(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.onedrive.drive._IN_ONE", 1_000)
    for tool in ("files_rename", "files_move", "files_copy", "files_share", "links_create"):
        await read.house.call(tool, **CALLS[tool])
    await read.house.call("folders_create", name="b", folder="flat")
    await read.house.call("files_update", file="scan", revision=await read.revision("scan"), text="x" * 2000)
    sent = [each for each in read.asked("POST") + read.asked("PATCH") if each.path.startswith("/v1.0/")]
    requests = [
        {"method": each.method, "path": plain(each.path).replace("{}", "x"), "body": json.loads(each.asked)}
        for each in sent
    ]
    ran = await asyncio.to_thread(
        subprocess.run, node(_SCRIPT, str(_PACKAGE)), input=json.dumps(requests), capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert [each for each in found if len(each) > 1] == []
    assert None not in {each[0] for each in found}
    assert len(found) >= 7
