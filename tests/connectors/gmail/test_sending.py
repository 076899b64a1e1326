"""What goes out is what was shown, to those who were named, once; and what breaks off is looked up."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    InvalidRequest,
    RateLimited,
    Unavailable,
    UpstreamFailed,
)
from openassistant.messages import Call
from tests.connectors.gmail.conftest import ADA, CAROL, Desk
from tests.peers.front import Passed

NEW: dict[str, Any] = {"to": [f"Carol Meyer <{CAROL}>"], "subject": "Friday", "text": "I sign on Friday.\n\nBest, Ada"}


async def test_a_mail_arrives(read: Desk) -> None:
    sent = await read.house.call("messages_send", **NEW)
    [mail] = await read.arrived("Friday")
    assert mail["body"].splitlines() == ["I sign on Friday.", "", "Best, Ada"]
    assert sent["recipients"] == [CAROL]
    assert sent["message"] in {each["id"] for each in await read.box()}
    assert await read.drafts() == []


async def test_a_card_shows_all_that_goes_out(read: Desk) -> None:
    shown = await read.house.preview("messages_send", **NEW, bcc=["bob@away.example"])
    assert [each.value for each in shown.destinations] == [CAROL, "bob@away.example"]
    assert shown.destinations[0].note == "You wrote to this address once, last on 1 November 2026."
    assert shown.destinations[1].note == "You have never written to this address."
    assert shown.content == NEW["text"]
    assert shown.account == ADA
    assert {each.label for each in shown.fields} == {"To", "Blind copy", "Subject"}
    assert read.front.seen == []


async def test_a_look_alike_is_warned_of(read: Desk) -> None:
    shown = await read.house.preview("messages_send", **{**NEW, "to": ["carol@h0me.example"]})
    assert "looks like carol@home.example" in " ".join(shown.warnings)


async def test_a_preview_is_the_same_twice(read: Desk) -> None:
    call = read.make("messages_send", **NEW)
    first, second = [await read.house.preview(call.tool, **call.arguments) for _ in range(2)]
    assert first == second


async def test_a_blind_copy_is_seen_by_nobody_else(read: Desk) -> None:
    await read.house.call("messages_send", **{**NEW, "to": ["bob@away.example"], "bcc": [CAROL]})
    [mail] = await read.arrived("Friday")
    assert mail["bcc"] == []


async def test_an_answer_goes_to_the_sender_in_the_conversation(read: Desk) -> None:
    asked = await read.id("The lease")
    shown = await read.house.preview("messages_reply", message=asked, text="Yes.")
    assert [each.value for each in shown.destinations] == [CAROL]
    assert shown.outside[0].authors == (CAROL,)
    sent = await read.house.call("messages_reply", message=asked, text="Yes.")
    found = {each["id"]: each for each in await read.box()}
    assert found[sent["message"]]["threadId"] == found[asked]["threadId"]
    assert found[sent["message"]]["subject"] == "Re: The lease"


async def test_an_answer_to_all_leaves_the_owner_out(read: Desk) -> None:
    shown = await read.house.preview("messages_reply_all", message=await read.id("Dinner"), text="I do.")
    assert [each.value for each in shown.destinations] == ["bob@away.example", CAROL]
    await read.house.call("messages_reply_all", message=await read.id("Dinner"), text="I do.")
    assert len(await read.arrived("Re: Dinner")) == 1


async def test_a_mail_is_passed_on_with_its_files(read: Desk) -> None:
    mail = await read.id("The lease")
    with pytest.raises(InvalidRequest, match="attachments_list"):
        await read.house.preview("messages_forward", message=mail, to=[CAROL])
    [file] = (await read.house.call("attachments_list", message=mail))["attachments"]
    with pytest.raises(InvalidRequest, match="messages_read"):
        await read.house.preview("messages_forward", message=mail, to=[CAROL])
    await read.house.call("messages_read", message=mail)
    shown = await read.house.preview("messages_forward", message=mail, to=[CAROL], text="See below.")
    assert file["sha256"] in " ".join(each.value for each in shown.fields)
    assert "Will you sign on Friday?" in shown.content
    await read.house.call("messages_forward", message=mail, to=[CAROL], text="See below.")
    [arrived] = await read.arrived("Fwd: The lease")
    assert [each["filename"] for each in arrived["attachments"]] == ["lease.txt"]


async def test_files_that_are_not_those_approved_are_not_sent(read: Desk) -> None:
    mail = await read.id("The lease")
    await read.house.call("attachments_list", message=mail)
    await read.house.call("messages_read", message=mail)
    raw = base64.urlsafe_b64encode(
        b'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="lease.txt"\r\n\r\nother'
    ).decode()
    read.front.change = lambda passed: (
        replace(passed, answered=json.dumps({"raw": raw}).encode()) if "format=raw" in passed.path else passed
    )
    with pytest.raises(Conflict, match="not those that were approved"):
        await read.house.call("messages_forward", message=mail, to=[CAROL])
    assert await read.arrived("Fwd: The lease") == []


@pytest.mark.parametrize(
    "arguments", [{"to": ["carol@home.example\r\nBcc: x@y.example"]}, {"subject": "a\r\nBcc: x@y.z"}]
)
async def test_no_header_can_be_smuggled_in(read: Desk, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await read.house.preview("messages_send", **{**NEW, **arguments})


async def test_a_mail_whose_answer_was_lost_is_found(read: Desk) -> None:
    read.break_off("POST", "/drafts/send")
    call = read.make("messages_send", **NEW)
    done = await _asked_again(read, call)
    assert done["recipients"] == [CAROL]
    assert len(await read.arrived("Friday")) == 1


async def test_an_equal_mail_from_before_is_not_taken_for_it(read: Desk) -> None:
    await read.house.call("messages_send", **NEW)
    read.front.refuse("POST", "/drafts/send", status=504)
    with pytest.raises(Unavailable):
        await _asked_again(read, read.make("messages_send", **NEW))
    assert len(await read.arrived("Friday")) == 1
    assert await read.drafts() == []


async def test_a_search_that_lags_does_not_lead_to_a_second_mail(read: Desk) -> None:
    read.world.act("gmail", "set_search_lag", seconds=3600)
    read.break_off("POST", "/drafts/send")
    try:
        await _asked_again(read, read.make("messages_send", **NEW))
    except DeadlineExceeded as error:
        assert "no sent mail is found" in error.message  # noqa: PT017 - either is right, a second mail is not
    assert len(await read.arrived("Friday")) == 1


async def test_a_draft_that_somebody_deleted_proves_nothing(read: Desk) -> None:
    read.front.eats = True
    call = read.make("messages_send", **NEW)
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await read.house.send(call)
    assert await read.arrived("Friday") == []


async def test_a_draft_whose_answer_was_lost_is_taken_away(read: Desk) -> None:
    read.break_off("POST", "/drafts")
    with pytest.raises(Unavailable):
        await _asked_again(read, read.make("messages_send", **NEW))
    assert await read.drafts() == []
    assert await read.arrived("Friday") == []


async def test_what_gmail_refuses_was_not_sent_and_leaves_no_draft(read: Desk) -> None:
    read.front.refuse("POST", "/drafts/send", status=400)
    with pytest.raises(InvalidRequest):
        await read.house.call("messages_send", **NEW)
    assert await read.drafts() == []


async def test_a_pause_that_is_asked_for_is_kept(read: Desk) -> None:
    read.world.fail("gmail", {"tool": "gmail.users.drafts.send", "kind": "rate_limit"})
    await read.house.call("messages_send", **NEW)
    assert len(await read.arrived("Friday")) == 1


async def test_too_many_pauses_are_told(read: Desk) -> None:
    read.world.fail("gmail", {"tool": "gmail.users.drafts.send", "kind": "rate_limit", "times": None})
    with pytest.raises(RateLimited):
        await read.house.call("messages_send", **NEW)
    read.world.fail("gmail")
    assert await read.arrived("Friday") == []


async def test_a_token_that_ends_in_the_middle_sends_nothing_twice(read: Desk) -> None:
    read.front.refuse("POST", "/drafts/send", status=401, times=9)
    with pytest.raises(AccountRequired):
        await read.house.call("messages_send", **NEW)
    assert await read.arrived("Friday") == []


async def test_a_token_that_ends_in_the_middle_is_renewed_and_the_mail_sent_once(read: Desk) -> None:
    read.front.tokens = {"obviously-fake-1": read.token, "obviously-fake-2": read.token}
    read.connect("obviously-fake-1")

    def ending(passed: Passed) -> Passed:
        if passed.method == "POST" and passed.path.endswith("/drafts"):
            read.front.tokens.pop("obviously-fake-1", None)
            read.house.connect("Ada's mail", read.settings, access_token="obviously-fake-2")
        return passed

    read.front.change = ending
    await read.house.call("messages_send", **NEW)
    assert len(read.asked("POST", "/drafts/send")) == 2
    assert len(await read.arrived("Friday")) == 1


async def test_a_body_that_was_cut_off_is_looked_up(read: Desk) -> None:
    read.world.fail("gmail", {"tool": "gmail.users.drafts.send", "kind": "truncated"})
    await _asked_again(read, read.make("messages_send", **NEW))
    assert len(await read.arrived("Friday")) == 1


async def test_a_504_after_the_act_is_looked_up(read: Desk) -> None:
    read.world.fail("gmail", {"tool": "gmail.users.drafts.send", "kind": "timeout_after_commit"})
    await _asked_again(read, read.make("messages_send", **NEW))
    assert len(await read.arrived("Friday")) == 1


async def test_a_mailbox_that_was_never_read_says_so(desk: Desk) -> None:
    with pytest.raises(Unavailable, match="not read yet"):
        await desk.house.preview("messages_send", **NEW)


async def test_a_large_mail_goes_beside_what_is_said_of_it(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.gmail.gmail._SIMPLE", 10)
    await read.house.call("messages_send", **NEW)
    assert len(read.asked("POST", "/upload/gmail/v1/users/me/drafts?uploadType=multipart")) == 1
    assert len(await read.arrived("Friday")) == 1


async def _asked_again(read: Desk, call: Call) -> Any:
    """The answer to a call that is asked for once more where the first answer leaves it open."""
    try:
        return (await read.house.send(call)).content
    except (UpstreamFailed, DeadlineExceeded):
        read.world.fail("gmail")
        return (await read.house.send(call)).content
