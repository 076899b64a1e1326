"""What is held of a mailbox is counted, leaves as mails that others can read, and is forgotten for good."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from openassistant.context import utc_now
from tests.connectors.holding import counted, forgets, listed
from tests.connectors.mail.test_sync import deliver
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter

WORD = "quincejam"
WITH_FILE = b"""From: Carol Meyer <carol@example.org>\r
To: ada@home.example\r
Subject: =?utf-8?q?The_b=C3=BCcher?=\r
Date: %s\r
Message-ID: <with-file@example.org>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
All about %s.\r
--b\r
Content-Type: application/pdf\r
Content-Disposition: attachment; filename="plan.pdf"\r
\r
%%PDF-1.4 not really\r
--b--\r
"""


def read_mail(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


async def mails_of(post: Any) -> dict[str, EmailMessage]:
    files = await post.house.exported()
    return {path: read_mail(body) for path, body in files.items() if path.startswith("Mail/mails/") and "eml" in path}


def put(post: Any, subject: str, text: str, *, days: float) -> None:
    at = utc_now() - timedelta(days=days)
    letter = Letter(CAROL, ADA, subject, text, at, f"<{subject.lower()}@example.org>")
    add_letter(post.maildir, letter, owner=post.imap.owner)


async def test_every_mail_is_counted_and_leaves_as_one_that_pythons_parser_reads(read: Any) -> None:
    put(read, "Quinces", f"Come for {WORD}.", days=1)
    await read.sync()
    held = await counted(read.house)
    assert held["mails"] == 41
    mails = await mails_of(read)
    assert len(mails) == 41
    mail = next(each for each in mails.values() if each["subject"] == "Quinces")
    assert mail["from"].addresses[0].addr_spec == "carol@example.org"
    assert mail["message-id"] == "<quinces@example.org>"
    assert mail.get_content().strip() == f"Come for {WORD}."
    assert mail["open-assistant-missing"] == "the original source"
    index = listed(await read.house.exported(), "Mail/mails/index.jsonl")
    assert {f"Mail/{line['file']}" for line in index} == set(mails)
    assert next(line for line in index if line["subject"] == "Quinces")["folder"] == "INBOX"


async def test_a_mail_says_what_of_it_is_not_kept(read: Any) -> None:

    deliver(read, WITH_FILE % (email.utils.format_datetime(utc_now()).encode(), WORD.encode()), "with file")
    await read.sync()
    mail = next(each for each in (await mails_of(read)).values() if each["message-id"] == "<with-file@example.org>")
    assert mail["subject"] == "The bücher"
    assert WORD in mail.get_content()
    assert "the attachment plan.pdf (application/pdf, " in mail["open-assistant-missing"]


async def test_mails_of_before_a_day_are_forgotten_and_no_pass_asks_for_them_again(read: Any) -> None:
    put(read, "Quinces", f"Come for {WORD}.", days=500)
    await read.sync()
    until = utc_now() - timedelta(days=400)
    went = await forgets(read.house, WORD, kinds=["mails"], until=until)
    assert went["mails"] >= 1
    put(read, "Apples", "There are apples.", days=0)
    progress = await read.sync()
    assert (progress.state, progress.done, progress.total) == ("idle", 42, 42)
    assert await read.search("quinces") == []
    assert len(await read.search("apples")) == 1
    assert (await counted(read.house))["mails"] == 42 - went["mails"]


async def test_what_was_forgotten_stays_so_where_a_folder_is_read_anew(read: Any) -> None:
    put(read, "Quinces", f"Come for {WORD}.", days=500)
    await read.sync()
    went = await forgets(read.house, WORD, kinds=["mails"], until=utc_now() - timedelta(days=400))
    read.imap.halt()
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
        (read.maildir / name).unlink(missing_ok=True)
    read.imap.launch()
    await read.sync()
    assert (await counted(read.house))["mails"] == 41 - went["mails"]


async def test_words_are_forgotten_and_the_headers_stay(read: Any) -> None:
    put(read, "Quinces", f"Come for {WORD}.", days=1)
    await read.sync()
    went = await forgets(read.house, WORD, kinds=["texts"])
    assert set(went) == {"texts"}
    assert await read.search(WORD) == []
    [found] = await read.search("subject:quinces")
    mail = next(each for each in (await mails_of(read)).values() if each["subject"] == "Quinces")
    assert mail["open-assistant-missing"] == "the original source; the text"
    thread = await read.house.call("threads_read", message=found["id"])
    assert "not kept here any more" in str(thread)


async def test_a_mail_that_was_sent_leaves_as_it_was_sent(read: Any) -> None:
    call = read.reply(await read.lease(), f"I sign, and bring {WORD}.")
    await read.house.send(call)
    files = await read.house.exported()
    [path] = [each for each in files if each.startswith("Mail/outgoing/") and each.endswith(".eml")]
    assert WORD in read_mail(files[path]).get_content()
    assert listed(files, "Mail/calls.jsonl")[0]["call"]["id"] == call.id
    await read.house.forgotten()
    left = await counted(read.house)
    assert "calls" not in left
    assert "mails" not in left
    assert (await read.house.send(call)).content == "It was done; what it was about was forgotten since."
