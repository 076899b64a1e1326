"""For whoever watches over the house: is it up, is it whole. More of it for who lives in it, and for its owner."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.gateway import health_views, views
from services.gateway.routes.doors import House, Me, Owner

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


@router.get("/api/health")
async def health(house: House, me: Me) -> health_views.HouseHealth:
    """Which rooms are away, and since when."""
    return await house.health.state()


@router.get("/api/rooms")
async def rooms(house: House, me: Owner) -> health_views.HouseRooms:
    """Every room with its instances and versions, for the owner of the house."""
    return await house.health.rooms()
