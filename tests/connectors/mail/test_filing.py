"""Drafts lie in the folder of drafts, moved mails where they were moved to; nothing leaves the mailbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from connectors.mail.moves import each_one
from openassistant import journal
from openassistant.context import new_id
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError, Unavailable, UpstreamFailed
from openassistant.messages import Call

PLACES = (
    "SELECT m.id, m.uid, f.name, f.path FROM mail_messages m JOIN mail_folders f ON f.id = m.folder"
    " WHERE m.id IN (SELECT value FROM json_each(:ids))"
)
DRAFT = {"to": ["carol@example.org"], "subject": "The lease", "text": "I sign on Friday."}


async def interrupt(post: Any, call: Call) -> None:
    """What stands in the user's file when the connector was killed after it had acted."""
    async with post.house.runner.stores.use(call.user) as store:
        await store.write(
            lambda c: c.exec_driver_sql(
                "UPDATE journal SET state = 'intent', holder = ?, outcome = NULL WHERE call_id = ?",
                (new_id(), call.id),
            )
        )


async def kill(post: Any, call: Call) -> None:
    async with post.house.runner.stores.use(call.user) as store:
        await journal.begin(store, call, holder=new_id(), now=post.now())


async def test_a_draft_is_saved_once_and_sent_to_nobody(read: Any) -> None:
    call = read.house.make("drafts_create", **DRAFT)
    results = [await read.house.send(call) for _ in range(2)]
    [path] = read.copies(f"<{results[0].content['message_id']}>", ".Drafts")
    assert "D" in path.name.partition(":2,")[2]
    assert read.smtp.sent == ()


async def test_the_preview_of_a_draft_has_no_destination(read: Any) -> None:
    preview = await read.house.preview("drafts_create", **DRAFT)
    assert preview.destinations == ()
    assert {field.label: field.value for field in preview.fields}["Recipients"] == "carol@example.org"
    assert preview.content == DRAFT["text"]


async def test_an_interrupted_draft_is_done_when_it_lies_there(read: Any) -> None:
    first = read.house.make("drafts_create", **DRAFT)
    saved = await read.house.send(first)
    await interrupt(read, first)
    assert (await read.house.send(first)).content == saved.content
    assert len(read.copies(f"<{saved.content['message_id']}>", ".Drafts")) == 1


async def test_a_moved_mail_lies_in_the_other_folder_and_keeps_its_id(read: Any) -> None:
    message = await read.lease()
    moved = await read.house.call("messages_move", messages=[message], folder="archive")
    assert (moved["folder"], moved["mails"]) == ("Archive", [{"message": message, "came_from": "INBOX"}])
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
        await read.house.call("messages_move", messages=[message], folder="Trash")


async def test_an_unknown_folder_is_answered_with_the_tool_that_names_those_there_are(read: Any) -> None:
    with pytest.raises(NotFound, match="folders_list"):
        await read.house.call("messages_move", messages=[await read.lease()], folder="Attic")


async def test_an_interrupted_move_is_looked_up_in_both_folders(read: Any) -> None:
    message = await read.lease()
    call = read.house.make("messages_move", messages=[message], folder="Archive")
    first = await read.house.send(call)
    await interrupt(read, call)
    assert (await read.house.send(call)).content == first.content


async def test_a_move_killed_before_it_began_is_as_good_as_never_asked_for(read: Any) -> None:
    call = read.house.make("messages_move", messages=[await read.lease()], folder="Archive")
    await kill(read, call)
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.send(call)
    assert len(read.copies(read.seeded.lease_message_id, "")) == 1


async def test_the_preview_of_a_move_names_mail_and_folders(read: Any) -> None:
    preview = await read.house.preview("messages_move", messages=[await read.lease()], folder="trash")
    fields = {field.label: field.value for field in preview.fields}
    assert (fields["Out of"], fields["Into"]) == ("INBOX", "Trash")
    assert preview.outside[0].authors == ("carol@example.org",)


TOOLS = [("messages_archive", "Archive"), ("messages_junk", "Junk"), ("messages_trash", "Trash")]


@pytest.mark.parametrize(("tool", "folder"), TOOLS)
async def test_a_filed_mail_lies_in_its_folder_and_comes_back_at_once_and_later(
    read: Any, tool: str, folder: str
) -> None:
    message = await read.lease()
    for wait in (False, True):
        call = read.house.make(tool, messages=[message])
        assert (await read.house.send(call)).content["folder"] == folder
        assert len(read.copies(read.seeded.lease_message_id, f".{folder}")) == 1
        if wait:
            await read.sync()
        await read.house.call("actions_undo", action=call.id)
        assert len(read.copies(read.seeded.lease_message_id, "")) == 1
        assert read.copies(read.seeded.lease_message_id, f".{folder}") == []


@pytest.mark.parametrize(("tool", "folder"), TOOLS)
async def test_an_interrupted_filing_is_done_once(read: Any, tool: str, folder: str) -> None:
    message = await read.lease()
    call = read.house.make(tool, messages=[message])
    first = await read.house.send(call)
    await interrupt(read, call)
    assert (await read.house.send(call)).content == first.content
    assert len(read.copies(read.seeded.lease_message_id, f".{folder}")) == 1
    await read.house.call("actions_undo", action=call.id)
    assert len(read.copies(read.seeded.lease_message_id, "")) == 1


