"""An owner sets up an app and a passkey, and comes in by each: in a browser, by the house's name, and by `oa`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import LOOKS, Look, picture, sideways, violations, window
from tests.e2e.screens import sign_in, sign_out
from tests.e2e.stack import OWNER, OWNER_PASSWORD, Person, Stack
from tests.e2e.test_terminal import Terminal

pytestmark = pytest.mark.e2e

WELCOME = re.compile("Good to see you")
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(connectors=("mail",)) as running:
        yield running


class App:
    """The app on a phone. Each code counts once, so one that was used is followed by the next half minute's."""

    def __init__(self, secret: str) -> None:
        self._totp, self._used = pyotp.TOTP(secret), 0

    def code(self) -> str:
        """One that was not used yet; waits where that needs it, half a minute at most."""
        present = int(time.time()) // 30
        step = max(present, self._used + 1)
        if step > present + 1:
            time.sleep((step - 1) * 30 - time.time() + 0.5)
        self._used = step
        return self._totp.generate_otp(step)


def looked_at(page: Page, look: Look, name: str, folder: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 800} if look.phone else look.viewport)
    page.emulate_media(color_scheme=look.theme)
    picture(page, look, name, folder)
    assert violations(page) == [], f"{name} {look.name}"
    assert sideways(page) == [], f"{name} {look.name}"


def open_security(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name=re.compile("^Ada", re.IGNORECASE)).click()
    page.get_by_role("menuitem", name="Security").click()
    expect(page.get_by_role("heading", name="Security", level=1)).to_be_visible()
    expect(page.get_by_text("(here)")).to_be_visible()


def set_up(page: Page, folder: Path) -> tuple[App, list[str]]:
    """An app, by the secret that is typed, and the recovery codes."""
    page.get_by_role("button", name="Set up an app").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    looked_at(page, LOOKS[-1], "set-up", folder)
    app = App(page.get_by_text(re.compile(r"^([A-Z2-7]{4} ?){8}$")).inner_text().replace(" ", ""))
    page.get_by_label("Code that the app shows").fill(app.code())
    page.get_by_role("button", name="Turn it on").click()
    codes = page.get_by_role("region", name="Your recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    kept = codes.all_inner_texts()
    page.get_by_role("button", name="I have kept them").click()
    return app, kept


def add_passkey(page: Page) -> None:
    """A passkey in a key of Chromium's own, which is there until the page is examined through the debugger."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Name of the passkey").fill("Laptop")
    page.get_by_role("button", name="Go on in the browser").click()
    expect(page.get_by_text("Laptop signs you in from now on.")).to_be_visible()


def rename_passkey(page: Page) -> None:
    page.get_by_role("button", name="Rename Laptop").click()
    page.get_by_label("Name of the passkey").fill("Old laptop")
    page.get_by_role("button", name="Save the name").click()
    expect(page.get_by_text("It is called Old laptop now.")).to_be_visible()
    expect(page.get_by_role("heading", name="Old laptop")).to_be_visible()


def see_what_was_done(page: Page) -> None:
    """The notes about both, waved away."""
    page.reload()
    told = page.get_by_role("region", name="What was done to your account")
    expect(told.get_by_text("Your sign-in asks for a code of an app from now on.")).to_be_visible()
    expect(told.get_by_text("The passkey “Laptop” signs you in from now on.")).to_be_visible()
    seen = told.get_by_role("button", name="I have seen it")
    expect(seen).to_have_count(2)
    seen.first.click()
    expect(seen).to_have_count(1)
    seen.click()
    expect(told).to_have_count(0)


def sign_out_from(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_out(page)


def give(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_an_owner_comes_in_by_code_by_recovery_code_by_passkey_and_by_terminal(
    stack: Stack, browser: Browser, tmp_path: Path
) -> None:
    with window(browser, stack.url.replace("127.0.0.1", "localhost")) as (page, watch):
        watch.allow(401, "/api/session")
        page.goto("/login")
        sign_in(page)
        expect(page.get_by_role("heading", name=WELCOME)).to_be_visible()
        open_security(page)
        app, recovery = set_up(page, tmp_path)
        for look in LOOKS:
            looked_at(page, look, "security", tmp_path)
        add_passkey(page)
        see_what_was_done(page)

        sign_out_from(page)
        sign_in(page)
        give(page, "000000")
        expect(page.get_by_text("This code is wrong, is over, or was used.")).to_be_visible()
        used = app.code()
        give(page, used)
        expect(page.get_by_role("heading", name=WELCOME)).to_be_visible()

        sign_out_from(page)
        sign_in(page)
        give(page, used)
        expect(page.get_by_text("This code is wrong, is over, or was used.")).to_be_visible()
        give(page, recovery[0])
        expect(page.get_by_role("heading", name=WELCOME)).to_be_visible()

        sign_out_from(page)
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("heading", name=WELCOME)).to_be_visible()

        oa = Terminal(tmp_path)
        oa("login", stack.url, "--user", OWNER, piped=f"{OWNER_PASSWORD}\n{app.code()}\n")
        assert oa("status")
        oa("login", stack.url, "--user", OWNER, piped=f"{OWNER_PASSWORD}\n{recovery[0]}\n", code=3)

        open_security(page)
        expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()
        page.get_by_role("button", name="Turn it off").click()
        dialog = page.get_by_role("alertdialog")
        dialog.get_by_role("button", name="Use a passkey").click()
        expect(dialog.get_by_text("You have just signed in again.")).to_be_visible()
        dialog.get_by_role("button", name="Turn it off").click()
        expect(page.get_by_text("Your sign-in asks for no codes any more.")).to_be_visible()
        rename_passkey(page)
        looked_at(page, LOOKS[0], "passkeys", tmp_path)
    with Person(stack.url, OWNER, OWNER_PASSWORD) as ada:
        entries = ada.ledger()
        ways = [each["content"].get("by") for each in entries if each["action"] == "session.started"]
        assert {None, "code", "recovery", "passkey"} == set(ways)
        added = [each["content"]["kind"] for each in entries if each["action"] == "factor.added"]
        assert added == ["codes", "passkey"]
        assert [each["action"] for each in entries].count("factor.removed") == 1
        (renamed,) = [each["content"] for each in entries if each["action"] == "factor.renamed"]
        assert (renamed["before"], renamed["name"]) == ("Laptop", "Old laptop")
    assert not [each for each in (*recovery, used) if each in stack.log]
