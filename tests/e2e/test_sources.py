"""What an answer rests on stands under it and opens beside it: out of the calls' results."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import sideways, violations, window
from tests.e2e.screens import answer, ask, sign_in
from tests.e2e.stack import Person, Stack
from tests.peers.house import House
from tests.peers.script import Script, Step, ToolCall, When

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

MARKED = (
    "Both signatures are needed this week [[{{result..id}}]]. Twelve months are $12 \\cdot 900 = 10800$, and $5 a key. "
    "[[https://evil.example/p.gif]] [[00000000000000000000000000000000]]"
)


def looked(ada: Person, before: int) -> list[tuple[str, str, str | None]]:
    """The calls that were begun since then: tool, effect, conversation."""
    begun = (each for each in ada.ledger()[before:] if each["action"] == "tool.started")
    return [(each["tool"], each["effect"], each["conversation"]) for each in begun]


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_an_answer_shows_its_sources_and_opens_the_mail_beside_it_also_after_a_reload(
    browser: Browser, stack: Stack, ada: Person, house: House
) -> None:
    ada.connect(house.mail_account(), seconds=300)
    search = [ToolCall("messages_search", {"query": "lease"})]
    house.model.script = Script(
        [
            Step(calls=search, when=When(fresh=0)),
            Step(say=MARKED, when=When(user_says="lease", result_of="messages_search")),
            Step(say="Carol waits for you.", when=When(result_of="messages_search")),
        ]
    )
    with window(browser, stack.url) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        ask(page, "What is said about the lease?")
        mark = page.get_by_role("button", name=f"Source 1: Re: {house.seeded.lease_subject}")
        expect(mark).to_be_visible(timeout=30_000)
        row = page.get_by_role("list", name="Sources")
        expect(row.get_by_role("button").first).to_contain_text(house.seeded.lease_subject)
        expect(answer(page).last).to_contain_text("[[https://evil.example/p.gif]] [[00000000")
        expect(answer(page).last).to_contain_text("and $5 a key.")
        expect(page.locator("math")).to_have_count(1)
        assert violations(page) == []
        assert sideways(page) == []
        before = len(ada.ledger())
        mark.click()
        panel = page.get_by_role("dialog", name=f"Re: {house.seeded.lease_subject}")
        expect(panel).to_contain_text("From Mail")
        expect(panel.locator("[aria-current]")).to_contain_text("The landlord needs both signatures")
        expect(panel.locator("[aria-current]")).to_be_in_viewport()
        assert violations(page) == []
        close(page)
        expect(mark).to_be_focused()
        assert looked(ada, before) == [("threads_read", "read", None)]
        page.reload()
        expect(mark).to_be_visible()
        row.get_by_role("button").first.click()
        expect(panel).to_contain_text("carol@example.org")
        close(page)
        ask(page, "And what else?")
        expect(answer(page).last).to_contain_text("Carol waits for you.", timeout=30_000)
        expect(row).to_have_count(2)
        expect(row.last.get_by_role("button", name=house.seeded.lease_subject).first).to_be_visible()
    assert ada.verify()["ok"]
