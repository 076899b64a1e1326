"""Files that are given with a message."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from openassistant.errors import InvalidRequest
from openassistant.messages import Id
from services.gateway import views
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

router = APIRouter(prefix="/api/files", tags=["files"])

_BYTES = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
_IMAGES = {"PNG image": "image/png", "JPEG image": "image/jpeg", "GIF image": "image/gif", "WEBP image": "image/webp"}
_SHUT = "default-src 'none'; sandbox"
"""Whatever a browser makes of a file that it opens, nothing in it runs, and nothing is loaded."""


@router.post("", status_code=201, openapi_extra=_BYTES)
async def give(
    request: Request,
    house: House,
    me: Me,
    name: Annotated[str, Query(min_length=1, max_length=500)],
    type: Annotated[str, Query(max_length=100, description="Its media type, where it is known")] = "",  # noqa: A002
) -> views.File:
    """A file for a message, at most 20 MB, as the body; its id goes into `files` of the message.

    One that is not sent is removed after a day.
    """
    return await house.given.take(me, name=name, type_=type, body=request.stream())


@router.get("/{file}/content", response_class=Response)
async def content(file: Id, house: House, me: Me) -> Response:
    """A file as it was given, to be saved."""
    found, parts = await house.given.read(me, file)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "Content-Length": str(found.size), "Content-Security-Policy": _SHUT, "Cache-Control": "no-store",
    }  # fmt: skip
    return StreamingResponse(parts, media_type="application/octet-stream", headers=headers)


@router.get("/{file}/image", response_class=Response)
async def image(file: Id, house: House, me: Me) -> Response:
    """A picture, to be looked at: PNG, JPEG, GIF or WebP by its first bytes, and nothing else."""
    found, parts = await house.given.read(me, file)
    if found.what not in _IMAGES:
        raise InvalidRequest("That file is no image.")
    headers = {
        "Content-Disposition": "inline", "Content-Length": str(found.size), "Content-Security-Policy": _SHUT,
        "Cache-Control": "no-store",
    }  # fmt: skip
    return StreamingResponse(parts, media_type=_IMAGES[found.what], headers=headers)


@router.delete("/{file}", status_code=204)
async def drop(file: Id, house: House, me: Me) -> Response:
    """Removes a file that was not sent."""
    await house.given.drop(me, file)
    return Response(status_code=204)
