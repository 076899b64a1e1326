"""Commands from the gateway's side: which there are, whom they ask, and what is refused before anything is begun."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openassistant.catalogue import Catalogue
from openassistant.context import new_id
from openassistant.errors import Conflict, InvalidRequest, NotFound, Unavailable
from openassistant.messages import (
    AccountRef,
    Auth,
    CallState,
    Card,
    Command,
    CommandCall,
    CommandCard,
    Effect,
    Heartbeat,
    ToolCard,
    TurnAccepted,
    card_digest,
)
from services.gateway import views
from services.gateway.commands import Commands
from services.gateway.connectors import Connectors
from tests.services.gateway.house import GatewayHouse

TEXT = {"type": "string", "title": "Words", "minLength": 1}
PEOPLE = {"type": "array", "items": {"type": "string", "format": "mailbox"}, "minItems": 1, "title": "To"}
NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
ACCEPTED = TurnAccepted(turn="1" * 32, run="1" * 32)


def form(required: list[str], **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def tool(name: str, effect: Effect, **parameters: Any) -> ToolCard:
    return ToolCard(name=name, description=name, effect=effect, parameters=form([], **parameters))


def command(tool: str, arguments: dict[str, str], shown: dict[str, Any], *, zone: str | None = None) -> CommandCard:
    return CommandCard(tool=tool, title=tool, form=shown, arguments=arguments, zone=zone)


POST = Card(
    id="post",
    name="Post",
    version="1",
    auth=Auth(kind="password"),
    tools=(
        tool("letters_find", Effect.READ, query={"type": "string", "maxLength": 20}, folder={"type": "string"}),
        tool("letters_send", Effect.SEND, to=PEOPLE, text={"type": "string"}),
    ),
    commands={
        "find": command(
            "letters_find",
            {"text": "query", "folder": "folder"},
            form(["text"], text=TEXT, folder={"type": "string", "title": "Folder"}),
        ),
        "mail": command("letters_send", {"to": "to", "text": "text"}, form(["to", "text"], to=PEOPLE, text=TEXT)),
    },
)
DIARY = Card(
    id="diary",
    name="Diary",
    version="1",
    auth=Auth(kind="password"),
    tools=(
        tool("days_find", Effect.READ, query={"type": "string"}, zone={"type": "string"}),
        tool("days_write", Effect.WRITE).model_copy(update={"undo": True}),
        tool("actions_undo", Effect.WRITE, action={"type": "string"}),
        tool("days_list", Effect.READ, start={"type": "string"}, end={"type": "string"}, zone={"type": "string"}),
    ),
    commands={
        "find": command("days_find", {"text": "query"}, form(["text"], text=TEXT), zone="zone"),
        "agenda": command(
            "days_list",
            {"from": "start", "to": "end"},
            form(
                [],
                **{
                    "from": {"type": "string", "format": "date", "default": "P0D", "title": "From"},
                    "to": {"type": "string", "format": "date", "default": "P6D", "title": "To"},
                },
            ),
            zone="zone",
        ),
    },
)


class Scene:
    """Commands with cards that run, accounts that are connected, and a chat that takes what it is given."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house = house
        self.refs_found: list[AccountRef] = []
        self.turns: list[tuple[Command, str, ZoneInfo]] = []
        self.calls: list[views.CallView] = []
        self.catalogue = Catalogue(lambda: NOW)
        cards = (POST, DIARY)
        release = frozenset((card.id, card_digest(card)) for card in cards)
        self.connectors = Connectors(house.store, self.catalogue, lambda: NOW, release=release)
        fake: Any = self
        self.commands = Commands(self.connectors, fake, fake, lambda: NOW)

    async def start(self) -> None:
        await self.connectors.start(self.house.bus.room("gateway"))
        for card in (POST, DIARY):
            self.announce(card)

    def announce(self, card: Card) -> None:
        beat = Heartbeat(instance="1", card=card, digest=card_digest(card), started=NOW)
        self.catalogue.apply(f"{card.id}.1", beat.model_dump_json().encode())

    def leave(self, card: Card) -> None:
        self.catalogue.apply(f"{card.id}.1", None)

    def connect(self, card: Card, name: str) -> str:
        self.refs_found.append(AccountRef(id=new_id(), connector=card.id, name=name))
        return self.refs_found[-1].id

    async def refs(self, user: str) -> tuple[AccountRef, ...]:
        return tuple(self.refs_found)

    async def history(self, me: object, conversation: str) -> views.History:
        said = views.Message(
            id=new_id(), role="assistant", turn=new_id(), created_at=NOW, text="", calls=tuple(self.calls)
        )
        shown = {"id": conversation, "title": "", "created_at": NOW, "updated_at": NOW, "state": "idle"}
        return views.History.model_validate({**shown, "messages": (said,), "last_event_id": 0})

    def called(self, tool: str, state: CallState = CallState.DONE) -> views.CallView:
        made = views.CallView(
            id=new_id(), connector="diary", tool=tool, effect=Effect.WRITE, title="Days write: Lease", state=state,
            account=new_id(), arguments={},
        )  # fmt: skip
        self.calls.append(made)
        return made

    async def undo(self, call: str) -> Command:
        assert await self.commands.undo(self.house.me, self.house.conversation, call, zone="Europe/Berlin") == ACCEPTED
        return self.turns[-1][0]

    async def command(
        self, me: object, conversation: str, command: Command, *, text: str, zone: ZoneInfo
    ) -> TurnAccepted:
        self.turns.append((command, text, zone))
        return ACCEPTED

    async def run(self, name: str, *, zone: str | None = None, **fields: Any) -> Command:
        draft = views.CommandDraft(command=name, fields=fields, zone=zone)
        assert await self.commands.run(self.house.me, self.house.conversation, draft) == ACCEPTED
        return self.turns[-1][0]

    async def refused(self, name: str, *, zone: str | None = None, **fields: Any) -> dict[str, str]:
        """The fields that were named, in a house where nothing was begun."""
        with pytest.raises(InvalidRequest) as raised:
            await self.run(name, zone=zone, **fields)
        assert self.turns == []
        named: dict[str, str] = raised.value.details["fields"]
        return named