async def test_marks_are_set_on_the_server_and_taken_back(read: Any) -> None:
    message = await read.lease()
    call = read.house.make("messages_flag", messages=[message], read=True, starred=True)
    assert (await read.house.send(call)).content["mails"][0]["was_starred"] is False
    await read.sync()
    [found] = [each for each in await read.search("lease is:flagged") if each["id"] == message]
    assert (found["unread"], found["flagged"]) == (False, True)
    [path] = read.copies(read.seeded.lease_message_id, "")
    assert "F" in path.name.partition(":2,")[2]
    await read.house.call("actions_undo", action=call.id)
    await read.sync()
    assert await read.search("lease is:flagged") == []


async def test_an_undo_of_a_mark_leaves_other_marks_alone(read: Any) -> None:
    message = await read.lease()
    star = read.house.make("messages_flag", messages=[message], starred=True)
    await read.house.send(star)
    await read.house.call("messages_flag", messages=[message], read=False)
    await read.house.call("actions_undo", action=star.id)
    [found] = [each for each in await read.search("lease is:unread") if each["id"] == message]
    assert (found["unread"], found["flagged"]) == (True, False)


async def test_an_interrupted_mark_is_looked_up(read: Any) -> None:
    message = await read.lease()
    call = read.house.make("messages_flag", messages=[message], starred=True)
    first = await read.house.send(call)
    await interrupt(read, call)
    assert (await read.house.send(call)).content == first.content
    await read.house.call("messages_flag", messages=[message], starred=False)
    await interrupt(read, call)
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.send(call)


async def test_several_mails_are_filed_under_one_approval_and_come_back_where_each_was(read: Any) -> None:
    inbox, sent = await read.search("in:inbox", limit=3), await read.search("in:sent", limit=1)
    ids = [each["id"] for each in (*inbox, *sent)]
    preview = await read.house.preview("messages_archive", messages=ids)
    assert preview.verb == "Archive 4 mails"
    assert all(each["subject"]["text"] in preview.content for each in inbox)
    assert preview.fields[0].value == "INBOX, Sent"
    call = read.house.make("messages_archive", messages=[*ids, ids[0]])
    done = (await read.house.send(call)).content
    assert [each["message"] for each in done["mails"]] == ids
    await read.house.call("actions_undo", action=call.id)
    assert {each["id"] for each in await read.search("in:sent")} >= {ids[-1]}
    assert read.seeded.folders.get("Archive", 0) == len(read.files(".Archive"))


async def test_what_is_gone_of_several_mails_is_said_and_the_rest_is_done(read: Any) -> None:
    ids = [each["id"] for each in await read.search("from:carol lease in:inbox", limit=2)]
    [path] = read.copies(read.seeded.lease_message_id, "")
    path.unlink()
    done = await read.house.call("messages_trash", messages=ids)
    assert len(done["mails"]) == 1
    assert done["note"] == "1 of these mails stayed as they are: they lie elsewhere, or the server refused."


async def test_a_filing_that_was_interrupted_half_way_is_carried_on(read: Any) -> None:
    ids = [each["id"] for each in await read.search("in:inbox", limit=3)]
    call = read.house.make("messages_trash", messages=ids)
    async with read.house.runner.stores.use(call.user) as store:
        rows = await store.read(
            lambda c: c.execute(text(PLACES), {"ids": json.dumps([int(each) for each in ids])}).all()
        )
        noted = json.dumps({"mails": [[row.id, row.name, row.path.decode(), row.uid] for row in rows]})
        values = (call.account, call.id, noted, read.now().isoformat())
        await store.write(lambda c: c.exec_driver_sql("INSERT INTO mail_acts VALUES (?, ?, ?, ?)", values))
    await read.house.call("messages_trash", messages=ids[:2])
    await kill(read, call)
    done = (await read.house.send(call)).content
    assert {(each["message"], each["came_from"]) for each in done["mails"]} == {(each, "INBOX") for each in ids}
    assert len(read.files(".Trash")) == 3


async def test_a_mark_of_nothing_is_refused(read: Any) -> None:
    with pytest.raises(InvalidRequest, match="read or starred"):
        await read.house.call("messages_flag", messages=[await read.lease()])


async def test_a_mail_of_a_folder_that_begins_anew_is_not_touched(read: Any) -> None:
    message = await read.lease()
    async with read.house.runner.stores.use(read.house.user) as store:
        await store.write(lambda c: c.exec_driver_sql("UPDATE mail_folders SET uidvalidity = uidvalidity + 1"))
    with pytest.raises(NotFound, match="Search for it again"):
        await read.house.call("messages_trash", messages=[message])
    assert read.files(".Trash") == []


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([None, NotFound("gone"), None], [0, 2]),
        ([NotFound("gone"), Conflict("no")], NotFound),
        ([None, Unavailable("lost")], UpstreamFailed),
        ([Unavailable("lost"), None], Unavailable),
        ([], []),
    ],
    ids=["one gone", "none there", "lost half way", "lost at once", "nothing to do"],
)
async def test_what_is_said_of_several_mails_is_true(
    outcomes: list[OaError | None], expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def session(account: Any, *, seconds: float) -> AsyncIterator[None]:
        yield None

    def act(session: Any, number: int) -> None:
        if error := outcomes[number]:
            raise error

    monkeypatch.setattr("connectors.mail.moves.imap_session", session)
    ctx, account = cast("Any", SimpleNamespace(seconds=5)), cast("Any", None)
    with nullcontext() if isinstance(expected, list) else pytest.raises(expected):
        assert await each_one(ctx, account, range(len(outcomes)), act) == expected
