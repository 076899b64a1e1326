"""Conversations are kept in order as their owner says, page by page, and a title of his stays."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from openassistant.context import new_id
from openassistant.data import ExportPage
from openassistant.errors import InvalidRequest, NotFound
from openassistant.grants import Scope
from openassistant.messages import Conversation, ConversationList, Done
from openassistant.shelf import Change, FileRequest, LabelCounts, Listing
from services.agent import forgetting
from tests.services.agent.house import AgentHouse, Script, says
from tests.services.agent.test_forgetting import age, another, forget, say
from tests.services.agent.test_moving import exported, given, pieces


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[AgentHouse]:
    async with AgentHouse(tmp_path, Script(*[says("Noted.") for _ in range(9)])) as made:
        yield made


async def change(house: AgentHouse, **wanted: Any) -> Conversation:
    changed: Conversation = await house.request("change", Change(**wanted), Conversation)
    return changed


async def listed(house: AgentHouse, **wanted: Any) -> ConversationList:
    found: ConversationList = await house.request("conversations", Listing(**wanted), ConversationList)
    return found


async def test_a_title_that_was_given_is_kept_and_an_empty_one_is_that_of_the_first_words_again(
    house: AgentHouse,
) -> None:
    assert (await change(house, title="  The \n flat ")).title == "The flat"
    await say(house, "Where is the lease?")
    await say(house, "And the key?")
    assert (await house.history()).conversation.title == "The flat"
    assert (await change(house, title="")).title == "Where is the lease?"
    assert (await change(house, pinned=True)).title == "Where is the lease?"


async def test_pins_labels_and_the_archive_change_nothing_else(house: AgentHouse) -> None:
    await say(house, "Where is the lease?")
    before = (await house.history()).conversation
    changed = await change(house, pinned=True, archived=True, labels=(" Home ", "home", "", "To do"))
    assert (changed.pinned, changed.archived, changed.labels) == (True, True, ("Home", "To do"))
    assert (changed.title, changed.updated, changed.state) == (before.title, before.updated, "idle")
    assert (await house.history()).conversation == changed
    again = await change(house, pinned=False)
    assert (again.pinned, again.archived, again.labels) == (False, True, ("Home", "To do"))
    with pytest.raises(ValidationError):
        Change(labels=tuple(str(each) for each in range(9)))


async def test_the_list_is_filtered_and_the_labels_are_counted(house: AgentHouse) -> None:
    first = house.conversation
    await change(house, labels=("home", "Ärger"), pinned=True)
    second = await another(house)
    await change(house, labels=("home",), archived=True)
    third = await another(house)

    async def ids(**wanted: Any) -> list[str]:
        return [each.id for each in (await listed(house, **wanted)).conversations]

    assert await ids() == [third, second, first]
    assert await ids(archived=False) == [third, first]
    assert await ids(archived=True) == [second]
    assert await ids(pinned=True) == [first]
    assert await ids(label="home") == [second, first]
    assert await ids(label="hom") == []
    told: LabelCounts = await house.request("labels", Done(), LabelCounts)
    assert [(each.name, each.count) for each in told.labels] == [("home", 2), ("Ärger", 1)]


async def test_pages_hold_each_conversation_once_also_where_two_were_changed_at_once(house: AgentHouse) -> None:
    made = [house.conversation, *[await another(house) for _ in range(6)]]
    now = house.fake.clock()
    async with house.agent.stores.use(house.fake.user) as store:
        await store.write(
            lambda c: c.exec_driver_sql("UPDATE conversations SET updated = ?", (now.isoformat(),)).close()
        )
    seen, after = list[str](), ""
    for _ in range(4):
        page = await listed(house, limit=2, after=after)
        seen += [each.id for each in page.conversations]
        after = page.next or ""
    assert (sorted(seen), after) == (sorted(made), "")
    with pytest.raises(InvalidRequest):
        await listed(house, limit=2, after="nowhere")


async def test_what_is_said_brings_a_conversation_out_of_the_archive(house: AgentHouse) -> None:
    await change(house, archived=True)
    await say(house, "One more thing")
    assert not (await house.history()).conversation.archived


async def test_another_persons_conversation_is_not_there(house: AgentHouse) -> None:
    house.conversation = new_id()
    for verb, body, reply in (
        ("change", Change(title="Mine"), Conversation), ("file", FileRequest(kind="md"), ExportPage),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await house.request(verb, body, reply)


async def test_one_conversation_leaves_as_the_files_that_an_export_of_everything_has(house: AgentHouse) -> None:
    await say(house, "Where is the lease?")
    await change(house, title="The flat", labels=("home",), pinned=True)
    whole = await exported(house)
    for kind in ("md", "json"):
        page: ExportPage = await house.request("file", FileRequest(kind=kind), ExportPage)
        assert page.cursor is None
        assert page.pieces[0].body == whole[f"conversations/{house.conversation}.{kind}"]


async def test_a_long_one_comes_in_parts_and_not_as_two_halves_of_different_ones(house: AgentHouse) -> None:
    await change(house, title="Long")
    await say(house, "x" * 150_000)
    for _ in range(7):
        await say(house, "x" * 190_000)
    whole, parts = b"", 0
    cursor: str | None = ""
    while cursor is not None:
        page: ExportPage = await house.request("file", FileRequest(kind="md", cursor=cursor), ExportPage)
        whole, cursor, parts = whole + page.pieces[0].body, page.cursor, parts + 1
    assert (parts, whole.count(b"x")) == (2, 150_000 + 7 * 190_000)


async def test_how_a_conversation_was_kept_comes_along(tmp_path: Path) -> None:
    async with AgentHouse(tmp_path / "a", Script(says("Noted."))) as first:
        await say(first, "Where is the lease?")
        kept = await change(first, title="The flat", labels=("home",), pinned=True, archived=True)
        files = await exported(first)
    async with AgentHouse(tmp_path / "b", Script()) as other:
        await given(other, *pieces(files))
        found = {each.id: each for each in (await listed(other)).conversations}
        assert found[kept.id] == kept
    older = json.loads(files[f"conversations/{kept.id}.json"])
    for name in ("titled", "pinned", "archived", "labels"):
        del older[name]
    async with AgentHouse(tmp_path / "c", Script()) as other:
        await given(other, *pieces({f"conversations/{kept.id}.json": json.dumps(older).encode()}))
        found = {each.id: each for each in (await listed(other)).conversations}
        assert (found[kept.id].title, found[kept.id].labels) == ("The flat", ())


async def test_what_is_pinned_stays_whatever_its_age_unless_it_is_named(house: AgentHouse) -> None:
    await say(house, "an old matter")
    await change(house, pinned=True)
    await age(house, house.conversation, timedelta(days=31))
    limit = Scope(kinds=(forgetting.CONVERSATIONS,), until=house.fake.clock() - timedelta(days=30))
    assert await forget(house, limit) == {}
    assert await forget(house, Scope(kinds=(forgetting.CONVERSATIONS,), beyond=0)) == {}
    assert await forget(house, Scope(conversation=house.conversation)) == {"conversations": 1}


async def test_a_title_goes_with_the_period_in_which_it_was_given_and_else_stays(house: AgentHouse) -> None:
    await say(house, "in the period")
    await age(house, house.conversation, timedelta(days=10))
    await change(house, title="The flat")
    await say(house, "after it")
    now = house.fake.clock()
    await forget(house, Scope(since=now - timedelta(days=11), until=now - timedelta(days=9)))
    assert (await house.history()).conversation.title == "The flat"
    await age(house, house.conversation, timedelta(days=20))
    await say(house, "much later")
    await forget(house, Scope(since=now - timedelta(days=1), until=now + timedelta(days=1)))
    assert (await house.history()).messages[0].text == "after it"
    assert (await house.history()).conversation.title == ""
