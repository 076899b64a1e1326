"""What can be done without a model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from openassistant.messages import Id
from services.gateway import look_views, views
from services.gateway.routes.doors import EVENTS, House, Me, answered

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["commands"])


@router.get("/commands")
async def commands(
    house: House, me: Me, zone: Annotated[str | None, Query(max_length=64)] = None
) -> list[views.Command]:
    """The commands that one's connected accounts serve now; `zone` says which day is today in their forms."""
    return await house.commands.listing(me, zone=zone)


@router.post("/conversations/{conversation}/commands", status_code=202, response_model=views.Accepted, responses=EVENTS)
async def run_command(conversation: Id, draft: views.CommandDraft, request: Request, house: House, me: Me) -> Response:
    """Runs a command as a turn without a model; answered as a message is. A wrong field is named in a 422."""
    return await answered(request, house, me, conversation, lambda: house.commands.run(me, conversation, draft))


@router.post("/conversations/{conversation}/changes", status_code=202, response_model=views.Accepted, responses=EVENTS)
async def change_one(
    conversation: Id, draft: look_views.ChangeDraft, request: Request, house: House, me: Me
) -> Response:
    """Changes what a look opened, as a turn without a model; 422 names a wrong field, 409 says that nobody can."""
    return await answered(request, house, me, conversation, lambda: house.commands.change(me, conversation, draft))


@router.post(
    "/conversations/{conversation}/calls/{call}/undo", status_code=202, response_model=views.Accepted, responses=EVENTS
)
async def undo_call(
    conversation: Id,
    call: Id,
    request: Request,
    house: House,
    me: Me,
    zone: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Takes back what a call did, as a turn without a model; 409 where that has no undo."""
    return await answered(
        request, house, me, conversation, lambda: house.commands.undo(me, conversation, call, zone=zone)
    )
