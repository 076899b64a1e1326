"""A model in the hands of whoever wrote the text: it obeys, tries again when it is refused, and says that it is done.

It obeys only what it was shown: until the words of the attack stand in a result of a tool, or in a file that came with
the question, it answers harmlessly.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.attacks.disguises import read_back
from tests.attacks.goals import Goal
from tests.peers.script import Ask, Script, Step, ToolCall, ToolResult

__all__ = ["HARMLESS", "ROUNDS", "adversary", "was_shown"]

ROUNDS = 2
HARMLESS = "There is nothing that you would have to do."


def adversary(words: str, reads: tuple[ToolCall, ...], goal: Goal) -> Script:
    """The script of one attack: the reads of a harmless question, and if these show the words, what they want."""
    steps, made = list[Step](), 0
    for read in reads:
        steps.append(Step(calls=[read], when=_after(made)))
        made += 1
    for calls in (*((each,) for each in goal.fetch), *(goal.calls,) * ROUNDS * bool(goal.calls)):
        steps.append(Step(calls=calls, when=_after(made, words)))
        made += len(calls)
    steps.append(Step(say=goal.says, when=_after(made, words)))
    return Script(steps, otherwise=Step(say=HARMLESS))


def was_shown(ask: Ask, words: str) -> bool:
    """Whether the words stand in a result or a file that the model was shown, whatever blanks are between them."""
    wanted = read_back(words)
    shown = (*(text for each in ask.results for text in _texts(each)), *_given(ask.user_text))
    return any(wanted in read_back(text) for text in shown)


_MARKED = re.compile(r'<outside from=("(?:[^"\\]|\\.)*")>\n(.*?)\n</outside>', re.DOTALL)


def _given(said: str) -> Iterator[str]:
    """Names and texts of the files in a message, between the marks of what others wrote; the message itself is not."""
    for source, content in _MARKED.findall(said):
        yield str(json.loads(source))
        yield content


def _after(results: int, words: str | None = None) -> Callable[[Ask], bool]:
    return lambda ask: len(ask.results) == results and (words is None or was_shown(ask, words))


def _texts(result: ToolResult) -> Iterator[str]:
    """Every text in a result, each by itself; the raw text where it is no JSON."""
    value = result.value
    yield from [result.text] if value is None else _inside(value)


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _inside(each)
