"""A conversation, an account or a time is erased in every room, and nothing else; what broke off goes on by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.builtin import HOUSE_ID
from openassistant.context import new_id
from openassistant.errors import InvalidRequest, NotFound
from openassistant.grants import Scope
from openassistant.messages import Effect
from services.gateway.data_views import Choice, EraseConversation, ErasePeriod, EraseSource
from services.gateway.memory_views import MemoryDraft
from tests.services.gateway.forgetful import Forgetful

DAY = timedelta(days=1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Forgetful]:
    async with Forgetful(tmp_path) as made:
        await made.move_in()
        yield made


async def spoken(house: Forgetful, conversation: str) -> str:
    """A conversation with a call and its words, a question, a memory and a turn; the call's id."""
    house.conversation = conversation
    house.catch_up()
    turn = await house.turn()
    words = house.place("post", "calls", conversation=conversation)
    house.seen(words.id, turn, "letters_read", Effect.READ)
    house.read[-1] = house.read[-1].model_copy(update={"conversation": conversation})
    await house.put(house.call("letters_send", text="I sign on Friday."), turn)
    for room, kind in (("agent", "conversations"), ("audit", "arguments")):
        house.place(room, kind, conversation=conversation)
    await house.memories.keep(
        house.me.user.id,
        call=new_id(),
        words=f"of {conversation[:4]}",
        sources=(),
        conversation=conversation,
        turn=turn,
    )
    await house.agent.emit(subjects.chat(house.me.user.id, conversation), 1, b"{}")
    return words.id


async def counts(house: Forgetful) -> dict[str, int]:
    """How much there is of what lies in this room."""
    found = {}
    for table in ("approvals", "turns"):
        query = text(f"SELECT count(*) FROM {table}")
        found[table] = await house.store.read(lambda c, q=query: c.execute(q).scalar_one())  # type: ignore[misc]
    async with house.own.use(house.me.user.id) as store:
        for table in ("questions", "memories"):
            query = text(f"SELECT count(*) FROM {table}")
            found[table] = await store.read(lambda c, q=query: c.execute(q).scalar_one())  # type: ignore[misc]
    return found


def conversation_part(conversation: str, *, memories: bool = True) -> Choice:
    return EraseConversation(what="conversation", conversation=conversation, memories=memories)


async def test_a_conversation_goes_from_every_room_and_another_one_stays(house: Forgetful) -> None:
    kept, gone = "a" * 32, "b" * 32
    await spoken(house, kept)
    mine = await spoken(house, gone)
    house.read = [each for each in house.read if each.id == mine]  # the fake ledger tells calls apart by nothing
    seen = await house.parts.preview(house.me, conversation_part(gone))
    assert {(each.room, each.kind): each.count for each in seen.goes} == {
        ("agent", "conversations"): 1, ("post", "calls"): 1, ("audit", "arguments"): 1,
        ("gateway", "memories"): 1, ("gateway", "questions"): 1,
    }  # fmt: skip
    made = await house.erase(conversation_part(gone))
    assert {each.conversation for each in house.things} == {kept}
    assert await counts(house) == {"approvals": 1, "turns": 1, "questions": 1, "memories": 1}
    user = house.me.user.id
    assert house.bus.transport.events.get(subjects.chat(user, gone), []) == []
    assert len(house.bus.transport.events[subjects.chat(user, kept)]) == 1
    began, ended = house.written("data.erasing"), house.written("data.erased")
    assert began == [{"what": "conversation", "memories": True}]
    assert ended == [
        {
            "what": "conversation", "memories": True,
            "went": {
                "agent": {"conversations": 1}, "audit": {"arguments": 1}, "gateway": {"memories": 1, "questions": 1},
                "post": {"calls": 1},
            },
        }
    ]  # fmt: skip
    assert {each.id for each in house.records if each.action.value.startswith("data.")} == {made}
    assert await house.forgetting.under_way() == []


