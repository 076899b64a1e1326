"""What a model costs: as its owner says, or as the list says that came with the model client, which is not checked."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from openassistant.budgets import Price
from openassistant.messages import ModelRef
from services.agent.model import listed

__all__ = ["listed_price", "price_of"]

_CURRENCY = "USD"
_PER_TOKEN = 10**12
"""From units for a token to millionths of a unit for a million tokens."""


async def price_of(ref: ModelRef) -> Price | None:
    """The price of a model; None where nobody knows it."""
    return ref.price or await listed_price(ref)


async def listed_price(ref: ModelRef) -> Price | None:
    """The price in litellm's list, where it is litellm that asks the model. Nothing is fetched."""
    if ref.kind != "litellm":
        return None
    entry = await listed(ref.model)
    try:
        return Price(
            currency=_CURRENCY,
            input=_whole(entry["input_cost_per_token"]),
            output=_whole(entry["output_cost_per_token"]),
            cached=_whole(entry["cache_read_input_token_cost"]) if entry.get("cache_read_input_token_cost") else None,
        )
    except (KeyError, TypeError, ValueError, OverflowError, ValidationError):
        return None


def _whole(cost: Any) -> int:
    return round(float(cost) * _PER_TOKEN)
