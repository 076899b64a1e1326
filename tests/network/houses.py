"""Houses as `make run` starts them, on machines of their own, and all that one of them is asked to do."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import QUESTION
from tests.network.packets import Packet
from tests.network.wires import Place
from tests.network.world import HOSTS, NAME_SERVER, World
from tests.peers.house import House
from tests.peers.push import PushBrowser, PushService
from tests.peers.script import Script, Step, When, load_script

__all__ = ["MODEL", "PIXEL", "PUSH", "Housed", "Used", "names", "places", "settle_in"]

MAIL, CALENDAR, MODEL, PUSH = HOSTS
PIXEL = "http://pixel.example.com/a.png"
"""What an answer of the model would have a browser fetch."""

Target = tuple[str, int]


class Housed(Stack):
    """A house of every room and connector, to be started inside a place."""

    def __init__(self, world: World, *, env: Mapping[str, str], command: Sequence[str] | None = None) -> None:
        super().__init__(env=env, connectors=())
        self.command = (*world.command, *(command or Stack.command))


class NamedPush(PushService):
    """A browser maker's service under a name."""

    @property
    def origin(self) -> str:
        """See `PushService.origin`."""
        return f"http://{PUSH}:{self.port}"


@dataclass(frozen=True)
class Used:
    """A house that was used, with who it may reach, and who it was told of."""

    stack: Stack
    place: Place
    peers: House
    push: NamedPush
    browser: PushBrowser
    conversation: str

    @cached_property
    def may_reach(self) -> set[Target]:
        """Host and port of all that its owner configured."""
        return {
            (MAIL, self.peers.imap.port),
            (MAIL, self.peers.smtp.port),
            (CALENDAR, self.peers.calendar.port),
            (MODEL, self.peers.model.port),
            (PUSH, self.push.port),
        }

    @property
    def url(self) -> str:
        """Where another machine finds it."""
        return f"http://{self.place.address}:{self.stack.port}"


def settle_in(opened: ExitStack, world: World, peers: House) -> Used:
    """A house in use, once everything has been done in it."""
    with world.entered():
        push = opened.enter_context(NamedPush())
    for name, ports in (
        (MAIL, (peers.imap.port, peers.smtp.port)),
        (CALENDAR, (peers.calendar.port,)),
        (MODEL, (peers.model.port,)),
        (PUSH, (push.port,)),
    ):
        world.open(name, *ports)
    picture = Step(when=When(user_says="picture"), say=f"Here it is: ![a picture]({PIXEL}) and [a page]({PIXEL}).")
    peers.model.script = Script([picture, *load_script("story").steps], otherwise=Step(say="Good morning."))
    place = world.join("used")
    env = {
        "OA_HOST": "0.0.0.0",
        "OA_ALLOWED_HOSTS": place.address,
        "OA_MODEL": f"openai/{peers.model.name}",
        "OA_MODEL_BASE_URL": f"http://{MODEL}:{peers.model.port}/v1",
        "OA_PUSH_HOSTS": push.origin,
    }
    with place.entered():
        stack = opened.enter_context(Housed(world, env=env))
        with stack.sign_in() as ada:
            push.known_key = ada.get("/api/notices")["key"]
            browser = push.subscribe()
            used = Used(stack, place, peers, push, browser, ada.converse())
            _use(used, ada)
    return used


def _use(used: Used, ada: Person) -> None:
    ada.connect(_named(used.peers.mail_account(), MAIL))
    ada.connect(_named(used.peers.calendar_account(), CALENDAR))
    ada.http.post("/api/notices/browsers", json=used.browser.draft).raise_for_status()
    ada.say(used.conversation, QUESTION)
    until(lambda: used.browser.taken or None, seconds=60, what="the notice")
    ada.settle(used.conversation)
    ada.say(used.conversation, "Show me a picture.")
    due = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(seconds=3)
    schedule = {"name": "Morning", "prompt": "Say good morning.", "starts": due.isoformat(), "zone": "UTC"}
    ada.http.post("/api/schedules", json=schedule).raise_for_status()

    def finished() -> bool | None:
        [shown] = ada.get("/api/schedules")
        return [each["state"] for each in shown["runs"]] == ["finished"] or None

    until(finished, seconds=60, what="the run of the schedule")


def places(packets: Sequence[Packet]) -> set[Target]:
    """Where packets went but to the name server, under the names of the world's hosts."""
    known = {address: name for name, address in HOSTS.items()}
    there = {(each.goal, each.port) for each in packets} - {(NAME_SERVER, 53)}
    return {(known.get(host, host), port) for host, port in there}


def names(packets: Sequence[Packet]) -> set[str]:
    """The names that were asked for."""
    return {each.name for each in packets if each.name}


def _named(account: dict[str, Any], name: str) -> dict[str, Any]:
    """An account of a peer, under the name by which the house knows it."""
    settings = {key: name if key.endswith("_host") else value for key, value in account["settings"].items()}
    if "url" in settings:
        settings["url"] = settings["url"].replace("127.0.0.1", name)
    return {**account, "settings": settings}
