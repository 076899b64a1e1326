"""The arguments that calendar tools share, each with the words in which a model reads it, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Annotated, Any, Literal, TypeVar

from openassistant.calendars.mirror import KnownCalendar
from openassistant.connector import Field
from openassistant.errors import InvalidRequest, Unavailable
from openassistant.formats.guests import parse_guest
from openassistant.formats.repeats import Frequency, Weekday
from openassistant.messages import Effect

__all__ = [
    "ANSWERED",
    "ANSWER_WORDS",
    "Answer",
    "Answered",
    "Closes",
    "End",
    "Every",
    "Guests",
    "LastDay",
    "Minutes",
    "NewEnd",
    "NewGuests",
    "NewStart",
    "NewTitle",
    "OnDays",
    "Opens",
    "OtherEnd",
    "People",
    "Query",
    "Repeats",
    "Since",
    "Start",
    "Tell",
    "Title",
    "Where",
    "Zone",
    "addresses_of",
    "calendar_to_write",
    "calendars_named",
    "effect_on_guests",
    "effect_with_guests",
    "title_of",
]

Start = Annotated[
    str, Field(description="ISO 8601: a time such as 2026-10-23T10:00, or a day such as 2026-10-23", max_length=40)
]
End = Annotated[str, Field(description="As start; a day is included", max_length=40)]
OtherEnd = Annotated[
    str | None,
    Field(description="As start; the last day is included. Without: one hour, or that day", max_length=40),
]
Zone = Annotated[
    str | None,
    Field(description="Time zone of times without an offset, such as Europe/Berlin: the owner's", max_length=60),
]
Guests = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None,
    Field(description="Whom to invite, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Title = Annotated[str, Field(description="The title: one line", max_length=500)]
Where = Annotated[str | None, Field(description="Where it takes place", max_length=500)]
Repeats = Annotated[Frequency | None, Field(description="How often it repeats")]
Every = Annotated[int, Field(description="2 with weekly means every other week", ge=1, le=99)]
OnDays = Annotated[list[Weekday] | None, Field(description="With weekly: on which weekdays", max_length=7)]
LastDay = Annotated[str | None, Field(description="The last day of a series", max_length=40)]

NewTitle = Annotated[str | None, Field(description="A new title", max_length=500)]
NewStart = Annotated[str | None, Field(description="A new start, ISO 8601; alone, the length stays", max_length=40)]
NewEnd = Annotated[str | None, Field(description="A new end, ISO 8601; a day is included", max_length=40)]
NewGuests = Annotated[
    list[Annotated[str, Field(max_length=400)]] | None,
    Field(description="The whole new list of guests; who is not on it is uninvited", max_length=100),
]
Tell = Annotated[bool, Field(description="True when the event has guests: they hear of the change")]

Query = Annotated[str, Field(description="Words that must all occur in title, place, people or notes", max_length=500)]
Since = Annotated[str, Field(description="ISO 8601: a time or a day, at most 30 days ago", max_length=40)]
Answered = Annotated[bool, Field(description="Those that the user has answered, too")]

Minutes = Annotated[int, Field(description="How long it must be free", ge=5, le=24 * 60)]
Opens = Annotated[time, Field(description="Not before this hour of a day, such as 08:00")]
Closes = Annotated[time, Field(description="Not after this hour of a day, such as 20:00")]
People = list[Annotated[str, Field(max_length=400)]]

Answer = Literal["accept", "tentative", "decline"]
ANSWERED: dict[Answer, str] = {"accept": "accepted", "tentative": "tentative", "decline": "declined"}
ANSWER_WORDS: dict[Answer, tuple[str, str]] = {
    "accept": ("Accept an invitation", "Accept"),
    "tentative": ("Answer an invitation with maybe", "Answer"),
    "decline": ("Decline an invitation", "Decline"),
}
"""What an approval says of an answer, and what its button says."""

C = TypeVar("C", bound=KnownCalendar)


def effect_with_guests(given: Mapping[str, Any]) -> Effect:
    """Of creating an event: guests get an invitation."""
    return Effect.SEND if given.get("guests") else Effect.WRITE


def effect_on_guests(given: Mapping[str, Any]) -> Effect:
    """Of changing an event: guests that are given, and those that it has, hear of it."""
    return Effect.SEND if given.get("guests") is not None or given.get("tell_guests") else Effect.WRITE


def title_of(typed: str) -> str:
    """A title in one line; raises `InvalidRequest` when nothing is left of it."""
    found = " ".join(typed.split())
    if not found:
        raise InvalidRequest("title: give it a title.")
    return found


def addresses_of(typed: Sequence[str]) -> list[str]:
    """The addresses of people that are typed, each once; raises `InvalidRequest`."""
    return list(dict.fromkeys(parse_guest(each).address for each in typed))


def calendars_named(known: Sequence[C], name: str | None) -> list[C]:
    """The calendars of that name; without a name all. Raises `InvalidRequest` where there is none."""
    found = _named(known, name)
    if name is not None and not found:
        raise InvalidRequest("There is no calendar of that name; calendars_list names those that there are.")
    return found


def calendar_to_write(known: Sequence[C], name: str | None) -> C:
    """The calendar of that name that can be written to; without a name the first. Raises where there is none."""
    if not known:
        raise Unavailable("The calendars are being read for the first time; try again in a moment.", retry_after=2)
    found = [each for each in _named(known, name) if each.writable]
    if not found:
        raise InvalidRequest("There is no such calendar to write events to; calendars_list names those that there are.")
    return found[0]


def _named(known: Sequence[C], name: str | None) -> list[C]:
    return [each for each in known if name is None or each.name.casefold() == name.strip().casefold()]
