"""The tools about what others invite the user to: list, answer, propose another time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import Connection

from connectors.outlook_calendar import mirror
from connectors.outlook_calendar.account import local_zone, name_of, owner_of
from connectors.outlook_calendar.arguments import Comment, EventId
from connectors.outlook_calendar.card import connector
from connectors.outlook_calendar.changes import NOTES, UNSURE, act_once, fetched
from connectors.outlook_calendar.drafts import Chosen, chosen, clean, time_slot
from connectors.outlook_calendar.event_reads import unread
from connectors.outlook_calendar.events import MalformedError, read_event
from connectors.outlook_calendar.previews import preview_of
from connectors.outlook_calendar.views import InvitationAnswered, InvitationList, InvitationView, source_of, view_of
from openassistant.calendars.arguments import ANSWER_WORDS, ANSWERED, Answer, Answered, Start, Zone
from openassistant.calendars.views import notes_of, outside
from openassistant.connector import Context, Field, Preview
from openassistant.errors import DeadlineExceeded, InvalidRequest
from openassistant.formats.moments import Moment, moment, range_of, span_shown
from openassistant.messages import Call, ToolResult

__all__ = ["invitations_answer", "invitations_list", "invitations_propose"]

_ACTIONS: dict[str, str] = {"accept": "accept", "tentative": "tentativelyAccept", "decline": "decline"}
_MAILED, _QUIET = "Outlook mails the answer to the organiser.", "The organiser is not mailed."
_MOST = 50


@connector.tool(effect="read", capability="read")
async def invitations_list(
    ctx: Context,
    zone: Zone = None,
    *,
    answered: Answered = False,
) -> InvitationList:
    """List what others have invited the user to in this account and is not over: new and cancelled.

    The id of a series is for all its dates.
    """
    owner, now, local = owner_of(ctx), ctx.now(), await local_zone(ctx, zone)

    def read(connection: Connection) -> InvitationList:
        found = []
        for each in mirror.invitations(connection, owner, now):
            open_ = each.event.answer == "open" or (each.event.cancelled and each.event.answer != "declined")
            organizer = each.event.organizer
            if organizer is None or not (answered or open_):
                continue
            found.append(
                InvitationView(
                    **dict(view_of(each, local)),
                    organizer=outside(organizer.shown, source_of(each.event)),
                    state="cancelled" if each.event.cancelled else "new",
                    times_may_be_proposed=each.event.proposals,
                )
            )
        cut = f"Only the first {_MOST} are shown." if len(found) > _MOST else ""
        note = notes_of(cut, unread(mirror.calendars(connection, owner)))
        return InvitationList(invitations=found[:_MOST], note=note)

    return await ctx.store.read(read)


@connector.tool(effect="send", capability="write")
async def invitations_answer(
    ctx: Context,
    event: EventId,
    answer: Annotated[Answer, Field(description="The user's answer")],
    comment: Comment = None,
    *,
    tell: Annotated[bool, Field(description="False notes the answer without a mail to the organiser")] = True,
) -> InvitationAnswered:
    """Answer an invitation, with or without a word to the organiser, who is mailed.

    The id of one date of a series answers that date alone; the id of the series all of it.
    """
    found = await _asked(ctx, event, answer, comment, tell=tell)
    body: dict[str, Any] = {"sendResponse": tell}
    if comment:
        body["comment"] = clean(comment, 2_000)
    await act_once(ctx, found, _ACTIONS[answer], body)
    return _done(event, ANSWERED[answer], tell=tell)


@invitations_answer.preview
async def preview_answer(ctx: Context, event: str, answer: Answer, comment: str | None, *, tell: bool) -> Preview:
    """What is answered, to whom, and whether anybody is told."""
    found = await _asked(ctx, event, answer, comment, tell=tell)
    verb, confirm = ANSWER_WORDS[answer]
    return _shown(
        found,
        verb,
        confirm,
        await name_of(ctx),
        rows={"Answer until now": found.event.answer, "Mail": "" if tell else _QUIET},
        content=clean(comment or "", 2_000),
        tell=tell,
    )


@invitations_answer.reconcile
async def look_for_answer(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the answer in the event, given after what stood there before."""
    given = invitations_answer.parse(call.arguments)
    if not await _was_answered(ctx, call, ANSWERED[given["answer"]]):
        return None
    return invitations_answer.result(_done(given["event"], ANSWERED[given["answer"]], tell=given["tell"]))


