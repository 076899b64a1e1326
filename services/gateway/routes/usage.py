"""What the model costs, and what may be spent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from services.gateway import usage_views as views
from services.gateway.routes.doors import House, Me, Owner

__all__ = ["router"]

router = APIRouter(prefix="/api/usage", tags=["usage"])

_DAYS = 30


@router.get("")
async def usage(house: House, me: Me, days: Annotated[int, Query(ge=1, le=366)] = _DAYS) -> views.Usage:
    """What one spent on the model by day, what is left, and the limits; for the owner also those of the house."""
    return await house.accounting.usage(me, days=days)


@router.put("/limits")
async def set_limits(draft: views.LimitsDraft, house: House, me: Me) -> views.Usage:
    """Sets one's own limits; beyond what the owner of the house allows they change nothing."""
    await house.accounting.set_own(me, draft)
    return await house.accounting.usage(me, days=_DAYS)


@router.put("/limits/house")
async def set_house_limits(draft: views.HouseLimitsDraft, house: House, me: Owner) -> views.Usage:
    """Sets what the house may spend, each of its people, and single people in place of that."""
    await house.accounting.set_house(me, draft)
    return await house.accounting.usage(me, days=_DAYS)
