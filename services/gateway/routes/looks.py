"""Looking into one's services without a conversation: one request for each account, so that none waits for another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from services.gateway import look_views as views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api/looks", tags=["looks"])

CommandName = Annotated[str, Path(pattern=r"^[a-z]{2,20}$")]


@router.get("/{command}")
async def sources(command: CommandName, house: House, me: Me) -> list[views.LookSource]:
    """Which of one's accounts answer a command that only looks, such as `find`, `agenda` and `waiting`."""
    return await house.looks.sources(me, command)


@router.post("/{command}")
async def look(command: CommandName, draft: views.LookDraft, house: House, me: Me) -> views.Look:
    """Asks one account; it is in the ledger before it runs, and leaves no conversation."""
    return await house.looks.ask(me, command, draft)


@router.post("/{command}/open")
async def open_one(command: CommandName, draft: views.OpenDraft, house: House, me: Me) -> views.Look:
    """One thing of such an answer in full, as its service tells it."""
    return await house.looks.open(me, command, draft)
