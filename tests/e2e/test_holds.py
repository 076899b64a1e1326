"""What leaves the house is held for some seconds after a yes, and can be taken back in them."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_rules import asked_for
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


@pytest.fixture
def stack(house: House) -> Iterator[Stack]:
    """The running product, which holds what leaves for some seconds."""
    with Stack(model=house.model, env={"OA_SEND_HOLD_SECONDS": "6"}) as stack:
        yield stack


def yes(ada: Person, conversation: str) -> str:
    """Approves the mail of a conversation, which is then held; the approval."""
    approval = asked_for(ada, conversation)["messages_reply"]
    assert ada.decide(approval, "approve")["held_until"]
    return approval


def test_a_mail_is_taken_back_or_goes_out_once(stack: Stack, ada: Person, house: House) -> None:
    connect_everything(ada, house)
    first = ada.converse()
    ada.say(first, QUESTION)
    approval = yes(ada, first)
    busy = ada.http.post(f"/api/conversations/{first}/messages", json={"text": "And now?"})
    assert (busy.status_code, "about to be sent" in busy.json()["detail"]) == (409, True)
    assert ada.decide(approval, "deny")["state"] == "denied"
    final = ada.settle(first)
    states = {call["tool"]: call["state"] for message in final["messages"] for call in message["calls"]}
    assert (states["messages_reply"], states["events_create"]) == ("denied", "done")
    assert not house.smtp.sent

    second = ada.converse()
    ada.say(second, QUESTION)
    approval = yes(ada, second)
    for room in ("gateway", "agent"):
        stack.kill_room(room)
    until(lambda: stack.ready() or None, seconds=60, what="readiness")
    ada.settle(second)
    [sent] = house.smtp.sent
    assert sent.recipients == ("carol@example.org",)
    late = ada.http.post(f"/api/approvals/{approval}", json={"decision": "deny"})
    assert late.status_code == 409
    assert ada.verify()["ok"]
