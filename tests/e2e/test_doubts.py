"""A mail that vanished on its way is in doubt until its sender says what happened; he alone has it sent again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House
from tests.peers.smtp import Faults

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


def lost_mail(ada: Person, house: House) -> tuple[str, dict[str, Any]]:
    """A mail whose server hung up before it said yes or no: its conversation, and the doubt about it."""
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    house.smtp.faults = Faults(hang_up="lost", times=1)
    ada.settle(conversation)
    [doubt] = until(lambda: ada.get("/api/outcomes")["calls"] or None, seconds=30, what="the doubt")
    return conversation, doubt


def receipt(ada: Person, conversation: str, call: str) -> str:
    found = ada.get(f"/api/conversations/{conversation}/receipts")
    return next(str(each["state"]) for each in found if each["call_id"] == call)


def test_a_person_ends_the_doubt_and_a_new_question_sends_it_once(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        conversation, doubt = lost_mail(ada, house)
        call, sent = doubt["call_id"], len(house.smtp.sent)
        assert (doubt["conversation"], receipt(ada, conversation, call)) == (conversation, "unknown")
        path = f"/api/outcomes/{call}"
        looked = ada.http.post(path, json={"says": "look"}).raise_for_status().json()
        assert looked["state"] == "unknown"
        assert ada.http.post(f"{path}/again").status_code == 409
        said = ada.http.post(path, json={"says": "not_done"}).raise_for_status().json()
        assert (said["state"], said["by_person"]) == ("failed", True)
        assert ada.http.post(path, json={"says": "done"}).status_code == 409
        assert receipt(ada, conversation, call) == "dismissed"
        assert ada.get("/api/outcomes")["calls"] == []
        assert len(house.smtp.sent) == sent
        ada.http.post(f"{path}/again").raise_for_status()
        [asked] = until(lambda: ada.pending(conversation) or None, seconds=30, what="the new question")
        assert (asked["tool"], asked["call_id"] == call) == ("messages_reply", False)
        assert len(house.smtp.sent) == sent
        ada.settle(conversation)
        assert len(house.smtp.sent) == sent + 1
        [word] = [each for each in ada.ledger() if each["action"] == "outcome.settled"]
        assert (word["outcome"], word["room"], word["conversation"]) == ("not_done", "gateway", conversation)
        assert ada.verify()["ok"]


def test_what_its_sender_saw_in_the_sent_folder_is_not_sent_again(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        conversation, doubt = lost_mail(ada, house)
        said = ada.http.post(f"/api/outcomes/{doubt['call_id']}", json={"says": "done"}).raise_for_status().json()
        assert said["state"] == "done"
        assert receipt(ada, conversation, doubt["call_id"]) == "confirmed"
        assert ada.http.post(f"/api/outcomes/{doubt['call_id']}/again").status_code == 409
