"""Is the house whole: every room is asked something small, and any answer of its own is a sign of life."""

from __future__ import annotations

import asyncio
from datetime import datetime

from pydantic import BaseModel

from openassistant import __version__, subjects
from openassistant.bus import Bus, Responder
from openassistant.catalogue import Catalogue
from openassistant.context import PROTOCOL, CallContext, Clock, utc_now
from openassistant.errors import DeadlineExceeded, OaError, Unavailable
from openassistant.messages import AccountQuery, ConversationQuery, Done
from services.gateway import health_views, views

__all__ = ["Health"]

_SECONDS = 2.0
_KEPT_SECONDS = 1.0

_Question = tuple[str, BaseModel]


class Health:
    """What is expected to run: the three other services, and the connectors of the release.

    With a `catalogue` it also knows the running instances of connectors.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        release: frozenset[str],
        catalogue: Catalogue | None = None,
        clock: Clock = utc_now,
        seconds: float = _SECONDS,
        kept: float = _KEPT_SECONDS,
    ) -> None:
        self._bus, self._seconds, self._kept = bus, seconds, kept
        self._catalogue, self._clock = catalogue or Catalogue(clock), clock
        # Nobody signs these questions: agent and connectors answer them with a refusal, and that is an answer.
        self._questions: dict[str, _Question] = {
            "vault": (subjects.vault("public"), Done()),
            "audit": (subjects.audit("head"), Done()),
            "agent": (subjects.agent("conversations"), ConversationQuery()),
            **{each: (subjects.account(each, "status"), AccountQuery()) for each in sorted(release)},
        }
        self._lock = asyncio.Lock()
        self._last: tuple[float, views.Readiness] | None = None
        self._began = clock()
        self._away: dict[str, datetime] = {}
        self._answered: dict[str, Responder] = {}

    async def readiness(self) -> views.Readiness:
        """Which rooms do not answer within two seconds; asked at most once a second, however many want to know."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._last is None or self._last[0] + self._kept <= now:
                readiness = await self._ask_all()
                self._last = (asyncio.get_running_loop().time(), readiness)
            return self._last[1]

    async def watch(self) -> None:
        """One look, so that it is known since when a room is away though nobody asked."""
        await self.readiness()

    async def state(self) -> health_views.HouseHealth:
        """Who is away, and since when, as far as this process has seen it."""
        await self.readiness()
        away = tuple(health_views.RoomAway(room=room, since=since) for room, since in sorted(self._away.items()))
        return health_views.HouseHealth(away=away, watched_since=self._began)

    async def rooms(self) -> health_views.HouseRooms:
        """Every room with its instances: of a service the one that answered, of a connector all that say they run."""
        await self.readiness()
        own = health_views.RoomInstance(instance="", version=__version__, since=self._began)
        rooms = [health_views.HouseRoom(room="gateway", kind="service", answers=True, instances=(own,))]
        instances = self._catalogue.instances()
        for room in sorted({*self._questions, *instances}):
            beats = tuple(
                health_views.RoomInstance(instance=each.instance, version=each.card.version, since=each.started)
                for each in instances.get(room, ())
            )
            is_service = room in ("vault", "audit", "agent")
            rooms.append(health_views.HouseRoom(
                room=room, kind="service" if is_service else "connector", answers=room not in self._away,
                expected=room in self._questions, away_since=self._away.get(room),
                instances=beats or self._answering(room),
            ))  # fmt: skip
        return health_views.HouseRooms(version=__version__, protocol=PROTOCOL, rooms=tuple(rooms))

    def _answering(self, room: str) -> tuple[health_views.RoomInstance, ...]:
        found = self._answered.get(room)
        if found is None or room in self._away:
            return ()
        return (health_views.RoomInstance(instance="", version=found.version, since=found.since),)

    async def _ask_all(self) -> views.Readiness:
        answers = await asyncio.gather(*(self._answers(*each) for each in self._questions.items()))
        missing = sorted(name for name, alive in zip(self._questions, answers, strict=True) if not alive)
        now = self._clock()
        self._away = {name: self._away.get(name, now) for name in missing}
        return views.Readiness(ready=not missing, missing=tuple(missing))

    async def _answers(self, room: str, question: _Question) -> bool:
        subject, body = question
        try:
            self._answered[room] = await self._bus.ask_who(subject, body, CallContext.within(self._seconds))
        except (Unavailable, DeadlineExceeded):
            return False
        except OaError:
            return True
        return True
