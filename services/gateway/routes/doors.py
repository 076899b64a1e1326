"""What a route may ask for: the gateway's parts, and who is signed in, in a browser or with an API token."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from openassistant.errors import Forbidden
from services.gateway import scopes
from services.gateway.bearer import bearer
from services.gateway.gateway import Gateway
from services.gateway.problems import ScopeMissing, SignInRequired
from services.gateway.sessions import SignedIn
from services.gateway.streams import Say

__all__ = ["EVENTS", "House", "Me", "Owner", "address_of", "answered", "as_json", "drop_cookie", "set_cookie"]

EVENTS: dict[int | str, dict[str, object]] = {
    200: {"description": "AG-UI 1.0 events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}

_PLAIN, _HOST = "oa", "__Host-oa"


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


House = Annotated[Gateway, Depends(_gateway)]


async def _signed_in(request: Request, house: House) -> SignedIn:
    """Whoever the token is of, if there is one, and else the cookie; never one where the other was refused."""
    given = bearer(request.headers)
    if given is not None:
        return await _by_token(request, house, given)
    token = request.cookies.get(_name(request))
    if not token:
        raise SignInRequired("Please sign in.")
    return await house.sessions.find(token)


Me = Annotated[SignedIn, Depends(_signed_in)]


async def _by_token(request: Request, house: Gateway, token: str) -> SignedIn:
    me = await house.tokens.find(token, address=address_of(request))
    wanted = scopes.allowed(request.method, request.scope["route"].path)
    if me.scopes is None or wanted.isdisjoint(me.scopes):
        raise ScopeMissing(scopes.in_order(wanted))
    return me


def _owner(me: Me) -> SignedIn:
    if me.user.role != "owner":
        raise Forbidden("Only the owner of this house can change that.")
    return me


Owner = Annotated[SignedIn, Depends(_owner)]


def as_json(kind: Any, value: Any) -> Response:
    """A view, or a list of them, as the answer to a request: it is checked already, and may be long."""
    return Response(_adapter(kind).dump_json(value), media_type="application/json")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


async def answered(request: Request, house: House, me: SignedIn, conversation: str, say: Say) -> Response:
    """What `say` begins: the turn, or with `Accept: text/event-stream` the events of its run."""
    if "text/event-stream" in request.headers.get("accept", ""):
        return await house.streams.run(me, conversation, say)
    return JSONResponse({"turn": (await say()).turn}, 202)


def address_of(request: Request) -> str:
    """The address that the request came from."""
    return request.client.host if request.client else ""


def set_cookie(request: Request, response: Response, token: str, *, seconds: int) -> None:
    """The session's one cookie; over TLS with the prefix that binds it to this host (RFC 6265bis)."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        _name(request), token, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict"
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Takes the cookie back."""
    secure = request.url.scheme == "https"
    response.delete_cookie(_name(request), path="/", secure=secure, httponly=True, samesite="strict")


def _name(request: Request) -> str:
    return _HOST if request.url.scheme == "https" else _PLAIN
