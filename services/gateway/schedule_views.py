"""The shapes of schedules in the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.views import Password, View

__all__ = ["RunState", "Schedule", "ScheduleDraft", "ScheduleProposal", "ScheduleRun", "ScheduleTimes", "WhenDraft"]

RunState = Literal["claimed", "started", "finished", "busy", "waiting", "missed", "failed"]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
_Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class WhenDraft(View):
    """`starts` is local time without a zone, `rule` an RFC 5545 recurrence rule, or none for once."""

    starts: datetime
    zone: Annotated[str, StringConstraints(max_length=64)] = "UTC"
    rule: Annotated[str, StringConstraints(max_length=200)] | None = None


class ScheduleDraft(WhenDraft):
    """A schedule to be signed.

    `connectors` names the services that its runs may read; with `acts` they may also propose what changes or sends,
    which waits for a yes unless one of `rules` covers it. `missed`: what becomes of a run whose time went by while the
    house was off: made once, late, or left out. `proposal` is the one that it comes from, if any. `days` is how long
    it lives.
    """

    name: _Line
    prompt: _Prompt
    connectors: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    acts: bool = False
    rules: Annotated[tuple[Id, ...], Field(max_length=50)] = ()
    missed: Literal["late", "skip"] = "late"
    days: Annotated[int, Field(ge=1, le=365)] = 180
    proposal: Id | None = None
    password: Password | None = None


class ScheduleRun(View):
    """One time at which a schedule was due, and what became of it.

    claimed: about to start; started, finished: a turn; busy: the run before was still under way; waiting: it still
    waited for an answer; missed: the house was off; failed: it could not be started.
    """

    due_at: datetime
    state: RunState
    turn: Id


class Schedule(View):
    """A schedule as it was signed. `tainted`: what it says comes from a conversation that had read texts of others."""

    id: Id
    name: str
    prompt: str
    starts: datetime
    zone: str
    rule: str | None
    when: str
    connectors: tuple[str, ...]
    tools: tuple[str, ...]
    acts: bool
    rules: tuple[Id, ...]
    missed: Literal["late", "skip"]
    tainted: bool
    source: Id | None
    conversation: Id | None
    created_at: datetime
    expires_at: datetime
    paused: bool
    next: tuple[datetime, ...]
    runs: tuple[ScheduleRun, ...]


class ScheduleTimes(View):
    """When a schedule would run, in words and as its next times."""

    when: str
    next: tuple[datetime, ...]


class ScheduleProposal(View):
    """What the assistant proposes as a schedule: nothing runs before it is made one.

    Without a `conversation` it came with an archive.
    """

    id: Id
    name: str
    prompt: str
    starts: datetime
    zone: str
    rule: str | None
    when: str
    connectors: tuple[str, ...]
    tainted: bool
    conversation: Id | None
    created_at: datetime
