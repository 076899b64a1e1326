"""Search: how long it takes to find what was said among 10,000 messages, and to list a page of conversations.

Over the agent's own store, encrypted as in a house; what the bus and HTTP add stands with the other measurements. The
floor is the same among 100 messages.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from openassistant.context import new_id, utc_now
from openassistant.messages import Conversation, Message
from openassistant.shelf import Listing, Search
from openassistant.store import Migrations, Store
from services.agent import conversations, searching, shelving
from tests.bench.rows import Row, middle

_SIZES = (100, 10_000)
_EACH, _WORDS, _ROUNDS = 10, 120, 40
_LIMIT = 50.0
_SOUGHT = {
    "a word": "kanter", "two words": "kanter lomo", "a letter": "k", "four letters": "k l m n", "no word": "zebra",
    "words in quotes": '"kanter lomo"',
}  # fmt: skip


def _vocabulary() -> list[str]:
    """Made-up words; few of them are most of what is said, as in any language (Zipf)."""
    heads = ("ka", "lo", "mi", "ne", "su", "ti", "ra", "be", "do", "fe", "gu", "ho")
    tails = ("", "n", "nter", "mo", "ring", "ssel", "tung", "ly", "ra", "sto")
    return [a + b + c for a in heads for b in ("", *heads) for c in tails]


async def _filled(store: Store, size: int) -> None:
    words = _vocabulary()
    random.Random(7).shuffle(words)
    weights = [1 / (rank + 5) for rank in range(len(words))]
    pick = random.Random(11)
    for _ in range(size // _EACH):
        made = Conversation(id=new_id(), created=utc_now(), updated=utc_now(), title=" ".join(pick.choices(words, k=5)))
        await conversations.create(store, made)
        said = [" ".join(pick.choices(words, weights, k=_WORDS)) for _ in range(_EACH)]
        await asyncio.gather(
            *(
                conversations.add_message(
                    store, made.id, Message(id=new_id(), role="user", turn=new_id(), created=utc_now(), text=each)
                )
                for each in said
            )
        )


async def _milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        await work()
        taken.append(1000 * (time.perf_counter() - started))
    return middle(taken)


async def _measured(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        migrations = Path(conversations.__file__).parent / "migrations" / "user"
        store = await Store.open(Path(name) / "own.db", bytes(32), Migrations({"own": migrations}))
        await _filled(store, size)
        told = {
            f"search for {what}": await _milliseconds(lambda words=words: searching.search(store, Search(words=words)))  # type: ignore[misc]  # bound now
            for what, words in _SOUGHT.items()
        }
        told["a page of 50 conversations"] = await _milliseconds(lambda: shelving.page(store, Listing(limit=50)))
        await store.close()
    return told


def rows() -> list[Row]:
    """Seven; about half a minute."""
    small, large = (asyncio.run(_measured(size)) for size in _SIZES)
    return [
        Row(what, large[what], "ms", small[what], f"among {_SIZES[0]}", _LIMIT, why="the words stand in more messages")
        for what in large
    ]
