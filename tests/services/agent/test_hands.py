"""A call whose hand died is asked for again soon, and a hand that is not there is not waited for without end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from openassistant.errors import Unavailable
from openassistant.messages import CallState
from services.agent import hands
from tests.services.agent.house import agent_house, calls, says


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_ASK_SECONDS", 0.3)
    monkeypatch.setattr(hands, "_AWAY_WITHIN", 0.6)


async def test_a_read_whose_hand_died_is_asked_of_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with agent_house(tmp_path, calls(("notes_read", {})), says("One note.")) as house:
        runner, gone = house.fake.runner, asyncio.Event()
        joined: Any = runner._joined

        async def dies(call: Any, work: Any) -> Any:
            monkeypatch.setattr(runner, "_joined", joined)
            await gone.wait()
            raise Unavailable("Nobody hears this.")

        monkeypatch.setattr(runner, "_joined", dies)
        await house.say("Read")
        history = await house.settled()
        gone.set()
        assert [call.state for call in history.messages[1].calls] == [CallState.DONE]


async def test_a_read_of_a_hand_that_is_away_fails_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with agent_house(tmp_path, calls(("notes_read", {})), says("It is away.")) as house:

        async def away(call: Any, work: Any) -> Any:
            raise Unavailable("The place is closed.")

        monkeypatch.setattr(house.fake.runner, "_joined", away)
        await house.say("Read")
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.FAILED]
        assert "The place is closed." in str(history.messages[1].calls[0].result)
