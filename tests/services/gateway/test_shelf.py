"""Conversations over HTTP, from whoever asks: listed by pages, searched, changed, taken along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.data import ExportPage, Piece
from openassistant.errors import InvalidRequest, NotFound
from openassistant.messages import Conversation, ConversationList, Done
from openassistant.shelf import Change, FileRequest, Found, Hit, LabelCount, LabelCounts, Listing, Search, Shred
from services.gateway.app import create_app
from services.gateway.gateway import Gateway
from services.gateway.problems import SignInRequired
from services.gateway.sessions import SignedIn
from services.gateway.settings import GatewaySettings
from services.gateway.shelf import Shelf
from services.gateway.users import User
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.wire import serving


class Agent:
    """Has conversations of Ada alone, and remembers what it was asked."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house = house
        self.found = [
            Conversation(id=f"{number:032x}", title=f"Matter {number}", created=house.time, updated=house.time)
            for number in range(3)
        ]
        self.asked: list[Listing | Search | Change | FileRequest] = []

    async def serve(self) -> None:
        serve, agent = self.house.agent.serve, subjects.agent
        await serve(agent("conversations"), Listing, self._on_list)
        await serve(agent("change"), Change, self._on_change)
        await serve(agent("labels"), Done, self._on_labels)
        await serve(agent("search"), Search, self._on_search)
        await serve(agent("file"), FileRequest, self._on_file)

    def _of(self, ctx: CallContext) -> list[Conversation]:
        """Whose file is opened is what the signed grant says."""
        grant = self.house.trust.grant(ctx.grant, now=self.house.time)
        return self.found if grant.user == self.house.me.user.id else []

    def _one(self, ctx: CallContext) -> Conversation:
        for each in self._of(ctx):
            if each.id == ctx.conversation:
                return each
        raise NotFound("That conversation does not exist.")

    async def _on_list(self, ctx: CallContext, listing: Listing) -> ConversationList:
        self.asked.append(listing)
        if listing.after == "nowhere":
            raise InvalidRequest("The place to go on from is not one that was given.")
        found = self._of(ctx)[int(listing.after or 0) :]
        more = str(int(listing.after or 0) + listing.limit) if listing.limit and len(found) > listing.limit else None
        return ConversationList(conversations=tuple(found[: listing.limit]), next=more)

    async def _on_change(self, ctx: CallContext, wanted: Change) -> Conversation:
        self.asked.append(wanted)
        return self._one(ctx).model_copy(update=wanted.model_dump(exclude_none=True))

    async def _on_labels(self, ctx: CallContext, _: Done) -> LabelCounts:
        return LabelCounts(labels=(LabelCount(name="home", count=len(self._of(ctx))),))

    async def _on_search(self, ctx: CallContext, wanted: Search) -> Found:
        self.asked.append(wanted)
        hits = tuple(
            Hit(
                conversation=each.id, title=each.title, archived=False, message=new_id(), role="user",
                created=each.created, shreds=(Shred(text="<b>the</b> "), Shred(text="lease", hit=True)),
            )
            for each in self._of(ctx)
        )  # fmt: skip
        return Found(conversations=tuple(self._of(ctx)), hits=hits, next=7)

    async def _on_file(self, ctx: CallContext, request: FileRequest) -> ExportPage:
        self.asked.append(request)
        title = self._one(ctx).title.encode()
        if request.cursor:
            return ExportPage(pieces=(Piece.model_construct(path="x", body=b"\n", more=False),))
        return ExportPage(pieces=(Piece.model_construct(path="x", body=b"# " + title, more=True),), cursor="on")


class Sessions:
    def __init__(self, house: GatewayHouse) -> None:
        bob = User(id=new_id(), username="bob", display_name="Bob", role="member")
        known = house.me
        self._known = {
            "ada": known,
            "bob": SignedIn(session=new_id(), user=bob, expires=known.expires, began=known.began),
        }

    async def find(self, token: str) -> SignedIn:
        if token not in self._known:
            raise SignInRequired("Please sign in.")
        return self._known[token]


@pytest.fixture
async def agent(house: GatewayHouse) -> Agent:
    agent = Agent(house)
    await agent.serve()
    return agent


