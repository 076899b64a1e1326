"""What was said is found by its words, shown without markup, and found no more once it is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from openassistant.context import new_id, utc_now
from openassistant.grants import Scope
from openassistant.messages import Conversation, Done, Message
from openassistant.shelf import Change, Found, Search
from openassistant.store import Migrations, Store
from services.agent import conversations, searching
from tests.services.agent.house import AgentHouse, Script, says
from tests.services.agent.test_forgetting import another, forget, say

MIGRATIONS = Path(conversations.__file__).parent / "migrations" / "user"
SECRET = "wolverinewords"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await Store.open(tmp_path / "own.db", bytes(32), Migrations({"own": MIGRATIONS}))
    yield made
    await made.close()


async def written(store: Store, *said: str, title: str = "") -> str:
    """A conversation in which this was said."""
    made = Conversation(id=new_id(), created=utc_now(), updated=utc_now(), title=title)
    await conversations.create(store, made)
    for each in said:
        message = Message(id=new_id(), role="user", turn=new_id(), created=utc_now(), text=each)
        await conversations.add_message(store, made.id, message)
    return made.id


async def search(store: Store, words: str, before: int | None = None, limit: int = 20) -> Found:
    return await searching.search(store, Search(words=words, before=before, limit=limit))


def shown(found: Found) -> list[str]:
    return ["".join(f"[{each.text}]" if each.hit else each.text for each in hit.shreds) for hit in found.hits]


@pytest.mark.parametrize(
    ("words", "hits"),
    [
        ("lease", ["The [lease] is in the drawer."]),
        ("LEA draw", ["The [lease] is in the [drawer]."]),
        ("uber", ["[Über] die Straße"]),
        ('"in the drawer"', ["The lease is [in the drawer]."]),
        ('"the in drawer"', []),
        ("carol@example.org", ["Ask [carol@example.org] then"]),
        ("lease über", []),
        ("ease", []),
        ("* AND \" ' ( ) -", []),
        ("_ __", []),
        ("_ lease", ["The [lease] is in the drawer."]),
        ("", []),
        ("lease NOT drawer", []),
        ("text:lease", []),
        ("NEAR(lease drawer)", []),
        ("lease\0drawer", ["The [lease] is in the [drawer]."]),
        ("lea*", ["The [lease] is in the drawer."]),
        ('"lease', ["The [lease] is in the drawer."]),
    ],
)
async def test_messages_are_found_by_all_words_and_no_operator_is_read(
    store: Store, words: str, hits: list[str]
) -> None:
    await written(store, "The lease is in the drawer.", "Über die Straße", "Ask carol@example.org then")
    assert shown(await search(store, words)) == hits


async def test_titles_are_found_beside_what_was_said(store: Store) -> None:
    one, other = await written(store, "Hello", title="Müllers Wohnung"), await written(store, "Hello")
    assert [each.id for each in (await search(store, "muller WOHN")).conversations] == [one]
    assert (await search(store, "nothing like it")) == Found()
    assert other != one


async def test_the_newest_come_first_and_pages_hold_each_once(store: Store) -> None:
    await written(store, *[f"matter {number}" for number in range(7)], title="matter")
    first = await search(store, "matter", limit=3)
    assert shown(first) == ["[matter] 6", "[matter] 5", "[matter] 4"]
    second = await search(store, "matter", before=first.next, limit=3)
    third = await search(store, "matter", before=second.next, limit=3)
    assert shown(second) + shown(third) == ["[matter] 3", "[matter] 2", "[matter] 1", "[matter] 0"]
    assert (len(first.conversations), second.conversations, third.next) == (1, (), None)


async def test_markup_and_marks_in_a_message_stay_its_text(store: Store) -> None:
    said = 'before <mark>lease</mark> <img src=x onerror="alert(1)"> \x02lease\x03'
    await written(store, said)
    found = await search(store, "onerror")
    assert "".join(each.text for each in found.hits[0].shreds) == said
    assert [each.text for each in found.hits[0].shreds if each.hit] == ["onerror"]


async def test_a_long_message_is_shown_around_the_words(store: Store) -> None:
    await written(store, "far " * 20_000 + "lease " + "near " * 20_000)
    [hit] = (await search(store, "lease")).hits
    assert len("".join(each.text for each in hit.shreds)) < 300
    assert "lease" in [each.text for each in hit.shreds if each.hit]


async def test_messages_of_before_the_index_are_found(tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for script in sorted(MIGRATIONS.glob("000[1-6]*.py")):
        (older / script.name).write_text(script.read_text())
    store = await Store.open(tmp_path / "own.db", bytes(32), Migrations({"own": older}))

    def write(connection: Connection) -> None:
        connection.execute(text("INSERT INTO conversations VALUES ('c', 'Old', '2026', '2026', 0)"))
        connection.execute(
            text(
                "INSERT INTO messages (id, conversation, turn, role, text, created)"
                " VALUES ('m', 'c', 't', 'user', 'the old lease', '2026-01-01')"
            )
        )

    await store.write(write)
    await store.close()
    store = await Store.open(tmp_path / "own.db", bytes(32), Migrations({"own": MIGRATIONS}))
    found = await store.read(
        lambda c: c.execute(text("SELECT rowid FROM message_words WHERE message_words MATCH 'lease'")).all()
    )
    await store.close()
    assert len(found) == 1


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[AgentHouse]:
    async with AgentHouse(tmp_path, Script(*[says("Noted.") for _ in range(9)])) as made:
        yield made


async def in_index(house: AgentHouse, word: str) -> bool:
    """Whether the bytes of the index have a word, or what is left of it beside one that begins alike."""
    async with house.agent.stores.use(house.fake.user) as store:
        blocks = await store.read(lambda c: c.scalars(text("SELECT block FROM message_words_data")).all())
        check = "INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)"
        await store.write(lambda c: c.execute(text(check)).close())
    return any(word.encode() in bytes(each) for each in blocks)


@pytest.mark.parametrize("way", ["deleted", "erased", "by age", "a period"])
async def test_what_is_gone_is_found_no_more_and_stands_in_no_block_of_the_index(house: AgentHouse, way: str) -> None:
    gone = house.conversation
    await say(house, f"planted {SECRET}")
    assert await in_index(house, SECRET)
    now = house.fake.clock()
    if way == "deleted":
        await house.request("delete", Done(), Done)
    elif way == "erased":
        await forget(house, Scope(conversation=gone))
    elif way == "by age":
        await forget(house, Scope(kinds=("conversations",), until=now + timedelta(days=1)))
    else:
        await forget(house, Scope(since=now - timedelta(days=1), until=now + timedelta(days=1)))
    await another(house)
    await say(house, "planted words that stay")
    assert not await in_index(house, SECRET)
    found: Found = await house.request("search", Search(words=SECRET), Found)
    assert found == Found()
    stays: Found = await house.request("search", Search(words="planted"), Found)
    assert [each.conversation for each in stays.hits] == [house.conversation]


async def test_labels_are_searched_and_archived_conversations_too(house: AgentHouse) -> None:
    await say(house, "Where is the lease?")
    await house.request("change", Change(labels=("Müller",), archived=True), Conversation)
    found: Found = await house.request("search", Search(words="muller"), Found)
    assert [each.id for each in found.conversations] == [house.conversation]
    said: Found = await house.request("search", Search(words="lease"), Found)
    assert [each.archived for each in said.hits] == [True]


async def test_another_persons_words_are_not_found(house: AgentHouse) -> None:
    await say(house, SECRET)
    house.fake.user = new_id()
    assert await house.request("search", Search(words=SECRET), Found) == Found()
