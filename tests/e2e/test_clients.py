"""Official clients of the doors for machines, unmodified, with a token: whole turns, and an approval in each."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import openai
import pytest
from ag_ui_validate.pytest_plugin import assert_valid_agui

from tests.e2e.events import Event, read_events
from tests.e2e.npm import Clients
from tests.e2e.stack import Person, Stack
from tests.e2e.test_story import QUESTION, connect_everything, lease_events
from tests.peers.house import House
from tests.peers.script import Script, Step

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

THREAD = "a-thread-of-the-client"
LINK = re.compile(r"(http://\S+)/approvals#([0-9a-f]{32})")


@pytest.fixture(scope="session")
def clients() -> Clients:
    """What comes from npm, installed once."""
    return Clients()


@pytest.fixture
def ready(ada: Person, house: House) -> Person:
    """The owner with her mail and her calendar."""
    connect_everything(ada, house)
    return ada


def token(ada: Person, *scopes: str) -> str:
    made = ada.http.post("/api/tokens", json={"name": "a client", "scopes": scopes, "expires_in_days": 1})
    made.raise_for_status()
    return str(made.json()["token"])


def decide_all(ada: Person, words: str) -> str:
    """Says yes to whatever an answer links to, and waits for the end; the conversation's id."""
    waiting = [ada.get(f"/api/approvals/{found}") for _, found in LINK.findall(words)]
    assert {base for base, _ in LINK.findall(words)} == {str(ada.http.base_url).rstrip("/")}
    assert {each["connector"] for each in waiting} == {"mail", "caldav"}
    (conversation,) = {each["conversation"] for each in waiting}
    ada.settle(conversation)
    return str(conversation)


def is_told(house: House) -> bool:
    """Whether the story has come to its end, once."""
    return len(house.smtp.sent) == 1 and len(lease_events(house)) == 1


# --- OpenAI ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [True, False])
def test_the_openai_client_for_python_asks_waits_for_a_decision_and_goes_on(
    ready: Person, stack: Stack, house: House, *, streamed: bool
) -> None:
    client = openai.OpenAI(
        base_url=f"{stack.url}/v1", api_key=token(ready, "chat"), http_client=httpx.Client(trust_env=False)
    )
    with client:
        words = said(client, [{"role": "user", "content": QUESTION}], streamed=streamed)
        assert house.smtp.sent == ()
        conversation = decide_all(ready, words)
        assert is_told(house)
        history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": words}]
        said(client, [*history, {"role": "user", "content": "Thank you."}], streamed=streamed)
    messages = ready.get(f"/api/conversations/{conversation}")["messages"]
    assert [each["text"] for each in messages if each["role"] == "user"] == [QUESTION, "Thank you."]
    assert is_told(house)


def said(client: openai.OpenAI, messages: list[Any], *, streamed: bool) -> str:
    """The whole answer, taken as a client takes it."""
    model = next(iter(client.models.list())).id
    if not streamed:
        answer = client.chat.completions.create(model=model, messages=messages)
        return str(answer.choices[0].message.content)
    with client.chat.completions.stream(model=model, messages=messages) as stream:
        return str(stream.get_final_completion().choices[0].message.content)


@pytest.mark.parametrize("mode", ["stream", "whole"])
def test_the_openai_client_for_javascript_does_the_same(
    ready: Person, stack: Stack, house: House, clients: Clients, mode: str
) -> None:
    given = (f"{stack.url}/v1", token(ready, "chat"), mode)
    first = clients.run("openai.mjs", *given, "[]", QUESTION)
    assert (first["model"], first["finish"]) == ("open-assistant", "stop")
    assert first["usage"]["total_tokens"] > 0
    assert house.smtp.sent == ()
    conversation = decide_all(ready, first["content"])
    assert is_told(house)
    clients.run("openai.mjs", *given, json.dumps(first["messages"]), "Thank you.")
    messages = ready.get(f"/api/conversations/{conversation}")["messages"]
    assert [each["text"] for each in messages if each["role"] == "user"] == [QUESTION, "Thank you."]


