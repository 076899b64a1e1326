"""What a person sees and sets of budgets: spent and left, by day and model; his own limits, or as owner everybody's.

Widening needs no more than to be signed in as the right person: a limit guards against a loop and a bill, not against
the one whose money it is. No token will do, for a token is what programs hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from openassistant.budgets import Bound
from openassistant.context import Clock
from openassistant.messages import AuditAction
from services.gateway import usage_views as views
from services.gateway.budgets import Budgets
from services.gateway.chat import zone_of
from services.gateway.ledger import Ledger
from services.gateway.limits import HouseLimits, Limits, Settings
from services.gateway.models import Models
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn
from services.gateway.spending import Amount, Row
from services.gateway.users import Users

__all__ = ["Accounting"]

_MINE: tuple[Bound, ...] = ("day", "month")
_ALL: tuple[Bound, ...] = ("house_day", "house_month")


class Accounting:
    """The screen and the API over `Budgets`."""

    def __init__(self, budgets: Budgets, models: Models, users: Users, ledger: Ledger, clock: Clock) -> None:
        self._budgets, self._models, self._users, self._ledger, self._clock = budgets, models, users, ledger, clock

    async def usage(self, me: SignedIn, *, days: int) -> views.Usage:
        """What one spent within so many days; for the owner also what all did."""
        settings, now, user = await self._budgets.settings(), self._clock(), me.user.id
        calendar, limits = settings.calendar(user), settings.of(user)
        since = (calendar.day(now) - timedelta(days=days - 1)).isoformat()
        price = await self._models.price()
        return views.Usage(
            currency=settings.currency,
            zone=calendar.zone,
            day=calendar.day(now).isoformat(),
            day_ends_at=calendar.ends(now),
            priced=price is not None and price.currency in ("XXX", settings.currency),
            own=settings.person(user).own,
            ceiling=settings.ceiling(user),
            limits=limits,
            periods=_periods(await self._budgets.amounts(user), limits, _MINE),
            rows=_rows(await self._budgets.rows(user, since=since)),
            house=await self._house(settings, user, since) if me.user.role == "owner" else None,
        )

    async def set_own(self, me: SignedIn, draft: views.LimitsDraft) -> None:
        """Sets one's own limits and where one's days are counted; raises `InvalidRequest`, `Unavailable`."""
        zone = zone_of(draft.zone).key if draft.zone else None
        before = (await self._budgets.settings()).person(me.user.id)
        await self._note(me, {"of": "own", "before": before.own, "after": draft.limits, "zone": zone})

        def changed(settings: Settings) -> Settings:
            person = settings.person(me.user.id)
            calendar = settings.calendar(me.user.id).moved(zone, self._clock()) if zone else person.calendar
            return settings.with_person(
                me.user.id, person.model_copy(update={"own": draft.limits, "calendar": calendar})
            )

        await self._budgets.change(changed)

    async def set_house(self, me: SignedIn, draft: views.HouseLimitsDraft) -> None:
        """Sets what each may spend, the house, and single people; raises `InvalidRequest`, `Unavailable`."""
        known = {each.id for each in await self._users.everybody()}
        if unknown := set(draft.people) - known:
            raise invalid("Somebody is not known here.", people=f"There is no {min(unknown)}.")
        before = await self._budgets.settings()
        told = {"of": "house", "each": draft.each, "house": draft.house, "people": draft.people}
        await self._note(me, {**told, "currency": draft.currency, "before": before.house, "before_each": before.each})

        def changed(settings: Settings) -> Settings:
            given = {"each": draft.each, "house": draft.house, "currency": draft.currency}
            made = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
            for user, ceiling in draft.people.items():
                made = made.with_person(user, made.person(user).model_copy(update={"ceiling": ceiling}))
            return made

        await self._budgets.change(changed)

    async def _house(self, settings: Settings, user: str, since: str) -> views.HouseUsage:
        people = []
        for each in await self._users.everybody():
            periods = _periods(await self._budgets.amounts(each.id), settings.of(each.id), _MINE)
            ceiling = settings.person(each.id).ceiling
            people.append(
                views.PersonUsage(id=each.id, display_name=each.display_name, periods=periods, ceiling=ceiling)
            )
        return views.HouseUsage(
            each=settings.each,
            limits=settings.house,
            periods=_periods(await self._budgets.amounts(user), settings.house, _ALL),
            people=tuple(people),
            rows=_rows(await self._budgets.rows(None, since=since)),
        )

    async def _note(self, me: SignedIn, content: Mapping[str, Any]) -> None:
        """Written down before it holds."""
        plain = {name: _plain(value) for name, value in content.items()}
        await self._ledger.note(AuditAction.LIMITS_CHANGED, user=me.user.id, content=plain)


def _periods(found: Mapping[Bound, Amount], limits: HouseLimits, bounds: tuple[Bound, ...]) -> tuple[views.Period, ...]:
    most = {"day": (limits.day_tokens, limits.day_micro), "month": (limits.month_tokens, limits.month_micro)}
    shown = []
    for bound in bounds:
        amount, (tokens, micro) = found[bound], most[bound.removeprefix("house_")]
        shown.append(
            views.Period(
                bound=bound,
                tokens=views.Share(spent=amount.tokens, held=amount.held_tokens, limit=tokens),
                micro=views.Share(spent=amount.micro, held=amount.held_micro, limit=micro),
            )
        )
    return tuple(shown)


def _rows(found: list[Row]) -> tuple[views.UsageRow, ...]:
    return tuple(views.UsageRow(**each.model_dump()) for each in found)


def _plain(value: Any) -> Any:
    if isinstance(value, Limits | HouseLimits):
        return value.model_dump(exclude_none=True)
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value
