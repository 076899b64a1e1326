"""Where providers send what happened at an account. Public by nature: no session, no cookie, no token is looked at."""

from __future__ import annotations

from functools import partial
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from openassistant.errors import InvalidRequest, OaError, TooLarge
from services.gateway.hooks import Knock
from services.gateway.routes.doors import House, address_of

__all__ = ["router"]

router = APIRouter(prefix="/hooks", tags=["hooks"], include_in_schema=False)

_MOST = 64
_LONGEST = 2_000


@router.get("/{connector}/{token}")
async def asked(request: Request, connector: str, token: str, house: House) -> Response:
    """A provider asks whether this address is meant."""
    return await _answered(request, "GET", connector, token, house)


@router.post("/{connector}/{token}")
async def told(request: Request, connector: str, token: str, house: House) -> Response:
    """A provider says what happened; the answer comes when that is kept."""
    return await _answered(request, "POST", connector, token, house)


async def _answered(
    request: Request, method: Literal["GET", "POST"], connector: str, token: str, house: House
) -> Response:
    """Plain text whatever happens, and of our errors the status alone."""
    try:
        knock = Knock(method, _query(request), _headers(request), partial(_read, request), address_of(request))
        answer = await house.door.open(connector, token, knock)
    except OaError as error:
        headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
        return PlainTextResponse(f"{error.message}\n", error.status, headers)
    if answer.status == 204:
        return Response(status_code=204)
    return PlainTextResponse(answer.text, answer.status)


async def _read(request: Request, largest: int) -> bytes:
    """The raw body, no further than it may go."""
    body = bytearray()
    async for piece in request.stream():
        body.extend(piece)
        if len(body) > largest:
            raise TooLarge("That is more than is taken here.")
    return bytes(body)


def _query(request: Request) -> dict[str, str]:
    return _bounded(request.query_params.multi_items())


def _headers(request: Request) -> dict[str, str]:
    """One value for each name; a header that comes twice is no signature."""
    seen: dict[str, str] = {}
    for name, value in request.headers.items():
        seen[name] = "" if name in seen else value
    return {name: value for name, value in seen.items() if len(value) <= _LONGEST}


def _bounded(items: list[tuple[str, str]]) -> dict[str, str]:
    if len(items) > _MOST or any(len(name) > _LONGEST or len(value) > _LONGEST for name, value in items):
        raise InvalidRequest("The address is not of the agreed form.")
    return dict(items)
