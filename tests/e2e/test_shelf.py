"""Conversations in a real house: found by what was said, kept in order over a restart, and nobody else's to see."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.peers.model import ModelServer
from tests.peers.script import Script, Step

pytestmark = [pytest.mark.e2e]

BOB, BOBS_PASSWORD = "bob", "not-a-real-password-of-bob"
SECRET = "wolverinewords"


@pytest.fixture
def stack() -> Iterator[Stack]:
    with ModelServer(Script([], otherwise=Step(say="Noted.", times=None))) as model, Stack(model=model) as stack:
        yield stack


def found(person: Person, words: str) -> list[str]:
    """In which conversations this was said."""
    return [each["conversation"] for each in person.get("/api/conversations/search", words=words)["hits"]]


def change(person: Person, conversation: str, **wanted: object) -> int:
    return person.http.patch(f"/api/conversations/{conversation}", json=wanted).status_code


def test_conversations_are_found_kept_in_order_and_forgotten(stack: Stack) -> None:
    stack.add_person(BOB, BOBS_PASSWORD)
    with stack.sign_in() as ada, Person(stack.url, BOB, BOBS_PASSWORD) as bob:
        lease, other = ada.converse(), ada.converse()
        ada.say(lease, f"Where is the lease? {SECRET}")
        ada.say(other, "What is for dinner?")
        assert change(ada, lease, title="The flat", labels=["home"], pinned=True) == 200
        assert change(ada, other, archived=True) == 200
        ada.say(lease, "And the key?")
        assert [found(ada, words) for words in (SECRET, "DINN", "key lease")] == [[lease], [other], []]
        stack.halt()
        stack.launch()

    with stack.sign_in() as ada, Person(stack.url, BOB, BOBS_PASSWORD) as bob:
        assert found(ada, "wolverine") == [lease]
        [listed] = ada.get("/api/conversations", archived=False)
        assert (listed["title"], listed["labels"], listed["pinned"]) == ("The flat", ["home"], True)
        first = ada.http.get("/api/conversations", params={"limit": 1})
        following = ada.http.get(first.links["next"]["url"])
        assert {each["id"] for each in [*first.json(), *following.json()]} == {lease, other}
        whole = json.loads(ada.http.get(f"/api/conversations/{lease}/export", params={"format": "json"}).content)
        assert whole["messages"][0]["text"] == f"Where is the lease? {SECRET}"
        assert ada.http.get(f"/api/conversations/{lease}/export").text.startswith("# The flat\n")

        assert found(bob, SECRET) == []
        assert (bob.get("/api/conversations"), bob.get("/api/conversations/labels")) == ([], [])
        assert change(bob, lease, title="Mine") == 404
        assert bob.http.get(f"/api/conversations/{lease}/export").status_code == 404

        part = {"what": "conversation", "conversation": lease, "memories": False}
        ada.http.post("/api/data/erasing", json={"part": part, "password": OWNER_PASSWORD}).raise_for_status()
        until(lambda: not ada.get("/api/data/erasing") or None, seconds=60, what="the end of the erasing")
        assert (found(ada, SECRET), found(ada, "dinner")) == ([], [other])
        assert ada.get("/api/conversations/labels") == []
