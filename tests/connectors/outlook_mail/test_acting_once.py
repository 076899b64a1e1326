"""Every act on Outlook mail happens once, whatever interrupts it: the SDK's own check, and Graph's faults."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from openassistant.errors import DeadlineExceeded, OaError, Unavailable
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.outlook_mail.conftest import CAROL, Desk

_SEND = "POST /me/messages/.*/send"
_TEA: dict[str, Any] = {"to": [CAROL], "subject": "Tea", "text": "At four?"}


async def sent(read: Desk) -> int:
    """How many mails left, counted where they arrive and where they lie."""
    assert len(read.box.sent) == len(read.carol.messages)
    return len(read.box.sent)


async def _draft(read: Desk) -> str:
    return str((await read.house.call("drafts_create", **_TEA))["draft"])


async def _makers(read: Desk, tool: str) -> dict[str, Any]:
    message = await read.mail("Minutes")
    await read.house.call("messages_get", message=message)
    await read.house.call("attachments_list", message=message)
    return {
        "messages_send": _TEA,
        "messages_reply": {"message": await read.mail("Lease"), "text": "Yes."},
        "messages_reply_all": {"message": message, "text": "Yes."},
        "messages_forward": {"message": message, "to": [CAROL]},
        "drafts_send": {},
    }[tool]


@pytest.mark.parametrize(
    "tool", ["messages_send", "messages_reply", "messages_reply_all", "messages_forward", "drafts_send"]
)
async def test_a_mail_is_sent_once(read: Desk, tool: str) -> None:
    given = await _makers(read, tool)

    async def make() -> Call:
        more = {"draft": await _draft(read)} if tool == "drafts_send" else {}
        return read.house.make(tool, **given, **more)

    async def done() -> int:
        return await sent(read)

    assert await once_faults(read.house, make, done) == []


async def test_a_draft_is_saved_once(read: Desk) -> None:
    async def make() -> Call:
        return read.house.make("drafts_create", **_TEA)

    async def done() -> int:
        return len(read.lying("drafts"))

    assert await once_faults(read.house, make, done) == []


async def test_a_draft_is_changed_once(read: Desk) -> None:
    async def make() -> Call:
        return read.house.make("drafts_update", draft=await _draft(read), subject="Coffee")

    async def done() -> int:
        return sum(each.values["subject"] == "Coffee" for each in read.lying("drafts"))

    assert await once_faults(read.house, make, done) == []


async def test_a_draft_is_put_away_once(read: Desk) -> None:
    async def make() -> Call:
        return read.house.make("drafts_delete", draft=await _draft(read))

    async def done() -> int:
        return len(read.lying("deleteditems"))

    assert await once_faults(read.house, make, done) == []


@pytest.mark.parametrize(
    ("tool", "given", "folder"),
    [
        ("messages_move", {"folder": "Projects"}, "Projects"),
        ("messages_archive", {}, "archive"),
        ("messages_junk", {}, "junkemail"),
        ("messages_trash", {}, "deleteditems"),
    ],
)
async def test_mails_are_moved_once(read: Desk, tool: str, given: dict[str, str], folder: str) -> None:
    numbers = count()
    place = next(each for each in read.box.folders.values() if folder in (each.role, each.name))

    async def make() -> Call:
        subject = f"Tea {next(numbers)}"
        read.box.add(subject=subject, when=read.ago(minutes=1))
        await read.sync()
        return read.house.make(tool, messages=[await read.mail(subject)], **given)

    async def done() -> int:
        return len(read.box.within(place.id))

    assert await once_faults(read.house, make, done) == []


async def test_mails_are_marked_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        subject = f"Tea {next(numbers)}"
        read.box.add(subject=subject, when=read.ago(minutes=1))
        await read.sync()
        return read.house.make("messages_flag", messages=[await read.mail(subject)], starred=True, categories=["Red"])

    async def done() -> int:
        return sum(each.values["categories"] == ["Red"] for each in read.box.messages.values())

    assert await once_faults(read.house, make, done) == []


async def test_automatic_replies_are_set_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        return read.house.make("auto_replies_set", on=True, text=f"Away {next(numbers)}.")

    async def done() -> int:
        return len(read.graph.calls("PATCH /me/mailboxSettings"))

    assert await once_faults(read.house, make, done) == []


@pytest.mark.parametrize("kind", ["after_commit", "dropped"])
@pytest.mark.parametrize("late", [False, True])
async def test_a_send_whose_answer_was_lost_is_found_by_its_id(read: Desk, kind: str, *, late: bool) -> None:
    read.box.late = late
    read.graph.fault(kind, _SEND)
    done = await read.house.call("messages_send", **_TEA)
    assert await sent(read) == 1
    read.box.settle()
    await read.sync()
    assert await read.mail("Tea", "sent") == done["message"]


async def test_a_send_that_did_nothing_leaves_no_draft_that_could_go_out_later(read: Desk) -> None:
    read.graph.fault("error", _SEND, status=504, code="UnknownError")
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.call("messages_send", **_TEA)
    assert (await sent(read), read.lying("drafts"), read.lying("deleteditems")) == (0, [], [])


async def test_a_draft_of_the_owners_stays_where_its_send_did_nothing(read: Desk) -> None:
    draft = await _draft(read)
    read.graph.fault("error", _SEND, status=504, code="UnknownError")
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.call("drafts_send", draft=draft)
    assert (await sent(read), len(read.lying("drafts"))) == (0, 1)
    await read.house.call("drafts_send", draft=draft)
    assert await sent(read) == 1


async def test_a_send_that_cannot_be_looked_up_is_unknown_and_not_repeated(read: Desk) -> None:
    read.graph.fault("after_commit", _SEND)
    read.graph.fault("unavailable", "GET /me/messages/.*", times=99)
    call = read.house.make("messages_send", **_TEA)
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await read.house.send(call)
    assert await sent(read) == 1


async def test_a_send_is_found_by_its_message_id_where_its_id_changed(read: Desk) -> None:
    read.graph.fault("after_commit", _SEND)
    read.graph.fault("error", "GET /me/messages/.*", status=404, code="ErrorItemNotFound", times=99)
    done = await read.house.call("messages_send", **_TEA)
    assert f"<{done['message_id']}>" == read.box.sent[0].values["internetMessageId"]
    assert await sent(read) == 1


async def test_a_mail_that_was_sent_and_thrown_away_is_unknown(read: Desk) -> None:
    read.graph.fault("after_commit", _SEND)
    read.graph.fault("error", "GET /me/messages/.*", status=404, code="ErrorItemNotFound", times=99)
    read.graph.fault("answer", "GET /me/messages", body={"value": []}, times=99)
    with pytest.raises(DeadlineExceeded):
        await read.house.call("messages_send", **_TEA)
    assert await sent(read) == 1


@pytest.mark.parametrize("kind", ["after_commit", "dropped"])
@pytest.mark.parametrize("tool", ["messages_send", "messages_reply", "drafts_create"])
async def test_a_draft_whose_making_was_not_answered_is_found_and_not_made_again(
    read: Desk, kind: str, tool: str
) -> None:
    given = {"message": await read.mail("Lease"), "text": "Yes."} if tool == "messages_reply" else _TEA
    read.graph.fault(kind, "POST /me/messages(/.*/createReply)?")
    await read.house.call(tool, **given)
    left = len(read.lying("drafts")) + await sent(read)
    assert left == 1


@pytest.mark.parametrize("kind", ["after_commit", "dropped"])
async def test_a_change_of_a_draft_that_was_not_answered_is_told_by_what_it_holds(read: Desk, kind: str) -> None:
    draft = await _draft(read)
    read.graph.fault(kind, "PATCH .*")
    done = await read.house.call("drafts_update", draft=draft, text="At five?\nAda", to=[CAROL])
    assert (done["draft"], read.lying("drafts")[0].values["body"]["content"]) == (draft, "At five?\r\nAda")


async def test_a_move_half_done_is_carried_on(read: Desk) -> None:
    ids = [await read.mail("Lease"), await read.mail("Minutes")]
    read.graph.fault("after_commit", "POST .*/move")
    done = await read.house.call("messages_archive", messages=ids)
    assert len(done["mails"]) == 2
    assert {each.values["subject"] for each in read.lying("archive")} == {"Lease", "Minutes"}


@pytest.mark.parametrize("kind", ["after_commit", "dropped"])
async def test_marks_whose_answer_was_lost_are_told(read: Desk, kind: str) -> None:
    read.graph.fault(kind, "PATCH .*")
    done = await read.house.call("messages_flag", messages=[await read.mail("Lease")], read=True)
    assert done["mails"][0]["was_read"] is False


async def test_automatic_replies_whose_answer_was_lost_are_told(read: Desk) -> None:
    read.graph.fault("after_commit", "PATCH .*")
    assert (await read.house.call("auto_replies_set", on=True, text="Away.\nAda"))["status"] == "on"


async def test_a_refused_token_in_the_middle_says_to_connect_again_and_sends_nothing(read: Desk) -> None:
    read.graph.fault("unauthorized", _SEND, times=2)
    with pytest.raises(OaError) as refused:
        await read.house.call("messages_send", **_TEA)
    assert refused.value.code == "account_required"
    assert (await sent(read), read.lying("drafts")) == (0, [])


@pytest.mark.parametrize("retry_after", [0, None])
async def test_a_pause_that_graph_asks_for_is_kept(read: Desk, retry_after: float | None) -> None:
    options: dict[str, Any] = {} if retry_after is None else {"retry_after": retry_after}
    read.graph.fault("throttled", _SEND, **options)
    await read.house.call("messages_send", **_TEA)
    assert await sent(read) == 1


async def test_half_an_answer_to_a_draft_is_made_good_by_looking(read: Desk) -> None:
    read.graph.fault("truncated", "POST /me/messages")
    await read.house.call("messages_send", **_TEA)
    assert await sent(read) == 1
