"""The bus, the same bodies in memory and on a real server: answers, errors, deadlines, limits, events, the registry."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import nkeys
import pytest
from pydantic import BaseModel, SecretStr

from openassistant import context, subjects
from openassistant.bus import Bus, Incoming
from openassistant.context import CallContext, new_id
from openassistant.errors import (
    ERRORS,
    DeadlineExceeded,
    Internal,
    InvalidRequest,
    NotFound,
    OaError,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import Done
from openassistant.subjects import CONNECTORS_BUCKET
from openassistant.testing import MemoryBus, matches
from tests.peers.nats import NatsServer

ASK = subjects.agent("turn")
SECRET = "planted-not-a-real-secret"
SERVER = "max_payload: 8MB\njetstream {\n  max_memory_store: 1GB\n}\n"
Room = Callable[[str], Awaitable[Bus]]


class Words(BaseModel):
    words: str


class Number(BaseModel):
    number: int


def within(seconds: float = 10) -> CallContext:
    return CallContext.within(seconds, user=new_id())


def seed() -> SecretStr:
    return SecretStr(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode())


async def connected(server: NatsServer, name: str) -> Bus:
    return await Bus.connect(server.url, room=name, seed=seed(), streams=name == "gateway")


@pytest.fixture(params=["memory", "nats"])
async def room(request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    """Makes the bus of a room; the gateway is there already, because it makes the streams."""
    made: list[Bus] = []
    if request.param == "memory":
        memory = MemoryBus()

        async def make(name: str) -> Bus:
            made.append(memory.room(name))
            return made[-1]

        yield make
    else:
        with NatsServer(SERVER) as server:

            async def make(name: str) -> Bus:
                made.append(await connected(server, name))
                return made[-1]

            await make("gateway")
            yield make
            for bus in made:
                await bus.drain(seconds=1)
        return
    for bus in made:
        await bus.drain(seconds=1)


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def echo(ctx: CallContext, body: Words) -> Words:
    return body


# --- requests -----------------------------------------------------------------------------------------------------


async def test_a_request_is_answered_and_its_context_arrives_with_the_subject(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    seen: list[CallContext] = []

    async def handler(ctx: CallContext, body: Words) -> Words:
        seen.append(ctx)
        return Words(words=body.words[::-1])

    await agent.serve(ASK, Words, handler)
    ctx = within().signed(grant="a grant")
    assert (await gateway.request(ASK, Words(words="räksmörgås"), Words, ctx)).words == "sågrömskär"
    assert seen == [ctx.model_copy(update={"subject": ASK})]


async def test_instances_of_a_room_share_the_work_and_each_request_is_done_once(room: Room) -> None:
    instances, gateway = [await room("agent") for _ in range(3)], await room("gateway")
    done: list[tuple[int, str]] = []

    def handler(number: int) -> Callable[[CallContext, Words], Awaitable[Words]]:
        async def handle(ctx: CallContext, body: Words) -> Words:
            done.append((number, body.words))
            return body

        return handle

    for number, instance in enumerate(instances):
        await instance.serve(ASK, Words, handler(number))
    await gateway.request(ASK, Words(words="first"), Words, within())
    await asyncio.gather(*(gateway.request(ASK, Words(words=str(n)), Words, within()) for n in range(60)))
    assert len(done) == len({words for _, words in done}) == 61
    assert len({number for number, _ in done}) > 1


@pytest.mark.parametrize("code", sorted(ERRORS))
async def test_an_error_of_ours_arrives_as_it_was_raised(room: Room, code: str) -> None:
    agent, gateway = await room("agent"), await room("gateway")

    async def handler(ctx: CallContext, body: Words) -> Words:
        raise ERRORS[code]("In words.", details={"field": ["a"]}, retry_after=2.5)

    await agent.serve(ASK, Words, handler)
    with pytest.raises(OaError) as caught:
        await gateway.request(ASK, Words(words=""), Words, within())
    error = caught.value
    assert type(error) is ERRORS[code]
    assert (error.message, error.details, error.retry_after) == ("In words.", {"field": ["a"]}, 2.5)


async def test_any_other_error_arrives_as_internal_without_its_words(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")

    async def handler(ctx: CallContext, body: Words) -> Words:
        raise ValueError(SECRET)

    await agent.serve(ASK, Words, handler)
    ctx = within()
    with pytest.raises(Internal) as caught:
        await gateway.request(ASK, Words(words=""), Words, ctx)
    assert SECRET not in caught.value.message + str(caught.value.details)
    assert caught.value.details == {"trace": ctx.traceparent}


async def test_a_body_of_another_form_is_an_invalid_request_and_such_an_answer_internal(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    await agent.serve(ASK, Words, echo)
    with pytest.raises(InvalidRequest):
        await gateway.request(ASK, Number(number=1), Words, within())
    with pytest.raises(Internal, match="agreed form"):
        await gateway.request(ASK, Words(words="x"), Number, within())


async def test_nobody_there_is_said_at_once(room: Room) -> None:
    gateway = await room("gateway")
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable, match="not running"):
            await gateway.request(ASK, Done(), Done, within(60))


async def test_a_deadline_ends_the_wait_and_the_work(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    ended: list[str] = []

    async def handler(ctx: CallContext, body: Words) -> Words:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(body.words)
        return body

    await agent.serve(ASK, Words, handler)
    async with asyncio.timeout(5):
        with pytest.raises(DeadlineExceeded):
            await gateway.request(ASK, Words(words="slow"), Words, within(0.3))
        await until(lambda: ended == ["slow"])


async def test_what_may_be_asked_twice_is_asked_again_when_whoever_had_it_is_silent(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openassistant.again._SILENCE", 0.2)
    agent, gateway = await room("agent"), await room("gateway")
    asked: list[CallContext] = []

    async def handler(ctx: CallContext, body: Words) -> Words:
        asked.append(ctx)
        if len(asked) < 3:
            await asyncio.Event().wait()
        return body

    await agent.serve(ASK, Words, handler)
    ctx = within(60)
    async with asyncio.timeout(10):
        assert (await gateway.ask(ASK, Words(words="there"), Words, ctx)).words == "there"
    assert len(asked) == 3
    assert all(abs(each.deadline - ctx.deadline) < timedelta(seconds=1) for each in asked)


async def test_a_clock_that_is_set_ahead_does_not_end_what_is_asked_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    ahead = timedelta()
    monkeypatch.setattr("openassistant.again._SILENCE", 0.2)
    monkeypatch.setattr(context, "utc_now", lambda: datetime.now(UTC) + ahead)
    asked = 0

    async def handler(_: CallContext, body: Words) -> Words:
        nonlocal asked, ahead
        asked += 1
        if asked == 1:
            ahead = timedelta(days=1)
            await asyncio.Event().wait()
        return body

    await agent.serve(ASK, Words, handler)
    async with asyncio.timeout(5):
        assert (await gateway.ask(ASK, Words(words="there"), Words, within(60))).words == "there"
    assert asked == 2


async def test_asking_again_ends_with_the_deadline(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openassistant.again._SILENCE", 0.1)
    agent, gateway = await room("agent"), await room("gateway")
    asked: list[str] = []

    async def handler(ctx: CallContext, body: Words) -> Words:
        asked.append(body.words)
        return await asyncio.Event().wait()  # type: ignore[return-value]  # it never ends

    await agent.serve(ASK, Words, handler)
    async with asyncio.timeout(5):
        with pytest.raises(DeadlineExceeded):
            await gateway.ask(ASK, Words(words="nobody"), Words, within(1))
    assert len(asked) == 5  # at once, and after 0.1, 0.2, 0.4 and 0.8 seconds
    with pytest.raises(DeadlineExceeded):
        await gateway.ask(ASK, Words(words="late"), Words, within(-1))
    assert set(asked) == {"nobody"}


async def test_a_room_that_is_not_there_is_waited_for_as_long_as_is_said(room: Room) -> None:
    gateway = await room("gateway")
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable):
            await gateway.ask(ASK, Words(words="now"), Words, within(60))
    waiting = asyncio.create_task(gateway.ask(ASK, Words(words="soon"), Words, within(60), away=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await (await room("agent")).serve(ASK, Words, echo)
    async with asyncio.timeout(10):
        assert (await waiting).words == "soon"
    with pytest.raises(Unavailable):
        await gateway.ask(subjects.agent("decide"), Words(words="never"), Words, within(60), away=0.3)


async def test_after_the_deadline_nothing_is_sent(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    asked: list[Words] = []

    async def handler(ctx: CallContext, body: Words) -> Words:
        asked.append(body)
        return body

    await agent.serve(ASK, Words, handler)
    with pytest.raises(DeadlineExceeded):
        await gateway.request(ASK, Words(words=""), Words, within(-1))
    await gateway.request(ASK, Words(words="in time"), Words, within())
    assert [each.words for each in asked] == ["in time"]


async def test_what_the_bus_does_not_carry_is_too_large_in_both_directions(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")

    async def handler(ctx: CallContext, body: Words) -> Words:
        return Words(words="x" * 9_000_000)

    await agent.serve(ASK, Words, handler)
    for words in ("short", "x" * 9_000_000):
        with pytest.raises(TooLarge):
            await gateway.request(ASK, Words(words=words), Words, within())


# --- limits and draining ------------------------------------------------------------------------------------------


async def test_no_more_than_the_limit_run_at_once_and_the_rest_wait(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    running, most = 0, 0

    async def handler(ctx: CallContext, body: Words) -> Words:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return body

    await agent.serve(ASK, Words, handler, limit=3)
    await asyncio.gather(*(gateway.request(ASK, Words(words=str(n)), Words, within()) for n in range(20)))
    assert most == 3


async def test_far_more_than_the_limit_are_refused_and_not_kept_waiting(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    go = asyncio.Event()

    async def handler(ctx: CallContext, body: Words) -> Words:
        await go.wait()
        return body

    await agent.serve(ASK, Words, handler, limit=1)
    asked = [asyncio.create_task(gateway.request(ASK, Words(words="x"), Words, within())) for _ in range(60)]
    await until(lambda: any(task.done() for task in asked))
    go.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in ended if isinstance(each, Unavailable)]
    assert len([each for each in ended if isinstance(each, Words)]) + len(refused) == 60
    assert 40 <= len(refused) <= 45
    assert {each.retry_after for each in refused} == {1}


async def test_draining_finishes_what_runs_and_takes_no_more(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    begun, go = asyncio.Event(), asyncio.Event()

    async def handler(ctx: CallContext, body: Words) -> Words:
        begun.set()
        await go.wait()
        return body

    await agent.serve(ASK, Words, handler)
    running = asyncio.create_task(gateway.request(ASK, Words(words="kept"), Words, within()))
    await asyncio.wait_for(begun.wait(), 5)
    draining = asyncio.create_task(agent.drain(seconds=5))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not draining.done()
    go.set()
    await asyncio.wait_for(draining, 10)
    assert (await running).words == "kept"
    with pytest.raises(Unavailable):
        await gateway.request(ASK, Words(words="late"), Words, within(2))


async def test_draining_does_not_wait_longer_than_it_may(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    begun = asyncio.Event()

    async def handler(ctx: CallContext, body: Words) -> Words:
        begun.set()
        await asyncio.Event().wait()
        return body

    await agent.serve(ASK, Words, handler)
    running = asyncio.create_task(gateway.request(ASK, Words(words="stuck"), Words, within(1)))
    await asyncio.wait_for(begun.wait(), 5)
    await asyncio.wait_for(agent.drain(seconds=0.1), 5)
    with pytest.raises((DeadlineExceeded, Unavailable)):
        await running


# --- events -------------------------------------------------------------------------------------------------------


async def collect(bus: Bus, subject: str, *, after: int, upto: int) -> list[int]:
    """The ids that come after one, until `upto` came."""
    ids: list[int] = []
    async with asyncio.timeout(15), aclosing(bus.events(subject, after=after)) as events:
        async for event_id, data in events:
            assert data == b"%d" % event_id
            ids.append(event_id)
            if event_id >= upto:
                return ids
    raise AssertionError("events never end by themselves")


async def emit(bus: Bus, subject: str, *ids: int) -> None:
    for event_id in ids:
        await bus.emit(subject, event_id, b"%d" % event_id)


async def kept(bus: Bus, subject: str, last: int) -> None:
    """Waits until the stream holds an event."""
    assert (await collect(bus, subject, after=0, upto=last))[-1] == last


async def test_a_late_reader_gets_what_was_missed_then_what_is_new(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    subject = subjects.chat(new_id(), new_id())
    await emit(agent, subject, 10, 20, 30)
    await kept(gateway, subject, 30)
    reading = asyncio.create_task(collect(gateway, subject, after=10, upto=50))
    await emit(agent, subject, 40, 50)
    assert await reading == [20, 30, 40, 50]


async def test_a_reader_who_is_up_to_date_gets_new_ones_alone(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    subject = subjects.chat(new_id(), new_id())
    await emit(agent, subject, 10, 20)
    await kept(gateway, subject, 20)
    reading = asyncio.create_task(collect(gateway, subject, after=20, upto=30))
    await emit(agent, subject, 30)
    assert await reading == [30]


async def test_resuming_in_a_stream_of_events_leaves_no_gap_and_repeats_none(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    subject = subjects.chat(new_id(), new_id())
    total = 600

    async def produce() -> None:
        for event_id in range(1, total + 1):
            await emit(agent, subject, event_id)
            if event_id % 10 == 0:
                await asyncio.sleep(0.001)

    producing = asyncio.create_task(produce())
    seen: list[int] = []
    while not seen or seen[-1] < total:
        after = seen[-1] if seen else 0
        seen += await collect(gateway, subject, after=after, upto=min(total, after + 37))
    await producing
    assert seen == list(range(1, total + 1))


async def test_ids_rise_strictly_whatever_is_sent(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    subject = subjects.chat(new_id(), new_id())
    await emit(agent, subject, 1)
    await kept(gateway, subject, 1)
    reading = asyncio.create_task(collect(gateway, subject, after=1, upto=9))
    for _ in range(10):
        await asyncio.sleep(0.01)
    await emit(agent, subject, 3, 3, 2, 5, 4, 9)
    assert await reading == [3, 5, 9]


async def test_a_place_that_is_no_longer_kept_is_not_found(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    subject = subjects.chat(new_id(), new_id())
    with pytest.raises(NotFound):
        await collect(gateway, subject, after=7, upto=8)
    await emit(agent, subject, 10, 20)
    await kept(gateway, subject, 20)
    for forgotten in (7, 15, 25):
        with pytest.raises(NotFound):
            await collect(gateway, subject, after=forgotten, upto=30)


async def test_conversations_do_not_mix(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    user = new_id()
    one, two = subjects.chat(user, new_id()), subjects.chat(user, new_id())
    reading = asyncio.create_task(collect(gateway, one, after=0, upto=3))
    await emit(agent, two, 1, 2)
    await emit(agent, one, 3)
    assert await reading == [3]


# --- the registry -------------------------------------------------------------------------------------------------


async def test_a_watcher_gets_the_present_values_then_each_change(room: Room) -> None:
    hand, gateway = await room("mail"), await room("gateway")
    key = subjects.instance_key("mail", new_id())
    await hand.put(CONNECTORS_BUCKET, key, b"first")
    seen: list[tuple[str, bytes | None]] = []

    async def follow() -> None:
        async for item in gateway.watch(CONNECTORS_BUCKET):
            seen.append(item)  # noqa: PERF401 - it never ends

    following = asyncio.create_task(follow())
    await until(lambda: seen == [(key, b"first"), ("", None)])
    await hand.put(CONNECTORS_BUCKET, key, b"second")
    await hand.put(CONNECTORS_BUCKET, "caldav.other", b"another")
    await until(lambda: {(key, b"second"), ("caldav.other", b"another")} <= set(seen))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_watcher_of_an_empty_bucket_is_told_that_nothing_is_there(room: Room) -> None:
    gateway = await room("gateway")
    seen: list[tuple[str, bytes | None]] = []

    async def follow() -> None:
        async for item in gateway.watch(CONNECTORS_BUCKET):
            seen.append(item)  # noqa: PERF401 - it never ends

    following = asyncio.create_task(follow())
    await until(lambda: seen == [("", None)])
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


# --- the real server alone ----------------------------------------------------------------------------------------


async def test_a_bus_that_was_away_is_said_to_be_and_serves_again_when_it_is_back() -> None:
    with NatsServer(SERVER) as server:
        gateway, agent = await connected(server, "gateway"), await connected(server, "agent")
        await agent.serve(ASK, Words, echo)
        subject = subjects.chat(new_id(), new_id())
        await asyncio.to_thread(server.restart, wipe=True)

        async def works() -> bool:
            try:
                await emit(agent, subject, 1)
                return (await gateway.request(ASK, Words(words="back"), Words, within(2))).words == "back"
            except (Unavailable, DeadlineExceeded):
                return False

        async with asyncio.timeout(20):
            while not await works():
                await asyncio.sleep(0.05)
        await gateway.drain(seconds=1)
        await agent.drain(seconds=1)


async def test_a_pause_ends_when_the_bus_is_back() -> None:
    with NatsServer(SERVER) as server:
        hand = await connected(server, "mail")
        pausing = asyncio.create_task(hand.pause(60))
        await asyncio.to_thread(server.restart, wipe=True)
        async with asyncio.timeout(20):
            await pausing
        await hand.drain(seconds=1)


async def test_a_pause_of_a_bus_that_stays_ends_by_itself(room: Room) -> None:
    hand = await room("mail")
    async with asyncio.timeout(5):
        await hand.pause(0.05)


async def test_whoever_stops_waiting_for_the_server_costs_nobody_the_connection(room: Room) -> None:
    agent, gateway = await room("agent"), await room("gateway")
    await agent.serve(ASK, Words, echo)

    async def ignore(_: Incoming) -> None: ...

    for turns in range(12):
        leaving = asyncio.create_task(gateway.subscribe(f"oa.event.inbox.m{turns}", ignore))
        for _ in range(turns):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    assert await gateway.request(ASK, Words(words="still here"), Words, within(2)) == Words(words="still here")


async def test_a_bus_that_is_not_there_is_unavailable() -> None:
    with NatsServer(SERVER) as server:
        url = server.url
    with pytest.raises(Unavailable, match="cannot be reached as agent"):
        await Bus.connect(url, room="agent", seed=seed(), wait=0.5)


# --- matching of the memory bus -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [
        ("a.b", "a.b", True), ("a.b", "a.c", False), ("a.*", "a.b", True), ("a.*", "a.b.c", False), ("a.*", "a", False),
        ("a.>", "a.b.c", True), ("a.>", "a", False), ("*.b", "a.b", True), (">", "a", True), ("a.b", "a", False),
    ],
)  # fmt: skip
def test_a_pattern_fits_as_on_the_server(pattern: str, subject: str, fits: bool) -> None:
    assert matches(pattern, subject) is fits


def test_an_upstream_failure_is_not_retryable_and_a_rate_limit_is() -> None:
    assert not UpstreamFailed.retryable
    assert {code for code, error in ERRORS.items() if error.retryable} == {"rate_limited", "unavailable"}
