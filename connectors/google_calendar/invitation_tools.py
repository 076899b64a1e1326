"""The tools about what others invite the user to: list, and answer."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import Connection

from connectors.google_calendar import mirror
from connectors.google_calendar.account import local_zone, name_of, owner_of
from connectors.google_calendar.arguments import Comment, EventId
from connectors.google_calendar.card import connector
from connectors.google_calendar.changes import answer_once
from connectors.google_calendar.drafts import Chosen, chosen
from connectors.google_calendar.event_reads import unread
from connectors.google_calendar.events import clean
from connectors.google_calendar.lookups import find_answer
from connectors.google_calendar.previews import preview_of
from connectors.google_calendar.series import latest
from connectors.google_calendar.views import InvitationAnswered, InvitationList, InvitationView, source_of, view_of
from openassistant.calendars.arguments import ANSWER_WORDS, ANSWERED, Answer, Answered, Zone
from openassistant.calendars.views import notes_of, outside
from openassistant.connector import Context, Field, Preview
from openassistant.errors import InvalidRequest
from openassistant.formats.moments import aware
from openassistant.messages import Call, ToolResult

__all__ = ["invitations_answer", "invitations_list"]

_MAILED = "Google tells the organiser."
_MOST, _LONGEST = 50, 1_000


@connector.tool(effect="read", capability="read")
async def invitations_list(
    ctx: Context,
    zone: Zone = None,
    *,
    answered: Answered = False,
) -> InvitationList:
    """List what others have invited the user to in this account and is not over.

    The id of a series is for all its dates.
    """
    owner, now, local = owner_of(ctx), ctx.now(), await local_zone(ctx, zone)

    def read(connection: Connection) -> InvitationList:
        found = []
        for kept in mirror.invitations(connection, owner, now):
            date = latest(kept.event, kept.singles, now, local)
            if date.organizer is None or aware(date.end, local) <= now or kept.event.status == "cancelled":
                continue
            if answered or date.answer == "open":
                whole = date._replace(original=None) if kept.event.recurrence else date
                organizer = outside(date.organizer.shown, source_of(date))
                found.append(InvitationView(**dict(view_of(kept, whole, local)), organizer=organizer))
        found.sort(key=lambda each: each.start)
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
) -> InvitationAnswered:
    """Answer an invitation, with or without a word to the organiser, who is told.

    The id of one date of a series answers that date alone; the id of the series all of it.
    """
    found = await _asked(ctx, event, answer, comment)
    await answer_once(ctx, found, ANSWERED[answer], clean(comment or "", _LONGEST))
    return InvitationAnswered(id=event, answer=ANSWERED[answer], note=_MAILED)


@invitations_answer.preview
async def preview_answer(ctx: Context, event: str, answer: Answer, comment: str | None) -> Preview:
    """What is answered, and to whom."""
    found = await _asked(ctx, event, answer, comment)
    verb, confirm = ANSWER_WORDS[answer]
    return preview_of(
        found,
        verb=verb,
        confirm=confirm,
        account=await name_of(ctx),
        told=found.event.others,
        rows={"Answer until now": found.event.answer},
        content=clean(comment or "", _LONGEST),
    )


@invitations_answer.reconcile
async def look_for_answer(ctx: Context, call: Call) -> ToolResult | None:
    """Looks for the answer in the event, where another stood before."""
    given = invitations_answer.parse(call.arguments)
    answer = ANSWERED[given["answer"]]
    if not await find_answer(ctx, call.id, answer, clean(given["comment"] or "", _LONGEST)):
        return None
    return invitations_answer.result(InvitationAnswered(id=given["event"], answer=answer, note=_MAILED))


async def _asked(ctx: Context, event: str, answer: Answer, comment: str | None) -> Chosen:
    found = await chosen(ctx, event)
    if found.event.own:
        raise InvalidRequest("The user organises that event, so there is nothing to answer.")
    if found.event.answer == "none":
        raise InvalidRequest("The user is no guest of that event, so there is nothing to answer.")
    if found.event.answer == ANSWERED[answer] and not comment:
        raise InvalidRequest(f"The user's answer to that is {found.event.answer} already.")
    return found
