"""When a person is told that something waits for him, and in which words. Pure: facts in, a notice or none out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openassistant.messages import Preview, Wire
from services.gateway.questions import Question

__all__ = ["EVERY", "LONG", "SETTLE", "Choices", "Kind", "Known", "Notice", "Reason", "due", "is_quiet", "lines"]

SETTLE = timedelta(seconds=3)
"""Questions of one answer come within moments: the first waits so long for the others."""
EVERY = timedelta(minutes=1)
"""At most one notice in this time; what came meanwhile is in the next."""
LONG = timedelta(hours=2)
"""Whose time is shorter is not reminded of: the first notice is hardly read by then."""
_BEFORE = timedelta(hours=1)
_OLD = timedelta(hours=24)

Kind = Literal["asked", "ending", "ended"]


class Choices(Wire):
    """How somebody wants to be told. With `content` a notice says what it is about; quiet hours are of `zone`."""

    content: bool = False
    quiet_from: time | None = None
    quiet_to: time | None = None
    zone: str = "UTC"


class Known(NamedTuple):
    """A question, and what its owner was told of it already."""

    question: Question
    told: frozenset[Kind]


class Reason(NamedTuple):
    """Why he is told: the question, and what of it."""

    question: str
    kind: Kind


class Notice(NamedTuple):
    """What he is told: `reasons` are settled by it; `waiting` is how many questions are open now.

    `about` is the one question that it is about, where it is one; `ends` is when the first open one ends.
    """

    reasons: tuple[Reason, ...]
    title: str
    body: str
    waiting: int
    about: str | None
    ends: datetime | None


def due(known: Sequence[Known], *, choices: Choices, now: datetime, last: datetime | None, seen: bool) -> Notice | None:
    """The notice that is due now: none in quiet hours, while he looks (`seen`), or within a minute of the last."""
    if seen or is_quiet(choices, now) or (last is not None and now - last < EVERY):
        return None
    reasons = tuple(Reason(each.question.id, kind) for each in known for kind in _kinds(each, now))
    if not reasons or _is_settling(known, reasons, now):
        return None
    open_now = [each.question for each in known if _is_open(each.question, now)]
    kinds = {each.kind for each in reasons}
    named = {each.question for each in reasons}
    return Notice(
        reasons=reasons, title=_title(len(open_now)), body=_body(kinds), waiting=len(open_now),
        about=named.pop() if len(named) == 1 and len(open_now) <= 1 else None,
        ends=min((each.expires for each in open_now), default=None),
    )  # fmt: skip


def is_quiet(choices: Choices, now: datetime) -> bool:
    """Whether it is within the quiet hours, which may go over midnight; from and to the same is none."""
    start, end = choices.quiet_from, choices.quiet_to
    if start is None or end is None or start == end:
        return False
    try:
        local = now.astimezone(ZoneInfo(choices.zone)).time()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return start <= local < end if start < end else local >= start or local < end


def lines(previews: Iterable[Preview]) -> str:
    """What questions are about, a line each, for whoever chose to read that in a notice."""
    return "\n".join(_line(each) for each in previews)


def _kinds(known: Known, now: datetime) -> Iterable[Kind]:
    question, told = known
    if _is_open(question, now):
        left, life = question.expires - now, question.expires - question.created
        is_ending = life >= LONG and left <= min(life / 4, _BEFORE)
        if is_ending and "ending" not in told:
            yield "ending"
        if "asked" not in told:
            yield "asked"
    elif question.state == "expired" and "ended" not in told and now - question.expires < _OLD:
        yield "ended"


def _is_settling(known: Sequence[Known], reasons: Sequence[Reason], now: datetime) -> bool:
    """Whether the only news is a question of this very moment, which others may follow."""
    created = {each.question.id: each.question.created for each in known}
    return all(each.kind == "asked" and now - created[each.question] < SETTLE for each in reasons)


def _is_open(question: Question, now: datetime) -> bool:
    return question.state == "pending" and question.expires > now


def _title(waiting: int) -> str:
    if not waiting:
        return "Time is over for something that waited"
    return "Something waits for your yes" if waiting == 1 else f"{waiting} things wait for your yes"


def _body(kinds: set[Kind]) -> str:
    if kinds == {"ended"}:
        return "Nobody decided in time, so it was not done."
    if "ending" in kinds:
        return "The time to decide is nearly over."
    return "Open it to look at it and decide."


def _line(shown: Preview) -> str:
    people = ", ".join(each.name or each.value for each in shown.destinations)
    subject = shown.fields[0].value if shown.fields else ""
    whole = " · ".join(each for each in (shown.verb, subject, people) if each)
    return whole if len(whole) <= 160 else f"{whole[:159]}…"
