"""What a person does at the product's screens, found as she finds it: by role, label and words."""

import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.stack import OWNER, OWNER_PASSWORD

__all__ = [
    "answer",
    "ask",
    "choose_model",
    "connect",
    "create_owner",
    "decision",
    "go_to",
    "press_by_keyboard",
    "sign_in",
    "sign_out",
    "transcript",
]

_NO_ENCRYPTION = "None, readable on the way"


def create_owner(page: Page, link: str) -> None:
    """From the one-time link to the next question."""
    page.goto(link)
    page.get_by_label("Your name").fill("Ada")
    expect(page.get_by_label("Username")).to_have_value(OWNER)
    page.get_by_role("textbox", name="Password").fill(OWNER_PASSWORD)
    page.get_by_role("checkbox", name="I am 16 or older").check()
    page.get_by_role("button", name="Create the account").click()


def choose_model(page: Page, address: str, *, name: str) -> None:
    """Give a server's address and take the model that it offers."""
    page.get_by_role("radio", name="Any OpenAI-compatible address").check()
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_role("button", name="Check and use").click()
    expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Check and use").click()


def sign_in(page: Page, password: str = OWNER_PASSWORD) -> None:
    """Fill the form and send it."""
    page.get_by_label("Username").fill(OWNER)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    """Through the menu behind one's name."""
    page.get_by_role("button", name=re.compile("^Ada", re.IGNORECASE)).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def go_to(page: Page, name: str) -> None:
    """A screen of the main navigation."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def connect(page: Page, service: str, account: Mapping[str, Any], *, password: str | None = None) -> None:
    """Fill a service's form from the list of services with what the API would be given, and send it."""
    page.get_by_role("link", name=re.compile(f"^{service}")).click()
    fill = {"mail": _fill_mail, "caldav": _fill_calendar}[account["connector"]]
    fill(page, account["settings"])
    page.get_by_role("textbox", name="Password").fill(password or account["secrets"]["password"])
    page.get_by_role("button", name="Connect", exact=True).click()


def ask(page: Page, text: str) -> None:
    """Write a message and send it with Enter."""
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def answer(page: Page) -> Locator:
    """Everything that the assistant said and did in the conversation, message by message."""
    return page.get_by_role("article", name="Assistant")


def decision(page: Page, question: str | re.Pattern[str]) -> Locator:
    """The card that asks it."""
    return page.get_by_role("region", name=question)


def press_by_keyboard(page: Page, button: Locator, *, within: int = 40) -> None:
    """Tab to a button from where the focus is, and press Enter on it."""
    expect(button).to_be_enabled()
    for _ in range(within):
        page.keyboard.press("Tab")
        if button.evaluate("(element) => element === document.activeElement"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{within} tabs do not lead to {button}")


def transcript(page: Page) -> list[str]:
    """Each message's text with its steps, as it stands on the screen; what tells the time is left out."""
    articles = page.get_by_role("main").get_by_role("article").all_inner_texts()
    return [re.sub(r"\s+", " ", text).strip() for text in articles]


def _fill_mail(page: Page, settings: Mapping[str, Any]) -> None:
    page.get_by_label("Mail address").fill(settings["address"])
    page.get_by_text("More settings").click()
    for title, kind in (("Incoming mail", "imap"), ("Outgoing mail", "smtp")):
        group = page.get_by_role("group", name=title)
        group.get_by_label("Server").fill(settings[f"{kind}_host"])
        group.get_by_label("Port").fill(str(settings[f"{kind}_port"]))
        group.get_by_label("Encryption").select_option(label=_NO_ENCRYPTION)


def _fill_calendar(page: Page, settings: Mapping[str, Any]) -> None:
    page.get_by_label("Server address").fill(settings["url"])
    page.get_by_label("User name").fill(settings["username"])
