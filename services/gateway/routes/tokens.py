"""Personal API tokens."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/tokens", tags=["tokens"])


@router.get("")
async def tokens(house: House, me: Me) -> list[views.Token]:
    """One's own tokens, newest first."""
    return await house.tokens.listing(me)


@router.post("", status_code=201)
async def create_token(request: Request, draft: views.TokenDraft, house: House, me: Me) -> views.NewToken:
    """Makes a token and shows it this one time; `approve` and `accounts` need a fresh sign-in or the password."""
    return await house.tokens.create(me, draft, address=address_of(request))


@router.delete("/{token}", status_code=204)
async def revoke_token(token: Id, house: House, me: Me) -> Response:
    """Revokes a token at once."""
    await house.tokens.revoke(me, token)
    return Response(status_code=204)
