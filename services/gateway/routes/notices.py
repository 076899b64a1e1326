"""How one is told that something waits."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/notices", tags=["approvals"])


@router.get("")
async def settings(house: House, me: Me) -> views.Notices:
    """How one is told, in which browsers, and by which mail to oneself."""
    return await house.teller.settings(me)


@router.put("")
async def choose(draft: views.NoticesDraft, house: House, me: Me) -> views.Notices:
    """Chooses what a notice says and when none comes."""
    return await house.teller.choose(me, draft)


@router.post("/browsers", status_code=201)
async def add_browser(draft: views.NoticeBrowserDraft, house: House, me: Me) -> views.NoticeBrowser:
    """Tells this browser from now on, over its maker's service, encrypted for it alone (RFC 8291)."""
    return await house.browsers.add(me, draft)


@router.delete("/browsers/{browser}", status_code=204)
async def remove_browser(browser: Id, house: House, me: Me) -> Response:
    """Tells that browser no more."""
    await house.browsers.remove(me, browser)
    return Response(status_code=204)


@router.put("/mail")
async def choose_mail(request: Request, draft: views.OwnMailDraft, house: House, me: Me) -> views.Notices:
    """Mails oneself, from one's own account to its own address; needs a fresh sign-in or the password."""
    base = f"{request.url.scheme}://{request.url.netloc}"
    return await house.teller.choose_mail(me, draft, base=base, address=address_of(request))


@router.delete("/mail", status_code=204)
async def drop_mail(house: House, me: Me) -> Response:
    """Mails oneself no more."""
    await house.teller.drop_mail(me)
    return Response(status_code=204)


@router.post("/here", status_code=204)
async def here(house: House, me: Me) -> Response:
    """Says that a page is open and visible, so that no notice is needed for three quarters of a minute."""
    house.teller.here(me)
    return Response(status_code=204)


@router.post("/open")
async def open_link(draft: views.LinkDraft, house: House, me: Me) -> views.Linked:
    """Where the link of a mail leads, for the one it was made for; it decides nothing."""
    return views.Linked(approval=house.teller.opened(me, draft.token))
