"""Answers to all go to those who want them, and a forwarded mail with the very files that were approved."""

from __future__ import annotations

import email
import email.policy
import hashlib
from typing import Any

import pytest

from connectors.mail.account import MailAccount
from connectors.mail.drafts import reply_all_draft
from connectors.mail.folders import Folder
from connectors.mail.search import Found
from openassistant.context import utc_now
from openassistant.errors import Conflict, InvalidRequest
from openassistant.formats.addresses import Address
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter

ACCOUNT = MailAccount(address="ada@home.example", imap_host="imap.home.example", smtp_host="smtp.home.example")


def people(*addresses: str) -> tuple[Address, ...]:
    return tuple(Address(each) for each in addresses)


def found(**changes: Any) -> Found:
    plain: dict[str, Any] = {
        "id": 1_700_000_000_000_000, "folder": Folder(b"INBOX", "INBOX", "inbox"), "folder_id": 1, "uidvalidity": 1,
        "uid": 1, "message_id": "q@example.org", "thread": 1, "sender": Address("carol@example.org"), "reply_to": (),
        "to": people("ada@home.example", "bob@example.org"), "cc": people("eve@example.org", "bob@example.org"),
        "references": (), "subject": "Keys", "excerpt": "", "attachments": (), "flags": 0, "state": "whole",
    }  # fmt: skip
    return Found(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "to", "cc"),
    [
        ({}, ["carol@example.org"], ["bob@example.org", "eve@example.org"]),
        ({"reply_to": people("office@example.org")}, ["office@example.org"], ["bob@example.org", "eve@example.org"]),
        ({"to": people("ada+lists@home.example"), "cc": people("alias@home.example")}, ["carol@example.org"], []),
        ({"followup": people("list@example.org", "carol@example.org")}, ["list@example.org", "carol@example.org"], []),
        ({"sender": Address("ada@home.example")}, ["bob@example.org"], ["eve@example.org"]),
        ({"sender": Address("ada@home.example"), "to": people("ada@home.example"), "cc": ()}, ["ada@home.example"], []),
    ],
    ids=["everybody", "reply-to", "own addresses", "followup-to", "own mail", "a note to oneself"],
)
def test_an_answer_to_all_goes_to_all_others(changes: dict[str, Any], to: list[str], cc: list[str]) -> None:
    draft = reply_all_draft(ACCOUNT, found(**changes), "Fine.", own={"alias@home.example"})
    assert ([each.address for each in draft.to], [each.address for each in draft.cc]) == (to, cc)


async def deliver(post: Any, **changes: Any) -> str:
    """The id of a mail with files that has just come."""
    letter = Letter(CAROL, ADA, "The contract", "Please read.", utc_now(), "<contract@example.org>", **changes)
    add_letter(post.maildir, letter, owner=post.imap.owner)
    await post.sync()
    return str((await post.search("subject:contract"))[0]["id"])


async def test_an_answer_to_all_is_sent_as_shown_and_names_the_list(read: Any) -> None:
    extra = ("Cc: bob@example.org, ada@home.example", "List-Id: Tenants <tenants.example.org>")
    message = await deliver(read, extra=extra)
    preview = await read.house.preview("messages_reply_all", message=message, text="Fine.")
    await read.house.call("messages_reply_all", message=message, text="Fine.")
    [sent] = read.smtp.sent
    assert [each.value for each in preview.destinations] == list(sent.recipients)
    assert sent.recipients == ("carol@example.org", "bob@example.org")
    assert any("tenants.example.org" in warning for warning in preview.warnings)
    assert preview.outside[0].authors == ("carol@example.org",)


async def test_many_recipients_are_pointed_out(read: Any) -> None:
    crowd = [f"guest{number}@example.org" for number in range(12)]
    preview = await read.house.preview("messages_send", to=crowd, subject="Party", text="Come.")
    assert preview.warnings[0] == "This goes to 12 recipients."


async def test_a_mail_without_files_is_forwarded_with_its_text(read: Any) -> None:
    message = await deliver(read)
    arguments = {"message": message, "to": ["bob@example.org"], "text": "See below."}
    preview = await read.house.preview("messages_forward", **arguments)
    await read.house.call("messages_forward", **arguments)
    [sent] = read.smtp.sent
    assert sent.subject == "Fwd: The contract"
    assert preview.content == sent.text.rstrip("\n")
    assert "See below.\n\n---------- Forwarded message" in sent.text
    assert "From: Carol Meyer <carol@example.org>" in sent.text
    assert "Please read." in sent.text
    assert preview.outside[0].authors == ("carol@example.org",)


async def test_files_are_forwarded_as_they_were_approved(read: Any) -> None:
    message = await deliver(read, shape="attachment")
    arguments = {"message": message, "to": ["bob@example.org"]}
    with pytest.raises(InvalidRequest, match="attachments_list"):
        await read.house.preview("messages_forward", **arguments)
    [listed] = (await read.house.call("attachments_list", message=message))["attachments"]
    preview = await read.house.preview("messages_forward", **arguments)
    [shown] = [field.value for field in preview.fields if field.label == "Attachment"]
    assert listed["sha256"] in shown
    await read.house.call("messages_forward", **arguments)
    mail = email.message_from_bytes(read.smtp.sent[0].content, policy=email.policy.default)
    [part] = mail.iter_attachments()
    content = part.get_content()
    assert hashlib.sha256(content).hexdigest() == listed["sha256"]
    assert part.get_filename() == listed["name"]["text"]
    assert any("Files go along" in warning for warning in preview.warnings)


async def test_files_that_changed_after_the_approval_are_not_sent(read: Any) -> None:
    message = await deliver(read, shape="attachment")
    await read.house.call("attachments_list", message=message)
    async with read.house.runner.stores.use(read.house.user) as store:
        await store.write(lambda c: c.exec_driver_sql("UPDATE mail_files SET sha256 = 'other' WHERE number = 1"))
    with pytest.raises(Conflict, match="not those that were approved"):
        await read.house.call("messages_forward", message=message, to=["bob@example.org"])
    assert read.smtp.sent == ()


async def test_a_whole_mail_is_forwarded_unchanged(read: Any) -> None:
    message = await deliver(read, shape="attachment")
    await read.house.call("attachments_list", message=message)
    await read.house.call("messages_forward", message=message, to=["bob@example.org"], as_attachment=True)
    mail = email.message_from_bytes(read.smtp.sent[0].content, policy=email.policy.default)
    [part] = mail.iter_attachments()
    inner = part.get_content()
    assert (inner["message-id"], inner["subject"]) == ("<contract@example.org>", "The contract")
    assert part.get_filename() == "The contract.eml"
