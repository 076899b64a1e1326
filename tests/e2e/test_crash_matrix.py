"""kill -9 of every room, and of the bus, at every moment that matters: no turn lost, no act twice, no false claim.

One house lives through the whole matrix; each cell is one turn of its own, with its room killed once.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION, connect_everything, lease_events
from tests.peers.house import House, open_house
from tests.peers.process import PeerError
from tests.peers.smtp import Faults

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.slow]

ROOMS = ("gateway", "agent", "vault", "audit", "mail", "caldav", "bus")
MAILS = 3_000

Kill = Callable[[], None]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=MAILS)


@pytest.fixture(scope="module")
def stack(house: House) -> Iterator[Stack]:
    with Stack(model=house.model) as stack:
        with stack.sign_in() as ada:
            connect_everything(ada, house)
        yield stack


@pytest.fixture
def ada(stack: Stack) -> Iterator[Person]:
    with stack.sign_in() as person:
        yield person


class Killer:
    """Kills one room once, and waits until another process has its place."""

    def __init__(self, stack: Stack, room: str) -> None:
        self._stack, self._room, self._before = stack, room, stack.room(room)

    def kill(self) -> None:
        self._stack.kill_room(self._room)

    def wait(self) -> None:
        anew = lambda: self._stack.runs_anew(self._room, self._before) or None  # noqa: E731 - named for the reader
        until(anew, seconds=60, what=f"a new process of {self._room}")
        time.sleep(1.1)  # readiness is asked at most once a second: what is heard now was asked after the kill
        until(lambda: self._stack.ready() or None, seconds=90, what="readiness")


def mail_waiting(ada: Person, conversation: str) -> str:
    def look() -> str | None:
        return next((str(each["id"]) for each in ada.pending(conversation) if each["connector"] == "mail"), None)

    try:
        return until(look, seconds=60, what="the question about the mail")
    except PeerError as error:
        raise PeerError(f"{error}: {ada.get(f'/api/conversations/{conversation}')}") from error


def decide_aside(ada: Person, conversation: str) -> threading.Thread:
    """Approves the mail from a thread; the answer to that may die with the gateway."""
    approval = mail_waiting(ada, conversation)

    def decide() -> None:
        with contextlib.suppress(httpx.HTTPError):
            ada.decide(approval, "approve")

    thread = threading.Thread(target=decide)
    thread.start()
    return thread


def at_tool_start(ada: Person, house: House, conversation: str, kill: Kill) -> None:
    ada.say_and_leave(conversation, QUESTION)
    running = (
        event
        for event in ada.follow(conversation)
        if event.type == "CUSTOM" and event.data["value"].get("state") in {"running", "done"}
    )
    next(running)
    kill()


def at_approval(ada: Person, house: House, conversation: str, kill: Kill) -> None:
    ada.say(conversation, QUESTION)
    thread = decide_aside(ada, conversation)
    kill()
    thread.join(timeout=60)


def at_send(ada: Person, house: House, conversation: str, kill: Kill) -> None:
    ada.say(conversation, QUESTION)
    taken = house.smtp.taking
    house.smtp.faults = Faults(slow=2.0, times=1)
    thread = decide_aside(ada, conversation)
    until(lambda: house.smtp.taking > taken or None, seconds=60, what="the mail on its way")
    kill()
    thread.join(timeout=60)


def at_outcome(ada: Person, house: House, conversation: str, kill: Kill) -> None:
    ada.say(conversation, QUESTION)
    sent = len(house.smtp.sent)
    house.smtp.faults = Faults(late=0.5, times=1)
    thread = decide_aside(ada, conversation)
    house.smtp.wait_for(sent + 1, seconds=60)
    kill()
    thread.join(timeout=60)


MOMENTS = {"tool start": at_tool_start, "approval": at_approval, "send": at_send, "outcome": at_outcome}


def outcomes(view: dict[str, Any]) -> dict[str, str]:
    return {call["tool"]: call["state"] for message in view["messages"] for call in message["calls"]}


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_turn_ends_and_claims_what_was_done(stack: Stack, house: House, ada: Person, moment: str, room: str) -> None:
    sent, written = len(house.smtp.sent), len(lease_events(house))
    killer, conversation = Killer(stack, room), ada.converse()
    MOMENTS[moment](ada, house, conversation, killer.kill)
    killer.wait()
    final = ada.settle(conversation, seconds=240)
    time.sleep(0.5)  # a second mail would come by itself: there is nothing to wait for but time
    states = outcomes(final)
    assert final["messages"][0]["role"] == "user"
    assert final["messages"][-1]["text"] or final["messages"][-1]["error"]
    assert (states.get("messages_reply"), len(house.smtp.sent) - sent) in {
        ("done", 1),
        ("unknown", 1),
        ("unknown", 0),
        ("failed", 0),
        (None, 0),
    }
    assert (states.get("events_create"), len(lease_events(house)) - written) in {
        ("done", 1),
        ("unknown", 1),
        ("unknown", 0),
        ("failed", 0),
        (None, 0),
    }
    assert ada.verify()["ok"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_first_sync_comes_to_its_end(stack: Stack, house: House, ada: Person, room: str) -> None:
    for account in ada.get("/api/accounts"):
        ada.http.delete(f"/api/accounts/{account['id']}").raise_for_status()
    made = ada.try_connect(house.mail_account()).raise_for_status().json()

    def under_way() -> dict[str, Any] | None:
        sync: dict[str, Any] = ada.get(f"/api/accounts/{made['id']}")["sync"] or {}
        return sync if sync.get("state") == "running" and sync.get("done") else None

    until(under_way, seconds=60, what="a sync under way")
    killer = Killer(stack, room)
    killer.kill()
    killer.wait()

    def finished() -> dict[str, Any] | None:
        sync: dict[str, Any] = ada.get(f"/api/accounts/{made['id']}")["sync"] or {}
        return sync if sync.get("state") == "idle" and sync.get("finished_at") else None

    until(finished, seconds=240, what="the end of the sync")
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    assert outcomes(ada.settle(conversation, "deny"))["messages_search"] == "done"
    assert ada.verify()["ok"]
