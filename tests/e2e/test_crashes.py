"""What the matrix of crashes leaves out: a mail lost on both sides, every room in turn, the bus without its store."""

import shutil
import time
from typing import Any

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything, lease_events
from tests.peers.house import House
from tests.peers.smtp import Faults

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.slow]

ROOMS = ("mail", "agent", "gateway", "caldav", "audit", "vault")


def waiting_mail(ada: Person, conversation: str) -> str:
    [mail] = [each for each in ada.pending(conversation) if each["connector"] == "mail"]
    return str(mail["id"])


def call_states(view: dict[str, Any]) -> dict[str, str]:
    return {call["tool"]: call["state"] for message in view["messages"] for call in message["calls"]}


def kill_and_wait(stack: Stack, room: str) -> None:
    """Kills a room and waits until another process has its place and every room answers."""
    before = stack.room(room)
    stack.kill_room(room)
    until(lambda: stack.runs_anew(room, before) or None, seconds=60, what=f"a new process of {room}")
    time.sleep(1.1)  # readiness is asked at most once a second: what is heard now was asked after the kill
    until(lambda: stack.ready() or None, seconds=60, what="readiness")


def test_a_mail_that_the_server_lost_with_the_connector_is_sent_once_or_said_to_be_unknown(
    stack: Stack, house: House
) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        conversation = ada.converse()
        ada.say(conversation, QUESTION)
        house.smtp.faults = Faults(slow=30.0, times=1)
        ada.decide(waiting_mail(ada, conversation), "approve")
        until(lambda: house.smtp.taking or None, seconds=30, what="the mail on its way")
        kill_and_wait(stack, "mail")
        final = ada.settle(conversation, seconds=240)
        state = call_states(final)["messages_reply"]
        assert (state, len(house.smtp.sent)) in {("done", 1), ("unknown", 0), ("failed", 0)}
        assert ada.verify()["ok"]


def test_an_approval_that_waits_survives_the_death_of_every_room(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        conversation = ada.converse()
        ada.say(conversation, QUESTION)
        approval = waiting_mail(ada, conversation)
        for room in ROOMS:
            kill_and_wait(stack, room)
        assert waiting_mail(ada, conversation) == approval
        final = ada.settle(conversation, seconds=240)
        assert set(call_states(final).values()) == {"done"}
        assert len(house.smtp.sent) == 1
        assert len(lease_events(house)) == 1
        assert ada.verify()["ok"]


def test_the_bus_may_lose_everything_that_it_stores(stack: Stack, house: House) -> None:
    with stack.sign_in() as ada:
        connect_everything(ada, house)
        conversation = ada.converse()
        asked = ada.say(conversation, QUESTION)
    stack.halt()
    shutil.rmtree(stack.data_dir / "bus" / "store")
    stack.launch()
    with stack.sign_in() as ada:
        assert [each["role"] for each in ada.get(f"/api/conversations/{conversation}")["messages"]][:1] == ["user"]
        first = next(ada.follow(conversation, after=asked[0].id))
        assert first.type == "MESSAGES_SNAPSHOT"
        final = ada.settle(conversation, seconds=240)
        assert set(call_states(final).values()) == {"done"}
        assert len(house.smtp.sent) == 1
        assert ada.verify()["ok"]
