"""Event streams as a broken or hostile server may send them, and a server that sends one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from copy import deepcopy
from functools import cache
from random import Random
from typing import Any

from oa.house import Event, HouseError, ends, read_events
from openassistant.errors import OaError
from openassistant.messages import ModelRef
from services.agent.model import Connections, Delta, OpenModel

__all__ = ["run_stream", "stream"]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_TOOLS = [{"type": "function", "function": {"name": "mail_find", "parameters": {"type": "object"}}}]
_ODD: list[Any] = [None, True, -1, 10**400, 1e308, "", "x" * 5000, "\u0000", "\ud800", [], {}, [[]], "stop", "error"]
_ENDS = [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"\n\r", b"\n\n\n"]


def stream(random: Random) -> bytes:
    """The body of an answer: chunks of a chat completion and of a run, some of them bent."""
    parts = [_part(random) for _ in range(random.randint(0, 8))]
    if random.random() < 0.6:
        parts.append(b"data: [DONE]")
    raw = b"".join(part + random.choice(_ENDS if random.random() < 0.3 else _ENDS[:1]) for part in parts)
    if random.random() < 0.3:
        place = random.randint(0, len(raw))
        raw = raw[:place] + random.randbytes(random.randint(0, 6)) + raw[place + random.randint(0, 6) :]
    return raw


def _part(random: Random) -> bytes:
    body = random.choice([_chunk, _run_event])(random)
    for _ in range(random.choice([0, 0, 1, 2])):
        _bend(random, body)
    field = random.choice(
        ["data: "] * 8 + ["data:", "data", "", ":", "event: error\ndata: ", "id: 7\ndata: ", "retry: x\n"]
    )
    return (field + json.dumps(body)).encode("utf-8", "surrogatepass")


def _chunk(random: Random) -> dict[str, Any]:
    call = {
        "index": random.choice([0, 1]),
        "id": "c1",
        "type": "function",
        "function": {"name": "mail_find", "arguments": "{"},
    }
    delta = random.choice([{"content": "Good day"}, {"tool_calls": [call]}, {"role": "assistant", "content": None}, {}])
    choice = {"index": 0, "delta": delta, "finish_reason": random.choice([None, None, "stop", "tool_calls"])}
    usage = random.choice([None, {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}])
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def _run_event(random: Random) -> dict[str, Any]:
    kind = random.choice(["RUN_STARTED", "TEXT_MESSAGE_CONTENT", "TOOL_CALL_START", "RUN_ERROR", "RUN_FINISHED"])
    return {
        "type": kind,
        "messageId": "m",
        "delta": "Good day",
        "message": "no",
        "error": {"message": "busy", "code": 429},
    }


def _bend(random: Random, body: Any) -> None:
    """Puts something that does not belong somewhere into it."""
    if isinstance(body, dict) and body:
        key = random.choice(sorted(body))
        if random.random() < 0.5 and isinstance(body[key], dict | list) and body[key]:
            _bend(random, body[key])
        else:
            body[key] = deepcopy(random.choice(_ODD))
    elif isinstance(body, list) and body:
        place = random.randrange(len(body))
        if random.random() < 0.5:
            _bend(random, body[place])
        else:
            body[place] = deepcopy(random.choice(_ODD))


def run_stream(raw: bytes) -> None:
    """The agent takes it for an answer or for an error of ours; so does the command line."""
    asyncio.run_coroutine_threadsafe(_as_model(raw), _loop()).result(timeout=30)
    with suppress(HouseError):
        for event in read_events(iter(raw.decode("utf-8", "replace").splitlines())):
            assert isinstance(event, Event)
            ends(event)


async def _as_model(raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_HEAD + raw)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ref = ModelRef(model="m", kind="openai", base_url=f"http://127.0.0.1:{port}/v1")
    model = OpenModel(ref, None, _connections())
    try:
        with suppress(OaError):
            await _drain(model.stream([{"role": "user", "content": "Good day"}], _TOOLS))
    finally:
        server.close()


async def _drain(deltas: AsyncIterator[Delta]) -> None:
    async for delta in deltas:
        assert isinstance(delta, Delta)
        json.dumps((delta.text, [part.model_dump() for part in delta.calls])).encode()


@cache
def _connections() -> Connections:
    return Connections()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all cases of a process; in a thread of its own, so that the alarm of a stuck case is heard."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
