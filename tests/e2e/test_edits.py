"""What waits is changed by its owner, and exactly what it became is done."""

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_rules import asked_for
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

MONDAY = "Hello Carol,\n\nI sign on Monday instead.\n\nAda"


def test_the_mail_that_leaves_is_the_one_that_its_owner_wrote(stack: Stack, ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    reply = asked_for(ada, conversation)["messages_reply"]
    before = ada.get(f"/api/approvals/{reply}")
    form = ada.get(f"/api/approvals/{reply}/form")
    assert set(form["parameters"]["properties"]) == set(form["arguments"]) == {"message", "text"}
    draft = {"arguments": form["arguments"] | {"text": MONDAY}, "seen": before["preview_digest"]}
    changed = ada.http.put(f"/api/approvals/{reply}/arguments", json=draft)
    assert changed.status_code == 200, changed.text
    assert changed.json()["preview"]["content"].strip() == MONDAY
    blind = ada.http.post(f"/api/approvals/{reply}", json={"decision": "approve", "seen": before["preview_digest"]})
    assert (blind.status_code, "Look at it again" in blind.json()["detail"]) == (409, True)
    refused = ada.http.put(
        f"/api/approvals/{reply}/arguments",
        json={"arguments": {"text": MONDAY}, "seen": changed.json()["preview_digest"]},
    )
    assert refused.status_code == 400, refused.text

    for room in ("gateway", "agent"):
        stack.kill_room(room)
    until(lambda: stack.ready() or None, seconds=60, what="readiness")
    assert not house.smtp.sent
    yes = {"decision": "approve", "seen": changed.json()["preview_digest"]}
    ada.http.post(f"/api/approvals/{reply}", json=yes).raise_for_status()
    final = ada.settle(conversation)
    [sent] = house.smtp.sent
    assert (sent.recipients, sent.text.strip()) == (("carol@example.org",), MONDAY)
    [call] = [each for message in final["messages"] for each in message["calls"] if each["tool"] == "messages_reply"]
    assert (call["state"], call["arguments"]["text"]) == ("done", MONDAY)
    told = [str(each) for each in house.model.requests[-1].ask.messages if each["role"] == "tool"]
    assert any("The owner changed this call before it ran." in each for each in told)
    actions = [each["action"] for each in ada.ledger() if each["tool"] == "messages_reply"]
    assert actions.count("approval.edited") == 1
    assert ada.verify()["ok"]
