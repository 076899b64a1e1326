"""Changes at Google, each once; `lookups` finds out what came of those that were interrupted.

A new event gets an id made of the call's: a second request for it answers 409, and it is found by that id. A change
carries the call's id in a private property of the event, and the etag of what was looked at (`If-Match`). What is
deleted shows as such; an answer to an invitation shows among the guests.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.google_calendar import mirror
from connectors.google_calendar.account import api_of, owner_of, segment
from connectors.google_calendar.drafts import Changes, Chosen, Draft, attendee, when
from connectors.google_calendar.events import MARK, Event, MalformedError, held_by, private_of, read_event
from connectors.google_calendar.mirror import KeptCalendar
from connectors.google_calendar.series import dates_before, ended_before, following, shifted_rules
from openassistant.acts import call_id
from openassistant.calendars.notes import Note, Notes
from openassistant.connector import Context
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError, UpstreamFailed

__all__ = [
    "NEW", "NOTES", "answer_once", "calendar_of", "change_once", "create_once", "delete_once", "discard", "end_once",
    "event_id", "fetched", "gone", "landed", "mine_in", "move_once", "patch", "split_once", "take",
]  # fmt: skip

NOTES = Notes("google_calendar")
NEW = ":new"
"""Appended to a call's id: the note of the series that a division makes."""
_MEET = "1"
"""`conferenceDataVersion`: that conference data is understood, and may be made."""


def event_id(call: str) -> str:
    """The id of what a call creates: base32hex, which is what Google takes (RFC 2938, 3.1.2)."""
    return "oa" + base64.b32hexencode(call.encode()).decode().rstrip("=").lower()


async def create_once(ctx: Context, draft: Draft) -> str:
    """Creates an event and takes it into the mirror; gives its key."""
    call, calendar = call_id(ctx), draft.calendar
    await NOTES.begin(ctx, call, Note(calendar.ref, event_id(call), {}))
    body = dict(draft.body)
    if draft.meet:
        body["conferenceData"] = _meeting(call)
    raw = await _insert(ctx, calendar, body, told=bool(draft.guests))
    return await landed(ctx, call, calendar, raw)


async def change_once(ctx: Context, found: Chosen, changes: Changes, *, meet: bool) -> None:
    """Changes an event, or one date of a series, as long as it is what was shown; raises `Conflict` where it is not."""
    call, calendar = call_id(ctx), found.kept.calendar
    before = await _shown(ctx, found)
    body = _with_guests(changes, before)
    if meet:
        body["conferenceData"] = _meeting(call)
    await NOTES.begin(ctx, call, Note(calendar.ref, found.ref, {name: before.get(name) for name in body}))
    raw = await patch(ctx, calendar, before, body, told=bool(changes.told))
    await landed(ctx, call, calendar, raw)


async def split_once(ctx: Context, found: Chosen, changes: Changes) -> str:
    """Ends a series before one of its dates, and goes on with another from there; gives the new one's key.

    The new one comes first: whatever breaks off between leaves a date too many, which is found and removed, and none
    missing.
    """
    call, calendar, event = call_id(ctx), found.kept.calendar, found.event
    assert event.original is not None, "a date of a series has its time in it"
    before = await _shown(ctx, found)
    master = read_event(before, calendar.ref)
    ended = ended_before(master, event.original)
    await NOTES.begin(ctx, call, Note(calendar.ref, found.ref, {"recurrence": before.get("recurrence")}))
    await NOTES.begin(ctx, call + NEW, Note(calendar.ref, event_id(call), {}))
    body = _following(found, before, changes, dates_before(master, found.date))
    new = await _insert(ctx, calendar, body, told=bool(changes.told))
    try:
        old = await patch(ctx, calendar, before, {"recurrence": ended}, told=bool(changes.told))
    except (Conflict, NotFound):
        await discard(ctx, calendar, str(new.get("id")))
        raise
    await landed(ctx, call, calendar, old)
    return await landed(ctx, call + NEW, calendar, new)


async def end_once(ctx: Context, found: Chosen, *, told: bool) -> None:
    """Ends a series before one of its dates."""
    call, calendar, event = call_id(ctx), found.kept.calendar, found.event
    assert event.original is not None, "a date of a series has its time in it"
    before = await _shown(ctx, found)
    body = {"recurrence": ended_before(read_event(before, calendar.ref), event.original)}
    await NOTES.begin(ctx, call, Note(calendar.ref, found.ref, {"recurrence": before.get("recurrence")}))
    await landed(ctx, call, calendar, await patch(ctx, calendar, before, body, told=told))


