"""Every act of the mail connector happens once on real servers, whatever interrupts it: the SDK's own check."""

from __future__ import annotations

from itertools import count
from typing import Any

from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.mail.conftest import Post


async def test_a_mail_is_sent_once(read: Post, smtp_server: Any) -> None:
    numbers = count()

    async def make() -> Call:
        return read.house.make(
            "messages_send", to=["carol@example.org"], subject=f"The lease {next(numbers)}", text="I sign."
        )

    async def done() -> int:
        return len(smtp_server.sent)

    assert await once_faults(read.house, make, done) == []


async def test_a_draft_is_written_once(read: Post) -> None:
    numbers = count()

    async def make() -> Call:
        return read.house.make(
            "drafts_create", to=["carol@example.org"], subject=f"The lease {next(numbers)}", text="I sign."
        )

    async def done() -> int:
        return len(read.files(".Drafts"))

    assert await once_faults(read.house, make, done) == []


async def test_a_mail_is_moved_once(read: Post) -> None:
    found = iter(await read.search("", folder="inbox"))

    async def make() -> Call:
        return read.house.make("messages_move", messages=[next(found)["id"]], folder="Archive")

    async def done() -> int:
        return len(read.files(".Archive"))

    assert await once_faults(read.house, make, done) == []
