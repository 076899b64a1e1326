"""Filing, changing and passing on happen once, whatever interrupts them: the SDK's own check."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from openassistant.messages import Call
from openassistant.once import once_faults

DRAFT = {"to": ["carol@example.org"], "text": "I sign."}


@pytest.mark.parametrize(("tool", "folder"), [("messages_archive", ".Archive"), ("messages_trash", ".Trash")])
async def test_a_mail_is_filed_once(read: Any, tool: str, folder: str) -> None:
    found = iter(await read.search("in:inbox"))

    async def make() -> Call:
        made: Call = read.house.make(tool, messages=[next(found)["id"]])
        return made

    async def done() -> int:
        return len(read.files(folder))

    assert await once_faults(read.house, make, done) == []


async def test_a_mail_gets_its_star_once(read: Any) -> None:
    found = iter(await read.search("in:inbox"))

    async def make() -> Call:
        made: Call = read.house.make("messages_flag", messages=[next(found)["id"]], starred=True)
        return made

    async def done() -> int:
        return sum("F" in path.name.partition(":2,")[2] for path in read.files())

    assert await once_faults(read.house, make, done) == []


async def test_a_draft_is_changed_once(read: Any) -> None:
    numbers = count()

    async def make() -> Call:
        saved = await read.house.call("drafts_create", **DRAFT, subject=f"Lease {next(numbers)}")
        made: Call = read.house.make("drafts_update", draft=saved["draft"], text="I sign on Friday.")
        return made

    async def done() -> int:
        return len(read.files(".Trash"))

    assert await once_faults(read.house, make, done) == []


async def test_a_draft_is_sent_once(read: Any) -> None:
    numbers = count()

    async def make() -> Call:
        saved = await read.house.call("drafts_create", **DRAFT, subject=f"Lease {next(numbers)}")
        made: Call = read.house.make("drafts_send", draft=saved["draft"])
        return made

    async def done() -> int:
        return len(read.smtp.sent)

    assert await once_faults(read.house, make, done) == []


async def test_a_mail_is_passed_on_once(read: Any) -> None:
    message = await read.lease()
    await read.house.call("attachments_list", message=message)

    async def make() -> Call:
        made: Call = read.house.make("messages_forward", message=message, to=["bob@example.org"])
        return made

    async def done() -> int:
        return len(read.smtp.sent)

    assert await once_faults(read.house, make, done) == []
