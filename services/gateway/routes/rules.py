"""What is allowed beforehand."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/rules", tags=["approvals"])


@router.get("")
async def rules(house: House, me: Me) -> list[views.Rule]:
    """One's own living rules, newest first."""
    return await house.rules.listing(me)


@router.post("", status_code=201)
async def make_rule(request: Request, draft: views.RuleDraft, house: House, me: Me) -> views.Rule:
    """Allows beforehand what an approval is about; needs a fresh sign-in or the password. It decides nothing yet."""
    return await house.rules.make(me, draft, address=address_of(request))


@router.delete("/{rule}", status_code=204)
async def revoke_rule(rule: Id, house: House, me: Me) -> Response:
    """Revokes a rule at once."""
    await house.rules.revoke(me, rule)
    return Response(status_code=204)
