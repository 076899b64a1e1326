"""Server-sent events as a client reads them, and what they say about a turn."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Event", "answer_text", "call_states", "read_events"]


@dataclass(frozen=True)
class Event:
    """One AG-UI event with its SSE id (None where the server gave none)."""

    id: int | None
    data: dict[str, Any]

    @property
    def type(self) -> str:
        """The AG-UI type, such as RUN_STARTED."""
        return str(self.data["type"])

    @property
    def ends_run(self) -> bool:
        """Whether the run is over: finished, interrupted by a question, or failed."""
        return self.type in {"RUN_FINISHED", "RUN_ERROR"}

    @property
    def interrupts(self) -> list[dict[str, Any]]:
        """The questions that a run ended with; empty when it ended for good."""
        outcome = self.data.get("outcome") or {}
        interrupts: list[dict[str, Any]] = outcome.get("interrupts", []) if isinstance(outcome, dict) else []
        return interrupts


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """Events out of the lines of an event stream (WHATWG HTML, section 9.2.6); comments are dropped."""
    last, data = None, []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            last = int(value)
        elif name == "data":
            data.append(value)
        elif not line and data:
            yield Event(last, json.loads("\n".join(data)))
            data = []


def answer_text(events: Iterable[Event]) -> str:
    """What the assistant said in these events."""
    return "".join(event.data["delta"] for event in events if event.type == "TEXT_MESSAGE_CONTENT")


def call_states(events: Iterable[Event]) -> dict[str, list[str]]:
    """By tool: the states its call went through, in order."""
    states: dict[str, list[str]] = {}
    for event in events:
        if event.type == "CUSTOM" and event.data["name"] == "oa.call":
            value = event.data["value"]
            states.setdefault(value["tool"], []).append(value["state"])
    return states
