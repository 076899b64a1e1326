"""What left the house, as its owner reads it: sums by day and place, and the records behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openassistant import subjects
from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.errors import InvalidRequest, OaError
from openassistant.left import LeftEntries, LeftEntriesQuery, LeftEntry, LeftQuery, LeftReport
from openassistant.messages import AccountRef
from services.gateway import left_views as views
from services.gateway.grants import Grants
from services.gateway.sessions import SignedIn

__all__ = ["Left"]

Refs = Callable[[str], Awaitable[tuple[AccountRef, ...]]]
"""The accounts of a person."""

_DAYS = 30
_MOST_DAYS = 400
_PAGE = 500
_MOST_OF_A_CONVERSATION = 4000
_KINDS = {"model.asked": "model", "traffic.counted": "background"}


class Left:
    """Asks the witness."""

    def __init__(self, bus: Bus, grants: Grants, refs: Refs, clock: Clock) -> None:
        self._bus, self._grants, self._refs, self._clock = bus, grants, refs, clock

    async def report(self, me: SignedIn, since: date | None, until: date | None, zone: str) -> views.Left:
        """The sums of some days, both ends included: the last thirty unless it is said; raises `InvalidRequest`."""
        where = _zone(zone)
        until = until or self._clock().astimezone(where).date()
        since = since or until - timedelta(days=_DAYS - 1)
        begins, ends = _moments(since, until, where)
        query = LeftQuery(since=begins, until=ends, zone=zone, house=me.user.role == "owner")
        ctx = self._grants.context(me.user.id, seconds=30)
        found = await self._bus.request(subjects.audit("left"), query, LeftReport, ctx)
        return views.Left(
            since=since,
            until=until,
            days=tuple(views.LeftDay.model_validate(each, from_attributes=True) for each in found.rows),
            sources=tuple(views.LeftSource.model_validate(each, from_attributes=True) for each in found.sources),
            accounts=await self._names(me),
            counted=tuple(views.LeftCounted.model_validate(each, from_attributes=True) for each in found.counted),
        )

    async def entries(
        self, me: SignedIn, day: date, host: str, port: int, zone: str, *, before: int | None, limit: int
    ) -> views.LeftPage:
        """The records behind one day's sum of one place; raises `InvalidRequest`."""
        begins, ends = _moments(day, day, _zone(zone))
        query = LeftEntriesQuery(since=begins, until=ends, host=host, port=port, before=before, limit=limit)
        found = await self._asked(me, query)
        return views.LeftPage(entries=tuple(map(_entry, found.entries)), next=found.next)

    async def of(self, me: SignedIn, conversation: str) -> list[views.LeftEntry]:
        """All that left in a conversation, newest first; nothing where it is somebody else's."""
        begins, ends = datetime.fromtimestamp(0, UTC), self._clock() + timedelta(days=1)
        entries, before = list[LeftEntry](), None
        while len(entries) < _MOST_OF_A_CONVERSATION:
            query = LeftEntriesQuery(since=begins, until=ends, conversation=conversation, before=before, limit=_PAGE)
            found = await self._asked(me, query)
            entries += found.entries
            before = found.next
            if before is None:
                break
        return [_entry(each) for each in entries]

    async def _asked(self, me: SignedIn, query: LeftEntriesQuery) -> LeftEntries:
        ctx = self._grants.context(me.user.id, seconds=30)
        return await self._bus.request(subjects.audit("left_entries"), query, LeftEntries, ctx)

    async def _names(self, me: SignedIn) -> dict[str, str]:
        """The names of the person's accounts; none while the vault is away."""
        try:
            return {each.id: each.name for each in await self._refs(me.user.id)}
        except OaError:
            return {}


def _entry(found: LeftEntry) -> views.LeftEntry:
    kind = _KINDS.get(found.action.value, "call")
    given: dict[str, Any] = found.model_dump(exclude={"id", "action", "leaf"})
    call = found.id if kind == "call" else None
    return views.LeftEntry.model_validate({**given, "kind": kind, "call_id": call, "leaf_hash": found.leaf})


def _moments(since: date, until: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first moment of a day and the first after another, in UTC."""
    if not timedelta(0) <= until - since < timedelta(days=_MOST_DAYS) or until == date.max:
        raise InvalidRequest(f"Ask for {_MOST_DAYS} days at most, the first day first.")
    begins, ends = (datetime.combine(each, time(), zone) for each in (since, until + timedelta(days=1)))
    try:
        return begins.astimezone(UTC), ends.astimezone(UTC)
    except OverflowError as error:
        raise InvalidRequest("There are no such days.") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidRequest(f"There is no time zone {name[:40]!r}.") from error
