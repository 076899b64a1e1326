"""The tools about what others invite the user to: which there are, an answer, and putting in what came by mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Annotated, Any, NamedTuple

from sqlalchemy import Connection

from connectors.caldav import mirror, undoing
from connectors.caldav.account import account_of, owner_of
from connectors.caldav.arguments import CalendarName, EventId
from connectors.caldav.card import connector
from connectors.caldav.changes import create_once, find_created, replace_once, was_replaced
from connectors.caldav.compose import times_of
from connectors.caldav.drafts import Chosen, found_event
from connectors.caldav.event_reads import unread
from connectors.caldav.events import Event, latest, pick
from connectors.caldav.invitations import (
    Answer,
    Asked,
    Letter,
    answer_in,
    answered_object,
    asked_in,
    filed_object,
    is_kept_by_server,
    read_letter,
)
from connectors.caldav.mirror import Kept, KeptCalendar
from connectors.caldav.objects import DamagedError, clean, rules_of, text_in
from connectors.caldav.places import Place, as_named, calendar_named, place_of, zone_of
from connectors.caldav.previews import account_name
from connectors.caldav.views import (
    EventSaved,
    InvitationAnswered,
    InvitationList,
    InvitationView,
    source_of,
    times_shown,
    view_of,
)
from openassistant.acts import call_id
from openassistant.calendars.arguments import ANSWER_WORDS, ANSWERED, Answered, Zone
from openassistant.calendars.previews import EXTENTS, event_preview, fields_of
from openassistant.calendars.views import notes_of, outside
from openassistant.connector import Context, Field, Preview
from openassistant.errors import Forbidden, InvalidRequest
from openassistant.formats.moments import span_shown
from openassistant.messages import Call, OutsideSource, ToolResult

__all__ = ["invitations_answer", "invitations_file", "invitations_list"]

_SERVER_TELLS = "The calendar server tells the organiser."
_NOBODY_TELLS = (
    "This calendar server tells nobody. The organiser hears of an answer by mail: answer the mail with the invitation."
)
_NOTED = "This calendar server tells nobody: the answer is noted here, and the organiser does not hear of it."

_Answer = Annotated[Answer, Field(description="The user's answer")]
_Ics = Annotated[
    str, Field(description="The invitation's `ics`, as reading the mail gave it, unchanged", max_length=60_000)
]


class _Filing(NamedTuple):
    """What a letter becomes: into which calendar, over what ("" for a new event), and the text."""

    place: Place
    letter: Letter
    kept: Kept | None
    calendar: KeptCalendar | None
    content: str


@connector.tool(effect="read")
async def invitations_list(
    ctx: Context,
    zone: Zone = None,
    *,
    answered: Answered = False,
) -> InvitationList:
    """List what others have invited the user to in this calendar account and is not over: new, changed, cancelled.

    The id of a series is for all its dates. Invitations that came by mail alone are in the mail.
    """
    place, now = await place_of(ctx), ctx.now()
    local = zone_of(place, zone)

    def read(connection: Connection) -> InvitationList:
        others = {each.id for each in place.calendars if each.owners}
        kept = [each for each in mirror.with_guests(connection, owner_of(ctx), now) if each.calendar not in others]
        found = sorted(_invitations(kept, place.own, now, local), key=lambda each: (each[2].start, each[0].id))
        views = [
            _view(each, asked, event, local, place.own)
            for each, asked, event in found
            if answered or asked.answer == "open" or (asked.cancelled and asked.answer != "declined")
        ]
        told = _SERVER_TELLS if place.profile.invites else _NOBODY_TELLS
        cut = f"Only the first {_MOST} are shown." if len(views) > _MOST else ""
        return InvitationList(invitations=views[:_MOST], told=told, note=notes_of(cut, unread(place)))

    return await ctx.store.read(read)


_MOST = 50


@connector.tool(effect="send")
async def invitations_answer(
    ctx: Context,
    event: EventId,
    answer: _Answer,
    comment: Annotated[str | None, Field(description="A word to the organiser", max_length=2_000)] = None,
) -> InvitationAnswered:
    """Answer an invitation that is in the calendar. The organiser hears of it where the calendar server says so.

    The id of one date of a series answers that date alone; the part before "_" answers the whole series.
    """
    found = await _asked(ctx, event)
    content = _answered(found, answer, comment, mark=call_id(ctx), now=ctx.now())
    await replace_once(ctx, found.place.account, found.kept, content, recurrence=found.date)
    return _done(found, event, answer)


@invitations_answer.preview
async def preview_answer(ctx: Context, event: str, answer: Answer, comment: str | None) -> Preview:
    """What is answered, to whom, and whether anybody is told."""
    found = await _asked(ctx, event)
    _answered(found, answer, comment, mark="", now=ctx.now())
    verb, confirm = ANSWER_WORDS[answer]
    organizer, shown = found.event.organizer, found.event
    rows = {
        "Event": shown.title or "(no title)",
        "When": span_shown(*times_of(found.kept.text, found.date)),
        "Extent": EXTENTS["this" if found.date else "all"] if shown.recurrence else "",
        "Place": shown.place,
        "Answer until now": answer_in(found.kept.text, found.date, found.place.own),
        "Calendar": found.kept.calendar_name,
    }
    return event_preview(
        rows,
        source_of(found.kept, found.event, found.place.own),
        verb=verb,
        confirm=confirm,
        account=account_name(found.place),
        told=[organizer] if organizer else [],
        content=clean(comment or "", 2_000),
        warnings=() if _is_told(found) else (_NOTED,),
    )


@invitations_answer.reconcile
async def look_for_answer(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark, or for the answer itself, in the event."""
    given = invitations_answer.parse(call.arguments)
    event, answer = given["event"], given["answer"]
    place, (_, _, recurrence) = await place_of(ctx), event.partition("_")

    def holds(text: str) -> bool:
        return answer_in(text, recurrence, place.own) == ANSWERED[answer]

    if not await was_replaced(ctx, place.account, call.id, holds=holds):
        return None
    return invitations_answer.result(_done(await found_event(ctx, event), event, answer))


