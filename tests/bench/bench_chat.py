"""What the house adds to a model: to the first word, to a stream, to many at once; beside the model asked directly.

The floor is the official client, kept open, sending the very request that the house sent. Between the two lie the
session, two signed grants, the ledger, the agent's stores, the bus and the event stream.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
from openai import AsyncOpenAI, OpenAI

from tests.bench.profile import profiled
from tests.bench.rows import Row, middle, percentile, shares
from tests.bench.stage import Model, cpu_by_room, since, staged
from tests.e2e.stack import Person, Stack

_ROUNDS = 150
_LONG = 6_000
_CHATS, _WORDS = 50, 200
_TURNS = {"20": 10, "200": 100, "2,000": 1_000}


class Timed(NamedTuple):
    """Seconds to the first word and to the end, and how many words came."""

    first: float
    whole: float
    words: int

    @property
    def rate(self) -> float:
        """Words a second from the first to the last."""
        return self.words / (self.whole - self.first)


def _timed(pieces: Iterator[str]) -> Timed:
    started, first, words = time.perf_counter(), 0.0, 0
    for piece in pieces:
        first = first or time.perf_counter() - started
        words += len(piece.split())
    return Timed(first, time.perf_counter() - started, words)


def _direct(client: OpenAI, body: dict[str, Any]) -> Iterator[str]:
    for chunk in client.chat.completions.create(**body):
        if chunk.choices and (text := chunk.choices[0].delta.content):
            yield text


def _through(owner: Person, conversation: str) -> Iterator[str]:
    for event in owner.stream(conversation, "Hello?"):
        if event.type == "TEXT_MESSAGE_CONTENT":
            yield event.data["delta"]


def _client(model: Model) -> OpenAI:
    return OpenAI(base_url=model.url, api_key="none", http_client=httpx.Client(trust_env=False))


def _first_word(stack: Stack, owner: Person, model: Model) -> list[Row]:
    model.play({"prose": 5, "times": None})
    conversations = [owner.converse() for _ in range(_ROUNDS + 20)]
    client = _client(model)
    for each in conversations[:20]:
        _timed(_through(owner, each))
    body, house, floor, before = model.asked(), list[float](), list[float](), cpu_by_room(stack)
    for each in conversations[20:]:
        house.append(_timed(_through(owner, each)).first * 1000)
        floor.append(_timed(_direct(client, body)).first * 1000)
    used = since(before, stack)
    with profiled(stack.pid) as profile:
        for each in conversations[20:]:
            _timed(_through(owner, each))
    why = (
        f"a turn takes {1000 * sum(used.values()) / _ROUNDS:.0f} ms of processor time, some of it after the first word:"
        f" {shares(used)}; between the two lie a session, two grants, a record, two stores, the bus and the stream;"
        f" {profile.words}"
    )
    return [
        _over("first word, added (median)", middle(house), middle(floor), 10, why),
        _over("first word, added (p99, over the client's median)", percentile(house, 99), middle(floor), 25, why),
    ]


def _over(what: str, house: float, floor: float, limit: float, why: str) -> Row:
    note = f"{house:.1f} ms through the house, {floor:.1f} ms by the model's own client"
    return Row(what, house - floor, "ms", floor, "the client", limit, note, why)


def added(owner: Person, model: Model, rounds: int) -> float:
    """Milliseconds that the house adds to the first word of a new conversation (median)."""
    model.play({"prose": 5, "times": None})
    conversations = [owner.converse() for _ in range(rounds)]
    house = middle(_timed(_through(owner, each)).first for each in conversations)
    body = model.asked()
    return 1000 * (house - middle(_bare(model, body) for _ in range(rounds)))


def _bare(model: Model, body: dict[str, Any]) -> float:
    """Seconds to the first word for a bare HTTP client: the official one takes long over long questions."""
    content = json.dumps(body).encode()
    with httpx.Client(trust_env=False) as http:
        started = time.perf_counter()
        with http.stream("POST", f"{model.url}/chat/completions", content=content) as answer:
            next(line for line in answer.iter_lines() if '"content": "' in line and '"content": ""' not in line)
            return time.perf_counter() - started


def _stream(owner: Person, model: Model) -> list[Row]:
    model.play({"prose": _LONG, "times": None})
    client, rates = _client(model), list[tuple[float, float]]()
    for _ in range(5):
        through = _timed(_through(owner, owner.converse()))
        rates.append((through.rate, _timed(_direct(client, model.asked())).rate))
    house, floor = (middle(each) for each in zip(*rates, strict=True))
    why = "each piece is read, sent over the bus and framed"
    return [Row("one stream, as fast as it goes: words", house, "/s", floor, "the client", floor * 0.8, why=why)]


async def _many(owner: Person, model: Model) -> tuple[list[Timed], list[Timed], float]:
    """Fifty answers at once: through the house, by the client directly, and seconds for all of the former."""
    cookies, headers = dict(owner.http.cookies), {"Origin": str(owner.http.base_url), "Accept": "text/event-stream"}
    conversations = [owner.converse() for _ in range(_CHATS)]
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=owner.http.base_url, cookies=cookies, headers=headers, timeout=60, limits=limits, trust_env=False
    ) as http:
        started = time.perf_counter()
        house = await asyncio.gather(*(_one(http, each) for each in conversations))
        seconds = time.perf_counter() - started
    body = await asyncio.to_thread(model.asked)
    async with AsyncOpenAI(
        base_url=model.url, api_key="none", http_client=httpx.AsyncClient(limits=limits, trust_env=False)
    ) as client:
        floor = await asyncio.gather(*(_one_direct(client, body) for _ in range(_CHATS)))
    return list(house), list(floor), seconds


async def _one(http: httpx.AsyncClient, conversation: str) -> Timed:
    started, first, words = time.perf_counter(), 0.0, 0
    path = f"/api/conversations/{conversation}/messages"
    async with http.stream("POST", path, json={"text": "Hello?"}) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and "TEXT_MESSAGE_CONTENT" in line:
                first = first or time.perf_counter() - started
                words += len(json.loads(line[6:])["delta"].split())
            elif "RUN_FINISHED" in line:
                break
    return Timed(first, time.perf_counter() - started, words)


async def _one_direct(client: AsyncOpenAI, body: dict[str, Any]) -> Timed:
    started, first, words = time.perf_counter(), 0.0, 0
    async for chunk in await client.chat.completions.create(**body):
        if chunk.choices and (text := chunk.choices[0].delta.content):
            first = first or time.perf_counter() - started
            words += len(text.split())
    return Timed(first, time.perf_counter() - started, words)


def _at_once(stack: Stack, owner: Person, model: Model) -> list[Row]:
    model.play({"prose": _WORDS, "times": None})
    before = cpu_by_room(stack)
    house, floor, seconds = asyncio.run(_many(owner, model))
    busy = since(before, stack)
    said = [each for each in house if each.words == _WORDS]
    direct = sum(each.words for each in floor) / max(each.whole for each in floor)
    slowest = middle(each.whole for each in house) / max(each.whole for each in house)
    fast = Row(
        "50 chats at once, as fast as it goes: words", sum(each.words for each in house) / seconds, "/s", direct,
        "the client", 8_000, f"{len(said)} of {_CHATS} whole; the slowest has {slowest:.2f} of the median's rate",
        f"the house has {100 * sum(busy.values()) / seconds:.0f} % of a core, the rest belongs to the model and to the"
        f" reader of all; of the house's part {shares(busy)}",
    )  # fmt: skip
    model.play({"prose": _WORDS, "delay": 0.02, "times": None})
    before = cpu_by_room(stack)
    house, floor, seconds = asyncio.run(_many(owner, model))
    used = since(before, stack)
    with profiled(stack.pid) as profile:
        asyncio.run(_many(owner, model))
    why = f"each word is an event of its own at this pace; of the time {shares(used)}; {profile.words}"
    behind = max(each.whole for each in house) - max(each.whole for each in floor)
    return [
        fast,
        Row(
            "50 chats at 50 words/s: the last is behind by",
            behind * 1000,
            "ms",
            limit=200,
            why=why,
            note="behind the client alone, after four seconds",
        ),
        Row(
            "50 chats at 50 words/s: processor",
            100 * sum(used.values()) / (_WORDS * 0.02),
            "%",
            limit=100,
            why=why,
            note="of one core",
        ),
    ]


def _growth(stack: Stack, owner: Person, model: Model) -> list[Row]:
    model.play({"prose": 5, "times": None})
    conversation, told, done = owner.converse(), dict[str, tuple[float, float]](), 0
    for size, turns in _TURNS.items():
        for _ in range(turns - done - 20):
            owner.say(conversation, "Hello?")
        house = middle(_timed(_through(owner, conversation)).first for _ in range(20))
        body, done = model.asked(), turns + (20 if turns < 20 else 0)
        told[size] = 1000 * house, 1000 * middle(_bare(model, body) for _ in range(20))
    read = [_first_byte(owner, f"/api/conversations/{conversation}") for _ in range(40)]
    listed = [_first_byte(owner, "/api/conversations") for _ in range(40)]
    with profiled(stack.pid) as profile:
        for _ in range(40):
            _first_byte(owner, f"/api/conversations/{conversation}")
    weight = len(owner.http.get(f"/api/conversations/{conversation}").content) // 1024
    house, floor = told["2,000"]
    return [
        Row(
            "first word in a conversation of 2,000 messages", house, "ms", floor, "the same question, bare",
            note="; ".join(f"{size}: {house:.1f} ms, bare {bare:.1f} ms" for size, (house, bare) in told.items()),
        ),
        Row(
            "conversation of 2,000 messages, first byte (p95)", percentile(read, 95), "ms", limit=30,
            why=f"it is one answer of {weight} KiB, read and written as JSON in the agent and again in the gateway;"
            f" {profile.words}",
        ),
        Row(
            "list of conversations, first byte (p95)", percentile(listed, 95), "ms", limit=30,
            note=f"{len(owner.get('/api/conversations'))} conversations",
            why="it is one answer, read and written as JSON in the agent and again in the gateway",
        ),
    ]  # fmt: skip


def _first_byte(owner: Person, path: str) -> float:
    started = time.perf_counter()
    with owner.http.stream("GET", path) as answer:
        next(itertools.islice(answer.iter_raw(), 1))
        return (time.perf_counter() - started) * 1000


def rows() -> list[Row]:
    """All of them; about two minutes."""
    with staged() as (stack, owner, model):
        return [
            *_first_word(stack, owner, model),
            *_stream(owner, model),
            *_at_once(stack, owner, model),
            *_growth(stack, owner, model),
        ]
