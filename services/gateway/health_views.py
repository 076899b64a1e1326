"""What the API says of the rooms of the house: who is away, and to its owner which instances run in which version."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from services.gateway.views import View

__all__ = ["HouseHealth", "HouseRoom", "HouseRooms", "RoomAway", "RoomInstance"]


class RoomAway(View):
    """A room that does not answer, and when that was first seen."""

    room: str
    since: datetime


class HouseHealth(View):
    """Who is away. Before `watched_since` nobody looked: what was away then is away for longer than is said."""

    away: tuple[RoomAway, ...]
    watched_since: datetime


class RoomInstance(View):
    """A process of a room; `instance` is empty where it does not say its name, the rest null where it does not say."""

    instance: str
    version: str | None
    since: datetime | None


class HouseRoom(View):
    """A room. `expected`: the house is not whole without it. Of a service the instance that answered is named."""

    room: str
    kind: Literal["service", "connector"]
    answers: bool
    expected: bool = True
    away_since: datetime | None = None
    instances: tuple[RoomInstance, ...]


class HouseRooms(View):
    """The version of the programs here, the protocol that rooms speak with each other, and the rooms."""

    version: str
    protocol: int
    rooms: tuple[HouseRoom, ...]
