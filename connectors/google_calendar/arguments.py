"""The arguments that several tools share, each with the words in which a model reads it."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Field

__all__ = ["Alarms", "CalendarName", "Comment", "End", "EventId", "Guests", "Notes", "Start", "Title", "Where", "Zone"]

Start = Annotated[
    str, Field(description="ISO 8601: a time such as 2026-10-23T10:00, or a day such as 2026-10-23", max_length=40)
]
End = Annotated[str, Field(description="As start; a day is included", max_length=40)]
Zone = Annotated[
    str | None,
    Field(description="Time zone of times without an offset, such as Europe/Berlin: the owner's", max_length=60),
]
EventId = Annotated[
    str,
    Field(description="The id of an event, or of one date of a series, as events_list gives it", max_length=60),
]
Guests = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None,
    Field(description="Whom to invite, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Title = Annotated[str, Field(description="The title: one line", max_length=500)]
Where = Annotated[str | None, Field(description="Where it takes place", max_length=500)]
Notes = Annotated[str | None, Field(description="Notes, plain text; guests read them too", max_length=8_000)]
CalendarName = Annotated[
    str | None, Field(description="The calendar of this name, as calendars_list gives it", max_length=300)
]
Alarms = Annotated[
    list[Annotated[int, Field(ge=0, le=40_320)]] | None,
    Field(description="Reminders, in minutes before the start; the whole new list", max_length=5),
]
Comment = Annotated[str | None, Field(description="A word to the organiser, plain text", max_length=1_000)]