@pytest.fixture
async def scene(house: GatewayHouse) -> Scene:
    scene = Scene(house)
    await scene.start()
    return scene


async def test_only_what_connected_accounts_serve_is_listed(scene: Scene, house: GatewayHouse) -> None:
    assert await scene.commands.listing(house.me) == []
    account = scene.connect(DIARY, "Family")
    listed = await scene.commands.listing(house.me)
    assert [each.name for each in listed] == ["agenda", "find"]
    assert [(each.id, each.name, each.connector) for each in listed[0].accounts] == [(account, "Family", "diary")]
    assert "account" not in listed[0].form["properties"]


async def test_a_card_that_nobody_approved_serves_no_command(scene: Scene, house: GatewayHouse) -> None:
    scene.connect(DIARY, "Family")
    scene.announce(DIARY.model_copy(update={"version": "2"}))
    assert await scene.commands.listing(house.me) == []


async def test_days_that_are_counted_from_today_are_those_of_the_zone(scene: Scene, house: GatewayHouse) -> None:
    scene.connect(DIARY, "Family")
    [agenda, _] = await scene.commands.listing(house.me, zone="Europe/Berlin")
    assert agenda.form["properties"]["from"]["default"] == "2026-11-24"
    made = await scene.run("agenda", zone="America/New_York")
    assert made.calls[0].arguments == {"start": "2026-11-23", "end": "2026-11-29", "zone": "America/New_York"}
    assert scene.turns[0][1] == "/agenda 2026-11-23 · 2026-11-29"


async def test_a_question_goes_to_every_account_that_can_answer_it(scene: Scene) -> None:
    home, work, family = scene.connect(POST, "Home"), scene.connect(POST, "Work"), scene.connect(DIARY, "Family")
    made = await scene.run("find", text="lease", zone="Europe/Berlin")
    assert [(each.connector, each.tool, each.account) for each in made.calls] == [
        ("diary", "days_find", family),
        ("post", "letters_find", home),
        ("post", "letters_find", work),
    ]
    assert made.calls[0].arguments == {"query": "lease", "zone": "Europe/Berlin"}
    assert made.calls[1].arguments == {"query": "lease"}
    assert (made.name, made.fields) == ("find", {"text": "lease"})
    assert scene.turns[0][1:] == ("/find lease", ZoneInfo("Europe/Berlin"))


async def test_a_question_may_name_one_account(scene: Scene) -> None:
    scene.connect(POST, "Home")
    family = scene.connect(DIARY, "Family")
    made = await scene.run("find", text="lease", account=family)
    assert [each.account for each in made.calls] == [family]
    assert made.fields == {"text": "lease", "account": family}


async def test_who_does_not_know_a_field_that_was_filled_in_is_not_asked(scene: Scene) -> None:
    home, family = scene.connect(POST, "Home"), scene.connect(DIARY, "Family")
    assert [each.account for each in (await scene.run("find", text="lease", folder="Old")).calls] == [home]
    with pytest.raises(InvalidRequest) as raised:
        await scene.run("find", text="lease", folder="Old", account=family)
    assert raised.value.details["fields"] == {"folder": "No connected service knows this."}


