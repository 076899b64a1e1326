"""Looks from the gateway's side: whom one may ask, under which grant, and what is refused before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, InvalidRequest, NotFound, Unavailable
from openassistant.grants import Grant
from openassistant.messages import (
    ApprovalNeed,
    ApprovalOutcome,
    Effect,
    LookRequest,
    Opening,
    OutsideSource,
    ToolResult,
    card_digest,
)
from services.gateway import look_views as views
from services.gateway.grants import Grants
from services.gateway.looks import Looks, link_of
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.test_commands import DIARY, POST, Scene, tool

LETTER = tool("letters_read", Effect.READ, letter={"type": "string", "maxLength": 5}, zone={"type": "string"})
OPENING = Opening(
    tool="letters_read", argument="letter", found_in={"letters_find": "id"},
    link="letter.url", link_hosts=("post.example", "*.letters.example"),
)  # fmt: skip
OPENED = POST.model_copy(
    update={
        "tools": (*POST.tools, LETTER),
        "commands": {
            **POST.commands,
            "find": POST.commands["find"].model_copy(update={"opens": OPENING, "local": True}),
        },
    }
)


class Looked:
    """Looks over cards that run, with an agent that remembers what it was asked."""

    def __init__(self, scene: Scene, house: GatewayHouse) -> None:
        self.scene, self.house = scene, house
        self.asked: list[tuple[LookRequest, CallContext]] = []
        self.answer: ToolResult | Exception = ToolResult(
            content=[{"id": "7"}], outside=(OutsideSource(source="a letter", authors=("carol@example.org",)),)
        )
        self.grants = Grants(house.key, scene.connectors.grantable, house.clock)
        fake: Any = scene
        self.looks = Looks(house.bus.room("gateway"), scene.commands, scene.connectors, fake, self.grants, seconds=5)

    async def on_look(self, ctx: CallContext, request: LookRequest) -> ToolResult:
        self.asked.append((request, ctx))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def granted(self) -> Grant:
        return self.house.trust.grant(self.asked[-1][1].grant, now=self.house.time)


@pytest.fixture
async def looked(house: GatewayHouse) -> Looked:
    scene = Scene(house)
    release = frozenset((card.id, card_digest(card)) for card in (OPENED, DIARY))
    scene.connectors._release = release
    await scene.connectors.start(house.bus.room("gateway"))
    for card in (OPENED, DIARY):
        scene.announce(card)
    made = Looked(scene, house)
    await house.agent.serve(subjects.agent("look"), LookRequest, made.on_look)
    return made


def at(connector: str, account: str | None, **fields: Any) -> views.LookDraft:
    return views.LookDraft(connector=connector, account=account, fields=fields, zone="Europe/Berlin")


async def test_every_account_is_a_source_and_who_is_away_says_so(looked: Looked, house: GatewayHouse) -> None:
    home, family = looked.scene.connect(OPENED, "Home"), looked.scene.connect(DIARY, "Family")
    looked.scene.leave(DIARY)
    found = await looked.looks.sources(house.me, "find")
    assert [(each.connector, each.account, each.runs, each.local, each.key) for each in found] == [
        ("post", home, True, True, "id"),
        ("diary", family, False, False, None),
    ]
    assert [each.found_in for each in found] == [{"letters_find": "id"}, {}]
    assert await looked.looks.sources(house.me, "mail") == []
    with pytest.raises(Unavailable, match="Diary is not running"):
        await looked.looks.ask(house.me, "find", at("diary", family, text="lease"))


async def test_a_look_is_granted_for_one_tool_and_no_conversation(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    found = await looked.looks.ask(house.me, "find", at("post", home, text="lease"))
    assert (found.content, found.sources[0].authors) == ([{"id": "7"}], ("carol@example.org",))
    [(request, ctx)] = looked.asked
    assert (request.call.tool, request.call.account, request.call.arguments) == (
        "letters_find", home, {"query": "lease"},
    )  # fmt: skip
    assert [each.id for each in request.accounts] == [home]
    grant = looked.granted()
    assert (grant.kind, grant.origin, grant.conversation, grant.effects) == ("turn", "look", None, (Effect.READ,))
    assert (grant.tools, list(grant.connectors)) == (("post.letters_find",), ["post"])
    assert grant.budget.model_calls == 0
    assert (ctx.zone, house.records) == ("Europe/Berlin", [])


async def test_days_count_from_today_and_the_zone_goes_along(looked: Looked, house: GatewayHouse) -> None:
    family = looked.scene.connect(DIARY, "Family")
    await looked.looks.ask(house.me, "agenda", at("diary", family, to="2026-11-24"))
    assert looked.asked[0][0].call.arguments == {"start": "2026-11-24", "end": "2026-11-24", "zone": "Europe/Berlin"}


async def test_one_thing_is_opened_by_what_stands_under_its_key(looked: Looked, house: GatewayHouse) -> None:
    home, family = looked.scene.connect(OPENED, "Home"), looked.scene.connect(DIARY, "Family")
    draft = views.OpenDraft(connector="post", account=home, key="7", zone="Europe/Berlin")
    await looked.looks.open(house.me, "find", draft)
    assert looked.asked[0][0].call.arguments == {"letter": "7", "zone": "Europe/Berlin"}
    assert looked.granted().tools == ("post.letters_read",)
    with pytest.raises(InvalidRequest):
        await looked.looks.open(house.me, "find", draft.model_copy(update={"key": "too long"}))
    with pytest.raises(Conflict, match="shows no more"):
        await looked.looks.open(house.me, "find", draft.model_copy(update={"connector": "diary", "account": family}))
    assert len(looked.asked) == 1


@pytest.mark.parametrize("command", ["mail", "burn", "find"])
async def test_what_acts_and_what_is_not_ones_own_is_not_looked_at(
    looked: Looked, house: GatewayHouse, command: str
) -> None:
    home = looked.scene.connect(OPENED, "Home")
    account = new_id() if command == "find" else home
    with pytest.raises(NotFound):
        await looked.looks.ask(house.me, command, at("post", account, text="Hi", to=["carol@example.org"]))
    with pytest.raises(NotFound):
        await looked.looks.open(house.me, command, views.OpenDraft(connector="post", account=account, key="7"))
    assert looked.asked == []


async def test_a_wrong_field_is_named_and_nobody_is_asked(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    for fields, named in (({}, "text"), ({"text": "x" * 21}, "text"), ({"text": "a", "colour": "b"}, "colour")):
        with pytest.raises(InvalidRequest) as raised:
            await looked.looks.ask(house.me, "find", at("post", home, **fields))
        assert list(raised.value.details["fields"]) == [named]
    assert looked.asked == []


async def test_silence_and_refusals_are_told_as_they_are(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    for error in (DeadlineExceeded("No answer."), Unavailable("Away."), Forbidden("No.")):
        looked.answer = error
        with pytest.raises(type(error)):
            await looked.looks.ask(house.me, "find", at("post", home, text="lease"))


async def test_who_is_shut_out_looks_at_nothing(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    looked.grants.barred = frozenset({house.me.user.id})
    with pytest.raises(Forbidden, match="shut this account out"):
        await looked.looks.ask(house.me, "find", at("post", home, text="lease"))
    assert looked.asked == []


async def test_the_grant_of_a_look_puts_nothing_to_the_policy(house: GatewayHouse) -> None:
    call = house.call("letters_send", to="carol@example.org")
    grant = house.grants.look(house.me.user.id, connector="post", digest=call.card_digest, tool="letters_send")
    ctx = CallContext.within(10, now=house.time, user=house.me.user.id).signed(grant=grant)
    with pytest.raises(Forbidden, match="grant of a turn"):
        await house.agent.request(subjects.gateway("approve"), ApprovalNeed(call=call), ApprovalOutcome, ctx)


async def test_what_is_opened_brings_its_address_at_the_provider_along(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    draft = views.OpenDraft(connector="post", account=home, key="7")
    assert (await looked.looks.open(house.me, "find", draft)).link is None
    looked.answer = ToolResult(content={"letter": {"url": "https://post.example/7"}})
    assert (await looked.looks.open(house.me, "find", draft)).link == "https://post.example/7"


@pytest.mark.parametrize("address", ["https://post.example/7?a=b#c", "https://a.b.letters.example/7"])
def test_an_address_at_a_host_that_the_card_names_counts(address: str) -> None:
    assert link_of(OPENING, {"letter": {"url": address}}) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://post.example/7", "javascript:alert(1)", "//post.example/7", "https://evil.example/7", "", None, 7,
        "https://post.example.evil.example/7", "https://post.example@evil.example/7", "https://post.example:8443/7",
        "https://evilletters.example/7", "https://letters.example/7", "https://evil.example\\@post.example/7",
        "https://post.example/\n7", "https://post.example/" + "7" * 2_000, "https://[post.example/7",
    ],
)  # fmt: skip
def test_any_other_address_is_none(address: object) -> None:
    assert link_of(OPENING, {"letter": {"url": address}}) is None


def test_a_card_without_an_address_has_none() -> None:
    assert link_of(Opening(tool="letters_read", argument="letter"), "https://post.example/7") is None
