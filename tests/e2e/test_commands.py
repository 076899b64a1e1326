"""The house without any model: find, agenda, mail and event by forms, in a browser and over the HTTP API."""

import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import LOOKS, Look, picture, sideways, violations, window
from tests.e2e.screens import answer, decision, sign_in
from tests.e2e.stack import Person, Stack, until
from tests.e2e.test_story import connect_everything
from tests.peers.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

TITLE, SUBJECT = "Plant the pear tree", "The pear tree"


@pytest.fixture
def stack(house: House) -> Iterator[Stack]:
    """The product with its owner and no model."""
    with Stack() as stack:
        yield stack


def choose(page: Page, name: str) -> None:
    """From the menu, by keyboard."""
    page.get_by_label("Your message").fill(f"/{name}")
    expect(page.get_by_role("option", name=f"/{name}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")


def pear_events(house: House) -> list[icalendar.Event]:
    events = [icalendar.Calendar.from_ical(stored.text).events[0] for stored in house.calendar.events()]
    return [event for event in events if TITLE in str(event["SUMMARY"])]


def find(page: Page, house: House) -> None:
    page.get_by_label("Your message").fill("/find lease")
    page.keyboard.press("Enter")
    mails = page.get_by_role("group", name="From Mail").first
    expect(mails).to_contain_text(house.seeded.lease_subject)
    expect(mails).to_contain_text("carol@example.org")
    expect(page.get_by_role("group", name="From Calendar").first).to_be_visible()
    expect(answer(page).last).to_contain_text("from 2 services.")


def fill_event(page: Page, day: str) -> None:
    choose(page, "event")
    page.get_by_label("Title").fill(TITLE)
    page.get_by_label("Start", exact=True).fill(day)
    page.get_by_label("Start: time").fill("10:00")
    page.get_by_label("Place").fill("The garden")
    page.get_by_role("button", name="Go").click()


def put_event(page: Page, house: House, day: str) -> None:
    fill_event(page, day)
    # Text from outside was read before, so that the owner typed it himself clears nothing.
    card = decision(page, "Create an event?")
    expect(card).to_contain_text(TITLE)
    assert pear_events(house) == []
    card.get_by_role("button", name="Create", exact=True).click()
    expect(answer(page).last).to_contain_text(re.compile(r"^\s*Done\.\s+Done: Create an event"))


def show_agenda(page: Page, day: str) -> None:
    choose(page, "agenda")
    page.get_by_role("textbox", name=re.compile("^To")).fill(day)
    page.get_by_role("button", name="Go").click()
    events = page.get_by_role("group", name="From Calendar").last
    expect(events.get_by_role("listitem").filter(has_text=TITLE)).to_contain_text("10:00 – 11:00")
    expect(events.get_by_role("listitem").filter(has_text=TITLE)).to_contain_text("The garden")


def fill_mail(page: Page) -> None:
    page.get_by_label("To", exact=True).fill("Carol Meyer <carol@example.org>")
    page.get_by_label("Subject").fill(SUBJECT)
    page.get_by_label("Text").fill("Hello Carol,\n\nit stands.\n\nAda")
    page.get_by_role("button", name="Go").click()


def write_mail(page: Page, house: House) -> None:
    choose(page, "mail")
    fill_mail(page)
    card = decision(page, "Send a mail?")
    for text in ("ada@home.example", "carol@example.org", SUBJECT, "it stands."):
        expect(card).to_contain_text(text)
    assert house.smtp.sent == ()
    card.get_by_role("button", name="Send", exact=True).click()
    expect(answer(page).last).to_contain_text(
        re.compile(f"^\\s*Done\\.\\s+Done: Send a mail · {SUBJECT} · to Carol Meyer")
    )


def test_a_house_without_a_model_finds_plans_and_writes(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        expect(page.get_by_text("What works without a model")).to_be_visible()
        find(page, house)
        put_event(page, house, day)
        show_agenda(page, day)
        write_mail(page, house)
        page.reload()
        expect(answer(page).last).to_contain_text("Done: Send a mail")
        expect(page.get_by_role("group", name="From Mail").first).to_contain_text(house.seeded.lease_subject)
    [sent] = house.smtp.sent
    assert (sent.recipients, sent.subject) == (("carol@example.org",), SUBJECT)
    assert sent.text.strip() == "Hello Carol,\n\nit stands.\n\nAda"
    [event] = pear_events(house)
    assert (str(event.start)[:16], str(event["LOCATION"])) == (f"{day} 10:00", "The garden")
    assert not house.model.requests
    assert ada.verify()["ok"]


def test_an_event_that_was_just_made_is_taken_back_by_a_click(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        expect(page.get_by_text("What works without a model")).to_be_visible()
        fill_event(page, day)
        expect(answer(page).last).to_contain_text(re.compile(r"^\s*Done\.\s+Done: Create an event"))
        assert len(pear_events(house)) == 1
        page.get_by_role("button", name=re.compile("^Undo: ")).click()
        expect(page.get_by_text("Taken back.")).to_be_visible()
        assert pear_events(house) == []
        page.reload()
        expect(page.get_by_text("Taken back.")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Undo"))).to_have_count(0)
    assert ada.verify()["ok"]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_commands_and_their_results_are_readable_by_everybody(
    browser: Browser, stack: Stack, ada: Person, house: House, look: Look, tmp_path_factory: pytest.TempPathFactory
) -> None:
    connect_everything(ada, house)
    folder = tmp_path_factory.mktemp("pictures")
    with window(browser, stack.url, look) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        page.get_by_role("button", name="Commands").click()
        expect(page.get_by_role("option")).to_have_count(6)
        look_at(page, look, "command-menu", folder)
        find(page, house)
        look_at(page, look, "command-find", folder)
        choose(page, "agenda")
        look_at(page, look, "command-agenda", folder)
        page.get_by_role("button", name="Go").click()
        expect(answer(page).last).to_contain_text(re.compile("results?\\.|Nothing found"))
        look_at(page, look, "command-days", folder)
        page.get_by_label("Your message").fill("/")
        page.get_by_role("option", name="/mail").click()
        fill_mail(page)
        expect(decision(page, "Send a mail?").get_by_role("button", name="Send", exact=True)).to_be_enabled()
        look_at(page, look, "command-approval", folder)


def look_at(page: Page, look: Look, name: str, folder: Path) -> None:
    picture(page, look, name, folder)
    assert violations(page, look) == []
    assert sideways(page) == []


def run(ada: Person, conversation: str, command: str, **fields: object) -> None:
    body = {"command": command, "fields": fields, "zone": "Europe/Berlin"}
    answer = ada.http.post(f"/api/conversations/{conversation}/commands", json=body)
    assert answer.status_code == 202, answer.text


def test_a_mail_by_command_survives_a_killed_agent_and_is_sent_once(stack: Stack, ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    run(ada, conversation, "mail", to=["carol@example.org"], subject=SUBJECT, text="It stands.")
    [waiting] = until(lambda: ada.pending(conversation) or None, seconds=30, what="the question")
    stack.kill_room("agent")
    ada.decide(waiting["id"], "approve")
    final = ada.settle(conversation)
    assert [message["text"] for message in final["messages"]][1:] == ["", "Done."]
    assert len(house.smtp.sent) == 1
    assert ada.verify()["ok"]


def test_a_service_that_stands_still_is_named_and_the_others_answer(stack: Stack, ada: Person, house: House) -> None:
    connect_everything(ada, house)
    conversation = ada.converse()
    room = stack.room("caldav")
    os.kill(room, signal.SIGSTOP)
    try:
        run(ada, conversation, "find", text="lease")
        final = ada.settle(conversation, seconds=150)
    finally:
        os.kill(room, signal.SIGCONT)
    calls = {call["connector"]: call for message in final["messages"] for call in message["calls"]}
    assert (calls["mail"]["state"], calls["caldav"]["state"]) == ("done", "failed")
    assert final["messages"][-1]["text"].endswith("; Calendar did not answer.")


def test_what_is_wrong_in_a_command_is_named_by_field(ada: Person, house: House) -> None:
    ada.connect(house.mail_account(), seconds=300)
    path = f"/api/conversations/{ada.converse()}/commands"
    for body, field in (
        ({"command": "mail", "fields": {"to": ["nobody"], "subject": "x", "text": "y"}}, "to"),
        ({"command": "find", "fields": {}}, "text"),
        ({"command": "agenda", "fields": {}}, "command"),
        ({"command": "find", "fields": {"text": "x", "account": "0" * 32}}, "account"),
    ):
        answer = ada.http.post(path, json=body)
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == [field]
    assert {each["name"] for each in ada.get("/api/commands")} == {"drafts", "find", "mail", "waiting"}
