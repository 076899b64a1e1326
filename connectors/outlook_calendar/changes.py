"""Changes at Graph, each once, and how they are looked up.

A creation carries the call's id as its `transactionId`, by which Graph makes one event of two requests and by which it
is found again. A change goes out with the etag of what was shown (`If-Match`); whether it was done shows in what the
event holds. The etag alone does not tell: Exchange gives a new one when it puts a property of its own into an event.
An answer shows in the event's `responseStatus`, with its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.account import api_of, iri, owner_of
from connectors.outlook_calendar.drafts import Chosen, Draft
from connectors.outlook_calendar.events import Event, MalformedError, held_by, read_event
from connectors.outlook_calendar.mirror import Kept, KeptCalendar
from connectors.outlook_calendar.zones import iana_of
from openassistant.acts import call_id
from openassistant.calendars.notes import CHANGED, Note, Notes, usable
from openassistant.connector import Context
from openassistant.errors import Conflict, DeadlineExceeded, NotFound, OaError, UpstreamFailed

__all__ = [
    "NOTES", "UNSURE", "act_once", "change_once", "create_once", "delete_once", "fetched", "find_changed",
    "find_created", "is_listed", "noted", "remove_created", "restore", "take",
]  # fmt: skip

NOTES = Notes("outlook_calendar")
UNSURE = "Somebody changed that event meanwhile, so it cannot be told whether this was done."
_MOST_DATES = 10
_A_DAY = timedelta(days=1)


async def create_once(ctx: Context, draft: Draft) -> Kept:
    """Creates an event and takes it into the mirror."""
    api, call = await api_of(ctx), call_id(ctx)
    await NOTES.begin(ctx, call, Note(draft.calendar.ref, "", draft.body))
    body = {**draft.body, "transactionId": call}
    try:
        raw = await api.call("POST", f"me/calendars/{iri(draft.calendar.ref)}/events", json=body)
    except Conflict:  # Graph knows the transaction already
        if (found := await find_created(ctx, call)) is not None:
            return found
        raise
    return await _landed(ctx, call, draft.calendar, raw)


async def find_created(ctx: Context, call: str) -> Kept | None:
    """The event that a call created, found by its transaction; None when there is none."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        return None
    calendar = await _calendar(ctx, note.calendar)
    api, start = await api_of(ctx), _start(note.before)
    async for page in api.pages(f"me/calendars/{iri(note.calendar)}/events", {"$filter": _about(start)}):
        for raw in page.get("value") or []:
            if isinstance(raw, dict) and raw.get("transactionId") == call:
                return await _landed(ctx, call, calendar, raw)
    return None


async def remove_created(ctx: Context, call: str) -> None:
    """Deletes what a call created; raises `Conflict` when it was changed or removed since."""
    note = usable(await NOTES.recall(ctx, call), "created")
    api, calendar = await api_of(ctx), await _calendar(ctx, note.calendar)
    headers = await _unchanged(ctx, note)
    try:
        await api.send("DELETE", f"me/events/{iri(note.ref)}", headers=headers)
    except (Conflict, NotFound) as error:
        raise Conflict(CHANGED) from error
    await ctx.store.write(partial(mirror.remove, calendar=calendar, refs=[note.ref], seen=None))


async def change_once(ctx: Context, found: Chosen, body: Mapping[str, Any]) -> Kept:
    """Changes an event as long as it is what was shown; raises `Conflict` where it is not."""
    api, event = await api_of(ctx), found.event
    before = await api.get(f"me/events/{iri(event.ref)}")
    await _require_same(ctx, found, before)
    kept = {name: before[name] for name in (*body, "@odata.etag") if name in before}
    was = {**kept, "wanted": dict(body), "held": held_by(before)}
    await NOTES.begin(ctx, call_id(ctx), Note(found.kept.calendar.ref, event.ref, was))
    raw = await api.call("PATCH", f"me/events/{iri(event.ref)}", json=dict(body), headers=_matching(before))
    return await _landed(ctx, call_id(ctx), found.kept.calendar, raw)


async def find_changed(ctx: Context, call: str) -> Kept | None:
    """The event as a call changed it; None when it did not. Raises `DeadlineExceeded` when that cannot be told."""
    note = await NOTES.recall(ctx, call)
    if note is None:
        return None
    raw = await fetched(ctx, note.ref)
    if raw is None:
        raise DeadlineExceeded(UNSURE)
    if raw.get("@odata.etag") == note.before.get("@odata.etag") or held_by(raw) == note.before["held"]:
        return None
    if not all(_same(raw.get(name), value) for name, value in note.before["wanted"].items()):
        raise DeadlineExceeded(UNSURE)
    return await _landed(ctx, call, await _calendar(ctx, note.calendar), raw)


