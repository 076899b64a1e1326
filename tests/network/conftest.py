"""The world of these tests, and the houses in it: one that rests from the first test to the last, and one in use."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from tests.e2e.stack import Stack
from tests.network.houses import MODEL, Housed, Used, settle_in
from tests.network.wires import Place, missing
from tests.network.world import World
from tests.peers.house import open_house

_RESTS = int(os.environ.get("NETWORK_REST_SECONDS", "600"))
"""For how long the resting house is watched; a shorter time is for trying these tests out."""


@dataclass
class Resting:
    """A house with its owner made and a model chosen, that nobody asks for anything."""

    place: Place
    stack: Stack
    until: float = field(default_factory=lambda: time.monotonic() + _RESTS)

    def wait(self) -> None:
        """Until its time is over."""
        time.sleep(max(self.until - time.monotonic(), 0))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    if lack := missing():
        (pytest.fail if "REQUIRE_PEERS" in os.environ else pytest.skip)(lack)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends a run early ends its houses with it
    with pytest.MonkeyPatch.context() as changed, World() as world:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            changed.delenv(name)  # a proxy of this machine's is no part of the house
        yield world


@pytest.fixture(scope="module")
def resting(world: World) -> Iterator[Resting]:
    """It starts before everything else here and is looked at last, so that its ten minutes pass beside the rest."""
    place = world.join("resting")
    env = {"OA_MODEL": "openai/scripted", "OA_MODEL_BASE_URL": f"http://{MODEL}/v1"}
    with ExitStack() as opened:
        with place.entered():
            stack = opened.enter_context(Housed(world, env=env))
        yield Resting(place, stack)


@pytest.fixture(scope="module")
def used(world: World) -> Iterator[Used]:
    """A house in use: accounts at two servers, a model, a browser that is told, a turn with two acts, a schedule."""
    with ExitStack() as opened:
        with world.entered():
            peers = open_house(opened, mails=60)
        yield settle_in(opened, world, peers)
