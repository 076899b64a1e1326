"""One's own data: how much of it there is, and that all of it goes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.gateway import views
from services.gateway.routes.doors import House, Me, address_of, drop_cookie

__all__ = ["router"]

router = APIRouter(prefix="/api/data", tags=["data"])


@router.get("")
async def holdings(house: House, me: Me) -> list[views.Holding]:
    """What each room holds of oneself, largest first."""
    return await house.erasing.holdings(me)


@router.post("/erase", status_code=202)
async def erase(request: Request, draft: views.EraseDraft, house: House, me: Me) -> Response:
    """Removes oneself from this house, with everything; the password is asked for each time, and nothing undoes it."""
    await house.erasing.begin(me, draft.password, address=address_of(request))
    response = Response(status_code=202)
    drop_cookie(request, response)
    return response
