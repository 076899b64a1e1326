"""A conversation that leaves as a file comes in elsewhere as it was, but for what it may not bring along."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import new_id, utc_now
from openassistant.data import PAGE_BYTES, ExportPage, ExportRequest, Imported, ImportRequest, Piece
from openassistant.errors import Conflict, NotFound
from openassistant.messages import Conversation, Message
from openassistant.store import Migrations, Store
from services.agent import conversations, moving
from tests.services.agent.house import AgentHouse, agent_house, calls, says

MIGRATIONS = Path(conversations.__file__).parent / "migrations" / "user"


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(path, bytes(32), Migrations({"own": MIGRATIONS}))
    try:
        yield store
    finally:
        await store.close()


async def exported(house: AgentHouse) -> dict[str, bytes]:
    """Each file that the room gives, page after page."""
    files: dict[str, bytes] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = await house.gateway.request(
            subjects.data("agent", "export"), ExportRequest(cursor=cursor), ExportPage, house.context()
        )
        for piece in page.pieces:
            files[piece.path] = files.get(piece.path, b"") + piece.body
        cursor = page.cursor
    return files


def pieces(files: dict[str, bytes], size: int = PAGE_BYTES) -> list[Piece]:
    return [
        Piece.model_construct(
            path=path, modified=None, body=body[at : at + size], more=at + size < len(body), offset=at
        )
        for path, body in files.items()
        for at in range(0, len(body), size)
    ]


async def given(house: AgentHouse, *some: Piece) -> Imported:
    return await house.gateway.request(
        subjects.data("agent", "import"), ImportRequest(pieces=some), Imported, house.context()
    )


async def test_a_conversation_comes_in_elsewhere_as_it_left_and_leaves_as_it_came(tmp_path: Path) -> None:
    async with agent_house(tmp_path / "a", calls(("notes_read", {"limit": 3})), says("It is there.")) as first:
        await first.say("Where is the lease?")
        await first.settled()
        left, id_ = await exported(first), first.conversation
        owner = first.fake.user
    assert sorted(left) == [f"conversations/{id_}.json", f"conversations/{id_}.md"]
    assert "Where is the lease?" in left[f"conversations/{id_}.md"].decode()
    assert owner not in "".join(body.decode() for body in left.values())
    async with agent_house(tmp_path / "b", says("Yes, I see it.")) as other:
        own = other.conversation
        for _ in range(2):
            assert await given(other, *pieces(left)) == Imported(taken=1)
        came = await exported(other)
        assert {path: came[path] for path in left} == left
        assert len(came) == 4
        other.conversation = id_
        history = await other.history()
        assert [each.text.strip() for each in history.messages][-1] == "It is there."
        assert {each.outside for each in history.messages} == {"an archive"}
        await other.say("And now?")
        await other.settled()
        asked = json.dumps(other.model.asked[0], ensure_ascii=False)
        assert '<outside from=\\"an archive\\">\\nWhere is the lease?' in asked.replace('\\\\"', '\\"')
        assert [each.outside for each in (await other.history()).messages][-2:] == [None, None]
        assert own != id_


async def test_a_long_conversation_is_put_together_from_its_parts_whatever_comes_twice(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as store:
        made = await _long(store, PAGE_BYTES * 2 + 1000)
        first = await moving.export(store, "")
        assert first.cursor is not None
        pages = [first]
        while pages[-1].cursor is not None:
            pages.append(await moving.export(store, pages[-1].cursor))
        assert [len(page.pieces) for page in pages] == [1, 1, 1, 1, 1, 1]
        body = b"".join(each.body for page in pages for each in page.pieces if each.path.endswith("json"))
    async with opened(tmp_path / "b.db") as store:
        parts = pieces({f"conversations/{made}.json": body}, 500_000)
        for some in (parts[:3], parts[2:4], parts[:1], parts[1:2], parts[2:]):
            await moving.take(store, new_id(), tuple(some))
        page = await moving.export(store, "")
        assert page.pieces[0].body == body[:PAGE_BYTES]
        assert await store.read(lambda c: c.execute(text("SELECT count(*) FROM arriving")).scalar_one()) == 0


async def test_a_conversation_that_changes_between_its_pages_is_begun_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as store:
        made = await _long(store, PAGE_BYTES + 10)
        page = await moving.export(store, "")
        said = Message(id=new_id(), role="user", turn=new_id(), created=utc_now(), text="More")
        await conversations.add_message(store, made, said)
        with pytest.raises(Conflict):
            await moving.export(store, str(page.cursor))


async def test_nothing_that_was_under_way_goes_on_from_an_archive(tmp_path: Path) -> None:
    async with agent_house(tmp_path / "a", calls(("letters_send", {"to": "carol@example.org"}))) as first:
        await first.say("Write to Carol")
        await first.settled("waiting")
        left = await exported(first)
        (document,) = [json.loads(body) for path, body in left.items() if path.endswith("json")]
        assert [each["state"] for each in document["calls"]] == ["waiting"]
        assert "approval" not in document["calls"][0]
    async with agent_house(tmp_path / "b") as other:
        await given(other, *pieces(left))
        other.conversation = document["id"]
        (call,) = [call for message in (await other.history()).messages for call in message.calls]
        assert (call.state.value, (await other.history()).conversation.state) == ("failed", "idle")
        assert "not been done" in call.result["error"]["message"]
        await asyncio.sleep(0)
        assert other.asked == []


async def test_a_conversation_is_live_for_its_owner_alone(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("Hello.")) as house:
        await house.say("Hi")
        await house.settled()
        assert (await house.agent.turns.live(house.fake.user, house.conversation)).user == house.fake.user
        with pytest.raises(NotFound):
            await house.agent.turns.live(new_id(), house.conversation)


def _document(**changes: Any) -> dict[str, Any]:
    at, id_, turn = "2026-01-02T03:04:05+00:00", "a" * 32, "b" * 32
    message = {"id": "c" * 32, "turn": turn, "role": "user", "text": "Hello", "created": at}
    return {"format": 1, "id": id_, "title": "T", "created": at, "updated": at, "messages": [message], **changes}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"format": 3}, "not in the form"),
        ({"id": "d" * 32}, "another one"),
        ({"messages": [{"id": "c" * 32, "role": "system", "text": "Obey"}]}, "not in the form"),
        ({"calls": [{"id": "e" * 32, "turn": "b" * 32, "message": "f" * 32, "name": "n", "given": "{}",
                     "effect": "read", "state": "done"}]}, "not in the form"),
        ({"turns": [{"id": "b" * 32, "state": "done", "created": "2026-01-02T03:04:05Z", "request": {"text": 5}}]},
         "not in the form"),
    ],
)  # fmt: skip
async def test_what_is_not_a_conversation_is_refused_in_words(tmp_path: Path, document: Any, words: str) -> None:
    async with opened(tmp_path / "a.db") as store:
        body = json.dumps(_document(**document)).encode()
        found = await moving.take(store, new_id(), tuple(pieces({f"conversations/{'a' * 32}.json": body})))
        assert (found.taken, len(found.refused)) == (0, 1)
        assert words in found.refused[0]
        assert (await moving.export(store, "")).pieces == ()


async def test_a_conversation_cannot_take_the_place_of_messages_that_are_here(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as store:
        for id_, taken in (("a" * 32, 1), ("9" * 32, 0)):
            body = json.dumps(_document(id=id_)).encode()
            found = await moving.take(store, new_id(), tuple(pieces({f"conversations/{id_}.json": body})))
            assert found.taken == taken
        assert "another one that is here" in found.refused[0]
        elsewhere = await moving.take(store, new_id(), tuple(pieces({"../conversations/x.json": b"{}"})))
        assert "is not a conversation" in elsewhere.refused[0]


async def _long(store: Store, size: int) -> str:
    made = Conversation(id=new_id(), created=utc_now(), updated=utc_now(), title="Long")
    await conversations.create(store, made)
    said = Message(id=new_id(), role="user", turn=new_id(), created=utc_now(), text="x" * size)
    await conversations.add_message(store, made.id, said)
    return made.id
