"""Mail that wants an answer: unread, to Ada alone, of somebody who reads answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.connectors.mail.conftest import ADDRESS, Post
from tests.peers.mailbox import Letter, add_letter

CAROL = "Carol Meyer <carol@example.org>"


def deliver(post: Post, subject: str, **more: Any) -> None:
    values = {"sender": CAROL, "recipient": ADDRESS, "body": "Well?", "date": datetime.now(UTC), "seen": False, **more}
    letter = Letter(subject=subject, message_id=f"<{subject.replace(' ', '-')}@example.org>", **values)
    add_letter(post.maildir, letter, owner=post.imap.owner)


async def waiting(post: Post, **more: Any) -> list[str]:
    found = await post.house.call("messages_waiting", **{"limit": 100, **more})
    return [each["subject"]["text"] for each in found["messages"]]


async def test_only_what_was_written_to_its_reader_alone_waits(post: Post) -> None:
    deliver(post, "A question")
    deliver(post, "To two", recipient=f"{ADDRESS}, dave@example.org")
    deliver(post, "In copy", extra=("Cc: dave@example.org",))
    deliver(post, "From a list", extra=("List-Id: <sailing.lists.example>",))
    deliver(post, "From a machine", sender="Shop <no-reply@shop.example>")
    deliver(post, "Long ago", date=datetime.now(UTC) - timedelta(days=40))
    deliver(post, "Filed", folder=".Archive")
    await post.sync()
    found = await waiting(post)
    assert "A question" in found
    assert not {"To two", "In copy", "From a list", "From a machine", "Long ago", "Filed"} & set(found)
    all_of_them = await post.search("is:unread in:inbox", limit=100)
    assert {*found} <= {each["subject"]["text"] for each in all_of_them}


async def test_what_was_read_or_answered_does_not_wait_and_few_may_be_asked_for(post: Post) -> None:
    deliver(post, "One question")
    deliver(post, "Another question")
    await post.sync()
    assert await waiting(post, limit=1) == (await waiting(post))[:1]
    [one] = [each["id"] for each in await post.search("subject:question subject:one")]
    await post.house.send(post.house.make("messages_flag", messages=[one], read=True))
    await post.sync()
    found = await waiting(post)
    assert ("One question" in found, "Another question" in found) == (False, True)
