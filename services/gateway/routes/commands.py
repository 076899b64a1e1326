"""What can be done without a model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from openassistant.messages import Id, TurnAccepted
from services.gateway import views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["commands"])

_STREAM = "text/event-stream"
_EVENTS: dict[int | str, dict[str, object]] = {
    200: {"description": "AG-UI 1.0 events", "content": {_STREAM: {"schema": {"type": "string"}}}}
}


@router.get("/commands")
async def commands(
    house: House, me: Me, zone: Annotated[str | None, Query(max_length=64)] = None
) -> list[views.Command]:
    """The commands that one's connected accounts serve now; `zone` says which day is today in their forms."""
    return await house.commands.listing(me, zone=zone)


@router.post(
    "/conversations/{conversation}/commands", status_code=202, response_model=views.Accepted, responses=_EVENTS
)
async def run_command(conversation: Id, draft: views.CommandDraft, request: Request, house: House, me: Me) -> Response:
    """Runs a command as a turn without a model; answered as a message is. A wrong field is named in a 422."""
    return _answered(await house.commands.run(me, conversation, draft), conversation, request, house, me)


@router.post(
    "/conversations/{conversation}/calls/{call}/undo", status_code=202, response_model=views.Accepted, responses=_EVENTS
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
    return _answered(await house.commands.undo(me, conversation, call, zone=zone), conversation, request, house, me)


def _answered(accepted: TurnAccepted, conversation: str, request: Request, house: House, me: Me) -> Response:
    if _STREAM in request.headers.get("accept", ""):
        return house.streams.run(me, conversation, accepted)
    return JSONResponse({"turn": accepted.turn}, 202)
