"""What the ledger says of a calendar equals what went over the wire, counted by somebody who only passes bytes on."""

from __future__ import annotations

import asyncio

from openassistant.messages import AuditAction, Record
from tests.connectors.caldav.conftest import Desk
from tests.peers.wire import Wire


async def _reported(desk: Desk, action: AuditAction) -> Record:
    async with asyncio.timeout(10):
        while not (found := [each for each in desk.house.records if each.action is action and each.traffic]):
            await asyncio.sleep(0.01)
    return found[0]


def _wired(desk: Desk, wire: Wire) -> None:
    desk.set(url=desk.server.url.replace(f":{desk.server.port}", f":{wire.port}"))


async def test_an_event_that_is_made_says_what_went_over_the_wire(desk: Desk) -> None:
    async with Wire(desk.server.port) as wire:
        _wired(desk, wire)
        await desk.sync()
        await wire.quiet()
        out, back = wire.out, wire.back
        await desk.house.call("events_create", title="Dentist", start="2030-05-02T10:00", end="2030-05-02T11:00")
        record = await _reported(desk, AuditAction.TOOL_FINISHED)
        await wire.quiet()
        (said,) = record.traffic
        assert (said.host, said.port, said.reach) == ("127.0.0.1", wire.port, "machine")
        assert (said.bytes_out, said.bytes_in) == (wire.out - out, wire.back - back)
    assert said.bytes_out > len("Dentist")


async def test_a_sync_says_what_it_read_as_the_accounts(desk: Desk) -> None:
    async with Wire(desk.server.port) as wire:
        _wired(desk, wire)
        await desk.sync()
        record = await _reported(desk, AuditAction.TRAFFIC_COUNTED)
        await wire.quiet()
        (said,) = record.traffic
        assert (said.bytes_out, said.bytes_in) == (wire.out, wire.back)
    assert record.account == desk.house.account.account
