"""Messages go out once, within the window, to whom they were meant for; what became of them the statuses tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from openassistant.errors import (
    AccountRequired,
    Conflict,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    RateLimited,
    Unavailable,
)
from openassistant.http import HttpClient
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.whatsapp.conftest import Desk
from tests.peers.whatsapp import Contact, Fault

GATEWAY = b"<html>504</html>"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between attempts, noted and not made."""
    pauses: list[float] = []

    async def pause(_: HttpClient, seconds: float) -> None:
        pauses.append(seconds)

    real = HttpClient.__init__

    def init(self: HttpClient, *given: Any, **more: Any) -> None:
        real(self, *given, **more)
        self._sleep = lambda seconds: pause(self, seconds)

    monkeypatch.setattr(HttpClient, "__init__", init)
    return pauses


async def test_a_message_reaches_the_number_that_wrote_and_carries_the_calls_id(desk: Desk) -> None:
    await desk.written()
    call = desk.house.make("messages_send", chat=await desk.chat(), text="Yes, *Friday* at noon.\n\nAda")
    result = (await desk.house.send(call)).content
    assert desk.posted() == [
        {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "16505551234", "type": "text",
            "text": {"body": "Yes, *Friday* at noon.\n\nAda", "preview_url": False},
            "biz_opaque_callback_data": call.id,
        }
    ]  # fmt: skip
    last = (await desk.read())[-1]
    assert (last["id"], last["from_you"], last["status"]) == (result["id"], True, "accepted")


async def test_a_person_without_a_number_is_written_to_by_id(desk: Desk, stranger: Callable[[], Contact]) -> None:
    await desk.hear(desk.meta.says(stranger(), "hello"))
    await desk.house.call("messages_send", chat=await desk.chat(), text="hi")
    assert desk.posted()[0]["recipient"] == "DE.8237465"
    assert "to" not in desk.posted()[0]


async def test_an_answer_quotes_its_message(desk: Desk) -> None:
    message = await desk.written(wamid="wamid.asked")
    await desk.house.call("messages_send", chat=await desk.chat(), text="yes", reply_to=message["id"])
    assert desk.posted()[0]["context"] == {"message_id": "wamid.asked"}
    assert (await desk.read())[-1]["answers"] == message["id"]


async def test_an_answer_to_a_message_of_another_chat_is_refused(desk: Desk, stranger: Callable[[], Contact]) -> None:
    message = await desk.written()
    await desk.hear(desk.meta.says(stranger(), "hello"))
    with pytest.raises(InvalidRequest, match="another chat"):
        await desk.house.call("messages_send", chat=await desk.chat(), text="yes", reply_to=message["id"])


# --- the window -------------------------------------------------------------------------------------------------------


async def test_the_card_says_whom_what_and_until_when_and_is_the_same_twice(desk: Desk) -> None:
    message = await desk.written(ago=3600)
    given = {"chat": await desk.chat(), "text": "yes", "reply_to": message["id"]}
    preview = await desk.house.preview("messages_send", **given)
    (to,) = preview.destinations
    assert (to.kind, to.value, to.name) == ("recipient", "+16505551234", "Carol Meyer")
    assert "Free text may be sent until" in str(to.note)
    assert (preview.content, preview.effect, preview.account) == ("yes", "send", "Ada's number")
    assert preview.outside[0].authors == ("+16505551234",)
    assert (await desk.house.preview("messages_send", **given)).digest() == preview.digest()
    assert desk.meta.asked == []


async def test_a_further_message_of_theirs_changes_the_note_and_not_what_was_approved(desk: Desk) -> None:
    await desk.written(ago=3600)
    given = {"chat": await desk.chat(), "text": "yes"}
    before = await desk.house.preview("messages_send", **given)
    await desk.written("are you there?")
    after = await desk.house.preview("messages_send", **given)
    assert after.destinations[0].note != before.destinations[0].note
    assert after.digest() == before.digest()


async def test_after_a_day_nobody_is_asked_and_nothing_goes_out(desk: Desk) -> None:
    await desk.written()
    chat = await desk.chat()
    desk.later = timedelta(hours=24)
    for ask in (desk.house.preview, desk.house.call):
        with pytest.raises(InvalidRequest, match="template") as refused:
            await ask("messages_send", chat=chat, text="too late")
        assert refused.value.details["reason"] == "window_closed"
    assert desk.meta.asked == []


async def test_a_reaction_of_theirs_opens_no_window(desk: Desk) -> None:
    wamid = desk.meta.wamid()
    await desk.hear(desk.meta.says(desk.carol, "old", wamid=wamid, ago=25 * 3600))
    await desk.hear(desk.meta.says(desk.carol, reaction={"message_id": wamid, "emoji": "\U0001f44d"}))
    assert (await desk.house.call("windows_read", chat=await desk.chat()))["open"] is False