@connector.tool(effect="send", capability="write")
async def invitations_propose(
    ctx: Context,
    event: EventId,
    start: Start,
    end: Annotated[str | None, Field(description="As start; without it the length stays", max_length=40)] = None,
    zone: Zone = None,
    comment: Comment = None,
    *,
    decline: Annotated[bool, Field(description="Decline the time as it is, instead of accepting tentatively")] = False,
) -> InvitationAnswered:
    """Propose another time to the organiser of an invitation, who is mailed and decides."""
    found, times = await _proposed(ctx, event, start, end, zone)
    body: dict[str, Any] = {"sendResponse": True, "proposedNewTime": time_slot(*times, await local_zone(ctx, zone))}
    if comment:
        body["comment"] = clean(comment, 2_000)
    answer: Answer = "decline" if decline else "tentative"
    await act_once(ctx, found, _ACTIONS[answer], body)
    return _done(event, ANSWERED[answer], tell=True)


@invitations_propose.preview
async def preview_proposal(
    ctx: Context, event: str, start: str, end: str | None, zone: str | None, comment: str | None, *, decline: bool
) -> Preview:
    """Which time is proposed instead of which, and to whom."""
    found, times = await _proposed(ctx, event, start, end, zone)
    answer = "declined" if decline else "maybe"
    return _shown(
        found,
        "Propose another time",
        "Propose",
        await name_of(ctx),
        rows={"Proposed": span_shown(*times), "Answer": answer, "Answer until now": found.event.answer},
        content=clean(comment or "", 2_000),
        tell=True,
    )


@invitations_propose.reconcile
async def look_for_proposal(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the answer that went with the proposal."""
    given = invitations_propose.parse(call.arguments)
    answer = ANSWERED["decline" if given["decline"] else "tentative"]
    if not await _was_answered(ctx, call, answer):
        return None
    return invitations_propose.result(_done(given["event"], answer, tell=True))


async def _asked(ctx: Context, event: str, answer: Answer, comment: str | None, *, tell: bool) -> Chosen:
    found = await _invited(ctx, event)
    if not tell and comment:
        raise InvalidRequest("A comment goes by mail: leave it out, or let the organiser be told.")
    if found.event.answer == ANSWERED[answer] and not comment:
        raise InvalidRequest(f"The user's answer to that is {found.event.answer} already.")
    return found


async def _invited(ctx: Context, event: str) -> Chosen:
    found = await chosen(ctx, event)
    if found.event.own or found.event.organizer is None:
        raise InvalidRequest("The user organises that event, so there is nothing to answer.")
    if found.event.cancelled:
        raise InvalidRequest("That event was called off, so there is nothing to answer; delete it with events_delete.")
    return found


async def _proposed(
    ctx: Context, event: str, start: str, end: str | None, zone: str | None
) -> tuple[Chosen, tuple[Moment, Moment]]:
    found = await _invited(ctx, event)
    if not found.event.proposals:
        raise InvalidRequest("The organiser wants no other times proposed for this event.")
    if found.event.kind == "master":
        raise InvalidRequest("Propose another time for one date: give its id, as events_list gives it.")
    local = await local_zone(ctx, zone)
    first = moment(start, "start", local)
    if end is not None:
        return found, range_of(first, moment(end, "end", local))
    was = found.event
    if isinstance(first, datetime) and isinstance(was.start, datetime) and isinstance(was.end, datetime):
        return found, (first, first + (was.end - was.start))
    return found, range_of(first, None)


async def _was_answered(ctx: Context, call: Call, answer: str) -> bool:
    """Whether Outlook holds an answer that was given after the call began; raises when that cannot be told."""
    note = await NOTES.recall(ctx, call.id)
    if note is None:
        return False
    raw = await fetched(ctx, note.ref)
    if raw is None:
        if answer == "declined":
            return True  # Outlook takes out of the calendar what was declined
        raise DeadlineExceeded(UNSURE)
    try:
        event = read_event(raw)
    except MalformedError as error:
        raise DeadlineExceeded(UNSURE) from error
    before = note.before.get("responseStatus")
    if raw.get("responseStatus") == before:
        return False
    if event.answer == answer:
        return True
    raise DeadlineExceeded(UNSURE)


def _shown(
    found: Chosen, verb: str, confirm: str, account: str, *, rows: dict[str, str], content: str, tell: bool
) -> Preview:
    organizer = found.event.organizer
    return preview_of(
        found,
        verb=verb,
        confirm=confirm,
        account=account,
        told=(organizer,) if organizer and tell else (),
        rows=rows,
        content=content,
    )


def _done(event: str, answer: str, *, tell: bool) -> InvitationAnswered:
    return InvitationAnswered(id=event, answer=answer, note=_MAILED if tell else _QUIET)
