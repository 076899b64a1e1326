"""A draft is opened and changed by hand, in Chromium against Dovecot: no model is asked, and it can be taken back."""

from __future__ import annotations

import email
import email.policy
import imaplib
import re
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import DESK, PHONE, Look, sideways, violations, window
from tests.e2e.screens import sign_in
from tests.e2e.stack import Person, Stack
from tests.peers.house import ADDRESS, MAIL_PASSWORD, House
from tests.peers.process import LOOPBACK

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot, pytest.mark.mails(60)]

WRITTEN = "Dear Carol,\n\nI come at noon.\n\nAda\n"


def mailbox(house: House) -> imaplib.IMAP4:
    imap = imaplib.IMAP4(LOOPBACK, house.imap.port, timeout=30)
    imap.login(ADDRESS, MAIL_PASSWORD)
    return imap


def begin_draft(house: House) -> None:
    """As another program leaves one: with a blind copy, and a file."""
    draft = EmailMessage()
    draft["From"], draft["To"] = ADDRESS, "Carol Meyer <carol@example.org>"
    draft["Bcc"], draft["Subject"] = "archive@home.example", "The key"
    draft["Message-ID"] = "<key@home.example>"
    draft.set_content(WRITTEN)
    draft.add_attachment(b"a plan of the cellar", maintype="text", subtype="plain", filename="plan.txt")
    imap = mailbox(house)
    imap.append("Drafts", r"(\Draft \Seen)", "", draft.as_bytes())
    imap.logout()


def lying_in(house: House, folder: str) -> list[dict[str, object]]:
    """The mails of a folder as Dovecot gives them."""
    imap = mailbox(house)
    imap.select(folder, readonly=True)
    _, [numbers] = imap.search(None, "ALL")
    found = []
    for number in numbers.split():
        _, [fetched, *_] = imap.fetch(number.decode(), "(RFC822)")
        assert isinstance(fetched, tuple)
        mail = email.message_from_bytes(fetched[1], policy=email.policy.default)
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r\n", "\n").strip()
        found.append(
            {
                "subject": str(mail["Subject"]), "to": str(mail["To"]), "bcc": str(mail["Bcc"]),
                "text": text, "files": [each.get_filename() for each in mail.iter_attachments()],
            }
        )  # fmt: skip
    imap.logout()
    return found


@pytest.mark.parametrize("look", [DESK, PHONE], ids=lambda each: each.name)
def test_a_draft_is_changed_by_hand_and_the_change_is_taken_back(
    browser: Browser, stack: Stack, ada: Person, house: House, look: Look
) -> None:
    begin_draft(house)
    [before] = lying_in(house, "Drafts")
    ada.connect(house.mail_account(), seconds=300)
    with window(browser, stack.url, look) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        page.get_by_label("Your message").fill("/drafts")
        page.keyboard.press("Enter")
        page.get_by_role("group", name=re.compile("^From Mail")).get_by_role("button", name="The key").click()
        panel = page.get_by_role("dialog", name="The key")
        expect(panel).to_contain_text("I come at noon.")
        panel.get_by_role("button", name="Change").click()
        form = panel.get_by_role("form", name="Change this")
        expect(form.get_by_label("To", exact=True)).to_have_value("Carol Meyer <carol@example.org>")
        expect(form.get_by_label("Blind copy to")).to_have_value("archive@home.example")
        assert violations(page, look) == []
        assert sideways(page) == []
        form.get_by_label("To", exact=True).fill("nobody")
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_label("To", exact=True)).to_be_focused()
        form.get_by_label("To", exact=True).fill("Carol Meyer <carol@example.org>")
        form.get_by_label("Text").fill("Dear Carol,\n\nI come at one.\n\nAda")
        assert lying_in(house, "Drafts") == [before]
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_role("button", name=re.compile("^Undo"))).to_be_visible(timeout=30_000)
        assert lying_in(house, "Drafts") == [{**before, "text": "Dear Carol,\n\nI come at one.\n\nAda"}]
        assert lying_in(house, "Trash") == [before]
        page.get_by_role("button", name=re.compile("^Undo")).click()
        expect(page.get_by_text("Taken back.")).to_be_visible(timeout=30_000)
    assert before in lying_in(house, "Drafts")
    assert not house.model.requests
    assert not house.smtp.sent
    begun = [(each["tool"], each["effect"]) for each in ada.ledger() if each["action"] == "tool.started"]
    assert [each for each in begun if each[0] != "messages_waiting"] == [  # that is what Home shows
        ("messages_search", "read"),
        ("drafts_read", "read"),
        ("drafts_update", "write"),
        ("actions_undo", "write"),
    ]
    assert ada.verify()["ok"]
