"""Which connectors run, with their cards: one watch of the registry, kept in memory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import ValidationError

from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.messages import Card, Heartbeat, Wire, card_digest
from openassistant.subjects import CONNECTORS_BUCKET

__all__ = ["LIFETIME", "Catalogue", "Listed"]

LIFETIME = timedelta(seconds=60)
"""An instance that has not renewed its entry for this long is gone."""

_log = logging.getLogger("openassistant.catalogue")


class Listed(Wire):
    """A connector with the newest card that one of its instances announced."""

    card: Card
    digest: str
    instances: int


class Catalogue:
    """The registry as this room sees it. Run `follow()` as a task; the reading methods never wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[Heartbeat, datetime]] = {}
        self._whole = asyncio.Event()
        self.changed: Callable[[], None] = lambda: None

    async def follow(self, bus: Bus) -> None:
        """Keeps the catalogue true for as long as the task lives."""
        async for key, value in bus.watch(CONNECTORS_BUCKET):
            self.apply(key, value)

    async def read(self, *, seconds: float = 2.0) -> None:
        """Returns when what the registry held at the start is known; after `seconds` in any case: it may be away."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._whole.wait()

    def apply(self, key: str, value: bytes | None) -> None:
        """One change of the registry, as the watch tells it; an entry whose digest is not its card's is ignored."""
        if not key:
            self._whole.set()
            return
        if value is None:
            self._seen.pop(key, None)
            self.changed()
            return
        try:
            beat = Heartbeat.model_validate_json(value)
        except ValidationError:
            _log.warning("unreadable registry entry", extra={"key": key})
            return
        if beat.digest == card_digest(beat.card) and key.split(".", maxsplit=1)[0] == beat.card.id:
            self._seen[key] = (beat, self._clock())
            self.changed()

    def listed(self) -> dict[str, Listed]:
        """Every connector with a living instance, by id."""
        found: dict[str, Listed] = {}
        for beat in sorted(self._living(), key=lambda each: each.started):
            known = found.get(beat.card.id)
            found[beat.card.id] = Listed(
                card=beat.card, digest=beat.digest, instances=1 + (known.instances if known else 0)
            )
        return found

    def instances(self) -> dict[str, tuple[Heartbeat, ...]]:
        """The living instances of every connector, by its id; the longest running first."""
        found: dict[str, tuple[Heartbeat, ...]] = {}
        for beat in sorted(self._living(), key=lambda each: each.started):
            found[beat.card.id] = (*found.get(beat.card.id, ()), beat)
        return found

    def card(self, connector: str, digest: str | None = None) -> Card | None:
        """The card of a connector, or None when it is away (or announces another digest)."""
        entry = self.listed().get(connector)
        return entry.card if entry and digest in (None, entry.digest) else None

    def _living(self) -> list[Heartbeat]:
        oldest = self._clock() - LIFETIME
        return [beat for beat, seen in self._seen.values() if seen >= oldest]
