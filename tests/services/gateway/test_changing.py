"""What is opened can be changed by hand: which fields are offered, with what in them, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import new_id
from openassistant.errors import Conflict, InvalidRequest, NotFound, Unavailable
from openassistant.messages import Changing, Effect, LookRequest, Opening, ToolCard, ToolResult, card_digest
from services.gateway import look_views as views
from services.gateway.changing import arguments_of, offered
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.test_commands import DIARY, POST, Scene, form, tool
from tests.services.gateway.test_looks import Looked

WORDS = {"type": "string", "title": "Words", "maxLength": 20}
NAMED = {"type": "string", "title": "Name", "minLength": 1, "maxLength": 20}
LINES = {"type": "array", "items": {"type": "string", "maxLength": 30}, "maxItems": 3, "title": "Numbers"}
PEOPLE = {"type": "array", "items": {"type": "string", "format": "mailbox"}, "maxItems": 3, "title": "To"}
CHANGING = Changing(
    tool="letters_change",
    argument="letter",
    fields={"name": NAMED, "notes": WORDS, "numbers": LINES, "to": PEOPLE},
    shown={"notes": "details.Notes", "to": "recipients"},
    removes="remove",
)
REPLACING = CHANGING.model_copy(update={"removes": ""})
OPENING = Opening(tool="letters_read", argument="letter", changes=CHANGING)
CHANGE = ToolCard(
    name="letters_change", description="Change a letter", effect=Effect.WRITE,
    parameters=form([], letter={"type": "string", "maxLength": 5}, remove=LINES, **CHANGING.fields),
)  # fmt: skip
OPENED = POST.model_copy(
    update={
        "tools": (
            *POST.tools,
            tool("letters_read", Effect.READ, letter={"type": "string"}),
            CHANGE,
        ),
        "commands": {**POST.commands, "find": POST.commands["find"].model_copy(update={"opens": OPENING})},
    }
)
CONTENT = {
    "id": "7",
    "name": {"text": "Carol", "source": "a contact", "authors": []},
    "numbers": [{"text": "+49 30 1"}, "+49 30 2", None],
    "recipients": {"text": '"Jones, Carol" <carol@example.org>, bob@example.org'},
    "details": {"Notes": [{"text": "met in May"}]},
}


def draft(**changed: Any) -> views.ChangeDraft:
    return views.ChangeDraft(command="find", connector="post", key="7", **changed)


def test_the_fields_hold_what_stands_there_now() -> None:
    found = offered(CHANGING, CONTENT)
    assert found.values == {
        "name": "Carol",
        "notes": "met in May",
        "numbers": ["+49 30 1", "+49 30 2"],
        "to": ['"Jones, Carol" <carol@example.org>', "bob@example.org"],
    }
    assert list(found.form["properties"]) == list(found.values)
    assert found.adds
    assert not offered(REPLACING, CONTENT).adds


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ({"details": {"Notes": [{"text": "a" * 21}]}}, "notes"),
        ({"details": {"Notes": ["one", "another"]}}, "notes"),
        ({"numbers": ["1", "2", "3", "4"]}, "numbers"),
        ({"numbers": ["1" * 31]}, "numbers"),
        ({"name": ""}, "name"),
    ],
    ids=["cut off, perhaps", "more than one", "too many", "too long", "empty"],
)
def test_what_does_not_fit_into_a_field_is_not_offered(content: dict[str, Any], left: str) -> None:
    found = offered(CHANGING, {**CONTENT, **content})
    assert set(found.values) == set(found.form["properties"]) == set(CHANGING.fields) - {left}


@pytest.mark.parametrize(
    "content", [None, [], "words", {"details": "gone", "name": 7}, {"recipients": {"html": "<b>"}}]
)
def test_an_answer_of_another_shape_leaves_fields_empty(content: Any) -> None:
    assert offered(CHANGING, content).values == {"notes": "", "numbers": [], "to": []}


def test_the_tool_is_told_what_changes_and_nothing_else() -> None:
    assert arguments_of(CHANGING, draft(fields={"notes": ""})) == {"letter": "7", "notes": ""}
    both = draft(fields={"numbers": ["+49 30 3"]}, removed=("+49 30 1",))
    assert arguments_of(CHANGING, both) == {"letter": "7", "numbers": ["+49 30 3"], "remove": ["+49 30 1"]}


@pytest.mark.parametrize(
    ("changes", "changed", "words"),
    [
        (CHANGING, {}, "nothing was changed"),
        (CHANGING, {"fields": {"name": ""}}, "Please correct name"),
        (CHANGING, {"fields": {"to": ["nobody"]}}, "Please correct to"),
        (CHANGING, {"fields": {"letter": "8"}}, "Please correct letter"),
        (CHANGING, {"fields": {"remove": ["1"]}}, "Please correct remove"),
        (REPLACING, {"removed": ("1",)}, "Nothing can be taken out"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(
    changes: Changing, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        arguments_of(changes, draft(**changed))


# --- the whole way -----------------------------------------------------------------------------------------------


@pytest.fixture
async def looked(house: GatewayHouse) -> Looked:
    scene = Scene(house)
    scene.connectors._release = frozenset((card.id, card_digest(card)) for card in (OPENED, DIARY))
    await scene.connectors.start(house.bus.room("gateway"))
    for card in (OPENED, DIARY):
        scene.announce(card)
    made = Looked(scene, house)
    made.answer = ToolResult(content=CONTENT)
    await house.agent.serve(subjects.agent("look"), LookRequest, made.on_look)
    return made


async def test_who_opens_a_thing_gets_the_form_and_its_change_is_a_command(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    opened = await looked.looks.open(house.me, "find", views.OpenDraft(connector="post", account=home, key="7"))
    assert opened.change is not None
    assert opened.change.values["name"] == "Carol"
    changed = draft(account=home, fields={"name": "Carol Jones"}, zone="Europe/Berlin")
    await looked.scene.commands.change(house.me, new_id(), changed)
    [(command, text, zone)] = looked.scene.turns
    [call] = command.calls
    assert (command.name, text, zone.key) == ("change", "/change Carol Jones", "Europe/Berlin")
    assert (call.connector, call.tool, call.account) == ("post", "letters_change", home)
    assert call.arguments == {"letter": "7", "name": "Carol Jones"}


async def test_what_is_lent_for_reading_has_no_form(looked: Looked, house: GatewayHouse) -> None:
    home = looked.scene.connect(OPENED, "Home")
    refs = looked.scene.refs_found
    for lent, has in (("read", False), ("act", True)):
        refs[0] = refs[0].model_copy(update={"lent": lent})
        opened = await looked.looks.open(house.me, "find", views.OpenDraft(connector="post", account=home, key="7"))
        assert (opened.change is not None) is has


async def test_nothing_begins_where_it_is_not_ones_own_or_cannot_be(looked: Looked, house: GatewayHouse) -> None:
    home, family = looked.scene.connect(OPENED, "Home"), looked.scene.connect(DIARY, "Family")
    commands, name = looked.scene.commands, {"name": "Carol"}
    with pytest.raises(NotFound):
        await commands.change(house.me, new_id(), draft(account=new_id(), fields=name))
    with pytest.raises(NotFound):
        await commands.change(
            house.me, new_id(), draft(account=home, fields=name).model_copy(update={"command": "mail"})
        )
    diary = draft(account=family, fields=name).model_copy(update={"connector": "diary"})
    with pytest.raises(Conflict, match="changes nothing of it"):
        await commands.change(house.me, new_id(), diary)
    with pytest.raises(InvalidRequest):
        await commands.change(
            house.me, new_id(), draft(account=home, fields=name).model_copy(update={"key": "too long"})
        )
    looked.scene.leave(OPENED)
    with pytest.raises(Unavailable, match="Post is not running"):
        await commands.change(house.me, new_id(), draft(account=home, fields=name))
    assert looked.scene.turns == []
