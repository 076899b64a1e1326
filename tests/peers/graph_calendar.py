"""The calendars of the Graph double: events, series and their dates, views, deltas, answers, and who is free.

    from tests.peers.graph_calendar import Calendars, routes
    with Graph(routes=routes) as graph:
        box = graph.user("ada@home.example").part(Calendars)
        box.add("Choir", "2026-10-18T18:30:00", zone="Europe/Berlin", minutes=60, repeats={…})

Written from https://learn.microsoft.com/graph/api/resources/calendar and what hangs on it. What is sent to guests and
organisers is delivered to the other accounts of the server, and noted in `box.mails`. As at Microsoft, a date of a
series comes thin in a delta, a repeated `transactionId` makes no second event, and a view's span is in its token.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.peers.graph import Answer, Asked, Feed, GraphError, Routes, User, delta
from tests.peers.graph_mail import matching

__all__ = ["Calendars", "Mail", "Series", "routes"]

_READ = ("Calendars.Read", "Calendars.ReadWrite")
_WRITE = ("Calendars.ReadWrite",)
_MOST_DATES = 1_500
_ZONES = {  # a few names of Windows, so that both kinds can be sent
    "UTC": "UTC", "W. Europe Standard Time": "Europe/Berlin", "Pacific Standard Time": "America/Los_Angeles",
    "GMT Standard Time": "Europe/London", "Eastern Standard Time": "America/New_York",
    "Romance Standard Time": "Europe/Paris", "Tokyo Standard Time": "Asia/Tokyo",
}  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHANGEABLE = {
    "subject", "body", "location", "start", "end", "isAllDay", "attendees", "recurrence", "isReminderOn",
    "reminderMinutesBeforeStart", "isOnlineMeeting", "onlineMeetingProvider", "showAs", "sensitivity", "categories",
    "allowNewTimeProposals", "importance", "transactionId", "responseRequested", "hideAttendees", "bodyPreview",
    "locations", "singleValueExtendedProperties",
}  # fmt: skip


@dataclass(frozen=True)
class Mail:
    """Something that Outlook mailed on behalf of an account."""

    kind: str
    to: str
    subject: str
    words: str = ""


@dataclass
class Series:
    """An event or a series as it is kept: `start` and `end` are naive times in `zone`; dates that differ by day."""

    id: str
    calendar: str
    values: dict[str, Any]
    start: datetime
    end: datetime
    zone: str
    uid: str
    organizer: str
    version: int = 1
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    answer: dict[str, str] = field(default_factory=lambda: {"response": "none", "time": "0001-01-01T00:00:00Z"})

    @property
    def repeats(self) -> bool:
        """Whether it is a series."""
        return bool(self.values.get("recurrence"))

    def days(self) -> Iterator[date]:
        """The days of a series, at most some years of them."""
        pattern, range_ = self.values["recurrence"]["pattern"], self.values["recurrence"]["range"]
        last = date.fromisoformat(range_["endDate"]) if range_["type"] == "endDate" else date.max
        left = range_["numberOfOccurrences"] if range_["type"] == "numbered" else _MOST_DATES
        for day in _steps(self.start.date(), pattern):
            if day > last or left <= 0:
                return
            left -= 1
            yield day


class Calendars:
    """What an account has of calendars. `online` are the providers of its online meetings; `personal` has no Teams."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.personal = False
        self.names: dict[str, dict[str, Any]] = {}
        self.events: dict[str, Series] = {}
        self.feeds: dict[str, Feed] = {}
        self.spans: dict[str, tuple[datetime, datetime]] = {}
        self.mails: list[Mail] = []
        self.told: dict[str, str] = {}
        self.usual = self.add_calendar("Calendar", usual=True)

    def add_calendar(
        self,
        name: str,
        *,
        usual: bool = False,
        writable: bool = True,
        owner: str = "",
        online: str = "teamsForBusiness",
    ) -> str:
        """A calendar, and its id."""
        found = f"AAMkCal-{secrets.token_hex(6)}="
        address = owner or self.user.address
        self.names[found] = {
            "id": found, "name": name, "color": "auto", "hexColor": "", "isDefaultCalendar": usual, "changeKey": "1",
            "canShare": writable, "canViewPrivateItems": True, "canEdit": writable, "isRemovable": not usual,
            "allowedOnlineMeetingProviders": [online] if online else [],
            "defaultOnlineMeetingProvider": online or "unknown", "isTallyingResponses": True,
            "owner": {"name": address.partition("@")[0].title(), "address": address},
        }  # fmt: skip
        self.feeds[found] = Feed()
        return found

    def remove_calendar(self, calendar: str) -> None:
        """Takes a calendar away with what is in it."""
        del self.names[calendar]
        self.events = {name: each for name, each in self.events.items() if each.calendar != calendar}

    def add(
        self,
        title: str,
        start: str,
        *,
        minutes: int = 60,
        zone: str = "UTC",
        calendar: str = "",
        repeats: dict[str, Any] | None = None,
        **values: Any,
    ) -> Series:
        """An event as another program of the owner would put it in."""
        begin = datetime.fromisoformat(start)
        end = begin + timedelta(minutes=minutes)
        times = {
            name: {"dateTime": each.isoformat(), "timeZone": zone} for name, each in (("start", begin), ("end", end))
        }
        rule = {"recurrence": repeats} if repeats else {}
        return self.create({"subject": title, **times, **rule, **values}, calendar or self.usual)

    def create(self, given: dict[str, Any], calendar: str) -> Series:
        """An event from the body of a request; its guests get it, unless it was created before."""
        marked = given.get("transactionId")
        for each in self.events.values():
            if marked and each.values.get("transactionId") == marked and each.organizer == self.user.address:
                return each
        made = self._made(given, calendar, organizer=self.user.address, uid=f"uid-{secrets.token_hex(8)}")
        made.answer = {"response": "organizer", "time": "0001-01-01T00:00:00Z"}
        self._deliver(made, "invitation", [each["emailAddress"]["address"] for each in made.values["attendees"]])
        return made

    def change(self, name: str, given: dict[str, Any]) -> None:
        """Changes an event, a series, or one date of it; guests hear of what others organise for them."""
        event, day = self.find(name)
        unknown = set(given) - _CHANGEABLE
        if unknown or "transactionId" in given:
            raise GraphError(400, "ErrorInvalidRequest", "The property is not one that can be changed.")
        before = {each["emailAddress"]["address"].lower() for each in event.values["attendees"]}
        if day:
            event.changed[day] = {**event.changed.get(day, {}), **copy.deepcopy(given)}
        else:
            self._set(event, given)
        self.touch(event, day)
        if event.organizer == self.user.address and set(given) - {"isReminderOn", "reminderMinutesBeforeStart"}:
            now = {each["emailAddress"]["address"].lower() for each in event.values["attendees"]}
            self._deliver(event, "update", sorted(now | before) if "attendees" not in given else sorted(now ^ before))

    def remove(self, name: str, *, words: str = "", tell: bool = True) -> None:
        """Takes an event out of the calendar, of a series all of it or one date; guests get a cancellation."""
        event, day = self.find(name)
        if day:
            event.gone.add(day)
            event.version += 1
            self.feeds[event.calendar].removed(name)
        else:
            for each in self._names_of(event):
                self.feeds[event.calendar].removed(each)
            self.feeds[event.calendar].removed(event.id)
            del self.events[event.id]
        if tell and event.organizer == self.user.address:
            for box, theirs in self._copies(event):
                if day:
                    theirs.changed[day] = {**theirs.changed.get(day, {}), "isCancelled": True}
                else:
                    theirs.values["isCancelled"] = True
                box.touch(theirs, day)
            for each in event.values["attendees"]:
                self.mails.append(Mail("cancellation", each["emailAddress"]["address"], self._title(event), words))

    def answer(self, name: str, given: dict[str, Any], response: str) -> None:
        """Answers an invitation."""
        event, day = self.find(name)
        if event.organizer == self.user.address:
            raise GraphError(400, "ErrorInvalidRequest", "Your request can't be completed. You are the organizer.")
        proposed = given.get("proposedNewTime")
        if proposed and (not event.values.get("allowNewTimeProposals", True) or response == "accepted"):
            raise GraphError(400, "ErrorInvalidRequest", "The organizer doesn't allow new time proposals.")
        answered = {"response": response, "time": self.user.graph.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        if day:
            event.changed[day] = {**event.changed.get(day, {}), "responseStatus": answered}
        else:
            event.answer = answered
        self.touch(event, day)
        if given.get("sendResponse", True):
            self.mails.append(Mail(response, event.organizer, self._title(event), str(given.get("comment") or "")))
            host = self.user.graph.users.get(event.organizer)
            theirs = (
                next((e for e in host.part(Calendars).events.values() if e.uid == event.uid), None) if host else None
            )
            if host and theirs is not None:
                for each in theirs.values["attendees"]:
                    if each["emailAddress"]["address"].lower() == self.user.address:
                        each["status"] = answered
                        each["proposedNewTime"] = proposed
                host.part(Calendars).touch(theirs, "")
        if response == "declined":
            self.remove(name, tell=False)

    def forward(self, name: str, given: dict[str, Any]) -> None:
        """Forwards an event; the organiser is told."""
        event, _ = self.find(name)
        people = [each["emailAddress"]["address"] for each in given.get("toRecipients") or ()]
        if not people:
            raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
        for each in people:
            self.mails.append(Mail("forward", each, self._title(event), str(given.get("comment") or "")))
        self._deliver(event, "", people)

    def touch(self, event: Series, day: str) -> None:
        """An event changed: its etag, and what deltas tell."""
        event.version += 1
        feed = self.feeds[event.calendar]
        feed.changed(event.id)
        for each in self._names_of(event) if not day else [f"{event.id}.{day}"]:
            feed.changed(each)

    def find(self, name: str) -> tuple[Series, str]:
        """The event of an id, and the day that it names."""
        base, _, day = name.partition(".")
        event = self.events.get(base)
        if event is None or (day and (day in event.gone or not event.repeats)):
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return event, day

    def dates(self, event: Series) -> Iterator[tuple[str, datetime, datetime]]:
        """The ids and times (UTC) of an event's dates."""
        if not event.repeats:
            yield event.id, *self.times(event, "")
            return
        for each in event.days():
            if (day := each.isoformat()) not in event.gone:
                yield f"{event.id}.{day}", *self.times(event, day)

    def times(self, event: Series, day: str) -> tuple[datetime, datetime]:
        """Start and end of an event or of a date of it, in UTC."""
        other = event.changed.get(day, {})
        if "start" in other:
            return _instant(other["start"]), _instant(other["end"])
        shift = timedelta()
        if day:
            shift = date.fromisoformat(day) - event.start.date()
        zone = ZoneInfo(_ZONES.get(event.zone, event.zone))
        if event.values.get("isAllDay"):
            zone = ZoneInfo("UTC")
        return tuple((each + shift).replace(tzinfo=zone).astimezone(UTC) for each in (event.start, event.end))  # type: ignore[return-value]  # two of them

    def shown(self, asked: Asked, name: str) -> dict[str, Any]:
        """An event, a series or a date, as Graph writes it."""
        event, day = self.find(name)
        other = event.changed.get(day, {})
        start, end = self.times(event, day)
        zone = asked.preference("outlook.timezone") or "UTC"
        kind = "seriesMaster" if event.repeats and not day else "singleInstance"
        if day:
            kind = "exception" if other else "occurrence"
        values = {**event.values, **{key: value for key, value in other.items() if key not in ("start", "end")}}
        own = event.organizer == self.user.address
        found = {
            "@odata.etag": f'W/"{event.version}"', "id": name, "changeKey": str(event.version), "iCalUId": event.uid,
            "createdDateTime": "2026-01-01T00:00:00Z", "lastModifiedDateTime": "2026-01-01T00:00:00Z",
            "subject": "", "bodyPreview": "", "body": {"contentType": "text", "content": ""}, "importance": "normal",
            "sensitivity": "normal", "showAs": "busy" if event.answer["response"] != "notResponded" else "tentative",
            "isAllDay": False, "isCancelled": False, "isDraft": False, "hasAttachments": False, "categories": [],
            "responseRequested": True, "allowNewTimeProposals": True, "hideAttendees": False, "isReminderOn": True,
            "reminderMinutesBeforeStart": 15, "isOnlineMeeting": False, "onlineMeetingProvider": "unknown",
            "onlineMeetingUrl": None, "onlineMeeting": None, "recurrence": None, "webLink": "https://outlook.example/",
            **values,
            "type": kind, "seriesMasterId": event.id if day else None, "isOrganizer": own,
            "responseStatus": other.get("responseStatus", event.answer), "originalStartTimeZone": event.zone,
            "originalEndTimeZone": event.zone, "organizer": _person(event.organizer),
            "start": _typed(start, zone), "end": _typed(end, zone),
        }  # fmt: skip
        if day:
            found["recurrence"] = None
        if found["isAllDay"]:
            found["start"], found["end"] = _typed(start, "UTC"), _typed(end, "UTC")
        if found["isOnlineMeeting"]:
            found["onlineMeeting"] = {"joinUrl": f"https://teams.example/l/{event.uid}"}
        found["body"] = {"contentType": "text", "content": str((found["body"] or {}).get("content") or "")}
        found.pop("singleValueExtendedProperties", None)
        return found

    def within(self, start: datetime, end: datetime, calendar: str) -> list[str]:
        """The ids of the dates that touch a span, earliest first."""
        found = [
            (begin, name)
            for event in self.events.values()
            if event.calendar == calendar
            for name, begin, until in self.dates(event)
            if begin < end and until > start
        ]
        return [name for _, name in sorted(found)]

    def _made(self, given: dict[str, Any], calendar: str, *, organizer: str, uid: str) -> Series:
        unknown = set(given) - _CHANGEABLE
        if unknown or "start" not in given or "end" not in given:
            raise GraphError(400, "ErrorInvalidRequest", "The request is malformed or incorrect.")
        zero = datetime(2000, 1, 1)  # noqa: DTZ001 - replaced at once
        made = Series(
            f"AAMkEvt-{secrets.token_hex(6)}=", calendar, {"attendees": []}, zero, zero, "UTC", uid, organizer
        )
        self._set(made, given)
        self.events[made.id] = made
        self.touch(made, "")
        return made

    def _set(self, event: Series, given: dict[str, Any]) -> None:
        given = copy.deepcopy(given)
        for name in ("start", "end"):
            if name in given:
                value = given.pop(name)
                _instant(value)
                event.zone = value["timeZone"]
                setattr(event, name, datetime.fromisoformat(value["dateTime"][:19]))
        if event.end <= event.start:
            raise GraphError(400, "ErrorPropertyValidationFailure", "The end must be after the start.")
        for each in given.get("attendees", ()):
            each.setdefault("type", "required")
            each["emailAddress"].setdefault("name", each["emailAddress"]["address"])
            each.setdefault("status", {"response": "none", "time": "0001-01-01T00:00:00Z"})
        if given.get("isAllDay") and (event.start.hour or event.end.hour):
            raise GraphError(400, "ErrorInvalidRequest", "An all day event must be from midnight to midnight.")
        event.values.update(given)
        event.values["subject"] = event.values.get("subject") or ""

    def _deliver(self, event: Series, kind: str, people: list[str]) -> None:
        """Puts a copy into the calendars of those who are here, and notes the mails."""
        invited = {each["emailAddress"]["address"].lower() for each in event.values["attendees"]}
        for address in people:
            if kind:
                what = kind if address.lower() in invited else "cancellation"
                self.mails.append(Mail(what, address, self._title(event)))
            user = self.user.graph.users.get(address.lower())
            if user is None or user is self.user:
                continue
            box = user.part(Calendars)
            theirs = next((each for each in box.events.values() if each.uid == event.uid), None)
            if theirs is None:
                given = {key: value for key, value in event.values.items() if key in _CHANGEABLE - {"transactionId"}}
                times = {"start": event.start, "end": event.end}
                stamps = {key: {"dateTime": value.isoformat(), "timeZone": event.zone} for key, value in times.items()}
                theirs = box._made({**given, **stamps}, box.usual, organizer=event.organizer, uid=event.uid)
                theirs.answer = {"response": "notResponded", "time": "0001-01-01T00:00:00Z"}
            else:
                theirs.values.update(copy.deepcopy(event.values))
                theirs.start, theirs.end, theirs.changed = event.start, event.end, copy.deepcopy(event.changed)
                box.touch(theirs, "")

    def _copies(self, event: Series) -> Iterator[tuple[Calendars, Series]]:
        for user in self.user.graph.users.values():
            box = user.part(Calendars)
            for each in list(box.events.values()):
                if each.uid == event.uid and user is not self.user:
                    yield box, each

    def _names_of(self, event: Series) -> list[str]:
        return [name for name, _, _ in self.dates(event)] if event.repeats else []

    def _title(self, event: Series) -> str:
        return str(event.values["subject"])


routes = Routes()


def _box(asked: Asked) -> Calendars:
    return asked.user.part(Calendars)


def _calendar(asked: Asked) -> str:
    box, name = _box(asked), asked.match.get("calendar", "")
    found = name or box.usual
    if found not in box.names:
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return found


def _span(asked: Asked) -> tuple[datetime, datetime]:
    given = {name.lower(): value for name, value in asked.query.items()}
    try:
        start, end = (datetime.fromisoformat(given[name]) for name in ("startdatetime", "enddatetime"))
    except (KeyError, ValueError) as error:
        raise GraphError(
            400, "ErrorInvalidParameter", "This request requires a time window specified by the query parameters."
        ) from error
    found = tuple(each if each.tzinfo else each.replace(tzinfo=UTC) for each in (start, end))
    if found[1] - found[0] > timedelta(days=1_825):
        raise GraphError(400, "ErrorCalendarViewRangeTooBig", "The requested time duration is too long.")
    return found[0], found[1]


def _paged(asked: Asked, names: list[str], wanted: str = "") -> Answer:
    items = [_box(asked).shown(asked, each) for each in names]
    items = matching(items, wanted) if wanted else items
    skip = int(asked.query["$skip"]) if asked.query.get("$skip", "").isdecimal() else 0
    top = asked.number("$top", asked.page_size(10), most=1000)
    body: dict[str, Any] = {"value": [asked.selected(each) for each in items[skip : skip + top]]}
    if skip + top < len(items):
        body["@odata.nextLink"] = asked.link(**{**asked.query, "$skip": str(skip + top)})
    return Answer(200, body)


@routes("GET", "/me/calendars", *_READ)
def _calendars(asked: Asked) -> Answer:
    return Answer(200, {"value": [asked.selected(each) for each in _box(asked).names.values()]})


@routes("GET", "/me/calendar", *_READ)
@routes("GET", "/me/calendars/{calendar}", *_READ)
def _one_calendar(asked: Asked) -> Answer:
    return Answer(200, asked.selected(_box(asked).names[_calendar(asked)]))


@routes("POST", "/me/calendar/getSchedule", *_READ)
def _schedules(asked: Asked) -> Answer:
    given, box = asked.json, _box(asked)
    if box.personal:
        raise GraphError(400, "ErrorInvalidRequest", "This operation is not supported for personal accounts.")
    start, end = _instant(given["startTime"]), _instant(given["endTime"])
    if end - start > timedelta(days=62):
        raise GraphError(400, "ErrorInvalidTimeInterval", "The requested time duration is too long.")
    return Answer(200, {"value": [_schedule(asked, each, start, end) for each in given["schedules"]]})


def _schedule(asked: Asked, address: str, start: datetime, end: datetime) -> dict[str, Any]:
    user = asked.graph.users.get(address.lower())
    if user is None:
        error = {"message": "Unable to resolve e-mail address.", "responseCode": "ErrorMailRecipientNotFound"}
        return {"scheduleId": address, "error": error}
    items = [
        {"isPrivate": False, "status": status, "subject": "hidden", "start": _typed(a, "UTC"), "end": _typed(b, "UTC")}
        for a, b, status in _taken(asked, user, start, end)
    ]
    hours = {
        "daysOfWeek": list(_DAYS[:5]), "startTime": "08:00:00.0000000", "endTime": "17:00:00.0000000",
        "timeZone": {"name": "W. Europe Standard Time"},
    }  # fmt: skip
    return {"scheduleId": address, "availabilityView": "", "scheduleItems": items, "workingHours": hours}


def _taken(asked: Asked, user: User, start: datetime, end: datetime) -> list[tuple[datetime, datetime, str]]:
    box = user.part(Calendars)
    shown = [(box.shown(asked, each), each) for each in box.within(start, end, box.usual)]
    return [(*box.times(*box.find(name)), str(each["showAs"])) for each, name in shown if each["showAs"] != "free"]


@routes("POST", "/me/findMeetingTimes", "Calendars.Read.Shared", "Calendars.ReadWrite.Shared")
def _meeting_times(asked: Asked) -> Answer:
    given = asked.json
    if _box(asked).personal:
        raise GraphError(400, "ErrorInvalidRequest", "This operation is not supported for personal accounts.")
    slots = (given.get("timeConstraint") or {}).get("timeSlots") or []
    if not slots:
        return Answer(200, {"emptySuggestionsReason": "unknown", "meetingTimeSuggestions": []})
    start, end = _instant(slots[0]["start"]), _instant(slots[0]["end"])
    typed = str(given.get("meetingDuration") or "PT30M").removeprefix("PT")
    hours, _, rest = typed.rpartition("H")
    length = timedelta(hours=int(hours or 0), minutes=int(rest.removesuffix("M") or 0))
    people = [each["emailAddress"]["address"] for each in given.get("attendees") or ()]
    users = [asked.user, *(asked.graph.users[each] for each in people if each in asked.graph.users)]
    taken = [span for user in users for span in _taken(asked, user, start, end)]
    found: list[dict[str, Any]] = []
    at = start
    while at + length <= end and len(found) < int(given.get("maxCandidates") or 20):
        if 8 <= at.hour < 17 and not any(a < at + length and b > at for a, b, _ in taken):
            guests = [{"attendee": _person(each), "availability": "free"} for each in people]
            slot = {"start": _typed(at, "UTC"), "end": _typed(at + length, "UTC")}
            found.append({
                "confidence": 100.0, "organizerAvailability": "free", "attendeeAvailability": guests,
                "meetingTimeSlot": slot, "locations": [],
            })  # fmt: skip
        at += timedelta(minutes=30)
    reason = "" if found else "attendeesUnavailable"
    return Answer(200, {"emptySuggestionsReason": reason, "meetingTimeSuggestions": found})


@routes("GET", "/me/calendarView/delta", *_READ)
@routes("GET", "/me/calendars/{calendar}/calendarView/delta", *_READ)
def _view_delta(asked: Asked) -> Answer:
    box, calendar = _box(asked), _calendar(asked)
    if "$select" in asked.query:
        raise GraphError(400, "ErrorInvalidParameter", "The parameter is not supported by change tracking.")
    token = asked.query.get("$skiptoken") or asked.query.get("$deltatoken") or ""
    span = box.spans.get(token) or _span(asked)

    def inside() -> list[str]:
        names = box.within(*span, calendar)
        return [*dict.fromkeys(each.partition(".")[0] for each in names if "." in each), *names]

    now = set(inside())

    def render(name: str) -> dict[str, Any] | None:
        if name not in now:
            return None
        found = box.shown(asked, name)
        if found["type"] != "occurrence":
            return found
        return {key: found[key] for key in ("@odata.etag", "id", "type", "seriesMasterId", "start", "end")}

    answer = delta(asked, box.feeds[calendar], inside, render, size=10)
    for name in ("@odata.nextLink", "@odata.deltaLink"):
        if link := answer.body.get(name):
            box.spans[link.rpartition("=")[2]] = span
    answer.body["value"] = [each for each in answer.body["value"] if each is not None]
    return answer


@routes("GET", "/me/calendarView", *_READ)
@routes("GET", "/me/calendar/calendarView", *_READ)
@routes("GET", "/me/calendars/{calendar}/calendarView", *_READ)
def _view(asked: Asked) -> Answer:
    return _paged(asked, _box(asked).within(*_span(asked), _calendar(asked)), asked.query.get("$filter", ""))


@routes("GET", "/me/events", *_READ)
@routes("GET", "/me/calendar/events", *_READ)
@routes("GET", "/me/calendars/{calendar}/events", *_READ)
def _events(asked: Asked) -> Answer:
    box, calendar = _box(asked), _calendar(asked)
    names = [each.id for each in box.events.values() if each.calendar == calendar or "calendar" not in asked.match]
    return _paged(asked, names, asked.query.get("$filter", ""))


@routes("POST", "/me/events", *_WRITE)
@routes("POST", "/me/calendar/events", *_WRITE)
@routes("POST", "/me/calendars/{calendar}/events", *_WRITE)
def _create(asked: Asked) -> Answer:
    box, calendar = _box(asked), _calendar(asked)
    if not box.names[calendar]["canEdit"]:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    return Answer(201, box.shown(asked, box.create(asked.json, calendar).id))


@routes("GET", "/me/events/{event}", *_READ)
@routes("GET", "/me/calendars/{calendar}/events/{event}", *_READ)
def _event(asked: Asked) -> Answer:
    return Answer(200, asked.selected(_box(asked).shown(asked, asked.match["event"])))


@routes("PATCH", "/me/events/{event}", *_WRITE)
@routes("PATCH", "/me/calendars/{calendar}/events/{event}", *_WRITE)
def _change(asked: Asked) -> Answer:
    box, name = _box(asked), asked.match["event"]
    event, _ = box.find(name)
    asked.check_match(f'W/"{event.version}"')
    box.change(name, asked.json)
    return Answer(200, box.shown(asked, name))


@routes("DELETE", "/me/events/{event}", *_WRITE)
@routes("DELETE", "/me/calendars/{calendar}/events/{event}", *_WRITE)
def _delete(asked: Asked) -> Answer:
    box, name = _box(asked), asked.match["event"]
    event, _ = box.find(name)
    asked.check_match(f'W/"{event.version}"')
    box.remove(name)
    return Answer(204)


@routes("GET", "/me/events/{event}/instances", *_READ)
def _instances(asked: Asked) -> Answer:
    box = _box(asked)
    event, _ = box.find(asked.match["event"])
    start, end = _span(asked)
    return _paged(asked, [name for name, begin, until in box.dates(event) if begin < end and until > start])


@routes("POST", "/me/events/{event}/cancel", *_WRITE)
def _cancel(asked: Asked) -> Answer:
    box, name = _box(asked), asked.match["event"]
    event, _ = box.find(name)
    if event.organizer != asked.user.address:
        raise GraphError(400, "ErrorInvalidRequest", "You're not the meeting organizer.")
    given = {key.lower(): value for key, value in asked.json.items()}
    box.remove(name, words=str(given.get("comment") or ""))
    return Answer(202)


def _answering(path: str, response: str) -> None:
    @routes("POST", f"/me/events/{{event}}/{path}", *_WRITE)
    def _answer(asked: Asked) -> Answer:
        _box(asked).answer(asked.match["event"], asked.json, response)
        return Answer(202)


_answering("accept", "accepted")
_answering("tentativelyAccept", "tentativelyAccepted")
_answering("decline", "declined")


@routes("POST", "/me/events/{event}/forward", *_WRITE)
def _forward(asked: Asked) -> Answer:
    _box(asked).forward(asked.match["event"], asked.json)
    return Answer(202)


def _steps(first: date, pattern: dict[str, Any]) -> Iterator[date]:
    kind, every = pattern["type"], int(pattern.get("interval") or 1)
    if kind == "daily":
        yield from (first + timedelta(days=every * each) for each in range(_MOST_DATES))
    elif kind == "weekly":
        monday = first - timedelta(days=first.weekday())
        on = sorted(_DAYS.index(each) for each in pattern["daysOfWeek"])
        for week in range(_MOST_DATES):
            days = (monday + timedelta(weeks=every * week, days=each) for each in on)
            yield from (each for each in days if each >= first)
    else:
        months = every * (12 if kind == "absoluteYearly" else 1)
        for each in range(120):
            total = first.month - 1 + months * each
            try:
                yield first.replace(year=first.year + total // 12, month=total % 12 + 1)
            except ValueError:
                continue


def _instant(value: dict[str, str]) -> datetime:
    zone = value.get("timeZone", "UTC")
    try:
        found = datetime.fromisoformat(value["dateTime"][:26].rstrip("Z"))
        return found.replace(tzinfo=found.tzinfo or ZoneInfo(_ZONES.get(zone, zone))).astimezone(UTC)
    except (KeyError, ValueError, OSError) as error:
        raise GraphError(400, "ErrorInvalidTimeZone", "A valid TimeZone value must be specified.") from error


def _typed(when: datetime, zone: str) -> dict[str, str]:
    local = when.astimezone(ZoneInfo(_ZONES.get(zone, zone)))
    return {"dateTime": f"{local:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone}


def _person(address: str) -> dict[str, Any]:
    return {"emailAddress": {"address": address, "name": address.partition("@")[0].title()}}
