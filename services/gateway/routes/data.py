"""One's own data: how much of it there is, for how long it is kept, and that all or a part of it goes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.gateway import data_views, views
from services.gateway.routes.doors import House, Me, Owner, address_of, drop_cookie

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


@router.get("/erasing")
async def erasing(house: House, me: Me) -> list[data_views.Erasing]:
    """What is being erased of oneself, and for the owner of anybody, with the rooms that are still to answer."""
    return await house.erasing.under_way(me)


@router.post("/erasing/preview")
async def preview_part(draft: data_views.PreviewDraft, house: House, me: Me) -> data_views.ErasePreview:
    """What would go now of a conversation, an account or a time; nothing does."""
    return await house.parts.preview(me, draft.part)


@router.post("/erasing", status_code=202)
async def erase_part(request: Request, draft: data_views.PartDraft, house: House, me: Me) -> list[data_views.Erasing]:
    """Removes a conversation, an account with what came of it, or a time; the password is asked for each time."""
    await house.parts.erase(me, draft, address=address_of(request))
    return await house.erasing.under_way(me)


@router.post("/house/erase", status_code=202)
async def erase_house(request: Request, draft: data_views.HouseDraft, house: House, me: Owner) -> Response:
    """Removes everybody and everything; the next start of the house is its first one."""
    await house.erasing.begin_house(me, draft.password, draft.confirm, address=address_of(request))
    response = Response(status_code=202)
    drop_cookie(request, response)
    return response


@router.post("/rooms/{room}/gone", status_code=204)
async def room_gone(
    request: Request, room: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$")], draft: data_views.GoneDraft,
    house: House, me: Owner,
) -> Response:  # fmt: skip
    """The owner's word that a connector's data will not come back: no erasing waits for it any more."""
    await house.erasing.close_room(me, room, draft.password, address=address_of(request))
    return Response(status_code=204)


@router.get("/keep")
async def keep(house: House, me: Me) -> data_views.Keep:
    """For how long things are kept, what can be chosen, and what went last."""
    return await house.retention.view(me)


@router.post("/keep/preview")
async def preview_keep(draft: data_views.KeepDraft, house: House, me: Me) -> data_views.KeepPreview:
    """What rules would take now; nothing goes."""
    return await house.retention.preview(me, draft)


@router.put("/keep")
async def choose_keep(draft: data_views.KeepDraft, house: House, me: Me) -> data_views.Keep:
    """These rules from now on: they are carried out at once, and then each day."""
    return await house.retention.choose(me, draft)
