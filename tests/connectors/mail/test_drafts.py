"""A draft is changed, sent and put away as it was shown; what is gone from one place lies in another."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest

from openassistant import journal
from openassistant.context import new_id, utc_now
from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.messages import Call
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter

DRAFT = {
    "to": ["Carol Meyer <carol@example.org>"],
    "bcc": ["bob@example.org"],
    "subject": "The lease",
    "text": "I sign on Friday.",
}


async def create(post: Any, **changes: Any) -> dict[str, Any]:
    return dict(await post.house.call("drafts_create", **{**DRAFT, **changes}))


async def foreign(post: Any, **changes: Any) -> str:
    """The id of a draft that another program wrote."""
    plain = {"extra": ("Bcc: bob@example.org", "X-Mozilla-Draft-Info: internal/draft"), "folder": ".Drafts"}
    letter = Letter(ADA, CAROL, "Moving day", "Bring boxes.", utc_now(), "<d@home.example>", **{**plain, **changes})
    add_letter(post.maildir, letter, owner=post.imap.owner)
    await post.sync()
    return str((await post.search("subject:moving in:drafts"))[0]["id"])


def lying(post: Any, folder: str) -> list[str]:
    """The subjects in a folder."""
    return [str(email.message_from_bytes(path.read_bytes())["subject"]) for path in post.files(folder)]


async def interrupt(post: Any, call: Call) -> None:
    async with post.house.runner.stores.use(call.user) as store:
        await store.write(
            lambda c: c.exec_driver_sql(
                "UPDATE journal SET state = 'intent', holder = ?, outcome = NULL WHERE call_id = ?",
                (new_id(), call.id),
            )
        )


async def test_a_draft_keeps_its_blind_copies_and_can_be_used_at_once(read: Any) -> None:
    saved = await create(read)
    shown = await read.house.call("drafts_read", draft=saved["draft"])
    assert shown["blind_copies"]["text"] == "bob@example.org"
    assert shown["recipients"]["text"] == "Carol Meyer <carol@example.org>"
    await read.sync()
    assert [each["id"] for each in await read.search("in:drafts")] == [saved["draft"]]


async def test_a_draft_of_an_answer_stands_in_its_conversation(read: Any) -> None:
    saved = await create(read, answers=await read.lease())
    [path] = read.copies(f"<{saved['message_id']}>", ".Drafts")
    assert email.message_from_bytes(path.read_bytes())["in-reply-to"] == read.seeded.lease_message_id


async def test_a_changed_draft_replaces_the_old_one_which_lies_in_the_trash(read: Any) -> None:
    saved = await create(read)
    changed = await read.house.call("drafts_update", draft=saved["draft"], text="I sign on Monday.")
    assert len(read.files(".Drafts")) == len(read.files(".Trash")) == 1
    shown = await read.house.call("drafts_read", draft=changed["draft"])
    assert (shown["text"]["text"], shown["subject"]["text"]) == ("I sign on Monday.", "The lease")
    assert shown["blind_copies"]["text"] == "bob@example.org"
    with pytest.raises(InvalidRequest, match="no draft"):
        await read.house.call("drafts_update", draft=saved["draft"], text="Once more.")


async def test_a_change_of_a_draft_is_taken_back(read: Any) -> None:
    saved = await create(read)
    call = read.house.make("drafts_update", draft=saved["draft"], subject="Another")
    await read.house.send(call)
    await read.house.call("actions_undo", action=call.id)
    assert (lying(read, ".Drafts"), lying(read, ".Trash")) == (["The lease"], ["Another"])


async def test_a_new_draft_is_taken_back_into_the_trash(read: Any) -> None:
    await create(read)
    await read.house.call("actions_undo")
    assert (lying(read, ".Drafts"), lying(read, ".Trash")) == ([], ["The lease"])


async def test_a_draft_of_another_program_keeps_its_files_when_its_text_changes(read: Any) -> None:
    draft = await foreign(read, shape="attachment")
    with pytest.raises(InvalidRequest, match="drafts_read"):
        await read.house.call("drafts_update", draft=draft, text="Bring tape.")
    before = await read.house.call("drafts_read", draft=draft)
    changed = await read.house.call("drafts_update", draft=draft, text="Bring tape.")
    after = await read.house.call("drafts_read", draft=changed["draft"])
    assert after["text"]["text"] == "Bring tape."
    assert before["attachments"]["text"] == after["attachments"]["text"]


async def test_an_interrupted_change_is_finished_and_not_made_twice(read: Any) -> None:
    saved = await create(read)
    call = read.house.make("drafts_update", draft=saved["draft"], text="I sign on Monday.")
    first = await read.house.send(call)
    await interrupt(read, call)
    again = await read.house.send(call)
    assert again.content["draft"] == first.content["draft"]
    assert len(read.files(".Drafts")) == len(read.files(".Trash")) == 1


async def test_a_draft_in_the_trash_comes_back(read: Any) -> None:
    saved = await create(read)
    call = read.house.make("drafts_delete", draft=saved["draft"])
    assert (await read.house.send(call)).content["folder"] == "Trash"
    await interrupt(read, call)
    assert (await read.house.send(call)).content["came_from"] == "Drafts"
    assert (lying(read, ".Drafts"), lying(read, ".Trash")) == ([], ["The lease"])
    await read.house.call("actions_undo", action=call.id)
    assert (lying(read, ".Drafts"), lying(read, ".Trash")) == (["The lease"], [])


async def test_a_sent_draft_goes_to_those_who_were_shown_and_leaves_the_drafts(read: Any) -> None:
    saved = await create(read)
    preview = await read.house.preview("drafts_send", draft=saved["draft"])
    call = read.house.make("drafts_send", draft=saved["draft"])
    await read.house.send(call)
    [sent] = read.smtp.sent
    assert set(sent.recipients) == {each.value for each in preview.destinations}
    assert b"bob@example.org" not in sent.content
    assert sent.text.strip() == preview.content == DRAFT["text"]
    assert (read.files(".Drafts"), len(read.copies(f"<{saved['message_id']}>", ".Sent"))) == ([], 1)
    await interrupt(read, call)
    await read.house.send(call)
    assert len(read.smtp.sent) == 1


async def test_a_draft_of_another_program_is_sent_with_all_its_bytes(read: Any) -> None:
    draft = await foreign(read, shape="attachment")
    with pytest.raises(InvalidRequest, match="drafts_read"):
        await read.house.preview("drafts_send", draft=draft)
    shown = await read.house.call("drafts_read", draft=draft)
    preview = await read.house.preview("drafts_send", draft=draft)
    [attached] = [field.value for field in preview.fields if field.label == "Attachment"]
    assert attached == shown["attachments"]["text"]
    await read.house.call("drafts_send", draft=draft)
    [sent] = read.smtp.sent
    mail = email.message_from_bytes(sent.content, policy=email.policy.default)
    assert [part.get_content_type() for part in mail.iter_attachments()] == ["application/pdf"]
    assert sent.recipients == ("carol@example.org", "bob@example.org")
    assert (mail["bcc"], mail["x-mozilla-draft-info"], mail["message-id"]) == (None, None, "<d@home.example>")


async def test_a_draft_that_was_changed_after_it_was_shown_is_not_sent(read: Any) -> None:
    saved = await create(read)
    [path] = read.files(".Drafts")
    path.write_bytes(path.read_bytes().replace(b"Friday", b"Sunday"))
    with pytest.raises((Conflict, NotFound)):
        await read.house.call("drafts_send", draft=saved["draft"])
    assert read.smtp.sent == ()


async def test_a_draft_that_was_sent_elsewhere_is_not_sent_again(read: Any) -> None:
    saved = await create(read)
    letter = Letter(ADA, CAROL, "The lease", "I sign.", utc_now(), f"<{saved['message_id']}>", folder=".Sent")
    add_letter(read.maildir, letter, owner=read.imap.owner)
    with pytest.raises(Conflict, match="sent already"):
        await read.house.call("drafts_send", draft=saved["draft"])
    assert read.smtp.sent == ()


async def test_a_mail_that_is_no_draft_is_not_sent_as_one(read: Any) -> None:
    with pytest.raises(InvalidRequest, match="no draft"):
        await read.house.preview("drafts_send", draft=await read.lease())


async def test_a_draft_killed_before_it_was_changed_is_as_it_was(read: Any) -> None:
    saved = await create(read)
    call = read.house.make("drafts_update", draft=saved["draft"], text="I sign on Monday.")
    async with read.house.runner.stores.use(call.user) as store:
        await journal.begin(store, call, holder=new_id(), now=read.now())
    with pytest.raises(Exception, match="before anything was done"):
        await read.house.send(call)
    assert read.files(".Trash") == []
