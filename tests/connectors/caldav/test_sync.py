"""The mirror follows the server: what is new, changed and gone, with and without sync tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.caldav.client import DavSession
from connectors.caldav.dav import Multistatus
from openassistant.errors import Forbidden
from tests.connectors.caldav.conftest import Desk
from tests.peers.front import Front

DENTIST = "UID:dentist\nDTSTART:20261020T080000Z\nDTEND:20261020T084500Z\nSUMMARY:Dentist"


async def remove(desk: Desk, name: str) -> None:
    await asyncio.to_thread(desk.server.delete, name)


async def titles(desk: Desk) -> list[str]:
    return [each["title"]["text"] for each in await desk.between("2026-10-01", "2026-10-31")]


@pytest.fixture(params=["tokens", "listing"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server with sync tokens, and one that refuses their report."""
    report: Callable[..., object] = DavSession.report

    async def without_tokens(self: DavSession, url: str, body: bytes, *, depth: int = 1) -> Multistatus:
        if b"sync-collection" in body:
            raise Forbidden("not this report")
        return await report(self, url, body, depth=depth)  # type: ignore[misc, no-any-return]  # the real one

    if request.param == "listing":
        monkeypatch.setattr(DavSession, "report", without_tokens)
    return str(request.param)


@pytest.mark.usefixtures("way")
async def test_new_changed_and_gone_events_come_through(desk: Desk) -> None:
    await desk.put("dentist", DENTIST)
    await desk.put("second", DENTIST.replace("dentist", "second").replace("Dentist", "Second"))
    progress = await desk.sync()
    assert (progress.done, progress.total, progress.what) == (2, 2, "events")
    await desk.put("dentist", DENTIST.replace("Dentist", "Other dentist"))
    await remove(desk, "second")
    await desk.sync()
    assert await titles(desk) == ["Other dentist"]
    assert (await desk.house.call("events_search", query="second"))["events"] == []


async def test_a_second_pass_without_news_reads_no_event(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.put("dentist", DENTIST)
    await desk.sync()

    async def refuse(*_: object) -> None:
        raise AssertionError("nothing to fetch")

    monkeypatch.setattr(DavSession, "multiget", refuse)
    progress = await desk.sync()
    assert (progress.state, progress.done) == ("idle", 1)


@pytest.mark.slow
async def test_two_hundred_everyday_events_are_read(desk: Desk) -> None:
    await asyncio.to_thread(desk.server.seed, 200)
    progress = await desk.sync(60)
    assert (progress.done, progress.total) == (200, 200)


async def test_a_damaged_event_does_not_stop_the_others(desk: Desk, front: Front) -> None:
    await desk.put("dentist", DENTIST)
    await desk.put("odd", DENTIST.replace("dentist", "odd").replace("Dentist", "Odd"))
    front.change = lambda passed: replace(passed, answered=passed.answered.replace(b"SUMMARY:Odd", b"SUMMARY:Odd\x0b"))
    assert (await desk.sync()).state == "idle"
    assert "Dentist" in await titles(desk)


async def test_a_calendar_that_is_gone_leaves_the_mirror(desk: Desk) -> None:
    await asyncio.to_thread(desk.server.make_calendar, "Work")
    await desk.sync()
    await desk.house.call("events_create", title="Report", start="2026-10-21T09:00", calendar="work")
    assert await titles(desk) == ["Report"]
    await asyncio.to_thread(desk.server.drop_calendar, "Work")
    await desk.sync()
    assert await titles(desk) == []


async def test_a_server_that_is_away_is_said_and_its_return_noticed(read: Desk) -> None:
    await asyncio.to_thread(read.server.halt)
    progress = await read.sync()
    assert progress.state == "failed"
    assert progress.problem is not None
    assert "nothing answers on port" in progress.problem.message
    await asyncio.to_thread(read.server.launch)
    assert (await read.sync()).state == "idle"


async def test_the_typed_address_may_be_one_calendar(desk: Desk) -> None:
    await asyncio.to_thread(desk.server.make_calendar, "Work")
    desk.set(url=desk.server.calendar_url())
    await desk.put("dentist", DENTIST)
    progress = await desk.sync()
    assert progress.done == 1
    assert await titles(desk) == ["Dentist"]
