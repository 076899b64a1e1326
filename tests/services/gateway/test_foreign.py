"""Conversations of other programs come in as they were read there, once, and as text that others may have written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openassistant.errors import InvalidRequest
from services.agent.moving import Carried
from services.gateway import foreign
from tests.services.gateway.movers import Movers, zipped

EXPORTS = Path(__file__).parent / "exports"
USER = "a" * 32
SAID = {
    "chatgpt": [
        ("user", "[image]\n\nWhere is this?", "2025-01-01T10:00:00.500000+00:00"),
        ("assistant", "The Belém Tower in Lisbon.", "2025-01-01T10:00:20+00:00"),
    ],
    "claude": [
        ("user", "Please shorten this.\n\n[letter.txt]\n[photo.png]", "2025-01-01T10:00:00+00:00"),
        ("assistant", "Dear Carol, yes.", "2025-01-01T10:05:00+00:00"),
    ],
    "openwebui": [
        ("user", "What is in a minestrone?", "2025-01-01T10:00:00+00:00"),
        ("assistant", "Vegetables.", "2025-01-01T10:00:05+00:00"),
        ("user", "Thank you.", "2025-01-01T10:01:00+00:00"),
    ],
}
TITLES = {"chatgpt": "Trip to Lisbon", "claude": "A letter", "openwebui": "Soup"}


def parts(body: bytes, size: int) -> Iterator[bytes]:
    return iter([body[at : at + size] for at in range(0, len(body), size)])


@pytest.mark.parametrize("kind", SAID)
def test_what_people_and_models_said_is_read_and_nothing_else(kind: str) -> None:
    found = list(foreign.elements(parts((EXPORTS / f"{kind}.json").read_bytes(), 100)))
    assert {foreign.kind_of(each) for each in found} == {kind}
    made = [foreign.conversation(each, user=USER) for each in found]
    assert made[1:] == [None] * (len(found) - 1)
    first = Carried.model_validate(made[0])
    assert first.title == TITLES[kind]
    assert [(each.role, each.text, each.created.isoformat()) for each in first.messages] == SAID[kind]
    assert {each.outside for each in first.messages} == {foreign.NAMES[kind]}
    assert {each.turn for each in first.messages} <= {each.id for each in first.turns}
    assert foreign.conversation(found[0], user=USER) == made[0]
    other = foreign.conversation(found[0], user="b" * 32)
    assert other is not None
    assert other["id"] != first.id


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=5), st.integers(1, 40))
def test_a_list_is_read_whatever_parts_it_comes_in(values: list[dict[str, str]], size: int) -> None:
    for body in (json.dumps(values), json.dumps(values, indent=2, ensure_ascii=False)):
        assert list(foreign.elements(parts(body.encode("utf-8", "surrogatepass"), size))) == values


def test_a_single_conversation_is_read_as_a_list_of_one() -> None:
    assert list(foreign.elements(parts(b'\xef\xbb\xbf {"a": [1, 2]} ', 3))) == [{"a": [1, 2]}]


@pytest.mark.parametrize("body", [b"", b"[", b'[{"a": 1}', b'[{"a": 1},', b"nothing", b"\xff\xfe[", b"[" * 100_000])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        list(foreign.elements(parts(body, 10)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mapping", "message", "author", "role", "content", "parts", "parent", "chat", "history", "messages",
                 "chat_messages", "sender", "text", "create_time", "currentId", "current_node", "user", "title"]
            ),
            inner, max_size=5,
        ),
        max_leaves=30,
    )
)  # fmt: skip
def test_nothing_that_is_almost_a_conversation_breaks_the_reader(value: object) -> None:
    for each in (value, {"mapping": value}, {"chat_messages": [value]}, {"chat": {"history": {"messages": value}}}):
        made = foreign.conversation(each, user=USER)
        assert made is None or Carried.model_validate(made).messages


def test_a_tree_that_bites_its_tail_ends() -> None:
    said = {"author": {"role": "user"}, "content": {"parts": ["Hi"]}}
    made = foreign.conversation({"mapping": {"a": {"message": said, "parent": "a"}}, "current_node": "a"}, user=USER)
    assert made is not None
    assert len(made["messages"]) == 1


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Movers]:
    async with Movers(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "name"),
    [("chatgpt", "conversations.json"), ("claude", "conversations.json"), ("chatgpt", "data/conversations-001.json"),
     ("openwebui", "")],
)  # fmt: skip
async def test_the_conversations_of_another_program_come_in_once_and_tainted(
    house: Movers, kind: str, name: str
) -> None:
    body = (EXPORTS / f"{kind}.json").read_bytes()
    for _ in range(2):
        done = await house.bring(zipped({name: body, "user.json": b"{}"}) if name else body)
        assert (done.state, done.kind, done.detail) == ("done", kind, "")
    ((path, given),) = house.reached["agent"].items()
    document = json.loads(given)
    assert path == f"conversations/{document['id']}.json"
    assert [(each["role"], each["text"]) for each in document["messages"]] == [each[:2] for each in SAID[kind]]
    assert await house.taint.of(house.bob.user.id, document["id"])
    assert done.rooms[0].files == 1
