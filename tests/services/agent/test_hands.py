"""A call whose hand died is asked for again soon, and a hand that is not there is not waited for without end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from openassistant.errors import DeadlineExceeded, Forbidden, OaError, Unavailable
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

        async def dies(call: Any, work: Any, *, kept: bool = False) -> Any:
            monkeypatch.setattr(runner, "_joined", joined)
            await gone.wait()
            raise Unavailable("Nobody hears this.")

        monkeypatch.setattr(runner, "_joined", dies)
        await house.say("Read")
        history = await house.settled()
        gone.set()
        assert [call.state for call in history.messages[1].calls] == [CallState.DONE]


async def test_a_call_whose_policy_died_is_put_to_the_next_one(tmp_path: Path) -> None:
    async with agent_house(tmp_path, calls(("events_create", {})), says("It is in.")) as house:
        house.unjudged = [Unavailable("Starting anew."), None]
        await house.say("Write it down")
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.DONE]
        assert house.unjudged == []
        assert len(house.asked) == 1


@pytest.mark.parametrize("error", [Unavailable, DeadlineExceeded])
async def test_a_call_that_nobody_judges_is_not_done_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OaError]
) -> None:
    monkeypatch.setattr(hands, "_POLICY_WITHIN", 0.5)
    async with agent_house(tmp_path, calls(("events_create", {})), says("It is away.")) as house:
        house.unjudged = [error("The place is closed.")] * 20
        await house.say("Write it down")
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.FAILED]
        assert "The place is closed." in str(history.messages[1].calls[0].result)
        assert house.asked == []


async def test_a_read_of_a_hand_that_is_away_fails_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with agent_house(tmp_path, calls(("notes_read", {})), says("It is away.")) as house:

        async def away(call: Any, work: Any, *, kept: bool = False) -> Any:
            raise Unavailable("The place is closed.")

        monkeypatch.setattr(house.fake.runner, "_joined", away)
        await house.say("Read")
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.FAILED]
        assert "The place is closed." in str(history.messages[1].calls[0].result)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_act_whose_answer_was_lost_is_not_said_to_have_failed_when_it_may_not_be_asked_for_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    async with agent_house(tmp_path, calls(("events_create", {})), says("Who knows.")) as house:
        runner, done = house.fake.runner, asyncio.Event()
        joined: Any = runner._joined

        async def refused(call: Any, work: Any, *, kept: bool = False) -> Any:
            raise Forbidden("The approval has expired.")

        async def loses(call: Any, work: Any, *, kept: bool = False) -> Any:
            await joined(call, work, kept=kept)
            monkeypatch.setattr(runner, "_joined", refused)
            done.set()
            if restarted:
                await asyncio.sleep(3600)
            raise Unavailable("Nobody hears this.")

        monkeypatch.setattr(runner, "_joined", loses)
        await house.say("Write it down")
        if restarted:
            await asyncio.wait_for(done.wait(), 5)
            await house.stop()
            await house.start()
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.UNKNOWN]


async def test_an_act_that_is_refused_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with agent_house(tmp_path, calls(("events_create", {})), says("It may not.")) as house:

        async def refused(call: Any, work: Any, *, kept: bool = False) -> Any:
            raise Forbidden("The approval has expired.")

        monkeypatch.setattr(house.fake.runner, "_joined", refused)
        await house.say("Write it down")
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.FAILED]


async def test_an_act_that_failed_at_its_provider_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agent_house(tmp_path, calls(("events_create", {})), says("It is away.")) as house:
        asked: list[str] = []
        joined: Any = house.fake.runner._joined

        async def counted(call: Any, work: Any, *, kept: bool = False) -> Any:
            asked.append(call.id)
            return await joined(call, work, kept=kept)

        async def away(*_: Any, **__: Any) -> Any:
            return Unavailable("The provider is away.")

        monkeypatch.setattr(house.fake.runner, "_joined", counted)
        monkeypatch.setattr(house.fake.runner, "_outcome", away)
        await house.say("Write it down")
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.FAILED]
        assert len(asked) == 1
