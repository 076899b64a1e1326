"""Who may connect to where: what the gateway tells the egress room, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.egress import Proxy
from openassistant.grants import SigningKey
from openassistant.messages import Account, AccountList, AccountQuery, Card, Destination, Done, ModelRef
from openassistant.oauth import ClientList, ClientQuery, OAuthClient
from openassistant.openid import OpenIdClient, OpenIdList, OpenIdQuery
from openassistant.targets import Targets
from openassistant.testing import MemoryBus
from services.gateway.grants import Grants
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut, of_model

CARD = Card(id="caldav", name="Calendar", version="1", hosts=("*.icloud.com",), host_settings=("url",))
PROXY = Proxy("egress", 3128, "gateway", SecretStr("not-a-real-password"))


class Place:
    """A gateway's way out beside a vault with `accounts` and an egress room that notes what it is `told`."""

    def __init__(self, proxy: Proxy | None = PROXY) -> None:
        self.bus = MemoryBus()
        self.accounts: list[Account] = []
        self.clients: list[OAuthClient] = []
        self.openids: list[OpenIdClient] = []
        self.cards: list[Card] = [CARD]
        self.told: list[Targets] = []
        self.gateway, self.vault, self.egress = (self.bus.room(name) for name in ("gateway", "vault", "egress"))
        vault = Vault(self.gateway, Grants(SigningKey.generate(), dict, utc_now))
        self.way = WayOut(self.gateway, vault, lambda: self.cards, room="gateway", proxy=proxy)

    async def start(self) -> None:
        await self.vault.serve(subjects.vault_account("list"), AccountQuery, self._on_list)
        await self.vault.serve(subjects.vault_oauth("list"), ClientQuery, self._on_clients)
        await self.vault.serve(subjects.vault_openid("list"), OpenIdQuery, self._on_openids)
        await self.egress.serve(subjects.egress("set"), Targets, self._on_set)
        await self.way.start()

    async def stop(self) -> None:
        for bus in (self.gateway, self.vault, self.egress):
            await bus.drain(seconds=1)

    def connect(self, connector: str, **settings: Any) -> None:
        self.accounts.append(
            Account(
                id=new_id(), user=new_id(), connector=connector, name="x", settings=settings, state="pending",
                created=utc_now(),
            )
        )  # fmt: skip

    def open_to(self, room: str) -> set[str]:
        return {f"{each.host}:{each.port}" for each in self.told[-1].rooms.get(room, ())}

    async def _on_list(self, ctx: CallContext, query: AccountQuery) -> AccountList:
        return AccountList(accounts=tuple(self.accounts))

    async def _on_openids(self, ctx: CallContext, query: OpenIdQuery) -> OpenIdList:
        return OpenIdList(clients=tuple(self.openids))

    async def _on_clients(self, ctx: CallContext, query: ClientQuery) -> ClientList:
        return ClientList(clients=tuple(self.clients))

    async def _on_set(self, ctx: CallContext, told: Targets) -> Done:
        self.told.append(told)
        return Done()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    await place.start()
    yield place
    await place.stop()


async def test_a_connector_reaches_its_card_and_its_accounts_and_no_others(place: Place) -> None:
    place.connect("caldav", url="https://cloud.home.example/")
    place.connect("mail", imap_host="imap.home.example")
    await place.way.tell()
    assert place.open_to("caldav") == {"*.icloud.com:443", "cloud.home.example:443", "*.cloud.home.example:443"}
    assert place.open_to("mail") == set()


async def test_a_connector_whose_card_nobody_approved_reaches_nothing(place: Place) -> None:
    place.connect("caldav", url="https://cloud.home.example/")
    place.cards.clear()
    await place.way.tell()
    assert place.told[-1].rooms == {}


async def test_an_account_that_is_gone_closes_its_way(place: Place) -> None:
    place.connect("caldav", url="http://nas:5232/")
    await place.way.tell()
    assert "nas:5232" in place.open_to("caldav")
    place.accounts.clear()
    await place.way.tell()
    assert "nas:5232" not in place.open_to("caldav")


async def test_the_agent_reaches_the_chosen_model_alone(place: Place) -> None:
    async def chosen() -> list[ModelRef]:
        addresses = ("http://host.docker.internal:11434/v1", "https://models.example.org/v1")
        return [ModelRef(kind="openai", model="m", base_url=each) for each in addresses]

    place.way.models = chosen
    await place.way.tell()
    assert place.open_to("agent") == {"host.docker.internal:11434", "models.example.org:443"}
    assert {each.host for each in of_model(ModelRef(kind="litellm", model="mistral/small"))} == {
        "api.mistral.ai",
        "codestral.mistral.ai",
    }
    assert of_model(ModelRef(kind="litellm", model="unheard-of/small")) == ()


async def test_the_vault_reaches_the_providers_that_the_house_is_registered_with(place: Place) -> None:
    urls = {"authorize_url": "https://login.example.org/a", "token_url": "https://token.example.org/t"}
    place.clients.append(OAuthClient(provider="example", client_id="x", revoke_url="https://id.example.org/r", **urls))
    await place.way.tell()
    assert place.open_to("vault") == {"token.example.org:443", "id.example.org:443"}


async def test_the_vault_reaches_the_providers_that_people_sign_in_at(place: Place) -> None:
    urls = {name: f"https://{name}.example.org/x" for name in ("authorize", "token", "keys", "userinfo")}
    named = {f"{name}_url": url for name, url in urls.items()}
    place.openids.append(OpenIdClient(id="a" * 32, issuer="https://id.example.org", client_id="x", **named))
    await place.way.tell()
    hosts = ("id", "token", "keys", "userinfo")
    assert place.open_to("vault") == {f"{host}.example.org:443" for host in hosts}


async def test_a_provider_that_is_being_entered_is_open_to_the_vault_that_long(place: Place) -> None:
    async with place.way.opened("https://id.example.org", room="vault"):
        assert place.open_to("vault") == {"id.example.org:443"}
        assert place.open_to("gateway") == set()


async def test_a_server_that_is_being_tried_is_open_that_long(place: Place) -> None:
    async with place.way.opened("https://models.example.org/v1"):
        assert place.open_to("gateway") == {"models.example.org:443"}
    await place.way.tell()
    assert place.open_to("gateway") == set()


async def test_what_a_person_approved_is_open_to_that_connector_for_some_minutes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved = (
        Destination(kind="url", value="lists.example.org"),
        Destination(kind="recipient", value="carol@example.org"),
    )
    await place.way.let("caldav", approved)
    assert "lists.example.org:443" in place.open_to("caldav")
    later = place.way._now() + 601
    monkeypatch.setattr(WayOut, "_now", staticmethod(lambda: later))
    await place.way.tell()
    assert "lists.example.org:443" not in place.open_to("caldav")


async def test_an_egress_room_that_begins_gets_the_list(place: Place) -> None:
    place.connect("caldav", url="http://nas:5232/")
    ctx = CallContext.within(5)
    found = await place.egress.request(subjects.gateway("targets"), Done(), Targets, ctx)
    assert "nas" in {each.host for each in found.rooms["caldav"]}


async def test_a_proxy_that_is_away_holds_nothing_up() -> None:
    place = Place()
    await place.vault.serve(subjects.vault_account("list"), AccountQuery, place._on_list)
    await place.way.start()
    await place.stop()


async def test_without_a_proxy_nobody_is_told() -> None:
    place = Place(proxy=None)
    await place.start()
    await place.way.tell()
    await place.way.let("caldav", (Destination(kind="url", value="lists.example.org"),))
    assert place.told == []
    await place.stop()
