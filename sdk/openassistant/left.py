"""What left the house, as the gateway asks the witness for it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from openassistant.messages import AuditAction, Effect, Id, Reach, TextSource, Traffic, Wire

__all__ = [
    "EgressCount",
    "LeftEntries",
    "LeftEntriesQuery",
    "LeftEntry",
    "LeftKind",
    "LeftQuery",
    "LeftReport",
    "LeftRow",
    "LeftSource",
]

LeftKind = Literal["call", "model", "background"]
"""What made bytes leave: a tool call, a question to a model, or work on an account that nobody asked for just then."""


class LeftQuery(Wire):
    """What left between two moments, by days of a time zone; with `house` also what the egress proxy counted."""

    since: AwareDatetime
    until: AwareDatetime
    zone: str = "UTC"
    house: bool = False


class LeftRow(Wire):
    """Bytes of one day to and from one place, by what made them; `records` is how many records say so."""

    day: date
    host: str
    port: int
    reach: Reach
    kind: LeftKind
    connector: str | None = None
    account: Id | None = None
    model: str | None = None
    bytes_out: int
    bytes_in: int
    records: int


class LeftSource(TextSource):
    """How much of a source's text went to the model at a place."""

    host: str
    port: int
    reach: Reach


class EgressCount(Wire):
    """What the egress proxy counted for one room of the whole house and one place, TLS included."""

    room: str
    host: str
    port: int
    connections: int = 0
    bytes_out: int = 0
    bytes_in: int = 0


class LeftReport(Wire):
    """Sums, the oldest day first; sources and the proxy's counts over the whole time, the largest first."""

    rows: tuple[LeftRow, ...] = ()
    sources: tuple[LeftSource, ...] = ()
    counted: tuple[EgressCount, ...] = ()


class LeftEntriesQuery(Wire):
    """The records behind the sums with index < `before`, newest first: of one place, or of a conversation."""

    since: AwareDatetime
    until: AwareDatetime
    host: str | None = None
    port: int | None = None
    conversation: Id | None = None
    before: int | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class LeftEntry(Wire):
    """What one record says of bytes; nothing else of its content is in here."""

    index: int
    time: datetime
    action: AuditAction
    id: Id
    turn: Id | None = None
    conversation: Id | None = None
    connector: str | None = None
    tool: str | None = None
    effect: Effect | None = None
    account: Id | None = None
    outcome: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    traffic: tuple[Traffic, ...] = ()
    sources: tuple[TextSource, ...] = ()
    leaf: str


class LeftEntries(Wire):
    """A page of them; `next` goes into `before`."""

    entries: tuple[LeftEntry, ...] = ()
    next: int | None = None
