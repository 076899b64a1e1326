"""Whatever dies while somebody, or a part, is being erased, and at whichever step: it is finished by itself."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.e2e import files
from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_erasing_parts import lies
from tests.e2e.test_story import connect_everything
from tests.e2e.trapped import COMMAND, FOLDER, Trap
from tests.peers.house import House, open_house
from tests.sdk.killing import EVERYWHERE

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.slow]

ROOMS = ("vault", "agent", "audit", "mail", "gateway")
PASSWORD = "not-a-real-password-of-a-guest"
SPARSE = {"gateway": 23}
"""Every how many of its steps a room is killed; 11 for those that are not named, which have fewer."""
MOST = 400
"""More steps than any room has."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=20)


@pytest.fixture(scope="module")
def stack(house: House) -> Iterator[Stack]:
    stack = Stack(model=house.model)
    stack.command = COMMAND
    stack.extend({FOLDER: str(stack.folder)})
    with stack:
        with stack.sign_in() as ada:
            connect_everything(ada, house)
            ada.lift_limits()
        yield stack


def said(person: Person, words: str) -> str:
    conversation = person.converse()
    person.say(conversation, f"Say {words}")
    return conversation


class Erased:
    """A guest who comes, says something and has himself erased, and Ada, who has a conversation erased meanwhile."""

    def __init__(self, stack: Stack, house: House, name: str) -> None:
        self.words = (f"planted-{name}-guest", f"planted-{name}-ada")
        self._stack, self._name = stack, name
        stack.add_person(name, PASSWORD)
        with Person(stack.url, name, PASSWORD) as guest, stack.sign_in() as ada:
            guest.connect(house.mail_account())
            said(guest, self.words[0])
            self.user = str(guest.get("/api/session")["user"]["id"])
            self.conversation = said(ada, self.words[1])

    def begin(self, trap: Trap, at: int) -> None:
        """Asks for both; an answer may die with the gateway, and then it is asked again, as anybody would."""
        part = {"what": "conversation", "conversation": self.conversation, "memories": True}
        with Person(self._stack.url, self._name, PASSWORD) as guest, self._stack.sign_in() as ada:
            trap.set(at)
            until(lambda: self._asked(ada, "erasing", part=part, password=OWNER_PASSWORD), seconds=60, what="a part")
            until(lambda: self._asked(guest, "erase", password=PASSWORD), seconds=60, what="a person's erasing")

    def _asked(self, person: Person, path: str, **body: object) -> bool | None:
        with suppress(httpx.HTTPError):
            answer = person.http.post(f"/api/data/{path}", json=body, timeout=60)
            # 401: nobody is known by that name any more; 404: there is no such conversation
            return answer.status_code in (202, 401, 404) or None
        return None

    def over(self) -> bool | None:
        """Whether nothing is under way any more."""
        with suppress(httpx.HTTPError), self._stack.sign_in() as ada:
            return not ada.get("/api/data/erasing") or None
        return None


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_that_is_killed_at_any_step_of_an_erasing_leaves_nothing_behind(
    stack: Stack, house: House, room: str
) -> None:
    trap, gone, killed = Trap(stack.folder, room), list[Erased](), 0
    sparse = 1 if EVERYWHERE else SPARSE.get(room, 11)
    for at in range(1, MOST, sparse):
        one = Erased(stack, house, f"{room}-{at}")
        gone.append(one)
        one.begin(trap, at)
        until(one.over, seconds=90, what=f"the end of the erasings, {room} killed at {at}")
        until(lambda: stack.ready() or None, seconds=60, what=f"readiness, {room} killed at {at}")
        assert one.user not in {each.stem for each in stack.data_dir.rglob("users/*.db")}
        if trap.is_set:
            break
        killed += 1
    trap.lift()
    print(f"{room}: killed {killed} times, at every {sparse} of {at} steps")
    assert killed
    with stack.sign_in() as ada:
        assert ada.verify()["ok"]
    stack.halt()
    assert not {each.user for each in gone} & files.users(stack.data_dir)
    assert lies(files.pages(stack.data_dir), *(words for each in gone for words in each.words)) == set()
    stack.launch()


class ErasedHouse:
    """A house whose owner has it erased, and who moves in anew by its settings once it starts empty."""

    def __init__(self, stack: Stack, user: str, trap: Trap) -> None:
        self._stack, self._user, self._trap, self._started_again = stack, user, trap, False
        self.steps = 0
        """The most that a process of the gateway went through."""

    def ask(self) -> None:
        """Asks for it; the answer may die with the gateway."""
        with suppress(httpx.HTTPError), self._stack.sign_in() as ada:
            if not self._is_new(ada):
                body = {"password": OWNER_PASSWORD, "confirm": "erase this house"}
                ada.http.post("/api/data/house/erase", json=body, timeout=60)

    def has_new_owner(self) -> bool | None:
        """Whether somebody new lives there; it is asked for again where nothing had begun, as anybody would."""
        self.steps = max(self.steps, self._trap.reached)
        with suppress(httpx.HTTPError):
            if httpx.get(f"{self._stack.url}/api/setup", timeout=5, trust_env=False).json()["state"] == "open":
                self._start_again()
                return None
            with self._stack.sign_in() as ada:
                if self._is_new(ada):
                    return True
            self.ask()
        return None

    def _is_new(self, ada: Person) -> bool:
        return bool(ada.get("/api/session")["user"]["id"] != self._user)

    def _start_again(self) -> None:
        """Once; the first start after the house was emptied is its first one."""
        if not self._started_again and not list(self._stack.data_dir.rglob("users/*.db")):
            self._started_again = True
            self._stack.halt()
            self._stack.launch()


def erased_house(house: House, at: int) -> int:
    """Erases a house whose gateway is killed at a step, and looks at what is left; gives how many steps it had."""
    stack = Stack(model=house.model)
    stack.command = COMMAND
    stack.extend({FOLDER: str(stack.folder)})
    with stack:
        trap = Trap(stack.folder, "gateway")
        with stack.sign_in() as ada:
            ada.connect(house.mail_account())
            said(ada, f"planted-house-{at}")
            erased = ErasedHouse(stack, user := str(ada.get("/api/session")["user"]["id"]), trap)
        trap.set(at)
        erased.ask()
        until(erased.has_new_owner, seconds=120, what=f"the end of the house, killed at {at}")
        trap.lift()
        with stack.sign_in() as ada:
            assert (ada.get("/api/accounts"), ada.get("/api/conversations")) == ([], [])
            assert ada.verify()["ok"]
        stack.halt()
        assert user not in files.users(stack.data_dir)
        pages = files.pages(stack.data_dir)
        assert lies(pages, f"planted-house-{at}", "house_erasing") == set()
        # Elsewhere the number of who was here remains, so that an order that comes late finds nobody to bring back.
        assert not [each for each in lies(pages, user) if f" in gateway{os.sep}" in each]
        return erased.steps


def test_a_house_whose_gateway_is_killed_at_any_step_of_its_erasing_is_empty_in_the_end(house: House) -> None:
    steps = erased_house(house, MOST)
    for at in range(1, steps + 1) if EVERYWHERE else (*range(5, steps, 29), *range(steps - 8, steps + 1, 4)):
        print(at, "of", steps, erased_house(house, at), flush=True)
