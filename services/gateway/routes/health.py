"""For whoever watches over the house: is it up, is it whole."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.gateway import views
from services.gateway.routes.doors import House

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=views.Readiness, responses={503: {"model": views.Readiness}})
async def readyz(house: House) -> JSONResponse:
    """Every room answers; 503 names those that do not."""
    readiness = await house.health.readiness()
    headers = {"Cache-Control": "no-store"}
    return JSONResponse(readiness.model_dump(mode="json"), 200 if readiness.ready else 503, headers)
