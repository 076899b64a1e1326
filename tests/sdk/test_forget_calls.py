"""The words of single calls are forgotten; that they were made, and how they ended, is not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from openassistant import journal, subjects
from openassistant.context import CallContext, new_id
from openassistant.data import EraseRequest, Forgotten
from openassistant.grants import Erasure, Scope
from openassistant.messages import Call
from openassistant.testing import FakeHouse
from tests.sdk.hand.tools import connector

SECRET = "planted-title-wolverine"


@pytest.fixture
async def house() -> AsyncIterator[FakeHouse]:
    made = FakeHouse(connector)
    made.connect("Ada's place", {"place": "home"}, password="not-a-real-password")
    async with made:
        yield made


async def forget(house: FakeHouse, *calls: Call, dry: bool = False) -> dict[str, int]:
    now = house.clock()
    scope = Scope(kinds=("calls",), calls=tuple(each.id for each in calls))
    order = Erasure(id=new_id(), user=house.user, scope=scope, expires=now + timedelta(minutes=2))
    ctx = CallContext.within(20, user=house.user).signed(grant=house.grant())
    request = EraseRequest(order=house.gateway.sign(order), dry=dry)
    told = await house.bus.room("gateway").request(subjects.data("hand", "forget"), request, Forgotten, ctx)
    return {each.kind: each.count for each in told.parts}


async def made(house: FakeHouse) -> Call:
    call = house.make("events_create", guests=[SECRET])
    await house.send(call)
    return call


async def entry(house: FakeHouse, call: Call) -> Any:
    async with house.runner.stores.use(house.user) as store:
        return await journal.find(store, call.id)


async def test_the_words_of_a_call_go_and_those_of_others_stay(house: FakeHouse) -> None:
    first, second = await made(house), await made(house)
    assert await forget(house, first, dry=True) == {"calls": 1}
    assert (await entry(house, first)).call.arguments["guests"] == [SECRET]
    assert await forget(house, first) == {"calls": 1}
    assert SECRET not in (await entry(house, first)).model_dump_json()
    assert (await entry(house, first)).state == "done"
    assert (await entry(house, second)).call.arguments["guests"] == [SECRET]
    assert await forget(house, first) == {}


async def test_a_call_whose_words_went_is_not_made_again(house: FakeHouse) -> None:
    call = await made(house)
    await forget(house, call)
    count = len(house.records)
    answer = await house.send(call)
    assert SECRET not in str(answer.content)
    assert len(house.records) == count
