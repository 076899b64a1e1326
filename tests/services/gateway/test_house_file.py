"""What an operator does not allow is not to be had: not chosen, not connected, not used where it was there before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from openassistant.errors import Forbidden, Internal, InvalidRequest
from openassistant.messages import card_digest
from services.gateway.connectors import Connectors
from services.gateway.house import HouseRules
from services.gateway.ledger import Ledger
from services.gateway.limits import EACH, Limits
from services.gateway.preferences import Preferences
from services.gateway.preset import Preset
from services.gateway.views import ModelDraft, ModelProbe
from tests.services.gateway.house import POST, GatewayHouse
from tests.services.gateway.household import Household
from tests.services.gateway.keysafe import KeySafe

FILE = """
name = "The example cooperative"
operator = "Example e.V."
contact = "desk@example.org"
policy = "We look at <nothing>."
policy_url = "https://example.org/privacy"
terms = "Be kind."
terms_url = "https://example.org/terms"
minimum_age = 18
people = 12
connectors = ["mail"]
models = ["mistral/*", "models.example.org/*"]

[limits]
day_tokens = 100000
"""
THERE = "https://models.example.org/v1"


def written(folder: Path, text: str) -> Path:
    path = folder / "house.toml"
    path.write_text(text)
    return path


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[KeySafe]:
    async with KeySafe(tmp_path) as safe:
        await safe.move_in()
        yield safe


# --- the file -------------------------------------------------------------------------------------------------------


def test_a_house_without_a_file_narrows_nothing() -> None:
    rules = HouseRules.read(None)
    assert not rules.managed
    assert rules.lets_connector("anything")
    assert rules.lets_model("any/model", None)
    assert rules.minimum_age == 16


def test_a_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    rules = HouseRules.read(written(tmp_path, FILE))
    assert (rules.managed, rules.operator, rules.people, rules.minimum_age) == (True, "Example e.V.", 12, 18)
    assert rules.limits == Limits(day_tokens=100_000)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("connector = ['mail']", "connector"),
        ("connectors = 'mail'", "connectors"),
        ("[limits]\nday_token = 5", "limits.day_token"),
        ("[limits]\nday_tokens = -5", "limits.day_tokens"),
        ("minimum_age = 3", "minimum_age"),
        ("policy_url = 'javascript:alert(1)'", "policy_url"),
        ("terms_url = 'http://example.org/'", "terms_url"),
        ("people = 0", "people"),
        ("name = ", "TOML"),
        ("models = ['']", "models"),
    ],
)
def test_a_file_that_is_wrong_starts_no_house_and_names_the_key(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(Internal, match=f"OA_HOUSE_FILE.*{named}"):
        HouseRules.read(written(tmp_path, text))


def test_a_file_that_is_not_there_starts_no_house(tmp_path: Path) -> None:
    with pytest.raises(Internal, match="OA_HOUSE_FILE"):
        HouseRules.read(tmp_path / "none.toml")


# --- connectors -----------------------------------------------------------------------------------------------------


def narrowed(house: GatewayHouse, *allowed: str) -> Connectors:
    """The house's connectors after a restart under a file that allows only these; the post ran before."""
    return Connectors(
        house.store, house.catalogue, house.clock, release=frozenset({("post", card_digest(POST))}),
        rules=HouseRules(connectors=allowed),
    )  # fmt: skip


async def test_a_connector_that_is_not_allowed_is_dark_though_it_comes_with_the_release(house: GatewayHouse) -> None:
    connectors = narrowed(house, "mail")
    await connectors.start(house.bus.room("gateway"))
    assert (connectors.grantable(), connectors.running(), connectors.listing()) == ({}, [], [])
    assert not connectors.is_approved("post", card_digest(POST))
    with pytest.raises(Forbidden, match="does not allow post"):
        connectors.usable("post")


async def test_an_owner_cannot_approve_what_the_operator_does_not_allow(house: GatewayHouse) -> None:
    connectors = narrowed(house)
    await connectors.start(house.bus.room("gateway"))
    ledger = Ledger(house.bus.room("gateway"), house.grants, Preferences(house.store))
    with pytest.raises(Forbidden, match="does not allow post"):
        await connectors.approve(house.me, "post", card_digest(POST), ledger)
    assert connectors.grantable() == {}


async def test_the_background_work_of_before_ends_in_a_moment(house: GatewayHouse) -> None:
    home = Household(house)
    await home.open()
    house.connectors._rules = HouseRules(connectors=("mail",))
    assert house.connectors.forbidden() == {"post": card_digest(POST)}
    await home.accounts.attach_all("post", card_digest(POST), [house.account.user], ends=True)
    (handed,) = home.attached
    assert house.trust.grant(handed.grant, now=house.time).expires - house.time < timedelta(seconds=10)
    with pytest.raises(Forbidden):
        house.trust.grant(handed.grant, now=house.time + timedelta(seconds=10))


async def test_a_call_of_a_turn_that_began_before_is_refused(house: GatewayHouse) -> None:
    turn = await house.turn()
    grant, call = house.grant(turn), house.call("drafts_create")
    house.connectors._rules = HouseRules(connectors=("mail",))
    with pytest.raises(Forbidden, match="not approved"):
        await house.put(call, turn, grant=grant)
    fresh = await house.renew(turn, grant=grant)
    assert "post" not in house.trust.grant(fresh.grant, now=house.time).connectors


