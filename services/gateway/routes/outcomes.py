"""What nobody can tell the outcome of, and its owner's word about it."""

from __future__ import annotations

from fastapi import APIRouter

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api/outcomes", tags=["approvals"])


@router.get("")
async def doubts(house: House, me: Me) -> views.Doubts:
    """One's own calls of which nobody can tell whether they were done, oldest first."""
    return await house.outcomes.listing(me)


@router.post("/{call}")
async def settle(call: Id, draft: views.WordDraft, house: House, me: Me) -> views.Outcome:
    """Looks again, or says what happened: once, for the record. Nothing is done by it."""
    return await house.outcomes.settle(me, call, draft.says)


@router.post("/{call}/again", status_code=202)
async def again(call: Id, house: House, me: Me, zone: str | None = None) -> views.Accepted:
    """Puts the same to its owner as a new question, where it was not done; nothing is repeated without his yes."""
    return views.Accepted(turn=(await house.outcomes.again(me, call, zone=zone)).turn)