async def test_what_is_remembered_from_a_conversation_stays_unless_it_is_to_go(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    await house.erase(conversation_part("a" * 32, memories=False))
    assert (await counts(house))["memories"] == 1


async def test_a_wrong_password_or_a_part_that_is_not_there_erases_nothing(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    with pytest.raises(InvalidRequest):
        await house.erase(conversation_part("a" * 32), "another-wrong-password")
    with pytest.raises(NotFound):
        await house.erase(conversation_part("c" * 32))
    with pytest.raises(NotFound):
        await house.erase(EraseSource(what="source", account="c" * 32))
    assert len(house.things) == 3
    assert house.written("data.erasing") == []


async def test_an_account_goes_with_its_copy_and_what_was_done_with_it(house: Forgetful) -> None:
    account = house.account.id
    await spoken(house, "a" * 32)
    for room, kind in (("post", "letters"), ("audit", "arguments")):
        house.place(room, kind, account=account)
    other = house.place("post", "letters", account="f" * 32)
    part = EraseSource(what="source", account=account)
    assert (await house.parts.preview(house.me, part)).conversations == 1
    await house.erase(part)
    assert (house.left, house.detached) == ([account], [account])
    assert [each for each in house.things if each.account] == [other]
    assert {each.kind for each in house.things if each.conversation} == {"conversations", "calls", "arguments"}
    assert (await counts(house))["memories"] == 1
    [told] = house.written("data.erased")
    assert told["went"] == {"post": {"letters": 1}, "audit": {"arguments": 1}}
    assert account not in str(told)


async def test_with_an_account_goes_what_came_of_it_where_that_is_chosen(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    await house.erase(EraseSource(what="source", account=house.account.id, conversations=True, memories=True))
    assert [each.kind for each in house.things] == []
    assert await counts(house) == {"approvals": 0, "turns": 0, "questions": 0, "memories": 0}


async def test_only_memories_go_where_only_they_are_chosen(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    await house.erase(EraseSource(what="source", account=house.account.id, memories=True))
    assert (await counts(house))["memories"] == 0
    assert house.held("conversations") == 1


async def test_an_account_is_not_gone_before_its_connector_has_dropped_the_copy(house: Forgetful) -> None:
    house.away = {"post"}
    await house.erase(EraseSource(what="source", account=house.account.id))
    assert house.left == [house.account.id]
    [left] = await house.forgetting.under_way()
    assert left.rooms == ("audit", "post")  # the ledger once more, when all others are done
    house.away = set()
    await house.rounds()
    assert house.detached == [house.account.id]
    assert await house.forgetting.under_way() == []


async def test_a_period_goes_in_every_room_and_what_was_before_and_after_it_stays(house: Forgetful) -> None:
    for room, kind in (("agent", "conversations"), ("audit", "arguments"), ("post", "letters")):
        for days in (1, 10, 20):
            house.place(room, kind, days=days)
    house.place("post", "letters", days=10, user="0" * 32)
    await house.memories.add(house.me, MemoryDraft(text="before"))
    house.later(10 * DAY)
    since = house.time
    await house.memories.add(house.me, MemoryDraft(text="within", pinned=True))
    await spoken(house, "a" * 32)
    house.later(DAY)
    until = house.time
    await house.memories.add(house.me, MemoryDraft(text="after"))
    part = ErasePeriod(what="period", since=since, until=until)
    await house.erase(part)
    assert {each.text for each in await house.memories.listing(house.me)} == {"before", "after"}
    assert len([each for each in house.things if each.user == house.me.user.id]) == 9
    assert (await counts(house))["approvals"] == 0
    part = ErasePeriod(what="period", since=since - 25 * DAY, until=since - 15 * DAY)
    await house.erase(part)
    left = [each for each in house.things if each.user == house.me.user.id]
    assert sorted((since - each.at).days for each in left) == [11, 11, 11, 30, 30, 30]
    assert len(house.things) == 7
    assert [each["what"] for each in house.written("data.erased")] == ["period", "period"]


@pytest.mark.parametrize("room", ["agent", "audit", "post"])
async def test_a_room_that_is_away_is_asked_again_after_a_restart_until_it_has_done_its_part(
    house: Forgetful, room: str
) -> None:
    await spoken(house, "a" * 32)
    await begin_without(house, room)
    await house.rounds()
    assert room in (await house.forgetting.under_way())[0].rooms
    assert house.written("data.erased") == []
    await house.stop()
    house.later(timedelta(minutes=5))
    await house.start()
    await house.rounds()
    house.away = set()
    await house.rounds()
    assert house.things == []
    assert await counts(house) == {"approvals": 0, "turns": 0, "questions": 0, "memories": 0}
    assert len(house.written("data.erased")) == 1


async def begin_without(house: Forgetful, room: str) -> None:
    """A room goes away just after its part was written down."""
    orders, _ = await house.parts._orders(house.me, conversation_part("a" * 32))
    house.away = {room}
    await house.forgetting.begin(house.me.user.id, "conversation", orders, told={"memories": True})


async def test_a_count_is_right_also_where_the_answer_of_a_room_was_lost(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    house.lost = {"agent", "audit", "post"}
    await house.erase(conversation_part("a" * 32))
    await house.rounds()
    [told] = house.written("data.erased")
    assert told["went"]["agent"] == {"conversations": 1}
    assert told["went"]["audit"] == {"arguments": 1}
    assert told["went"]["post"] == {"calls": 1}


async def test_what_a_room_reports_late_goes_too(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    house.away = {"post"}
    await house.erase(conversation_part("a" * 32))
    house.place("audit", "arguments", conversation="a" * 32)  # what it had done reached the ledger afterwards
    house.away = set()
    await house.rounds()
    assert house.things == []


async def test_a_room_that_will_not_come_back_is_waited_for_no_more(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    house.away = {"post"}
    await house.erase(conversation_part("a" * 32))
    assert await house.forgetting.close_room("post") == 1
    await house.rounds()
    assert await house.forgetting.under_way() == []
    [told] = house.written("data.erased")
    assert "post" not in told["went"]


async def test_calls_of_the_house_s_own_tools_are_asked_of_no_connector(house: Forgetful) -> None:
    await spoken(house, "a" * 32)
    house.read = [each.model_copy(update={"connector": HOUSE_ID}) for each in house.read]
    await house.erase(conversation_part("a" * 32))
    assert {room for room, _, _ in house.asked} == {"agent", "audit"}


async def test_what_lies_ready_to_be_taken_along_goes_with_a_part_and_stays_with_what_expires(house: Forgetful) -> None:
    dropped = list[str]()

    async def drop(user: str) -> None:
        dropped.append(user)

    house.forgetting.drop_copies = drop
    await spoken(house, "a" * 32)
    orders, _ = await house.parts._orders(house.me, conversation_part("a" * 32))
    await house.forgetting.begin(house.me.user.id, "never", orders, told={})
    await house.rounds()
    assert dropped == []
    await spoken(house, "b" * 32)
    await house.erase(conversation_part("b" * 32))
    assert dropped == [house.me.user.id]


async def test_many_calls_are_named_in_several_orders(house: Forgetful) -> None:
    turn = await house.turn()
    house.place("agent", "conversations", conversation=house.conversation)
    for _ in range(250):
        house.seen(new_id(), turn, "letters_read", Effect.READ)
    await house.erase(conversation_part(house.conversation))
    scopes: list[Scope] = [scope for room, scope, dry in house.asked if room == "post" and not dry]
    assert [len(each.calls) for each in scopes] == [100, 100, 50]
