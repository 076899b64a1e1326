"""Commands on a card: what a manifest declares, what the contract finds wrong, and cards from before there were any."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from openassistant.__main__ import load
from openassistant.connector import Manifest
from openassistant.contract import command_faults, connector_faults
from openassistant.errors import InvalidRequest
from openassistant.messages import Card, CommandCard, card_digest, digest_of
from openassistant.scaffold import write_connector
from tests.sdk.hand.tools import connector

COUNT = """
[commands.count]
tool = "words_count"
title = "Count words"

[commands.count.fields.words]
title = "Text"
type = "string"
argument = "text"
"""


@pytest.fixture(autouse=True)
def forget_what_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("parcels", "parcels.tools"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_a_card_without_commands_has_the_digest_that_it_had_before_there_were_any() -> None:
    shown = connector.card().model_dump(mode="json")
    assert "commands" not in shown
    assert card_digest(connector.card()) == digest_of(shown)
    assert "commands" not in json.loads(connector.card().model_dump_json())


def test_a_command_changes_the_digest_and_survives_the_wire() -> None:
    bare = connector.card()
    command = {"tool": "notes_read", "title": "Notes", "form": {}, "arguments": {"many": "limit"}}
    card = Card.model_validate({**bare.model_dump(mode="json"), "commands": {"notes": command}})
    assert card_digest(card) != card_digest(bare)
    assert Card.model_validate_json(card.model_dump_json()) == card


def test_a_command_that_says_nothing_of_where_it_looks_has_the_digest_of_before() -> None:
    command = {"tool": "notes_read", "title": "Notes", "form": {}, "arguments": {"many": "limit"}}
    shown = CommandCard.model_validate(command).model_dump(mode="json")
    assert {"fixed", "local", "opens"}.isdisjoint(shown)
    more = {**command, "local": True, "opens": {"tool": "notes_read", "argument": "limit"}}
    told = CommandCard.model_validate(more).model_dump(mode="json")
    assert (told["local"], told["opens"]) == (True, {"tool": "notes_read", "argument": "limit", "key": "id"})


def test_a_manifest_declares_a_form_whose_fields_become_arguments(tmp_path: Path) -> None:
    manifest = Manifest.load(_manifest(tmp_path, COUNT))
    command = manifest.commands["count"].card()
    assert command.form["properties"] == {"words": {"title": "Text", "type": "string"}}
    assert command.form["required"] == ["words"]
    assert command.arguments == {"words": "text"}


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('tool = "words_count"', 'tool = "words_find"', "there is no tool words_find"),
        ('argument = "text"', 'argument = "letters"', "words_count takes no letters"),
        ('argument = "text"', "required = false", "words_count needs text"),
        ('title = "Text"\n', "", "the field words needs a title"),
        ("fields.words]", "fields.account]", "the field account is there by itself"),
        ('title = "Count words"', 'title = "Count words"\nzone = "zone"', "words_count takes no zone"),
        (
            'title = "Count words"',
            'title = "Count words"\nopens = { tool = "words_find", argument = "text" }',
            "no tool words_find that could open",
        ),
        (
            'title = "Count words"',
            'title = "Count words"\nopens = { tool = "words_count", argument = "id" }',
            "words_count takes no id",
        ),
        (
            'title = "Count words"',
            'title = "Count words"\nopens = { tool = "words_count", argument = "id" }',
            "words_count needs text too",
        ),
        (
            'title = "Count words"',
            'title = "Count words"\nopens = { tool = "words_count", argument = "text", found_in = { all = "id" } }',
            "no tool all that reads",
        ),
        (
            'title = "Count words"',
            'title = "Count words"\nopens = { tool = "words_count", argument = "text", link = "url" }',
            "needs both its path (link) and its hosts",
        ),
        (
            'title = "Count words"',
            'title = "Count words"\nfixed = { language = "en" }',
            "words_count takes no language",
        ),
    ],
)
def test_a_command_that_its_tool_cannot_serve_is_a_fault(tmp_path: Path, before: str, after: str, fault: str) -> None:
    _manifest(tmp_path, COUNT.replace(before, after))
    found = connector_faults(load(str(tmp_path / "parcels")))
    assert any(each.startswith("/count: ") and fault in each for each in found), found


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"tool": "notes_burn"}, "no tool notes_burn that could change"),
        ({"tool": "notes_read"}, "notes_read does not only write"),
        ({"argument": "page"}, "notes_write takes no page"),
        ({"argument": "text"}, "notes_write needs note even where it stays"),
        ({"fields": {"tone": {"title": "Tone"}}}, "notes_write takes no tone"),
        ({"fields": {"text": {}}}, "the field text needs a title"),
        ({"fields": {"note": {"title": "Note"}}}, "note is filled in by itself"),
        ({"removes": "text"}, "text is filled in by itself"),
        ({"removes": "gone"}, "notes_write takes no gone"),
        ({"shown": {"title": "name"}}, "there is no field title to be shown"),
        ({}, ""),
    ],
)
def test_a_change_that_its_tool_cannot_make_is_a_fault(change: dict[str, Any], fault: str) -> None:
    changes = {"tool": "notes_write", "argument": "note", "fields": {"text": {"title": "Text"}}, **change}
    opens = {"tool": "notes_read", "argument": "note", "changes": changes}
    parameters = {"type": "object", "properties": {"note": {}, "text": {}}, "required": ["note"]}
    tools = [
        {"name": name, "description": name, "effect": effect, "parameters": parameters}
        for name, effect in (("notes_read", "read"), ("notes_write", "write"))
    ]
    command = {"tool": "notes_read", "title": "Notes", "form": {"properties": {}, "required": []}, "arguments": {}}
    command |= {"fixed": {"note": "all"}, "opens": opens}
    card = Card.model_validate(
        {**connector.card().model_dump(mode="json"), "tools": tools, "commands": {"notes": command}}
    )
    found = command_faults(card)
    assert any(fault in each for each in found) if fault else not found, found


def test_a_command_of_a_wrong_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="commands"):
        Manifest.load(_manifest(tmp_path, COUNT.replace("count", "Count-1")))


def _manifest(folder: Path, more: str) -> Path:
    path = write_connector("parcels", folder) / "manifest.toml"
    path.write_text(path.read_text() + more)
    return path
