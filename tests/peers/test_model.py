"""The scripted model, proven with the clients that the product uses."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.peers.model import ModelServer
from tests.peers.script import Ask, Fault, Script, Step, ToolCall, When, fill, load_script, stumble

SEARCH = {"type": "function", "function": {"name": "mail__messages_search", "parameters": {"type": "object"}}}


def ask(*messages: dict[str, Any]) -> Ask:
    return Ask({"model": "scripted", "messages": list(messages), "tools": [SEARCH]})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def called(name: str, result: str) -> list[dict[str, Any]]:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": result},
    ]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as model:
        yield model


@pytest.fixture
def client(server: ModelServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="not-a-real-key", max_retries=0, timeout=5) as client:
        yield client


def stream(client: openai.OpenAI, *messages: Any) -> list[Any]:
    options: Any = {"tools": [SEARCH], "stream_options": {"include_usage": True}}
    return list(client.chat.completions.create(model="scripted", messages=messages, stream=True, **options))


def call_parts(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks if chunk.choices for part in chunk.choices[0].delta.tool_calls or ()]


def said(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_the_model_list_names_the_one_model(server: ModelServer, client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]


def test_text_streams_in_varying_chunks_and_ends_with_its_usage(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="one two three", usage={"prompt_tokens": 7})])
    chunks = stream(client, user("hi"))
    assert said(chunks) == "one two three"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.prompt_tokens == 7


def test_an_answer_comes_whole_where_no_stream_is_asked(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="whole")])
    answer = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content == "whole"


def test_tool_calls_stream_in_pieces_that_join_to_their_arguments(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script(
        [Step(calls=[ToolCall("messages_search", {"query": "a rather long search"}), ToolCall("other")])]
    )
    parts = call_parts(stream(client, user("x")))
    joined = "".join(part.function.arguments for part in parts if part.index == 0)
    assert parts[0].function.name == "mail__messages_search"
    assert json.loads(joined) == {"query": "a rather long search"}
    assert {part.index for part in parts} == {0, 1}


def test_long_prose_never_repeats_a_chunk_in_a_row(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(prose=300)])
    words = said(stream(client, user("x"))).split()
    assert len(words) == 300
    assert all(word != after for word, after in itertools.pairwise(words))


def test_steps_without_a_condition_serve_once_each_in_order(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="first"), Step(say="second")])
    assert [said(stream(client, user("x"))) for _ in range(2)] == ["first", "second"]
    with pytest.raises(openai.BadRequestError, match="No step"):
        stream(client, user("x"))
    assert len(server.unmatched) == 1


def test_a_rate_limit_carries_its_delay(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(fault=Fault("status", status=429, retry_after=3))])
    with pytest.raises(openai.RateLimitError) as caught:
        stream(client, user("x"))
    assert caught.value.response.headers["retry-after"] == "3"


def test_a_server_error_is_a_server_error(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(fault=Fault("status", status=500))])
    with pytest.raises(openai.InternalServerError):
        stream(client, user("x"))


def test_a_cut_stream_breaks_off_after_its_chunks(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="one two three four", fault=Fault("cut", after=3))])
    chunks: list[Any] = []
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, openai.APIConnectionError)):
        chunks.extend(client.chat.completions.create(model="scripted", messages=[], stream=True))
    assert server.abandoned == 0


def test_rubbish_is_no_answer(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="one two three", fault=Fault("rubbish", after=2))])
    with pytest.raises((ValueError, openai.OpenAIError)):
        stream(client, user("x"))


def test_a_slow_first_byte_comes_all_the_same(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="late", fault=Fault("slow", seconds=0.2))])
    assert said(stream(client, user("x"))) == "late"


def test_silence_lasts_until_the_client_gives_up(server: ModelServer) -> None:
    server.script = Script([Step(fault=Fault("silent"))])
    with (
        openai.OpenAI(base_url=server.url, api_key="x", max_retries=0, timeout=0.2) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        stream(client, user("x"))


def test_a_wrong_key_is_refused() -> None:
    with (
        ModelServer(api_key="right-but-not-real") as server,
        openai.OpenAI(base_url=server.url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()


def test_what_was_sent_is_recorded_and_can_be_searched(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script([Step(say="ok")])
    stream(client, user("the word is Schlüsselblume"))
    assert server.requests[0].ask.offered == ["mail__messages_search"]
    assert server.holds("Schlüsselblume")
    assert server.holds("not-a-real-key")
    assert not server.holds("something else")


def test_a_wrong_call_is_corrected_once_the_error_came_back(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = Script(stumble("messages_search", "{broken", {"query": "right"}))
    first = stream(client, user("x"))
    assert call_parts(first)
    second = stream(client, user("x"), *called("mail__messages_search", '{"error": {"code": "invalid_request"}}'))
    text = "".join(part.function.arguments for part in call_parts(second))
    assert json.loads(text) == {"query": "right"}


def test_templates_take_values_out_of_wrapped_results() -> None:
    shown = '<outside from="Carol [work]">\n[{"id": "m1", "thread": {"thread_id": 7}}]\n</outside>'
    request = ask(user("find it"), *called("mail__messages_search", shown))
    template = {
        "a": "{{result[0].id}}",
        "b": "re {{results.messages_search[0].id}}",
        "c": ["{{result..thread_id}}"],
        "d": "{{user}}",
    }
    assert fill(template, request) == {"a": "m1", "b": "re m1", "c": [7], "d": "find it"}


def test_a_template_that_leads_nowhere_says_so() -> None:
    with pytest.raises(LookupError, match="nowhere"):
        fill("{{result[3].id}}", ask(user("x"), *called("messages_search", "[]")))


def test_conditions_see_only_the_results_that_are_new() -> None:
    request = ask(
        user("one"), *called("mail__messages_search", "[]"), {"role": "assistant", "content": "done"}, user("two")
    )
    assert When(user_says="two", fresh=0)(request)
    assert not When(result_of="messages_search")(request)
    assert When(offered=["messages_search"])(request)
    assert not When(offered=["messages_send"])(request)


def test_the_story_searches_when_asked_about_the_lease(server: ModelServer, client: openai.OpenAI) -> None:
    server.script = load_script("story")
    chunks = stream(client, user("What did Carol write about the lease?"))
    assert call_parts(chunks)


def test_as_a_program_it_plays_a_script_and_shows_what_it_saw(tmp_path: Path) -> None:
    script = tmp_path / "play.json"
    script.write_text(json.dumps({"steps": [{"say": "from a file"}]}))
    command = [sys.executable, "-m", "tests.peers.model", "--port", "0", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        body = {"model": "scripted", "messages": [user("hello")]}
        answer = httpx.post(f"{url}/chat/completions", json=body).json()
        seen = httpx.get(url.removesuffix("/v1") + "/_peer/requests").json()
        process.terminate()
    assert answer["choices"][0]["message"]["content"] == "from a file"
    assert seen == [body]
