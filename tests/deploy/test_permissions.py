"""Every room may say and hear what its work needs, and the server refuses it everything else."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest
from nats.aio.client import Client
from pydantic import SecretStr

from deploy.permissions import Room
from openassistant import subjects
from openassistant.bus import Bus, Incoming
from openassistant.context import CallContext
from openassistant.errors import Unavailable
from openassistant.messages import Done
from openassistant.testing import matches
from tests.deploy.house import ROOMS, STORE_KEY, open_bus, seeds
from tests.peers.nats import NatsServer

EVERY = {room.name for room in ROOMS}
HANDS = {"mail", "caldav"}
NOBODY: set[str] = set()
_END = "end.of.the.list"
REGISTRY_READERS = {"gateway", "agent", "vault"}


class Family(NamedTuple):
    """A subject, and who may say and hear it."""

    subject: str
    sayers: set[str]
    hearers: set[str]


def families() -> Iterator[Family]:
    """One example of every family of subjects, written down here a second time and not read from the table."""
    yield from services()
    yield from identities()
    yield from hands()
    yield from discovery()
    yield from jetstream()
    for everything in (">", "oa.>", "oa.rpc.>", "oa.tool.>", "_INBOX.x", "_INBOX.>", "$SYS.REQ.SERVER.PING", "$KV.>"):
        yield Family(everything, NOBODY, NOBODY)


def services() -> Iterator[Family]:
    """What the services and the way out ask one another."""
    gateway, agent, vault, audit = {"gateway"}, {"agent"}, {"vault"}, {"audit"}
    for verb in ("turn", "decide", "settle", "cancel", "retry", "history", "conversations", "create", "delete"):
        yield Family(f"oa.rpc.agent.{verb}", gateway, agent)
    yield Family("oa.rpc.gateway.approve", agent, gateway)
    yield Family("oa.rpc.gateway.renew", agent, gateway)
    yield Family("oa.rpc.gateway.targets", {"egress"}, gateway)
    yield Family("oa.rpc.gateway.other", NOBODY, gateway)
    yield Family("oa.rpc.egress.set", gateway, {"egress"})
    yield Family("oa.rpc.egress.other", NOBODY, NOBODY)
    yield Family("oa.rpc.vault.public", gateway, vault)
    for verb in ("connect", "borrow", "finish", "rename", "list", "revoke"):
        yield Family(f"oa.rpc.vault.account.{verb}", gateway, vault)
    for verb in ("keep", "list", "remove", "authorize", "finish", "poll"):
        yield Family(f"oa.rpc.vault.oauth.{verb}", gateway, vault)
    for verb in ("keep", "list", "remove", "begin", "finish"):
        yield Family(f"oa.rpc.vault.openid.{verb}", gateway, vault)
    for verb in ("query", "turn", "verify", "proof", "consistency", "export", "head", "left", "left_entries"):
        yield Family(f"oa.rpc.audit.{verb}", gateway, audit)
    yield Family("oa.event.chat.u1.c1", agent, gateway)
    yield Family("oa.tool.house.u1.memory_save", agent, gateway)
    for room, verb in product(EVERY - gateway - {"egress"}, ("export", "erase", "retain", "usage", "rekey")):
        yield Family(f"oa.rpc.{room}.data.{verb}", gateway, {room})


def identities() -> Iterator[Family]:
    """Subjects whose last token says who speaks: a room can say its own name alone."""
    for room in EVERY:
        yield Family(f"oa.rpc.vault.key.{room}", {room} - {"vault", "egress"}, {"vault"})
        yield Family(f"oa.rpc.vault.token.{room}", {room} & (HANDS | {"agent"}), {"vault"})
        yield Family(f"oa.rpc.vault.rotate.{room}", {room} & {"gateway"}, {"vault"})
        yield Family(f"oa.rpc.egress.lookup.{room}", {room} & HANDS, {"egress"})
        yield Family(f"oa.rpc.audit.record.{room}", {room} - {"audit"}, {"audit"})
        yield Family(f"_INBOX_{room}.a.b", NOBODY, {room})


def hands() -> Iterator[Family]:
    """What reaches a connector, and what it tells by itself."""
    for hand in HANDS:
        yield Family(f"oa.tool.{hand}.u1.some_tool", {"agent"}, {hand})
        yield Family(f"oa.rpc.{hand}.preview", {"gateway"}, {hand})
        yield Family(f"oa.rpc.{hand}.hook", {"gateway"}, {hand})
        for verb in ("check", "attach", "detach", "status"):
            yield Family(f"oa.rpc.{hand}.account.{verb}", {"gateway"}, {hand})
        for verb in ("open", "settle", "undoable"):
            yield Family(f"oa.rpc.{hand}.journal.{verb}", {"gateway"}, {hand})
        yield Family(f"oa.event.inbox.{hand}", {hand}, {"gateway"})
        yield Family(f"$KV.OA_CONNECTORS.{hand}.i1", {hand}, NOBODY)


def discovery() -> Iterator[Family]:
    """NATS ADR-32."""
    yield Family("$SRV.PING", {"gateway"}, EVERY)
    for room in EVERY:
        yield Family(f"$SRV.INFO.{room}", {"gateway"}, {room})
        yield Family(f"$SRV.PING.{room}.i1", {"gateway"}, {room})


def jetstream() -> Iterator[Family]:
    """The store's interface: what `openassistant.bus` uses, and beside it what would harm."""
    for stream in ("OA_CHAT", "OA_INBOX", "KV_OA_CONNECTORS"):
        yield Family(f"$JS.API.STREAM.CREATE.{stream}", {"gateway"}, NOBODY)
        purger = {"gateway"} if stream == "OA_CHAT" else NOBODY  # what conversations said goes with them
        yield Family(f"$JS.API.STREAM.PURGE.{stream}", purger, NOBODY)
        for verb in ("UPDATE", "DELETE", "INFO", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"):
            yield Family(f"$JS.API.STREAM.{verb}.{stream}", NOBODY, NOBODY)
        yield Family(f"$JS.API.CONSUMER.DELETE.{stream}.c1", NOBODY, NOBODY)
        yield Family(f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.c1", NOBODY, NOBODY)
        yield Family(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.c1", NOBODY, NOBODY)
    yield Family("$JS.API.CONSUMER.CREATE.OA_CHAT", {"gateway"}, NOBODY)
    yield Family("$JS.API.CONSUMER.CREATE.OA_INBOX", NOBODY, NOBODY)
    yield Family("$JS.API.CONSUMER.CREATE.KV_OA_CONNECTORS", REGISTRY_READERS, NOBODY)
    yield Family("$JS.FC.OA_CHAT.c1.x", {"gateway"}, NOBODY)
    yield Family("$JS.FC.KV_OA_CONNECTORS.c1.x", REGISTRY_READERS, NOBODY)
    yield Family("$JS.API.DIRECT.GET.OA_CHAT.oa.event.chat.u1.c1", {"gateway"}, NOBODY)
    yield Family("$JS.API.DIRECT.GET.OA_CHAT", NOBODY, NOBODY)
    yield Family("$JS.API.STREAM.CREATE.OTHER", NOBODY, NOBODY)
    yield Family("$JS.API.STREAM.LIST", NOBODY, NOBODY)
    yield Family("$JS.API.INFO", NOBODY, NOBODY)
    yield Family("$JS.ACK.OA_CHAT.c1.1.1.1.1.0", NOBODY, NOBODY)


class Bench(NamedTuple):
    """The server and every room's seed."""

    server: NatsServer
    seeds: dict[str, str]

    async def bus(self, room: str) -> Bus:
        """A room's own door."""
        return await Bus.connect(
            self.server.url, room=room, seed=SecretStr(self.seeds[room]), streams=room == "gateway", wait=10
        )


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    keys = seeds()
    with open_bus(keys) as server:
        yield Bench(server, keys)


class Probe:
    """A raw client with a room's key, which tells refusals in lower case.

    The server reads a connection in order: once it has refused `_END`, it has judged all that came before.
    """

    def __init__(self) -> None:
        self.client = Client()
        self._refusals: asyncio.Queue[str] = asyncio.Queue()

    async def connect(self, bench: Bench, room: str) -> None:
        async def collect(error: Exception) -> None:
            self._refusals.put_nowait(str(error))

        await self.client.connect(
            bench.server.url,
            nkeys_seed_str=bench.seeds[room],
            inbox_prefix=f"_INBOX_{room}".encode(),
            error_cb=collect,
            allow_reconnect=False,
        )

    async def refused_to_say(self, subjects_said: list[str]) -> set[str]:
        for subject in (*subjects_said, _END):
            await self.client.publish(subject, b"")
        return await self._refused("publish")

    async def refused_to_hear(self, subjects_heard: list[str]) -> set[str]:
        for subject in (*subjects_heard, _END):
            await self.client.subscribe(subject)
        return await self._refused("subscription")

    async def _refused(self, what: str) -> set[str]:
        found: set[str] = set()
        async with asyncio.timeout(10):
            while _END not in found:
                refusal = await self._refusals.get()
                match = re.search(rf'permissions violation for {what} to "([^"]+)"', refusal, re.IGNORECASE)
                assert match, refusal
                found.add(match[1])
        return found - {_END}


@pytest.fixture(params=ROOMS, ids=lambda room: room.name)
async def probe(request: pytest.FixtureRequest, bench: Bench) -> AsyncIterator[tuple[Room, Probe]]:
    probe = Probe()
    await probe.connect(bench, request.param.name)
    yield request.param, probe
    await probe.client.close()


async def test_a_room_says_exactly_what_its_row_allows(probe: tuple[Room, Probe]) -> None:
    room, client = probe
    sayable = [each for each in families() if not each.subject.endswith(">")]
    refused = await client.refused_to_say([each.subject for each in sayable])
    assert refused == {each.subject.lower() for each in sayable if room.name not in each.sayers}


async def test_a_room_hears_exactly_what_its_row_allows(probe: tuple[Room, Probe]) -> None:
    room, client = probe
    refused = await client.refused_to_hear([each.subject for each in families()])
    assert refused == {each.subject.lower() for each in families() if room.name not in each.hearers}


async def test_every_row_of_the_table_is_tried() -> None:
    tried = [each.subject for each in families()]
    rows = {pattern for room in ROOMS for pattern in (*room.publish, *room.subscribe)}
    assert {row for row in rows if not any(matches(row, subject) for subject in tried)} == set()


async def test_a_key_that_nobody_was_given_is_refused(bench: Bench) -> None:
    probe = Probe()
    stranger = Bench(bench.server, seeds())
    with pytest.raises(Exception, match=r"(?i)authorization"):
        await probe.connect(stranger, "mail")
    left: Any = probe.client._transport
    left.close()
    with contextlib.suppress(OSError):
        await left.wait_closed()


@pytest.mark.parametrize("room", [room for room in ROOMS if room.name != "gateway"], ids=lambda room: room.name)
async def test_a_request_reaches_the_room_and_its_answer_comes_back(bench: Bench, room: Room) -> None:
    asker, answerer = await bench.bus("gateway"), await bench.bus(room.name)
    heard: list[str] = []

    async def handle(ctx: CallContext, body: Done) -> Done:
        heard.append(ctx.subject)
        return body

    subject = subjects.egress("set") if room.name == "egress" else subjects.data(room.name, "usage")
    await answerer.serve(subject, Done, handle)
    await answered(asker, subject)
    assert heard == [subject]
    await asyncio.gather(asker.drain(), answerer.drain())


async def test_the_gateway_answers_the_agent(bench: Bench) -> None:
    gateway, agent = await bench.bus("gateway"), await bench.bus("agent")

    async def handle(ctx: CallContext, body: Done) -> Done:
        return body

    await gateway.serve(subjects.gateway("approve"), Done, handle)
    await answered(agent, subjects.gateway("approve"))
    await asyncio.gather(gateway.drain(), agent.drain())


@pytest.mark.parametrize("hand", sorted(HANDS))
async def test_a_hand_is_found_in_the_registry_by_those_who_may_read_it(bench: Bench, hand: str) -> None:
    gateway, connector = await bench.bus("gateway"), await bench.bus(hand)
    await connector.put(subjects.CONNECTORS_BUCKET, subjects.instance_key(hand, "i1"), b"first")
    for name in sorted(REGISTRY_READERS):
        reader = await bench.bus(name)
        assert await found(reader, hand) == b"first"
        await reader.drain()
    await asyncio.gather(gateway.drain(), connector.drain())


async def test_a_watcher_hears_a_change_that_comes_later(bench: Bench) -> None:
    gateway, connector, agent = await bench.bus("gateway"), await bench.bus("mail"), await bench.bus("agent")
    await connector.put(subjects.CONNECTORS_BUCKET, "mail.i2", b"old")
    async with asyncio.timeout(10):
        watch = aiter(agent.watch(subjects.CONNECTORS_BUCKET))
        seen = [value async for value in until(watch, ("mail.i2", b"old"))]
        await connector.put(subjects.CONNECTORS_BUCKET, "mail.i2", b"new")
        seen += [value async for value in until(watch, ("mail.i2", b"new"))]
    assert seen[-1] == ("mail.i2", b"new")
    await asyncio.gather(*(each.drain() for each in (gateway, connector, agent)))


async def test_a_reader_of_a_conversation_gets_what_was_said_and_what_comes(bench: Bench) -> None:
    gateway, agent = await bench.bus("gateway"), await bench.bus("agent")
    chat = subjects.chat("u1", "replayed")
    for event in range(1, 301):
        await agent.emit(chat, event, b"x" * 2000)
    await agent.drain()
    agent = await bench.bus("agent")
    seen: list[int] = []
    async with asyncio.timeout(10):
        async for event, _ in gateway.events(chat, after=0):
            seen.append(event)
            if event == 300:
                await agent.emit(chat, 301, b"live")
            if event == 301:
                break
    assert seen == list(range(1, 302))
    await asyncio.gather(gateway.drain(), agent.drain())


async def test_a_long_conversation_resumes_past_the_flow_control_window(bench: Bench) -> None:
    gateway, agent = await bench.bus("gateway"), await bench.bus("agent")
    chat = subjects.chat("u1", "long")
    for event in range(1, 151):
        await agent.emit(chat, event, b"x" * 200_000)
    await agent.drain()
    seen: list[int] = []
    async with asyncio.timeout(20):
        async for event, _ in gateway.events(chat, after=3):
            seen.append(event)
            if event == 150:
                break
    assert seen == list(range(4, 151))
    await gateway.drain()


async def test_a_connector_tells_the_inbox_and_the_gateway_hears_it(bench: Bench) -> None:
    gateway, connector = await bench.bus("gateway"), await bench.bus("caldav")
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def keep(message: Incoming) -> None:
        heard.put_nowait(message.data)

    await gateway.subscribe(subjects.inbox("*"), keep)
    await answered_flush(gateway)
    await connector.publish(subjects.inbox("caldav"), b"{}")
    assert await asyncio.wait_for(heard.get(), 5) == b"{}"
    await asyncio.gather(gateway.drain(), connector.drain())


async def test_a_gateway_that_comes_back_finds_its_streams(bench: Bench) -> None:
    first = await bench.bus("gateway")
    second = await bench.bus("gateway")
    await asyncio.gather(first.drain(), second.drain())


async def test_what_the_bus_stores_is_unreadable_on_disk() -> None:
    keys = seeds()
    with open_bus(keys) as server:
        bench = Bench(server, keys)
        gateway, connector = await bench.bus("gateway"), await bench.bus("mail")
        await connector.publish(subjects.inbox("mail"), b"planted-in-the-inbox")
        await asyncio.gather(gateway.drain(), connector.drain())
        assert any(server.store.rglob("*.blk"))
        server.restart()
        stored = b"".join(path.read_bytes() for path in server.store.rglob("*") if path.is_file())
    assert b"planted-in-the-inbox" not in stored
    assert STORE_KEY.encode() not in stored
    assert b"oa.event.inbox" not in stored


async def answered(bus: Bus, subject: str) -> None:
    """Asks until the other side's subscription has arrived at the server, five seconds at most."""
    for _ in range(100):
        try:
            await bus.request(subject, Done(), Done, CallContext.within(5))
        except Unavailable:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError(f"nobody answers {subject}")


async def answered_flush(bus: Bus) -> None:
    """Returns once the server has read what this connection said before."""
    await bus._transport._client.flush()  # type: ignore[attr-defined]  # the client behind the transport


async def found(bus: Bus, hand: str) -> bytes | None:
    """The registry's entry of a hand."""
    async with asyncio.timeout(10):
        async for key, value in bus.watch(subjects.CONNECTORS_BUCKET):
            if key == f"{hand}.i1":
                return value
    return None


async def until(
    watch: AsyncIterator[tuple[str, bytes | None]], wanted: tuple[str, bytes]
) -> AsyncIterator[tuple[str, bytes | None]]:
    """The changes of a watch up to the wanted one."""
    while True:
        change = await anext(watch)
        yield change
        if change == wanted:
            return