@connector.tool(effect="write")
async def invitations_file(
    ctx: Context,
    ics: _Ics,
    answer: Annotated[Answer | None, Field(description="What the user has answered by mail")] = None,
    calendar: CalendarName = None,
) -> EventSaved:
    """Put an invitation, an update or a cancellation that came by mail into the calendar. It tells nobody.

    To accept an invitation from a mail: answer that mail, and propose this beside it with the same answer. An update
    or cancellation changes the event that is there; one that is older than the calendar's version is refused.
    """
    filing = await _filing(ctx, ics, answer, calendar, mark=call_id(ctx))
    account, content = filing.place.account, filing.content
    if filing.kept is not None:
        await replace_once(ctx, account, filing.kept, content)
        return await _saved(ctx, filing.kept.key)
    assert filing.calendar is not None, "a new event has a calendar"
    return await _saved(ctx, await create_once(ctx, account, filing.calendar, content, uid=filing.letter.uid))


@invitations_file.preview
async def preview_filing(ctx: Context, ics: str, answer: Answer | None, calendar: str | None) -> Preview:
    """The event as the letter has it, beside what the calendar holds now."""
    filing = await _filing(ctx, ics, answer, calendar, mark="")
    letter, kept, first = filing.letter, filing.kept, filing.letter.parts[0]
    verb, confirm = "Put an invitation into the calendar", "Put in"
    if kept is not None:
        verb, confirm = "Bring an event up to date", "Update"
    if letter.method == "CANCEL":
        verb, confirm = "Mark an event as called off", "Mark"
    organizer = letter.organizer
    rows = {
        "Event": " ".join(text_in(first, "SUMMARY", 500).split()) or "(no title)",
        "When": _when(letter),
        "Extent": "" if letter.is_whole else "single dates of a series",
        "Until now": span_shown(*times_of(kept.text, "")) if kept and letter.method != "CANCEL" else "",
        "Repeats": " ".join(each.to_ical().decode()[:200] for each in rules_of(first)),
        "Place": text_in(first, "LOCATION", 500),
        "Organiser": organizer.shown if organizer else "",
        "Answer": ANSWERED[answer] if answer else "",
        "Calendar": kept.calendar_name if kept else filing.calendar.name if filing.calendar else "",
    }
    return Preview(
        verb=verb,
        confirm=confirm,
        account=account_name(filing.place),
        fields=fields_of(rows),
        content=text_in(first, "DESCRIPTION", 20_000) if letter.method != "CANCEL" else "",
        outside=(_letter_source(letter),),
    )


