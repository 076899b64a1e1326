"""A house where people sign in at an OpenID provider: in a browser, from the owner's form to who leaves again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import LOOKS, Look, Watch, picture, sideways, violations, window
from tests.e2e.screens import sign_in, sign_out
from tests.e2e.stack import Stack
from tests.peers.oidc import OidcProvider

pytestmark = pytest.mark.e2e

LABEL = "Family ID"
WELCOME = re.compile("Good to see you")


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as running:
        running.tell("mia", groups=["family"], preferred_username="mia", name="Mia")
        running.tell("ada", groups=["family"], preferred_username="ada", email="ada@home.example")
        running.tell("eve", groups=["others"])
        yield running


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(connectors=("mail",)) as running:
        yield running


def say_who(page: Page, name: str) -> None:
    """At the provider's page."""
    page.get_by_placeholder("sub").fill(name)
    page.get_by_role("button", name="Authorize").click()


def open_ways(page: Page) -> None:
    page.goto("/signin")
    expect(page.get_by_role("heading", name="Sign-in", level=1)).to_be_visible()


def enter(page: Page, name: str) -> None:
    page.goto("/login")
    page.get_by_role("button", name=f"Sign in with {LABEL}").click()
    say_who(page, name)


def add_provider(page: Page, provider: OidcProvider, back: str) -> None:
    """What the owner fills in; the provider is asked when it is saved."""
    client = provider.register(back)
    page.get_by_role("button", name="Add a provider").click()
    expect(page.get_by_text(back)).to_be_visible()
    page.get_by_label("Name on the button").fill(LABEL)
    page.get_by_label("Issuer").fill(provider.url)
    page.get_by_label("Client ID").fill(client["client_id"])
    page.get_by_role("textbox", name="Client secret").fill(client["client_secret"])
    page.get_by_label("Condition: claim").fill("groups")
    page.get_by_label("Condition: values").fill("family")
    page.get_by_label("becomes a member of this house").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"{LABEL} is on the sign-in page now.")).to_be_visible()


def looked_at(page: Page, look: Look, name: str, folder: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 800} if look.phone else look.viewport)
    page.emulate_media(color_scheme=look.theme)
    picture(page, look, name, folder)
    assert violations(page) == [], f"{name} {look.name}"
    assert sideways(page) == [], f"{name} {look.name}"


def watched(watch: Watch, provider: OidcProvider) -> None:
    watch.leave_to(provider.url)
    watch.allow(401, "/api/session")


def test_a_family_signs_in_at_its_provider(
    stack: Stack, provider: OidcProvider, browser: Browser, tmp_path: Path
) -> None:
    with window(browser, stack.url) as (page, watch):
        watched(watch, provider)
        page.goto("/login")
        sign_in(page)
        expect(page.get_by_role("heading", name=WELCOME)).to_be_visible()
        open_ways(page)
        add_provider(page, provider, f"{stack.url}/login/back")
        page.get_by_role("button", name=f"Add {LABEL}").click()
        say_who(page, "ada")
        expect(page.get_by_text("Added. You can sign in by it from now on.")).to_be_visible()
        expect(page.get_by_text("ada@home.example")).to_be_visible()
        for look in LOOKS:
            looked_at(page, look, "ways", tmp_path)
        page.get_by_role("button", name=f"Change {LABEL}").click()
        expect(page.get_by_label("Issuer")).to_have_value(provider.url)
        for look in LOOKS:
            looked_at(page, look, "provider", tmp_path)
        page.set_viewport_size({"width": 1280, "height": 800})
        sign_out(page)
        expect(page.get_by_role("button", name=f"Sign in with {LABEL}")).to_be_visible()
        for look in LOOKS:
            looked_at(page, look, "login", tmp_path)
        enter(page, "ada")
        expect(page.get_by_role("heading", name="Good to see you, ada.")).to_be_visible()
        assert "code=" not in page.url

    with window(browser, stack.url) as (page, watch):
        watched(watch, provider)
        watch.allow(403, "/api/openid/entered")
        enter(page, "eve")
        refused = page.get_by_role("alert")
        expect(refused).to_contain_text("You were not signed in.")
        looked_at(page, LOOKS[2], "refused", tmp_path)
        page.get_by_role("link", name="To the sign-in page").click()
        page.get_by_role("button", name=f"Sign in with {LABEL}").click()
        say_who(page, "mia")
        expect(page.get_by_role("heading", name="Join this house")).to_be_visible()
        for look in LOOKS:
            looked_at(page, look, "joining", tmp_path)
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_text("You have to be 16 or older.")).to_be_visible()
        page.get_by_label("I am 16 or older").check()
        page.get_by_role("button", name="Join").click()
        say_who(page, "mia")
        expect(page.get_by_role("heading", name="Good to see you, Mia.")).to_be_visible()
        open_ways(page)
        expect(page.get_by_text("You have no password here.")).to_be_visible()
        expect(page.get_by_role("heading", name="Providers of this house")).to_have_count(0)


def test_who_has_no_password_signs_in_again_where_others_type_it(
    stack: Stack, provider: OidcProvider, browser: Browser
) -> None:
    with window(browser, stack.url) as (page, watch):
        watched(watch, provider)
        enter(page, "mia")
        expect(page.get_by_role("heading", name="Good to see you, Mia.")).to_be_visible()
        page.goto("/data")
        page.get_by_role("button", name="Erase everything").click()
        asked = page.get_by_role("alertdialog")
        with page.expect_popup() as opened:
            asked.get_by_role("button", name=f"Sign in again at {LABEL}").click()
        say_who(opened.value, "mia")
        expect(asked.get_by_text("You have just signed in again.")).to_be_visible()
        assert violations(page) == []
        asked.get_by_role("button", name="Erase everything").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.request.get("/api/session").status == 401


def test_an_answer_of_a_provider_that_this_window_did_not_ask_for_signs_nobody_in(
    stack: Stack, browser: Browser
) -> None:
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login/back?state=enter.somebody-elses&code=stolen")
        expect(page.get_by_text("This sign-in did not begin in this window.")).to_be_visible()
        assert "stolen" not in page.url
        assert violations(page) == []
