"""Every screen of the product, in light and dark, at a desk and on a phone: usable by everybody, and it fits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import LOOKS, Look, Watch, picture, sideways, violations, window
from tests.e2e.screens import connect, create_owner, decision, sign_in
from tests.e2e.stack import Person, Stack
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]


@dataclass(frozen=True)
class Screen:
    """An address, a text that stands there once it is ready, and what is done before it is looked at."""

    name: str
    path: str
    ready: str
    act: Callable[[Page, Watch], None] = lambda page, watch: None


@dataclass
class Gallery:
    """Visits screens in every look, takes their pictures, and collects what is wrong with them."""

    browser: Browser
    home: str
    folder: Path
    state: Any = None
    wrong: list[str] = field(default_factory=list)

    def show(self, screens: Sequence[Screen]) -> None:
        """Visit each of them in each look."""
        for look in LOOKS:
            with window(self.browser, self.home, look, state=self.state) as (page, watch):
                if self.state is None:
                    watch.allow(401, "/api/session")
                for screen in screens:
                    page.goto(screen.path)
                    expect(page.get_by_text(screen.ready).filter(visible=True).first).to_be_visible()
                    screen.act(page, watch)
                    self._hang(look, screen.name, page)

    def _hang(self, look: Look, name: str, page: Page) -> None:
        picture(page, look, name, self.folder)
        found = [*violations(page, look), *(f"sticks out: {each}" for each in sideways(page))]
        self.wrong += [f"{look.name}/{name}: {each}" for each in found]


@pytest.fixture
def empty_stack(house: House) -> Iterator[Stack]:
    """The product at its first start: no owner, no model."""
    with Stack(owner=False) as stack:
        yield stack


def refuse_sign_in(page: Page, watch: Watch) -> None:
    sign_in(page, "not-the-password")
    expect(page.get_by_role("alert")).to_be_visible()


def refuse_mailbox(house: House) -> Callable[[Page, Watch], None]:
    def act(page: Page, watch: Watch) -> None:
        watch.allow(422, "/api/accounts")
        connect(page, "Mail", house.mail_account(), password="not-the-password")
        expect(page.get_by_role("alert")).to_contain_text("Nothing was stored.")

    return act


def await_the_day(page: Page, watch: Watch) -> None:
    expect(page.get_by_role("main").get_by_text("Loading")).to_have_count(0)
    expect(page.get_by_role("main").get_by_text("The lease for Linden Street 12").first).to_be_visible()


def await_decisions(page: Page, watch: Watch) -> None:
    expect(decision(page, "Create an event?").get_by_role("button", name="Create", exact=True)).to_be_enabled()
    expect(decision(page, "Send an answer?").get_by_role("button", name="Send", exact=True)).to_be_enabled()


def see_the_mail(page: Page, watch: Watch) -> None:
    await_decisions(page, watch)
    decision(page, "Send an answer?").scroll_into_view_if_needed()


def open_step(page: Page, watch: Watch) -> None:
    await_decisions(page, watch)
    page.get_by_text("Messages search: lease").first.click()
    expect(page.get_by_text("What came back").first).to_be_visible()


def say_why_not(page: Page, watch: Watch) -> None:
    await_decisions(page, watch)
    page.get_by_role("button", name="Say why not").first.click()
    expect(page.get_by_label("Why not?")).to_be_focused()


def open_menu(page: Page, watch: Watch) -> None:
    menu = page.get_by_role("button", name="Menu")
    if menu.is_visible():
        menu.click()
        expect(page.get_by_role("dialog")).to_be_visible()
    else:
        page.get_by_role("button", name="Ada", exact=True).click()
        expect(page.get_by_text("Appearance")).to_be_visible()


def check_account(page: Page, watch: Watch) -> None:
    page.get_by_role("button", name="Check").first.click()
    expect(page.get_by_text("All steps passed.")).to_be_visible()


def ask_to_remove(page: Page, watch: Watch) -> None:
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def leave_empty(page: Page, watch: Watch) -> None:
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("This is needed.").first).to_be_visible()


def verify(page: Page, watch: Watch) -> None:
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("Unchanged.")).to_be_visible()


def prove(page: Page, watch: Watch) -> None:
    page.locator("summary").filter(has_text="Finished · Mail").first.click()
    page.get_by_role("button", name="Proof").click()
    expect(page.get_by_text("Checked in this browser")).to_be_visible()


def change_model(page: Page, watch: Watch) -> None:
    page.get_by_role("button", name="Use another").click()
    page.get_by_role("radio", name="Any OpenAI-compatible address").check()


def before_the_owner(link: str) -> list[Screen]:
    return [
        Screen("setup-account", link, "Your account"),
        Screen("setup-link", "/setup", "Set-up link"),
        Screen("login-too-early", "/login", "This assistant has no owner yet."),
    ]


FRESH = [
    Screen("setup-model", "/setup?step=model", "Which model does the thinking?"),
    Screen("setup-service", "/setup?step=service", "Calendar"),
    Screen("setup-key", "/setup?step=key", "One thing to keep safe"),
    Screen("setup-done", "/setup", "This assistant already has an owner."),
    Screen("home-fresh", "/", "Nothing connected"),
    Screen("approvals-empty", "/approvals", "Nothing waits for you."),
    Screen("accounts-empty", "/accounts", "Nothing is connected yet."),
    Screen("model-none", "/model", "No model is set."),
]


def in_use(house: House, conversation: str) -> list[Screen]:
    chat = f"/c/{conversation}"
    return [
        Screen("home", "/", "Every part of the house answers", await_the_day),
        Screen("new", "/new", "Four things to try"),
        Screen("search", "/search", "What helps"),
        Screen("house", "/house", "Every room answers."),
        Screen("chat", chat, "Send an answer?", await_decisions),
        Screen("chat-mail", chat, "Send an answer?", see_the_mail),
        Screen("chat-opened", chat, "Send an answer?", open_step),
        Screen("chat-why-not", chat, "Send an answer?", say_why_not),
        Screen("menu", "/", "May want an answer", open_menu),
        Screen("approvals", "/approvals", "Send an answer?", await_decisions),
        Screen("accounts", "/accounts", "Up to date"),
        Screen("accounts-checked", "/accounts", "Up to date", check_account),
        Screen("accounts-remove", "/accounts", "Up to date", ask_to_remove),
        Screen("account-mail", "/accounts/new/mail", "Mail address"),
        Screen("account-calendar", "/accounts/new/caldav", "Server address", leave_empty),
        Screen("account-refused", "/accounts", "Up to date", refuse_mailbox(house)),
        Screen("activity", "/activity", "Asked you"),
        Screen("activity-verified", "/activity", "Asked you", verify),
        Screen("activity-record", "/activity", "Asked you", prove),
        Screen("model", "/model", "scripted"),
        Screen("model-change", "/model", "scripted", change_model),
        Screen("missing", "/nowhere", "This page does not exist."),
    ]


def begin_the_story(ada: Person, house: House) -> str:
    """Model, mailbox and calendar connected, the question asked; the conversation, whose two decisions wait."""
    model = {"kind": "openai", "model": house.model.name, "base_url": house.model.url}
    ada.http.put("/api/model", json=model).raise_for_status()
    connect_everything(ada, house)
    conversation = ada.converse()
    ada.say(conversation, QUESTION)
    return conversation


def test_every_screen_can_be_used_by_everybody_and_fits(
    browser: Browser, empty_stack: Stack, house: House, tmp_path: Path
) -> None:
    gallery = Gallery(browser, empty_stack.url, tmp_path)
    gallery.show(before_the_owner(empty_stack.setup_url))
    with window(browser, empty_stack.url) as (page, _):
        create_owner(page, empty_stack.setup_url)
        expect(page.get_by_role("heading", name="Which model does the thinking?")).to_be_visible()
        gallery.state = page.context.storage_state()
    gallery.show(FRESH)
    with empty_stack.sign_in() as ada:
        conversation = begin_the_story(ada, house)
        gallery.show(in_use(house, conversation))
        ada.settle(conversation)
        gallery.show([Screen("chat-answered", f"/c/{conversation}", "and it is in your calendar.")])
    gallery.state = None
    gallery.show([Screen("login", "/login", "Username"), Screen("login-refused", "/login", "Username", refuse_sign_in)])
    assert gallery.wrong == []