async def delete_once(ctx: Context, found: Chosen, *, told: bool) -> None:
    """Deletes an event, or one date of a series; `told` mails its guests."""
    call, calendar, api = call_id(ctx), found.kept.calendar, await api_of(ctx)
    before = await _shown(ctx, found)
    await NOTES.begin(ctx, call, Note(calendar.ref, found.ref, {"status": before.get("status")}))
    try:
        await api.send("DELETE", _path(calendar, found.ref), params=_updates(told), headers=_matching(before))
    except NotFound:
        pass  # it was there a moment ago, so the first of two requests did it
    await gone(ctx, calendar, before)


async def move_once(ctx: Context, found: Chosen, into: KeptCalendar, *, told: bool) -> str:
    """Moves an event into another calendar of the account; gives its key there."""
    call, calendar, api = call_id(ctx), found.kept.calendar, await api_of(ctx)
    before = await _shown(ctx, found)
    await NOTES.begin(ctx, call, Note(into.ref, found.ref, {"calendar": calendar.ref}))
    params = {"destination": into.ref, **_updates(told)}
    raw = await api.call("POST", f"{_path(calendar, found.ref)}/move", params=params, headers=_matching(before))
    await ctx.store.write(partial(mirror.remove, calendar=calendar, refs=[found.ref], seen=None))
    return await landed(ctx, call, into, raw)


async def answer_once(ctx: Context, found: Chosen, answer: str, comment: str) -> None:
    """Answers an invitation; its organiser is told."""
    call, calendar = call_id(ctx), found.kept.calendar
    before = await _shown(ctx, found)
    mine = mine_in(before, calendar)
    if mine is None:
        raise InvalidRequest("The user is no guest of that event, so there is nothing to answer.")
    known = {name: mine.get(name) for name in ("responseStatus", "comment")}
    await NOTES.begin(ctx, call, Note(calendar.ref, found.ref, known))
    wanted = {"email": mine.get("email"), "responseStatus": answer, **({"comment": comment} if comment else {})}
    body = {"attendees": [wanted], "attendeesOmitted": True}
    raw = await patch(ctx, calendar, before, body, told=True, mark=False)
    await landed(ctx, call, calendar, raw)


async def patch(
    ctx: Context,
    calendar: KeptCalendar,
    before: Mapping[str, Any],
    body: Mapping[str, Any],
    *,
    told: bool,
    mark: bool = True,
) -> dict[str, Any]:
    """Changes properties of an event that still is `before`, and marks it with the call; gives it as it is then."""
    api, ref = await api_of(ctx), str(before.get("id"))
    wanted = dict(body)
    if mark:
        wanted["extendedProperties"] = {"private": {**private_of(before), MARK: call_id(ctx)}}
    params = {**_updates(told), "conferenceDataVersion": _MEET}
    return await api.call("PATCH", _path(calendar, ref), params=params, json=wanted, headers=_matching(before))


async def fetched(ctx: Context, calendar: KeptCalendar, ref: str) -> dict[str, Any] | None:
    """An event as Google has it, deleted ones as such; None for one that it does not know."""
    try:
        return await (await api_of(ctx)).get(_path(calendar, ref))
    except NotFound:
        return None


async def take(ctx: Context, calendar: KeptCalendar, raw: Mapping[str, Any]) -> str:
    """Takes an event as Google gave it into the mirror, a series with the dates that differ; gives its key."""
    now, ref = ctx.now(), str(raw.get("id"))
    await ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=[raw], now=now))
    if raw.get("recurrence") and isinstance(raw.get("iCalUID"), str):
        try:
            listed = await _series(ctx, calendar, str(raw["iCalUID"]), ref)
        except OaError:
            pass  # it was done; what became of its single dates comes with the next sync
        else:
            await ctx.store.write(partial(mirror.put_series, calendar=calendar, series=ref, raw=listed, now=now))
    return mirror.key_of(calendar, ref)


async def calendar_of(ctx: Context, ref: str) -> KeptCalendar:
    """A calendar of the account by Google's id; raises `NotFound`."""
    owner = owner_of(ctx)
    return await ctx.store.read(lambda connection: mirror.calendar_of(connection, owner, ref))


