"""What a person sees of an answer while it is written: at once, in a flow, and never later than promised."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from openassistant.bus import Bus
from openassistant.context import new_id, utc_now
from openassistant.messages import Message
from services.agent.live import Live


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.ids: list[int] = []

    async def emit(self, subject: str, event: int, data: bytes) -> None:
        self.sent.append(json.loads(data))
        self.ids.append(event)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    @property
    def pieces(self) -> list[str]:
        return [each["delta"] for each in self.sent if each["type"] == "TEXT_MESSAGE_CONTENT"]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def live(wire: Wire) -> Live:
    made = Live(cast(Bus, wire), new_id(), new_id(), last_event_id=0)
    await made.text_started(Message(id=new_id(), role="assistant", turn=new_id(), created=utc_now()))
    return made


async def until(wire: Wire, text: str) -> None:
    async with asyncio.timeout(5):
        while "".join(wire.pieces) != text:
            await asyncio.sleep(0.005)


async def test_the_first_piece_goes_at_once_and_what_comes_soon_after_goes_together(live: Live, wire: Wire) -> None:
    for piece in ("Good ", "day", ", ", "Ada"):
        await live.text(piece)
    assert wire.pieces == ["Good "]
    await until(wire, "Good day, Ada")
    assert wire.pieces == ["Good ", "day, Ada"]


async def test_what_was_held_back_comes_although_the_model_says_no_more(live: Live, wire: Wire) -> None:
    await live.text("Good ")
    await live.text("day")
    await until(wire, "Good day")


async def test_every_piece_goes_once_whoever_sends_it(live: Live, wire: Wire) -> None:
    for number in range(200):
        await live.text(f"{number} ")
        await asyncio.sleep(0.001)
    await asyncio.gather(live.flush(), live.flush(), live.flush())
    said = "".join(f"{number} " for number in range(200))
    assert "".join(wire.pieces) == said
    assert all(wire.pieces)
    assert live.partial is not None
    assert live.partial.text == said
    assert wire.ids == sorted(set(wire.ids))


async def test_after_the_end_nothing_more_is_said(live: Live, wire: Wire) -> None:
    await live.text("Good ")
    await live.text("day")
    await live.flush()
    assert live._timer is None, "nothing waits for a time at which there is nothing to say"
    await live.text_ended()
    sent = len(wire.sent)
    await asyncio.sleep(0.1)
    assert len(wire.sent) == sent
    assert wire.sent[-1]["type"] == "TEXT_MESSAGE_END"
