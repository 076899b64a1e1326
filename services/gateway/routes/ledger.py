"""The ledger, as its owner reads and checks it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from services.gateway import views
from services.gateway.routes.doors import House, Me, Owner

__all__ = ["router"]

router = APIRouter(prefix="/api/audit", tags=["audit"])


@router.get("")
async def audit(
    house: House,
    me: Me,
    after: Annotated[int, Query(ge=-1)] = -1,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    newest: bool = False,  # noqa: FBT001, FBT002 - a query parameter
    action: str | None = None,
    connector: str | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
) -> views.Ledger:
    """Entries of one's own with an index above `after`; with `newest` the last ones first.

    `search` leaves those that hold all its words. A page of a search can be empty and still name a `next`: so far was
    looked.
    """
    return await house.ledger.page(
        me.user.id, after=after, limit=limit, newest=newest, action=action, connector=connector, search=search
    )


@router.get("/verify")
async def verify(house: House, me: Me) -> views.Verification:
    """Checks the whole ledger, also against the last signed head that this room has kept."""
    return await house.ledger.verify(me.user.id)


@router.post("/verify")
async def verify_against(kept: views.KeptHeads, house: House, me: Me) -> views.Verification:
    """Checks the whole ledger, also against signed heads that were kept somewhere else."""
    return await house.ledger.verify(me.user.id, kept.heads)


@router.get("/export", response_class=Response)
async def export(house: House, me: Owner) -> StreamingResponse:
    """The ledger as JSON lines for a verifier of one's own."""
    return StreamingResponse(
        house.ledger.export(me.user.id),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="ledger.jsonl"'},
    )


@router.get("/consistency")
async def consistency(house: House, me: Me, first: Annotated[int, Query(ge=0)]) -> dict[str, Any]:
    """The consistency proof (RFC 9162) from the tree of the first `first` records to the newest signed head."""
    return await house.ledger.consistency(me.user.id, first)


@router.get("/{index}/proof")
async def proof(index: int, house: House, me: Me) -> dict[str, Any]:
    """The inclusion proof (RFC 9162) of an entry, with the signed head that it leads to."""
    return await house.ledger.proof(me.user.id, index)
