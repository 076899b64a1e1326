"""What is fuzzed: each target makes a case from a seed, and runs it; whatever it raises is a finding."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from pydantic import ValidationError

from connectors.caldav.events import expand, latest
from connectors.caldav.invitations import answered_object, asked_in, filed_object, read_letter
from connectors.caldav.objects import DamagedError
from connectors.caldav.outlines import outline
from connectors.caldav.tasks import completed_task, read_task
from connectors.mail.itip import answer_to, ics_of, kept_text, read_invitation, rule_of, when
from connectors.mail.message import parse_mail
from connectors.mail.mirror import Letter, _row
from openassistant import messages
from openassistant.context import CallContext
from openassistant.errors import InvalidRequest, OaError
from openassistant.formats.moments import Window
from openassistant.messages import Wire
from services.agent.shaped import Shaped
from services.agent.written import Written
from tests.fuzz.calendars import calendar
from tests.fuzz.mails import mail
from tests.fuzz.streams import run_stream, stream

__all__ = ["TARGETS", "Target"]

_NOW = datetime(2026, 10, 23, 8, 0, tzinfo=UTC)
_OWN = {"ada@home.example", "carol@example.org"}
_YEAR = Window(_NOW - timedelta(days=30), _NOW + timedelta(days=400))
_MODELS = [each for _, each in inspect.getmembers(messages, inspect.isclass) if issubclass(each, Wire)]
_HEADERS = ["Oa-Protocol", "Oa-Deadline", "Oa-User", "Oa-Turn", "Oa-Grant", "Oa-Zone", "Oa-Conversation", "traceparent"]
_TOO_LONG = 1_000_000
"""Characters that one value of a mirror's row may have at most."""


class Target(NamedTuple):
    """`make` gives the bytes of a case, `run` must come back from them."""

    make: Callable[[Random], bytes]
    run: Callable[[bytes], None]


def _run_mail(raw: bytes) -> None:
    """From the wire to a row that SQLite takes."""
    found = parse_mail(raw)
    row = _row("account", 1, Letter(1, 0, _NOW, len(raw), found), 1, 1)
    for name, value in row.items():
        shown = value if isinstance(value, str) else json.dumps(value)
        shown.encode()
        assert len(shown) < _TOO_LONG, f"{name} has {len(shown)} characters"
        assert "\x00" not in shown, f"{name} holds a NUL"


def _run_calendar(raw: bytes) -> None:
    """What a sync keeps of an object, and what a question then does with it."""
    text = raw.decode("utf-8", "replace")
    kept = outline(text, now=_NOW)
    for shown in (kept.title, kept.place, kept.people, kept.notes, kept.uid):
        shown.encode()
    heavy = kept.state != "whole"
    for look in (lambda: expand(text, _YEAR, UTC, heavy=heavy), lambda: latest(text, _NOW, UTC, heavy=heavy)):
        _damaged_at_most(look)
    _damaged_at_most(lambda: read_task(text))
    _damaged_at_most(lambda: completed_task(text, done=True, mark="mark", now=_NOW))


def _damaged_at_most(look: Callable[[], Any]) -> None:
    try:
        look()
    except DamagedError:
        return


def _make_invitation(random: Random) -> bytes:
    method = random.choice(["REQUEST", "CANCEL", "REPLY", "ADD", "", "request", "NONSENSE"])
    text = calendar(random)
    place = text.find("\n", text.find("BEGIN:VCALENDAR")) + 1
    return f"{text[:place]}METHOD:{method}\r\n{text[place:]}".encode("utf-8", "surrogatepass")


def _run_invitation(raw: bytes) -> None:
    """What a mail says about an event, the answer to it, and what a calendar makes of it."""
    text = raw.decode("utf-8", "replace")
    kept = kept_text(text, declared="", readers={"ada@home.example"})
    assert len(kept) < _TOO_LONG
    found = read_invitation(kept)
    if found is not None:
        for shown in (ics_of(found), rule_of(found.first), *map(when, found.parts)):
            shown.encode()
        said = {"attendee": "ada@home.example", "sent_by": "ada@home.example", "comment": "Yes;\r\nB:C"}
        lines = answer_to(found, "accept", now=_NOW, **said).encode().split(b"\r\n")
        assert max(map(len, lines)) <= 75
        text = ics_of(found)
    _refused_at_most(lambda: _filed(text), OaError)
    _damaged_at_most(lambda: _answered(raw.decode("utf-8", "replace")))


