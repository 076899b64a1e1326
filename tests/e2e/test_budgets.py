"""A model that runs away in a real house: it ends at a limit with what it has, and no limit is passed by a crash."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.events import answer_text
from tests.e2e.stack import Person, Stack, until
from tests.peers.model import ModelServer
from tests.peers.script import Script, Step, ToolCall

pytestmark = [pytest.mark.e2e]

FOREVER = Step(calls=[ToolCall("notes_search", {"text": "lease"})], times=None)
LAST = Step(say="Nothing was found so far.", when=lambda ask: "its last step" in ask.system_text)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer(Script([LAST], otherwise=FOREVER)) as model:
        yield model


@pytest.fixture
def stack(model: ModelServer) -> Iterator[Stack]:
    with Stack(model=model) as stack:
        yield stack


@pytest.fixture
def ada(stack: Stack) -> Iterator[Person]:
    with stack.sign_in() as person:
        yield person


def limit(ada: Person, **limits: int) -> dict[str, Any]:
    answer = ada.http.put("/api/usage/limits", json={"limits": limits, "zone": "Europe/Berlin"})
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def day(ada: Person) -> dict[str, Any]:
    found: dict[str, Any] = ada.get("/api/usage")["periods"][0]["tokens"]
    return found


def settled(ada: Person) -> dict[str, Any]:
    """The day's tokens once no turn holds any."""
    return until(lambda: ((found := day(ada))["held"] == 0 and found) or None, seconds=20, what="the reports")


def test_a_runaway_ends_with_what_it_has_and_the_usage_says_what_it_cost(ada: Person, model: ModelServer) -> None:
    assert limit(ada, model_calls=4)["limits"]["model_calls"] == 4
    events = ada.say(ada.converse(), "Find the lease")
    said = answer_text(events)
    assert events[-1].type == "RUN_FINISHED"
    assert said.startswith("Nothing was found so far.")
    assert "Stopped at a limit" in said
    assert len(model.requests) == 4
    assert all(0 < each.ask.body["max_tokens"] <= 16_384 for each in model.requests)
    settled(ada)
    usage = ada.get("/api/usage")
    [row] = usage["rows"]
    assert (row["calls"], row["estimated"], row["model"], row["micro"]) == (4, 0, model.name, 0)
    assert row["input_tokens"] + row["output_tokens"] == usage["periods"][0]["tokens"]["spent"] > 0
    assert usage["zone"] == "Europe/Berlin"
    assert "limits.changed" in [each["action"] for each in ada.ledger()]


def test_a_day_that_is_spent_says_so_at_every_door(ada: Person, stack: Stack, model: ModelServer) -> None:
    conversation = ada.converse()
    limit(ada, day_tokens=0)
    refused = ada.http.post(f"/api/conversations/{conversation}/messages", json={"text": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (429, "budget_spent")
    assert int(refused.headers["Retry-After"]) <= 25 * 3600
    made = ada.http.post("/api/tokens", json={"name": "desk", "scopes": ["chat"], "expires_in_days": 7}).json()
    with httpx.Client(
        base_url=stack.url, headers={"Authorization": f"Bearer {made['token']}"}, trust_env=False
    ) as client:
        body = {"model": "open-assistant", "messages": [{"role": "user", "content": "Hello"}]}
        answer = client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "insufficient_quota"
        assert answer.headers["X-Should-Retry"] == "false"
        run = {"threadId": conversation, "runId": "r", "messages": [{"id": "m", "role": "user", "content": "Hello"}]}
        empty: dict[str, Any] = {"state": {}, "tools": [], "context": [], "forwardedProps": {}}
        assert client.post("/api/agui", json=run | empty).status_code == 429
        assert client.put("/api/usage/limits", json={"limits": {}}).status_code == 403
        assert client.get("/api/usage").status_code == 200
    assert not model.requests


def test_many_answers_at_once_do_not_go_beyond_the_day(ada: Person, model: ModelServer) -> None:
    limit(ada, day_tokens=60_000)
    conversations = [ada.converse() for _ in range(6)]

    def say(conversation: str) -> int:
        return ada.http.post(f"/api/conversations/{conversation}/messages", json={"text": "Find the lease"}).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(say, conversations))
    assert set(codes) <= {202, 429}
    assert 202 in codes
    found = settled(ada)
    assert 0 < found["spent"] <= 60_000
    counted = [each.ask.body for each in model.requests]
    assert len(counted) > 2


def test_what_was_reserved_when_the_agent_was_killed_stays_counted(ada: Person, stack: Stack) -> None:
    with ModelServer(Script([Step(prose=400, delay=0.1)], otherwise=Step(say="Here it is."))) as slow:
        draft = {"kind": "openai", "model": slow.name, "base_url": slow.url}
        ada.http.put("/api/model", json=draft).raise_for_status()
        until(lambda: (not ada.get("/api/model")["current"]["tools"]["testing"]) or None, seconds=30, what="the test")
        conversation = ada.converse()
        ada.say_and_leave(conversation, "Tell me much")
        until(lambda: slow.requests or None, seconds=20, what="the question")
        [asked] = slow.requests
        before = stack.room("agent")
        stack.kill_room("agent")
        until(lambda: stack.runs_anew("agent", before) or None, seconds=60, what="a new agent")
        view = ada.settle(conversation, seconds=60)
        assert view["messages"][-1]["text"].strip() == "Here it is."
        found = settled(ada)
        assert found["spent"] > asked.ask.body["max_tokens"]
        [row] = [each for each in ada.get("/api/usage")["rows"] if each["model"] == slow.name]
        assert (row["calls"], row["estimated"]) == (2, 1)
