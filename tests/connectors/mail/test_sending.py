"""A mail goes out as it was shown, and once: however often the call comes, and wherever it was interrupted."""

from __future__ import annotations

import asyncio
import email
import email.policy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openassistant import journal
from openassistant.context import new_id, utc_now
from openassistant.errors import DeadlineExceeded, InvalidRequest, NotFound, Unavailable
from openassistant.formats.compose import message_id_of
from openassistant.messages import AuditAction, Call
from tests.peers.mailbox import ADA, CAROL, Letter, add_letter
from tests.peers.smtp import Faults


def id_of(call: Call) -> str:
    return f"<{message_id_of(call.id, call.nonce, 'ada@home.example')}>"


async def interrupt(post: Any, call: Call, stage: str | None) -> None:
    """What stands in the user's file after the connector was killed in a call."""
    async with post.house.runner.stores.use(call.user) as store:
        await journal.begin(store, call, holder=new_id(), now=post.now())
        row = {
            "id": call.id,
            "account": call.account,
            "name": id_of(call).strip("<>"),
            "stage": stage,
            "content": f"To: carol@example.org\r\nMessage-ID: {id_of(call)}\r\n\r\nI sign on Friday.\r\n".encode(),
            "now": post.now().isoformat(),
        }
        if stage is not None:
            await store.write(
                lambda c: c.execute(
                    text("INSERT INTO mail_outgoing VALUES (:id, :account, :name, :stage, :content, :now)"), row
                )
            )


async def test_an_answer_goes_out_once_however_often_the_call_comes(read: Any) -> None:
    call = read.reply(await read.lease())
    answers = await asyncio.gather(*(read.house.send(call) for _ in range(5)))
    again = await read.house.send(call)
    [sent] = read.smtp.sent
    assert {each.content["message_id"] for each in [*answers, again]} == {sent.message_id.strip("<>")}
    assert sent.message_id == id_of(call)
    assert sent.recipients == ("carol@example.org",)
    assert len(read.copies(id_of(call), ".Sent")) == 1


async def test_an_answer_stands_in_its_conversation(read: Any) -> None:
    call = read.reply(await read.lease())
    await read.house.send(call)
    mail = email.message_from_bytes(read.smtp.sent[0].content, policy=email.policy.default)
    assert mail["in-reply-to"] == read.seeded.lease_message_id
    assert str(mail["references"]).split()[-1] == read.seeded.lease_message_id
    assert mail["subject"] == f"Re: {read.seeded.lease_subject}"
    await read.sync()
    thread = await read.house.call("threads_read", message=call.arguments["message"])
    assert "I sign on Friday." in thread["messages"][-1]["text"]["text"]


async def test_what_was_shown_is_what_is_sent(read: Any) -> None:
    words = (
        "Liebe Carol,\n\nam Freitag unterschreibe ich – versprochen.\n\n.\nFrom here on: " + "long " * 300 + "\n\nAda"
    )
    arguments = {"to": ["Carol Meyer <carol@example.org>"], "subject": "Grüße aus der Lindenstraße", "text": words}
    preview = await read.house.preview("messages_send", **arguments)
    await read.house.call("messages_send", **arguments)
    [sent] = read.smtp.sent
    assert [each.value for each in preview.destinations] == list(sent.recipients) == ["carol@example.org"]
    assert {field.label: field.value for field in preview.fields}["Subject"] == sent.subject
    assert preview.content == sent.text.rstrip("\n")
    assert preview.account == sent.sender == "ada@home.example"


async def test_the_preview_of_an_answer_says_what_came_from_outside(read: Any) -> None:
    preview = await read.house.preview("messages_reply", message=await read.lease(), text="I sign on Friday.")
    [destination] = preview.destinations
    assert (destination.value, destination.name) == ("carol@example.org", "Carol Meyer")
    assert "You wrote to this address" in destination.note
    assert preview.outside[0].authors == ("carol@example.org",)
    assert preview.effect == "send"


async def test_a_look_alike_of_a_known_address_is_pointed_out(read: Any) -> None:
    preview = await read.house.preview("messages_send", to=["carol@examp1e.org"], subject="Lease", text="Friday.")
    assert "looks like carol@example.org" in preview.warnings[0]
    assert preview.destinations[0].note == "You have never written to this address."


async def test_an_answer_asked_for_at_another_address_is_pointed_out(read: Any) -> None:
    letter = Letter(CAROL, ADA, "Keys", "Call me.", utc_now(), "<k@example.org>", extra=("Reply-To: m@example.net",))
    add_letter(read.maildir, letter, owner=read.imap.owner)
    await read.sync()
    [found] = await read.search("keys subject:keys")
    preview = await read.house.preview("messages_reply", message=found["id"], text="Yes.")
    assert preview.destinations[0].value == "m@example.net"
    assert "carol@example.org" in preview.warnings[0]


async def test_a_blind_copy_is_a_recipient_and_stands_in_no_header(read: Any) -> None:
    people = {"to": ["carol@example.org"], "cc": ["bob@example.org"], "bcc": ["eve@example.org"]}
    preview = await read.house.preview("messages_send", **people, subject="Lease", text="Friday.")
    await read.house.call("messages_send", **people, subject="Lease", text="Friday.")
    [sent] = read.smtp.sent
    assert set(sent.recipients) == {each.value for each in preview.destinations}
    assert b"eve@example.org" not in sent.content
    assert {field.label: field.value for field in preview.fields}["Blind copy"] == "eve@example.org"


