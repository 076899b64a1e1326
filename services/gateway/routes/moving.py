"""One's own data as an archive: made, fetched, brought in."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from openassistant.errors import TooLarge
from openassistant.messages import Id
from services.gateway import moving_views as views
from services.gateway.importing import LARGEST_PART
from services.gateway.routes.doors import House, Me, address_of

__all__ = ["router"]

router = APIRouter(prefix="/api/data", tags=["data"])

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_BYTES = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/export")
async def exported(house: House, me: Me) -> views.Export | None:
    """The archive that is made, or waits to be fetched; null where there is none."""
    return await house.moving.exporting.status(me)


@router.post("/export", status_code=202)
async def export(request: Request, draft: views.ExportDraft, house: House, me: Me) -> views.Export:
    """Makes an archive of all that is kept of oneself; the password is asked for each time.

    It takes the place of the one before, and is kept for a day, or for an hour after it was fetched.
    """
    return await house.moving.exporting.begin(me, draft, address=address_of(request))


@router.delete("/export/{move}", status_code=204)
async def drop_export(move: Id, house: House, me: Me) -> Response:
    """Removes the archive."""
    await house.moving.exporting.drop(me, move)
    return Response(status_code=204)


@router.get("/export/{move}/archive", response_class=Response)
async def fetch(move: Id, request: Request, house: House, me: Me) -> Response:
    """The archive: a ZIP, or a file of age with one in it.

    A download that broke off goes on with `Range` (RFC 9110, 14).
    """
    size, encrypted, made = await house.moving.exporting.size(me, move)
    tag = f'"{move}"'
    name = f"open-assistant-{made:%Y-%m-%d}.zip" + (".age" if encrypted else "")
    headers = {
        "Accept-Ranges": "bytes", "ETag": tag, "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Type": "application/octet-stream" if encrypted else "application/zip",
    }  # fmt: skip
    part = _part(request.headers.get("range", ""), size)
    if part is None or request.headers.get("if-range", tag) != tag:
        headers["Content-Length"] = str(size)
        return StreamingResponse(house.moving.exporting.read(me, move, 0, size), headers=headers)
    start, end = part
    if start >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers |= {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": str(end - start)}
    return StreamingResponse(house.moving.exporting.read(me, move, start, end), 206, headers)


@router.get("/import")
async def imported(house: House, me: Me) -> views.Import | None:
    """The archive that comes in, or came in last; null where there is none."""
    return await house.moving.importing.status(me)


@router.post("/import", status_code=201)
async def begin(draft: views.ImportDraft, house: House, me: Me) -> views.Import:
    """Begins to bring in an archive of this or another house, or an export of ChatGPT, Claude or Open WebUI."""
    return await house.moving.importing.begin(me, draft)


@router.put("/import/{move}/content", openapi_extra=_BYTES)
async def put(move: Id, request: Request, house: House, me: Me, offset: Annotated[int, Query(ge=0)]) -> views.Import:
    """The next bytes of it, at most 1 MiB at a time; `received` says where to go on."""
    body = await request.body()
    if len(body) > LARGEST_PART:
        raise TooLarge(f"A part may have {LARGEST_PART:,} bytes.")
    return await house.moving.importing.put(me, move, offset, body)


@router.post("/import/{move}/start", status_code=202)
async def start(move: Id, keys: views.ImportKeys, house: House, me: Me) -> views.Import:
    """Checks what was sent, and takes it in."""
    return await house.moving.importing.start(me, move, keys)


@router.delete("/import/{move}", status_code=204)
async def drop_import(move: Id, house: House, me: Me) -> Response:
    """Removes what was sent; what was taken in already stays."""
    await house.moving.importing.drop(me, move)
    return Response(status_code=204)


def _part(given: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last of a range; None for none, and for what is better not followed."""
    found = _RANGE.fullmatch(given.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1 if last else size, size)