async def test_a_window_that_meta_knows_better_is_explained(desk: Desk) -> None:
    await desk.written()
    desk.carol.wrote = 0
    with pytest.raises(InvalidRequest, match="approved template") as refused:
        await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert refused.value.details["provider_code"] == 131047


async def test_a_group_is_not_written_to(desk: Desk) -> None:
    await desk.hear(desk.meta.says(desk.carol, "to all", group_id="Y2FwaV9ncm91cA"))
    with pytest.raises(InvalidRequest, match="Groups"):
        await desk.house.preview("messages_send", chat=await desk.chat(), text="hi")


# --- once -------------------------------------------------------------------------------------------------------------


async def sends(desk: Desk, tool: str) -> Callable[[], Any]:
    """Fresh calls of a tool that sends."""
    await desk.written(wamid="wamid.asked", document={"id": desk.meta.file(b"hello", "text/plain"),
                                                      "mime_type": "text/plain", "filename": "a.txt"})  # fmt: skip
    desk.meta.template("room_ready", "The room is ready on {{1}}.")
    await desk.sync()
    chat, message = await desk.chat(), (await desk.read())[-1]["id"]
    numbers = iter(range(100))

    async def make() -> Call:
        number = next(numbers)
        if tool == "drafts_send":
            kept = await desk.house.call("drafts_create", chat=chat, text=f"number {number}")
            return desk.house.make(tool, draft=kept["id"])
        given: dict[str, dict[str, Any]] = {
            "messages_send": {"chat": chat, "text": f"number {number}"},
            "messages_react": {"message": message, "emoji": "\U0001f44d"},
            "templates_send": {"template": "room_ready", "chat": chat, "values": {"body.1": f"day {number}"}},
            "media_send": {"chat": chat, "message": message, "caption": f"number {number}"},
        }
        return desk.house.make(tool, **given[tool])

    return make


@pytest.mark.parametrize("tool", ["messages_send", "messages_react", "templates_send", "media_send", "drafts_send"])
async def test_whatever_interrupts_it_a_message_goes_out_once(desk: Desk, tool: str) -> None:
    make = await sends(desk, tool)

    async def done() -> int:
        return len(desk.meta.sent)

    assert await once_faults(desk.house, make, done) == []


async def test_drafts_are_kept_once(desk: Desk) -> None:
    await desk.written()
    chat = await desk.chat()

    async def make() -> Call:
        return desk.house.make("drafts_create", chat=chat, text="hello")

    async def done() -> int:
        return len((await desk.house.call("drafts_list"))["drafts"])

    assert await once_faults(desk.house, make, done) == []


@pytest.mark.parametrize("status", [502, 503, 504, 500, 0])
async def test_an_answer_that_is_lost_after_the_act_is_made_good_by_the_status(desk: Desk, status: int) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", status, GATEWAY, act=True))
    call = desk.house.make("messages_send", chat=await desk.chat(), text="once")
    sending = asyncio.create_task(desk.house.send(call))
    async with asyncio.timeout(10):
        while not desk.meta.sent:
            await asyncio.sleep(0.01)
        await desk.hear(desk.meta.status(desk.meta.sent[0], "sent"))
        result = (await sending).content
    assert (result["status"], len(desk.posted())) == ("sent", 1)
    assert (await desk.house.send(call)).content == result
    assert [each["text"] for each in await desk.read() if each["from_you"]] == ["once"]


async def test_a_status_that_comes_before_the_answer_is_no_second_message(desk: Desk) -> None:
    await desk.written()
    call = desk.house.make("messages_send", chat=await desk.chat(), text="once")
    real, loop = desk.meta._message, asyncio.get_running_loop()

    def early(asked: Any) -> Any:
        answer = real(asked)
        push = desk.meta.status(desk.meta.sent[0], "delivered")
        asyncio.run_coroutine_threadsafe(desk.hear(push), loop).result(10)
        return answer

    desk.meta._message = early  # type: ignore[method-assign]
    try:
        result = (await desk.house.send(call)).content
    finally:
        del desk.meta._message
    assert result["status"] == "delivered"
    assert [each["status"] for each in await desk.read() if each["from_you"]] == ["delivered"]


async def test_without_a_status_nobody_knows_and_nothing_is_sent_again(desk: Desk) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 504, GATEWAY, act=True))
    call = desk.house.make("messages_send", chat=await desk.chat(), text="once")
    for _ in range(2):
        with pytest.raises(DeadlineExceeded, match="may have"):
            await desk.house.send(call)
    assert len(desk.meta.sent) == len(desk.posted()) == 1


