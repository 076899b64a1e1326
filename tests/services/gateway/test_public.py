"""The pages that everybody may read: no script, no cookie, in the operator's words, and about this very house."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from openassistant.context import new_id
from openassistant.messages import Card, Heartbeat, card_digest
from services.gateway.house import HouseRules
from services.gateway.installation import HELD, Answerer, Facts, told
from services.gateway.public import LANGUAGES, Spoken, spoken
from services.gateway.public_style import STYLE
from services.gateway.terms import TERMS, page
from services.gateway.views import ModelDraft
from services.gateway.welcome import WELCOMES
from tests.services.gateway.house import POST, GatewayHouse
from tests.services.gateway.household import Household

PAGES = ("/welcome", "/privacy", "/terms")
TOKENS = Path(__file__).parents[3] / "services" / "gateway" / "web" / "src" / "tokens.css"
WRITTEN = HouseRules(
    name="Linden <b>", operator="Ada & Ben", contact="desk@example.org", policy="We look at <nothing>.",
    policy_url="https://example.org/privacy?a=1&b=2", terms="Be kind & <fair>.", terms_url="https://example.org/terms",
    minimum_age=18,
)  # fmt: skip
ENGLISH, GERMAN = LANGUAGES["en"], LANGUAGES["de"]


@pytest.fixture
def home(house: GatewayHouse) -> Household:
    return Household(house)


async def shown(home: Household, path: str = "/privacy") -> str:
    """A page as a stranger's browser gets it, once the facts are read anew."""
    home.house.time += HELD
    answer = await home.browser().ask("GET", path)
    assert answer.status_code == 200
    return answer.text


# --- the frame ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_needs_no_sign_in_no_script_and_no_cookie(home: Household, path: str) -> None:
    answer = await home.browser().ask("GET", path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "set-cookie" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert re.search(r"<script|https?://|src=|style=|<form", answer.text) is None


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_be_asked_for_without_its_words(home: Household, path: str) -> None:
    answer = await home.browser().ask("HEAD", path)
    assert (answer.status_code, answer.headers["content-language"]) == (200, "en")


@pytest.mark.parametrize("path", PAGES)
async def test_the_operators_words_are_shown_as_text(house: GatewayHouse, path: str) -> None:
    written = await shown(Household(house, WRITTEN), path)
    assert "Linden &lt;b&gt; is run by Ada &amp; Ben." in written
    assert "Contact: desk@example.org" in written
    assert re.search(r"<b>|<nothing>|<fair>", written) is None


async def test_a_services_name_is_shown_as_text(home: Household) -> None:
    await run(home, POST.model_copy(update={"id": "sly", "name": "<img src=x>"}))
    assert "&lt;img src=x&gt;" in await shown(home)
    assert "<img" not in await shown(home, "/welcome")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("", "en-GB,en;q=0.9,de;q=0.8", "en"),
        ("", "fr,de;q=0.5", "de"),
        ("", "fr, de;q=0", "en"),
        ("", "de;q=much,*", "en"),
        ("?lang=de", "en", "de"),
        ("?lang=en", "de", "en"),
        ("?lang=fr", "de", "de"),
    ],
)
async def test_a_page_is_in_the_language_that_is_named_or_that_the_browser_likes_best(
    home: Household, path: str, asked: str, accepted: str, language: str
) -> None:
    answer = await home.browser().ask("GET", f"{path}{asked}", headers={"Accept-Language": accepted})
    other = {"en": "de", "de": "en"}[language]
    assert f'<html lang="{language}">' in answer.text
    assert f'href="{path}?lang={other}"' in answer.text
    assert (answer.headers["vary"], answer.headers["content-language"]) == ("Accept-Language", language)


def test_links_name_a_language_where_the_address_did_and_not_where_the_browser_chose() -> None:
    assert spoken("de", "").link("/terms") == "/terms?lang=de"
    assert spoken("", "de").link("/terms") == "/terms"


@pytest.mark.parametrize("path", PAGES)
async def test_each_page_leads_to_the_others_and_into_the_app(home: Household, path: str) -> None:
    written = await shown(home, path)
    assert {*PAGES, "/", "/about"} <= set(re.findall(r'href="([^"?]+)"', written))
    assert written.count('aria-current="page"') == 1


