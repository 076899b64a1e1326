"""From the link to the first answer, and the whole story, by touch on a narrow phone and by keyboard alone."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import DESK, PHONE, Look, window
from tests.e2e.hands import Hand, Keys, Touch
from tests.e2e.screens import answer, decision, sign_in
from tests.e2e.stack import OWNER, OWNER_PASSWORD, Stack
from tests.e2e.test_browser import is_over, was_done_once
from tests.e2e.test_story import QUESTION
from tests.peers.house import House
from tests.peers.model import ModelServer
from tests.peers.script import load_script

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

MOST_INTERACTIONS = 4
MOST_FIELDS = 5
WHERE_JAN_LISTENS = 1337

_COUNT = """
const add = () => sessionStorage.setItem('interactions', Number(sessionStorage.getItem('interactions')) + 1);
addEventListener('submit', add, true);
addEventListener('click', ({ target }) => {
  const pressed = target.closest('a, button');
  if (pressed && !(pressed.type === 'submit' && pressed.form)) add();
}, true);
"""


@pytest.fixture
def empty_stack() -> Iterator[Stack]:
    """The product at its first start: no owner, no model."""
    with Stack(owner=False) as stack:
        yield stack


@pytest.fixture
def found_model() -> Iterator[ModelServer]:
    """A model server at a place where the house looks for one."""
    with ModelServer(load_script("story"), port=WHERE_JAN_LISTENS) as server:
        yield server


def fill_account(page: Page, hand: Hand) -> None:
    hand.write(page.get_by_label("Your name"), "Ada")
    expect(page.get_by_label("Username")).to_have_value(OWNER)
    hand.write(page.get_by_role("textbox", name="Password"), OWNER_PASSWORD)
    hand.tick(page.get_by_role("checkbox", name="I am 16 or older"))
    hand.press(page.get_by_role("button", name="Create the account"))


def choose_model(page: Page, hand: Hand, house: House) -> None:
    expect(page.get_by_role("heading", name="Which model does the thinking?")).to_be_visible()
    hand.tick(page.get_by_role("radio", name="Any OpenAI-compatible address"))
    hand.write(page.get_by_label("Address", exact=True), house.model.url)
    hand.press(page.get_by_role("button", name="Check and use"))
    expect(page.get_by_role("button", name=house.model.name)).to_have_attribute("aria-pressed", "true")
    hand.press(page.get_by_role("button", name="Check and use"))


def connect_mailbox(page: Page, hand: Hand, house: House) -> None:
    account = house.mail_account()
    hand.press(page.get_by_role("link", name=re.compile("^Mail")))
    hand.write(page.get_by_label("Mail address"), account["settings"]["address"])
    hand.write(page.get_by_role("textbox", name="Password"), account["secrets"]["password"])
    hand.press(page.locator("summary").filter(has_text="More settings"))
    for title, kind in (("Incoming mail", "imap"), ("Outgoing mail", "smtp")):
        group = page.get_by_role("group", name=title)
        hand.write(group.get_by_label("Server"), account["settings"][f"{kind}_host"])
        hand.write(group.get_by_label("Port"), str(account["settings"][f"{kind}_port"]))
        hand.choose(group.get_by_label("Encryption"), "None, readable on the way")
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    expect(page.get_by_text("is connected.")).to_have_count(1)


def connect_calendar(page: Page, hand: Hand, house: House) -> None:
    account = house.calendar_account()
    hand.press(page.get_by_role("link", name=re.compile("^Calendar")))
    hand.write(page.get_by_label("Server address"), account["settings"]["url"])
    hand.write(page.get_by_label("User name"), account["settings"]["username"])
    hand.write(page.get_by_role("textbox", name="Password"), account["secrets"]["password"])
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    expect(page.get_by_text("is connected.")).to_have_count(2)


def set_up(page: Page, hand: Hand, stack: Stack, house: House) -> None:
    page.goto(stack.setup_url)
    fill_account(page, hand)
    choose_model(page, hand, house)
    hand.press(page.get_by_role("button", name="Connect a service"))
    connect_mailbox(page, hand, house)
    connect_calendar(page, hand, house)
    hand.press(page.get_by_role("button", name="Start"))
    expect(page.get_by_role("heading", name="Good to see you, Ada.")).to_be_visible()


def go_to(page: Page, hand: Hand, name: str, look: Look) -> None:
    if look.phone:
        hand.press(page.get_by_role("button", name="Menu"))
    hand.press(page.get_by_role("link", name=name, exact=True))
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


@pytest.mark.parametrize(("look", "hand_of"), [(PHONE, Touch), (DESK, Keys)], ids=["touch", "keyboard"])
def test_set_up_and_the_story_take_no_mouse(
    browser: Browser, empty_stack: Stack, house: House, look: Look, hand_of: Callable[[Page], Hand]
) -> None:
    with window(browser, empty_stack.url, look) as (page, _):
        hand = hand_of(page)
        set_up(page, hand, empty_stack, house)
        go_to(page, hand, "Connections", look)
        expect(page.get_by_role("article", name="ada@home.example")).to_contain_text("Up to date: 300", timeout=60_000)
        hand.press(page.get_by_role("link", name="New conversation").locator("visible=true").first)
        hand.send(page.get_by_label("Your message"), QUESTION)
        mail, event = decision(page, "Send an answer?"), decision(page, "Create an event?")
        expect(mail).to_contain_text("I sign on Friday.")
        assert house.smtp.sent == ()
        hand.press(mail.get_by_role("button", name="Send", exact=True))
        expect(mail).to_have_count(0)
        hand.press(event.get_by_role("button", name="Create", exact=True))
        is_over(page)
        was_done_once(house)
        go_to(page, hand, "Activity", look)
        hand.press(page.get_by_role("button", name="Verify"))
        expect(page.get_by_text(re.compile(r"^Unchanged\. All [\d,]+ records fit together\.$"))).to_be_visible()


def test_from_the_link_to_the_first_answer_it_takes_four_interactions(
    browser: Browser, empty_stack: Stack, found_model: ModelServer
) -> None:
    """An interaction is a form that is sent or anything that is pressed; the address of the link is one's way in."""
    with window(browser, empty_stack.url) as (page, _):
        page.add_init_script(_COUNT)
        page.goto(empty_stack.setup_url)
        fill_account(page, Keys(page))
        page.get_by_role("button", name="Check and use").click()
        page.get_by_role("button", name="Start without one").click()
        page.get_by_label("Your message").fill("Hello")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(answer(page).last).to_contain_text("Hello Ada.")
        assert int(page.evaluate("sessionStorage.getItem('interactions')")) == MOST_INTERACTIONS
    assert found_model.requests


def test_a_mailbox_asks_for_address_and_password_and_for_its_servers_only_where_nobody_names_them(
    browser: Browser, stack: Stack
) -> None:
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        watch.allow(422, "/api/accounts")
        page.goto("/accounts/new/mail")
        sign_in(page)
        expect(page.get_by_label("Mail address")).to_be_visible()
        asked = page.get_by_role("main").locator("input:visible, select:visible, textarea:visible")
        assert asked.count() <= MOST_FIELDS
        page.get_by_label("Mail address").fill("ada@home.example")
        page.get_by_role("textbox", name="Password").fill("not-a-real-password")
        page.get_by_role("button", name="Connect", exact=True).click()
        servers = page.get_by_role("group", name="Incoming mail")
        expect(servers).to_contain_text("No servers were found for home.example.", timeout=60_000)
        expect(servers.get_by_label("Server")).to_be_visible()
