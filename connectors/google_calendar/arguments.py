"""The arguments that several tools here share, beside those of all calendars."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Field

__all__ = ["Alarms", "CalendarName", "Comment", "EventId", "Notes"]

EventId = Annotated[
    str,
    Field(description="The id of an event, or of one date of a series, as events_list gives it", max_length=60),
]
Notes = Annotated[str | None, Field(description="Notes, plain text; guests read them too", max_length=8_000)]
CalendarName = Annotated[
    str | None, Field(description="The calendar of this name, as calendars_list gives it", max_length=300)
]
Alarms = Annotated[
    list[Annotated[int, Field(ge=0, le=40_320)]] | None,
    Field(description="Reminders, in minutes before the start; the whole new list", max_length=5),
]
Comment = Annotated[str | None, Field(description="A word to the organiser, plain text", max_length=1_000)]
