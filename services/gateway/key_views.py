"""What the API says of the house's keys: how far their replacement is, and how the root key is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from openassistant.rekeying import KeyKind
from services.gateway.views import Password, View

__all__ = ["KeyRoom", "KeyRotationDraft", "Keys"]

_ALL: tuple[KeyKind, ...] = ("root", "data", "credentials")


class KeyRotationDraft(View):
    """Which keys are replaced: the root key, those of the rooms' files, those that account secrets are under."""

    keys: Annotated[tuple[KeyKind, ...], Field(min_length=1, max_length=3)] = _ALL
    password: Password


class KeyRoom(View):
    """A room with files that wait for their new key."""

    room: str
    files: int


class Keys(View):
    """How the keys are. `replacing` are kinds under way, of which `left` of `total` files wait for their new key.

    `fixed` says why the house cannot replace its root key, where that is so.
    """

    replacing: tuple[KeyKind, ...] = ()
    total: int = 0
    left: int = 0
    waiting: tuple[KeyRoom, ...] = ()
    replaced: tuple[KeyKind, ...] = ()
    replaced_at: datetime | None = None
    protected: bool
    fixed: str | None = None
