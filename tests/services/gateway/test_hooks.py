"""The door for providers: an address leads to one account's connector, and tells whoever guesses nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from openassistant import subjects
from openassistant.context import CallContext
from openassistant.errors import NotFound, RateLimited, TooLarge, Unavailable
from openassistant.hooks import Hook, HookAnswer
from openassistant.messages import AuditAction, HookCard, card_digest
from services.gateway.hooks import Door, Knock
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from tests.services.gateway.house import POST, GatewayHouse

BODY = '{"said":"\U0001f98a"}'.encode()
CARD = POST.model_copy(update={"hook": HookCard(headers=("x-signature",), largest=1_000)})


class Street:
    """The door, and a connector behind it that answers as a test wants."""

    def __init__(self, house: GatewayHouse) -> None:
        self.house, self.heard, self.answer = house, list[Hook](), HookAnswer(text="ok")
        ledger = Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))
        self.ledger = ledger
        self.door = Door(
            house.bus.room("gateway"), house.store, house.connectors, house.grants, ledger, house.clock, refusal=0
        )

    async def start(self) -> None:
        post = self.house.bus.room("post")
        await post.serve(subjects.hook("post"), Hook, self._on_hook)

    async def address(self) -> tuple[str, str]:
        path = await self.door.path_of(self.house.me.user.id, self.house.account.id, "post")
        assert path is not None
        _, _, connector, token = path.split("/")
        return connector, token

    async def _on_hook(self, ctx: CallContext, hook: Hook) -> HookAnswer:
        grant = self.house.trust.grant(ctx.grant, now=self.house.clock())
        assert (grant.kind, grant.account) == ("account", hook.account)
        self.heard.append(hook)
        return self.answer


READ: list[int] = []


def knock(body: bytes = BODY, **headers: str) -> Knock:
    async def read(largest: int) -> bytes:
        READ.append(largest)
        if len(body) > largest:
            raise TooLarge("That is more than is taken here.")
        return body

    READ.clear()
    return Knock(
        "POST", {"q": "1"}, {"x-signature": "sha256=00", "cookie": "oa=planted", **headers}, read, "203.0.113.9"
    )


@pytest.fixture
async def street(house: GatewayHouse, monkeypatch: pytest.MonkeyPatch) -> Street:
    made = Street(house)
    monkeypatch.setattr(house.connectors, "usable", lambda _: (CARD, card_digest(CARD)))
    monkeypatch.setattr(house.connectors, "remembered", lambda name: [CARD] if name == "post" else [POST])
    await made.start()
    return made


async def test_raw_bytes_and_the_headers_of_the_card_reach_the_connector_and_nothing_else(street: Street) -> None:
    answer = await street.door.open(*await street.address(), knock())
    (heard,) = street.heard
    assert (answer.status, answer.text) == (200, "ok")
    assert (heard.body, heard.headers, heard.query) == (BODY, {"x-signature": "sha256=00"}, {"q": "1"})
    assert heard.account == street.house.account.id


async def test_an_address_stays_until_it_is_changed_and_then_leads_nowhere(street: Street) -> None:
    former = await street.address()
    assert await street.address() == former
    await street.door.change(street.house.me.user.id, street.house.account.id, "post")
    with pytest.raises(NotFound):
        await street.door.open(*former, knock())
    assert (await street.door.open(*await street.address(), knock())).status == 200


async def test_an_account_whose_connector_takes_nothing_has_no_address(street: Street) -> None:
    assert await street.door.path_of(street.house.me.user.id, street.house.account.id, "other") is None


@pytest.mark.parametrize(
    ("connector", "token"), [("post", "x" * 43), ("post", ""), ("nobody", "x" * 43), ("post", "../post"), ("post", "%")]
)
async def test_whatever_leads_nowhere_gets_the_same_answer(street: Street, connector: str, token: str) -> None:
    with pytest.raises(NotFound) as found:
        await street.door.open(connector, token, knock())
    assert (found.value.message, found.value.details) == ("Nothing is here.", {})
    assert (street.heard, READ) == ([], [])


async def test_a_right_token_under_another_connectors_name_leads_nowhere(street: Street) -> None:
    _, token = await street.address()
    with pytest.raises(NotFound):
        await street.door.open("other", token, knock())


async def test_whoever_guesses_is_slowed_down_and_the_provider_beside_him_is_not(street: Street) -> None:
    address = await street.address()
    for _ in range(20):
        with pytest.raises(NotFound):
            await street.door.open("post", "x" * 43, knock())
    with pytest.raises(RateLimited):
        await street.door.open("post", "x" * 43, knock())
    assert (await street.door.open(*address, knock())).status == 200


async def test_one_address_takes_so_many_requests_and_more_later(street: Street) -> None:
    address = await street.address()
    for _ in range(200):
        await street.door.open(*address, knock())
    with pytest.raises(RateLimited) as found:
        await street.door.open(*address, knock())
    assert found.value.retry_after is not None
    street.house.time += timedelta(seconds=1)
    assert (await street.door.open(*address, knock())).status == 200


async def test_what_is_larger_than_the_card_says_is_not_handed_on(street: Street) -> None:
    with pytest.raises(TooLarge):
        await street.door.open(*await street.address(), knock(b"x" * 1_001))
    assert street.heard == []


async def test_a_wrong_signature_is_refused_each_time_and_written_down_once_a_day(street: Street) -> None:
    noted: list[Any] = []
    street.ledger.try_note = lambda action, **fields: noted.append((action, fields))  # type: ignore[method-assign]
    street.answer, address = HookAnswer(status=403), await street.address()
    for _ in range(3):
        assert (await street.door.open(*address, knock())).status == 403
    assert [action for action, _ in noted] == [AuditAction.HOOK_REFUSED]
    street.house.time += timedelta(days=1, seconds=1)
    await street.door.open(*address, knock())
    assert len(noted) == 2


async def test_a_connector_that_is_not_approved_is_a_reason_to_come_again_and_no_more(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await street.address()
    monkeypatch.undo()
    with pytest.raises(Unavailable) as found:
        await street.door.open(*address, knock())
    assert "post" not in found.value.message.lower()
