"""Set-up, sign-in, sessions."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.gateway import views
from services.gateway.bearer import bearer
from services.gateway.gateway import Gateway
from services.gateway.routes.doors import House, Me, address_of, drop_cookie, set_cookie
from services.gateway.sessions import Opened
from services.gateway.users import User

__all__ = ["agent_of", "entered", "former_of", "opened_for", "router"]

router = APIRouter(prefix="/api", tags=["people"])


@router.get("/setup")
async def setup_state(house: House) -> views.SetupState:
    """Whether this house still waits for its owner."""
    return views.SetupState(state="open" if await house.setup.is_open() else "done")


@router.post("/setup", status_code=201)
async def set_up(request: Request, response: Response, draft: views.SetupDraft, house: House) -> views.Session:
    """Creates the owner with the one-time token of the set-up link, and signs him in."""
    user = await house.setup.finish(
        draft.token, username=draft.username, password=draft.password, display_name=draft.display_name,
        of_age=draft.of_age,
    )  # fmt: skip
    await house.models.try_preset()
    return await opened_for(request, response, house, user)


@router.post("/session")
async def sign_in(request: Request, response: Response, login: views.LoginDraft, house: House) -> views.Session:
    """Signs in; a session that the browser had before ends."""
    opened = await house.sessions.sign_in(
        login.username, login.password, code=login.code, address=address_of(request), agent=agent_of(request),
        former=former_of(request),
    )  # fmt: skip
    return entered(request, response, opened)


@router.get("/session")
async def session(me: Me) -> views.Session:
    """Who is signed in."""
    return views.Session(user=me.user.view(), expires_at=me.expires)


@router.delete("/session", status_code=204)
async def sign_out(request: Request, house: House, me: Me) -> Response:
    """Ends this session."""
    await house.sessions.end(me.user, me.session)
    await house.browsers.sign_out(me.user.id, me.session)
    response = Response(status_code=204)
    drop_cookie(request, response)
    return response


@router.get("/sessions")
async def sessions(house: House, me: Me) -> list[views.Device]:
    """One's own sessions, newest first."""
    return await house.sessions.listing(me)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: str, house: House, me: Me) -> Response:
    """Ends one of one's own sessions."""
    await house.sessions.end(me.user, session_id)
    await house.browsers.sign_out(me.user.id, session_id)
    return Response(status_code=204)


async def opened_for(request: Request, response: Response, house: Gateway, user: User) -> views.Session:
    """Signs somebody in who has just shown that he may."""
    opened = await house.sessions.open(user, address=address_of(request), agent=agent_of(request))
    return entered(request, response, opened)


def entered(request: Request, response: Response, opened: Opened) -> views.Session:
    """The answer to whoever is signed in now, with the cookie."""
    set_cookie(request, response, opened.token, seconds=opened.seconds)
    return views.Session(user=opened.user.view(), expires_at=opened.expires)


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")[:200]


def former_of(request: Request) -> tuple[str, ...]:
    """The browser's session; a request with a token brings no cookie's authority."""
    if bearer(request.headers) is not None:
        return ()
    return tuple(request.cookies[name] for name in ("oa", "__Host-oa") if name in request.cookies)
