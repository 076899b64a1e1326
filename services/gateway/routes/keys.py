"""The house's keys: how they are, and new ones."""

from __future__ import annotations

from fastapi import APIRouter, Request

from services.gateway import key_views as views
from services.gateway.routes.doors import House, Owner, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/keys", tags=["keys"])


@router.get("")
async def keys(house: House, me: Owner) -> views.Keys:
    """How the keys of the house are, and how far their replacement is."""
    return await house.rotations.state()


@router.post("/rotate", status_code=202)
async def rotate(request: Request, draft: views.KeyRotationDraft, house: House, me: Owner) -> views.Keys:
    """Replaces keys while the house runs, by its owner with the password; calls that come meanwhile wait a moment."""
    return await house.rotations.begin(me, draft.keys, draft.password, address=address_of(request))