async def restore(ctx: Context, call: str) -> None:
    """Puts back what a call changed; raises `Conflict` when the event was changed since."""
    note = usable(await NOTES.recall(ctx, call))
    wanted = note.before["wanted"]
    body = {name: value for name, value in note.before.items() if name in wanted}
    if body.get("onlineMeetingProvider") == "unknown":
        del body["onlineMeetingProvider"]
    api, calendar = await api_of(ctx), await _calendar(ctx, note.calendar)
    headers = await _unchanged(ctx, note)
    try:
        raw = await api.call("PATCH", f"me/events/{iri(note.ref)}", json=body, headers=headers)
    except (Conflict, NotFound) as error:
        raise Conflict(CHANGED) from error
    await take(ctx, calendar, raw)


async def delete_once(ctx: Context, found: Chosen, *, comment: str | None = None, cancel: bool = False) -> None:
    """Deletes an event, or calls it off, which mails its guests."""
    api, event = await api_of(ctx), found.event
    before = await fetched(ctx, event.ref)
    if before is None:
        raise NotFound("Outlook does not know that event any more.")
    await _require_same(ctx, found, before)
    await noted(ctx, found, before)
    if cancel:
        body = {"comment": comment} if comment else {}
        await api.send("POST", f"me/events/{iri(event.ref)}/cancel", json=body)
    else:
        await api.send("DELETE", f"me/events/{iri(event.ref)}", headers=_matching(before))
    calendar = found.kept.calendar
    await ctx.store.write(partial(mirror.remove, calendar=calendar, refs=[event.ref], seen=None))


async def act_once(ctx: Context, found: Chosen, action: str, body: Mapping[str, Any]) -> None:
    """Does something with an event that reaches others: an answer, a proposal, a forward."""
    api, event = await api_of(ctx), found.event
    before = await api.get(f"me/events/{iri(event.ref)}")
    await _require_same(ctx, found, before)
    await noted(ctx, found, before)
    await api.send("POST", f"me/events/{iri(event.ref)}/{action}", json=dict(body))
    try:
        after = await fetched(ctx, event.ref)
    except OaError:
        return  # it was done; the next sync sees what came of it
    if after is None:
        await ctx.store.write(partial(mirror.remove, calendar=found.kept.calendar, refs=[event.ref], seen=None))
    else:
        await take(ctx, found.kept.calendar, after)


async def noted(ctx: Context, found: Chosen, before: Mapping[str, Any]) -> None:
    """Writes down what an event is before something is done with it."""
    names = ("@odata.etag", "responseStatus", "start", "end", "isAllDay", "type", "seriesMasterId")
    kept = {name: before[name] for name in names if name in before}
    await NOTES.begin(ctx, call_id(ctx), Note(found.kept.calendar.ref, found.event.ref, kept))


async def fetched(ctx: Context, ref: str) -> dict[str, Any] | None:
    """An event as Graph has it; None for one that it does not know."""
    try:
        return await (await api_of(ctx)).get(f"me/events/{iri(ref)}")
    except NotFound:
        return None


async def is_listed(ctx: Context, note: Note) -> bool:
    """Whether an event still stands in its calendar.

    Its id alone does not tell: what was deleted lies in a folder for a while, and an id that stays may lead there.
    """
    raw = await fetched(ctx, note.ref)
    if raw is None or raw.get("isCancelled") is True:
        return False
    try:
        event = read_event(raw)
    except MalformedError as error:
        raise UpstreamFailed("Microsoft answered with something else than was asked for.") from error
    start = (
        event.start if isinstance(event.start, datetime) else datetime.combine(event.start, datetime.min.time(), UTC)
    )
    folder = f"me/calendars/{iri(note.calendar)}"
    if event.kind in ("occurrence", "exception"):
        path, params = (
            f"{folder}/calendarView",
            {
                "startDateTime": f"{start - _A_DAY:%Y-%m-%dT%H:%M:%SZ}",
                "endDateTime": f"{start + _A_DAY * 2:%Y-%m-%dT%H:%M:%SZ}",
            },
        )
    else:  # a view shows dates alone, and the first one of a series may be gone
        path, params = f"{folder}/events", {"$filter": _about(start)}
    try:
        async for page in (await api_of(ctx)).pages(path, params):
            if any(isinstance(each, dict) and each.get("id") == note.ref for each in page.get("value") or []):
                return True
    except NotFound:
        return False
    return False


