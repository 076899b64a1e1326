"""A connector that somebody wrote outside the tree joins a running house, and gets what its owner allows, no more."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from openassistant import subjects
from openassistant.errors import DeadlineExceeded, Forbidden, NotFound, OaError, Unavailable
from tests.e2e.events import answer_text
from tests.e2e.intruder import Intruder
from tests.e2e.stack import Person, Stack, until
from tests.e2e.stranger import REDIRECT, Carrier, Stranger
from tests.peers.model import ModelServer
from tests.peers.radicale import Radicale
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = pytest.mark.e2e

SCRIPT = Script(
    [
        Step(when=When(user_says="what comes", fresh=0), calls=[ToolCall("parcels_list")]),
        Step(when=When(result_of="parcels_list", result_says="no tool"), say="I cannot see any parcels."),
        Step(when=When(result_of="parcels_list", result_says="lamp"), say="On its way: {{result[0].text}}."),
        Step(when=When(user_says="redirect", fresh=0), calls=[ToolCall("parcels_redirect", {"neighbour": "Carol"})]),
        Step(when=When(result_of="parcels_redirect", result_says="no tool"), say="I cannot redirect anything."),
        Step(when=When(result_of="parcels_redirect"), say="Done: {{result}}"),
    ]
)

SAID = (
    "oa.tool.caldav.u1.events_list", "oa.rpc.caldav.preview", "oa.rpc.caldav.account.check", "oa.rpc.agent.turn",
    "oa.rpc.vault.token.caldav", "oa.rpc.vault.key.caldav", "oa.rpc.vault.key.gateway", "oa.rpc.vault.account.list",
    "oa.rpc.gateway.approve", "oa.rpc.audit.query", "oa.rpc.audit.record.caldav", "oa.event.inbox.caldav",
    "oa.event.chat.u1.c1", "$KV.OA_CONNECTORS.caldav.i1", "$JS.API.STREAM.DELETE.OA_INBOX", "_INBOX_caldav.x.y",
    "$JS.API.STREAM.MSG.GET.OA_INBOX", "$JS.API.CONSUMER.CREATE.OA_CHAT",
)  # fmt: skip
HEARD = (
    ">", "_INBOX_caldav.>", "_INBOX_vault.>", "oa.tool.caldav.*.*", "oa.tool.>", "oa.rpc.vault.token.*",
    "oa.rpc.audit.record.*", "oa.rpc.caldav.preview", "oa.event.inbox.*", "oa.event.chat.>", "$KV.OA_CONNECTORS.>",
)  # fmt: skip


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier() as carrier:
        yield carrier


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    stranger = Stranger(tmp_path)
    stranger.new()
    yield stranger
    stranger.stop()


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer(SCRIPT) as model:
        yield model


@pytest.fixture
def stack(model: ModelServer) -> Iterator[Stack]:
    with Stack(model=model) as stack:
        yield stack


def listed(ada: Person, *, tools: int = 1) -> dict[str, Any]:
    """The connector as the owner sees it, once it runs with so many tools."""

    def look() -> dict[str, Any] | None:
        found = [each for each in ada.get("/api/connectors") if each["id"] == "parcels"]
        return found[0] if found and len(found[0]["tools"]) == tools else None

    return until(look, seconds=30, what="the stranger's connector")


def try_connect(ada: Person, carrier: Carrier) -> httpx.Response:
    account = {"connector": "parcels", "name": "Carrier", "settings": {"url": carrier.url}, "secrets": {}}
    return ada.http.post("/api/accounts", json=account)


def allow(ada: Person, card: dict[str, Any]) -> None:
    ada.http.post("/api/connectors/parcels/approve", json={"digest": card["digest"]}).raise_for_status()


def offered(model: ModelServer) -> list[str]:
    return [name for name in model.requests[-1].ask.offered if name.startswith("parcels")]


def written_down(ada: Person, tool: str) -> list[tuple[str, str]]:
    """Who wrote what about the tool's one call, once its outcome is in the ledger."""

    def look() -> list[tuple[str, str]] | None:
        found = [(entry["room"], entry["action"]) for entry in ada.ledger() if entry["tool"] == tool]
        return found if len(found) >= 2 else None

    return until(look, seconds=10, what=f"the outcome of {tool}")


def test_what_new_writes_passes_its_test_and_the_check(stranger: Stranger, carrier: Carrier) -> None:
    def passes() -> None:
        tested = stranger.command("pytest", "-q", directory=stranger.folder)
        assert tested.returncode == 0, tested.stdout + tested.stderr
        checked = stranger.command("openassistant", "check", "parcels")
        assert checked.returncode == 0, checked.stderr
        assert checked.stdout.startswith("parcels 0.1.0: 1 tools, ")
        assert stranger.lines() < 30

    passes()
    stranger.write(carrier)
    passes()


