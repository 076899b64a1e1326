"""What an approval shows of an act on an event: whom it reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NotRequired, TypedDict, Unpack

from openassistant.formats.guests import Person
from openassistant.messages import Destination, OutsideSource, Preview, PreviewField

__all__ = [
    "EXTENTS",
    "Rest",
    "alarms_shown",
    "event_preview",
    "fields_of",
    "people_shown",
    "preview_change",
    "preview_creation",
]

EXTENTS = {
    "this": "this date of a series",
    "following": "this date of a series and all that follow",
    "all": "the whole series",
}


class Rest(TypedDict):
    """What a preview of an event may hold besides: see `Preview`."""

    account: str
    content: NotRequired[str]
    warnings: NotRequired[tuple[str, ...]]


def preview_creation(rows: Mapping[str, str], guests: Collection[Person], **rest: Unpack[Rest]) -> Preview:
    """An event as it will be created; its guests get invitations."""
    verb, confirm = ("Create an event and invite guests", "Invite") if guests else ("Create an event", "Create")
    return event_preview(rows, None, verb=verb, confirm=confirm, told=guests, **rest)


def preview_change(
    rows: Mapping[str, str], source: OutsideSource, told: Collection[Person], **rest: Unpack[Rest]
) -> Preview:
    """An event as it is and as it will be."""
    verb = "Change an event and tell its guests" if told else "Change an event"
    return event_preview(rows, source, verb=verb, confirm="Change", told=told, **rest)


def event_preview(
    rows: Mapping[str, str],
    source: OutsideSource | None,
    *,
    verb: str,
    confirm: str,
    told: Iterable[Person],
    **rest: Unpack[Rest],
) -> Preview:
    """Something that is done with an event; `source` is where its texts come from, unless they are the call's own."""
    outside = () if source is None else (source,)
    people, fields = people_shown(told), fields_of(rows)
    return Preview(verb=verb, confirm=confirm, destinations=people, fields=fields, outside=outside, **rest)


def fields_of(rows: Mapping[str, str]) -> tuple[PreviewField, ...]:
    """The rows that say something."""
    return tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value)


def people_shown(people: Iterable[Person]) -> tuple[Destination, ...]:
    """Whom a call reaches."""
    return tuple(Destination(kind="attendee", value=each.address, name=each.name or None) for each in people)


def alarms_shown(minutes: Iterable[int] | None) -> str:
    """Reminders: "10, 60 minutes before"."""
    found = ", ".join(str(each) for each in minutes or ())
    return f"{found} minutes before" if found else ""
