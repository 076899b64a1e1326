"""Nothing leaves but to whom its owner named: a whole house, in a network where every packet is written down."""

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import chromium, window
from tests.e2e.screens import sign_in
from tests.e2e.stack import Person, until
from tests.network import planted
from tests.network.conftest import Resting
from tests.network.houses import MODEL, PIXEL, PUSH, Housed, Used, names, places
from tests.network.world import World

pytestmark = [pytest.mark.network, pytest.mark.needs_dovecot, pytest.mark.usefixtures("resting")]

SCREENS = (
    "/", "/approvals", "/activity", "/activity/left", "/accounts", "/data", "/memory", "/model", "/notices",
    "/schedules", "/tokens", "/usage",
)  # fmt: skip

CHROMIUM = re.compile(
    r"(accounts|clients\d*|www|safebrowsing)\.google\.com|redirector\.gvt1\.com"
    r"|(update|content-autofill|safebrowsing|optimizationguide-pa)\.googleapis\.com"
)
"""Whom Chromium asks by itself, on an empty page too. What a page asks of them is seen by the window's own watch."""


def test_a_planted_call_is_in_the_record_whatever_it_is_made_with(world: World) -> None:
    """TCP and UDP, IPv4 and IPv6, a name that is asked for, and a question to everybody in the network."""
    place = world.join("planted")
    with place.entered():
        env = {"OA_MODEL": "openai/scripted", "OA_MODEL_BASE_URL": f"http://{MODEL}/v1"}
        with Housed(world, env=env, command=(sys.executable, "-m", planted.__name__)):
            until(lambda: planted.PLACES[-1] in places(place.record.packets()) or None, seconds=60, what="the last")
            packets = place.record.packets()
    assert places(packets) == {*planted.PLACES, planted.SOUGHT}
    assert names(packets) == {planted.NAME, "_http._tcp.local"}


def test_in_use_it_reaches_exactly_what_was_configured(used: Used) -> None:
    """Accounts connected, a turn with two acts, a notice to a browser, the run of a schedule."""
    with used.place.entered():
        packets = used.place.record.packets()
    assert places(packets) == used.may_reach
    assert names(packets) == {host for host, _ in used.may_reach}


def test_the_houses_own_list_of_what_left_says_the_same(used: Used) -> None:
    """What left, and beside it the notices, which the ledger has one by one."""
    with used.place.entered(), used.stack.sign_in() as ada:
        listed = until(lambda: _listed(ada) if len(_listed(ada)) >= 4 else None, seconds=60, what="the reports")
        told = {each["content"]["host"] for each in ada.ledger() if each["action"] == "notice.sent"}
        assert listed | {(host, used.push.port) for host in told} == used.may_reach
        assert told == {PUSH}


def test_a_browser_at_its_screens_asks_nobody_but_the_house(world: World, used: Used) -> None:
    """Also where the model's answer has a picture of somebody else's."""
    desk = world.join("desk")
    with desk.entered(), chromium(before=world.command) as browser:
        with window(browser, used.url) as (page, watch):
            watch.allow(401, "/api/session")
            page.goto("/login")
            sign_in(page)
            expect(page.get_by_text("Good to see you")).to_be_visible()
            page.goto(f"/c/{used.conversation}")
            expect(page.get_by_text("Here it is:")).to_be_visible()
            for path in SCREENS:
                page.goto(path)
                expect(page.get_by_role("heading", level=1).first).to_be_visible()
        seen = desk.record.packets()
        assert places(seen) == {(used.place.address, used.stack.port)}
        assert {each for each in names(seen) if not CHROMIUM.fullmatch(each)} == set()

        page = browser.new_page()
        page.set_content(f"<img src={PIXEL}>")
        until(lambda: "pixel.example.com" in names(desk.record.packets()) or None, seconds=20, what="the question")


def test_with_accounts_connected_and_nothing_asked_it_reaches_their_servers_alone(used: Used, resting: Resting) -> None:
    resting.wait()
    with used.place.entered():
        packets = used.place.record.packets()
    assert places(packets) == used.may_reach
    assert names(packets) == {host for host, _ in used.may_reach}


def test_at_rest_nothing_leaves_for_ten_minutes_from_its_start(resting: Resting) -> None:
    resting.wait()
    with resting.place.entered():
        assert resting.stack.ready()
        assert resting.place.record.packets() == []


def _listed(ada: Person) -> set[tuple[str, int]]:
    today = datetime.now(UTC).date()
    asked: dict[str, Any] = {"from": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1))}
    return {(each["host"], each["port"]) for each in ada.get("/api/left", **asked)["days"]}
