"""The story with models that stumble: chosen and tested over the HTTP API, then told under the same approvals."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import connect_everything, tell
from tests.peers.gguf import NEEDS_ENGINE, write_model
from tests.peers.house import House
from tests.peers.script import Manner

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

WAYS = {
    "schema": Manner(tools="refused"),
    "salvage": Manner(tools="ignored", schema="ignored", writes="fenced"),
}


def choose(ada: Person, house: House) -> dict[str, Any]:
    """The scripted model chosen; what its test found."""
    model = {"kind": "openai", "model": house.model.name, "base_url": house.model.url}
    ada.http.put("/api/model", json=model).raise_for_status()

    return until(lambda: once_tested(ada), seconds=30, what="the end of the test")


@pytest.mark.parametrize("mode", WAYS)
def test_the_story_is_told_by_a_model_that_stumbles(ada: Person, house: House, mode: str) -> None:
    house.model.manner = WAYS[mode]
    assert choose(ada, house)["mode"] == mode
    connect_everything(ada, house)
    tell(ada, house)
    assert house.model.unmatched == ()
    assert not any("tools" in seen.ask.body for seen in house.model.requests)


def test_a_model_of_the_settings_is_not_asked_before_its_owner_asks(ada: Person, house: House) -> None:
    assert ada.get("/api/model")["current"]["tools"]["mode"] == "unknown"
    assert house.model.probes == 0
    started = ada.http.post("/api/model/test").json()
    assert started["current"]["tools"]["testing"]
    tools = until(lambda: once_tested(ada), seconds=30, what="the end of the test")
    assert (tools["mode"], house.model.probes) == ("native", 3)


@pytest.mark.slow
@NEEDS_ENGINE
def test_a_model_file_of_ones_own_is_found_tested_and_answers(tmp_path: Path) -> None:
    """The weights are random: what it says means nothing, and a test finds that it cannot call tools."""
    file = write_model(tmp_path / "Babbler.gguf")
    with Stack(model=None, env={"OA_LOCAL_MODEL_FILE": str(file)}) as stack, stack.sign_in() as ada:
        found = until(lambda: own_server(ada), seconds=30, what="the model")
        assert found["models"] == ["Babbler"]
        chosen = ada.http.put("/api/model", json={"model": "Babbler", "base_url": found["base_url"]}).json()["current"]
        assert chosen["window"] == 16_384
        tools = until(lambda: once_tested(ada), seconds=200, what="the end of the test")
        assert (tools["mode"] in {"none", "unknown"}, bool(tools["detail"])) == (True, True)
        conversation = ada.converse()
        stream = ada.stream(conversation, "Good day")
        assert any(event.type == "TEXT_MESSAGE_CONTENT" for event in stream)
        ada.http.post(f"/api/conversations/{conversation}/cancel").raise_for_status()
        stack.halt()
        stack.launch()
        with stack.sign_in() as again:
            moved = until(lambda: own_server(again), seconds=30, what="the model")
            assert again.get("/api/model")["current"]["base_url"] == moved["base_url"]


def own_server(person: Person) -> dict[str, Any] | None:
    """The server of the model file, where it is found."""
    found: list[dict[str, Any]] = person.get("/api/model")["found"]
    return next((each for each in found if each["name"] == "Your model file"), None)


def once_tested(person: Person) -> dict[str, Any] | None:
    """What the test found of the model's tools, once it has ended."""
    tools: dict[str, Any] = person.get("/api/model")["current"]["tools"]
    return None if tools["testing"] else tools
