"""What becomes of messages, reactions and receipts, and drafts that nobody else has seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openassistant.errors import InvalidRequest
from tests.connectors.whatsapp.conftest import Desk

# --- what becomes of it -----------------------------------------------------------------------------------------------


async def test_statuses_rise_in_whatever_order_they_come(desk: Desk) -> None:
    await desk.written()
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    for status in ("read", "sent", "delivered", "read", "nonsense"):
        await desk.hear(desk.meta.status(desk.meta.sent[0], status))
        assert (await desk.read())[-1]["status"] == "read"


async def test_a_message_that_failed_says_why(desk: Desk) -> None:
    await desk.written()
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    await desk.hear(desk.meta.status(desk.meta.sent[0], "failed", code=131047))
    last = (await desk.read())[-1]
    assert last["status"] == "failed"
    assert "approved template" in last["problem"]


async def test_a_failure_after_the_arrival_is_none(desk: Desk) -> None:
    await desk.written()
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    for status in ("delivered", "failed"):
        await desk.hear(desk.meta.status(desk.meta.sent[0], status, code=131026))
    assert (await desk.read())[-1]["status"] == "delivered"


async def test_a_forged_tracker_of_another_call_proves_nothing(desk: Desk) -> None:
    await desk.written()
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    foreign = {**desk.meta.sent[0], "wamid": "wamid.foreign"}
    await desk.hear(desk.meta.status(foreign, "read"))
    assert (await desk.read())[-1]["status"] == "accepted"


# --- reactions, receipts ----------------------------------------------------------------------------------------------


async def test_a_reaction_goes_to_its_message_and_stands_there(desk: Desk) -> None:
    message = await desk.written(wamid="wamid.asked")
    await desk.house.call("messages_react", message=message["id"], emoji="\U0001f44d\U0001f3fd")
    assert desk.posted()[0]["reaction"] == {"message_id": "wamid.asked", "emoji": "\U0001f44d\U0001f3fd"}
    (only,) = await desk.read()
    assert only["reactions"] == ["\U0001f44d\U0001f3fd"]
    await desk.house.call("messages_react", message=message["id"], emoji="")
    assert (await desk.read())[0]["reactions"] == []


@pytest.mark.parametrize("emoji", ["yes", "1", "\U0001f44d \U0001f44d", "https://x"])
async def test_words_are_no_reaction(desk: Desk, emoji: str) -> None:
    message = await desk.written()
    with pytest.raises(InvalidRequest):
        await desk.house.preview("messages_react", message=message["id"], emoji=emoji)


async def test_marking_as_read_is_seen_by_the_sender_and_said_so(desk: Desk) -> None:
    await desk.written("one", wamid="wamid.one")
    two = await desk.written("two", wamid="wamid.two")
    await desk.written("three", wamid="wamid.three")
    preview = await desk.house.preview("messages_mark_read", message=two["id"])
    assert any("blue ticks" in each for each in preview.warnings)
    assert (await desk.house.call("messages_mark_read", message=two["id"]))["count"] == 2
    assert desk.meta.read == ["wamid.two"]
    assert [each["unread"] for each in await desk.read()] == [False, False, True]


async def test_reading_here_is_seen_by_nobody(desk: Desk) -> None:
    await desk.written()
    await desk.read()
    await desk.house.call("messages_search", query="friday")
    assert desk.meta.asked == []


# --- drafts -----------------------------------------------------------------------------------------------------------


async def test_a_draft_is_kept_here_alone_and_sent_when_told(desk: Desk) -> None:
    message = await desk.written()
    kept = await desk.house.call("drafts_create", chat=await desk.chat(), text="a draft", reply_to=message["id"])
    assert desk.meta.asked == []
    (draft,) = (await desk.house.call("drafts_list"))["drafts"]
    assert (draft["id"], draft["text"], draft["answers"]) == (kept["id"], "a draft", message["id"])
    await desk.house.call("drafts_send", draft=kept["id"])
    assert desk.posted()[0]["text"]["body"] == "a draft"
    assert (await desk.house.call("drafts_list"))["drafts"] == []


async def test_a_draft_that_was_thrown_away_comes_back_by_undo(desk: Desk) -> None:
    await desk.written()
    kept = await desk.house.call("drafts_create", chat=await desk.chat(), text="a draft")
    await desk.house.call("drafts_delete", draft=kept["id"])
    assert (await desk.house.call("drafts_list"))["drafts"] == []
    await desk.house.call("actions_undo")
    assert [each["text"] for each in (await desk.house.call("drafts_list"))["drafts"]] == ["a draft"]


async def test_a_draft_can_be_written_after_the_window_and_not_sent(desk: Desk) -> None:
    await desk.written()
    chat = await desk.chat()
    desk.later = timedelta(hours=25)
    kept = await desk.house.call("drafts_create", chat=chat, text="later")
    with pytest.raises(InvalidRequest, match="template"):
        await desk.house.preview("drafts_send", draft=kept["id"])
