"""Conversations are listed, found, named, put away and written to a file from a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import Terminal

ONE, OTHER = "a" * 24 + "00000001", "b" * 24 + "00000002"


def talk(id_: str, title: str, **more: Any) -> dict[str, Any]:
    moment = "2026-11-20T10:00:00Z"
    plain = {
        "created_at": moment,
        "updated_at": moment,
        "state": "idle",
        "pinned": False,
        "archived": False,
        "labels": [],
    }
    return {"id": id_, "title": title, **plain, **more}


LIST = [talk(ONE, "The lease", pinned=True, labels=["home"]), talk(OTHER, "\x1b[2Jfoo")]
HIT = {
    "conversation": ONE, "title": "The lease", "archived": True, "message": "c" * 32, "role": "user",
    "created_at": "2026-11-20T10:00:00Z",
    "shreds": [{"text": "where is the ", "hit": False}, {"text": "lease\x07", "hit": True}],
}  # fmt: skip


def test_the_list_has_titles_and_marks_and_no_escape(oa: Terminal) -> None:
    oa.answers["GET /api/conversations"] = LIST
    ran = oa("chats", "list", "--label", "home", "--limit", "5")
    assert [line.split("\t")[1:2] for line in ran.out.splitlines()] == [["The lease"], ["[2Jfoo"]]
    assert ran.out.splitlines()[0].endswith("pinned, home")
    assert dict(oa.asked[-1].url.params) == {"archived": "false", "limit": "5", "label": "home"}
    assert oa("chats", "list", "--archived", "--json").json == LIST


def test_what_was_said_is_found(oa: Terminal) -> None:
    oa.answers["GET /api/conversations/search"] = {"conversations": [LIST[1]], "hits": [HIT], "next": None}
    ran = oa("chats", "search", "lease", "friday")
    assert oa.asked[-1].url.params["words"] == "lease friday"
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["00000002", "00000001"]
    assert ran.out.splitlines()[1].endswith("where is the lease")


def test_one_is_named_and_put_away_by_the_end_of_its_id(oa: Terminal) -> None:
    oa.answers["GET /api/conversations"] = LIST
    oa.answers[f"PATCH /api/conversations/{ONE}"] = LIST[0]
    assert oa("chats", "rename", "00000001", "The lease").code == 0
    assert oa.body() == {"title": "The lease"}
    assert oa("chats", "archive", "00000001").err.strip() == "Archived."
    assert oa.body() == {"archived": True}
    assert oa("chats", "archive", "00000001", "--back").code == 0
    assert oa.body() == {"archived": False}
    assert oa("chats", "rename", "00000009", "x").code == 2


def test_one_is_written_to_a_file_or_to_the_terminal_without_escapes(oa: Terminal, tmp_path: Path) -> None:
    oa.answers["GET /api/conversations"] = LIST
    body = b"# The lease\n\x1b[2Jgone\n"
    oa.answers[f"GET /api/conversations/{ONE}/export"] = lambda _: httpx.Response(200, content=body)
    assert oa("chats", "export", "00000001", str(tmp_path / "lease.md")).code == 0
    assert (tmp_path / "lease.md").read_bytes() == body
    assert oa.asked[-1].url.params["format"] == "md"
    assert oa("chats", "export", "00000001").out == "# The lease\n[2Jgone\n"
    oa.answers[f"GET /api/conversations/{ONE}/export"] = {"title": "\x1b[2Jgone"}
    assert oa("chats", "export", "00000001", "--json").json == {"title": "\x1b[2Jgone"}
    assert oa.asked[-1].url.params["format"] == "json"
    assert oa("chats", "export", "00000001", str(tmp_path / "no" / "lease.md")).code == 1
