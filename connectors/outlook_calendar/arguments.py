"""The arguments that several tools here share, beside those of all calendars."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Field

__all__ = ["Alarm", "CalendarName", "Comment", "EventId", "Notes"]

EventId = Annotated[
    str,
    Field(description="The id of an event, a series or one date of it, as events_list gives it", max_length=60),
]
Notes = Annotated[str | None, Field(description="Notes, plain text; guests read them too", max_length=20_000)]
CalendarName = Annotated[
    str | None, Field(description="The calendar of this name, as calendars_list gives it", max_length=200)
]
Alarm = Annotated[int | None, Field(description="A reminder, in minutes before the start", ge=0, le=60 * 24 * 28)]
Comment = Annotated[str | None, Field(description="A word to whom it reaches, plain text", max_length=2_000)]
