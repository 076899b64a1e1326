"""The shapes of the HTTP API about what the model costs; money is in millionths of the house's currency."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from openassistant.budgets import Bound, Currency
from openassistant.messages import Id
from services.gateway.limits import HouseLimits, Limits
from services.gateway.views import View

__all__ = [
    "HouseLimitsDraft",
    "HouseUsage",
    "LimitsDraft",
    "Period",
    "PersonUsage",
    "Share",
    "Usage",
    "UsageRow",
]


class Share(View):
    """Of something: spent, held by answers under way, and how much there is (null: no limit)."""

    spent: int
    held: int
    limit: int | None = None


class Period(View):
    """A day or a month, and what is spent of it."""

    bound: Bound
    tokens: Share
    micro: Share


class UsageRow(View):
    """What was spent on one model on one day. `estimated` of the `calls` were not counted by the provider."""

    day: str
    model: str
    currency: str
    calls: int
    estimated: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    micro: int


class PersonUsage(View):
    """What one person of the house spends, and what the owner lets him spend in place of what each may."""

    id: Id
    display_name: str
    periods: tuple[Period, ...]
    ceiling: Limits | None = None


class HouseUsage(View):
    """What the whole house spends; for its owner alone."""

    each: Limits
    limits: HouseLimits
    periods: tuple[Period, ...]
    people: tuple[PersonUsage, ...]
    rows: tuple[UsageRow, ...]


class Usage(View):
    """What one spends and may spend. `limits` hold; they are the tighter ones of `own` and `ceiling`.

    `day` is today in `zone`, and ends at `day_ends_at`. `priced`: a price is known for the model that answers now.
    """

    currency: str
    zone: str
    day: str
    day_ends_at: datetime
    priced: bool
    own: Limits
    ceiling: Limits
    limits: Limits
    periods: tuple[Period, ...]
    rows: tuple[UsageRow, ...]
    house: HouseUsage | None = None


class LimitsDraft(View):
    """All of one's own limits (null: none of one's own), and the time zone that one's days are those of."""

    limits: Limits
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class HouseLimitsDraft(View):
    """What each may spend, the whole house, and single people in place of that; what is left out stays."""

    each: Limits | None = None
    house: HouseLimits | None = None
    people: dict[Id, Limits | None] = Field(default={})
    currency: Currency | None = None
