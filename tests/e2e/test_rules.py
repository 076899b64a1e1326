"""What was allowed beforehand happens without a question, to those people alone, and can be ended."""

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


def asked_for(ada: Person, conversation: str) -> dict[str, str]:
    """What waits in a conversation: approval ids by tool."""
    waiting = until(lambda: ada.pending(conversation) or None, seconds=60, what="a question")
    return {each["tool"]: each["id"] for each in waiting}


def test_an_answer_that_is_allowed_beforehand_goes_out_without_a_card_until_that_is_revoked(
    stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    first = ada.converse()
    ada.say(first, QUESTION)
    made = ada.http.post("/api/rules", json={"approval": asked_for(ada, first)["messages_reply"], "lasts": "month"})
    assert made.status_code == 201, made.text
    rule = made.json()
    assert (rule["people"], rule["place"]) == (["Carol Meyer <carol@example.org>"], "ada@home.example")
    assert not house.smtp.sent  # a rule decides nothing of what waits
    ada.settle(first)
    assert len(house.smtp.sent) == 1

    second = ada.converse()
    ada.say(second, QUESTION)
    assert set(asked_for(ada, second)) == {"events_create"}
    ada.settle(second)
    assert [mail.recipients for mail in house.smtp.sent] == [("carol@example.org",)] * 2
    [entry] = [each for each in ada.ledger() if each["action"] == "policy.decided" and each["tool"] == "messages_reply"]
    assert entry["content"]["rule"] == rule["id"]
    assert entry["content"]["preview"]["destinations"][0]["value"] == "carol@example.org"
    assert [each["uses"] for each in ada.get("/api/rules")] == [1]

    stack.kill_room("gateway")
    until(lambda: stack.ready() or None, seconds=60, what="readiness")
    ada.http.delete(f"/api/rules/{rule['id']}").raise_for_status()
    third = ada.converse()
    ada.say(third, QUESTION)
    assert "messages_reply" in asked_for(ada, third)
    ada.settle(third, "deny")
    assert len(house.smtp.sent) == 2
    assert ada.verify()["ok"]
