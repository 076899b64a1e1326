"""What an approval shows: whom a call reaches, and exactly what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from connectors.outlook_calendar.drafts import Changes, Chosen, Draft
from connectors.outlook_calendar.events import Event
from connectors.outlook_calendar.people import Person
from connectors.outlook_calendar.recurrence import rule_shown
from connectors.outlook_calendar.views import source_of
from openassistant.connector import Preview
from openassistant.formats.moments import Moment, span_shown
from openassistant.formats.repeats import repeat_shown
from openassistant.messages import Destination, PreviewField

__all__ = ["fields_of", "people_shown", "preview_changed", "preview_new", "preview_of", "when_shown"]


def preview_new(draft: Draft, account: str) -> Preview:
    """The event as it will be created; its guests get invitations."""
    rows = {
        "Title": draft.title,
        "When": span_shown(draft.start, draft.end),
        "Repeats": repeat_shown(draft.repeat),
        "Reminder": "" if draft.alarm is None else f"{draft.alarm} minutes before",
        "Place": draft.place,
        "Online meeting": draft.calendar.online[0] if draft.online else "",
        "Calendar": draft.calendar.name,
    }
    return Preview(
        verb="Create an event and invite guests" if draft.guests else "Create an event",
        confirm="Invite" if draft.guests else "Create",
        account=account,
        destinations=people_shown(draft.guests),
        fields=fields_of(rows),
        content=draft.notes,
    )


def preview_changed(found: Chosen, changes: Changes, account: str) -> Preview:
    """The event as it is, and what becomes of it."""
    new = {label: value if isinstance(value, str) else span_shown(*value) for label, value in changes.rows.items()}
    return Preview(
        verb="Change an event and tell its guests" if changes.told else "Change an event",
        confirm="Change",
        account=account,
        destinations=people_shown(changes.told),
        fields=fields_of({**_rows_of(found), **new}),
        content=changes.notes,
        outside=(source_of(found.kept),),
    )


def preview_of(
    found: Chosen,
    *,
    verb: str,
    confirm: str,
    account: str,
    told: Iterable[Person],
    rows: Mapping[str, str] | None = None,
    content: str = "",
    warnings: tuple[str, ...] = (),
) -> Preview:
    """An event that something is done with as a whole."""
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account,
        destinations=people_shown(told),
        fields=fields_of({**_rows_of(found), **(rows or {})}),
        content=content,
        outside=(source_of(found.kept),),
        warnings=warnings,
    )


def when_shown(event: Event) -> str:
    """When an event is, in the zone in which it is kept."""
    zone = ZoneInfo(event.zone) if event.zone else None
    return span_shown(_in(event.start, zone), _in(event.end, zone))


def people_shown(people: Iterable[Person]) -> tuple[Destination, ...]:
    """Whom a call reaches."""
    return tuple(Destination(kind="attendee", value=each.address, name=each.name or None) for each in people)


def fields_of(rows: Mapping[str, str]) -> tuple[PreviewField, ...]:
    """The rows that say something."""
    return tuple(PreviewField(label=label, value=value) for label, value in rows.items() if value)


def _rows_of(found: Chosen) -> dict[str, str]:
    event = found.event
    extent = {"occurrence": "this date of a series", "exception": "this date of a series", "master": "the whole series"}
    return {
        "Event": event.title or "(no title)",
        "When": when_shown(event),
        "Repeats": rule_shown(event.recurrence) if event.kind == "master" else "",
        "Extent": extent.get(event.kind, ""),
        "Place": event.place,
        "Calendar": found.kept.calendar.name,
    }


def _in(value: Moment, zone: tzinfo | None) -> Moment:
    return value.astimezone(zone) if isinstance(value, datetime) and zone is not None else value
