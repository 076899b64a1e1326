"""Drafts lie in the folder of drafts, moved mails where they were moved to; nothing leaves the mailbox."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant import journal
from openassistant.context import new_id
from openassistant.errors import NotFound
from openassistant.messages import Call

DRAFT = {"to": ["carol@example.org"], "subject": "The lease", "text": "I sign on Friday."}


async def kill(post: Any, call: Call) -> None:
    async with post.house.runner.stores.use(call.user) as store:
        await journal.begin(store, call, holder=new_id(), now=post.now())


async def test_a_draft_is_saved_once_and_sent_to_nobody(read: Any) -> None:
    call = read.house.make("drafts_create", **DRAFT)
    results = [await read.house.send(call) for _ in range(2)]
    [path] = read.copies(f"<{results[0].content['message_id']}>", ".Drafts")
    assert "D" in path.name.partition(":2,")[2]
    assert results[0].content["folder"] == "Drafts"
    assert read.smtp.sent == ()


async def test_the_preview_of_a_draft_has_no_destination(read: Any) -> None:
    preview = await read.house.preview("drafts_create", **DRAFT)
    assert preview.destinations == ()
    assert {field.label: field.value for field in preview.fields}["Recipients"] == "carol@example.org"
    assert preview.content == DRAFT["text"]


async def test_an_interrupted_draft_is_done_when_it_lies_there(read: Any) -> None:
    first = read.house.make("drafts_create", **DRAFT)
    saved = await read.house.send(first)
    async with read.house.runner.stores.use(first.user) as store:
        await store.write(
            lambda c: c.exec_driver_sql(
                "UPDATE journal SET state = 'intent', holder = ?, outcome = NULL WHERE call_id = ?",
                (new_id(), first.id),
            )
        )
    assert (await read.house.send(first)).content == saved.content
    assert len(read.copies(f"<{saved.content['message_id']}>", ".Drafts")) == 1


async def test_a_moved_mail_lies_in_the_other_folder_and_keeps_its_id(read: Any) -> None:
    message = await read.lease()
    moved = await read.house.call("messages_move", message=message, folder="archive")
    assert (moved["folder"], moved["came_from"]) == ("Archive", "INBOX")
    assert read.copies(read.seeded.lease_message_id, "") == []
    assert len(read.copies(read.seeded.lease_message_id, ".Archive")) == 1
    for _ in range(2):
        found = {each["id"]: each["folder"] for each in await read.search("lease")}
        assert found[message] == "Archive"
        await read.sync()


async def test_a_mail_that_was_moved_elsewhere_meanwhile_is_not_touched(read: Any) -> None:
    message = await read.lease()
    [path] = read.copies(read.seeded.lease_message_id, "")
    path.unlink()
    with pytest.raises(NotFound, match="Search for it again"):
        await read.house.call("messages_move", message=message, folder="Trash")


async def test_an_unknown_folder_is_answered_with_those_there_are(read: Any) -> None:
    with pytest.raises(NotFound, match="Archive"):
        await read.house.call("messages_move", message=await read.lease(), folder="Attic")


async def test_an_interrupted_move_is_looked_up_in_both_folders(read: Any) -> None:
    message = await read.lease()
    call = read.house.make("messages_move", message=message, folder="Archive")
    await kill(read, call)
    [path] = read.copies(read.seeded.lease_message_id, "")
    path.rename(read.maildir / ".Archive" / "cur" / path.name)
    assert (await read.house.send(call)).content["folder"] == "Archive"


async def test_the_preview_of_a_move_names_mail_and_folders(read: Any) -> None:
    preview = await read.house.preview("messages_move", message=await read.lease(), folder="trash")
    fields = {field.label: field.value for field in preview.fields}
    assert (fields["Out of"], fields["Into"]) == ("INBOX", "Trash")
    assert preview.outside[0].authors == ("carol@example.org",)