def test_the_pages_wear_the_colours_and_fonts_of_the_app() -> None:
    tokens = dict(re.findall(r"(--[\w-]+): ([^;]+);", TOKENS.read_text()))
    worn = dict(re.findall(r"(--[\w-]+):((?:[^;(]|\([^)]*\))+);", STYLE))
    assert len(worn) > 8
    assert {name: spaced.replace(" ", "") for name, spaced in tokens.items() if name in worn} == {
        name: value.replace(" ", "") for name, value in worn.items()
    }


def texts(value: object) -> Iterator[str]:
    """Every text in a language's words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for each in value.items() for text in texts(each))
    elif isinstance(value, tuple):
        yield from (text for each in value for text in texts(each))


@pytest.mark.parametrize("words", [LANGUAGES, TERMS, WELCOMES])
def test_german_says_as_much_as_english_with_places_for_the_same(words: dict[str, object]) -> None:
    english, german = list(texts(words["en"])), list(texts(words["de"]))
    places = [sorted(re.findall(r"{\w+}", each)) for each in english]
    assert [sorted(re.findall(r"{\w+}", each)) for each in german] == places
    assert [each for each, other in zip(english, german, strict=True) if each == other] == []


# --- home -----------------------------------------------------------------------------------------------------------


async def test_home_names_the_program_what_it_does_with_accounts_and_who_runs_it(house: GatewayHouse) -> None:
    written = await shown(Household(house, HouseRules(name="Linden", operator="Ada", minimum_age=18)), "/welcome")
    assert "Open Assistant is a personal assistant" in written
    assert "What it does with your accounts" in written
    assert "Services that can be connected here: Post." in written
    assert "Linden is run by Ada." in written
    assert "18 or older" in written
    assert '<a class="button" href="/">Sign in</a>' in written


# --- terms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_the_operators_terms_there_are_plain_ones_with_the_age_of_the_house(language: str) -> None:
    written = page(HouseRules(minimum_age=17), Spoken(LANGUAGES[language]))
    assert "17" in written
    assert "16" not in written.partition("<main")[2]
    assert "Apache License 2.0" in written
    assert 8 <= sum(map(len, TERMS[language].parts.values())) <= 14


def test_the_operators_terms_stand_in_place_of_the_plain_ones() -> None:
    written = page(WRITTEN, Spoken(ENGLISH))
    assert "Be kind &amp; &lt;fair&gt;." in written
    assert '<a href="https://example.org/terms" rel="noreferrer">https://example.org/terms</a>' in written
    assert [each for each in TERMS["en"].parts if each in written] == []
    assert "Apache" not in page(HouseRules(terms_url="https://example.org/terms"), Spoken(ENGLISH))


# --- what this house does -------------------------------------------------------------------------------------------


def announce(home: Household, card: Card) -> None:
    """A connector says that it is there."""
    beat = Heartbeat(instance="1", card=card, digest=card_digest(card), started=home.house.time)
    home.house.catalogue.apply(f"{card.id}.1", beat.model_dump_json().encode())


async def run(home: Household, card: Card) -> None:
    """A connector comes, and the owner approves it."""
    announce(home, card)
    await home.house.connectors.approve(home.house.me, card.id, card_digest(card), home.ledger)


async def choose(home: Household, **draft: str) -> None:
    """The owner chooses a model."""
    await home.models.choose(home.house.me, ModelDraft.model_validate(draft))


async def test_the_services_are_those_that_run_and_may_be_used(house: GatewayHouse) -> None:
    home = Household(house)
    assert "Post. Everybody who lives here" in await shown(home)
    await run(home, POST.model_copy(update={"id": "shelf", "name": "Shelf"}))
    assert "Post, Shelf. Everybody who lives here" in await shown(home)
    house.connectors._rules = HouseRules(connectors=("shelf",))
    narrowed = await shown(Household(house, HouseRules(connectors=("shelf",))))
    assert "Shelf. Everybody who lives here" in narrowed
    assert "none but those that he listed" in narrowed
    assert "Post" not in narrowed


async def test_a_service_that_nobody_approved_is_not_named(home: Household) -> None:
    announce(home, POST.model_copy(update={"id": "stranger", "name": "Stranger"}))
    assert "Stranger" not in await shown(home)


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ({"model": "small", "base_url": "http://127.0.0.1:11434/v1"}, "small, on machines of this house"),
        ({"model": "/home/ada/kept/small.gguf", "base_url": "http://192.168.1.7:8000/v1"}, "small.gguf, on machines"),
        ({"model": "big:cloud", "base_url": "http://192.168.1.7:11434/v1"}, "big:cloud, asked in this house"),
        ({"model": "large", "base_url": "https://93.184.215.14/v1"}, "large, outside of this house, at 93.184.215.14."),
        ({"kind": "litellm", "model": "mistral/small"}, "small, outside of this house, at mistral."),
    ],
)
async def test_the_models_are_those_that_were_chosen_and_where_they_are(
    home: Household, draft: dict[str, str], said: str
) -> None:
    assert "No model is chosen, so nobody answers." in await shown(home)
    await choose(home, **draft)
    written = await shown(home)
    assert said in written
    assert "No model is chosen" not in written
    assert re.search(r"192\.168|127\.0|11434|8000|/v1|/home/", written) is None
    await home.models.remove(home.house.me)
    assert "No model is chosen, so nobody answers." in await shown(home)


async def test_a_second_model_is_named_beside_the_first(home: Household) -> None:
    await choose(home, kind="litellm", model="mistral/small")
    near = ModelDraft(model="near", base_url="http://127.0.0.1:11434/v1")
    await home.models.choose_private(home.house.me, near)
    written = await shown(home)
    assert "small, outside of this house, at mistral. near, on machines of this house" in written


async def test_the_age_the_copies_and_how_long_a_question_waits_are_the_settings(house: GatewayHouse) -> None:
    home = Household(house, HouseRules(minimum_age=18))
    plain = await home.installation().facts()
    other = await home.installation(question_hours=1.5, copied=True).facts()
    assert (plain.minimum_age, plain.question_hours, plain.copied) == (18, 24, False)
    assert (other.question_hours, other.copied) == (1.5, True)
    english = dict(told(other, ENGLISH))
    assert english["Age"].startswith("18 or older")
    assert "after 1.5 h." in english["How long"]
    assert english["Copies"].startswith("Copies of the whole house are made")
    assert dict(told(plain, ENGLISH))["Copies"] == "The house makes no copies of itself."
    assert "nach 1,5 h." in dict(told(other, GERMAN))["Wie lange"]


async def test_the_ways_to_sign_in_are_those_that_are_offered(home: Household) -> None:
    assert "There is no other way." in await shown(home)
    query = text(
        "INSERT INTO openid_providers (id, label, issuer, claim, allowed, joins, created) VALUES"
        f" ('{new_id()}', 'Family ID', 'https://id.lan.example', '', '[]', 'nobody', '2026-01-01T00:00:00+00:00')"
    )
    await home.house.store.write(lambda connection: connection.execute(query).close())
    written = await shown(home)
    assert "Also at Family ID." in written
    assert "id.lan.example" not in written


async def test_nobody_who_lives_here_and_no_account_is_named(home: Household) -> None:
    ada = await home.open()
    await home.joined(ada)
    for path in PAGES:
        written = await shown(home, path)
        assert [each for each in ("Ada", "ada", "Bob", "bob", home.house.account.id) if each in written] == []


async def test_strangers_who_load_a_page_often_have_the_facts_read_once(home: Household) -> None:
    before = await shown(home)
    await choose(home, kind="litellm", model="mistral/small")
    answer = await home.browser().ask("GET", "/privacy")
    assert answer.text == before
    assert "at mistral." in await shown(home)


def test_german_tells_of_the_same_facts() -> None:
    facts = Facts(("Mail",), True, (Answerer("x", "passed_on"), Answerer("y", "outside", "z.example")), 1, 16, True, ())
    english, german = told(facts, ENGLISH), told(facts, GERMAN)
    for (head, words), (kopf, worte) in zip(english, german, strict=True):
        assert (head, words) != (kopf, worte)
        assert re.findall(r"\d+|z\.example|Mail", words) == re.findall(r"\d+|z\.example|Mail", worte)
