"""A new mail is there within moments, because the server says so; where it does not, passes go on all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.mail.tools import connector
from openassistant import subjects
from openassistant.context import CallContext, utc_now
from openassistant.messages import AccountQuery, Done
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter

pytestmark = pytest.mark.watched


async def arrived(post: Any, seconds: float) -> list[dict[str, Any]]:
    async with asyncio.timeout(seconds):
        while not (found := await post.search("quinces")):
            await asyncio.sleep(0.05)
    return list(found)


def quinces() -> Letter:
    return Letter(CAROL, ADA, "Quinces", "There are quinces.", utc_now(), "<quinces@example.org>")


async def detach(post: Any) -> None:
    query = AccountQuery(user=post.house.user, account=post.house.account.account)
    ctx = CallContext.within(20, user=post.house.user).signed(grant=post.house.grant())
    await post.house.agent.request(subjects.account("mail", "detach"), query, Done, ctx)


async def watching(post: Any) -> None:
    async with asyncio.timeout(10):
        while not post.house.runner.syncing._watches:
            await asyncio.sleep(0.02)


async def test_a_new_mail_is_found_within_moments_without_a_pass_being_due(read: Any) -> None:
    await watching(read)
    add_letter(read.maildir, quinces(), owner=read.imap.owner)
    assert [each["subject"]["text"] for each in await arrived(read, 10)] == ["Quinces"]


async def test_a_watch_that_lost_its_server_leaves_the_passes_alone(read: Any) -> None:
    await watching(read)
    read.imap.halt()
    read.imap.launch()
    add_letter(read.maildir, quinces(), owner=read.imap.owner)
    async with asyncio.timeout(20):
        while not await read.search("quinces"):
            assert (await read.sync()).state == "idle"


async def test_an_account_that_is_removed_is_watched_no_more(read: Any) -> None:
    await watching(read)
    await detach(read)
    assert read.house.runner.syncing._watches == {}


def test_the_connector_watches() -> None:
    assert connector.watcher is not None
