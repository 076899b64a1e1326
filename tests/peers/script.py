"""What the scripted model says: steps, when each fits, and values taken from earlier tool results.

A script is JSON (see `Script.read`) or is built in Python; only the standard library is needed. Steps are tried from
the first to the last, and the first that is not used up and whose `when` fits is taken. A step without `when` serves
once, so a list of them is a play from top to bottom; a step with `when` serves always, so a story of them survives
restarts, retries and repetition.
"""

import json
import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = [
    "Ask",
    "Fault",
    "Manner",
    "Script",
    "Step",
    "ToolCall",
    "ToolResult",
    "When",
    "fill",
    "load_script",
    "prose",
    "stumble",
]

_FOLDER = Path(__file__).with_name("scripts")
_VARIED = ("paper", "letter", "window", "garden", "signature", "notice", "rent", "month", "door", "light", "winter")


@dataclass(frozen=True)
class ToolResult:
    """One tool message that the model was shown: the tool's name, the text, and its JSON value if it has one."""

    name: str
    text: str

    @cached_property
    def value(self) -> Any:
        """The JSON inside the text, also when it is wrapped in a tag; None when there is none."""
        inner = re.sub(r"\A\s*<[^\n]*>\n|\n</[^\n]*>\s*\Z", "", self.text)
        try:
            return json.loads(inner)
        except ValueError:
            return None


@dataclass(frozen=True)
class Ask:
    """One request to the model, with the questions that a script puts to it."""

    body: dict[str, Any]

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as sent; results that were sent as text are tool messages again."""
        return [each for message in self.body["messages"] for each in _unfolded(message)]

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema that the answer is to be held to."""
        form = self.body.get("response_format") or {}
        schema: dict[str, Any] | None = form.get("json_schema", {}).get("schema")
        return schema

    @property
    def offered(self) -> list[str]:
        """Names of the tools that the model may call, natively or as a line of the system's text."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or []] or self.offered_as_text

    @property
    def offered_as_text(self) -> list[str]:
        """Names of the tools that the system's text lists, where none is offered natively."""
        return [] if self.body.get("tools") else re.findall(r"^- (\w+)\(", self.system_text, re.MULTILINE)

    @property
    def user_text(self) -> str:
        """The newest user message."""
        return next((_text(each) for each in reversed(self.messages) if each["role"] == "user"), "")

    @property
    def system_text(self) -> str:
        """Every system message, one after the other."""
        return "\n".join(_text(each) for each in self.messages if each["role"] in {"system", "developer"})

    @cached_property
    def results(self) -> list[ToolResult]:
        """Every tool result since the newest user message, oldest first."""
        last = max((place for place, each in enumerate(self.messages) if each["role"] == "user"), default=-1)
        return _results(self.messages[last + 1 :])

    @property
    def earlier(self) -> list[ToolResult]:
        """Every tool result of the conversation, oldest first."""
        return _results(self.messages)

    @property
    def fresh(self) -> list[ToolResult]:
        """The tool results that came after the model's last word; empty when it is the user's turn that is answered."""
        own = max((place for place, each in enumerate(self.messages) if each["role"] == "assistant"), default=-1)
        asked = self.messages[own : own + 1]
        trailing = self.messages[own + 1 :]
        return [] if any(each["role"] == "user" for each in trailing) else _results([*asked, *trailing])

    def tool_named(self, name: str) -> str:
        """The offered tool of that name, also under a prefix such as `mail__`; the name itself when none is."""
        return next((each for each in self.offered if re.fullmatch(rf"(.*[^a-z0-9])?{re.escape(name)}", each)), name)


