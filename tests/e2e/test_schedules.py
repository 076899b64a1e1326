"""A schedule runs at its time in the whole house, once, also where a room is killed at that moment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_terminal import Terminal
from tests.peers.model import ModelServer
from tests.peers.script import Script, Step

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ExitStack() as opened:
        yield opened.enter_context(ModelServer(Script(otherwise=Step(say="Good morning, Ada."))))


@pytest.fixture(scope="module")
def stack(model: ModelServer) -> Iterator[Stack]:
    with Stack(model=model) as stack:
        yield stack


@pytest.fixture
def ada(stack: Stack) -> Iterator[Person]:
    with stack.sign_in() as person:
        yield person


def make(ada: Person, due: datetime, **changes: Any) -> dict[str, Any]:
    draft = {
        "name": "Morning", "prompt": "Say good morning.", "starts": due.replace(tzinfo=None).isoformat(), "zone": "UTC",
        **changes,
    }  # fmt: skip
    made = ada.http.post("/api/schedules", json=draft)
    assert made.status_code == 201, made.text
    return dict(made.json())


def finished(ada: Person, schedule: str, seconds: float = 90) -> dict[str, Any]:
    """The schedule once its only run has finished."""

    def look() -> dict[str, Any] | None:
        answer = ada.http.get("/api/schedules")
        if answer.is_error:
            return None  # the gateway is on its way back
        [shown] = [each for each in answer.json() if each["id"] == schedule]
        return shown if [each["state"] for each in shown["runs"]] == ["finished"] else None

    return until(look, seconds=seconds, what="the run")


def soon(seconds: float) -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


@pytest.mark.parametrize("killed", ["", "gateway", "agent", "audit"])
def test_it_runs_once_at_its_time_whichever_room_is_killed_then(
    stack: Stack, ada: Person, model: ModelServer, killed: str
) -> None:
    due = soon(5)
    made = make(ada, due)
    if killed:
        pid = stack.room(killed)
        time.sleep(max((due - datetime.now(UTC)).total_seconds(), 0))
        os.kill(pid, signal.SIGKILL)
        until(lambda: stack.runs_anew(killed, pid) or None, seconds=60, what=f"a new process of {killed}")
        until(lambda: stack.ready() or None, seconds=60, what="readiness")
    shown = finished(ada, made["id"])
    assert [each["due_at"] for each in shown["runs"]] == [due.isoformat().replace("+00:00", "Z")]
    view = ada.get(f"/api/conversations/{shown['conversation']}")
    assert view["title"] == "Morning"
    assert [each["text"] for each in view["messages"] if each["role"] == "user"] == ["Say good morning."]
    began = [each for each in ada.ledger() if (each["content"] or {}).get("schedule") == made["id"]]
    assert [each["action"] for each in began] == ["schedule.signed", "turn.started"]
    assert ada.verify()["ok"]
    ada.http.delete(f"/api/schedules/{made['id']}").raise_for_status()


def test_what_came_due_while_the_house_was_off_is_made_up_for_once_or_left_out(stack: Stack, ada: Person) -> None:
    late = make(ada, soon(3), name="Late")
    stack.halt()
    time.sleep(4)
    stack.launch()
    with stack.sign_in() as again:
        assert finished(again, late["id"])["runs"][0]["state"] == "finished"


def test_what_is_remembered_is_there_in_the_next_conversation_and_after_a_restart(
    stack: Stack, ada: Person, model: ModelServer
) -> None:
    with stack.sign_in() as me:
        me.http.post("/api/memories", json={"text": "My sister is called Mia."}).raise_for_status()
        stack.kill_room("gateway")
        until(lambda: stack.ready() or None, seconds=60, what="readiness")
        model.forget()
        me.say(me.converse(), "Who is coming?")
        asked = model.requests[0].ask
        assert '- "My sister is called Mia." (the person\'s own words' in asked.user_text
        assert "Mia" not in asked.system_text
        [memory] = me.get("/api/memories", words="sister")
        me.http.delete(f"/api/memories/{memory['id']}").raise_for_status()
        model.forget()
        me.say(me.converse(), "Who is coming?")
        assert "Mia" not in model.requests[0].ask.user_text


def test_both_are_looked_after_from_a_terminal(stack: Stack, tmp_path: Path) -> None:
    with stack.sign_in() as me:
        draft = {"name": "Terminal", "scopes": ["chat", "approve"], "expires_in_days": 1, "password": OWNER_PASSWORD}
        token = me.http.post("/api/tokens", json=draft).json()["token"]
        made = make(me, soon(3600), rule="FREQ=DAILY")
    oa = Terminal(tmp_path)
    oa.env |= {"OA_URL": stack.url, "OA_TOKEN": token}
    assert "Morning" in oa("schedules", "list")
    for command in ("pause", "resume", "run"):
        oa("schedules", command, made["id"])
    [shown] = [each for each in oa.json("schedules", "list") if each["id"] == made["id"]]
    assert (shown["paused"], len(shown["runs"])) == (False, 1)
    oa("schedules", "remove", made["id"][-8:])
    oa("memory", "add", "My brother is called Ben.")
    [memory] = oa.json("memory", "list", "--search", "brother")
    assert (memory["origin"], memory["tainted"]) == ("owner", False)
    oa("memory", "forget", memory["id"])
    assert oa.json("memory", "list") == []
