"""The story as a person lives it: in a browser, from the first start to the proof."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import Watch, window
from tests.e2e.screens import (
    answer,
    ask,
    choose_model,
    connect,
    create_owner,
    decision,
    go_to,
    press_by_keyboard,
    sign_in,
    sign_out,
    transcript,
)
from tests.e2e.stack import Person, Stack
from tests.e2e.test_story import QUESTION, connect_everything, lease_events, next_friday
from tests.peers.house import House
from tests.peers.script import Script, load_script

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

RECEIPTS = "What was done, from the activity record"
ANSWERED = re.compile(r"and it is in your calendar\.")


@pytest.fixture
def empty_stack(house: House) -> Iterator[Stack]:
    """The product at its first start: no owner, no model."""
    with Stack(owner=False) as stack:
        yield stack


def unhurried(delay: float) -> Script:
    """The story's model, `delay` seconds between two words."""
    story = load_script("story")
    return replace(story, steps=[replace(step, delay=delay) for step in story.steps])


def set_up(page: Page, stack: Stack, house: House) -> None:
    create_owner(page, stack.setup_url)
    expect(page.get_by_role("heading", name="Which model does the thinking?")).to_be_visible()
    choose_model(page, house.model.url, name=house.model.name)
    expect(page.get_by_role("heading", name="One thing to keep safe")).to_be_visible()
    expect(page.get_by_text("Copy that file to a place that is not this machine")).to_be_visible()
    page.get_by_role("button", name="Connect a service").click()
    expect(page.get_by_role("heading", name="Connect a first service")).to_be_visible()
    page.get_by_role("button", name="Later").click()
    expect(page.get_by_role("heading", name="Good to see you, Ada.")).to_be_visible()


def connect_mailbox(page: Page, watch: Watch, house: House, *, mails: int) -> None:
    """Once with a wrong password, of which nothing stays, then with the right one."""
    go_to(page, "Connections")
    watch.allow(422, "/api/accounts")
    connect(page, "Mail", house.mail_account(), password="not-the-password")
    refused = page.get_by_role("alert")
    expect(refused).to_contain_text("Nothing was stored.")
    expect(refused.get_by_role("listitem").filter(has_text="failed").last).to_contain_text(
        re.compile("password", re.IGNORECASE)
    )
    assert page.request.get("/api/accounts").json() == []
    page.get_by_role("textbox", name="Password").fill(house.mail_account()["secrets"]["password"])
    page.get_by_role("button", name="Connect", exact=True).click()
    card = page.get_by_role("article").filter(has_text="Mail")
    if mails > 1000:
        expect(card.get_by_role("progressbar")).to_be_visible(timeout=60_000)
        expect(card).to_contain_text(re.compile(rf"\d of {mails:,}"), timeout=60_000)
    expect(card).to_contain_text(re.compile(rf"Up to date: {mails:,}"), timeout=300_000)


def connect_calendar(page: Page, house: House) -> None:
    go_to(page, "Connections")
    connect(page, "Calendar", house.calendar_account())
    expect(page.get_by_role("article").filter(has_text="Calendar")).to_contain_text("Up to date", timeout=60_000)


def decide_both(page: Page, house: House) -> None:
    """The mail by a click, the event by keyboard; each card says exactly what it is about."""
    mail, event = decision(page, "Send an answer?"), decision(page, "Create an event?")
    for text in (
        "from ada@home.example",
        "carol@example.org",
        f"Re: {house.seeded.lease_subject}",
        "I sign on Friday.",
    ):
        expect(mail).to_contain_text(text)
    expect(event).to_contain_text("Sign the lease for Linden Street 12")
    assert house.smtp.sent == ()
    assert lease_events(house) == []
    mail.get_by_role("button", name="Send", exact=True).click()
    expect(mail).to_have_count(0)
    press_by_keyboard(page, event.get_by_role("button", name="Create", exact=True))
    expect(event).to_have_count(0)


