"""What can be taken back is listed and taken back from a terminal; what needs a yes first says so."""

from __future__ import annotations

from typing import Any

from tests.cli.conftest import Terminal

HELD, DONE, TALK, TURN = "a" * 24 + "00000001", "b" * 24 + "00000002", "c" * 32, "d" * 32


def undoable(call: str, kind: str, at: str) -> dict[str, Any]:
    return {
        "call_id": call, "kind": kind, "verb": "Send a mail" if kind == "held" else "Move a mail",
        "subject": "The lease",
        "destinations": [], "at": at, "until": "2026-11-20T10:00:10Z",
    }  # fmt: skip


LIST = [undoable(HELD, "held", "2026-11-20T10:00:00Z"), undoable(DONE, "done", "2026-11-20T10:05:00Z")]


def test_without_an_id_it_lists_and_takes_back_nothing(oa: Terminal) -> None:
    oa.answers["GET /api/undoable"] = LIST
    ran = oa("undo")
    assert "Send a mail: The lease" in ran.out
    assert "00000002" in ran.out
    assert {request.method for request in oa.asked} == {"GET"}


def test_what_is_held_is_taken_back_at_once(oa: Terminal) -> None:
    oa.answers["GET /api/undoable"] = LIST
    oa.answers[f"POST /api/undoable/{HELD}"] = {"taken_back": True, "conversation": TALK, "turn": None}
    ran = oa("undo", "00000001")
    assert (ran.code, ran.err.strip()) == (0, "Taken back: Send a mail: The lease")


def following(oa: Terminal, state: str, receipt: str) -> Any:
    oa.answers["GET /api/undoable"] = LIST
    oa.answers[f"POST /api/undoable/{DONE}"] = {"taken_back": False, "conversation": TALK, "turn": TURN}
    oa.answers[f"GET /api/conversations/{TALK}"] = {"state": state}
    oa.answers[f"GET /api/conversations/{TALK}/receipts"] = [{"turn": TURN, "state": receipt}]
    return oa("undo", "last")


def test_the_last_is_the_newest_and_its_end_is_waited_for(oa: Terminal) -> None:
    assert following(oa, "idle", "done").code == 0


def test_what_waits_for_a_yes_or_failed_is_said_so(oa: Terminal) -> None:
    waits = following(oa, "waiting", "waiting")
    assert (waits.code, "oa approvals list" in waits.err) == (4, True)
    assert following(oa, "idle", "failed").code == 1


def test_nothing_to_take_back_is_no_success(oa: Terminal) -> None:
    oa.answers["GET /api/undoable"] = []
    assert oa("undo", "last").code == 1
    assert oa("undo", "00000009").code == 2
