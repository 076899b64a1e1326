"""Whether a model is local: what it reads stays on the owner's own machines, as far as address and owner can say."""

from __future__ import annotations

import re
from typing import Literal

from openassistant.origins import is_near
from services.gateway.problems import invalid

__all__ = ["is_local", "require_near"]

_RELAYED = re.compile(r"[:-]cloud\Z", re.IGNORECASE)
"""Models that a local Ollama has computed in its maker's cloud (Ollama's documentation, "Cloud")."""


async def is_local(kind: Literal["openai", "litellm"], model: str, base_url: str | None, *, mark: bool | None) -> bool:
    """Whether a model counts as local now: marked so or not marked, and behind private addresses alone.

    Without a mark a server counts by its address, except where the name says that a cloud computes. What litellm does
    on the way is not known, so there the mark is needed.
    """
    if base_url is None or mark is False or _RELAYED.search(model):
        return False
    if kind == "litellm" and mark is None:
        return False
    return await is_near(base_url)


async def require_near(base_url: str | None) -> None:
    """Raises `InvalidRequest` where a model that is marked as local is at a public address, or at none."""
    if base_url is None or not await is_near(base_url):
        words = "This address is not on your own machines or in your own network, so it cannot count as local."
        raise invalid("That model is not local.", base_url=words)
