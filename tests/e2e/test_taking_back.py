"""What an account holds is taken back before it goes out, and a change by a call of its own, from one list."""

from __future__ import annotations

import pytest

from tests.e2e.stack import Stack, until
from tests.e2e.test_story import QUESTION, connect_everything, lease_events
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


def test_a_mail_in_its_hold_and_an_event_are_taken_back(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        [account] = [each for each in ada.get("/api/accounts") if each["connector"] == "mail"]
        assert account["hold"] == {"seconds": 0.0, "chosen": False}
        for wrong in (-1, 601):
            answer = ada.http.put(f"/api/accounts/{account['id']}/hold", json={"seconds": wrong})
            assert answer.status_code == 422
        answer = ada.http.put(f"/api/accounts/{account['id']}/hold", json={"seconds": 300})
        assert answer.raise_for_status().json()["hold"] == {"seconds": 300.0, "chosen": True}
        conversation = ada.converse()
        ada.say(conversation, QUESTION)
        for each in ada.pending(conversation):
            ada.decide(each["id"], "approve")
        until(lambda: lease_events(house) or None, seconds=60, what="the event")

        def both() -> list[dict[str, str]] | None:
            found: list[dict[str, str]] = ada.get("/api/undoable")
            return found if {each["kind"] for each in found} == {"held", "done"} else None

        held, done = until(both, seconds=30, what="both in the list")
        assert (held["kind"], held["tool"], done["tool"]) == ("held", "messages_reply", "events_create")
        taken = ada.http.post(f"/api/undoable/{held['call_id']}").raise_for_status().json()
        assert taken["taken_back"] is True
        ada.settle(conversation)
        assert list(house.smtp.sent) == []
        undoing = ada.http.post(f"/api/undoable/{done['call_id']}").raise_for_status().json()
        assert (undoing["taken_back"], undoing["conversation"]) == (False, conversation)
        ada.settle(conversation)
        assert lease_events(house) == []
        assert ada.get("/api/undoable") == []
        assert [each["tool"] for each in ada.ledger() if each["action"] == "tool.finished"][-1] == "actions_undo"
        assert ada.verify()["ok"]
