"""Who runs this house, the people in it, and the links by which one comes in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import people_views as views
from services.gateway.routes.doors import House, Me, Owner, address_of
from services.gateway.routes.people import former_of, opened_for
from services.gateway.views import Session

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["household"])


@router.get("/house")
async def house_rules(house: House) -> views.House:
    """Who runs this house and what he allows: what anybody may know before he joins."""
    return house.house.view()


@router.get("/house/owners")
async def owners(house: House, me: Me) -> views.Owners:
    """Names of those who run the house."""
    return await house.people.owners()


# --- what owners do -----------------------------------------------------------------------------------------------


@router.get("/people")
async def people(house: House, me: Owner) -> list[views.Person]:
    """Everybody who lives here, oldest first; nothing of what they do."""
    return await house.people.listing()


@router.get("/people/invitations")
async def invitations(house: House, me: Owner) -> list[views.Invitation]:
    """Open invitations, newest first, without their links."""
    return await house.joining.invitations()


@router.post("/people/invitations", status_code=201)
async def invite(request: Request, draft: views.InvitationDraft, house: House, me: Owner) -> views.NewInvitation:
    """Makes a link that lets one person in and shows it this one time; needs a fresh sign-in or the password."""
    return await house.joining.invite(me, draft, address=address_of(request))


@router.delete("/people/invitations/{invitation}", status_code=204)
async def revoke_invitation(invitation: Id, house: House, me: Owner) -> Response:
    """Ends an invitation at once."""
    await house.joining.revoke(me, invitation)
    return Response(status_code=204)


@router.put("/people/{person}/role")
async def set_role(request: Request, person: Id, draft: views.RoleDraft, house: House, me: Owner) -> list[views.Person]:
    """Makes somebody an owner or a member; the last owner stays one."""
    return await house.people.set_role(me, person, draft, address=address_of(request))


@router.post("/people/{person}/hand-over")
async def hand_over(request: Request, person: Id, draft: views.Fresh, house: House, me: Owner) -> list[views.Person]:
    """Makes somebody the owner in one's own place; one is a member from then on."""
    return await house.people.hand_over(me, person, draft, address=address_of(request))


@router.post("/people/{person}/suspend")
async def suspend(request: Request, person: Id, draft: views.Fresh, house: House, me: Owner) -> list[views.Person]:
    """Shuts a member out: his sign-ins end, nothing runs for him, his data stays."""
    return await house.people.suspend(me, person, draft, address=address_of(request))


@router.post("/people/{person}/resume")
async def resume(request: Request, person: Id, draft: views.Fresh, house: House, me: Owner) -> list[views.Person]:
    """Lets somebody in again, as he was."""
    return await house.people.resume(me, person, draft, address=address_of(request))


@router.post("/people/{person}/removal")
async def announce_removal(
    request: Request, person: Id, draft: views.Fresh, house: House, me: Owner
) -> list[views.Person]:
    """Begins to remove a member: he is told, and after two weeks everything of his is erased."""
    return await house.people.announce_removal(me, person, draft, address=address_of(request))


@router.post("/people/{person}/keep")
async def withdraw_removal(
    request: Request, person: Id, draft: views.Fresh, house: House, me: Owner
) -> list[views.Person]:
    """Keeps somebody who was to be removed."""
    return await house.people.withdraw_removal(me, person, draft, address=address_of(request))


@router.post("/people/{person}/reset", status_code=201)
async def offer_reset(
    request: Request, person: Id, draft: views.ResetOffer, house: House, me: Owner
) -> views.NewInvitation:
    """Makes a link by which a member sets his password anew, a day later or once he agrees; he is told of it."""
    return await house.joining.offer_reset(me, person, draft, address=address_of(request))


# --- by a link ----------------------------------------------------------------------------------------------------


@router.post("/join/look")
async def look(request: Request, link: views.LinkToken, house: House) -> views.Invited:
    """What a link is for, and who made it."""
    return await house.joining.look(link.token, address=address_of(request))


@router.post("/join", status_code=201)
async def join(request: Request, response: Response, draft: views.JoinDraft, house: House) -> Session:
    """Creates the account of somebody who was invited, uses the link up, and signs him in."""
    user = await house.joining.join(draft, address=address_of(request))
    await house.sessions.leave(former_of(request))
    return await opened_for(request, response, house, user)


@router.post("/join/reset")
async def reset_password(request: Request, response: Response, draft: views.ResetDraft, house: House) -> Session:
    """Sets a password anew by a link, ends every sign-in of before, and signs in."""
    user = await house.joining.reset(draft, address=address_of(request))
    await house.sessions.leave(former_of(request))
    return await opened_for(request, response, house, user)


# --- oneself ------------------------------------------------------------------------------------------------------


@router.put("/password", status_code=204)
async def change_password(request: Request, draft: views.PasswordDraft, house: House, me: Me) -> Response:
    """Sets one's own password; every other sign-in ends."""
    await house.joining.change_password(me, draft, address=address_of(request))
    return Response(status_code=204)


@router.get("/told")
async def told(house: House, me: Me) -> list[views.HouseWord]:
    """What owners did to one's own account that one has not seen yet, newest first."""
    return await house.joining.told(me)


@router.post("/told/{word}/agree")
async def agree(word: Id, house: House, me: Me) -> list[views.HouseWord]:
    """Lets a link to one's own password work at once."""
    return await house.joining.agree(me, word)


@router.delete("/told/{word}")
async def wave_away(word: Id, house: House, me: Me) -> list[views.HouseWord]:
    """One has seen it; a link to one's own password that waits is refused by that."""
    return await house.joining.wave_away(me, word)
