"""What left the house, in the shapes of the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from openassistant.messages import Effect, Id
from services.gateway.views import View

__all__ = ["Left", "LeftCounted", "LeftDay", "LeftEntry", "LeftPage", "LeftSource", "LeftTraffic"]

Kind = Literal["call", "model", "background"]
Reach = Literal["machine", "network", "public"]


class LeftDay(View):
    """Bytes of one day to and from one place, before TLS, and how many records say so.

    `kind` is what made them: a tool call, a question to a model, or work in the background. `reach` is how far the
    place lies: in this machine, in the network at home, or outside.
    """

    day: date
    host: str
    port: int
    reach: Reach
    kind: Kind
    connector: str | None = None
    account: Id | None = None
    model: str | None = None
    bytes_out: int
    bytes_in: int
    records: int


class LeftSource(View):
    """How many bytes of whose text went to the model at a place: of the owner, of an account, of the model itself."""

    host: str
    port: int
    reach: Reach
    kind: str
    connector: str | None = None
    account: Id | None = None
    bytes: int


class LeftCounted(View):
    """What the egress proxy counted for one room of the whole house, TLS included."""

    room: str
    host: str
    port: int
    connections: int
    bytes_out: int
    bytes_in: int


class Left(View):
    """What left from one day to another; `counted` is there for the owner of a house with an egress proxy.

    `accounts` gives the names of those that there are still.
    """

    since: date
    until: date
    days: tuple[LeftDay, ...] = ()
    sources: tuple[LeftSource, ...] = ()
    accounts: dict[str, str] = Field(default_factory=dict)
    counted: tuple[LeftCounted, ...] = ()


class LeftTraffic(View):
    """Bytes to and from one place, before TLS."""

    host: str
    port: int
    reach: Reach
    bytes_out: int
    bytes_in: int


class LeftText(View):
    """How many bytes of whose text were in a question to a model."""

    kind: str
    connector: str | None = None
    account: Id | None = None
    bytes: int


class LeftEntry(View):
    """What record `index` says of bytes; `call_id` is that of a tool call."""

    index: int
    time: datetime
    kind: Kind
    turn: Id | None = None
    conversation: Id | None = None
    call_id: Id | None = None
    connector: str | None = None
    tool: str | None = None
    effect: Effect | None = None
    account: Id | None = None
    outcome: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    traffic: tuple[LeftTraffic, ...] = ()
    sources: tuple[LeftText, ...] = ()
    leaf_hash: str


class LeftPage(View):
    """Entries, newest first; `next` goes into `before`."""

    entries: tuple[LeftEntry, ...] = ()
    next: int | None = None
