"""Signing in at an OpenID provider."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import openid_views as shapes
from services.gateway import views
from services.gateway.routes.doors import House, Me, Owner, address_of
from services.gateway.routes.people import agent_of, entered, former_of

__all__ = ["router"]

router = APIRouter(prefix="/api/openid", tags=["people"])


@router.get("")
async def ways(house: House) -> list[shapes.SignInWay]:
    """The providers at which people of this house sign in."""
    return await house.openid.ways()


@router.post("/enter")
async def enter(request: Request, draft: shapes.SignInDraft, house: House) -> shapes.SignInGoing:
    """Begins a sign-in at a provider."""
    return await house.openid.enter(draft.provider, base=_base(request), address=address_of(request))


@router.post("/entered")
async def finish(request: Request, response: Response, draft: shapes.SignInEnteredDraft, house: House) -> views.Session:
    """Signs in whoever the provider says it is, if he is known here; a session that the browser had before ends."""
    opened = await house.openid.entered(
        draft, address=address_of(request), agent=agent_of(request), former=former_of(request)
    )
    return entered(request, response, opened)


@router.get("/mine")
async def mine(house: House, me: Me) -> shapes.SignInWays:
    """How one signs in."""
    return await house.openid.mine(me)


@router.post("/link")
async def link(request: Request, draft: shapes.SignInLinkDraft, house: House, me: Me) -> shapes.SignInGoing:
    """Begins to add a provider to one's own ways to sign in; needs a fresh sign-in or the password."""
    return await house.openid.link(me, draft, base=_base(request), address=address_of(request))


@router.delete("/links/{link_id}", status_code=204)
async def unlink(link_id: Id, house: House, me: Me) -> Response:
    """Takes one of one's own ways to sign in away, unless it is the only one."""
    await house.openid.unlink(me, link_id)
    return Response(status_code=204)


@router.post("/again")
async def again(request: Request, draft: shapes.SignInAgainDraft, house: House, me: Me) -> shapes.SignInGoing:
    """Begins to show once more that it is oneself, where others type their password."""
    return await house.openid.again(me, draft.provider, base=_base(request))


@router.post("/returned")
async def returned(draft: shapes.SignInReturnedDraft, house: House, me: Me) -> shapes.SignInReturned:
    """Ends what was begun while signed in: a provider is added, or a proof is given."""
    return await house.openid.returned(me, draft.address)


@router.get("/providers")
async def providers(house: House, me: Owner) -> list[shapes.SignInProvider]:
    """The registrations of this house with OpenID providers, without secrets."""
    return await house.openid.providers(me)


@router.post("/providers", status_code=201)
async def add_provider(
    request: Request, draft: shapes.SignInProviderDraft, house: House, me: Owner
) -> shapes.SignInProvider:
    """Registers this house with a provider, which is asked what it says of itself; needs a fresh sign-in."""
    return await house.openid.keep(me, None, draft, address=address_of(request))


@router.put("/providers/{sign_in}")
async def change_provider(
    sign_in: Id, request: Request, draft: shapes.SignInProviderDraft, house: House, me: Owner
) -> shapes.SignInProvider:
    """Changes a registration; needs a fresh sign-in or the password."""
    return await house.openid.keep(me, sign_in, draft, address=address_of(request))


@router.delete("/providers/{sign_in}", status_code=204)
async def forget_provider(sign_in: Id, house: House, me: Owner) -> Response:
    """Forgets a registration with its secret, unless somebody has no other way to sign in."""
    await house.openid.forget(me, sign_in)
    return Response(status_code=204)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"