async def _series(ctx: Context, calendar: KeptCalendar, uid: str, ref: str) -> list[dict[str, Any]]:
    api, found = await api_of(ctx), list[dict[str, Any]]()
    async for page in api.pages(_list(calendar), iCalUID=uid, showDeleted="true", maxResults="250"):
        listed = page.get("items")
        found += [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    found = [each for each in found if each.get("id") == ref or each.get("recurringEventId") == ref]
    if not any(each.get("id") == ref for each in found):
        raise UpstreamFailed("Google does not list that series.")
    return found


async def _insert(ctx: Context, calendar: KeptCalendar, body: Mapping[str, Any], *, told: bool) -> dict[str, Any]:
    call, api = call_id(ctx), await api_of(ctx)
    private = {"extendedProperties": {"private": {MARK: call}}}
    params = {**_updates(told), "conferenceDataVersion": _MEET}
    try:
        return await api.call("POST", _list(calendar), params=params, json={**body, "id": event_id(call), **private})
    except Conflict as error:  # Google has it already
        raw = await fetched(ctx, calendar, event_id(call))
        if raw is None or raw.get("status") == "cancelled":
            raise Conflict("It was created before, and is deleted by now, so nothing was done.") from error
        return raw


async def _shown(ctx: Context, found: Chosen) -> dict[str, Any]:
    """What a call reaches as Google has it now; raises `Conflict` where it is not what was shown of it."""
    calendar = found.kept.calendar
    before = await fetched(ctx, calendar, found.ref)
    if before is None or before.get("status") == "cancelled":
        await gone(ctx, calendar, before or {"id": found.ref})
        raise NotFound("Google does not know that event any more.")
    try:
        now = read_event(before, calendar.ref)
    except MalformedError as error:
        raise UpstreamFailed("Google answered with something else than was asked for.") from error
    if _seen(now._replace(recurrence=now.recurrence or found.reached.recurrence)) != _seen(found.reached):
        await take(ctx, calendar, before)
        raise Conflict("It was changed in Google Calendar meanwhile, so nothing was done. Look again.")
    return before


def _seen(event: Event) -> tuple[object, ...]:
    people = frozenset(each.address for each in event.guests)
    return event.title, event.start, event.end, event.place, event.notes, people, event.own, event.recurrence


def _with_guests(changes: Changes, before: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a change; guests who stay keep what Google knows of them, and so do the user and rooms."""
    body = dict(changes.body)
    if changes.guests is not None:
        listed = before.get("attendees")
        known = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
        wanted = {each.address: attendee(each) for each in changes.guests}
        stays = [
            each
            for each in known
            if str(each.get("email")).lower() in wanted or each.get("self") is True or each.get("resource") is True
        ]
        there = {str(each.get("email")).lower() for each in stays}
        body["attendees"] = [*stays, *(guest for address, guest in wanted.items() if address not in there)]
    return body


def _following(found: Chosen, before: Mapping[str, Any], changes: Changes, earlier: int) -> dict[str, Any]:
    """The series that goes on from a date: as it was, changed."""
    original = found.event.original
    assert original is not None, "a date of a series has its time in it"
    names = ("summary", "location", "description", "reminders", "transparency", "visibility", "colorId", "attendees")
    body = {name: before[name] for name in names if before.get(name) is not None}
    master = read_event(before)
    begin = original if changes.start is None else changes.start
    if changes.start is None:
        length = master.end - master.start
        body |= {"start": when(original), "end": when(original + length)}
    body |= _with_guests(changes, before)
    body["recurrence"] = shifted_rules(following(master, original, earlier), original, begin)
    return body


async def discard(ctx: Context, calendar: KeptCalendar, ref: str) -> None:
    """Deletes a series that was made in vain; guests who were invited to it are told."""
    try:
        await (await api_of(ctx)).send("DELETE", _path(calendar, ref), params=_updates(told=True))
    except NotFound:
        pass  # it was never made, or is deleted already


async def landed(ctx: Context, name: str, calendar: KeptCalendar, raw: Mapping[str, Any]) -> str:
    """Writes down what a change left at Google, and takes it into the mirror; gives its key."""
    await NOTES.end(ctx, name, held=held_by(raw))
    return await take(ctx, calendar, raw)


async def gone(ctx: Context, calendar: KeptCalendar, before: Mapping[str, Any]) -> None:
    """What is deleted leaves the mirror; a date of a series stays there as one that is called off."""
    raw = {**before, "status": "cancelled"}
    await ctx.store.write(partial(mirror.put_events, calendar=calendar, raw=[raw], now=ctx.now()))


def mine_in(raw: Mapping[str, Any], calendar: KeptCalendar) -> dict[str, Any] | None:
    """The user among the guests of an event."""
    listed = raw.get("attendees")
    known = [each for each in (listed if isinstance(listed, list) else []) if isinstance(each, dict)]
    own = [each for each in known if each.get("self") is True]
    own += [each for each in known if str(each.get("email")).lower() == calendar.ref.lower()]
    return own[0] if own else None


def _meeting(call: str) -> dict[str, Any]:
    """Asks for a Google Meet conference; the same request asks for the same one."""
    return {"createRequest": {"requestId": event_id(call), "conferenceSolutionKey": {"type": "hangoutsMeet"}}}


def _updates(told: bool) -> dict[str, str]:  # noqa: FBT001 - a word of Google's own
    return {"sendUpdates": "all" if told else "none"}


def _matching(raw: Mapping[str, Any]) -> dict[str, str]:
    return {"If-Match": str(raw["etag"])} if raw.get("etag") else {}


def _list(calendar: KeptCalendar) -> str:
    return f"calendars/{segment(calendar.ref)}/events"


def _path(calendar: KeptCalendar, ref: str) -> str:
    return f"{_list(calendar)}/{segment(ref)}"
