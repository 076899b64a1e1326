"""What can still be taken back."""

from __future__ import annotations

from fastapi import APIRouter

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api/undoable", tags=["approvals"])


@router.get("")
async def undoable(house: House, me: Me) -> list[views.Undoable]:
    """What is held before it goes out, and what was done within a week and has a way back; newest first."""
    return await house.undoables.listing(me)


@router.post("/{call}")
async def take_back(call: Id, house: House, me: Me, zone: str | None = None) -> views.Undoing:
    """Takes one back: at once where it is held, else by a call of its own that the policy may ask about."""
    return await house.undoables.take_back(me, call, zone=zone)
