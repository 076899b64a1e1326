"""A turn that runs away ends at each kind of limit, with what it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openassistant.budgets import Budget
from openassistant.context import CallContext
from openassistant.errors import RateLimited, Unavailable
from openassistant.messages import Renewal, RenewalRequest
from services.agent.model import Delta
from tests.sdk.hand import tools
from tests.services.agent.house import AgentHouse, Answer, Script, agent_house, calls, says

BUDGET = Budget(tokens=400_000, micro=2_000_000, model_calls=24, tool_calls=60, seconds=3600)
LOOP = calls(("notes_read", {"limit": 1}))


class Runaway(Script):
    """A model that calls a tool for ever, and says something where it gets none."""

    def __init__(self, call: Answer = LOOP, last: Answer | None = None) -> None:
        super().__init__()
        self._call, self._last = call, last or says("I found two notes.")

    def __call__(self, ref: Any, key: object) -> Runaway:
        return self

    async def stream(self, messages: Any, tools: Any, *, form: Any = None, most: Any = None) -> Any:
        self.asked.append(messages)
        self.lengths.append(most)
        self.offered.append([tool["function"]["name"] for tool in tools])
        answer: AsyncIterator[Delta] = (self._call if tools else self._last)(messages)
        async for delta in answer:
            yield delta


async def run(folder: Path, budget: Budget, model: Script | None = None) -> AgentHouse:
    house = AgentHouse(folder, model or Runaway())
    house.fake.budget = budget
    async with house:
        await house.say("Read my notes for ever")
        await house.settled(seconds=30)
        house.history_at_end = await house.history()  # type: ignore[attr-defined]  # kept for the test
        async with asyncio.timeout(5):
            while not house.ended:
                await asyncio.sleep(0.01)
    return house


@pytest.mark.parametrize(
    ("limit", "says_so"),
    [
        ({"model_calls": 5}, "the number of times that the model may be asked"),
        ({"tool_calls": 3}, "the number of tool calls"),
        ({"tokens": 27_000, "tokens_by": "turn"}, "the tokens for one answer are used up"),
        ({"tokens": 27_000, "tokens_by": "day"}, "the tokens for today are used up"),
        ({"tokens": 27_000, "tokens_by": "house_month"}, "the tokens for the whole house this month"),
    ],
)
async def test_a_runaway_ends_with_the_models_last_word_and_the_limits_name(
    tmp_path: Path, limit: dict[str, Any], says_so: str
) -> None:
    house = await run(tmp_path, BUDGET.model_copy(update=limit))
    *_, last, told = house.history_at_end.messages  # type: ignore[attr-defined]  # kept by `run`
    assert last.text.strip() == "I found two notes."
    assert says_so in told.text
    assert "looked up. Nothing was changed." in told.text
    assert told.error is None
    assert house.events()[-1]["type"] == "RUN_FINISHED"
    assert house.model.offered[-1] == []
    assert len(house.model.asked) <= 5 if "model_calls" in limit else len(house.model.asked) > 1


async def test_the_last_question_is_short_and_knows_what_was_found(tmp_path: Path) -> None:
    house = await run(tmp_path, BUDGET.model_copy(update={"model_calls": 3}))
    asked = house.model.asked[-1]
    assert house.model.lengths[-1] == 512
    assert len(str(asked)) < 4_096 * 3
    assert "this is its last step" in asked[0]["content"]
    assert any("Result of notes_read" in each["content"] and "<outside" in each["content"] for each in asked)


async def test_without_means_for_a_last_word_the_house_itself_says_what_was_done(tmp_path: Path) -> None:
    house = await run(tmp_path, BUDGET, Runaway(last=says("", error=Unavailable("The model is away."))))
    assert "Stopped at a limit" in house.history_at_end.messages[-1].text  # type: ignore[attr-defined]  # kept by `run`


async def test_time_is_a_limit(tmp_path: Path) -> None:
    async with AgentHouse(tmp_path, Runaway()) as house:
        house.fake.budget = BUDGET
        turns = house.agent.turns
        turns._permits.seconds = lambda turn: 0.0 if len(house.model.asked) < 3 else 4000.0  # type: ignore[method-assign]  # time goes by
        await house.say("Read my notes for ever")
        history = await house.settled()
        assert "the time for one answer is reached" in history.messages[-1].text
        assert len(house.model.asked) == 4


async def test_what_was_done_before_the_limit_is_told_from_the_calls_and_not_by_the_model(tmp_path: Path) -> None:
    script = (
        calls(("events_create", {"guests": []})),
        calls(("notes_read", {"limit": 1})),
        says("I changed nothing at all."),
    )
    async with agent_house(tmp_path, *script) as house:
        house.fake.budget = BUDGET.model_copy(update={"model_calls": 3})
        await house.say("Enter the lease")
        history = await house.settled()
        assert "Done: events create." in history.messages[-1].text


async def test_a_day_that_is_over_lets_an_approved_call_act_and_asks_no_model(tmp_path: Path) -> None:
    script = (calls(("letters_send", {"to": "carol@example.org"})),)
    async with agent_house(tmp_path, *script) as house:
        house.fake.budget = BUDGET
        turn = await house.say("Write to Carol")
        await house.settled("waiting")
        house.fake.budget = BUDGET.model_copy(update={"tokens": 0, "tokens_by": "day", "model_calls": 0})
        await house.decide(turn, house.asked[0])
        history = await house.settled()
        assert [house.asked[0].id] == tools.DONE
        assert len(house.model.asked) == 1
        assert "Done: letters send." in history.messages[-1].text


async def test_a_parked_turn_holds_nothing_and_an_ended_one_reports_what_it_spent(tmp_path: Path) -> None:
    script = (calls(("letters_send", {"to": "carol@example.org"})), says("Sent."))
    async with agent_house(tmp_path, *script) as house:
        house.fake.budget = BUDGET
        turn = await house.say("Write to Carol")
        await house.settled("waiting")
        [parked] = [each for each in house.reports if each.parked]
        assert parked.spent is not None
        assert (parked.spent.calls, parked.spent.model) == (1, "scripted")
        await house.decide(turn, house.asked[0])
        await house.settled()
        async with asyncio.timeout(5):
            while not house.ended:
                await asyncio.sleep(0.01)
        [ended] = [each for each in house.reports if each.ended]
        assert ended.spent is not None
        assert (ended.spent.calls, ended.spent.tokens > parked.spent.tokens) == (2, True)


async def test_a_gateway_that_gives_no_more_ends_the_turn_at_its_limit(tmp_path: Path) -> None:
    class Spent(AgentHouse):
        async def on_renew(self, ctx: CallContext, request: RenewalRequest) -> Renewal:
            if request.need_tokens:
                raise RateLimited("spent", details={"of": "tokens", "limit": "house_day"})
            return await super().on_renew(ctx, request)

    async with Spent(tmp_path, Runaway()) as house:
        house.fake.budget = BUDGET.model_copy(update={"tokens": 24_000})
        await house.say("Read my notes for ever")
        history = await house.settled()
        assert "the tokens for the whole house today are used up" in history.messages[-1].text


async def test_a_grant_without_a_budget_asks_no_model(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("Free of charge")) as house:
        house.fake.budget = Budget()
        await house.say("Hello")
        history = await house.settled()
        assert house.model.asked == []
        assert "Stopped at a limit" in history.messages[-1].text


async def test_near_a_limit_a_word_is_said(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("Good morning")) as house:
        house.fake.budget = BUDGET.model_copy(update={"near": "day"})
        await house.say("Hello")
        await house.settled()
        notices = [event["value"]["text"] for event in house.events() if event.get("name") == "oa.notice"]
        assert notices == ["More than 80 % of the limit for today is used. What is left stands under Usage."]