def was_done_once(house: House) -> None:
    [sent] = house.smtp.sent
    assert sent.recipients == ("carol@example.org",)
    assert sent.subject == f"Re: {house.seeded.lease_subject}"
    assert sent.text.strip() == "Hello Carol,\n\nI sign on Friday.\n\nAda"
    [event] = lease_events(house)
    assert str(event.start).startswith(next_friday())


def look_at_activity(page: Page) -> None:
    go_to(page, "Activity")
    for step in (
        "Asked, by you or by a schedule",
        "Began · Mail, messages search",
        "Asked you",
        "You said yes",
        "Credentials handed to the connector",
        "Finished · Mail, messages reply",
        "Finished · Calendar, events create",
    ):
        expect(page.locator("summary").filter(has_text=step).first).to_be_visible()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text(re.compile(r"^Unchanged\. All [\d,]+ records fit together\.$"))).to_be_visible()


def is_over(page: Page) -> None:
    """Waits for the answer's end, and for what stands below it once nothing more will come and the ledger was read."""
    expect(answer(page).last).to_contain_text(ANSWERED)
    expect(answer(page).last.get_by_role("button", name="Copy")).to_be_visible()
    expect(answer(page).last.get_by_role("list", name=RECEIPTS)).to_have_text(re.compile("Done:.*Done:", re.DOTALL))


def live_the_story(page: Page, watch: Watch, stack: Stack, house: House, *, mails: int) -> None:
    set_up(page, stack, house)
    connect_mailbox(page, watch, house, mails=mails)
    connect_calendar(page, house)
    house.model.script = unhurried(0.1)
    page.get_by_role("link", name="New conversation").first.click()
    ask(page, QUESTION)
    expect(answer(page).first).to_contain_text("Messages search: lease")
    expect(answer(page).last).to_have_text(re.compile(r"^\s*Carol asks(?!.*calendar)", re.DOTALL))  # not all of it yet
    decide_both(page, house)
    is_over(page)
    was_done_once(house)
    look_at_activity(page)


def test_the_story_works_in_a_browser_from_the_first_start(browser: Browser, empty_stack: Stack, house: House) -> None:
    with window(browser, empty_stack.url) as (page, watch):
        live_the_story(page, watch, empty_stack, house, mails=300)


@pytest.mark.slow
@pytest.mark.mails(10_000)
def test_the_story_works_in_a_browser_with_ten_thousand_mails(
    browser: Browser, empty_stack: Stack, house: House
) -> None:
    with window(browser, empty_stack.url) as (page, watch):
        live_the_story(page, watch, empty_stack, house, mails=10_000)


def test_a_reload_in_the_middle_of_an_answer_loses_and_repeats_nothing(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    house.model.script = unhurried(0.15)
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        ask(page, QUESTION)
        expect(answer(page).last).to_have_text(re.compile(r"^\s*Carol asks(?!.*calendar)", re.DOTALL))
        page.reload()
        decide_both(page, house)
        expect(answer(page).last).to_have_text(re.compile(r"^\s*Carol wrote that(?!.*calendar)", re.DOTALL))
        page.reload()
        is_over(page)
        followed = transcript(page)
        page.reload()
        is_over(page)
        assert transcript(page) == followed
        assert " ".join(followed).count("Carol asks when you can sign.") == 1
        assert " ".join(followed).count("and it is in your calendar.") == 1
    assert len(house.model.requests) == 3
    was_done_once(house)


def test_signing_out_and_in_again_takes_the_right_password(browser: Browser, stack: Stack) -> None:
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/activity")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        sign_in(page, "not-the-password")
        expect(page.get_by_role("alert")).to_contain_text("password")
        sign_in(page)
        expect(page.get_by_role("heading", name="Activity")).to_be_visible()
        [cookie] = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        sign_out(page)
        assert page.context.cookies() == []
        page.goto("/accounts")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
