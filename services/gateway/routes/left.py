"""What left the house: to where, how much, of what, under which call."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from openassistant.messages import Id
from services.gateway import left_views as views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["audit"])

Zone = Annotated[str, Query(max_length=64, description="The IANA name of the time zone whose days are meant")]


@router.get("/left")
async def left(
    house: House,
    me: Me,
    since: Annotated[date | None, Query(alias="from", description="The first day; 30 days before the last")] = None,
    until: Annotated[date | None, Query(description="The last day; today")] = None,
    zone: Zone = "UTC",
) -> views.Left:
    """Bytes of one's own by day and place, whose text went to models, and for the owner what the proxy counted."""
    return await house.left.report(me, since, until, zone)


@router.get("/left/entries")
async def entries(
    house: House,
    me: Me,
    day: date,
    host: Annotated[str, Query(max_length=255)],
    port: Annotated[int, Query(ge=0, le=65535)],
    zone: Zone = "UTC",
    before: Annotated[int | None, Query(ge=0)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> views.LeftPage:
    """The records behind one day's bytes to and from one place, newest first."""
    return await house.left.entries(me, day, host, port, zone, before=before, limit=limit)


@router.get("/conversations/{conversation}/left")
async def of_conversation(conversation: Id, house: House, me: Me) -> list[views.LeftEntry]:
    """What left in a conversation, by the records of its calls and of its questions to a model, newest first."""
    return await house.left.of(me, conversation)
