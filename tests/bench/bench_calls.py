"""A tool call from the agent's side: written down, made, answered; and a click that lets something begin.

The house runs, and so does a connector whose tools do nothing. This process asks in the agent's place, with the
agent's own code. The floor is what such a call cannot do without: two questions over a bare bus (to the witness, to
the connector) and two commits (the record before the call, the report after it).
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from openassistant.bus import Bus, read_seed
from openassistant.context import CallContext, new_id, utc_now
from openassistant.grants import Grant, SigningKey
from openassistant.messages import Call, CallState, Effect
from services.agent.conversations import StoredCall
from services.agent.hands import run_call
from services.gateway.policy import Standing, decide
from services.gateway.rules import MOST as MOST_RULES
from tests.bench.floors import commit_seconds, question_seconds
from tests.bench.profile import profiled
from tests.bench.rows import Row, middle, percentile, shares
from tests.bench.stage import Model, cpu_by_room, place_probe, since, staged
from tests.e2e.stack import Person, Stack, until
from tests.services.gateway.test_policy import CAROL, MALLORY, proposal, rule, to

_LONE, _IN_FLIGHT, _ROUNDS = 400, 200, 15
_CLICKS = 40
_CLICK_QUESTIONS, _CLICK_COMMITS = 4, 7
"""From a click to the effect: decide, record, record, call; the decision, its record, three in the agent, the record
of the start, the intent."""


class _Caller(NamedTuple):
    """Who asks as the agent does, in the name of a turn that was never begun."""

    bus: Bus
    user: str
    card: str
    grant: str

    def call(self) -> StoredCall:
        call = Call(
            id=new_id(), nonce=secrets.token_hex(16), user=self.user, account=None, connector="parcels",
            card_digest=self.card, tool="probe_read", arguments={},
        )  # fmt: skip
        return StoredCall(
            id=call.id, turn="", message="", name="probe_read", given="{}", call=call, effect=Effect.READ,
            state=CallState.RUNNING,
        )  # fmt: skip

    async def seconds(self) -> float:
        """Makes one call to its end; how long it took."""
        call, started = self.call(), time.perf_counter()
        ended = await run_call(self.bus, lambda: CallContext.within(60, user=self.user).signed(grant=self.grant), call)
        taken = time.perf_counter() - started
        assert ended.state is CallState.DONE, ended.outcome
        return taken


@asynccontextmanager
async def _caller(stack: Stack, owner: Person) -> AsyncIterator[_Caller]:
    keys, user = stack.data_dir / "keys", owner.get("/api/session")["user"]["id"]
    card = next(each["digest"] for each in owner.get("/api/connectors") if each["id"] == "parcels")
    grant = Grant(
        id=new_id(), kind="turn", user=user, turn=new_id(), conversation=new_id(), origin="message",
        connectors={"parcels": card}, expires=utc_now() + timedelta(minutes=10),
    )  # fmt: skip
    signed = SigningKey.load(keys / "gateway" / "signing.jwk").sign(grant)
    bus = await Bus.connect(stack.bus_url, room="agent", seed=read_seed(keys / "agent" / "nkey"))
    try:
        yield _Caller(bus, user, card, signed)
    finally:
        await bus.drain()


async def _floor() -> float:
    """Milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        return 2000 * (await question_seconds() + await commit_seconds(Path(name)))


async def _calls(stack: Stack, owner: Person) -> list[Row]:
    async with _caller(stack, owner) as caller:
        for _ in range(50):
            await caller.seconds()
        lone = [1000 * await caller.seconds() for _ in range(_LONE)]
        before, started = cpu_by_room(stack), time.perf_counter()
        for _ in range(_ROUNDS):
            await asyncio.gather(*(caller.seconds() for _ in range(_IN_FLIGHT)))
        rate = _IN_FLIGHT * _ROUNDS / (time.perf_counter() - started)
        used = since(before, stack)
        with profiled(stack.pid) as alone_profile:
            for _ in range(_LONE):
                await caller.seconds()
        with profiled(stack.pid) as profile:
            for _ in range(_ROUNDS):
                await asyncio.gather(*(caller.seconds() for _ in range(_IN_FLIGHT)))
    waits = f"two questions and two commits wait for one another; {alone_profile.words}"
    floor, alone = await _floor(), "two questions, two commits"
    each = 1000 * sum(used.values()) / (_IN_FLIGHT * _ROUNDS)
    lies = (
        f"a call takes the house {each:.1f} ms of processor beside the connector's and the asker's: {shares(used)};"
        f" the witness commits, signs and answers twice for each call, in one process; {profile.words}"
    )
    return [
        Row("a tool call, over its function (median)", middle(lone), "ms", floor, alone, 4, why=waits),
        Row("a tool call, over its function (p99)", percentile(lone, 99), "ms", floor, alone, 12, why=waits),
        Row(f"tool calls, {_IN_FLIGHT} in flight", rate, "/s", 1000 / floor, "one after the other", 3_000, why=lies),
    ]


def _click(owner: Person) -> float:
    """Seconds from the click to what the tool says was its time."""
    conversation = owner.converse()
    owner.say(conversation, "Say it.")
    (question,) = owner.pending(conversation)
    clicked = time.time()
    owner.decide(question["id"], "approve")

    def look() -> float | None:
        calls = [
            call for message in owner.get(f"/api/conversations/{conversation}")["messages"] for call in message["calls"]
        ]
        return next((_time(call["result"]) for call in calls if call["result"]), None)

    return until(look, seconds=10, what="the effect") - clicked


def _time(result: dict[str, Any]) -> float:
    return float(result["content"]["result"] if isinstance(result["content"], dict) else result["content"])


def _clicks(stack: Stack, owner: Person, model: Model) -> list[Row]:
    model.play(
        {"say": "Done.", "when": {"result_of": "probe_send"}},
        {"calls": [{"name": "probe_send", "arguments": {}}], "times": None},
    )
    before = cpu_by_room(stack)
    taken = [1000 * _click(owner) for _ in range(_CLICKS)][10:]
    used = since(before, stack)
    with profiled(stack.pid) as profile:
        for _ in range(_CLICKS):
            _click(owner)

    async def floor() -> float:
        with tempfile.TemporaryDirectory() as name:
            commit = await commit_seconds(Path(name))
            return 1000 * (_CLICK_QUESTIONS * await question_seconds() + _CLICK_COMMITS * commit)

    why = (
        f"its steps wait for one another, and the card is made once more before the effect; of the time of turn, click"
        f" and effect {shares(used)}; {profile.words}"
    )
    least, alone = asyncio.run(floor()), f"{_CLICK_QUESTIONS} questions, {_CLICK_COMMITS} commits"
    return [Row("an approval, from the click to the effect", middle(taken), "ms", least, alone, 10, why=why)]


def _decision() -> Row:
    """A tainted call, held against as many rules as a person may have, of which the last one fits."""
    asked, taken = proposal(Effect.SEND, people=to(CAROL)), list[float]()
    rules = [Standing(rule(CAROL if last else MALLORY), 0) for last in [*[False] * (MOST_RULES - 1), True]]
    for _ in range(_LONE):
        started = time.perf_counter()
        verdict = decide(asked, rules)
        taken.append(1000 * (time.perf_counter() - started))
    assert verdict.rule == rules[-1].rule.id
    return Row(f"a decision of the policy, {MOST_RULES} rules (median)", middle(taken), "ms", limit=1)


def rows() -> list[Row]:
    """All of them; half a minute."""
    with staged() as (stack, owner, model), place_probe(stack, owner):
        return [*asyncio.run(_calls(stack, owner)), *_clicks(stack, owner, model), _decision()]
