"""What the assistant remembers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from openassistant.messages import Id
from services.gateway import memory_views as views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api/memories", tags=["memories"])


@router.get("")
async def memories(house: House, me: Me, words: Annotated[str, Query(max_length=200)] = "") -> list[views.Memory]:
    """One's own memories, pinned ones first; with `words` those that have one of them."""
    return await house.memories.listing(me, words)


@router.post("", status_code=201)
async def add_memory(draft: views.MemoryDraft, house: House, me: Me) -> views.Memory:
    """Something to remember, in one's own words."""
    return await house.memories.add(me, draft)


@router.put("/{memory}")
async def change_memory(memory: Id, change: views.MemoryChange, house: House, me: Me) -> views.Memory:
    """Corrects, pins, or says how long; another text is one's own words from then on."""
    return await house.memories.change(me, memory, change)


@router.delete("/{memory}", status_code=204)
async def forget_memory(memory: Id, house: House, me: Me) -> Response:
    """Forgets it. What the ledger holds of it stays there, encrypted under one's own key."""
    await house.memories.forget(me, memory)
    return Response(status_code=204)