async def test_a_service_that_is_away_is_asked_all_the_same_so_that_its_silence_shows(scene: Scene) -> None:
    home, family = scene.connect(POST, "Home"), scene.connect(DIARY, "Family")
    scene.leave(DIARY)
    made = await scene.run("find", text="lease")
    assert [each.account for each in made.calls] == [home, family]


async def test_what_acts_acts_with_one_account(scene: Scene, house: GatewayHouse) -> None:
    home = scene.connect(POST, "Home")
    assert [each.account for each in (await scene.run("mail", to=["carol@example.org"], text="Hi")).calls] == [home]
    work = scene.connect(POST, "Work")
    scene.turns.clear()
    assert await scene.refused("mail", to=["carol@example.org"], text="Hi") == {"account": "Choose one of: Home, Work."}
    made = await scene.run("mail", to=["carol@example.org"], text="Hi", account=work)
    assert [(each.tool, each.account) for each in made.calls] == [("letters_send", work)]
    [_, mail] = await scene.commands.listing(house.me)
    assert (mail.effect, mail.form["properties"]["account"]["enum"]) == (Effect.SEND, [home, work])
    assert mail.form["required"] == ["to", "text", "account"]


async def test_what_acts_does_not_wait_for_a_service_that_is_away(scene: Scene) -> None:
    scene.connect(POST, "Home")
    scene.leave(POST)
    with pytest.raises(Unavailable, match="/mail is not running"):
        await scene.run("mail", to=["carol@example.org"], text="Hi")
    assert scene.turns == []


@pytest.mark.parametrize(
    ("name", "fields", "named"),
    [
        ("find", {}, "text"),
        ("find", {"text": ""}, "text"),
        ("find", {"text": 7}, "text"),
        ("find", {"text": "lease", "colour": "blue"}, "colour"),
        ("find", {"text": "x" * 21, "folder": "Old"}, "text"),
        ("find", {"text": "lease", "account": "0" * 32}, "account"),
        ("find", {"text": "lease", "account": ["x"]}, "account"),
        ("mail", {"to": ["nobody"], "text": "Hi"}, "to"),
        ("mail", {"to": ["a@b.example, c@d.example"], "text": "Hi"}, "to"),
        ("mail", {"to": "carol@example.org", "text": "Hi"}, "to"),
        ("agenda", {"from": "tomorrow"}, "from"),
        ("agenda", {"from": "2026-11-23T10:00"}, "from"),
        ("agenda", {"zone": "Europe/Berlin", "to": "2026-02-30"}, "to"),
        ("burn", {}, "command"),
        ("../find", {"text": "lease"}, "command"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_begun(
    scene: Scene, name: str, fields: dict[str, Any], named: str
) -> None:
    scene.connect(POST, "Home")
    scene.connect(DIARY, "Family")
    zone = fields.pop("zone", None)
    assert list(await scene.refused(name, zone=zone, **fields)) == [named]


async def test_an_unknown_time_zone_is_named(scene: Scene, house: GatewayHouse) -> None:
    scene.connect(POST, "Home")
    assert list(await scene.refused("find", zone="Mars/Olympus", text="lease")) == ["zone"]
    with pytest.raises(InvalidRequest):
        await scene.commands.listing(house.me, zone="../../etc/passwd")


@pytest.mark.parametrize("address", ["carol@example.org", "Carol Meyer <carol@example.org>"])
async def test_an_address_may_carry_a_name(scene: Scene, address: str) -> None:
    scene.connect(POST, "Home")
    made = await scene.run("mail", to=[address], text="Hello Carol,\n\n" + "word " * 40)
    assert made.calls[0].arguments["to"] == [address]
    assert scene.turns[0][1].startswith(f"/mail {address} · Hello Carol, word word")
    assert len(scene.turns[0][1]) < 130


async def test_what_was_done_is_taken_back_by_a_call_of_its_connector(scene: Scene) -> None:
    done = scene.called("days_write")
    command = await scene.undo(done.id)
    wanted = CommandCall(connector="diary", tool="actions_undo", account=done.account, arguments={"action": done.id})
    assert (command.name, command.calls) == ("undo", (wanted,))
    assert scene.turns[-1][1:] == ("/undo Days write: Lease", ZoneInfo("Europe/Berlin"))


async def test_what_has_no_undo_or_was_not_done_begins_nothing(scene: Scene) -> None:
    calls = (scene.called("days_find"), scene.called("days_gone"), scene.called("days_write", CallState.FAILED))
    for call in calls:
        with pytest.raises(Conflict, match="cannot be taken back"):
            await scene.undo(call.id)
    with pytest.raises(NotFound, match="no such action"):
        await scene.undo(new_id())
    assert scene.turns == []
