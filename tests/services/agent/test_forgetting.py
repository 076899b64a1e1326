"""Conversations go by their age, their number, one at a time or a period out of them; what is not meant stays."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import new_id
from openassistant.data import EraseRequest, Forgotten, Holding
from openassistant.errors import InvalidRequest, NotFound
from openassistant.grants import Erasure, Scope
from openassistant.messages import Conversation, ConversationList, ConversationQuery, Done
from tests.services.agent.house import AgentHouse, Script, says

SECRET = "planted-words-wolverine"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[AgentHouse]:
    async with AgentHouse(tmp_path, Script(*[says("Noted.") for _ in range(9)])) as made:
        yield made


async def forget(house: AgentHouse, scope: Scope, *, dry: bool = False) -> dict[str, int]:
    """By kind, how much went under the gateway's order."""
    now = house.fake.clock()
    order = Erasure(id=new_id(), user=house.fake.user, scope=scope, expires=now + timedelta(minutes=2))
    request = EraseRequest(order=house.fake.gateway.sign(order), dry=dry)
    ctx = house.context()
    told = await house.gateway.request(subjects.data("agent", "forget"), request, Forgotten, ctx)
    return {each.kind: each.count for each in told.parts}


async def another(house: AgentHouse) -> str:
    """A further conversation, which is spoken in from now on."""
    house.conversation = new_id()
    await house.request("create", ConversationQuery(), Conversation)
    return house.conversation


async def say(house: AgentHouse, words: str) -> None:
    await house.say(words)
    await house.settled()


async def titles(house: AgentHouse) -> list[str]:
    found: ConversationList = await house.request("conversations", ConversationQuery(), ConversationList)
    return sorted(each.title for each in found.conversations)


async def age(house: AgentHouse, conversation: str, by: timedelta) -> None:
    """The clock has moved on since everything in a conversation."""
    async with house.agent.stores.use(house.fake.user) as store:
        for table, column, key in (
            ("conversations", "created", "id"), ("conversations", "updated", "id"),
            ("turns", "created", "conversation"), ("messages", "created", "conversation"),
        ):  # fmt: skip
            rows = await store.read(
                lambda c, t=table, n=column, k=key: list(  # type: ignore[misc]  # bound now
                    c.execute(text(f"SELECT rowid AS row, {n} AS at FROM {t} WHERE {k} = :id"), {"id": conversation})
                )
            )
            for row in rows:
                moved = {"at": (datetime.fromisoformat(row.at) - by).isoformat(), "row": row.row}
                await store.write(
                    lambda c, t=table, n=column, m=moved: c.execute(  # type: ignore[misc]  # bound now
                        text(f"UPDATE {t} SET {n} = :at WHERE rowid = :row"), m
                    ).close()
                )


async def test_what_was_not_touched_for_so_many_days_goes_and_the_rest_stays(house: AgentHouse) -> None:
    old = house.conversation
    await say(house, f"an old matter {SECRET}")
    await another(house)
    await say(house, "a new matter")
    await age(house, old, timedelta(days=31))
    limit = Scope(kinds=("conversations",), until=house.fake.clock() - timedelta(days=30))
    assert await forget(house, limit, dry=True) == {"conversations": 1}
    assert len(await titles(house)) == 2
    assert await forget(house, limit) == {"conversations": 1}
    assert await titles(house) == ["a new matter"]
    assert await forget(house, limit) == {}


async def test_only_the_newest_are_kept(house: AgentHouse) -> None:
    for words in ("first", "second", "third"):
        await say(house, words)
        await another(house)
    assert await forget(house, Scope(kinds=("conversations",), beyond=2)) == {"conversations": 2}
    assert await titles(house) == ["", "third"]


async def test_one_conversation_goes_also_while_it_is_answered(tmp_path: Path) -> None:
    async with AgentHouse(tmp_path, Script(says("It takes", then_hangs=True))) as house:
        await house.say(SECRET)
        kept = house.conversation
        assert await forget(house, Scope(conversation=kept)) == {"conversations": 1}
        with pytest.raises(NotFound):
            await house.history()
        async with asyncio.timeout(5):
            assert (await house.agent.turns.live(house.fake.user, await another(house))).partial is None


async def test_by_age_what_is_being_answered_stays(tmp_path: Path) -> None:
    async with AgentHouse(tmp_path, Script(says("It takes", then_hangs=True))) as house:
        await house.say("still at it")
        limit = Scope(kinds=("conversations",), until=house.fake.clock() + timedelta(days=1))
        assert await forget(house, limit) == {}
        assert (await house.history()).conversation.state == "running"


async def test_of_a_period_single_turns_go_with_the_title_that_was_made_of_them(house: AgentHouse) -> None:
    await say(house, f"in the period {SECRET}")
    await age(house, house.conversation, timedelta(days=10))
    await say(house, "after it")
    now = house.fake.clock()
    period = Scope(since=now - timedelta(days=11), until=now - timedelta(days=9))
    assert await forget(house, period, dry=True) == {"turns": 1}
    assert await forget(house, period) == {"turns": 1}
    history = await house.history()
    assert [each.text.strip() for each in history.messages] == ["after it", "Noted."]
    assert history.conversation.title == ""


async def test_a_conversation_of_which_all_was_said_in_the_period_goes_as_a_whole(house: AgentHouse) -> None:
    await say(house, "in the period")
    now = house.fake.clock()
    assert await forget(house, Scope(since=now - timedelta(days=1), until=now + timedelta(days=1))) == {"turns": 1}
    with pytest.raises(NotFound):
        await house.history()


async def test_an_order_about_other_kinds_or_an_account_takes_no_conversation(house: AgentHouse) -> None:
    await say(house, "mine")
    assert await forget(house, Scope(kinds=("mails",))) == {}
    assert await forget(house, Scope(account=new_id())) == {}
    assert await titles(house) == ["mine"]


async def test_what_went_is_in_no_page_of_the_file(house: AgentHouse) -> None:
    await say(house, SECRET)
    await forget(house, Scope(conversation=house.conversation))
    found = []
    async with house.agent.stores.use(house.fake.user) as store:
        for table in ("conversations", "turns", "messages", "calls", "placeholders"):
            found += await store.read(lambda c, t=table: list(c.execute(text(f"SELECT * FROM {t}"))))  # type: ignore[misc]
        log = Path(f"{store.path}-wal")
    assert found == []
    assert await asyncio.to_thread(lambda: log.stat().st_size) == 0


async def test_after_a_restart_the_grant_beside_the_order_opens_the_file(house: AgentHouse) -> None:
    await say(house, "mine")
    await house.stop()
    await house.start()
    assert await forget(house, Scope(conversation=house.conversation)) == {"conversations": 1}


async def test_an_order_to_forget_erases_nobody_and_the_other_way_round(house: AgentHouse) -> None:
    now = house.fake.clock()
    part = Erasure(id=new_id(), user=house.fake.user, scope=Scope(), expires=now + timedelta(minutes=2))
    whole = part.model_copy(update={"scope": None})
    ctx = house.context()
    request = EraseRequest(order=house.fake.gateway.sign(part))
    with pytest.raises(InvalidRequest):
        await house.gateway.request(subjects.data("agent", "erase"), request, Done, ctx)
    request = EraseRequest(order=house.fake.gateway.sign(whole))
    with pytest.raises(InvalidRequest):
        await house.gateway.request(subjects.data("agent", "forget"), request, Forgotten, ctx)
    assert isinstance(await house.gateway.request(subjects.data("agent", "usage"), Done(), Holding, ctx), Holding)