@invitations_file.reconcile
async def look_for_filed(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the call's mark in the event that was there, or for a new one with the invitation's UID."""
    place, letter = await place_of(ctx), read_letter(invitations_file.parse(call.arguments)["ics"])
    if await undoing.has_replaced(ctx, call.id):
        if not await was_replaced(ctx, place.account, call.id):
            return None
        kept = (await _with_uid(ctx, letter.uid))[0]
        return invitations_file.result(await _saved(ctx, kept.key))
    calendars = [each for each in place.calendars if each.writable and each.events]
    key = await find_created(ctx, place.account, calendars, call.id, uid=letter.uid)
    return None if key is None else invitations_file.result(await _saved(ctx, key))


@invitations_file.undo
async def undo_filing(ctx: Context, call: Call, _: Any) -> None:
    """Puts the former event back, or removes what is new."""
    account = await account_of(ctx)
    if await undoing.has_replaced(ctx, call.id):
        await undoing.put_back(ctx, account, call.id)
    else:
        await undoing.remove_created(ctx, account, call.id)


def _invitations(
    kept: list[Kept], own: tuple[str, ...], now: datetime, zone: tzinfo
) -> Iterator[tuple[Kept, Asked, Event]]:
    """What of these objects the user is invited to and is not over; what cannot be read is left out."""
    for each in kept:
        try:
            for asked in asked_in(each.text, own):
                heavy = each.state != "whole"
                event = (
                    pick(each.text, asked.recurrence, now, zone, heavy=heavy)
                    if asked.recurrence
                    else latest(each.text, now, zone, heavy=heavy)
                )
                if event is not None and event.end >= now:
                    yield each, asked, event
        except DamagedError:
            continue


def _view(kept: Kept, asked: Asked, event: Event, zone: tzinfo, own: tuple[str, ...]) -> InvitationView:
    plain = view_of(kept, event, zone, own)
    state = "cancelled" if asked.cancelled else "changed" if asked.sequence else "new"
    assert event.organizer is not None, "somebody invited"
    organizer = outside(event.organizer.shown, source_of(kept, event, own))
    fields = {**dict(plain), "id": f"{kept.key}_{asked.recurrence}" if asked.recurrence else kept.key}
    return InvitationView(**fields, organizer=organizer, answer=asked.answer, state=state)


async def _asked(ctx: Context, event: str) -> Chosen:
    found = await found_event(ctx, event)
    if not found.kept.writable:
        raise Forbidden("Its calendar is read-only, so it cannot be answered there.")
    return found


def _answered(found: Chosen, answer: Answer, comment: str | None, *, mark: str, now: datetime) -> str:
    own, text = found.place.own, found.kept.text
    if answer_in(text, found.date, own) == ANSWERED[answer] and not comment:
        raise InvalidRequest(f"The user's answer to that is {ANSWERED[answer]} already.")
    return answered_object(text, found.date, own, answer, clean(comment or "", 2_000), mark=mark, now=now)


def _is_told(found: Chosen) -> bool:
    """Whether the calendar server tells the organiser: not of an invitation that came by mail and was put in here."""
    return found.place.profile.invites and is_kept_by_server(found.kept.text)


def _done(found: Chosen, event: str, answer: Answer) -> InvitationAnswered:
    note = _SERVER_TELLS if _is_told(found) else _NOBODY_TELLS
    return InvitationAnswered(id=event, answer=ANSWERED[answer], note=note)


async def _with_uid(ctx: Context, uid: str) -> list[Kept]:
    owner = owner_of(ctx)
    return await ctx.store.read(lambda connection: mirror.with_uid(connection, owner, uid))


async def _filing(ctx: Context, ics: str, answer: Answer | None, calendar: str | None, *, mark: str) -> _Filing:
    """What a letter becomes of which event; raises `InvalidRequest`, `Conflict`, `Forbidden`."""
    place, letter = await place_of(ctx), read_letter(ics)
    if letter.organizer is not None and letter.organizer.address in place.own:
        raise InvalidRequest("The user organises that event; change it with events_update.")
    known = [each for each in await _with_uid(ctx, letter.uid) if each.state != "damaged"]
    kept = known[0] if known else None
    if kept is not None and not kept.writable:
        raise Forbidden("Its calendar is read-only.")
    if kept is not None and place.profile.invites and is_kept_by_server(kept.text):
        raise InvalidRequest(
            "The calendar server keeps that event up to date by itself. Answer it with the calendar's"
            f" invitations_answer, event {kept.key}."
        )
    into = calendar_named(place.calendars, calendar) if kept is None else None
    before = kept.text if kept else ""
    quiet = place.profile.invites
    content = filed_object(letter, before, place.own, answer, quiet=quiet, mark=mark, now=ctx.now())
    return _Filing(place, letter, kept, into, content)


async def _saved(ctx: Context, event: str) -> EventSaved:
    found = await found_event(ctx, event)
    local = zone_of(found.place, None, found.kept.calendar_name)
    start, end = times_shown(found.event, found.event.start.tzinfo or local)
    calendar = as_named(ctx, found.kept.calendar_name)
    return EventSaved(id=event, uid=found.event.uid, start=start, end=end, calendar=calendar)


def _when(letter: Letter) -> str:
    return "; ".join(span_shown(each.start, each.end) for each in letter.parts[:10])


def _letter_source(letter: Letter) -> OutsideSource:
    if letter.organizer is None:
        return OutsideSource(source="a calendar file from a mail")
    address = letter.organizer.address
    return OutsideSource(source=f"an invitation that says to be from {address}", authors=(address,))