@pytest.fixture
async def web(house: GatewayHouse, agent: Agent, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    room = GatewaySettings(nkey_file=tmp_path, data_dir=tmp_path, signing_key_file=tmp_path, web_dir=tmp_path)
    parts = SimpleNamespace(shelf=Shelf(house.bus.room("gateway"), house.grants), sessions=Sessions(house))
    async with serving(create_app(cast(Gateway, parts), room)) as port:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(
            base_url=address, cookies={"oa": "ada"}, headers={"Origin": address}, timeout=60
        ) as web:
            yield web


async def test_without_a_limit_the_list_is_whole_and_with_one_a_link_leads_on(
    web: httpx.AsyncClient, agent: Agent
) -> None:
    whole = await web.get("/api/conversations")
    assert [each["id"] for each in whole.json()] == [each.id for each in agent.found]
    assert "link" not in whole.headers
    first = await web.get("/api/conversations", params={"limit": 2, "archived": "false", "label": "a&b"})
    assert len(first.json()) == 2
    path = first.links["next"]["url"]
    assert path.startswith("/api/conversations?")
    second = await web.get(path)
    assert ([each["title"] for each in second.json()], "link" in second.headers) == (["Matter 2"], False)
    assert agent.asked[-1] == Listing(archived=False, label="a&b", limit=2, after="2")
    assert (await web.get("/api/conversations", params={"after": "nowhere"})).status_code == 400
    assert (await web.get("/api/conversations", params={"limit": 101})).status_code == 422


async def test_a_change_names_only_what_is_to_be_otherwise(web: httpx.AsyncClient, agent: Agent) -> None:
    path = f"/api/conversations/{agent.found[0].id}"
    changed = await web.patch(path, json={"pinned": True, "labels": ["home "]})
    assert (changed.status_code, changed.json()["pinned"], changed.json()["labels"]) == (200, True, ["home"])
    assert agent.asked == [Change(pinned=True, labels=("home",))]
    for wrong in ({"title": "x" * 201}, {"labels": ["x"] * 9}, {"labels": ["x" * 41]}, {"pinned": "perhaps"}):
        assert (await web.patch(path, json=wrong)).status_code == 422
    assert (await web.get("/api/conversations/labels")).json() == [{"name": "home", "count": 3}]


async def test_what_is_found_comes_as_text_in_pieces(web: httpx.AsyncClient, agent: Agent) -> None:
    found = (await web.get("/api/conversations/search", params={"words": "lease", "before": 40})).json()
    assert found["hits"][0]["shreds"] == [{"text": "<b>the</b> ", "hit": False}, {"text": "lease", "hit": True}]
    assert (found["next"], agent.asked) == (7, [Search(words="lease", before=40)])
    assert (await web.get("/api/conversations/search", params={"words": "x" * 201})).status_code == 422
    assert (await web.get("/api/conversations/search")).status_code == 200


async def test_one_conversation_is_a_file_that_no_browser_opens_by_itself(web: httpx.AsyncClient, agent: Agent) -> None:
    path = f"/api/conversations/{agent.found[1].id}/export"
    answer = await web.get(path)
    assert answer.text == "# Matter 1\n"
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="conversation-')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await web.get(path, params={"format": "json"})).headers["content-type"] == "application/json"
    assert (await web.get(path, params={"format": "html"})).status_code == 422


async def test_nobody_else_reaches_any_of_it(web: httpx.AsyncClient, agent: Agent) -> None:
    one = f"/api/conversations/{agent.found[0].id}"
    web.cookies.set("oa", "bob")
    assert (await web.get("/api/conversations")).json() == []
    assert (await web.get("/api/conversations/search", params={"words": "lease"})).json()["hits"] == []
    assert (await web.get("/api/conversations/labels")).json() == [{"name": "home", "count": 0}]
    assert (await web.patch(one, json={"title": "Mine"})).status_code == 404
    assert (await web.get(f"{one}/export")).status_code == 404
    web.cookies.clear()
    for method, path in (("GET", "/api/conversations/search?words=a"), ("PATCH", one), ("GET", f"{one}/export")):
        assert (await web.request(method, path, json={} if method == "PATCH" else None)).status_code == 401


async def test_a_page_of_elsewhere_changes_nothing(web: httpx.AsyncClient, agent: Agent) -> None:
    answer = await web.patch(
        f"/api/conversations/{agent.found[0].id}", json={"title": "Yours"}, headers={"Origin": "https://evil.example"}
    )
    assert (answer.status_code, agent.asked) == (403, [])