def _filed(text: str) -> None:
    letter = read_letter(text)
    new = filed_object(letter, "", _OWN, "accept", quiet=True, mark="mark", now=_NOW)
    filed_object(letter, new, _OWN, "decline", quiet=False, mark="mark", now=_NOW)


def _answered(text: str) -> None:
    for each in asked_in(text, _OWN):
        answer = partial(answered_object, text, each.recurrence, _OWN, "tentative", "Perhaps.", mark="mark", now=_NOW)
        _refused_at_most(answer, OaError)


def _make_bus(random: Random) -> bytes:
    values: list[Any] = [
        None,
        True,
        -1,
        10**400,
        1e308,
        "x" * 5000,
        "",
        "\u0000",
        [],
        {},
        [[[[]]]],
        "2026-10-23",
        "\ud800",
    ]
    fields = sorted({name for model in _MODELS for name in model.model_fields})
    body = {random.choice(fields): random.choice(values) for _ in range(random.randint(0, 8))}
    headers = {name: str(random.choice([*values, "1", "2026-10-23T10:00:00Z"])) for name in random.sample(_HEADERS, 4)}
    raw = json.dumps({"headers": headers, "body": body}).encode()
    return raw if random.random() < 0.7 else raw[: random.randint(0, len(raw))] + random.randbytes(4)


def _run_bus(raw: bytes) -> None:
    """What comes in is a message of ours, or refused in our words."""
    for model in _MODELS:
        _refused_at_most(lambda model=model: model.model_validate_json(raw), ValidationError)  # type: ignore[misc]
    try:
        given = json.loads(raw)
    except ValueError:
        return
    body = json.dumps(given["body"])
    for model in _MODELS:
        _refused_at_most(lambda model=model: model.model_validate_json(body), ValidationError)  # type: ignore[misc]
    for protocol in ({}, {"Oa-Protocol": "1"}):
        headers = {**given["headers"], **protocol}
        _refused_at_most(lambda headers=headers: CallContext.from_headers(headers, subject="oa.x"), InvalidRequest)  # type: ignore[misc]


def _refused_at_most(read: Callable[[], Any], refusal: type[Exception]) -> None:
    try:
        read()
    except refusal:
        return


_TOOLS: dict[str, dict[str, Any]] = {
    "mail_find": {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
    "mail_send": {"type": "object", "properties": {"to": {"type": "array", "items": {"type": "string"}}}},
}
_WORDS = [
    *(
        "{",
        "}",
        "{{",
        "}}",
        "[",
        "]",
        '"',
        ":",
        ", ",
        ",",
        "\n",
        " ",
        "\\",
        "```",
        "```json\n",
        "<tool_call>",
        "</tool_call>",
    ),
    *('"name": ', '"tool": ', '"arguments": ', '"parameters": ', '"mail_find"', '"mail_send"', '{"words": "lease"}'),
    *(
        "NaN",
        "1e999",
        "null",
        "\\ud83d",
        "é",
        "The mail says ",
        '{"answer": "',
        '{"tool": "mail_find", "arguments": {}}',
    ),
    *('{"name": "mail_find", "arguments": {"words": "lease"}}', '{{"tool": "mail_send", "parameters": {{}}}}'),
]


def _make_words(random: Random) -> bytes:
    return "".join(random.choices(_WORDS, k=random.randint(1, 40))).encode()


def _run_words(raw: bytes) -> None:
    """What a model wrote is words, or calls of offered tools with valid arguments; nothing of it is lost."""
    text, size = raw.decode("utf-8", "replace"), len(raw) % 7 + 1
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    written, shaped = Written(_TOOLS), Shaped()
    shown = "".join(map(written.feed, pieces))
    rest, calls = written.end()
    assert calls or shown + rest == text, "words were lost"
    for call in calls:
        assert Draft202012Validator(_TOOLS[call.name]).is_valid(call.arguments), f"{call} is not valid"
    for piece in [*map(shaped.feed, pieces), shaped.end()[0]]:
        piece.encode()


TARGETS = {
    "mail": Target(mail, _run_mail),
    "calendar": Target(lambda random: calendar(random).encode("utf-8", "surrogatepass"), _run_calendar),
    "invitation": Target(_make_invitation, _run_invitation),
    "bus": Target(_make_bus, _run_bus),
    "sse": Target(stream, run_stream),
    "words": Target(_make_words, _run_words),
}
