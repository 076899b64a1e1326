"""The shapes of memories in the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from openassistant.builtin import LONGEST_MEMORY
from openassistant.messages import Id
from services.gateway.views import View

__all__ = ["Memory", "MemoryChange", "MemoryDraft"]

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_MEMORY)]
_Days = Annotated[int, Field(ge=1, le=3650)]


class Memory(View):
    """One thing that is remembered.

    `origin`: whose words it is, the owner's or the assistant's. `tainted`: the assistant said it after it had read
    texts of others, from `sources`. `conversation`: where it comes from.
    """

    id: Id
    text: str
    origin: Literal["owner", "assistant"]
    tainted: bool
    sources: tuple[str, ...]
    pinned: bool
    conversation: Id | None
    created_at: datetime
    changed_at: datetime
    expires_at: datetime | None


class MemoryDraft(View):
    """Something to remember, in the owner's words; with `days` it is forgotten after so many."""

    text: _Text
    pinned: bool = False
    days: _Days | None = None


class MemoryChange(View):
    """What is changed of it. Another text makes it the owner's own words. `days` 0 is for ever."""

    text: _Text | None = None
    pinned: bool | None = None
    days: Annotated[int, Field(ge=0, le=3650)] | None = None
