"""That what must not be is seen, and that a handful of faults is lived through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.turns import Lived, judge

ROOT = Path(__file__).parents[2]


def told(acknowledged: bool, mails: int, events: int, text: str = "Done.", **states: str) -> list[str]:
    calls: list[dict[str, Any]] = [{"tool": tool, "state": state} for tool, state in states.items()]
    lived = Lived([], acknowledged=acknowledged)
    asked: dict[str, Any] = {"role": "user", "text": "Tell her", "error": None, "calls": []}
    answer = {"role": "assistant", "text": text, "error": None, "calls": calls}
    judge(lived, {"messages": [asked, answer] if text else [answer]}, mails, events)
    return lived.wrong


def test_what_was_done_as_it_is_told_is_right() -> None:
    assert told(True, 1, 1, messages_reply="done", events_create="done") == []
    assert told(True, 1, 0, messages_reply="unknown", events_create="failed") == []
    assert told(True, 0, 0, messages_reply="unknown") == []
    assert told(False, 0, 0) == []


@pytest.mark.parametrize(
    ("mails", "states"),
    [(2, "done"), (0, "done"), (1, "failed"), (1, "denied"), (2, "unknown"), (1, "running"), (0, "waiting")],
)
def test_what_was_done_otherwise_than_it_is_told_is_seen(mails: int, states: str) -> None:
    [wrong] = told(True, mails, 0, messages_reply=states)
    assert wrong == f"messages_reply is said to be {states}, and was done {mails} times"


def test_a_lost_turn_and_one_without_a_word_are_seen() -> None:
    assert told(True, 0, 0, text="") == ["a turn that was acknowledged is lost", "a turn ended without a word"]


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.needs_dovecot
def test_a_handful_of_faults_is_lived_through() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--faults", "6", "--seed", "11"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "what must not be: 0" in ran.stdout
