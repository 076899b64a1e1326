"""Text becomes a call only where an offered tool stands with valid arguments at the end of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.agent.written import Written, WrittenCall

SEARCH: dict[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
    "required": ["query"],
    "additionalProperties": False,
}
SEND: dict[str, Any] = {
    "type": "object",
    "properties": {"to": {"type": "array", "items": {"type": "string"}}, "text": {"type": "string", "maxLength": 40}},
    "required": ["to", "text"],
}
TOOLS = {"messages_search": SEARCH, "messages_send": SEND, "folders_list": {"type": "object"}}
LEASE = WrittenCall(name="messages_search", arguments={"query": "lease"})
PLAIN = '{"name": "messages_search", "arguments": {"query": "lease"}}'


def read(text: str, *, size: int = 3, quoted: str = "") -> tuple[str, tuple[WrittenCall, ...]]:
    written = Written(TOOLS, quoted=quoted)
    shown = "".join(written.feed(text[start : start + size]) for start in range(0, len(text), size))
    rest, calls = written.end()
    return shown + rest, calls


WAYS = {
    "bare": PLAIN,
    "with other keys": '{"tool": "messages_search", "parameters": {"query": "lease"}}',
    "with more keys": '{"id": "call_1", "type": "function", "name": "messages_search", "args": {"query": "lease"}}',
    "as the protocol nests it": f'{{"type": "function", "function": {PLAIN}}}',
    "as a list": f"[{PLAIN}]",
    "as a list under its key": f'{{"tool_calls": [{{"function": {PLAIN}}}]}}',
    "in a fence": f"```json\n{PLAIN}\n```",
    "in a fence without a language": f"```\n{PLAIN}\n```\n",
    "in a fence that is left open": f"```json\n{PLAIN}",
    "between tags": f"<tool_call>\n{PLAIN}\n</tool_call>",
    "after a tag that is left open": f"<tool_call>{PLAIN}",
    "with doubled braces": '{{"name": "messages_search", "arguments": {{"query": "lease"}}}}',
    "with its outer braces doubled": '{{"name": "messages_search", "arguments": {"query": "lease"}}}',
    "with arguments in a string": '{"name": "messages_search", "arguments": "{\\"query\\": \\"lease\\"}"}',
    "with a comma too many": '{"name": "messages_search", "arguments": {"query": "lease",},}',
    "laid out over lines": '{\n  "name": "messages_search",\n  "arguments": {\n    "query": "lease"\n  }\n}\n',
    "all of it at once": '```json\n{{"tool": "messages_search", "parameters": {{"query": "lease",}}}}\n```',
}


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_taken_that_is_written(way: str, size: int) -> None:
    assert read(WAYS[way], size=size) == ("", (LEASE,))


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_words_before_a_call_are_shown_and_the_call_is_not(size: int) -> None:
    assert read(f"I will look { {1, 2} } for it.\n\n{PLAIN}", size=size) == ("I will look {1, 2} for it.", (LEASE,))


def test_several_calls_are_taken_in_their_order() -> None:
    other = '{"name": "folders_list"}'
    text, calls = read(f"First this:\n```json\n{PLAIN}\n```\n\n<tool_call>{other}</tool_call>")
    assert (text, [call.name for call in calls]) == ("First this:", ["messages_search", "folders_list"])


def test_line_breaks_in_a_string_are_taken_as_they_are() -> None:
    _, calls = read('{"name": "messages_send", "arguments": {"to": ["carol@example.org"], "text": "Hello,\n\nAda"}}')
    assert calls[0].arguments["text"] == "Hello,\n\nAda"


def test_commas_and_braces_in_strings_stay_as_they_are() -> None:
    _, calls = read('{"name": "messages_search", "arguments": {"query": "{{a,}} }} ,] \\"x\\"",}}')
    assert calls == (WrittenCall(name="messages_search", arguments={"query": '{{a,}} }} ,] "x"'}),)


REFUSED = {
    "a tool that is not offered": '{"name": "messages_burn", "arguments": {}}',
    "no tool at all": '{"query": "lease"}',
    "an argument that is missing": '{"name": "messages_search", "arguments": {}}',
    "an argument of the wrong type": '{"name": "messages_search", "arguments": {"query": 7}}',
    "an argument that is unknown": '{"name": "messages_search", "arguments": {"query": "a", "folder": "b"}}',
    "an argument that is too long": f'{{"name": "messages_send", "arguments": {{"to": [], "text": "{"x" * 41}"}}}}',
    "arguments in a list": '{"name": "messages_search", "arguments": ["lease"]}',
    "arguments in a string that is no JSON": '{"name": "messages_search", "arguments": "lease"}',
    "something beside the call": '{"name": "messages_search", "arguments": {"query": "a"}, "then": "send it"}',
    "two names": '{"name": "messages_search", "tool": "messages_send", "arguments": {"query": "a"}}',
    "a key that stands twice": '{"name": "messages_burn", "name": "messages_search", "arguments": {"query": "a"}}',
    "a number that is none": '{"name": "messages_search", "arguments": {"query": "a", "limit": NaN}}',
    "half a surrogate pair": '{"name": "messages_search", "arguments": {"query": "\\ud83d"}}',
    "another programming language": "```python\nmessages_search(query='lease')\n```",
    "single quotes": "{'name': 'messages_search', 'arguments': {'query': 'lease'}}",
    "a call that is cut off": PLAIN[:-1],
    "words after the call": f"{PLAIN}\nThat is how it is done.",
    "words before it on its line": f"The mail says {PLAIN}",
    "a good call beside a bad one": f'{PLAIN}\n{{"name": "messages_burn", "arguments": {{}}}}',
    "too many calls": "\n".join([PLAIN] * 9),
    "a bad one in a list": f'[{PLAIN}, {{"name": "messages_burn"}}]',
    "an empty list": "[ ]",
    "an example": f"For example:\n```json\n{PLAIN}\n```\nwould search.",
}


@pytest.mark.parametrize("size", [1, 6, 1000])
@pytest.mark.parametrize("case", REFUSED)
def test_refused_and_shown_as_text_is(case: str, size: int) -> None:
    assert read(REFUSED[case], size=size) == (REFUSED[case], ())


def test_what_stands_in_a_result_word_for_word_is_a_quotation() -> None:
    for quoted in (PLAIN, json.dumps({"text": f"Please do:\n{PLAIN}"}), PLAIN.replace(" ", "\n ")):
        assert read(PLAIN, quoted=f"<outside>{quoted}</outside>") == (PLAIN, ())
    assert read(PLAIN, quoted="a mail about the lease") == ("", (LEASE,))


@pytest.mark.parametrize(
    "text",
    ["The rent is 900 < 1000.", "- [ ] sign\n- [x] call Carol", "[A link](https://example.org)", "```\nx = 1\n```",
     "```python\nprint({})\n```", "A set {1, 2}\n{ and more }", '{"answer": 42}', "<b>bold</b>", "a\n\n\nb `code`"],
)  # fmt: skip
def test_prose_is_shown_at_once(text: str) -> None:
    """No more is ever held back than shows whether a call begins."""
    written, shown = Written(TOOLS), ""
    for place, letter in enumerate(text, 1):
        shown += written.feed(letter)
        assert place - len(shown) <= 12
    assert shown + written.end()[0] == text


def test_a_word_is_not_held_back_at_all() -> None:
    written = Written(TOOLS)
    assert [written.feed(word) for word in ("Carol", " wrote", " that", " {1}")] == ["Carol", " wrote", " that", " {1}"]


def test_a_tool_whose_schema_is_none_cannot_be_called() -> None:
    written = Written({"odd": {"type": "no such type"}, "far": {"$ref": "https://example.org/schema"}})
    for name in ("odd", "far"):
        text = f'{{"name": "{name}", "arguments": {{}}}}'
        assert written.feed(text) + written.end()[0] == text


def test_endless_text_that_begins_like_a_call_is_let_go() -> None:
    written = Written(TOOLS)
    text = '{"name": "messages_search", "arguments": {"query": "' + "a" * 70_000
    assert written.feed(text) == text
    assert written.feed(PLAIN) == PLAIN
    assert written.end() == ("", ())


@pytest.mark.parametrize("text", ["{" * 50_000, "[" * 50_000, '{"name":' * 9_000, "\n" * 60_000 + "x", "<" * 60_000])
def test_hostile_text_costs_little_and_raises_nothing(text: str) -> None:
    assert read(text, size=4096) == (text, ())


PIECES = st.sampled_from(
    ["{", "}", "{{", "}}", "[", "]", '"', ":", ",", "\n", " ", "\\", "```", "```json\n", "<tool_call>", "</tool_call>",
     '"name"', '"tool"', '"arguments"', '"parameters"', '"messages_search"', "messages_send", '{"query": "lease"}',
     '"function"', "NaN", "\ud83d", "\x00", "é", "1e999", PLAIN, WAYS["with doubled braces"], WAYS["between tags"]]
)  # fmt: skip
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=24).map("".join)


@given(text=TEXTS, size=st.integers(1, 9))
def test_nothing_raises_and_no_call_is_of_another_tool_or_with_other_arguments(text: str, size: int) -> None:
    shown, calls = read(text, size=size)
    for call in calls:
        assert Draft202012Validator(TOOLS[call.name]).is_valid(call.arguments)
    assert text.startswith(shown)
    assert calls or shown == text


@given(text=TEXTS)
def test_it_does_not_matter_in_which_pieces_an_answer_comes(text: str) -> None:
    assert read(text, size=1) == read(text, size=10_000)


@given(before=st.text(alphabet='ab{}[]<`\n "', max_size=30), way=st.sampled_from(sorted(WAYS)))
def test_a_call_on_a_line_of_its_own_is_found_after_any_words(before: str, way: str) -> None:
    assert read(f"{before}\nSo:\n{WAYS[way]}") == (f"{before}\nSo:", (LEASE,))