async def test_what_was_lost_before_the_act_stays_unknown_and_is_not_repeated(desk: Desk) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 504, GATEWAY))
    with pytest.raises(DeadlineExceeded):
        await desk.house.call("messages_send", chat=await desk.chat(), text="once")
    assert (len(desk.posted()), desk.meta.sent) == (1, [])


async def test_a_status_that_comes_much_later_puts_the_message_into_the_chat(desk: Desk) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 504, GATEWAY, act=True))
    with pytest.raises(DeadlineExceeded):
        await desk.house.call("messages_send", chat=await desk.chat(), text="late")
    assert all(not each["from_you"] for each in await desk.read())
    await desk.hear(desk.meta.status(desk.meta.sent[0], "delivered"))
    assert [(each["text"], each["status"]) for each in await desk.read() if each["from_you"]] == [("late", "delivered")]


async def test_a_truncated_answer_after_the_act_is_no_reason_to_send_again(desk: Desk) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 200, b'{"messages": [{', {"x-lies-of": "500"}, act=True))
    with pytest.raises(DeadlineExceeded):
        await desk.house.call("messages_send", chat=await desk.chat(), text="once")
    assert len(desk.posted()) == 1


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"messages": []}', b'{"messages": [{"id": 5}]}', b"<html>"])
async def test_an_answer_that_names_no_message_leaves_it_unknown(desk: Desk, body: bytes) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 200, body))
    with pytest.raises(DeadlineExceeded):
        await desk.house.call("messages_send", chat=await desk.chat(), text="once")


# --- what Meta refuses ------------------------------------------------------------------------------------------------


def refusal(code: int) -> bytes:
    return b'{"error": {"message": "(#%d) planted words", "type": "OAuthException", "code": %d}}' % (code, code)


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (401, 190, AccountRequired, "access token"), (400, 131030, InvalidRequest, "five"),
        (400, 131026, InvalidRequest, "cannot get it"), (403, 131005, Forbidden, "whatsapp_business_messaging"),
        (403, 200, Forbidden, "whatsapp_business_messaging"), (400, 131048, Forbidden, "blocked or reported"),
        (403, 368, Forbidden, "policies"), (403, 131031, Forbidden, "policies"), (400, 131042, Forbidden, "paid"),
        (503, 131016, Unavailable, "Nothing was done"), (400, 131021, InvalidRequest, "itself"),
        (400, 100, InvalidRequest, "phone number ID"), (400, 999999, InvalidRequest, "error 999999"),
        (400, 133010, Forbidden, "registered"), (404, 33, NotFound, "phone number ID"),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_in_our_words_and_says_who_can_act(
    desk: Desk, status: int, code: int, kind: type[OaError], words: str
) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", status, refusal(code)))
    with pytest.raises(kind, match=words) as refused:
        await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert "planted" not in str(refused.value.message) + str(refused.value.details)
    assert (refused.value.details["provider_code"], len(desk.posted())) == (code, 1)


@pytest.mark.parametrize("code", [4, 80007, 130429, 131056])
async def test_a_pause_that_meta_asks_for_is_made_and_the_message_goes_out_once(
    desk: Desk, unhurried: list[float], code: int
) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 400, refusal(code)))
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert (len(desk.posted()), len(desk.meta.sent)) == (2, 1)
    assert unhurried[0] >= (30 if code == 131056 else 10)


async def test_metas_own_delay_counts_where_it_names_one(desk: Desk, unhurried: list[float]) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 429, refusal(130429), {"retry-after": "3"}))
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert 3 <= unhurried[0] < 4


async def test_a_pause_that_does_not_end_is_the_callers_to_wait_for(desk: Desk, unhurried: list[float]) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 429, refusal(130429), times=9))
    with pytest.raises(RateLimited):
        await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert (len(desk.posted()), desk.meta.sent) == (3, [])


async def test_a_send_is_not_led_elsewhere(desk: Desk) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/messages", 307, b"", {"location": f"{desk.meta.url}/elsewhere"}))
    with pytest.raises(DeadlineExceeded):
        await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert [each.path for each in desk.meta.asked] == [f"/v26.0/{desk.meta.phone_number_id}/messages"]


async def test_what_changed_after_the_approval_is_not_sent(desk: Desk) -> None:
    await desk.written()
    chat = await desk.chat()
    call = desk.house.make("messages_send", chat=chat, text="hello")
    shown = await desk.house.preview("messages_send", chat=chat, text="hello")
    approval = desk.house.approval(call, preview_digest=shown.digest())
    other = desk.meta.person(desk.carol.phone, "US.999", "Eve")
    await desk.hear(desk.meta.says(other, "I have this number now"))
    with pytest.raises((Conflict, InvalidRequest)):
        await desk.house.send(call, desk.house.context(call, approval=approval))
    assert desk.meta.sent == []