def test_it_works_in_a_running_house_as_far_as_its_owner_allows(
    stack: Stack, stranger: Stranger, carrier: Carrier, model: ModelServer
) -> None:
    stranger.write(carrier)
    assert stranger.join(stack).startswith("parcels may join the bus. In the shell")
    stranger.run()
    with stack.sign_in() as ada:
        dark = listed(ada)
        assert not dark["approved"]
        refused = try_connect(ada, carrier)
        assert (refused.status_code, refused.json()["action"]) == (403, "approve_connector")
        assert answer_text(ada.say(ada.converse(), "What comes?")) == "I cannot see any parcels."
        assert offered(model) == []

        allow(ada, dark)
        assert listed(ada)["approved"]
        try_connect(ada, carrier).raise_for_status()
        assert answer_text(ada.say(ada.converse(), "What comes?")) == "On its way: A lamp."
        assert offered(model) == ["parcels_list"]
        assert not any("approval" in entry["action"] for entry in ada.ledger())
        assert written_down(ada, "parcels_list") == [("agent", "tool.started"), ("parcels", "tool.finished")]
        assert ada.verify()["ok"]

    stack.halt()
    stack.launch()
    with stack.sign_in() as ada:
        assert listed(ada)["approved"]
        assert answer_text(ada.say(ada.converse(), "What comes?")) == "On its way: A lamp."


async def test_what_its_author_changes_is_dark_until_it_is_allowed_again(
    stack: Stack, stranger: Stranger, carrier: Carrier, model: ModelServer
) -> None:
    stranger.write(carrier)
    stranger.join(stack)
    stranger.run()
    with stack.sign_in() as ada:
        allow(ada, before := listed(ada))
        try_connect(ada, carrier).raise_for_status()
        stranger.stop()
        stranger.write(carrier, more=REDIRECT)
        stranger.run()

        after = listed(ada, tools=2)
        assert (before["approved"], after["approved"]) == (False, False)
        assert before["digest"] != after["digest"]
        assert answer_text(ada.say(ada.converse(), "What comes?")) == "I cannot see any parcels."
        assert answer_text(ada.say(ada.converse(), "Redirect them!")) == "I cannot redirect anything."
        assert offered(model) == []
        assert (await refusal_of_a_dark_call(stack, ada, before["digest"])).code == "forbidden"

        allow(ada, after)
        conversation = ada.converse()
        ada.say(conversation, "Redirect them!")
        [question] = ada.pending(conversation)
        assert (question["effect"], question["preview"]["content"]) == ("send", "All parcels go to Carol.")
        assert carrier.told == []
        answered = ada.settle(conversation)
        assert "Carol takes the parcels." in answered["messages"][-1]["text"]
        assert carrier.told == [{"to": "Carol"}]
        assert ada.verify()["ok"]


async def test_its_key_opens_nothing_of_another_room(stack: Stack, stranger: Stranger) -> None:
    stranger.join(stack)
    with Radicale({"ada": "not-a-real-password"}) as calendar, stack.sign_in() as ada:
        secrets = {"password": "not-a-real-password"}
        settings = {"url": calendar.url, "username": "ada"}
        ada.connect({"connector": "caldav", "name": "Calendar", "settings": settings, "secrets": secrets})
        intruder = Intruder(stack, ada, "caldav")
        assert await refused_by_the_bus(intruder) == {each.lower() for each in (*SAID, *HEARD)}

        call = intruder.mail(connector="caldav", tool="events_list", arguments={})
        async with intruder.room("parcels") as bus:
            with pytest.raises((Unavailable, DeadlineExceeded)):
                await intruder.secrets(bus, call, intruder.context(call).capped(2), connector="caldav")
            with pytest.raises((Forbidden, NotFound)):
                await intruder.secrets(bus, call, intruder.context(call), connector="parcels")
            with pytest.raises((Forbidden, NotFound)):
                await intruder.secrets(bus, None, intruder.context(call), connector="parcels")


async def refusal_of_a_dark_call(stack: Stack, ada: Person, allowed: str) -> OaError:
    """What the connector answers when the agent calls it with what the gateway grants: the card of before."""
    intruder = Intruder(stack, ada, "parcels")
    call = intruder.mail(connector="parcels", tool="parcels_list", arguments={})
    grant = intruder.grant(connectors={"parcels": allowed})
    async with intruder.room("agent") as bus:
        with pytest.raises(OaError) as refusal:
            await intruder.act(bus, call, intruder.context(call, grant=grant))
    return refusal.value


async def refused_by_the_bus(intruder: Intruder) -> set[str]:
    """The subjects that the server refuses to the stranger's key, in lower case, as the client tells them.

    Said are all of `SAID` and the connector's own inbox, heard all of `HEARD` and its own calls.
    """
    refused: set[str] = set()

    async def note(error: Exception) -> None:
        refused.update(re.findall(r'permissions violation for \w+ to "([^"]+)"', str(error), re.IGNORECASE))

    client = await intruder.client("parcels", note)
    try:
        for subject in (*HEARD, subjects.tools_of("parcels")):
            await client.subscribe(subject)
        for subject in (*SAID, subjects.inbox("parcels")):
            await client.publish(subject, b"{}")
        await client.flush(5)
        await client.flush(5)  # the answers to what was said last came before this pong
    finally:
        await client.close()
    return refused
