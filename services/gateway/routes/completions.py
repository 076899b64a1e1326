"""The OpenAI-compatible door."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway import answers
from services.gateway.prompts import MODEL, ModelUnknown, Prompt
from services.gateway.routes.doors import House, Me

__all__ = ["router"]

_ERROR = {"description": "What went wrong, in the form of that API", "content": {"application/json": {}}}
_WHOLE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`chat.completion`, or a stream of `chat.completion.chunk`",
        "content": {"application/json": {}, "text/event-stream": {"schema": {"type": "string"}}},
    },
}

router = APIRouter(prefix="/v1", tags=["openai"], responses={"default": _ERROR})


@router.get("/models")
async def models(me: Me) -> dict[str, Any]:
    """The models of this door: one, which is the house itself."""
    return answers.models()


@router.get("/models/{model}")
async def one_model(model: str, me: Me) -> dict[str, Any]:
    """The one model."""
    if model != MODEL:
        raise ModelUnknown(f"There is no model {model[:60]!r} here; it is called {MODEL!r}.")
    return answers.model()


@router.post("/chat/completions", response_class=Response, responses=_WHOLE)
async def complete(prompt: Prompt, request: Request, house: House, me: Me) -> Response:
    """Answers the newest message of the user, in the conversation in which the earlier ones were said."""
    return await house.completions.answer(me, prompt, base=str(request.base_url).rstrip("/"))
