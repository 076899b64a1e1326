"""The door for other clients of AG-UI, as one of them sees it: a run, its interrupts, a run that resumes."""

from typing import Any

import httpx
import pytest
from ag_ui.core import Event as AguiEvent
from pydantic import TypeAdapter

from tests.e2e.events import Event, answer_text, read_events
from tests.e2e.stack import Person
from tests.e2e.test_story import QUESTION, connect_everything, lease_events
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

THREAD = "a-thread-of-the-client"


def run(ada: Person, run_id: str, **more: Any) -> list[Event]:
    """The events of one run, each valid by the protocol's own types and under the client's ids."""
    body = {"threadId": THREAD, "runId": run_id, "messages": [], "state": {}, "tools": [], "context": [], **more}
    with ada.http.stream("POST", "/api/agui", json=body, timeout=60) as answer:
        answer.raise_for_status()
        events = list(read_events(answer.iter_lines()))
    for event in events:
        TypeAdapter(AguiEvent).validate_python(event.data)
    assert {each.data["runId"] for each in events if "runId" in each.data} == {run_id}
    assert {each.data["threadId"] for each in events if "threadId" in each.data} == {THREAD}
    assert (events[0].type, events[-1].type) == ("RUN_STARTED", "RUN_FINISHED")
    return events


def test_a_client_asks_is_interrupted_and_resumes(ada: Person, house: House) -> None:
    connect_everything(ada, house)
    asked = run(ada, "run-1", messages=[{"id": "m1", "role": "user", "content": QUESTION}])
    waiting = [each["id"] for each in asked[-1].interrupts]
    assert len(waiting) == 2
    assert house.smtp.sent == ()

    resume = [{"interruptId": each, "status": "resolved", "payload": {"approved": True}} for each in waiting]
    resumed = run(ada, "run-2", resume=resume)
    assert resumed[-1].interrupts == []
    assert "Friday" in answer_text(resumed)
    assert len(house.smtp.sent) == 1
    assert len(lease_events(house)) == 1


def test_without_a_session_the_door_is_shut(ada: Person) -> None:
    body = {"threadId": THREAD, "runId": "run-1", "messages": [{"id": "m1", "role": "user", "content": QUESTION}]}
    with httpx.Client(base_url=ada.http.base_url, trust_env=False) as stranger:
        answer = stranger.post("/api/agui", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")
