"""What may be spent on the model: by everybody, by one person as his house lets him, as he lets himself, and by all."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from openassistant.budgets import Count, Currency
from openassistant.messages import Wire
from services.gateway.days import Calendar

__all__ = ["EACH", "HOUSE", "MOST", "HouseLimits", "Limits", "Person", "Settings"]


class HouseLimits(Wire):
    """For days and months; tokens, and money in millionths. None is no limit."""

    day_tokens: Count | None = None
    day_micro: Count | None = None
    month_tokens: Count | None = None
    month_micro: Count | None = None


class Limits(HouseLimits):
    """For one person, and for each of his answers: questions to the model, tool calls, seconds of work."""

    turn_tokens: Count | None = None
    turn_micro: Count | None = None
    model_calls: Annotated[int, Field(ge=1, le=200)] | None = None
    tool_calls: Annotated[int, Field(ge=1, le=1000)] | None = None
    seconds: Annotated[int, Field(ge=10, le=86_400)] | None = None

    def within(self, other: Limits) -> Limits:
        """The tighter one of each."""
        mine, theirs = self.model_dump(), other.model_dump()
        return Limits(**{name: _tighter(mine[name], theirs[name]) for name in mine})


EACH = Limits(
    turn_tokens=500_000,
    turn_micro=2_000_000,
    model_calls=24,
    tool_calls=60,
    seconds=3_600,
    day_tokens=5_000_000,
    day_micro=10_000_000,
    month_tokens=60_000_000,
    month_micro=50_000_000,
)
"""What everybody has until the owner says otherwise: a long day's work, and far less than a loop makes of a night."""
HOUSE = HouseLimits(
    day_tokens=10_000_000, day_micro=20_000_000, month_tokens=120_000_000, month_micro=100_000_000
)  # fmt: skip
MOST = Limits(model_calls=200, tool_calls=1000, seconds=86_400)
"""What no answer may go beyond."""


class Person(Wire):
    """One person's: what he sets himself, what the owner sets him in place of what each has, and his days."""

    own: Limits = Limits()
    ceiling: Limits | None = None
    calendar: Calendar | None = None


class Settings(Wire):
    """All limits of a house, and the currency in which it counts."""

    currency: Currency = "USD"
    each: Limits = EACH
    house: HouseLimits = HOUSE
    people: dict[str, Person] = Field(default={})
    most: Limits = Field(default=MOST, exclude=True)
    """What nobody goes beyond, whatever an owner sets: the product's own, and the operator's."""

    def person(self, user: str) -> Person:
        """Somebody's; as for everybody where nothing was set."""
        return self.people.get(user, Person())

    def ceiling(self, user: str) -> Limits:
        """What the owner of the house lets somebody spend."""
        return (self.person(user).ceiling or self.each).within(self.most)

    def of(self, user: str) -> Limits:
        """What holds for somebody."""
        return self.person(user).own.within(self.ceiling(user))

    def calendar(self, user: str) -> Calendar:
        """Somebody's days."""
        return self.person(user).calendar or Calendar()

    def with_person(self, user: str, person: Person) -> Settings:
        """The same with one person's changed."""
        return self.model_copy(update={"people": {**self.people, user: person}})


def _tighter(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)
