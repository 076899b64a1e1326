"""The story with models that stumble: chosen and tested over the HTTP API, then told under the same approvals."""

from typing import Any

import pytest

from tests.e2e.stack import Person, until
from tests.e2e.test_story import connect_everything, tell
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

    def look() -> dict[str, Any] | None:
        tools: dict[str, Any] = ada.get("/api/model")["current"]["tools"]
        return None if tools["testing"] else tools

    return until(look, seconds=30, what="the end of the test")


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
    tools = until(
        lambda: found if not (found := ada.get("/api/model")["current"]["tools"])["testing"] else None,
        seconds=30, what="the end of the test",
    )  # fmt: skip
    assert (tools["mode"], house.model.probes) == ("native", 3)
