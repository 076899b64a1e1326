"""An answer that is held to a schema: words stream, a call is read whole, and nothing else is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.agent.shaped import Shaped, shape

ROOT = Path(__file__).parents[3]


def read(raw: str, *, size: int = 3) -> tuple[str, list[tuple[str, str]]]:
    shaped = Shaped()
    shown = "".join(shaped.feed(raw[start : start + size]) for start in range(0, len(raw), size))
    rest, parts = shaped.end()
    return shown + rest, [(part.name, part.arguments) for part in parts]


@given(words=st.text(), size=st.integers(1, 9), ascii_only=st.booleans())
def test_the_words_of_an_answer_come_whole_however_they_are_cut(words: str, size: int, ascii_only: bool) -> None:
    assert read(json.dumps({"answer": words}, ensure_ascii=ascii_only), size=size) == (words, [])


def test_words_stream_as_they_come() -> None:
    shaped = Shaped()
    pieces = ['{ "answ', 'er" : "Car', "ol \\", "n \\ud83d", "\\ude00 wr", 'ote"', " }\n"]
    assert [shaped.feed(piece) for piece in pieces] == ["", "Car", "ol ", "\n ", "\U0001f600 wr", "ote", ""]
    assert shaped.end() == ("", ())


def test_a_call_is_read_and_nothing_of_it_is_shown() -> None:
    raw = '{"tool": "messages_search", "arguments": {"query": "lease"}}'
    assert read(raw) == ("", [("messages_search", '{"query": "lease"}')])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Just words.", "Just words."),
        ('{"answer": "cut o', "cut o"),
        ('{"answer": "odd \\x escape"}', "odd \\x escape"),
        ('{"answer": "half \\ud83d pair"}', "half \ufffd pair"),
        ('{"answer": 42}', '{"answer": 42}'),
        ('{"mood": "good"}', '{"mood": "good"}'),
        ('{"words": "first", "answer": "second"}', "second"),
        ("", ""),
        ("  ", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_what_keeps_to_no_schema_is_shown_as_it_is(raw: str, text: str, size: int) -> None:
    assert read(raw, size=size) == (text, [])


def test_a_call_that_is_cut_off_is_one_that_the_model_can_correct() -> None:
    assert read('{"tool": "messages_search", "arguments": {"query": "lea') == (
        "", [("messages_search", '{"query": "lea')],
    )  # fmt: skip


@given(raw=st.text(alphabet='{}[]":,\\ answertol\n\ud83d', max_size=60), size=st.integers(1, 9))
def test_nothing_raises(raw: str, size: int) -> None:
    read(raw, size=size)
    read('{"answer": "' + raw, size=size)


def tools(*connectors: str) -> list[dict[str, Any]]:
    cards = [json.loads((ROOT / "connectors" / each / "card.json").read_text()) for each in connectors]
    return [{"type": "function", "function": tool} for card in cards for tool in card["tools"]]


def test_the_schema_takes_one_call_of_an_offered_tool_or_an_answer() -> None:
    form = shape(tools("mail"))
    schema = Draft202012Validator(form["json_schema"]["schema"])
    schema.check_schema(schema.schema)
    assert schema.is_valid({"answer": "Carol wrote."})
    assert schema.is_valid({"tool": "messages_search", "arguments": {"query": "lease"}})
    assert not schema.is_valid({"tool": "messages_burn", "arguments": {}})
    assert not schema.is_valid({"tool": "messages_search", "arguments": {"colour": "red"}})
    assert not schema.is_valid({"answer": "Carol wrote.", "tool": "messages_search", "arguments": {}})


def test_references_are_followed_and_circles_end() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string"}}}
    parameters = {"type": "object", "properties": {"first": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    form = shape([{"type": "function", "function": {"name": "walk", "parameters": parameters}}])
    assert "$ref" not in json.dumps(form)
    schema = Draft202012Validator(form["json_schema"]["schema"])
    assert schema.is_valid({"tool": "walk", "arguments": {"first": {"name": "a", "next": {"name": "b"}}}})
