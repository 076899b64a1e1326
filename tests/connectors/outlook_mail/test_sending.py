"""Mails go out of Outlook exactly as they were shown: new ones, answers, what is passed on, and drafts."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError
from tests.connectors.outlook_mail.conftest import ADA, CAROL, DAVE, Desk
from tests.peers.graph_mail import Message


def told(message: Message) -> dict[str, Any]:
    """A sent mail as its readers see it."""
    values = message.values
    return {
        "subject": values["subject"],
        "text": values["body"]["content"],
        **{
            name: [each["emailAddress"]["address"] for each in values[f"{name}Recipients"]]
            for name in ("to", "cc", "bcc")
        },
    }


async def test_a_mail_goes_out_as_it_was_shown(read: Desk) -> None:
    given = {"to": ["Carol <carol@example.org>"], "subject": "Tea", "text": "At four?\nAda", "bcc": [DAVE]}
    shown = await read.house.preview("messages_send", **given)
    assert (shown.verb, shown.content, shown.account) == ("Send a mail", "At four?\nAda", "Outlook")
    assert [(each.value, each.name, each.note) for each in shown.destinations] == [
        (CAROL, "Carol", "You wrote to this address once, last on 17 October 2037."),
        (DAVE, None, "You have never written to this address."),
    ]
    sent = await read.house.call("messages_send", **given)
    [mail] = read.box.sent
    assert told(mail) == {"subject": "Tea", "text": "At four?\r\nAda", "to": [CAROL], "cc": [], "bcc": [DAVE]}
    assert mail.values["internetMessageId"] == f"<{sent['message_id']}>"
    assert sent["message_id"].endswith("@home.example")
    assert read.lying("drafts") == []
    await read.sync()
    assert await read.mail("Tea", "sent") == sent["message"]


async def test_a_preview_is_the_same_twice_and_asks_for_nothing(read: Desk) -> None:
    message = await read.mail("Lease")
    before = len(read.graph.asked)
    for tool, given in (
        ("messages_send", {"to": [CAROL], "subject": "Tea", "text": "At four?"}),
        ("messages_reply", {"message": message, "text": "Yes."}),
        ("messages_trash", {"messages": [message]}),
        ("messages_flag", {"messages": [message], "read": True}),
        ("auto_replies_set", {"on": True, "text": "Away."}),
    ):
        assert await read.house.preview(tool, **given) == await read.house.preview(tool, **given)
    assert len(read.graph.asked) == before


async def test_an_answer_lies_in_its_conversation(read: Desk) -> None:
    [lease] = [each for each in read.lying("inbox") if each.values["subject"] == "Lease"]
    message = await read.mail("Lease")
    shown = await read.house.preview("messages_reply", message=message, text="I sign on Friday.")
    assert [each.value for each in shown.destinations] == [CAROL]
    assert shown.outside[0].authors == (CAROL,)
    await read.house.call("messages_reply", message=message, text="I sign on Friday.")
    [mail] = read.box.sent
    assert told(mail) == {"subject": "Re: Lease", "text": "I sign on Friday.", "to": [CAROL], "cc": [], "bcc": []}
    assert mail.values["conversationId"] == lease.values["conversationId"]
    thread = await read.house.call("threads_read", message=message)
    assert [each["text"]["text"] for each in thread["messages"]][-1] == "I sign on Friday."


async def test_an_answer_to_all_leaves_the_owner_out(read: Desk) -> None:
    message = await read.mail("Minutes")
    await read.house.call("messages_reply_all", message=message, text="Yes.")
    assert told(read.box.sent[0]) == {
        "subject": "Re: Minutes", "text": "Yes.", "to": [DAVE], "cc": [CAROL, "erin@example.net"], "bcc": [],
    }  # fmt: skip


async def test_an_answer_to_another_address_than_the_senders_is_doubted(read: Desk) -> None:
    elsewhere = [{"emailAddress": {"address": "caro1@example.org", "name": "Carol"}}]
    read.box.add(subject="Odd", replyTo=elsewhere, when=read.ago(minutes=1))
    await read.sync()
    shown = await read.house.preview("messages_reply", message=await read.mail("Odd"), text="Yes.")
    assert [each.value for each in shown.destinations] == ["caro1@example.org"]
    assert any("asks for answers to caro1@example.org" in each for each in shown.warnings)
    assert any("looks like carol@example.org" in each for each in shown.warnings)


async def test_a_mail_is_passed_on_with_its_formatting_and_files(read: Desk) -> None:
    message = await read.mail("Minutes")
    with pytest.raises(InvalidRequest, match="messages_get first"):
        await read.house.preview("messages_forward", message=message, to=[CAROL])
    await read.house.call("messages_get", message=message)
    with pytest.raises(InvalidRequest, match="attachments_list"):
        await read.house.preview("messages_forward", message=message, to=[CAROL])
    await read.house.call("attachments_list", message=message)
    given = {"message": message, "to": [CAROL], "text": "See <below>.\nAda"}
    shown = await read.house.preview("messages_forward", **given)
    assert shown.content.startswith("See <below>.\nAda\n\n---------- Forwarded message ----------\nFrom: Dave")
    assert shown.content.endswith("Shall we meet?")
    assert [each.value for each in shown.fields if each.label == "Attachment"] == ["plan.txt (1 KB)", "run.exe (1 KB)"]
    assert any("run.exe" in each for each in shown.warnings)
    await read.house.call("messages_forward", **given)
    [mail] = read.box.sent
    assert [each["name"] for each in mail.attachments] == ["plan.txt", "run.exe"]
    assert told(mail)["subject"] == "Fwd: Minutes"
    assert told(mail)["text"].startswith("See <below>.\r\nAda")


async def test_formatting_stays_below_words_that_are_escaped(read: Desk) -> None:
    message = await read.mail("Minutes")
    await read.house.call("messages_get", message=message)
    html = "<html><head><style>p {}</style></head><body lang=en><p>Shall we <b>meet</b>?</p></body></html>"
    read.graph.fault(
        "answer", "POST .*/createForward",
        body={"id": "made-up", "isDraft": True, "body": {"contentType": "html", "content": html}},
    )  # fmt: skip
    with pytest.raises(NotFound):
        await read.house.call("messages_forward", message=message, to=[CAROL], text="a < b", attachments=False)
    [patched] = [each.json for each in read.graph.asked if each.path == "/me/messages/made-up" and each.json]
    assert patched["body"]["content"].endswith(
        "<body lang=en><div>a &lt; b</div><br><p>Shall we <b>meet</b>?</p></body></html>"
    )


async def test_a_mail_is_passed_on_without_its_files(read: Desk) -> None:
    message = await read.mail("Minutes")
    await read.house.call("messages_get", message=message)
    await read.house.call("messages_forward", message=message, to=[CAROL], attachments=False)
    [mail] = read.box.sent
    assert mail.attachments == []


async def test_a_mail_that_outlook_does_not_take_as_shown_is_not_sent(read: Desk) -> None:
    answer = {"id": "x", "subject": "Other", "body": {"contentType": "text", "content": "At four?"}, "toRecipients": []}
    read.graph.fault("answer", "PATCH .*", body=answer)
    other = {"emailAddress": {"address": "mallory@example.net"}}
    values = {"subject": "Tea", "body": {"contentType": "text", "content": "x"}, "toRecipients": [other]}
    draft = read.box.create(values, read.box.folder("drafts"))
    read.graph.fault("answer", "POST /me/messages", body={**values, "id": draft.id, "isDraft": True})
    with pytest.raises(OaError, match="nothing was sent"):
        await read.house.call("messages_send", to=[CAROL], subject="Tea", text="At four?")
    assert read.box.sent == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"to": []}, "at least one recipient"),
        ({"to": ["a@b@c"]}, "not one mail address"),
        ({"to": ["carol@example.org\nBcc: x@example.net"]}, "line breaks"),
        ({"subject": "Tea\r\nBcc: x@example.net"}, "one line"),
        ({"text": "  \n"}, "needs a text"),
    ],
)
async def test_what_cannot_be_sent_is_said_before_anybody_is_asked(
    read: Desk, given: dict[str, Any], words: str
) -> None:
    plain = {"to": [CAROL], "subject": "Tea", "text": "At four?"}
    with pytest.raises(InvalidRequest, match=words):
        await read.house.preview("messages_send", **{**plain, **given})
    with pytest.raises(InvalidRequest, match=words):
        await read.house.call("messages_send", **{**plain, **given})
    assert read.box.sent == []


# Drafts


async def test_a_draft_is_saved_changed_read_and_sent(read: Desk) -> None:
    call = read.house.call
    made = await call("drafts_create", to=[CAROL], subject="Tea", text="At four?\nAda")
    assert [each.values["subject"] for each in read.lying("drafts")] == ["Tea"]
    changed = await call("drafts_update", draft=made["draft"], text="At five?", cc=[DAVE])
    assert changed["draft"] == made["draft"]
    found = await call("drafts_read", draft=made["draft"])
    assert (found["text"]["text"], found["copies"]["text"], found["subject"]["text"]) == ("At five?", DAVE, "Tea")
    shown = await read.house.preview("drafts_send", draft=made["draft"])
    assert (shown.content, [each.value for each in shown.destinations]) == ("At five?", [CAROL, DAVE])
    sent = await call("drafts_send", draft=made["draft"])
    assert sent["message_id"] == made["message_id"]
    assert told(read.box.sent[0]) == {"subject": "Tea", "text": "At five?", "to": [CAROL], "cc": [DAVE], "bcc": []}
    with pytest.raises(InvalidRequest, match="no draft"):
        await call("drafts_send", draft=made["draft"])


async def test_a_draft_that_answers_lies_in_the_conversation(read: Desk) -> None:
    [lease] = [each for each in read.lying("inbox") if each.values["subject"] == "Lease"]
    given = {"to": [CAROL], "subject": "Re: Lease", "text": "Yes.", "answers": await read.mail("Lease")}
    shown = await read.house.preview("drafts_create", **given)
    assert shown.destinations == ()
    await read.house.call("drafts_create", **given)
    [draft] = read.lying("drafts")
    assert draft.values["conversationId"] == lease.values["conversationId"]
    assert told(draft)["text"] == "Yes."


async def test_a_draft_from_elsewhere_is_read_before_it_is_sent_and_not_sent_when_it_changed(read: Desk) -> None:
    person = [{"emailAddress": {"address": DAVE, "name": "Dave"}}]
    draft = read.box.create(
        {"subject": "Mine", "toRecipients": person, "body": {"contentType": "html", "content": "<p>Hello</p>"}},
        read.box.folder("drafts"),
    )
    await read.sync()
    name = await read.mail("Mine")
    with pytest.raises(InvalidRequest, match="drafts_read"):
        await read.house.preview("drafts_send", draft=name)
    assert (await read.house.call("drafts_read", draft=name))["note"] == "It has formatting, which is not shown."
    shown = await read.house.preview("drafts_send", draft=name)
    assert (shown.content, "formatting" in " ".join(shown.warnings)) == ("Hello", True)
    read.box.change(draft, {"body": {"contentType": "html", "content": "<p>Hello</p><img src='https://x.example'>"}})
    with pytest.raises(Conflict, match="changed meanwhile"):
        await read.house.call("drafts_send", draft=name)
    assert read.box.sent == []


async def test_changing_recipients_leaves_formatting_alone(read: Desk) -> None:
    body = {"contentType": "html", "content": "<p>Hello</p>"}
    draft = read.box.create({"subject": "Mine", "body": body}, read.box.folder("drafts"))
    await read.sync()
    name = await read.mail("Mine")
    await read.house.call("drafts_read", draft=name)
    await read.house.call("drafts_update", draft=name, to=[CAROL], subject="Yours")
    assert draft.values["body"] == body
    assert told(draft)["to"] == [CAROL]
    with pytest.raises(InvalidRequest, match="Say what to change"):
        await read.house.call("drafts_update", draft=name)


async def test_drafts_are_taken_back(read: Desk) -> None:
    create = read.house.make("drafts_create", to=[CAROL], subject="Tea", text="At four?")
    made = await read.house.send(create)
    update = read.house.make("drafts_update", draft=made.content["draft"], text="At five?", to=[DAVE])
    await read.house.send(update)
    await read.house.call("actions_undo", action=update.id)
    [draft] = read.lying("drafts")
    assert told(draft) == {"subject": "Tea", "text": "At four?", "to": [CAROL], "cc": [], "bcc": []}
    delete = read.house.make("drafts_delete", draft=made.content["draft"])
    await read.house.send(delete)
    assert read.lying("deleteditems") == [draft]
    await read.house.call("actions_undo", action=delete.id)
    assert read.lying("drafts") == [draft]
    await read.house.call("actions_undo", action=create.id)
    assert (read.lying("drafts"), read.lying("deleteditems")) == ([], [draft])


async def test_a_draft_that_was_sent_is_not_taken_back(read: Desk) -> None:
    create = read.house.make("drafts_create", to=[CAROL], subject="Tea", text="At four?")
    made = await read.house.send(create)
    await read.house.call("drafts_send", draft=made.content["draft"])
    with pytest.raises(Conflict, match="cannot be taken back"):
        await read.house.call("actions_undo", action=create.id)


async def test_a_change_is_not_taken_back_over_a_later_one(read: Desk) -> None:
    made = await read.house.call("drafts_create", to=[CAROL], subject="Tea", text="At four?")
    update = read.house.make("drafts_update", draft=made["draft"], text="At five?")
    await read.house.send(update)
    read.box.change(read.lying("drafts")[0], {"body": {"contentType": "text", "content": "At six?"}})
    with pytest.raises(Conflict, match="left as it is"):
        await read.house.call("actions_undo", action=update.id)


async def test_a_drafts_id_of_a_mail_is_refused(read: Desk) -> None:
    for tool in ("drafts_read", "drafts_send", "drafts_delete"):
        with pytest.raises(InvalidRequest, match="no draft"):
            await read.house.call(tool, draft=await read.mail("Lease"))


# Automatic replies


async def test_automatic_replies_are_set_and_told(read: Desk) -> None:
    given = {
        "on": True, "text": "Away <until> Monday.\nAda", "audience": "contacts", "start": "2037-12-24T18:00",
        "end": "2037-12-27",
    }  # fmt: skip
    shown = await read.house.preview("auto_replies_set", **given)
    assert {each.label: each.value for each in shown.fields}[
        "From"
    ] == "Thursday 24 December 2037, 18:00, Europe/Berlin"
    assert [each.value for each in shown.destinations] == ["the user's contacts"]
    await read.house.call("auto_replies_set", **given)
    kept = read.box.settings["automaticRepliesSetting"]
    assert (kept["status"], kept["externalAudience"]) == ("scheduled", "contactsOnly")
    assert kept["scheduledStartDateTime"] == {"dateTime": "2037-12-24T17:00:00", "timeZone": "UTC"}
    assert kept["scheduledEndDateTime"] == {"dateTime": "2037-12-27T23:00:00", "timeZone": "UTC"}
    assert kept["internalReplyMessage"] == "Away &lt;until&gt; Monday.<br>Ada"
    found = await read.house.call("auto_replies_get")
    assert (found["status"], found["text"]["text"]) == ("scheduled", "Away <until> Monday.\nAda")
    await read.house.call("auto_replies_set", on=False)
    assert (await read.house.call("auto_replies_get"))["status"] == "off"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"on": True}, "what is to be answered"),
        ({"on": True, "text": "x", "start": "2037-12-24"}, "both start and end"),
        ({"on": True, "text": "x", "start": "2037-12-24", "end": "2037-12-22"}, "after the start"),
        ({"on": True, "text": "x", "start": "soon", "end": "later"}, "give a time"),
        ({"on": True, "text": "x", "start": "2037-12-24", "end": "2037-12-27", "zone": "Mars"}, "no time zone"),
    ],
)
async def test_odd_automatic_replies_are_refused(read: Desk, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read.house.preview("auto_replies_set", **given)


async def test_own_mail_is_answered_to_whom_it_went(read: Desk) -> None:
    shown = await read.house.preview("messages_reply", message=await read.mail("Rent"), text="And May?")
    assert [each.value for each in shown.destinations] == [CAROL]
    assert ADA not in [each.value for each in shown.destinations]
