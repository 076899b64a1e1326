"""Whatever dies while somebody, or a part, is being erased: after the restart it is finished by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e import files
from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_erasing_parts import lies
from tests.e2e.test_story import connect_everything
from tests.peers.house import House, open_house

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.slow]

ROOMS = ("vault", "agent", "audit", "mail", "gateway")
PASSWORD = "not-a-real-password-of-a-guest"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=60)


@pytest.fixture(scope="module")
def stack(house: House) -> Iterator[Stack]:
    with Stack(model=house.model) as stack:
        with stack.sign_in() as ada:
            connect_everything(ada, house)
        yield stack


def frozen(stack: Stack, room: str) -> int:
    """The process of a room, which answers nobody from now on and does not know it."""
    pid = stack.room(room)
    os.kill(pid, signal.SIGSTOP)
    return pid


def accepted(person: Person, path: str, body: dict[str, Any]) -> None:
    answer = person.http.post(path, json=body, timeout=60)
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_that_is_killed_at_its_part_of_an_erasing_does_it_afterwards(
    stack: Stack, house: House, room: str
) -> None:
    guest, of_guest, of_ada = f"guest-{room}", f"planted-guest-{room}", f"planted-ada-{room}"
    stack.add_person(guest, PASSWORD)
    with Person(stack.url, guest, PASSWORD) as person, stack.sign_in() as ada:
        person.connect(house.calendar_account())
        person.say(person.converse(), f"Say {of_guest}")
        user = person.get("/api/session")["user"]["id"]
        conversation = ada.converse()
        ada.say(conversation, f"Say {of_ada}")
        part = {"what": "conversation", "conversation": conversation, "memories": True}
        before = stack.room(room)
        if room in (
            "vault",
            "mail",
        ):  # neither is asked anything before an erasing begins, so its part is open for sure
            frozen(stack, room)
        accepted(ada, "/api/data/erasing", {"part": part, "password": OWNER_PASSWORD})
        if room == "agent":
            frozen(stack, room)
        accepted(person, "/api/data/erase", {"password": PASSWORD})
        os.kill(before, signal.SIGKILL)
        until(lambda: stack.runs_anew(room, before) or None, seconds=60, what=f"a new process of {room}")
        until(lambda: stack.ready() or None, seconds=60, what="readiness")
    with stack.sign_in() as ada:
        until(lambda: not ada.get("/api/data/erasing") or None, seconds=150, what="the end of the erasings")
        assert user not in {each.stem for each in stack.data_dir.rglob("users/*.db")}
        assert ada.verify()["ok"]
    stack.halt()
    assert user not in files.users(stack.data_dir)
    assert lies(files.pages(stack.data_dir), of_guest, of_ada) == set()
    stack.launch()
