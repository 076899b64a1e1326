"""What a model call costs, and what a turn may still spend: whole tokens, and money in whole millionths.

The gateway signs a `Budget` into the grant of a turn, the agent keeps to it and reports what was `Spent`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AMOUNT", "FREE", "NOTHING", "Bound", "Budget", "Count", "Currency", "Price", "Spent"]

AMOUNT = 10**15
"""The largest amount of anything that is counted; sums of a thousand of them fit into 63 bits."""
_MILLION = 1_000_000

Count = Annotated[int, Field(ge=0, le=AMOUNT)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""
Bound = Literal["turn", "day", "month", "house_day", "house_month"]
"""Which limit it is that an amount comes from: of one answer, or of a day or month of a person or of all."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Price(_Frozen):
    """What a model's provider takes for a million tokens, in millionths of a unit of `currency`.

    `cached` is the price of input tokens that the provider had kept; left out, they cost as others do.
    """

    currency: Currency
    input: Count
    output: Count
    cached: Count | None = None

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> int:
        """The price of a call, rounded up; `cached_tokens` are among `input_tokens`. In millionths of the currency."""
        cached = min(cached_tokens, input_tokens)
        kept = self.input if self.cached is None else self.cached
        whole = (input_tokens - cached) * self.input + cached * kept + output_tokens * self.output
        return min(-(-whole // _MILLION), AMOUNT)


FREE = Price(currency="XXX", input=0, output=0)
"""Of a model that runs at home. ISO 4217 keeps XXX for what involves no currency."""


class Spent(_Frozen):
    """What a turn has spent since it began. `estimated` calls are not counted by the provider but by us."""

    model: str = ""
    calls: Count = 0
    estimated: Count = 0
    input_tokens: Count = 0
    cached_tokens: Count = 0
    output_tokens: Count = 0
    micro: Count = 0

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.input_tokens + self.output_tokens


class Budget(_Frozen):
    """What a turn may spend, counted from its beginning; None is no limit.

    `tokens` and `micro` may rise with the next renewal, up to what is left of the limits; `tokens_by` and `micro_by`
    name the limit that comes first. `near` is a limit of a day or month of which four fifths are gone.
    """

    tokens: Count | None = None
    tokens_by: Bound = "turn"
    micro: Count | None = None
    micro_by: Bound = "turn"
    currency: Currency = "USD"
    model_calls: Count = 0
    tool_calls: Count = 0
    seconds: Count = 0
    near: Bound | None = None


NOTHING = Budget(tokens=0, micro=0)
"""Of a grant under which no model is asked."""
