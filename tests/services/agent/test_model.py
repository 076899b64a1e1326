"""The two model clients against an endpoint that streams, fails, breaks off and talks rubbish."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from pydantic import SecretStr

from openassistant.errors import (
    AccountRequired,
    DeadlineExceeded,
    NotFound,
    OaError,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import ModelRef
from services.agent import model as clients
from services.agent.model import CallPart, Connections, OpenModel
from services.agent.prices import listed_price
from services.agent.shaped import shape
from tests.peers.model import ModelServer
from tests.peers.process import free_port
from tests.peers.script import Fault, Script, Step, ToolCall
from tests.sdk.web import answer as answered
from tests.sdk.web import serve

KEY = "planted-not-a-real-key"
ASKED = [{"role": "user", "content": "What did Carol write?"}]
SEARCH = {"type": "function", "function": {"name": "messages_search", "parameters": {"type": "object"}}}
KINDS = ("openai", "litellm")
_opened: list[Connections] = []


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(api_key=KEY) as server:
        yield server


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    """Closes what a test has opened."""
    yield
    while _opened:
        await _opened.pop().close()


def model(server: ModelServer, kind: str, *, key: str | None = KEY, name: str = "scripted") -> OpenModel:
    prefix = "openai/" if kind == "litellm" else ""
    ref = ModelRef.model_validate({"kind": kind, "model": prefix + name, "base_url": server.url})
    _opened.append(Connections())
    return OpenModel(ref, SecretStr(key) if key else None, _opened[-1])


async def answer(model: OpenModel, tools: list[dict[str, Any]] | None = None) -> tuple[str, list[CallPart], Any]:
    text, usage = "", None
    parts: list[CallPart] = []
    async for delta in model.stream(ASKED, tools or []):
        text, usage = text + delta.text, delta.usage or usage
        parts += delta.calls
    return text, parts, usage


async def failure(model: OpenModel) -> tuple[OaError, str]:
    """What a stream ends with, and what came before."""
    text = ""
    try:
        async for delta in model.stream(ASKED, []):
            text += delta.text
    except OaError as error:
        told = f"{error.message} {error.details}"
        failed = error
    else:
        pytest.fail("the stream ended well")
    assert KEY not in told
    return failed, text


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """Shorter waits for this one test."""
    before = clients._FIRST_BYTE, clients._BETWEEN
    clients._FIRST_BYTE = clients._BETWEEN = seconds
    try:
        yield
    finally:
        clients._FIRST_BYTE, clients._BETWEEN = before


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_streams_with_its_usage(server: ModelServer, kind: str) -> None:
    server.script = Script(
        [Step(say="Carol wrote about the lease.", usage={"prompt_tokens": 11, "completion_tokens": 7})]
    )
    text, parts, usage = await answer(model(server, kind))
    assert (text, parts) == ("Carol wrote about the lease.", [])
    assert (usage.input_tokens, usage.output_tokens) == (11, 7)


async def test_a_model_that_names_or_bounds_the_length_otherwise_is_asked_as_it_wants(server: ModelServer) -> None:
    def refuse(words: str, when: Callable[[dict[str, Any]], bool]) -> Step:
        body = json.dumps({"error": {"message": words}})
        return Step(fault=Fault("status", status=400, body=body), when=lambda ask: when(ask.body), times=None)

    renamed = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    server.script = Script(
        [
            refuse(renamed, lambda body: "max_tokens" in body),
            refuse("max_completion_tokens is too large", lambda body: body["max_completion_tokens"] > 4_096),
        ],
        otherwise=Step(say="On Friday."),
    )
    asked = model(server, "openai")
    for most in (16_384, 512, 16_384):
        text = "".join([delta.text async for delta in asked.stream(ASKED, [], most=most)])
        assert text == "On Friday."
    lengths = [each.ask.body.get("max_completion_tokens") for each in server.requests]
    assert lengths == [None, 16_384, 8_192, 4_096, 512, 4_096]


@pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # litellm's own, of pydantic
@pytest.mark.parametrize("kind", KINDS)
async def test_the_length_of_an_answer_is_asked_for(server: ModelServer, kind: str) -> None:
    server.script = Script([Step(say="On Friday.")])
    async for _ in model(server, kind).stream(ASKED, [], most=700):
        pass
    assert server.requests[0].ask.body["max_tokens"] == 700


async def test_litellms_list_knows_prices_and_says_nothing_of_others() -> None:
    known = await listed_price(ModelRef(kind="litellm", model="openai/gpt-4o"))
    assert known is not None
    assert known.currency == "USD"
    assert known.output > known.input > (known.cached or 0) > 0
    assert await listed_price(ModelRef(kind="litellm", model="nobody/no-such-model")) is None
    assert await listed_price(ModelRef(kind="openai", model="gpt-4o", base_url="http://127.0.0.1:1/v1")) is None


@pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # litellm's own, of pydantic
@pytest.mark.parametrize("kind", KINDS)
async def test_the_pieces_of_tool_calls_arrive_under_their_index(server: ModelServer, kind: str) -> None:
    calls = [ToolCall("messages_search", {"query": "lease"}), ToolCall("messages_search", {"query": "rent"})]
    server.script = Script([Step(calls=calls)])
    _, parts, _ = await answer(model(server, kind), [SEARCH])
    whole: dict[int, str] = {}
    for part in parts:
        whole[part.index] = whole.get(part.index, "") + part.arguments
    assert [json.loads(each) for each in whole.values()] == [{"query": "lease"}, {"query": "rent"}]
    assert {part.name for part in parts if part.name} == {"messages_search"}


@pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")  # litellm's own, of pydantic
@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_can_be_held_to_a_schema(server: ModelServer, kind: str) -> None:
    server.script = Script([Step(calls=[ToolCall("messages_search", {"query": "lease"})])])
    form = shape([SEARCH])
    text = "".join([delta.text async for delta in model(server, kind).stream(ASKED, [], form=form)])
    assert json.loads(text) == {"tool": "messages_search", "arguments": {"query": "lease"}}
    assert server.requests[0].ask.body["response_format"] == form


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_key_is_said_and_not_shown(server: ModelServer, kind: str) -> None:
    server.script = Script([Step(say="never")])
    error, _ = await failure(model(server, kind, key="another-not-a-real-key"))
    assert isinstance(error, AccountRequired)
    assert "refused the key" in error.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "kind_of_error", "words"),
    [
        (Fault("status", status=404), NotFound, "no model named"),
        (Fault("status", status=429, retry_after=7), RateLimited, "Try again in 7 s"),
        (Fault("status", status=500), UpstreamFailed, "status 500"),
        (Fault("status", status=413), TooLarge, "longer than"),
        (Fault("cut", after=2), UpstreamFailed, "What came is kept"),
    ],
)
async def test_a_failing_endpoint_is_told_in_words(
    server: ModelServer, kind: str, fault: Fault, kind_of_error: type[OaError], words: str
) -> None:
    server.script = Script([Step(say="Carol wrote about the lease.", fault=fault)])
    error, text = await failure(model(server, kind))
    assert isinstance(error, kind_of_error)
    assert words in error.message
    assert bool(text) == (fault.kind == "cut")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 2])
async def test_rubbish_ends_the_answer_and_keeps_what_came(server: ModelServer, kind: str, after: int) -> None:
    server.script = Script([Step(say="Carol wrote about the lease.", fault=Fault("rubbish", after=after))])
    error, text = await failure(model(server, kind))
    assert isinstance(error, UpstreamFailed)
    assert "What came is kept" in error.message
    assert bool(text) == bool(after)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_endpoint_that_is_down_is_named(server: ModelServer, kind: str) -> None:
    server.port = free_port()
    error, _ = await failure(model(server, kind))
    assert isinstance(error, Unavailable)
    assert "cannot be reached" in error.message


@pytest.mark.parametrize("kind", KINDS)
async def test_an_endpoint_that_never_answers_is_given_up(server: ModelServer, kind: str) -> None:
    server.script = Script([Step(say="never", fault=Fault("silent"))])
    async with patience(1.0):
        error, _ = await failure(model(server, kind))
    assert isinstance(error, DeadlineExceeded)


async def test_an_answer_that_nobody_waits_for_is_ended_at_the_endpoint(server: ModelServer) -> None:
    server.script = Script([Step(prose=2000, delay=0.01)])
    stream = model(server, "openai").stream(ASKED, [])
    async for delta in stream:
        if delta.text:
            break
    await stream.aclose()
    assert await _soon(lambda: server.abandoned == 1)


async def _soon(condition: Any) -> bool:
    for _ in range(200):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


async def test_connections_carry_no_key_and_no_cookie_from_one_answer_to_the_next() -> None:
    """Two turns of two people may share a connection; the second must not be the first's."""
    heads: list[bytes] = []
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                [length] = re.findall(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length))
                heads.append(head)
                choice = b'{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}'
                body = b'data: {"choices":[%s]}\n\ndata: [DONE]\n\n' % choice
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: whose=ada; Path=/\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                )
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    connections = Connections()
    for key in (KEY, None):
        ref = ModelRef(model="m", kind="openai", base_url=url)
        assert (await answer(OpenModel(ref, SecretStr(key) if key else None, connections)))[0] == "Hi"
    await connections.close()
    listener.close()
    assert opened == 1
    assert KEY.encode() in heads[0]
    assert KEY.encode() not in heads[1]
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_a_local_model_that_sends_on_to_another_server_is_not_followed(server: ModelServer) -> None:
    """What is for local models only would leave with the redirect: 307 and 308 carry the body along (RFC 9110)."""
    server.script = Script([Step(say="never")], Step(say="never"))
    async with serve() as web:
        for status in (307, 308):
            web.say("/v1/chat/completions", answered(status, Location=f"{server.url}/chat/completions"))
            ref = ModelRef(kind="openai", model="scripted", base_url=web.url("/v1"), local=True)
            _opened.append(Connections())
            error, _ = await failure(OpenModel(ref, SecretStr(KEY), _opened[-1]))
            assert isinstance(error, UpstreamFailed)
    assert server.requests == ()
