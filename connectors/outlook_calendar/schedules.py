"""When others are free, as Microsoft tells: their schedules, and the times that it proposes.

https://learn.microsoft.com/graph/outlook-get-free-busy-schedule, https://learn.microsoft.com/graph/findmeetingtimes-example
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.outlook_calendar.zones import iana_of
from openassistant.errors import Forbidden, InvalidRequest, NotFound, OaError
from openassistant.formats.moments import Window
from openassistant.providers.graph import GraphApi

__all__ = ["LONGEST", "Schedule", "ask_schedules", "ask_times", "window_in"]

LONGEST = timedelta(days=42)
"""Of one question, as Microsoft documents it."""
_AT_ONCE = 20
_NOT_PERSONAL = "Microsoft tells this only to work and school accounts."
_UNKNOWN = "Microsoft does not tell the times of this address."
_BUSY = {"busy": False, "oof": False, "tentative": True}


class Schedule(NamedTuple):
    """What is known of somebody's times; `note` is why nothing is."""

    address: str
    known: bool
    firm: tuple[Window, ...] = ()
    tentative: tuple[Window, ...] = ()
    hours: str = ""
    note: str = ""


async def ask_schedules(api: GraphApi, people: Sequence[str], span: Window) -> list[Schedule]:
    """The schedules of people by address; raises `InvalidRequest` for too long a span."""
    if span.end - span.start > LONGEST:
        raise InvalidRequest("Microsoft tells the times of others for at most 42 days at once.")
    found: dict[str, Schedule] = {}
    for start in range(0, len(people), _AT_ONCE):
        some = list(people[start : start + _AT_ONCE])
        body = {"schedules": some, **_ends(span), "availabilityViewInterval": 30}
        try:
            answer = await api.call("POST", "me/calendar/getSchedule", json=body)
        except (Forbidden, NotFound, InvalidRequest) as error:
            if isinstance(error, Forbidden) and error.details.get("reason") in ("scope_missing", "admin_blocked"):
                raise
            found |= {each: Schedule(each, known=False, note=_NOT_PERSONAL) for each in some}
            continue
        for raw in answer.get("value") or []:
            if isinstance(raw, dict) and (address := str(raw.get("scheduleId") or "").lower()) in some:
                found[address] = _schedule(address, raw, span)
    return [found.get(each) or Schedule(each, known=False, note=_UNKNOWN) for each in people]


async def ask_times(
    api: GraphApi, people: Sequence[str], span: Window, *, minutes: int, most: int
) -> tuple[list[Mapping[str, Any]], str]:
    """The times that Microsoft proposes, and why there are none."""
    hours, rest = divmod(minutes, 60)
    duration = f"PT{f'{hours}H' if hours else ''}{f'{rest}M' if rest else ''}"
    slot = {"start": _ends(span)["startTime"], "end": _ends(span)["endTime"]}
    body: dict[str, Any] = {
        "attendees": [{"type": "required", "emailAddress": {"address": each}} for each in people],
        "timeConstraint": {"activityDomain": "work", "timeSlots": [slot]},
        "meetingDuration": duration,
        "maxCandidates": most,
        "returnSuggestionReasons": False,
        "isOrganizerOptional": False,
    }
    try:
        answer = await api.call("POST", "me/findMeetingTimes", json=body)
    except OaError as error:
        if isinstance(error, NotFound | InvalidRequest):
            raise InvalidRequest(_NOT_PERSONAL) from error
        raise
    listed = answer.get("meetingTimeSuggestions")
    found: list[Mapping[str, Any]] = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    return found, str(answer.get("emptySuggestionsReason") or "")


def window_in(raw: Any) -> Window | None:
    """The span of a `timeSlot` or schedule item; None for one that is none."""
    if not isinstance(raw, dict):
        return None
    start, end = _instant(raw.get("start")), _instant(raw.get("end"))
    return Window(start, end) if start and end and end > start else None


def _schedule(address: str, raw: Mapping[str, Any], span: Window) -> Schedule:
    if raw.get("error"):
        return Schedule(address, known=False, note=_UNKNOWN)
    firm: list[Window] = []
    tentative: list[Window] = []
    items = raw.get("scheduleItems")
    for each in items if isinstance(items, list) else []:
        found = window_in(each)
        perhaps = _BUSY.get(str(each.get("status"))) if isinstance(each, dict) else None
        if found is None or perhaps is None:
            continue
        inside = Window(max(found.start, span.start), min(found.end, span.end))
        if inside.end > inside.start:
            (tentative if perhaps else firm).append(inside)
    return Schedule(address, known=True, firm=tuple(firm), tentative=tuple(tentative), hours=_hours(raw))


def _hours(raw: Mapping[str, Any]) -> str:
    """The working hours in words: "monday, tuesday 08:00-17:00 Europe/Berlin"; "" where none are told."""
    hours = raw.get("workingHours")
    if not isinstance(hours, dict):
        return ""
    listed = hours.get("daysOfWeek")
    known = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    days = [each for each in (listed if isinstance(listed, list) else []) if each in known]
    begin, end = (str(hours.get(name) or "")[:5] for name in ("startTime", "endTime"))
    zone = hours.get("timeZone")
    name = iana_of(str(zone.get("name") or "")) if isinstance(zone, dict) else ""
    if not days or not all(len(each) == 5 and each.replace(":", "").isdecimal() for each in (begin, end)):
        return ""
    return f"{', '.join(days)} {begin}-{end} {name}".strip()


def _ends(span: Window) -> dict[str, Any]:
    names = ("startTime", "endTime")
    return {
        name: {"dateTime": f"{each.astimezone(UTC):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for name, each in zip(names, span, strict=True)
    }


def _instant(value: Any) -> datetime | None:
    try:
        zone = iana_of(str(value.get("timeZone"))) or "UTC"
        return datetime.fromisoformat(str(value["dateTime"])[:19]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None
