"""What one's own sign-in asks for: codes of an app, recovery codes, passkeys; and signing in with one."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import security_views as views
from services.gateway.people_views import Fresh
from services.gateway.relying import Party, party
from services.gateway.routes.doors import House, Me, address_of
from services.gateway.routes.people import agent_of, entered, former_of
from services.gateway.views import Session

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["people"])


@router.get("/security")
async def security(house: House, me: Me) -> views.Security:
    """What one's sign-in asks for."""
    return await house.factors.state(me)


@router.post("/security/codes", status_code=201)
async def begin_codes(request: Request, draft: Fresh, house: House, me: Me) -> views.NewSecret:
    """A secret for an app, shown this one time; it counts once a code was given. Needs a fresh sign-in."""
    return await house.factors.begin(me, draft, address=address_of(request))


@router.post("/security/codes/confirm")
async def confirm_codes(request: Request, draft: views.CodeDraft, house: House, me: Me) -> views.Recovery:
    """Asks for codes from now on, ends every other sign-in, and shows recovery codes this one time."""
    return await house.factors.confirm(me, draft, address=address_of(request))


@router.post("/security/codes/recovery")
async def renew_recovery(request: Request, draft: Fresh, house: House, me: Me) -> views.Recovery:
    """New recovery codes in place of the old ones; needs a fresh sign-in or the password."""
    return await house.factors.renew(me, draft, address=address_of(request))


@router.post("/security/codes/off", status_code=204)
async def end_codes(request: Request, draft: views.Sure, house: House, me: Me) -> Response:
    """Asks for codes no more; needs the password."""
    await house.factors.off(me, draft, address=address_of(request))
    return Response(status_code=204)


@router.post("/security/passkeys/begin")
async def begin_passkey(request: Request, draft: Fresh, house: House, me: Me) -> views.PasskeyGoing:
    """What a browser is asked so that it makes a passkey; needs a fresh sign-in or the password."""
    return await house.passkeys.begin(me, draft, _party(request), address=address_of(request))


@router.post("/security/passkeys", status_code=201)
async def add_passkey(request: Request, draft: views.PasskeyDraft, house: House, me: Me) -> views.Passkey:
    """Keeps the passkey that the browser made."""
    return await house.passkeys.add(me, draft, _party(request), address=address_of(request))


@router.post("/security/passkeys/again")
async def show_passkey(request: Request, house: House, me: Me) -> views.PasskeyGoing:
    """What a browser is asked so that one shows once more that it is oneself."""
    return await house.passkeys.again(me, _party(request))


@router.post("/security/passkeys/proved")
async def prove_by_passkey(request: Request, draft: views.PasskeyShown, house: House, me: Me) -> views.Proof:
    """A proof for the passkey that was shown: it does once, within minutes, in a password's place."""
    return await house.passkeys.proved(me, draft, _party(request), address=address_of(request))


@router.patch("/security/passkeys/{passkey}")
async def rename_passkey(
    request: Request, passkey: Id, draft: views.PasskeyName, house: House, me: Me
) -> views.Passkey:
    """Gives one of one's passkeys another name; it stands in the activity record with the one before."""
    return await house.passkeys.rename(me, passkey, draft.name, address=address_of(request))


@router.post("/security/passkeys/{passkey}/remove", status_code=204)
async def remove_passkey(request: Request, passkey: Id, draft: Fresh, house: House, me: Me) -> Response:
    """Takes one of one's passkeys away; needs a fresh sign-in or the password."""
    await house.passkeys.remove(me, passkey, draft, address=address_of(request))
    return Response(status_code=204)


@router.post("/passkeys/enter")
async def enter_by_passkey(request: Request, house: House) -> views.PasskeyGoing:
    """What a browser is asked so that somebody signs in with a passkey."""
    return await house.passkeys.enter(_party(request), address=address_of(request))


@router.post("/passkeys/entered")
async def entered_by_passkey(request: Request, response: Response, draft: views.PasskeyShown, house: House) -> Session:
    """Signs in whose passkey it is, without password and code; a session that the browser had before ends."""
    opened = await house.passkeys.entered(
        draft, _party(request), address=address_of(request), agent=agent_of(request), former=former_of(request)
    )
    return entered(request, response, opened)


def _party(request: Request) -> Party:
    return party(request.url.scheme, request.url.netloc)
