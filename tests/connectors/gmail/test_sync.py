"""The mirror follows the mailbox: newest first, from where it stopped, and anew when Gmail has forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from connectors.gmail import mirror
from openassistant.context import new_id
from tests.connectors.gmail.conftest import CAROL, Desk
from tests.peers.front import Passed


async def known(desk: Desk) -> dict[str, tuple[str, ...]]:
    """The mails of the mirror, by subject, with their labels."""
    async with desk.house.runner.stores.use(desk.house.user) as store:
        query = text("SELECT subject, labels FROM gmail_messages ORDER BY time DESC")
        rows = await store.read(lambda c: c.execute(query).all())
    return {row.subject: tuple(json.loads(row.labels)) for row in rows}


def _counts(connection: Connection) -> dict[str, int]:
    """How many rows each table of this connector has."""
    query = text("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gmail%'")
    tables = [each for each in connection.scalars(query) if not each.startswith("gmail_search_")]
    return {each: connection.execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in tables}


async def test_everything_is_listed_newest_first(desk: Desk) -> None:
    found = await desk.sync()
    assert list(await known(desk)) == ["The lease", "Dinner", "You won", "Old"]
    assert (found.done, found.total) == (4, 4)


async def test_a_pass_takes_no_more_than_google_grants_and_the_next_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.gmail.sync._A_PASS", 1)
    monkeypatch.setattr("connectors.gmail.sync._PAGE", 2)
    await desk.sync()
    assert list(await known(desk)) == ["The lease", "Dinner"]
    desk.front.seen.clear()
    await desk.sync()
    assert len(await known(desk)) == 4
    assert len(desk.asked("GET", "format=full")) == 2


async def test_a_mail_that_comes_is_taken_over_and_announced(read: Desk) -> None:
    mail = await read.deliver("News")
    await read.sync()
    assert "News" in await known(read)
    announced = [event.data for events in read.house.bus.transport.events.values() for event in events]
    assert any(mail.encode() in each for each in announced)
    assert len(read.asked("GET", "format=full")) == 1


@pytest.mark.parametrize("bare", [False, True])
async def test_labels_that_another_program_sets_are_taken_over(read: Desk, *, bare: bool) -> None:
    read.front.bare = bare
    mail = await read.id("The lease")
    await read.other("POST", f"messages/{mail}/modify", json={"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]})
    await read.sync()
    assert (await known(read))["The lease"] == ("INBOX", "STARRED")


async def test_a_mail_that_is_gone_goes_here_too(read: Desk) -> None:
    read.front.deleted = [await read.id("Dinner")]
    await read.sync()
    assert "Dinner" not in await known(read)


async def test_a_flood_is_taken_over_bit_by_bit(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.gmail.sync._PAGE", 2)
    for number in range(5):
        await read.deliver(f"Flood {number}")
    granted = iter(range(3))

    def granting(passed: Passed) -> Passed:
        enough = "format=full" in passed.path and next(granted, None) is None
        return replace(passed, status=429, answered=b"{}", headers={}) if enough else passed

    read.front.change = granting
    assert (await read.sync()).state == "failed"
    some = len(await known(read))
    assert some == 6
    read.front.plain()
    await read.sync()
    assert len(await known(read)) == 9
    assert len(read.asked("GET", "format=full")) == 9 - some


async def test_what_happened_can_be_told(read: Desk) -> None:
    await read.deliver("News")
    await read.sync()
    [change] = (await read.house.call("changes_list"))["changes"]
    assert (change["what"], change["subject"]["text"], change["sender"]["authors"]) == ("came", "News", [CAROL])


async def test_changes_that_gmail_has_forgotten_lead_to_a_new_listing(read: Desk) -> None:
    gone = await read.id("Dinner")
    await read.deliver("News")
    read.front.deleted, read.front.forgotten = [gone], True
    await read.sync()
    assert set(await known(read)) == {"News", "The lease", "You won", "Old"}
    read.front.forgotten = False
    await read.deliver("More news")
    await read.sync()
    assert "More news" in await known(read)


@pytest.mark.parametrize(
    "changed",
    [{"answered": b'{"messages": [{"id'}, {"status": 503, "answered": b"<html>"}, {"answered": b"[]"}],
    ids=["cut", "away", "nonsense"],
)
async def test_a_pass_that_failed_is_made_good_by_the_next(desk: Desk, changed: dict[str, Any]) -> None:
    def broken(passed: Passed) -> Passed:
        return replace(passed, **changed) if "/messages?" in passed.path else passed

    desk.front.change = broken
    assert (await desk.sync()).state == "failed"
    desk.front.plain()
    await desk.sync()
    assert len(await known(desk)) == 4


async def test_a_page_that_leads_to_itself_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(passed: Passed) -> Passed:
        if "/messages?" not in passed.path:
            return passed
        return replace(passed, answered=json.dumps({**json.loads(passed.answered), "nextPageToken": "1"}).encode())

    desk.front.change = again
    assert (await desk.sync()).state == "failed"
    assert len(desk.asked("GET", "/messages?")) < 10


async def test_ids_that_lead_elsewhere_are_left_out(desk: Desk) -> None:
    def hostile(passed: Passed) -> Passed:
        if "/messages?" not in passed.path:
            return passed
        ids = ["../profile", "https://evil.example/", "a b", 7, None, {"x": 1}]
        return replace(passed, answered=json.dumps({"messages": [{"id": each} for each in ids] + ["x"]}).encode())

    desk.front.change = hostile
    await desk.sync()
    assert await known(desk) == {}
    assert desk.asked("GET", "/messages/") == []


async def test_a_pause_in_the_middle_fails_the_pass_and_loses_nothing(desk: Desk) -> None:
    desk.world.fail("gmail", {"tool": "gmail.users.messages.get", "kind": "rate_limit", "times": None})
    assert (await desk.sync()).state == "failed"
    desk.world.fail("gmail")
    await desk.sync()
    assert len(await known(desk)) == 4


async def test_an_account_that_may_not_read_is_not_read(desk: Desk) -> None:
    desk.allow("settings")
    await desk.sync()
    assert desk.front.seen == []


async def test_a_second_account_keeps_to_itself(read: Desk) -> None:
    first = read.house.account
    read.house.account = first.model_copy(update={"account": new_id()})
    read.house.connect("Carol's mail", read.settings, access_token=read.world.token(CAROL))
    await read.sync()
    assert set(await read.found()) == {"Old", "The lease"}
    async with read.house.runner.stores.use(read.house.user) as store:
        await store.write(lambda c: mirror.forget(c, read.house.account.account))
        assert await store.read(lambda c: mirror.count(c, first.account)) == 4


async def test_nothing_is_kept_of_an_account_that_was_removed(read: Desk) -> None:
    await read.house.call("threads_read", message=await read.id("The lease"))
    await read.house.call("attachments_list", message=await read.id("The lease"))
    await read.house.call("drafts_create", to=[CAROL], subject="x", text="x")
    await read.house.call("messages_send", to=[CAROL], subject="x", text="x")
    owner = read.house.account.account
    async with read.house.runner.stores.use(read.house.user) as store:
        await store.write(lambda c: mirror.forget(c, owner))
        counts = await store.read(_counts)
    assert len(counts) == 11
    assert set(counts.values()) == {0}


async def test_the_check_tries_what_was_allowed(desk: Desk) -> None:
    report = await desk.house.check()
    assert report.ok
    assert [each.name for each in report.steps] == [
        "Sign in", "Read mail", "Write drafts and send mail", "File mail", "Vacation reply",
    ]  # fmt: skip
    desk.allow("read")
    assert [each.name for each in (await desk.house.check()).steps] == ["Sign in", "Read mail"]


async def test_a_refused_token_is_told(desk: Desk) -> None:
    desk.connect("obviously-fake-token")
    report = await desk.house.check()
    assert not report.ok
    assert "refused the sign-in" in report.steps[0].detail


async def test_an_api_that_is_switched_off_is_told_with_its_link(desk: Desk) -> None:
    url = "https://console.cloud.google.com/apis/library/gmail.googleapis.com?project=1"
    body = {"error": {"code": 403, "details": [{"reason": "SERVICE_DISABLED", "metadata": {"activationUrl": url}}]}}
    desk.front.change = lambda passed: replace(passed, status=403, answered=json.dumps(body).encode())
    report = await desk.house.check()
    assert "not switched on" in report.steps[0].detail
