"""What is held of an Outlook mailbox is counted, leaves as mails that others can read, and is forgotten for good."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

from tests.connectors.holding import counted, forgets, listed


def read_mail(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


async def mails_of(desk: Any) -> dict[str, EmailMessage]:
    """The mails of the archive, by subject."""
    files = await desk.house.exported()
    read = [read_mail(body) for path, body in files.items() if path.startswith("Outlook/mails/") and "eml" in path]
    return {mail["subject"]: mail for mail in read}


async def test_mails_leave_with_the_text_where_it_was_read_and_say_what_is_missing(read: Any) -> None:
    assert (await counted(read.house))["mails"] == 6
    await read.house.call("threads_read", message=await read.mail("Minutes"))
    mails = await mails_of(read)
    minutes = mails["Minutes"]
    assert "Shall we meet?" in minutes.get_content()
    assert "the formatting" in minutes["open-assistant-missing"]
    assert [each.addr_spec for each in minutes["cc"].addresses] == ["erin@example.net"]
    assert "the text beyond its beginning" in mails["Sails"]["open-assistant-missing"]
    lines = listed(await read.house.exported(), "Outlook/mails/index.jsonl")
    assert {line["subject"]: line["folder"] for line in lines}["Sails"] == "Projects/Boat"


async def test_mails_of_before_a_day_are_forgotten_and_a_new_reading_does_not_bring_them(read: Any) -> None:
    went = await forgets(read.house, "Nothing to see", kinds=["mails"], until=read.ago(days=30))
    assert went == {"mails": 1, "texts": 1}
    async with read.house.runner.stores.use(read.house.user) as store:
        await store.write(
            lambda c: c.exec_driver_sql("UPDATE outlook_mail_folders SET link = '', complete = 0").close()
        )
    await read.sync()
    assert "Old news" not in await mails_of(read)
    assert len(await mails_of(read)) == 5


async def test_words_are_forgotten_and_the_headers_stay(read: Any) -> None:
    went = await forgets(read.house, "key to the harbour", kinds=["texts"])
    assert set(went) == {"texts"}
    assert (await mails_of(read))["Lease"].get_content().strip() == ""
