"""Everything that can happen to one question at once, in many orders: it ends one way, told and written down once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from openassistant.errors import OaError
from openassistant.messages import Heartbeat, card_digest
from services.gateway import views
from tests.services.gateway.house import POST, GatewayHouse

FRIDAY, MONDAY = {"text": "I sign on Friday."}, {"text": "I sign on Monday."}
ENDS = {"approval.granted": "approved", "approval.denied": "denied", "approval.expired": "expired"}


def another_card(house: GatewayHouse) -> None:
    """The connector runs in another form from now on, which nobody approved."""
    card = POST.model_copy(update={"version": "2"})
    beat = Heartbeat(instance="1", card=card, digest=card_digest(card), started=house.time)
    house.catalogue.apply("post.1", beat.model_dump_json().encode())


@pytest.mark.parametrize("seed", range(24))
async def test_whatever_comes_at_once_ends_in_one_way(house: GatewayHouse, seed: int) -> None:
    dice = random.Random(seed)
    turn, call = await house.turn(), house.call("letters_send", **FRIDAY)
    await house.put(call, turn)
    (view,) = await house.approvals.listing(house.me, "pending")
    end_of_time, *work = _happenings(house, view, turn)
    work += [end_of_time] * (seed % 3 == 0)
    dice.shuffle(work)

    async def soon(do: Callable[[], Awaitable[object]], pauses: int) -> object:
        for _ in range(pauses):
            await asyncio.sleep(0)
        return await do()

    said = await asyncio.gather(*(soon(each, dice.randrange(12)) for each in work), return_exceptions=True)
    assert all(isinstance(each, OaError) for each in said if isinstance(each, BaseException)), said
    house.beat()
    house.later(timedelta(hours=25))
    await house.approvals.sweep()
    await house.approvals.sweep()

    ended = await house.approvals.view(house.me, view.id)
    recorded = [ENDS[each] for each in house.recorded() if each in ENDS]
    assert recorded == [ended.state]
    told = {(decision.approved, decision.expired) for _, decision in house.decisions}
    assert told == {(ended.state == "approved", ended.state == "expired")}
    if ended.state == "approved":
        _as_it_was_seen(house, view, ended)


def _happenings(house: GatewayHouse, view: views.Approval, turn: str) -> list[Callable[[], Awaitable[object]]]:
    """Two devices that decide differently, twice each; a change; the end of its time; another card; the agent."""

    async def at_the_end_of_its_time() -> None:
        house.later(timedelta(hours=24))
        await house.approvals.sweep()

    async def card_changes() -> None:
        another_card(house)

    async def agent_asks_again() -> None:
        await house.renew(turn)

    def decide(*, approve: bool) -> Callable[[], Awaitable[object]]:
        return lambda: house.approvals.decide(house.me, view.id, approve=approve, seen=view.preview_digest)

    return [
        at_the_end_of_its_time,
        decide(approve=True), decide(approve=True), decide(approve=False), decide(approve=False),
        lambda: house.approvals.edit(house.me, view.id, MONDAY, seen=view.preview_digest),
        house.approvals.sweep, card_changes, agent_asks_again,
    ]  # fmt: skip


def _as_it_was_seen(house: GatewayHouse, view: views.Approval, ended: views.Approval) -> None:
    """A yes was to what its sayer saw: the letter before the change, which then was too late."""
    assert (ended.arguments, ended.preview_digest) == (FRIDAY, view.preview_digest)
    leaves = {decision.approval for _, decision in house.decisions}
    for token in leaves:
        approval = house.trust.approval(token, now=house.time - timedelta(hours=26))
        assert approval.preview_digest == view.preview_digest
    assert len({house.trust.approval(each, now=house.time - timedelta(hours=26)).call_digest for each in leaves}) == 1
