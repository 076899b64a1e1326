"""Copies of the house: whether they are made, and what became of the newest."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway import views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api/copies", tags=["copies"])


@router.get("")
async def state(house: House, me: Me) -> views.Copies:
    """When the house was last copied and found sound, what is wrong where it was not, and what it was restored from."""
    return await house.copies.state()
