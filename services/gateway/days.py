"""Whose day it is: a person's days begin at midnight where he lives, and none of them is cut short.

Pure: a calendar and the time in, a date out.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from openassistant.messages import Wire

__all__ = ["Calendar", "month_of"]

_SHORTEST = timedelta(hours=22)
"""The shortest day that a change of clocks makes (Antarctica/Troll puts them two hours forward)."""
_MOMENT = timedelta(microseconds=1)


class _Stretched(Wire):
    """The day in which the zone was changed; it lasts until the first midnight of the new zone that is not too soon."""

    day: date
    began: datetime
    until: datetime


class Calendar(Wire):
    """Days of an IANA time zone, also across changes of the zone.

    Whoever moves on has a longer day, or one of the usual length: a day's budget cannot be had twice by moving.
    """

    zone: str = "UTC"
    stretched: _Stretched | None = None

    def day(self, now: datetime) -> date:
        """The day that it is."""
        if self.stretched and now < self.stretched.until:
            return self.stretched.day
        return now.astimezone(ZoneInfo(self.zone)).date()

    def began(self, now: datetime) -> datetime:
        """When this day began, UTC."""
        if self.stretched and now < self.stretched.until:
            return self.stretched.began
        return _midnight(self.day(now), self.zone)

    def ends(self, now: datetime) -> datetime:
        """When this day ends, UTC."""
        if self.stretched and now < self.stretched.until:
            return self.stretched.until
        return _midnight(self.day(now) + timedelta(days=1), self.zone)

    def moved(self, zone: str, now: datetime) -> Calendar:
        """The calendar in another zone; today goes on until a midnight there."""
        if zone == self.zone:
            return self
        day, began = self.day(now), self.began(now)
        earliest = max(began + _SHORTEST, now + _MOMENT)
        there = earliest.astimezone(ZoneInfo(zone)).date()
        until = _midnight(there, zone)
        if until < earliest:
            until = _midnight(there + timedelta(days=1), zone)
        return Calendar(zone=zone, stretched=_Stretched(day=day, began=began, until=until))


def month_of(day: str) -> tuple[str, str]:
    """The first and the last possible day of the month of a day (YYYY-MM-DD)."""
    return f"{day[:7]}-01", f"{day[:7]}-31"


def _midnight(day: date, zone: str) -> datetime:
    """The first moment of a day, UTC; where clocks skip midnight, the moment of the skip."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
