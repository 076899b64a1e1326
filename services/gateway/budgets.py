"""What turns may spend on their models: allotted piece by piece, signed into their grants, counted from their reports.

This room's own account decides: a turn gets what is left of every limit beside what others hold, so that many at once
cannot go beyond a limit together. Whoever asks for more gets no more than that, whatever he says that he spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from openassistant.budgets import NOTHING, Bound, Budget, Spent
from openassistant.context import Clock
from openassistant.messages import RenewalRequest
from openassistant.store import Store
from services.gateway import spending
from services.gateway.days import Calendar
from services.gateway.limits import MOST, Limits, Settings
from services.gateway.preferences import Preferences
from services.gateway.problems import BudgetSpent
from services.gateway.spending import Amount, Place
from services.gateway.users import Users

__all__ = ["Budgets"]

_NAME = "budgets"
_PIECE_TOKENS, _PIECE_MICRO = 50_000, 250_000
"""What a turn is allowed at a time: enough for most, and little enough that many can be under way at once."""
_SHARE = 4
"""Where little is left, one turn gets this part of it at first."""
_LEAST = 2_000
"""Tokens below which no turn is begun: not even a short question fits."""
_CLOSINGS = 3
"""Grants of ten minutes that a turn gets when nothing is left to spend."""
_NEAR = 5


class _Left(NamedTuple):
    """How much of something a turn can have (None: as much as it likes), and which limit comes first.

    `shared` is what is left for all turns together.
    """

    amount: int | None
    bound: Bound = "turn"
    shared: int | None = None


class Budgets:
    """Limits in one value of the room's settings, the account in a table of its own."""

    def __init__(
        self, store: Store, preferences: Preferences, users: Users, clock: Clock, *, cap: Limits | None = None
    ) -> None:
        self._most = MOST.within(cap) if cap else MOST
        self._store, self._preferences, self._users, self._clock = store, preferences, users, clock
        self._settings: Settings | None = None
        self._saving = asyncio.Lock()
        self._owner: str | None = None

    # --- turns ----------------------------------------------------------------------------------------------------

    async def check(self, user: str, *, zone: str | None = None) -> None:
        """Raises `BudgetSpent` where no turn can begin; `zone` is where somebody lives of whom that is not known."""
        if zone is not None and (await self.settings()).person(user).calendar is None:
            await self._settle_in(user, zone)
        settings, place = await self._place(user, "")
        await self._store.read(lambda connection: self._require(connection, settings, place))

    async def begin(self, user: str, turn: str) -> Budget:
        """The first piece of a new turn; raises `BudgetSpent`."""
        settings, place = await self._place(user, turn)

        def write(connection: Connection) -> Budget:
            self._require(connection, settings, place)
            return self._allot(connection, settings, place)

        return await self._store.write(write)

    async def renew(self, user: str, request: RenewalRequest) -> Budget:
        """The next piece of a turn; raises `BudgetSpent` where there is none, and the turn has had its last grants.

        Where nothing is left it gets a few more, with nothing to spend, to bring to its end what acts.
        """
        settings, place = await self._place(user, request.turn)

        def write(connection: Connection) -> Budget | BudgetSpent:
            if request.spent is not None:
                spending.add(connection, place, request.spent)
            budget = self._allot(
                connection, settings, place, tokens=request.need_tokens, micro=request.need_micro,
                same=request.spent is None,
            )  # fmt: skip
            if budget.model_calls:
                return budget
            if spending.closings(connection, place.turn) >= _CLOSINGS:
                return self._refusal(settings, place, *self._first(connection, settings, place))
            spending.close(connection, place)
            return budget

        found = await self._store.write(write)
        if isinstance(found, BudgetSpent):
            raise found
        return found

    async def resume(self, user: str, turn: str) -> Budget:
        """What a turn may spend after a decision; where nothing is left it may act all the same, and not think."""
        settings, place = await self._place(user, turn)
        return await self._store.write(lambda connection: self._allot(connection, settings, place))

    async def rest(self, user: str, turn: str, spent: Spent | None) -> None:
        """A turn has ended or waits: it holds nothing any more."""
        _, place = await self._place(user, turn)

        def write(connection: Connection) -> None:
            if spent is not None:
                spending.add(connection, place, spent)
                spending.hold(connection, place, tokens=0, micro=0)

        await self._store.write(write)

    async def unused(self, user: str, turn: str) -> None:
        """A turn has not begun after all."""
        await self.rest(user, turn, Spent())

    # --- what is set, what is spent -------------------------------------------------------------------------------

    async def settings(self) -> Settings:
        """All limits."""
        if self._settings is None:
            kept = await self._preferences.get(_NAME)
            found = Settings.model_validate_json(kept) if kept else Settings()
            self._settings = found.model_copy(update={"most": self._most})
        return self._settings

    async def change(self, changed: Callable[[Settings], Settings]) -> None:
        """Puts other limits in their place, one change after the other."""
        async with self._saving:
            settings = changed(await self.settings()).model_copy(update={"most": self._most})
            await self._preferences.put(_NAME, settings.model_dump_json(exclude_none=True))
            self._settings = settings

    async def amounts(self, user: str) -> dict[Bound, Amount]:
        """What is spent and held in a person's day and month, and in the house's."""
        _, place = await self._place(user, "")
        return await self._store.read(lambda connection: spending.sums(connection, place))

    async def rows(self, user: str | None, *, since: str) -> list[spending.Row]:
        """What was spent by somebody, or by all, by day and model, newest first."""
        return await self._store.read(lambda connection: spending.rows(connection, user, since=since))

    async def house_calendar(self) -> Calendar:
        """The days of the house: those of its owner."""
        settings = await self.settings()
        if self._owner is None:
            self._owner = next((each.id for each in await self._users.everybody() if each.role == "owner"), None)
        return settings.calendar(self._owner or "")

    def owners_changed(self) -> None:
        """The days of the house may be somebody else's from now on."""
        self._owner = None

    # --- the arithmetic -------------------------------------------------------------------------------------------

    async def _place(self, user: str, turn: str) -> tuple[Settings, Place]:
        settings, house, now = await self.settings(), await self.house_calendar(), self._clock()
        day, house_day = settings.calendar(user).day(now), house.day(now)
        return settings, Place(user, turn, day.isoformat(), house_day.isoformat(), settings.currency)

    async def _settle_in(self, user: str, zone: str) -> None:
        def settled(settings: Settings) -> Settings:
            person = settings.person(user)
            made = person.model_copy(update={"calendar": person.calendar or Calendar(zone=zone)})
            return settings.with_person(user, made)

        await self.change(settled)

    def _require(self, connection: Connection, settings: Settings, place: Place) -> None:
        tokens, micro = self._first(connection, settings, place)
        if (tokens.amount is not None and tokens.amount < _LEAST) or micro.amount == 0:
            raise self._refusal(settings, place, tokens, micro)

    def _first(self, connection: Connection, settings: Settings, place: Place) -> tuple[_Left, _Left]:
        """What a turn can have of tokens and of money."""
        found, spent = spending.sums(connection, place), spending.of_turn(connection, place.turn)
        limits, house = settings.of(place.user), settings.house
        tokens: dict[Bound, int | None] = {"turn": _minus(limits.turn_tokens, spent.tokens)}
        micro: dict[Bound, int | None] = {"turn": _minus(limits.turn_micro, spent.micro)}
        both: tuple[tuple[Bound, int | None, int | None], ...] = (
            ("day", limits.day_tokens, limits.day_micro),
            ("month", limits.month_tokens, limits.month_micro),
            ("house_day", house.day_tokens, house.day_micro),
            ("house_month", house.month_tokens, house.month_micro),
        )
        for bound, most_tokens, most_micro in both:
            each = found[bound]
            tokens[bound] = _minus(most_tokens, each.tokens + each.held_tokens)
            micro[bound] = _minus(most_micro, each.micro + each.held_micro)
        return _least(tokens), _least(micro)

    def _allot(
        self, connection: Connection, settings: Settings, place: Place, *, tokens: int = 0, micro: int = 0,
        same: bool = False,
    ) -> Budget:  # fmt: skip
        """Holds the next piece for a turn, as large as it needs if so much is left; no questions where nothing is.

        `same`: no more than it holds already, for nobody knows what of that is spent.
        """
        limits, spent = settings.of(place.user), spending.of_turn(connection, place.turn)
        most_tokens, most_micro = self._first(connection, settings, place)
        piece = _piece(most_tokens, _PIECE_TOKENS, tokens)
        money = _piece(most_micro, _PIECE_MICRO, micro)
        held = spending.held(connection, place.turn)
        if same and held != (0, 0):
            piece, money = _at_most(piece, held[0]), _at_most(money, held[1])
        spending.hold(connection, place, tokens=piece or 0, micro=money or 0)
        has_any = piece != 0 and money != 0
        return Budget(
            tokens=None if piece is None else spent.tokens + piece,
            tokens_by=most_tokens.bound,
            micro=None if money is None else spent.micro + money,
            micro_by=most_micro.bound,
            currency=settings.currency,
            model_calls=(limits.model_calls or NOTHING.model_calls) if has_any else 0,
            tool_calls=limits.tool_calls or 0,
            seconds=limits.seconds or 0,
            near=_near(spending.sums(connection, place), settings, place.user),
        )

    def _refusal(self, settings: Settings, place: Place, tokens: _Left, micro: _Left) -> BudgetSpent:
        is_money = micro.amount == 0 and not (tokens.amount is not None and tokens.amount < _LEAST)
        bound = (micro if is_money else tokens).bound
        calendar = settings.calendar(place.user)
        return BudgetSpent.of("micro" if is_money else "tokens", bound, ends=_ends(calendar, bound, self._clock()))