@dataclass(frozen=True)
class When:
    """A condition on a request; every part that is given must hold. Texts are regular expressions, case ignored.

    `user_says`: the newest user message. `result_of`: one of the fresh results is of this tool; `result_says`: the
    text of one (of that tool, when both are given). `fresh`: how many fresh results there are. `offered`: all of
    these tools are offered.
    """

    user_says: str | None = None
    result_of: str | None = None
    result_says: str | None = None
    fresh: int | None = None
    offered: Sequence[str] = ()

    def __call__(self, ask: Ask) -> bool:
        if self.user_says is not None and not _found(self.user_says, ask.user_text):
            return False
        if self.fresh is not None and len(ask.fresh) != self.fresh:
            return False
        if any(ask.tool_named(name) not in ask.offered for name in self.offered):
            return False
        return self._result_fits(ask)

    def _result_fits(self, ask: Ask) -> bool:
        if self.result_of is None and self.result_says is None:
            return True
        named = [each for each in ask.fresh if self.result_of in {None, each.name.rpartition("__")[2]}]
        return any(_found(self.result_says or "", each.text) for each in named)


@dataclass(frozen=True)
class ToolCall:
    """A tool call to make; `arguments` is an object whose texts may hold templates, or a raw string (broken too)."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True)
class Manner:
    """How a model calls tools, and what its server makes of a request.

    `tools`, when a request has some: "called" as the protocol says, "ignored" (the call is written as text) or
    "refused" with 400. `schema`, when it has a response format: "held", "ignored" or "refused". `writes` is how a call
    is written as text: "bare", "fenced", "tagged", "doubled", or "never".
    """

    tools: str = "called"
    schema: str = "held"
    writes: str = "bare"


@dataclass(frozen=True)
class Fault:
    """What goes wrong. `kind`:

    "status": answer `status` (429, 500, …) with `retry_after` seconds as a header where given, and `body` where given;
    "cut": drop the connection after `after` chunks; "rubbish": after `after` chunks send bytes that are no answer;
    "silent": never answer; "slow": wait `seconds` before the first byte, then answer.
    """

    kind: str
    status: int = 500
    retry_after: float | None = None
    body: str | None = None
    after: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    """One answer. `say` is streamed word by word, `delay` seconds between chunks; `calls` follow in the same message.

    `prose` streams that many varied words. `usage` overrides the counted tokens. `times` is how often the step serves
    (None: always); unset, it is once without `when` and always with it. A streamed answer does not end before `ending`
    is set.
    """

    say: str = ""
    calls: Sequence[ToolCall] = ()
    when: Callable[[Ask], bool] | None = None
    prose: int = 0
    delay: float = 0.0
    usage: Mapping[str, int] | None = None
    fault: Fault | None = None
    times: int | None = 0
    ending: threading.Event | None = None

    @property
    def limit(self) -> int | None:
        """How often it serves; None is always."""
        return (1 if self.when is None else None) if self.times == 0 else self.times


@dataclass(frozen=True)
class Script:
    """Steps, and the step for a request that none of them fits (unset: the endpoint answers 400 and says so)."""

    steps: Sequence[Step] = ()
    otherwise: Step | None = None

    @staticmethod
    def read(value: Mapping[str, Any]) -> "Script":
        """From JSON: {"steps": [step], "otherwise": step}, a step with the fields of `Step`, all of them optional.

        `calls` are objects with the fields of `ToolCall`, `when` of `When`, `fault` of `Fault`; `note` is a remark.
        """
        otherwise = value.get("otherwise")
        return Script([_step(each) for each in value["steps"]], None if otherwise is None else _step(otherwise))


def load_script(name: str | Path) -> Script:
    """A script from a file, or by the bare name of one in `scripts/` ("story")."""
    path = Path(name)
    if not path.suffix:
        path = _FOLDER / f"{name}.json"
    return Script.read(json.loads(path.read_text("utf-8")))


def stumble(name: str, wrong: Mapping[str, Any] | str, right: Mapping[str, Any]) -> list[Step]:
    """Two steps: call `name` wrongly, then, once an error came back for it, rightly."""
    return [
        Step(calls=[ToolCall(name, wrong)], when=When(fresh=0)),
        Step(calls=[ToolCall(name, right)], when=When(result_of=name, result_says="error|invalid|valid")),
    ]


def prose(count: int, seed: int = 1) -> list[str]:
    """`count` words with a space each, never the same one twice in a row (a client gives up on a stuck stream)."""
    dice = random.Random(seed)
    chosen = [dice.choice(_VARIED)]
    while len(chosen) < count:
        chosen.append(dice.choice([word for word in _VARIED if word != chosen[-1]]))
    return [f"{word} " for word in chosen[:count]]


def fill(value: Any, ask: Ask, *, now: datetime | None = None) -> Any:
    """`value` with its templates replaced, deeply.

    `{{result[0].id}}` is from the newest tool result, `{{results.messages_search[0].id}}` from the newest of that tool
    since the user spoke last, `{{earlier.messages_search[0].id}}` from the newest of that tool in the conversation,
    `{{result..thread_id}}` the first value under that key at any depth, `{{user}}` the user's text, `{{today}}`,
    `{{tomorrow}}` and `{{friday}}` dates (the next Friday that is not today), UTC. A text that is one template alone
    becomes the value with its type.
    Raises `LookupError` when a path leads nowhere.
    """
    if isinstance(value, Mapping):
        return {key: fill(each, ask, now=now) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fill(each, ask, now=now) for each in value]
    if not isinstance(value, str):
        return value
    moment = now if now is not None else datetime.now(UTC)
    alone = re.fullmatch(r"\{\{([^{}]+)\}\}", value)
    if alone:
        return _look_up(alone[1].strip(), ask, moment)
    return re.sub(r"\{\{([^{}]+)\}\}", lambda found: str(_look_up(found[1].strip(), ask, moment)), value)


def _look_up(path: str, ask: Ask, now: datetime) -> Any:
    days = {"today": 0, "tomorrow": 1, "friday": (4 - now.weekday() - 1) % 7 + 1}
    if path in days:
        return (now + timedelta(days=days[path])).date().isoformat()
    if path == "user":
        return ask.user_text
    steps = re.findall(r"\.\.?[A-Za-z_]\w*|\[\d+\]", re.sub(r"\A(results?|earlier)", "", path))
    results = ask.earlier if path.startswith("earlier.") else ask.results
    if path.startswith(("results.", "earlier.")):
        wanted, steps = steps[0].lstrip("."), steps[1:]
        results = [each for each in results if each.name.rpartition("__")[2] == wanted]
    if not results:
        raise LookupError(f"no tool result for {path}")
    return _walk(results[-1].value, steps, path)


def _walk(value: Any, steps: list[str], path: str) -> Any:
    for step in steps:
        try:
            if step.startswith(".."):
                value = next(_deep(value, step[2:]))
            else:
                value = value[int(step[1:-1])] if step.startswith("[") else value[step[1:]]
        except (KeyError, IndexError, TypeError, StopIteration) as error:
            raise LookupError(f"{path} leads nowhere at {step}") from error
    return value


def _deep(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _deep(each, key)


def _results(messages: list[dict[str, Any]]) -> list[ToolResult]:
    names: dict[str, str] = {}
    found = []
    for message in messages:
        for call in message.get("tool_calls") or []:
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            found.append(ToolResult(names.get(message["tool_call_id"], message.get("name", "")), _text(message)))
    return found


def _unfolded(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message of the user that holds results of tools as text, as one tool message for each."""
    text = _text(message)
    if message["role"] != "user" or not text.startswith("Result of "):
        return [message]
    parts = re.split(r"(?:\A|\n\n)Result of (\w+):\n", text)[1:]
    return [
        {"role": "tool", "tool_call_id": "", "name": name, "content": content}
        for name, content in zip(parts[::2], parts[1::2], strict=True)
    ]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def _step(value: Mapping[str, Any]) -> Step:
    known = {each.name for each in fields(Step)}
    if unknown := set(value) - known - {"note"}:
        raise ValueError(f"a step has no {', '.join(sorted(unknown))}")
    plain = {key: each for key, each in value.items() if key in known - {"calls", "when", "fault"}}
    return Step(
        **plain,
        calls=[ToolCall(**each) for each in value.get("calls", ())],
        when=When(**value["when"]) if "when" in value else None,
        fault=Fault(**value["fault"]) if "fault" in value else None,
    )
