"""An archive is written whole or not at all, and a transfer that broke off goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from oa import data
from tests.cli.conftest import Terminal

ID = "01a2" + "0" * 20 + "deadbeef"
BODY = bytes(range(256)) * 8
PATH = f"/api/data/export/{ID}/archive"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_PAUSE", 0.0)


def room(name: str, state: str = "done", **more: Any) -> dict[str, Any]:
    return {"room": name, "state": state, "files": 2, "bytes": 10, "detail": "", **more}


def export(state: str = "ready", *rooms: dict[str, Any]) -> dict[str, Any]:
    size = len(BODY) if state == "ready" else None
    return {"id": ID, "state": state, "size": size, "rooms": list(rooms or (room("agent"),)), "encrypted": False}


def house(oa: Terminal, *states: Any) -> None:
    """A house that answers the states of an archive one after the other, the last for ever."""
    left = list(states)
    oa.answers |= {
        "POST /api/session": {"user": {"username": "ada"}},
        "GET /api/data/export": lambda _: httpx.Response(200, json=left.pop(0) if len(left) > 1 else left[0]),
        "POST /api/data/export": lambda _: httpx.Response(202, json=export("working", room("agent", "waiting"))),
        f"GET {PATH}": served,
    }


def served(request: httpx.Request, *, until: int | None = None) -> httpx.Response:
    start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
    return httpx.Response(206, content=BODY[start:until])


def test_an_archive_is_made_followed_and_written(oa: Terminal, tmp_path: Path) -> None:
    house(oa, None, export("working", room("agent", "waiting")), export())
    ran = oa("data", "export", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, (tmp_path / "all.zip").read_bytes()) == (0, BODY)
    assert "agent: 2 files" in ran.err
    begun = next(each for each in oa.asked if each.method == "POST" and each.url.path == "/api/data/export")
    assert b'"password":"planted"' in begun.content.replace(b" ", b"")
    assert [each.name for each in tmp_path.iterdir() if each.name != "openassistant"] == ["all.zip"]


def test_what_is_not_in_it_is_told_and_is_a_failure(oa: Terminal, tmp_path: Path) -> None:
    away = room("mail", "away", detail="It did not answer.")
    house(oa, None, export("ready", room("agent"), away))
    ran = oa("data", "export", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, (tmp_path / "all.zip").exists()) == (1, True)
    assert "Not in it, mail: It did not answer." in ran.err


def test_a_download_that_breaks_off_goes_on_where_it_was(oa: Terminal, tmp_path: Path) -> None:
    house(oa, None, export())
    ends = [100, 700, None]
    oa.answers[f"GET {PATH}"] = lambda request: served(request, until=ends.pop(0))
    ran = oa("data", "export", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, (tmp_path / "all.zip").read_bytes()) == (0, BODY)
    assert [each.headers["range"] for each in oa.asked if each.url.path == PATH] == [
        "bytes=0-",
        "bytes=100-",
        "bytes=700-",
    ]


def test_the_same_command_goes_on_with_a_part_that_lies_there(oa: Terminal, tmp_path: Path) -> None:
    house(oa, export())
    (tmp_path / ".all.zip.deadbeef.part").write_bytes(BODY[:300])
    ran = oa("data", "export", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, (tmp_path / "all.zip").read_bytes()) == (0, BODY)
    assert "POST /api/data/export" not in [f"{each.method} {each.url.path}" for each in oa.asked]


def test_nothing_stands_under_the_name_before_all_is_there(oa: Terminal, tmp_path: Path) -> None:
    house(oa, None, export())
    oa.answers[f"GET {PATH}"] = lambda request: served(request, until=200)
    ran = oa("data", "export", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, (tmp_path / "all.zip").exists()) == (5, False)
    assert "Run the same command again" in ran.err


def test_a_file_is_sent_in_parts_and_what_was_left_out_is_told(
    oa: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "_PART", 1000)
    (tmp_path / "all.zip").write_bytes(BODY)
    parts: list[bytes] = []

    def take(request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/octet-stream"
        assert int(request.url.params["offset"]) == sum(map(len, parts))
        parts.append(request.content)
        return httpx.Response(200, json={"received": sum(map(len, parts))})

    found = {"id": ID, "kind": "archive", "rooms": [room("agent")], "detail": "", "left_out": ["agent: one"]}
    oa.answers |= {
        "POST /api/session": {},
        "POST /api/data/import": {"id": ID},
        f"PUT /api/data/import/{ID}/content": take,
        f"POST /api/data/import/{ID}/start": {**found, "state": "checking", "rooms": []},
        "GET /api/data/import": {**found, "state": "done"},
    }
    ran = oa("data", "import", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, b"".join(parts), len(parts)) == (1, BODY, 3)
    assert "Taken in: an archive of Open Assistant, 2 files." in ran.err
    assert "Left out, agent: one" in ran.err


def test_what_is_refused_says_why(oa: Terminal, tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(b"x")
    found = {"id": ID, "kind": "", "state": "refused", "rooms": [], "detail": "It is damaged.", "left_out": []}
    oa.answers |= {
        "POST /api/session": {},
        "POST /api/data/import": {"id": ID},
        f"PUT /api/data/import/{ID}/content": {"received": 1},
        f"POST /api/data/import/{ID}/start": found,
    }
    ran = oa("data", "import", str(tmp_path / "all.zip"), "--user", "ada", piped="planted\n")
    assert (ran.code, ran.err.strip()) == (1, "It is damaged.")
    assert oa("data", "import", str(tmp_path / "none.zip"), "--user", "ada", piped="planted\n").code == 1
