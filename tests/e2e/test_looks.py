"""Home and search on a real house: mail and dates are seen without a conversation, each look is in the ledger."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import sideways, violations, window
from tests.e2e.screens import sign_in
from tests.e2e.stack import Person, Stack
from tests.e2e.test_story import connect_everything
from tests.peers.house import House
from tests.peers.mailbox import Letter, add_letter

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

SUBJECT = "Shall I bring the ladder?"


@pytest.fixture
def stack(house: House) -> Iterator[Stack]:
    """The product with its owner and no model: looks need none."""
    with Stack() as stack:
        yield stack


def looked(ada: Person, command: str, connector: str, **fields: Any) -> dict[str, Any]:
    [source] = [each for each in ada.get(f"/api/looks/{command}") if each["connector"] == connector]
    assert source["runs"]
    body = {"connector": connector, "account": source["account"], "fields": fields, "zone": "Europe/Berlin"}
    content: dict[str, Any] = ada.post(f"/api/looks/{command}", body)["content"]
    return content


def test_looks_answer_without_a_conversation_and_stand_in_the_ledger(stack: Stack, ada: Person, house: House) -> None:
    connect_everything(ada, house)
    today = datetime.now(UTC).date().isoformat()
    before = len(ada.ledger())
    found = looked(ada, "find", "mail", text="lease")["messages"]
    assert house.seeded.lease_subject in {each["subject"]["text"] for each in found}
    assert looked(ada, "agenda", "caldav", **{"from": today, "to": today})["events"] is not None
    assert looked(ada, "waiting", "mail")["messages"] is not None
    [account] = [each["id"] for each in ada.get("/api/accounts") if each["connector"] == "mail"]
    opened = ada.post("/api/looks/find/open", {"connector": "mail", "account": account, "key": found[0]["id"]})
    assert house.seeded.lease_subject in {each["subject"]["text"] for each in opened["content"]["messages"]}
    assert ada.get("/api/conversations") == []
    begun = [each for each in ada.ledger()[before:] if each["action"] == "tool.started"]
    assert [(each["tool"], each["effect"], each["conversation"]) for each in begun] == [
        (tool, "read", None) for tool in ("messages_search", "events_list", "messages_waiting", "threads_read")
    ]
    assert not house.model.requests
    assert ada.verify()["ok"]


def test_a_service_that_stands_still_is_refused_in_time_and_the_owner_sees_which(
    stack: Stack, ada: Person, house: House
) -> None:
    connect_everything(ada, house)
    rooms = {each["room"]: each for each in ada.get("/api/rooms")["rooms"]}
    assert all(rooms[name]["answers"] and rooms[name]["instances"] for name in ("gateway", "agent", "vault", "audit"))
    assert rooms["mail"]["instances"][0]["version"]
    [account] = [each["id"] for each in ada.get("/api/accounts") if each["connector"] == "caldav"]
    room = stack.room("caldav")
    os.kill(room, signal.SIGSTOP)
    try:
        assert looked(ada, "find", "mail", text="lease")["messages"]
        answer = ada.http.post(
            "/api/looks/find", json={"connector": "caldav", "account": account, "fields": {"text": "lease"}}
        )
        assert answer.status_code == 504
        [away] = ada.get("/api/health")["away"]
        assert away["room"] == "caldav"
    finally:
        os.kill(room, signal.SIGCONT)


def test_the_day_and_the_search_are_used_in_a_browser(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    letter = Letter("Carol Meyer <carol@example.org>", "ada@home.example", SUBJECT, "Or do you have one?",
        datetime.now(UTC), "<ladder@example.org>", seen=False)  # fmt: skip
    add_letter(house.imap.maildir("ada@home.example"), letter, owner=house.imap.owner)
    connect_everything(ada, house)
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        mail = page.get_by_role("region", name="May want an answer")
        mail.get_by_role("button", name=SUBJECT).click()
        expect(page.get_by_role("dialog")).to_contain_text("Or do you have one?")
        assert violations(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Search", exact=True).click()
        page.get_by_label("Search in everything").fill("lease")
        page.keyboard.press("Enter")
        found = page.get_by_role("region", name="From Mail").first
        expect(found).to_contain_text(house.seeded.lease_subject)
        assert violations(page) == []
        assert sideways(page) == []
        found.get_by_role("button").first.click()
        expect(page.get_by_role("dialog")).to_contain_text("carol@example.org")
        page.keyboard.press("Escape")
        page.goto("/house")
        expect(page.get_by_text("Every room answers.")).to_be_visible()
        assert violations(page) == []
    assert ada.get("/api/conversations") == []
