"""Who sees what is spent, and who sets what may be."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.budgets import FREE, Price, Spent
from openassistant.context import new_id
from openassistant.errors import InvalidRequest, Unavailable
from services.gateway import usage_views as views
from services.gateway.accounting import Accounting
from services.gateway.ledger import Ledger
from services.gateway.limits import HouseLimits, Limits
from services.gateway.preferences import Preferences
from tests.services.gateway.door import PASSWORD, Door
from tests.services.gateway.house import GatewayHouse


class Scene:
    """The owner, a member, and the screen."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house, self.door, self.price_now = house, Door(house), FREE
        models: Any = self
        ledger = Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))
        self.accounting = Accounting(house.budgets, models, self.door.users, ledger, house.clock)

    async def price(self) -> Price | None:
        return self.price_now

    async def start(self) -> None:
        self.owner = await self.door.signed_in()
        ben, hashed = await self.door.users.prepare(
            username="ben", password=PASSWORD, display_name="Ben", role="member"
        )
        await self.door.users.add(ben, hashed)
        self.ben = self.owner.model_copy(update={"user": ben})

    async def spends(self, user: str, tokens: int) -> None:
        turn = new_id()
        await self.house.budgets.begin(user, turn)
        await self.house.budgets.rest(user, turn, Spent(model="m", calls=1, input_tokens=tokens, micro=tokens))


@pytest.fixture
async def scene(house: GatewayHouse) -> Scene:
    scene = Scene(house)
    await scene.start()
    return scene


async def test_each_sees_his_own_and_the_owner_also_the_house(scene: Scene) -> None:
    await scene.spends(scene.owner.user.id, 100)
    await scene.spends(scene.ben.user.id, 20)
    mine, bens = await scene.accounting.usage(scene.owner, days=7), await scene.accounting.usage(scene.ben, days=7)
    assert (mine.periods[0].tokens.spent, bens.periods[0].tokens.spent) == (100, 20)
    assert bens.house is None
    assert mine.house is not None
    assert mine.house.periods[0].tokens.spent == 120
    assert {each.display_name: each.periods[0].tokens.spent for each in mine.house.people} == {"Ada": 100, "Ben": 20}
    assert [row.input_tokens for row in bens.rows] == [20]


async def test_ones_own_limit_holds_only_within_what_the_owner_allows(scene: Scene) -> None:
    await scene.accounting.set_own(scene.ben, views.LimitsDraft(limits=Limits(day_tokens=10**9, turn_tokens=7)))
    usage = await scene.accounting.usage(scene.ben, days=1)
    assert (usage.limits.day_tokens, usage.limits.turn_tokens) == (5_000_000, 7)
    await scene.accounting.set_house(scene.owner, views.HouseLimitsDraft(people={scene.ben.user.id: Limits()}))
    usage = await scene.accounting.usage(scene.ben, days=1)
    assert usage.limits.day_tokens == 10**9
    await scene.accounting.set_house(scene.owner, views.HouseLimitsDraft(people={scene.ben.user.id: None}))
    assert (await scene.accounting.usage(scene.ben, days=1)).limits.day_tokens == 5_000_000


async def test_what_is_left_out_stays(scene: Scene) -> None:
    before = (await scene.house.budgets.settings()).each
    await scene.accounting.set_house(scene.owner, views.HouseLimitsDraft(house=HouseLimits(day_tokens=9)))
    after = await scene.house.budgets.settings()
    assert (after.each, after.house.day_tokens, after.house.month_tokens) == (before, 9, None)


async def test_a_change_is_written_down_first_or_does_not_happen(scene: Scene) -> None:
    draft = views.LimitsDraft(limits=Limits(day_tokens=5), zone="Europe/Berlin")
    scene.house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await scene.accounting.set_own(scene.ben, draft)
    assert (await scene.accounting.usage(scene.ben, days=1)).own == Limits()
    scene.house.ledger_error = None
    await scene.accounting.set_own(scene.ben, draft)
    assert scene.house.recorded()[-1] == "limits.changed"
    assert scene.house.records[-1].content["after"] == {"day_tokens": 5}


async def test_a_stranger_and_a_place_that_does_not_exist_are_named(scene: Scene) -> None:
    with pytest.raises(InvalidRequest):
        await scene.accounting.set_house(scene.owner, views.HouseLimitsDraft(people={new_id(): Limits()}))
    with pytest.raises(InvalidRequest):
        await scene.accounting.set_own(scene.ben, views.LimitsDraft(limits=Limits(), zone="Mars/Olympus"))


async def test_money_of_another_currency_is_not_added_up(scene: Scene) -> None:
    await scene.spends(scene.ben.user.id, 300)
    await scene.accounting.set_house(scene.owner, views.HouseLimitsDraft(currency="EUR"))
    scene.price_now = Price(currency="USD", input=1, output=1)
    usage = await scene.accounting.usage(scene.ben, days=1)
    assert (usage.currency, usage.periods[0].micro.spent, usage.rows[0].currency) == ("EUR", 0, "USD")
    assert not usage.priced


async def test_a_zone_is_taken_from_the_first_message_and_changed_only_on_purpose(scene: Scene) -> None:
    user = scene.ben.user.id
    await scene.house.budgets.check(user, zone="Asia/Kolkata")
    await scene.house.budgets.check(user, zone="Pacific/Kiritimati")
    assert (await scene.accounting.usage(scene.ben, days=1)).zone == "Asia/Kolkata"