async def test_what_is_allowed_goes_on_as_before(house: GatewayHouse) -> None:
    connectors = narrowed(house, "post")
    await connectors.start(house.bus.room("gateway"))
    assert connectors.usable("post")[0] == POST
    assert connectors.grantable() == {"post": card_digest(POST)}


# --- models ---------------------------------------------------------------------------------------------------------

ALLOWED = HouseRules(models=("mistral/*", "models.example.org/*"))
FORBIDDEN = {
    "another provider": {"kind": "litellm", "model": "mallory/large"},
    "another provider whose model is called so": {"kind": "litellm", "model": "mallory/mistral/small"},
    "the provider's name at another address": {
        "kind": "litellm", "model": "mistral/small", "base_url": "https://mallory.example.net/v1",
    },
    "another address": {"model": "large", "base_url": "https://mallory.example.net/v1"},
    "an address that begins alike": {"model": "large", "base_url": "https://models.example.org.mallory.example.net/v1"},
    "another port": {"model": "large", "base_url": "https://models.example.org:8443/v1"},
    "an address in a name": {"model": "models.example.org/x", "base_url": "https://mallory.example.net/v1"},
}  # fmt: skip


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_a_model_that_is_not_allowed_cannot_be_chosen_or_asked(safe: KeySafe, what: str) -> None:
    safe.rules = ALLOWED
    safe.start()
    draft = ModelDraft.model_validate(FORBIDDEN[what])
    for attempt in (safe.models.choose(safe.me, draft), safe.models.choose_private(safe.me, draft)):
        with pytest.raises(InvalidRequest, match="does not allow that model"):
            await attempt
    with pytest.raises(InvalidRequest, match="does not allow that model"):
        await safe.models.check(ModelProbe.model_validate(FORBIDDEN[what]))
    assert await safe.models.ref(safe.me.user.id) is None
    assert safe.secrets == {}


@pytest.mark.parametrize(
    "given", [{"kind": "litellm", "model": "Mistral/small"}, {"model": "large", "base_url": f"{THERE}/"}]
)
async def test_a_model_that_is_allowed_can_be(safe: KeySafe, given: dict[str, str]) -> None:
    safe.rules = ALLOWED
    safe.start()
    await safe.models.choose(safe.me, ModelDraft.model_validate(given))
    await safe.tested()
    assert await safe.models.ref(safe.me.user.id) is not None


async def test_a_choice_of_before_answers_no_more(safe: KeySafe) -> None:
    await safe.models.choose(safe.me, ModelDraft(model="large", base_url="https://mallory.example.net/v1"))
    await safe.tested()
    safe.rules = ALLOWED
    safe.start()
    assert await safe.models.ref(safe.me.user.id) is None
    assert await safe.models.both() == []
    with pytest.raises(InvalidRequest, match="does not allow that model"):
        await safe.models.test(safe.me)


async def test_a_preset_that_is_not_allowed_is_not_taken_up(safe: KeySafe) -> None:
    safe.rules = ALLOWED
    safe.start(Preset(model="mallory/large"))
    with pytest.raises(Internal, match="OA_HOUSE_FILE"):
        await safe.models.apply_preset()
    assert await safe.models.ref(safe.me.user.id) is None


# --- limits ---------------------------------------------------------------------------------------------------------


async def test_no_owner_sets_more_than_the_operator_allows(house: GatewayHouse) -> None:
    from services.gateway.budgets import Budgets
    from services.gateway.passwords import Passwords
    from services.gateway.users import Users

    people = Users(house.store, Passwords(), house.clock)
    budgets = Budgets(
        house.store, Preferences(house.store), people, house.clock, cap=Limits(day_tokens=100_000)
    )  # fmt: skip
    await budgets.change(lambda before: before.model_copy(update={"each": Limits(day_tokens=10**9)}))
    settings = await budgets.settings()
    assert (settings.of("u").day_tokens, settings.of("u").model_calls) == (100_000, 200)
    kept = await Preferences(house.store).get("budgets")
    assert kept is not None
    assert "most" not in kept
    plain = Budgets(house.store, Preferences(house.store), people, house.clock)
    assert (await plain.settings()).of("u").day_tokens == 10**9
    assert EACH.day_tokens != 100_000


# --- what people are told -------------------------------------------------------------------------------------------


async def test_who_runs_it_and_what_he_allows_is_told_to_everybody(house: GatewayHouse, tmp_path: Path) -> None:
    home = Household(house, HouseRules.read(written(tmp_path, FILE)))
    told = await home.browser().done("GET", "/api/house")
    assert (told["managed"], told["name"], told["contact"]) == (True, "The example cooperative", "desk@example.org")
    assert (told["connectors"], told["people"]) == (["mail"], 12)
    assert told["limits"]["day_tokens"] == 100_000
    assert (told["terms"], told["terms_url"]) == ("Be kind.", "https://example.org/terms")


async def test_in_a_house_of_its_owners_only_who_lives_there_learns_their_names(house: GatewayHouse) -> None:
    home = Household(house)
    ada = await home.open()
    bob = await home.joined(ada)
    assert "Ada" not in (await home.browser().ask("GET", "/api/house")).text
    assert (await home.browser().ask("GET", "/api/house/owners")).status_code == 401
    assert await bob.done("GET", "/api/house/owners") == {"names": ["Ada"]}
