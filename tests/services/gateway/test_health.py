"""A house is ready when every room answers, whatever the answer is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from openassistant import __version__, subjects
from openassistant.bus import Bus
from openassistant.catalogue import Catalogue
from openassistant.context import CallContext, utc_now
from openassistant.errors import Forbidden, OaError, Unavailable
from openassistant.messages import AccountQuery, Card, ConversationQuery, Done, Heartbeat, PublicKey, card_digest
from openassistant.testing import MemoryBus
from services.gateway.health import Health


class Rooms:
    """Four rooms that answer what `says` holds for them, an error or a word; `asked` counts."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.says: dict[str, OaError] = {"agent": Forbidden("No grant."), "mail": Forbidden("No grant.")}
        self.asked: list[str] = []
        self.running: dict[str, Bus] = {}

    async def start(self, *names: str) -> None:
        for name in names:
            self.running[name] = self._bus.room(name)
        for name, subject, body in (
            ("vault", subjects.vault("public"), Done),
            ("audit", subjects.audit("head"), Done),
            ("agent", subjects.agent("conversations"), ConversationQuery),
            ("mail", subjects.account("mail", "status"), AccountQuery),
        ):
            if name in names:
                await self.running[name].serve(subject, body, self._answer)

    async def _answer(self, ctx: CallContext, body: object) -> PublicKey:
        name = {"public": "vault", "head": "audit", "conversations": "agent"}.get(subjects.last_token(ctx.subject))
        name = name or subjects.token_at(ctx.subject, 2)
        self.asked.append(name)
        if name in self.says:
            raise self.says[name]
        return PublicKey(public_key="x")


@pytest.fixture
async def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def rooms(bus: MemoryBus) -> AsyncIterator[Rooms]:
    rooms = Rooms(bus)
    yield rooms
    for each in rooms.running.values():
        await each.drain(seconds=1)


def health(bus: MemoryBus, *release: str, seconds: float = 2.0, kept: float = 0.0) -> Health:
    return Health(bus.room("gateway"), release=frozenset(release), seconds=seconds, kept=kept)


async def test_a_house_whose_rooms_all_answer_is_ready_even_when_they_refuse(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault", "audit", "agent", "mail")
    readiness = await health(bus, "mail").readiness()
    assert (readiness.ready, readiness.missing) == (True, ())


async def test_rooms_that_do_not_run_are_named_in_order(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault")
    readiness = await health(bus, "mail", "caldav").readiness()
    assert (readiness.ready, readiness.missing) == (False, ("agent", "audit", "caldav", "mail"))


async def test_a_room_that_says_it_is_unavailable_is_missing(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault", "audit", "agent")
    rooms.says["vault"] = Unavailable("Not open yet.")
    assert (await health(bus).readiness()).missing == ("vault",)


async def test_a_room_that_is_silent_is_missing_after_the_deadline(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault", "audit", "agent")
    silent = bus.room("mail")

    async def silence(ctx: CallContext, query: AccountQuery) -> Done:
        await asyncio.sleep(10)
        return Done()

    await silent.serve(subjects.account("mail", "status"), AccountQuery, silence)
    async with asyncio.timeout(5):
        assert (await health(bus, "mail", seconds=0.2).readiness()).missing == ("mail",)
    await silent.drain(seconds=1)


async def test_a_connector_outside_the_release_is_not_waited_for(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault", "audit", "agent")
    assert (await health(bus).readiness()).ready


async def test_many_who_ask_at_once_cost_the_rooms_one_question(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault", "audit", "agent")
    watched = health(bus, kept=60)
    await asyncio.gather(*(watched.readiness() for _ in range(10)))
    assert sorted(rooms.asked) == ["agent", "audit", "vault"]


async def test_a_room_that_comes_back_is_seen(bus: MemoryBus, rooms: Rooms) -> None:
    watched = health(bus)
    assert not (await watched.readiness()).ready
    await rooms.start("vault", "audit", "agent")
    assert (await watched.readiness()).ready


class Clock:
    def __init__(self) -> None:
        self.time = utc_now()

    def __call__(self) -> datetime:
        return self.time


def announced(card_id: str, instance: str, started: datetime) -> Heartbeat:
    card = Card(id=card_id, name=card_id, version="3.1")
    return Heartbeat(instance=instance, card=card, digest=card_digest(card), started=started)


async def test_since_when_a_room_is_away_is_known_though_nobody_asked(bus: MemoryBus, rooms: Rooms) -> None:
    clock = Clock()
    await rooms.start("vault", "audit")
    watched = Health(bus.room("gateway"), release=frozenset(), clock=clock, kept=0.0)
    began = clock.time
    await watched.watch()
    clock.time += timedelta(hours=3)
    state = await watched.state()
    assert [(each.room, each.since) for each in state.away] == [("agent", began)]
    assert state.watched_since == began
    await rooms.start("agent")
    assert (await watched.state()).away == ()


async def test_the_owner_sees_rooms_with_versions_and_instances(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("vault", "audit", "agent")
    clock = Clock()
    catalogue = Catalogue(clock)
    for instance in ("two", "one"):
        beat = announced("mail", instance, clock.time - timedelta(minutes=len(instance) + (instance == "one")))
        catalogue.apply(f"mail.{instance}", beat.model_dump_json().encode())
    watched = Health(
        bus.room("gateway"), release=frozenset({"mail", "caldav"}), catalogue=catalogue, clock=clock, kept=0.0
    )
    found = await watched.rooms()
    by_name = {each.room: each for each in found.rooms}
    assert found.version == __version__
    assert [by_name[name].kind for name in ("gateway", "agent", "caldav")] == ["service", "service", "connector"]
    assert [(each.version, each.since is None) for each in by_name["vault"].instances] == [(__version__, False)]
    assert [(each.instance, each.version) for each in by_name["mail"].instances] == [("one", "3.1"), ("two", "3.1")]
    assert (by_name["caldav"].answers, by_name["caldav"].instances, by_name["caldav"].away_since) == (
        False, (), clock.time,
    )  # fmt: skip


async def test_a_room_that_refuses_says_what_it_runs_all_the_same(bus: MemoryBus, rooms: Rooms) -> None:
    await rooms.start("agent")
    found = await bus.room("gateway").ask_who(
        subjects.agent("conversations"), ConversationQuery(), CallContext.within(2)
    )
    assert found.version == __version__
    assert found.since is not None