def test_an_answer_comes_to_its_end_although_the_agent_dies_in_the_middle(
    ada: Person, stack: Stack, house: House
) -> None:
    house.model.script = Script([Step(prose=40, delay=0.2, times=1), Step(say="Here it is, whole.")])
    client = openai.OpenAI(
        base_url=f"{stack.url}/v1", api_key=token(ada, "chat"), http_client=httpx.Client(trust_env=False)
    )
    heard: list[str] = []
    with client:
        stream = client.chat.completions.create(
            model="open-assistant", messages=[{"role": "user", "content": "Tell me something."}], stream=True
        )
        for chunk in stream:
            heard.append(chunk.choices[0].delta.content or "")
            if len(heard) == 5:
                stack.kill_room("agent")
    assert "".join(heard).endswith("Here it is, whole.")


# --- AG-UI ----------------------------------------------------------------------------------------------------------


def test_the_client_of_ag_ui_asks_decides_and_has_the_whole_conversation(
    ready: Person, stack: Stack, house: House, clients: Clients
) -> None:
    mine = token(ready, "chat", "approve")
    told = clients.run("agui.mjs", f"{stack.url}/api/agui", mine, THREAD, QUESTION, "approve")
    assert [run["errors"] for run in told["runs"]] == [[]] * len(told["runs"])
    assert len(told["runs"][0]["interrupts"]) == 2
    assert told["pending"] == []
    assert "Friday" in told["messages"][-1]["content"]
    assert is_told(house)
    granted = [each for each in ready.ledger() if each["action"] == "approval.granted"]
    (listed,) = ready.get("/api/tokens")
    assert [each["content"]["token"] for each in granted] == [listed["id"]] * 2


def test_a_no_of_the_client_of_ag_ui_is_a_no(ready: Person, stack: Stack, house: House, clients: Clients) -> None:
    mine = token(ready, "chat", "approve")
    told = clients.run("agui.mjs", f"{stack.url}/api/agui", mine, THREAD, QUESTION, "deny")
    assert "did not send" in told["messages"][-1]["content"]
    assert house.smtp.sent == ()
    assert lease_events(house) == []


def test_a_client_that_may_not_decide_is_stopped_at_the_decision(ready: Person, stack: Stack, house: House) -> None:
    headers = {"Authorization": f"Bearer {token(ready, 'chat')}"}
    asked = run(stack, headers, "run-1", messages=[{"id": "m1", "role": "user", "content": QUESTION}])
    resume = [
        {"interruptId": each["id"], "status": "resolved", "payload": {"approved": True}}
        for each in asked[-1].interrupts
    ]
    with pytest.raises(httpx.HTTPStatusError) as refused:
        run(stack, headers, "run-2", resume=resume)
    assert refused.value.response.status_code == 403
    assert house.smtp.sent == ()


def test_the_validator_of_ag_ui_finds_nothing_in_our_streams(ready: Person, stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {token(ready, 'chat', 'approve')}"}
    asked = run(stack, headers, "run-1", messages=[{"id": "m1", "role": "user", "content": QUESTION}])
    assert_valid_agui([each.data for each in asked], max_warnings=0)
    resume = [
        {"interruptId": each["id"], "status": "resolved", "payload": {"approved": True}}
        for each in asked[-1].interrupts
    ]
    resumed = run(stack, headers, "run-2", resume=resume)
    assert_valid_agui([each.data for each in [*asked, *resumed]], max_warnings=0)
    thanked = ready.say(ready.converse(), "Thank you.")
    assert_valid_agui([each.data for each in thanked], max_warnings=0)


def run(stack: Stack, headers: dict[str, str], run_id: str, **more: Any) -> list[Event]:
    """The events of one run, as a client without a cookie gets them."""
    body = {"threadId": THREAD, "runId": run_id, "messages": [], "state": {}, "tools": [], "context": [], **more}
    with (
        httpx.Client(base_url=stack.url, headers=headers, trust_env=False, timeout=60) as client,
        client.stream("POST", "/api/agui", json=body) as answer,
    ):
        answer.raise_for_status()
        return list(read_events(answer.iter_lines()))
