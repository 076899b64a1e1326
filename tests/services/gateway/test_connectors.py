"""What is not approved is dark; what was approved stays known, by its very card."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openassistant.catalogue import Catalogue
from openassistant.errors import Conflict, Forbidden, Internal, InvalidRequest, NotFound, Unavailable
from openassistant.messages import Auth, Capability, Card, Effect, Heartbeat, OAuth2, ToolCard, card_digest
from services.gateway.connectors import Connectors, read_approved
from services.gateway.forms import check_form
from services.gateway.ledger import Ledger
from services.gateway.preferences import Preferences
from tests.services.gateway.house import POST, GatewayHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[GatewayHouse]:
    async with GatewayHouse(tmp_path) as made:
        yield made


def bell(description: str = "Ring") -> Card:
    return Card(
        id="bell",
        name="Doorbell",
        version="1",
        tools=(ToolCard(name="bells_ring", description=description, effect=Effect.SEND, parameters={}),),
    )


def appears(house: GatewayHouse, card: Card) -> str:
    digest = card_digest(card)
    beat = Heartbeat(instance="1", card=card, digest=digest, started=house.clock())
    house.connectors._catalogue.apply(f"{card.id}.1", beat.model_dump_json().encode())
    return digest


def ledger(house: GatewayHouse) -> Ledger:
    return Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))


async def test_a_card_of_the_release_needs_nobody(house: GatewayHouse) -> None:
    assert house.connectors.grantable() == {"post": card_digest(POST)}
    assert house.connectors.usable("post")[0] == POST


async def test_a_new_connector_is_listed_and_dark(house: GatewayHouse) -> None:
    appears(house, bell())
    assert [(each.id, each.approved) for each in house.connectors.listing()] == [("bell", False), ("post", True)]
    assert "bell" not in house.connectors.grantable()
    with pytest.raises(Forbidden, match="Doorbell has not been approved"):
        house.connectors.usable("bell")


async def test_an_approval_is_written_down_and_then_counts(house: GatewayHouse) -> None:
    digest = appears(house, bell())
    view = await house.connectors.approve(house.me, "bell", digest, ledger(house))
    assert view.approved
    assert house.connectors.grantable()["bell"] == digest
    assert house.recorded() == ["connector.approved"]


async def test_an_approval_that_cannot_be_written_down_does_not_count(house: GatewayHouse) -> None:
    digest = appears(house, bell())
    house.ledger_error = Unavailable("The witness is away.")
    with pytest.raises(Unavailable):
        await house.connectors.approve(house.me, "bell", digest, ledger(house))
    assert "bell" not in house.connectors.grantable()


async def test_a_card_that_changed_while_it_was_looked_at_is_not_approved(house: GatewayHouse) -> None:
    seen = appears(house, bell())
    appears(house, bell("Ring, and open the door"))
    with pytest.raises(Conflict, match="changed meanwhile"):
        await house.connectors.approve(house.me, "bell", seen, ledger(house))
    assert "bell" not in house.connectors.grantable()


async def test_an_approved_connector_whose_card_changes_goes_dark(house: GatewayHouse) -> None:
    digest = appears(house, bell())
    await house.connectors.approve(house.me, "bell", digest, ledger(house))
    appears(house, bell("Ring, and open the door"))
    assert "bell" not in house.connectors.grantable()
    assert house.connectors.known_card("bell", digest) == bell()


async def test_approvals_survive_a_restart(house: GatewayHouse) -> None:
    digest = appears(house, bell())
    await house.connectors.approve(house.me, "bell", digest, ledger(house))
    await house.stop()
    await house.start()
    appears(house, bell())
    assert house.connectors.grantable()["bell"] == digest
    assert house.connectors.remembered("bell") == [bell()]


async def test_what_does_not_run_cannot_be_approved_or_used(house: GatewayHouse) -> None:
    with pytest.raises(NotFound, match="not running"):
        house.connectors.usable("bell")
    with pytest.raises(NotFound):
        await house.connectors.approve(house.me, "bell", card_digest(bell()), ledger(house))


def test_the_release_names_one_digest_or_several(tmp_path: Path) -> None:
    file = tmp_path / "approved-cards.json"
    file.write_text('{"mail": "a", "caldav": ["b", "c"]}')
    assert read_approved(file) == {("mail", "a"), ("caldav", "b"), ("caldav", "c")}
    assert read_approved(None) == frozenset()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"mail": 3}'])
def test_a_release_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "approved-cards.json"
    file.write_text(content)
    with pytest.raises(Internal, match=r"approved-cards\.json"):
        read_approved(file)


def test_connectors_are_made_without_a_bus(house: GatewayHouse) -> None:
    empty = Connectors(house.store, Catalogue(house.clock), house.clock, release=frozenset())
    assert (empty.grantable(), empty.listing(), empty.running()) == ({}, [], [])


def test_where_a_form_asks_for_a_token_the_provider_stands_beside_it(house: GatewayHouse) -> None:
    oauth = OAuth2(
        provider="ringer", name="Ringer", authorize_url="https://id.example/a", token_url="https://id.example/t",
        capabilities={"ring": Capability(title="Ring", scopes=())},
    )  # fmt: skip
    secrets = {"type": "object", "properties": {"access_token": {"type": "string"}}, "required": ["access_token"]}
    card = bell().model_copy(update={"auth": Auth(kind="password", oauth2=oauth), "secrets_schema": secrets})
    appears(house, card)
    shown = {each.id: each for each in house.connectors.listing()}["bell"]
    assert shown.sign_in is not None
    assert (shown.sign_in.name, shown.secrets_schema) == ("Ringer", secrets)
    check_form(card, {}, None)  # the provider gives the secrets
    with pytest.raises(InvalidRequest, match="access_token"):
        check_form(card, {}, {})
