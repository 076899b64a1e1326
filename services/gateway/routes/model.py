"""The model that answers in this house."""

from __future__ import annotations

from fastapi import APIRouter, Response

from services.gateway import views
from services.gateway.routes.doors import House, Me, Owner

__all__ = ["router"]

router = APIRouter(prefix="/api/model", tags=["model"])


@router.get("")
async def model(house: House, me: Me) -> views.ModelSettings:
    """The present choice, and the model servers found on this machine."""
    return await house.models.settings(me)


@router.put("")
async def save_model(draft: views.ModelDraft, house: House, me: Owner) -> views.ModelSettings:
    """Chooses the model and begins a test of it; without `api_key` a key stored for the same address is kept."""
    await house.models.choose(me, draft)
    return await house.models.settings(me)


@router.put("/price")
async def set_price(draft: views.PriceDraft | None, house: House, me: Owner) -> views.ModelSettings:
    """Says what the chosen model costs; null leaves it to what is known: nothing at home, a list for litellm's."""
    await house.models.set_price(me, draft)
    return await house.models.settings(me)


@router.put("/private")
async def save_private_model(draft: views.ModelDraft, house: House, me: Owner) -> views.ModelSettings:
    """Chooses the local model that answers where the other must not see something, and begins a test of it."""
    await house.models.choose_private(me, draft)
    return await house.models.settings(me)


@router.post("/private/test", status_code=202)
async def test_private_model(house: House, me: Owner) -> views.ModelSettings:
    """Begins to ask the local model a few short questions, to learn how it calls tools."""
    await house.models.test(me, slot="private")
    return await house.models.settings(me)


@router.delete("/private", status_code=204)
async def remove_private_model(house: House, me: Owner) -> Response:
    """Forgets the local model and destroys its key."""
    await house.models.remove(me, slot="private")
    return Response(status_code=204)


@router.post("/check")
async def check_model(probe: views.ModelProbe, house: House, me: Owner) -> views.ModelCheck:
    """Asks a model server what it offers."""
    return await house.models.check(probe)


@router.post("/test", status_code=202)
async def test_model(house: House, me: Owner) -> views.ModelSettings:
    """Begins to ask the chosen model a few short questions, to learn how it calls tools; `tools` says what came of it.

    It takes a few seconds with most models, and three minutes at most.
    """
    await house.models.test(me)
    return await house.models.settings(me)


@router.delete("", status_code=204)
async def remove_model(house: House, me: Owner) -> Response:
    """Forgets the choice and destroys its key."""
    await house.models.remove(me)
    return Response(status_code=204)
