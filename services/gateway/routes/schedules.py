"""What is to be done at given times."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import schedule_views as views
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/schedules", tags=["schedules"])


@router.get("")
async def schedules(house: House, me: Me) -> list[views.Schedule]:
    """One's own living schedules, newest first."""
    return await house.schedules.listing(me)


@router.post("", status_code=201)
async def make_schedule(request: Request, draft: views.ScheduleDraft, house: House, me: Me) -> views.Schedule:
    """Signs a schedule; needs a fresh sign-in or the password."""
    return await house.schedules.make(me, draft, address=address_of(request))


@router.post("/times")
async def schedule_times(draft: views.WhenDraft, house: House, me: Me) -> views.ScheduleTimes:
    """When a draft would run; nothing is kept."""
    return house.schedules.times(draft)


@router.get("/proposals")
async def schedule_proposals(house: House, me: Me) -> list[views.ScheduleProposal]:
    """What the assistant proposes as schedules, newest first; nothing of it runs."""
    return await house.schedules.proposals(me)


@router.delete("/proposals/{proposal}", status_code=204)
async def dismiss_proposal(proposal: Id, house: House, me: Me) -> Response:
    """Takes a proposal away."""
    await house.schedules.dismiss(me, proposal)
    return Response(status_code=204)


@router.put("/{schedule}")
async def change_schedule(
    schedule: Id, request: Request, draft: views.ScheduleDraft, house: House, me: Me
) -> views.Schedule:
    """Signs a schedule anew, as it is drafted; needs a fresh sign-in or the password."""
    return await house.schedules.change(me, schedule, draft, address=address_of(request))


@router.post("/{schedule}/pause")
async def pause_schedule(schedule: Id, house: House, me: Me) -> views.Schedule:
    """Leaves out its runs until it is resumed."""
    return await house.schedules.pause(me, schedule, paused=True)


@router.post("/{schedule}/resume")
async def resume_schedule(schedule: Id, house: House, me: Me) -> views.Schedule:
    """Goes on with the next time that comes; what was left out is not made up for."""
    return await house.schedules.pause(me, schedule, paused=False)


@router.post("/{schedule}/run", status_code=202)
async def run_schedule(schedule: Id, house: House, me: Me) -> views.ScheduleRun:
    """Runs it now, under what was signed, beside its times."""
    return await house.runs.now(me, schedule)


@router.delete("/{schedule}", status_code=204)
async def end_schedule(schedule: Id, house: House, me: Me) -> Response:
    """Ends a schedule at once, with what its run does at this moment."""
    await house.runs.end(me, schedule)
    return Response(status_code=204)
