"""The privacy policy, for everybody: without a sign-in and without scripts."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from services.gateway.privacy import STYLE_HASH, page
from services.gateway.routes.doors import House

__all__ = ["router"]

router = APIRouter(tags=["household"], include_in_schema=False)

_POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"


@router.get("/privacy", response_class=HTMLResponse)
async def privacy(house: House) -> HTMLResponse:
    """What is kept of whom, where, how long, and who sees it."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return HTMLResponse(page(house.house), headers=headers)
