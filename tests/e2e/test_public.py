"""Home, privacy and terms of a real house: read by everybody, without scripts, about this very house."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from services.gateway.installation import HELD
from tests.e2e.browser import PHONE, chromium, sideways, window
from tests.e2e.stack import Stack
from tests.e2e.test_screens import Gallery, Screen

pytestmark = pytest.mark.e2e

FOR_EVERYBODY = (
    Screen("welcome", "/welcome?lang=en", "What it does with your accounts"),
    Screen("privacy", "/privacy?lang=en", "What this house does at the moment"),
    Screen("terms", "/terms?lang=en", "Who answers for what"),
)
IN_GERMAN = (
    Screen("welcome-german", "/welcome?lang=de", "Was er mit deinen Konten tut"),
    Screen("privacy-german", "/privacy?lang=de", "Was dieses Haus im Moment tut"),
    Screen("terms-german", "/terms?lang=de", "Wer wofür einsteht"),
)
HOUSE = 'name = "Linden Street 12"\noperator = "Ada"\ncontact = "ada@home.example"\nminimum_age = 18\n'

SMALL = """
[...document.querySelectorAll('a')].map((each) => [each.outerHTML, each.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "house.toml").write_text(HOUSE)
    env = {"OA_HOUSE_FILE": str(folder / "house.toml"), "OA_BACKUP_DIR": str(folder)}
    with Stack(connectors=("mail",), env=env) as running:
        yield running


def policy_of(stack: Stack) -> str:
    """The privacy page as it is once the facts were read anew."""
    time.sleep(HELD.total_seconds())
    return httpx.get(f"{stack.url}/privacy?lang=en", trust_env=False).raise_for_status().text


def test_everybody_can_read_the_pages_and_they_fit(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    gallery = Gallery(browser, stack.url, tmp_path)
    gallery.show([*FOR_EVERYBODY, *IN_GERMAN, Screen("login", "/login", "Username")])
    assert gallery.wrong == []


def test_long_names_fit_into_a_narrow_window_and_links_are_easily_hit(browser: Browser, stack: Stack) -> None:
    with stack.sign_in() as ada, window(browser, stack.url, PHONE) as (page, _):
        long = {"kind": "litellm", "model": f"mistral/{'a-rather-long-name-of-a-model' * 6}".replace("-", "")}
        ada.http.put("/api/model", json=long).raise_for_status()
        policy_of(stack)
        page.set_viewport_size({"width": 320, "height": 640})
        for screen in (*FOR_EVERYBODY, *IN_GERMAN):
            page.goto(screen.path)
            assert sideways(page) == []
            assert page.evaluate(SMALL) == []


def test_the_sign_in_leads_to_each_page_and_each_page_to_the_others(browser: Browser, stack: Stack) -> None:
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        for link, title in [("What this is", "Linden Street 12"), ("Terms", "Terms of this house")]:
            page.goto("/login")
            page.get_by_role("link", name=link).click()
            expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        page.get_by_role("link", name="Privacy").click()
        expect(page.get_by_role("heading", name="What this house keeps of you")).to_be_visible()
        page.get_by_role("link", name="Deutsch").click()
        expect(page.get_by_role("heading", name="Was dieses Haus von dir aufbewahrt")).to_be_visible()
        page.get_by_role("link", name="Start", exact=True).click()
        page.get_by_role("link", name="Anmelden").click()
        expect(page.get_by_label("Username")).to_be_visible()


def test_the_privacy_page_says_what_the_settings_say_and_changes_with_them(stack: Stack) -> None:
    with stack.sign_in() as ada:
        ada.http.delete("/api/model").raise_for_status()
    before = policy_of(stack)
    assert "Linden Street 12 is run by Ada." in before
    assert "Mail. Everybody who lives here" in before
    assert "18 or older" in before
    assert "after 24 h." in before
    assert "No model is chosen" in before
    assert "Copies of the whole house are made" in before
    with stack.sign_in() as ada:
        near = {"kind": "openai", "model": "small", "base_url": "http://127.0.0.1:9/v1"}
        ada.http.put("/api/model", json=near).raise_for_status()
        assert "small, on machines of this house" in policy_of(stack)
        ada.http.put("/api/model", json={"kind": "litellm", "model": "mistral/small"}).raise_for_status()
        assert "small, outside of this house, at mistral." in policy_of(stack)