def _minus(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(limit - used, 0)


def _least(amounts: dict[Bound, int | None]) -> _Left:
    limited: list[tuple[int, Bound]] = [(left, bound) for bound, left in amounts.items() if left is not None]
    shared = min((left for left, bound in limited if bound != "turn"), default=None)
    return _Left(*min(limited, key=lambda each: each[0]), shared) if limited else _Left(None)


def _piece(left: _Left, usual: int, needed: int) -> int | None:
    """How much of what is left a turn gets now."""
    if left.amount is None:
        return None
    share = usual if left.shared is None else min(usual, -(-left.shared // _SHARE))
    return min(left.amount, max(needed, share))


def _at_most(piece: int | None, held: int) -> int | None:
    return None if piece is None else min(piece, held)


def _near(found: dict[Bound, Amount], settings: Settings, user: str) -> Bound | None:
    """The first limit of a day or month of which four fifths are spent."""
    limits, house = settings.of(user), settings.house
    most: dict[Bound, tuple[int | None, int | None]] = {
        "day": (limits.day_tokens, limits.day_micro),
        "month": (limits.month_tokens, limits.month_micro),
        "house_day": (house.day_tokens, house.day_micro),
        "house_month": (house.month_tokens, house.month_micro),
    }
    for bound, (tokens, micro) in most.items():
        spent = found[bound]
        for limit, used in ((tokens, spent.tokens), (micro, spent.micro)):
            if limit is not None and used * _NEAR >= limit * (_NEAR - 1):
                return bound
    return None


def _ends(calendar: Calendar, bound: Bound, now: datetime) -> float | None:
    """Seconds until a day's limit begins anew; a month's is far away."""
    return (calendar.ends(now) - now).total_seconds() if bound in ("day", "house_day") else None
