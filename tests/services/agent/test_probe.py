"""A probe finds the way in which a model calls tools, asks little, and ends."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.errors import AccountRequired, DeadlineExceeded, Forbidden, NotFound, Unavailable
from openassistant.messages import Done, History, ModelRef, ProbeReport, ProbeRequest, ToolMode
from services.agent import probe as probing
from services.agent.model import Connections, Delta, OpenModel
from services.agent.probe import QUESTIONS, probe
from tests.peers.model import ModelServer
from tests.peers.process import free_port
from tests.peers.script import Fault, Manner, Script, Step, ToolCall, When
from tests.services.agent.house import AgentHouse

MANNERS: dict[str, tuple[Manner, ToolMode, str, int]] = {
    "calls": (Manner(), "native", "3 of 3 calls came natively.", 3),
    "is refused tools": (Manner(tools="refused"), "schema", "It takes no tools. 3 of 3 calls came as JSON that", 3),
    "ignores tools": (Manner(tools="ignored"), "schema", "0 of 2 calls came natively. 3 of 3 calls came as", 5),
    "prints a fence": (
        Manner(tools="ignored", schema="refused", writes="fenced"), "salvage", "3 of 3 calls came as JSON in its", 5,
    ),
    "prints doubled braces": (Manner(tools="refused", schema="ignored", writes="doubled"), "salvage", "3 of 3", 5),
    "only talks": (Manner(tools="ignored", schema="ignored", writes="never"), "none", "0 of 2 calls came natively.", 6),
}  # fmt: skip


async def ask(ref: ModelRef) -> ProbeReport:
    connections = Connections()
    try:
        return await probe(OpenModel(ref, None, connections))
    finally:
        await connections.close()


def ref_of(server: ModelServer, name: str = "scripted") -> ModelRef:
    return ModelRef(kind="openai", model=name, base_url=server.url)


@pytest.mark.parametrize("way", MANNERS)
async def test_the_way_is_found_of_a_model_that(model_server: ModelServer, way: str) -> None:
    model_server.manner, mode, words, asked = MANNERS[way]
    report = await ask(ref_of(model_server))
    assert (report.mode, model_server.probes) == (mode, asked)
    assert words in report.detail


async def test_a_server_that_fails_over_tools_is_asked_in_another_way(model_server: ModelServer) -> None:
    broken = Step(when=lambda ask: bool(ask.body.get("tools")), fault=Fault("status", status=500))
    held = [
        Step(calls=[ToolCall(each.tool, each.arguments)], when=When(user_says=re.escape(each.words)))
        for each in QUESTIONS
    ]
    model_server.script, model_server.answers_probes = Script([broken, *held]), False
    assert (await ask(ref_of(model_server))).mode == "schema"
    assert len(model_server.requests) == 4


async def test_a_model_that_is_away_or_unknown_or_locked_is_no_model_without_tools(model_server: ModelServer) -> None:
    with pytest.raises(Unavailable):
        await ask(ModelRef(kind="openai", model="m", base_url=f"http://127.0.0.1:{free_port()}/v1"))
    with pytest.raises(NotFound):
        await ask(ref_of(model_server, "another"))
    model_server.api_key = "not-a-real-key"
    with pytest.raises(AccountRequired):
        await ask(ref_of(model_server))


class Stub:
    """A model that does the same thing whatever it is asked."""

    def __init__(self, delta: Delta, *, hangs: bool = False) -> None:
        self._delta, self._hangs, self.count = delta, hangs, 0

    async def stream(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, form: dict[str, Any] | None = None
    ) -> AsyncGenerator[Delta, None]:
        while True:
            self.count += 1
            yield self._delta
            await asyncio.sleep(3600 if self._hangs else 0)


async def test_a_model_that_never_stops_is_stopped() -> None:
    stub = Stub(Delta(text="word "))
    report = await probe(stub)
    assert report.mode == "none"
    assert stub.count == 6 * probing._MOST_DELTAS


async def test_a_model_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_QUESTION_SECONDS", 0.05)
    with pytest.raises(DeadlineExceeded, match="too long"):
        await probe(Stub(Delta(), hangs=True))
    monkeypatch.setattr(probing, "_QUESTION_SECONDS", 60)
    with pytest.raises(DeadlineExceeded, match="too long"):
        await probe(Stub(Delta(), hangs=True), seconds=0.05)


async def test_what_a_model_is_asked_is_short_and_fixed(model_server: ModelServer) -> None:
    model_server.answers_probes = False
    model_server.script = Script(otherwise=Step(say="No."))
    await ask(ref_of(model_server))
    bodies = [json.dumps(each.ask.body) for each in model_server.requests]
    assert len(bodies) == 6
    assert max(len(body) for body in bodies) < 2000
    assert all(any(each.words in body for each in QUESTIONS) for body in bodies)


async def test_the_room_asks_only_under_a_grant_that_covers_nothing(tmp_path: Path, model_server: ModelServer) -> None:
    connections = Connections()
    async with AgentHouse(tmp_path, lambda ref, key: OpenModel(ref, key, connections)) as house:
        request = ProbeRequest(model=ref_of(model_server))
        with pytest.raises(Forbidden):
            await house.request("probe", request, ProbeReport)
        grant = house.fake.grant(connectors={})
        ctx = CallContext.within(20, user=house.fake.user).signed(grant=grant)
        report = await house.gateway.request(subjects.agent("probe"), request, ProbeReport, ctx)
        assert report.mode == "native"
        history: History = await house.request("history", Done(), History)
        assert history.messages == ()
    await connections.close()
