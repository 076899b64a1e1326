"""The arguments that several tools here share, beside those of all calendars."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Field

__all__ = ["Alarms", "CalendarName", "EventId", "Floating", "Notes"]

Floating = Annotated[
    bool, Field(description="Only if asked for: the same hour in whichever time zone one is, as for taking a pill")
]
EventId = Annotated[
    str,
    Field(description="The id of an event, or of one date of a series, as events_list gives it", max_length=60),
]
Notes = Annotated[str | None, Field(description="Notes, plain text; guests read them too", max_length=20_000)]
CalendarName = Annotated[
    str | None, Field(description="The calendar of this name, as calendars_list gives it", max_length=200)
]
Alarms = Annotated[
    list[Annotated[int, Field(ge=0, le=60 * 24 * 28)]] | None,
    Field(description="Reminders, in minutes before the start; the whole new list", max_length=10),
]
