"""Two people in one house, each in a browser of his own: by an invitation, and each sees only his own."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import window
from tests.e2e.screens import go_to, sign_in
from tests.e2e.stack import Person, Stack

pytestmark = [pytest.mark.e2e]

BOBS_PASSWORD = "not-a-real-password-of-bob"
ADAS, BOBS = "Ada keeps bees", "Bob keeps snails"


@pytest.fixture
def stack() -> Iterator[Stack]:
    with Stack(connectors=("caldav",)) as stack:
        yield stack


def invite(page: Page) -> str:
    """The link of a new invitation, as the owner's page shows it."""
    page.goto("/people")
    page.get_by_role("button", name="Invite somebody").click()
    page.get_by_label("Whom is it for?").fill("For Bob")
    page.get_by_role("button", name="Make the link").click()
    made = page.get_by_role("region", name="The invitation")
    return str(made.get_by_text(re.compile("/join#")).inner_text())


def join(page: Page, link: str) -> None:
    """As somebody who was given a link."""
    page.goto(link)
    expect(page.get_by_text("invites you.")).to_be_visible()
    page.get_by_label("Your name").fill("Bob")
    page.get_by_role("textbox", name="Password").fill(BOBS_PASSWORD)
    page.get_by_role("checkbox", name="I am 16 or older").check()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("Good to see you, Bob.")).to_be_visible()


def remember(page: Page, words: str) -> None:
    """Has something remembered."""
    go_to(page, "Memory")
    page.get_by_role("textbox", name="Something to remember").fill(words)
    page.get_by_role("button", name="Remember it").click()
    expect(page.get_by_role("article").filter(has_text=words)).to_be_visible()


def test_a_second_person_joins_from_another_browser_and_each_sees_only_his_own(stack: Stack, browser: Browser) -> None:
    with window(browser, stack.url) as (adas, watched), window(browser, stack.url) as (bobs, watched_too):
        watched.allow(401, "/api/session")
        watched_too.allow(401, "/api/session")
        adas.goto("/")
        sign_in(adas)
        expect(adas.get_by_text("Good to see you")).to_be_visible()
        remember(adas, ADAS)
        link = invite(adas)
        join(bobs, link)
        go_to(bobs, "Memory")
        expect(bobs.get_by_text("Nothing is remembered.")).to_be_visible()
        remember(bobs, BOBS)
        adas.goto("/memory")
        expect(adas.get_by_text(ADAS).first).to_be_visible()
        expect(adas.get_by_text(BOBS)).to_have_count(0)
        adas.goto("/people")
        expect(adas.get_by_role("article", name="Bob")).to_contain_text("Member")
        bobs.goto("/people")
        expect(bobs.get_by_text("The owners of this house look after its people.")).to_be_visible()
        bobs.goto(link)
        watched_too.allow(404, "/api/join/look")
        expect(bobs.get_by_text("This link does not work")).to_be_visible()


def test_who_is_shut_out_is_out_at_once_and_comes_back_to_what_was_his(stack: Stack) -> None:
    stack.add_person("bob", BOBS_PASSWORD)
    with stack.sign_in() as ada, Person(stack.url, "bob", BOBS_PASSWORD) as bob:
        bob.post("/api/memories", {"text": BOBS})
        token = bob.post("/api/tokens", {"name": "t", "scopes": ["chat"], "expires_in_days": 1})["token"]
        bobs = bob.get("/api/session")["user"]["id"]
        ada.post(f"/api/people/{bobs}/suspend", {})
        bearer = {"Authorization": f"Bearer {token}"}
        codes = [bob.http.get("/api/memories").status_code, httpx.get(
            f"{stack.url}/api/memories", headers=bearer, trust_env=False
        ).status_code]  # fmt: skip
        assert codes == [401, 401]
        with pytest.raises(httpx.HTTPStatusError, match="shut_out"):
            Person(stack.url, "bob", BOBS_PASSWORD)
        stack.halt()
        stack.launch()
        with pytest.raises(httpx.HTTPStatusError, match="shut_out"):
            Person(stack.url, "bob", BOBS_PASSWORD)
        ada.post(f"/api/people/{bobs}/resume", {})
    with Person(stack.url, "bob", BOBS_PASSWORD) as bob:
        assert [each["text"] for each in bob.get("/api/memories")] == [BOBS]
        assert [each["kind"] for each in bob.get("/api/told")] == ["resumed"]
