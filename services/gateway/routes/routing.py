"""What a model outside the house may see of each source."""

from __future__ import annotations

from fastapi import APIRouter, Request

from services.gateway import views
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/routes", tags=["services"])


@router.get("")
async def routes(house: House, me: Me) -> list[views.Route]:
    """One's own rules that hold something back; a source that is not listed is `cloud_ok`."""
    return await house.routing.listing(me)


@router.put("/{source}")
async def choose_route(request: Request, source: str, draft: views.RouteDraft, house: House, me: Me) -> views.Route:
    """Chooses what models may see of an account (its id), of what you type (`own`), or of a sender (`from:…`).

    A laxer rule than before needs a fresh sign-in or the password.
    """
    return await house.routing.choose(me, source, draft, address=address_of(request))
