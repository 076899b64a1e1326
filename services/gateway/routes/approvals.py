"""Calls that wait for a person."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["approvals"])


@router.get("/approvals")
async def approvals(
    house: House, me: Me, state: Literal["pending", "approved", "denied", "expired", "void"] | None = None
) -> list[views.Approval]:
    """One's own approvals: those that wait oldest first, else the newest hundred."""
    return await house.approvals.listing(me, state)


@router.get("/approvals/{approval}")
async def approval(approval: Id, house: House, me: Me) -> views.Approval:
    """One approval, with what the connector says the call will do."""
    return await house.approvals.view(me, approval)


@router.post("/approvals/{approval}")
async def decide(approval: Id, draft: views.DecisionDraft, house: House, me: Me) -> views.Approval:
    """Decides, once: the same decision again changes nothing, another one is a conflict."""
    return await house.approvals.decide(
        me, approval, approve=draft.decision == "approve", note=draft.note, seen=draft.seen
    )


@router.get("/approvals/{approval}/form")
async def form(approval: Id, house: House, me: Me) -> views.ApprovalForm:
    """What can be changed of a call that waits: its arguments, with the schema of its tool."""
    return await house.approvals.form(me, approval)


@router.put("/approvals/{approval}/arguments")
async def edit(approval: Id, draft: views.EditDraft, house: House, me: Me) -> views.Approval:
    """Changes a call that waits. Nothing is decided: its new preview is there to be looked at and approved."""
    return await house.approvals.edit(me, approval, draft.arguments, seen=draft.seen)
