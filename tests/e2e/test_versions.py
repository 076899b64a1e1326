"""A conversation that branches, in a real house: nothing is lost or done twice, and the same is shown everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_moving import archive, bring
from tests.e2e.test_rules import asked_for
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House
from tests.peers.model import ModelServer
from tests.peers.script import Script, Step


@pytest.fixture
def talker() -> Iterator[ModelServer]:
    steps = [Step(say=f"Answer {number}.") for number in range(12)]
    with ModelServer(Script(steps, otherwise=Step(say="Noted.", times=None))) as model:
        yield model


def texts(person: Person, conversation: str) -> list[str]:
    """What is shown, once nothing runs."""

    def look() -> list[str] | None:
        view = person.get(f"/api/conversations/{conversation}")
        return [each["text"].strip() for each in view["messages"]] if view["state"] == "idle" else None

    return until(look, seconds=60, what="the end of the answer")


def messages(person: Person, conversation: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/api/conversations/{conversation}")["messages"]
    return found


def anew(person: Person, conversation: str, message: str, what: str, **body: str) -> int:
    """Edits, retries or shows a message; the HTTP status."""
    path = f"/api/conversations/{conversation}/messages/{message}/{what}"
    return person.http.post(path, json=body or None).status_code


@pytest.mark.e2e
def test_a_conversation_branches_and_is_the_same_everywhere(talker: ModelServer) -> None:
    with Stack(model=talker) as stack:
        with stack.sign_in() as ada, stack.sign_in() as second:
            talk = ada.converse()
            ada.say(talk, "Find the lease")
            ada.say(talk, "And the key?")
            first, _, key, _ = messages(ada, talk)
            seen = ada.get(f"/api/conversations/{talk}")["last_event_id"]
            assert anew(ada, talk, first["id"], "edit", text="Find the loan") == 202
            assert texts(ada, talk) == ["Find the loan", "Answer 2."]
            told = second.follow(talk, after=seen, seconds=30)
            assert "oa.version" in (each.data.get("name") for each in told)
            assert texts(second, talk) == ["Find the loan", "Answer 2."]
            [edited, _] = messages(ada, talk)
            assert edited["versions"] == [first["id"], edited["id"]]
            assert "lease" not in json.dumps(talker.requests[-1].ask.messages[1:])
            assert ada.get("/api/conversations")[0]["title"] == "Find the loan"

            assert anew(second, talk, first["id"], "show") == 204
            assert texts(ada, talk) == ["Find the lease", "Answer 0.", "And the key?", "Answer 1."]
            assert ada.http.post(f"/api/conversations/{talk}/retry").status_code == 202
            assert texts(ada, talk)[-1] == "Answer 3."
            again = messages(ada, talk)[-1]
            assert len(again["versions"]) == 2
            assert anew(ada, talk, edited["id"], "show") == 204
            assert anew(ada, talk, first["id"], "show") == 204
            assert texts(ada, talk)[-1] == "Answer 3."
            hits = ada.get("/api/conversations/search", words="loan")["hits"]
            assert edited["id"] in [each["message"] for each in hits]
            assert anew(ada, talk, "f" * 32, "show") == 404
            assert anew(ada, talk, again["id"], "edit", text="Mine") == 404
            stack.halt()
            stack.launch()
        with stack.sign_in() as ada:
            assert texts(ada, talk) == ["Find the lease", "Answer 0.", "And the key?", "Answer 3."]
            assert ada.say(talk, "Thanks")
            assert texts(ada, talk)[-2:] == ["Thanks", "Answer 4."]
            asked = json.dumps(talker.requests[-1].ask.messages)
            assert ("Answer 1." in asked, "loan" in asked, "Answer 3." in asked) == (False, False, True)
            shown = texts(ada, talk)
            path = f"/api/conversations/{talk}/export"
            whole = json.loads(ada.http.get(path, params={"format": "json"}).content)
            assert len(whole["messages"]) == 9
            plain = ada.http.get(path).text
            assert ("Answer 3." in plain, "Answer 1." in plain, "loan" in plain) == (True, False, False)
            left = archive(ada)
    with Stack(model=talker) as other, other.sign_in() as ada:
        assert bring(ada, left)["state"] == "done"
        assert texts(ada, talk) == shown
        assert anew(ada, talk, edited["id"], "show") == 204
        assert texts(ada, talk) == ["Find the loan", "Answer 2."]
        assert key["text"] == "And the key?"


@pytest.mark.e2e
@pytest.mark.needs_dovecot
def test_what_waits_in_a_version_that_was_left_is_decided_there_and_done_once(
    stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    talk = ada.converse()
    ada.say(talk, QUESTION)
    reply = asked_for(ada, talk)["messages_reply"]
    before = messages(ada, talk)
    assert anew(ada, talk, before[0]["id"], "edit", text="hello") == 202
    assert texts(ada, talk) == ["hello", "Hello Ada. Ask me about your mail or your calendar."]
    waiting = {each["id"]: each for each in ada.pending(talk)}
    assert waiting[reply]["version"] in {each["id"] for each in before}
    ada.settle(talk)

    def sent() -> bool | None:
        return bool(house.smtp.sent) or None

    until(sent, seconds=60, what="the mail")
    assert texts(ada, talk)[0] == "hello"
    assert anew(ada, talk, before[0]["id"], "show") == 204

    def told() -> list[dict[str, Any]] | None:
        calls = [call for message in messages(ada, talk) for call in message["calls"]]
        done = [call for call in calls if call["tool"] == "messages_reply" and call["state"] == "done"]
        return done if texts(ada, talk)[-1].startswith("Carol wrote") else None

    assert len(until(told, seconds=60, what="the rest of the answer")) == 1
    ada.http.post(f"/api/conversations/{talk}/retry").raise_for_status()
    again = until(lambda: ada.pending(talk) or None, seconds=60, what="the questions of another version")
    assert {each["version"] for each in again} == {None}
    assert all("stays done" in each["reason"] for each in again)
    for each in again:
        ada.decide(each["id"], "deny")
    texts(ada, talk)
    assert len(house.smtp.sent) == 1
    receipts = ada.get(f"/api/conversations/{talk}/receipts")
    assert [each["state"] for each in receipts if each["tool"] == "messages_reply"] == ["done", "refused"]
    assert ada.verify()["ok"]
