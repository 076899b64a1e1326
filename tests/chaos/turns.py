"""One turn lived under faults, and what may and may not have come of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.chaos.faults import KINDS
from tests.e2e.stack import Person, Stack
from tests.e2e.test_story import QUESTION, lease_events
from tests.peers.house import House
from tests.peers.process import PeerError

__all__ = ["Lived", "judge", "live", "patiently"]

_PATIENCE = 240.0
_MOMENTS = ("asked", "decided")
_LATEST = {"asked": 1.5, "decided": 1.0}
"""Seconds after the moment within which a fault strikes: the steps of a turn take about that long."""
_NOTHING = {"failed", "denied", "absent"}


@dataclass
class Lived:
    """What was seen of one turn. `wrong` says what must not be; empty where all is well.

    `seconds` is how long after its last fault had ended everything was known and said.
    """

    faults: Sequence[str]
    acknowledged: bool = False
    states: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def live(stack: Stack, house: House, ada: Person, faults: Sequence[str], dice: Random) -> Lived:
    """Asks the story's question while these faults strike, says yes to all that is asked, and looks at the outcome."""
    lived = Lived(faults)
    sent, written = len(house.smtp.sent), len(lease_events(house))
    strikes = [(dice.choice(_MOMENTS), dice.random(), KINDS[each][1]) for each in faults]
    at = {moment: threading.Event() for moment in _MOMENTS}
    ends: list[float] = []

    def strike(moment: str, part: float, fault: Any) -> None:
        at[moment].wait()
        time.sleep(part * _LATEST[moment])
        fault(stack, house)
        ends.append(time.monotonic())

    threads = [threading.Thread(target=strike, args=each) for each in strikes]
    for thread in threads:
        thread.start()
    conversation = str(patiently(ada.converse))
    at["asked"].set()
    try:
        ada.say_and_leave(conversation, QUESTION)
        lived.acknowledged = True
    except httpx.HTTPError:
        at["decided"].set()
    view, known = _settled(ada, conversation, at["decided"]), time.monotonic()
    for thread in threads:
        thread.join()
    ended = max(ends, default=known)
    if ended > known:
        view, known = _settled(ada, conversation, at["decided"]), time.monotonic()
    lived.seconds = known - ended
    judge(lived, view, len(house.smtp.sent) - sent, len(lease_events(house)) - written)
    return lived


def patiently(ask: Any, *, seconds: float = _PATIENCE) -> Any:
    """What a request is answered with, once rooms that are away have come back; raises `PeerError` in the end."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500 or time.monotonic() > deadline:
                raise PeerError(f"refused: {error}") from error
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise PeerError(f"nobody answers: {error!r}") from error
        time.sleep(0.1)


def _settled(ada: Person, conversation: str, deciding: threading.Event) -> dict[str, Any]:
    """The conversation once nothing runs or waits in it; whatever it asks is granted."""
    deadline, last = time.monotonic() + _PATIENCE, ""
    while time.monotonic() < deadline:
        try:
            for each in ada.pending(conversation):
                deciding.set()
                ada.decide(each["id"], "approve")
            view: dict[str, Any] = ada.get(f"/api/conversations/{conversation}")
        except httpx.HTTPError as error:
            last = repr(error)
            time.sleep(0.1)
            continue
        last = str(view["state"])
        if view["state"] == "idle":
            deciding.set()
            return view
        time.sleep(0.05)
    raise PeerError(f"a turn that did not end: {conversation} ({last})")


def judge(lived: Lived, view: dict[str, Any], mails: int, events: int) -> None:
    """Notes what is wrong with a conversation of which so many mails and events came, by what it says itself."""
    messages = view["messages"]
    if lived.acknowledged and not any(each["role"] == "user" for each in messages):
        lived.wrong.append("a turn that was acknowledged is lost")
    if lived.acknowledged and not (messages and (messages[-1]["text"] or messages[-1]["error"])):
        lived.wrong.append("a turn ended without a word")
    calls = {call["tool"]: call["state"] for message in messages for call in message["calls"]}
    for tool, done in (("messages_reply", mails), ("events_create", events)):
        state = lived.states[tool] = calls.get(tool, "absent")
        fits = (
            (state == "done" and done == 1) or (state in _NOTHING and done == 0) or (state == "unknown" and done <= 1)
        )
        if not fits:
            lived.wrong.append(f"{tool} is said to be {state}, and was done {done} times")
