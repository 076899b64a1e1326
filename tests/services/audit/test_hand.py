"""A real hand and the real witness: what it was told to begin and what became of it stand in the ledger."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import Conflict, Forbidden, OaError
from openassistant.keys import Keys
from openassistant.messages import AuditAction, Call, Effect, Record, RecordReply, TurnQuery
from openassistant.store import Store
from openassistant.testing import FakeHouse
from openassistant.witness import record
from services.audit.__main__ import MIGRATIONS, Audit
from tests.sdk.hand.tools import connector


class WitnessedHouse(FakeHouse):
    """A hand with the witness in place of the fake one."""

    ledger: Audit

    async def _on_record(self, ctx: CallContext, record: Record) -> RecordReply:
        return await self.ledger.witness.record(ctx, record)

    async def run(self, tool: str, **arguments: Any) -> Call:
        """What the agent does with a call that is allowed; errors of the tool are in the ledger."""
        call = self.make(tool, **arguments)
        ctx = self.context(call).model_copy(update={"receipt": None, "grant": self._turn})
        entry = Record(id=call.id, action=AuditAction.TOOL_STARTED, call=call, effect=Effect.READ)
        receipt = (await record(self.agent, ctx, entry)).receipt
        try:
            await self.send(call, ctx.signed(receipt=receipt))
        except OaError:
            pass
        return call

    async def outcome(self, call: Call) -> str:
        """How the ledger says that a call ended, once it says so."""
        async with asyncio.timeout(10):
            while True:
                ctx = CallContext.within(5, user=self.user).signed(grant=self.grant())
                found = await self.ledger._pages.turn(ctx, TurnQuery(user=self.user))
                ended = {each.id: each.outcome for each in found.calls}[call.id]
                if ended is not None:
                    return ended
                await asyncio.sleep(0.01)

    def begin_turn(self) -> None:
        self._turn = self.grant()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WitnessedHouse]:
    async with WitnessedHouse(connector, folder=tmp_path / "hand") as house:
        house.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
        room = house.bus.room("audit")
        keys = Keys(room, utc_now)
        room_key = await keys.room()
        store = await Store.open(tmp_path / "ledger.db", room_key, MIGRATIONS)
        house.ledger = Audit(
            room, store, room_key, keys=keys, key=house.audit, trust=house.trust, clock=utc_now,
            kept_head=tmp_path / "head",
        )  # fmt: skip
        await house.ledger.ledger.open()
        house.begin_turn()
        yield house
        await store.close()


@pytest.mark.parametrize(
    ("tool", "arguments", "ended"),
    [
        ("notes_read", {"limit": 2}, "finished"),
        ("letters_send", {"to": "carol@example.org"}, "finished"),
        ("letters_send", {"to": "carol@example.org", "how": "refused"}, "failed"),
        ("letters_send", {"to": "carol@example.org", "how": "broken"}, "unknown"),
        ("letters_send", {"to": "carol@example.org", "how": "silent"}, "unknown"),
        ("letters_send", {"to": "carol@example.org", "how": "silent, found"}, "finished"),
    ],
)
async def test_the_ledger_says_how_a_call_ended(
    house: WitnessedHouse, tool: str, arguments: dict[str, Any], ended: str
) -> None:
    call = await house.run(tool, **arguments)
    assert await house.outcome(call) == ended
    assert (await house.ledger.ledger.verify()).ok


async def test_a_receipt_of_the_witness_opens_the_hand_for_its_call_alone(house: WitnessedHouse) -> None:
    first = await house.run("notes_read")
    other = house.make("notes_read")
    ctx = house.context(first)
    entry = Record(id=first.id, action=AuditAction.TOOL_STARTED, call=first)
    receipt = (await record(house.agent, ctx.signed(grant=house._turn), entry)).receipt
    with pytest.raises(Forbidden):
        await house.send(other, ctx.signed(receipt=receipt))


async def test_a_call_that_was_never_begun_has_no_outcome(house: WitnessedHouse) -> None:
    hand = house.bus.room(connector.id)
    with pytest.raises(Conflict):
        await record(
            hand, house.context(house.make("notes_read")), Record(id=new_id(), action=AuditAction.TOOL_FINISHED)
        )
