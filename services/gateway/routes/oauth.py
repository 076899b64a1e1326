"""Accounts that sign in at their provider."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me, Owner, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/oauth", tags=["services"])


@router.get("/clients")
async def clients(request: Request, house: House, me: Me) -> list[views.OAuthClient]:
    """Each provider of the connectors that run, with this house's registration; never its secret."""
    return await house.sign_ins.clients(me, base=str(request.base_url))


@router.put("/clients/{provider}")
async def keep_client(
    request: Request, provider: str, draft: views.OAuthClientDraft, house: House, me: Owner
) -> views.OAuthClient:
    """Registers this house with a provider; needs a fresh sign-in or the password."""
    return await house.sign_ins.keep(me, provider, draft, address=address_of(request), base=str(request.base_url))


@router.delete("/clients/{provider}", status_code=204)
async def forget_client(provider: str, house: House, me: Owner) -> Response:
    """Forgets a registration with its secret."""
    await house.sign_ins.forget(me, provider)
    return Response(status_code=204)


@router.post("/authorize", status_code=201)
async def authorize(request: Request, draft: views.AuthorizeDraft, house: House, me: Me) -> views.Authorizing:
    """Begins the authorization of an account: says where its owner goes on."""
    return await house.sign_ins.authorize(me, draft, base=str(request.base_url))


@router.post("/finish", status_code=201)
async def finish(draft: views.ReturnDraft, house: House, me: Me) -> views.Account:
    """Takes the address that the provider sent the browser to, and tries the account for real."""
    return await house.sign_ins.finish(me, draft)


@router.post("/{flow}/poll")
async def poll(flow: Id, house: House, me: Me) -> views.Polled:
    """Whether the code was typed at the provider meanwhile; then the account, tried for real."""
    return await house.sign_ins.poll(me, flow)