@pytest.mark.parametrize("hang_up", ["kept", "lost"])
async def test_a_connection_lost_after_data_is_unknown_and_nothing_is_sent_again(read: Any, hang_up: str) -> None:
    read.smtp.faults = Faults(hang_up=hang_up, times=1)
    call = read.reply(await read.lease())
    for _ in range(3):
        with pytest.raises(DeadlineExceeded):
            await read.house.send(call)
    assert len(read.smtp.sent) == (1 if hang_up == "kept" else 0)
    actions = {record.action for record in read.house.records if record.id == call.id}
    assert AuditAction.TOOL_UNKNOWN in actions


async def test_a_refused_recipient_means_that_nobody_gets_the_mail(read: Any) -> None:
    read.smtp.faults = Faults(refuse=frozenset({"nobody@example.org"}))
    with pytest.raises(InvalidRequest, match=r"nobody@example\.org"):
        await read.house.call("messages_send", to=["carol@example.org", "nobody@example.org"], subject="x", text="y")
    assert read.smtp.sent == ()


@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_a_server_that_says_later_has_sent_nothing(read: Any, where: str) -> None:
    read.smtp.faults = Faults(defer=where, times=1)
    with pytest.raises(Unavailable, match="Nothing was sent"):
        await read.house.send(read.reply(await read.lease()))
    assert read.smtp.sent == ()


@pytest.mark.parametrize("stage", [None, "ready"])
async def test_a_call_killed_before_data_has_sent_nothing_and_may_be_made_again(read: Any, stage: str | None) -> None:
    call = read.reply(await read.lease())
    await interrupt(read, call, stage)
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.send(call)
    await read.house.send(read.reply(call.arguments["message"]))
    assert len(read.smtp.sent) == 1


async def test_a_call_killed_during_data_is_done_when_sent_holds_its_mail(read: Any) -> None:
    call = read.reply(await read.lease())
    await interrupt(read, call, "data")
    letter = Letter(ADA, CAROL, "Re: lease", "I sign on Friday.", utc_now(), id_of(call), folder=".Sent")
    add_letter(read.maildir, letter, owner=read.imap.owner)
    result = await read.house.send(call)
    assert result.content["recipients"] == ["carol@example.org"]
    assert read.smtp.sent == ()
    assert len(read.copies(id_of(call), ".Sent")) == 1


async def test_a_call_killed_during_data_is_unknown_when_sent_does_not_hold_its_mail(read: Any) -> None:
    call = read.reply(await read.lease())
    await interrupt(read, call, "data")
    with pytest.raises(DeadlineExceeded):
        await read.house.send(call)
    assert read.smtp.sent == ()


async def test_a_call_killed_after_the_server_took_the_mail_only_files_its_copy(read: Any) -> None:
    call = read.reply(await read.lease())
    await interrupt(read, call, "taken")
    await read.house.send(call)
    assert read.smtp.sent == ()
    assert len(read.copies(id_of(call), ".Sent")) == 1


async def test_a_restarted_connector_finds_out_by_itself_what_became_of_a_call(read: Any, tmp_path: Path) -> None:
    call = read.reply(await read.lease())
    await interrupt(read, call, "taken")
    await read.house.stop()
    await read.house.start(tmp_path / "data")
    async with asyncio.timeout(10):
        while AuditAction.TOOL_FINISHED not in {each.action for each in read.house.records if each.id == call.id}:
            await asyncio.sleep(0.02)
    assert read.smtp.sent == ()
    assert len(read.copies(id_of(call), ".Sent")) == 1


async def test_a_copy_that_could_not_be_filed_is_filed_by_a_later_sync(read: Any) -> None:
    call = read.reply(await read.lease())
    read.imap.halt()
    result = await read.house.send(call)
    assert "follows" in result.content["note"]
    read.imap.launch()
    read.later = timedelta(minutes=5)
    await read.sync()
    await read.sync()
    assert len(read.smtp.sent) == 1
    assert len(read.copies(id_of(call), ".Sent")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": ["carol@example.org\r\nBcc: mallory@example.net"]},
        {"to": ["carol@example.org, mallory@example.net"]},
        {"to": ["carol"]},
        {"to": []},
        {"subject": "Lease\r\nBcc: mallory@example.net"},
        {"text": " \n"},
    ],
)
async def test_a_mail_that_cannot_be_sent_as_given_is_refused_before_anybody_is_asked(
    read: Any, wrong: dict[str, Any]
) -> None:
    arguments = {"to": ["carol@example.org"], "subject": "Lease", "text": "Friday.", **wrong}
    with pytest.raises(InvalidRequest):
        await read.house.preview("messages_send", **arguments)
    with pytest.raises(InvalidRequest):
        await read.house.call("messages_send", **arguments)
    assert read.smtp.sent == ()


async def test_an_answer_to_an_unknown_mail_says_where_ids_come_from(read: Any) -> None:
    with pytest.raises(NotFound, match="messages_search"):
        await read.house.call("messages_reply", message="12345", text="Hello")
