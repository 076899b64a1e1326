"""The mirror follows the mailbox: all of it, what is new, what is gone, what changed; and broken mails stop nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.mail.imap import Fetched, ImapSession
from openassistant import subjects
from openassistant.context import CallContext, utc_now
from openassistant.errors import Unavailable
from openassistant.messages import AccountQuery, Done
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter

BROKEN = {
    "no headers": b"\x00\xff\xfe nothing that is a mail \x80",
    "empty": b"",
    "lying charset": b"From: x@example.org\r\nSubject: =?no-such-charset?b?/////w==?=\r\nContent-Type: text/plain;"
    b" charset=no-such-thing\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!",
    "endless nesting": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
    + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 300,
    "surrogates": b"From: \xed\xa0\x80 <x@example.org>\r\nSubject: \xed\xb0\x80 lone\r\n\r\n\xed\xa0\x80",
    "null bytes": b"From: a\x00b@example.org\r\nSubject: a\x00b\r\n\r\na\x00b",
    "long header": b"Subject: " + b"x" * 100_000 + b"\r\n\r\ntext",
}


def deliver(post: Any, content: bytes, name: str) -> Path:
    path: Path = post.maildir / "new" / f"{time.time():.6f}.{abs(hash(name))}.peer"
    path.write_bytes(content)
    if os.geteuid() == 0:
        os.chown(path, *post.imap.owner)
    return path


async def detach(post: Any) -> None:
    query = AccountQuery(user=post.house.user, account=post.house.account.account)
    ctx = CallContext.within(20, user=post.house.user).signed(grant=post.house.grant())
    await post.house.agent.request(subjects.account("mail", "detach"), query, Done, ctx)


async def rows_left(post: Any) -> list[int]:
    tables = ("mail_messages", "mail_texts", "mail_links", "mail_written", "mail_folders")
    async with post.house.runner.stores.use(post.house.user) as store:
        return list(
            await store.read(
                lambda c: [c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in tables]
            )
        )


@pytest.mark.mails(300)
async def test_every_mail_of_every_folder_is_mirrored_and_the_progress_says_so(post: Any) -> None:
    progress = await post.sync()
    assert (progress.state, progress.done, progress.total) == ("idle", 300, 300)
    folders = {each["folder"] for each in await post.search("", limit=100)}
    assert {"INBOX", "Sent"} <= folders


async def test_a_new_mail_is_found_after_the_next_pass(read: Any) -> None:
    letter = Letter(CAROL, ADA, "Quinces", "There are quinces.", utc_now(), "<quinces@example.org>")
    add_letter(read.maildir, letter, owner=read.imap.owner)
    await read.sync()
    [found] = await read.search("quinces")
    assert found["subject"]["text"] == "Quinces"
    assert found["unread"] is True


async def test_a_removed_mail_is_not_found_any_more(read: Any) -> None:
    before = await read.search("lease")
    newest = before[0]["id"]
    [path] = read.copies(read.seeded.lease_message_id, "")
    path.unlink()
    progress = await read.sync()
    assert newest not in {each["id"] for each in await read.search("lease")}
    assert progress.done == progress.total == 39


async def test_a_mail_that_was_read_elsewhere_is_not_unread_any_more(read: Any) -> None:
    [path] = read.copies(read.seeded.lease_message_id, "")
    assert (await read.search("lease"))[0]["unread"] is True
    path.rename(path.with_name(path.name.partition(":2,")[0] + ":2,S"))
    await read.sync()
    assert (await read.search("lease"))[0]["unread"] is False


async def test_a_folder_with_another_uidvalidity_is_read_anew_under_the_same_ids(read: Any) -> None:
    before = [each["id"] for each in await read.search("", limit=100)]
    read.imap.halt()
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
        (read.maildir / name).unlink(missing_ok=True)
    read.imap.launch()
    progress = await read.sync()
    assert progress.done == progress.total == 40
    assert [each["id"] for each in await read.search("", limit=100)] == before


async def test_a_folder_that_is_gone_is_forgotten(read: Any) -> None:
    before = len(await read.search("", limit=100))
    gone = len(read.files(".Archive"))
    read.imap.halt()
    shutil.rmtree(read.maildir / ".Archive")
    read.imap.launch()
    progress = await read.sync()
    assert gone > 0
    assert (progress.state, progress.done) == ("idle", 40 - gone)
    assert len(await read.search("", limit=100)) == before - gone


async def test_broken_mails_are_kept_and_stop_nothing(read: Any) -> None:
    for name, content in BROKEN.items():
        deliver(read, content, name)
    letter = Letter(CAROL, ADA, "Quinces", "There are quinces.", utc_now(), "<quinces@example.org>")
    add_letter(read.maildir, letter, owner=read.imap.owner)
    progress = await read.sync()
    assert (progress.state, progress.done) == ("idle", 40 + len(BROKEN) + 1)
    assert len(await read.search("quinces")) == 1


async def test_a_large_mail_is_found_by_its_beginning_and_names_its_attachment(read: Any) -> None:
    content = (
        b"From: Carol Meyer <carol@example.org>\r\nSubject: Photographs\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        b"See the kitchen.\r\n"
        b'--b\r\nContent-Type: image/png; name="kitchen.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + b"QUJD" * 18 * 20_000
        + b"\r\n--b--\r\n"
    )
    deliver(read, content, "large")
    await read.sync()
    [found] = await read.search("photographs")
    assert found["attachments"]["text"].startswith("kitchen.png")


async def test_a_mail_dated_into_the_future_does_not_stay_on_top(read: Any) -> None:
    deliver(
        read, b"From: m@example.net\r\nSubject: From tomorrow\r\nDate: Fri, 1 Jan 2100 00:00:00 +0000\r\n\r\nx", "f"
    )
    await read.sync()
    [found] = await read.search("tomorrow subject:from")
    assert found["date"] < (utc_now() + timedelta(minutes=5)).isoformat()


async def test_a_server_that_is_down_fails_the_pass_and_the_next_one_goes_on(read: Any) -> None:
    read.imap.halt()
    progress = await read.sync()
    assert progress.state == "failed"
    assert "Check the port" in progress.problem.message
    assert await read.lease()
    read.imap.launch()
    assert (await read.sync()).state == "idle"


async def test_a_changed_password_is_said_to_the_owner(read: Any) -> None:
    read.house.connect("Mail", read.house.account.settings, password="not-the-password")
    progress = await read.sync()
    assert progress.problem.code == "account_required"
    assert "Check user name and password" in progress.problem.message


async def test_a_removed_account_leaves_nothing_in_the_mirror(read: Any) -> None:
    await detach(read)
    assert await read.search("") == []
    assert await rows_left(read) == [0] * 5


@pytest.mark.mails(2000)
async def test_an_account_removed_during_its_first_sync_leaves_nothing(post: Any) -> None:
    await post.house.attach()
    async with asyncio.timeout(20):
        while (await post.progress()).done == 0:
            await asyncio.sleep(0.02)
    await detach(post)
    assert await rows_left(post) == [0] * 5


async def test_a_sync_that_was_stopped_goes_on_where_it_was(post: Any, tmp_path: Path) -> None:
    deliver(post, b"From: m@example.net\r\n\r\nx", "one")
    await post.house.attach()
    await post.house.stop()
    await post.house.start(tmp_path / "data")
    progress = await post.sync()
    assert (progress.done, progress.total) == (41, 41)


async def test_a_mail_that_the_server_cannot_give_is_kept_as_unreadable(
    post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = ImapSession.fetch

    def choke(self: ImapSession, uids: Sequence[int]) -> list[Fetched]:
        if 3 in uids:
            raise Unavailable("The server gave an answer that cannot be read.")
        return fetch(self, uids)

    monkeypatch.setattr(ImapSession, "fetch", choke)
    progress = await post.sync()
    assert (progress.state, progress.done, progress.total) == ("idle", 40, 40)
    async with post.house.runner.stores.use(post.house.user) as store:
        query = "SELECT uid FROM mail_messages WHERE state = 'unreadable'"
        states = await store.read(lambda c: c.exec_driver_sql(query).all())
    assert {row.uid for row in states} == {3}


@pytest.mark.slow
@pytest.mark.mails(10_000)
async def test_a_large_mailbox_is_read_whole_and_then_not_again(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = await post.sync(seconds=300)
    assert progress.done == progress.total == post.seeded.total
    fetched: list[Sequence[int]] = []
    fetch = ImapSession.fetch

    def counted(self: ImapSession, uids: Sequence[int]) -> list[Fetched]:
        fetched.append(uids)
        return fetch(self, uids)

    monkeypatch.setattr(ImapSession, "fetch", counted)
    await post.sync()
    assert fetched == []