async def take(ctx: Context, calendar: KeptCalendar, raw: Mapping[str, Any]) -> Kept | None:
    """Takes an event as Graph gave it into the mirror, a series with its coming dates."""
    await ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=[raw], seen=None))
    if raw.get("type") == "seriesMaster":
        try:
            await _take_dates(ctx, calendar, str(raw.get("id")))
        except OaError:
            pass  # it was done; its dates come with the next sync
    ref, owner = str(raw.get("id")), owner_of(ctx)
    key = mirror.key_of(owner, ref)
    return await ctx.store.read(lambda c: mirror.event_of(c, owner, key))


async def _unchanged(ctx: Context, note: Note) -> dict[str, str]:
    """The headers of a request about an event that still is what a change left; raises `Conflict` where it is not."""
    raw = await fetched(ctx, note.ref)
    if raw is None or held_by(raw) != note.held:
        raise Conflict(CHANGED)
    return _matching(raw)


def _matching(raw: Mapping[str, Any]) -> dict[str, str]:
    return {"If-Match": str(raw["@odata.etag"])} if raw.get("@odata.etag") else {}


async def _require_same(ctx: Context, found: Chosen, before: Mapping[str, Any]) -> None:
    """Raises `Conflict` where an event is not what was shown of it: what, when, where, and whom it reaches."""
    try:
        now = read_event(before)
    except MalformedError as error:
        raise UpstreamFailed("Microsoft answered with something else than was asked for.") from error
    if _shown_of(now) != _shown_of(found.event):
        await take(ctx, found.kept.calendar, before)
        raise Conflict("It was changed in Outlook meanwhile, so nothing was done. Look again.")


def _shown_of(event: Event) -> tuple[object, ...]:
    people = frozenset(each.address for each in event.guests)
    return event.title, event.start, event.end, event.place, people, event.own, event.cancelled


async def _take_dates(ctx: Context, calendar: KeptCalendar, ref: str) -> None:
    api = await api_of(ctx)
    begin, end = (datetime.fromtimestamp(each, UTC) for each in (calendar.first, calendar.last))
    if end <= begin:
        return
    span = {"startDateTime": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "endDateTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    found: list[dict[str, Any]] = []
    count = 0
    async for page in api.pages(f"me/events/{iri(ref)}/instances", span):
        found += [each for each in page.get("value") or [] if isinstance(each, dict)]
        count += 1
        if count >= _MOST_DATES:
            break
    else:
        there = {str(each.get("id")) for each in found}
        await ctx.store.write(partial(mirror.keep_dates, calendar=calendar, series=ref, refs=there))
    await ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=found, seen=None))


async def _landed(ctx: Context, call: str, calendar: KeptCalendar, raw: Mapping[str, Any]) -> Kept:
    await NOTES.end(ctx, call, ref=str(raw.get("id") or ""), held=held_by(raw))
    kept = await take(ctx, calendar, raw)
    if kept is None:
        raise UpstreamFailed("Microsoft stored the event, and answered with something else.")
    return kept


async def _calendar(ctx: Context, ref: str) -> KeptCalendar:
    owner = owner_of(ctx)
    return await ctx.store.read(lambda c: mirror.calendar_of(c, owner, ref))


def _about(start: datetime) -> str:
    """What starts about then, in whichever zone Graph compares."""
    begin, end = start - 2 * _A_DAY, start + 2 * _A_DAY
    return f"start/dateTime ge '{begin:%Y-%m-%dT%H:%M:%S}' and start/dateTime lt '{end:%Y-%m-%dT%H:%M:%S}'"


def _start(body: Mapping[str, Any]) -> datetime:
    """The start in the body of a request, in UTC."""
    zone = iana_of(str(body["start"]["timeZone"])) or "UTC"
    return datetime.fromisoformat(str(body["start"]["dateTime"])).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _same(found: Any, wanted: Any) -> bool:
    """Whether Graph holds what was asked for: it adds properties, and writes times in another zone."""
    if isinstance(wanted, dict) and "dateTime" in wanted:
        return isinstance(found, dict) and _instant(found) == _instant(wanted)
    if isinstance(wanted, dict) and "content" in wanted:
        held = found.get("content") if isinstance(found, dict) else None
        return isinstance(held, str) and held.split() == str(wanted["content"]).split()
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in ("recurrenceTimeZone", "name") or _same(found.get(name), value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return False
        return all(any(_same(held, each) for held in found) for each in wanted)
    if isinstance(wanted, str) and isinstance(found, str):
        return found.casefold() == wanted.casefold()
    return bool(found == wanted)


def _instant(value: Mapping[str, Any]) -> datetime | str:
    try:
        zone = iana_of(str(value.get("timeZone"))) or "UTC"
        return datetime.fromisoformat(str(value["dateTime"])[:19]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (KeyError, ValueError):
        return ""
