"""What the house adds to a model: from the message to the first word and to the last, beside the model asked directly.

The floor is the same scripted model, asked by plain HTTP from this process. Between the two lie the session, two
signed grants, the ledger, the agent's stores, the bus and the event stream.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator

import httpx

from tests.e2e.stack import Person, Stack
from tests.peers.model import ModelServer
from tests.peers.script import Script, Step

_ROUNDS = 30
_WORDS = 200
Times = tuple[float, float]


def _direct(model: ModelServer) -> Times:
    """Seconds to the first and to the last word of the model itself."""
    body = {"model": model.name, "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
    return _timed(lambda: _words_of_model(model.url, body))


def _words_of_model(url: str, body: dict[str, object]) -> Iterator[str]:
    with httpx.stream("POST", f"{url}/chat/completions", json=body, timeout=30, trust_env=False) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    yield choice["delta"].get("content") or ""


def _through(ada: Person, conversation: str) -> Times:
    """The same through the house."""
    return _timed(lambda: _words_of_house(ada, conversation))


def _words_of_house(ada: Person, conversation: str) -> Iterator[str]:
    for event in ada.stream(conversation, "Hello?"):
        if event.type == "TEXT_MESSAGE_CONTENT":
            yield event.data["delta"]


def _timed(words: Callable[[], Iterator[str]]) -> Times:
    started, first = time.perf_counter(), 0.0
    for word in words():
        if word and not first:
            first = time.perf_counter() - started
    return first, time.perf_counter() - started


def _middle(times: list[Times]) -> Times:
    return statistics.median(each[0] for each in times), statistics.median(each[1] for each in times)


def main() -> None:
    """Measures and prints medians."""
    with ModelServer(Script([Step(prose=_WORDS, times=None)])) as model, Stack(model=model) as stack:
        launched = time.perf_counter()
        stack.halt()
        stack.launch()
        start = time.perf_counter() - launched
        with stack.sign_in() as ada:
            conversations = [ada.converse() for _ in range(_ROUNDS + 1)]
            _through(ada, conversations[0])
            floor = _middle([_direct(model) for _ in range(_ROUNDS)])
            house = _middle([_through(ada, each) for each in conversations[1:]])
    for name, place in (("first word", 0), (f"all {_WORDS} words", 1)):
        ratio = f"{house[place] / floor[place]:.1f} x the floor, {(house[place] - floor[place]) * 1000:.1f} ms more"
        print(f"{name:16} model {floor[place] * 1000:7.1f} ms   house {house[place] * 1000:7.1f} ms   {ratio}")
    print(f"{'stop and start':16} {start:.1f} s until every room answers")


if __name__ == "__main__":
    main()
