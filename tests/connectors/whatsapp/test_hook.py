"""What Meta pushes is kept once, in whatever order it comes, and only where Meta signed it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.connectors.whatsapp.conftest import VERIFY, Desk
from tests.peers.whatsapp import Contact, Push

EMOJI = "See you on Friday \U0001f98a\u200d\U0001f525"


async def test_a_message_is_there_as_it_was_written(desk: Desk) -> None:
    message = await desk.written(EMOJI)
    assert message["text"] == {
        "text": EMOJI, "source": "a WhatsApp message from +16505551234", "authors": ["+16505551234"],
    }  # fmt: skip
    assert (message["from_you"], message["unread"], message["kind"]) == (False, True, "text")


async def test_the_same_message_is_kept_once_however_often_it_comes(desk: Desk) -> None:
    push = desk.meta.says(desk.carol, "once")
    for _ in range(5):
        assert (await desk.hear(push)).status == 200
    assert [each["text"]["text"] for each in await desk.read()] == ["once"]


@pytest.mark.parametrize("header", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40])
async def test_what_meta_did_not_sign_is_refused_and_not_kept(desk: Desk, header: str) -> None:
    push = desk.meta.says(desk.carol, "forged")
    assert (await desk.house.knock(push.body, headers={"x-hub-signature-256": header})).status == 403
    assert (await desk.house.knock(push.body + b" ", headers=push.headers)).status == 403
    assert (await desk.house.call("chats_list"))["chats"] == []


async def test_without_an_app_secret_nothing_is_taken(desk: Desk) -> None:
    desk.connect(app_secret="")
    desk.house.runner.keys.forget_account(desk.house.account.account)
    desk.meta.app_secret = ""
    try:
        assert (await desk.hear(desk.meta.says(desk.carol, "forged"))).status == 403
    finally:
        del desk.meta.app_secret


async def test_the_challenge_is_answered_to_whoever_knows_the_verify_token(desk: Desk) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    answer = await desk.house.knock(method="GET", query=query)
    assert (answer.status, answer.text) == (200, "1158201444")


@pytest.mark.parametrize(
    "changed", [{"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}, {"hub.mode": ""}]
)
async def test_the_challenge_is_refused_to_others(desk: Desk, changed: dict[str, str]) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444", **changed}
    assert (await desk.house.knock(method="GET", query=query)).status == 403


async def test_a_challenge_that_is_a_page_is_not_repeated(desk: Desk) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "<script>"}
    answer = await desk.house.knock(method="GET", query=query)
    assert (answer.status, answer.text) == (400, "")


async def test_what_is_older_than_meta_would_send_is_a_repeat_by_somebody(desk: Desk) -> None:
    old = desk.meta.says(desk.carol, "old", ago=timedelta(days=9).total_seconds())
    late = desk.meta.says(desk.carol, "late", ago=timedelta(days=6).total_seconds())
    assert [(await desk.hear(push)).status for push in (old, late)] == [200, 200]
    assert [each["text"]["text"] for each in await desk.read()] == ["late"]


async def test_a_removed_accounts_messages_do_not_come_back_by_a_replay(desk: Desk) -> None:
    push = desk.meta.says(desk.carol, "gone")
    await desk.hear(push)
    desk.later = timedelta(days=9)
    assert (await desk.hear(push)).status == 200
    assert len(await desk.read()) == 1


async def test_late_messages_lie_where_they_belong_and_move_no_window_back(desk: Desk) -> None:
    await desk.hear(desk.meta.says(desk.carol, "second"))
    window = await desk.house.call("windows_read", chat=await desk.chat())
    await desk.hear(desk.meta.says(desk.carol, "first", ago=3600))
    assert [each["text"]["text"] for each in await desk.read()] == ["first", "second"]
    assert await desk.house.call("windows_read", chat=await desk.chat()) == window


async def test_messages_of_another_number_of_the_same_app_are_not_this_accounts(desk: Desk) -> None:
    value = json.loads(desk.meta.says(desk.carol, "elsewhere").body)["entry"][0]["changes"][0]["value"]
    other = desk.meta.push({key: value[key] for key in ("contacts", "messages")}, number="999999999999999")
    assert (await desk.hear(other)).status == 200
    assert (await desk.house.call("chats_list"))["chats"] == []


async def test_many_changes_in_one_push_are_all_kept(desk: Desk) -> None:
    told = [json.loads(desk.meta.says(desk.carol, f"number {each}").body) for each in range(300)]
    whole = {"object": "whatsapp_business_account", "entry": [each["entry"][0] for each in told]}
    assert (await desk.hear(desk.meta.signed(whole))).status == 200
    assert len(await desk.read(limit=100)) == 100
    assert (await desk.house.call("chats_list"))["chats"][0]["unread"] == 300


KINDS: list[tuple[dict[str, Any], str]] = [
    ({"image": {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "the room"}}, "the room"),
    ({"location": {"latitude": 52.5, "longitude": 13.4, "name": "The flat", "address": "Main St 1"}},
     "The flat\nMain St 1\n52.5, 13.4"),
    ({"contacts": [{"name": {"formatted_name": "Dan"}, "phones": [{"phone": "+49 1"}],
                    "emails": [{"email": "d@x"}]}]},
     "Dan, +49 1, d@x"),
    ({"button": {"payload": "p", "text": "Yes"}}, "Yes"),
    ({"interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Noon", "description": "at 12"}}},
     "Noon\nat 12"),
    ({"order": {"catalog_id": "1", "text": "please", "product_items": [{}, {}]}}, "please\nAn order of 2 products"),
    ({"unsupported": {"type": "poll"}}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), KINDS)
async def test_each_kind_of_message_has_words_to_read(desk: Desk, content: dict[str, Any], words: str) -> None:
    message = await desk.written(**content)
    assert (message["kind"], message["text"]["text"]) == (next(iter(content)), words)


async def test_an_edit_and_a_deletion_change_the_message_that_they_name(desk: Desk) -> None:
    first, second = desk.meta.wamid(), desk.meta.wamid()
    await desk.hear(desk.meta.says(desk.carol, "a typo", wamid=first))
    await desk.hear(desk.meta.says(desk.carol, "a secret", wamid=second))
    inner = {"type": "text", "text": {"body": "no typo"}}
    await desk.hear(desk.meta.says(desk.carol, edit={"original_message_id": first, "message": inner}))
    await desk.hear(desk.meta.says(desk.carol, revoke={"original_message_id": second}))
    messages = await desk.read()
    assert [(each["text"]["text"], each["edited"], each["deleted"]) for each in messages] == [
        ("no typo", True, False), ("", False, True),
    ]  # fmt: skip
    assert (await desk.house.call("messages_search", query="secret"))["messages"] == []
    assert len((await desk.house.call("messages_search", query="no typo"))["messages"]) == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
async def test_in_whatever_order_things_come_the_chat_is_the_same(desk: Desk, order: tuple[int, ...]) -> None:
    first, second, file = (
        desk.meta.wamid(),
        desk.meta.wamid(),
        {"id": "77", "mime_type": "image/png", "caption": "typo"},
    )
    pushes = [
        desk.meta.says(desk.carol, wamid=first, image=file, ago=60),
        desk.meta.says(desk.carol, edit={"original_message_id": first, "message": {"type": "image", "image": {
            "id": "77", "caption": "no typo"}}}, ago=30),
        desk.meta.says(desk.carol, "secret", wamid=second, ago=20),
        desk.meta.says(desk.carol, revoke={"original_message_id": second}, ago=10),
    ]  # fmt: skip
    for number in (*order, *order):
        assert (await desk.hear(pushes[number])).status == 200
    shown = [
        (each["kind"] if not each["deleted"] else "", each["text"]["text"], bool(each["file"]), each["edited"])
        for each in await desk.read()
    ]
    assert shown == [("image", "no typo", True, True), ("", "", False, False)]
    assert (await desk.house.call("messages_search", query="secret"))["messages"] == []
    assert (await desk.house.call("chats_list"))["chats"][0]["unread"] <= 2


async def test_nobody_edits_or_deletes_what_another_wrote(desk: Desk, stranger: Callable[[], Contact]) -> None:
    wamid, mallory = desk.meta.wamid(), stranger()
    await desk.hear(desk.meta.says(desk.carol, "mine", wamid=wamid))
    inner = {"type": "text", "text": {"body": "forged"}}
    await desk.hear(desk.meta.says(mallory, edit={"original_message_id": wamid, "message": inner}))
    await desk.hear(desk.meta.says(mallory, revoke={"original_message_id": wamid}))
    (found,) = (await desk.house.call("messages_search", query="mine"))["messages"]
    assert found["excerpt"]["text"] == "mine"


async def test_reactions_stand_at_their_message_and_are_taken_back(desk: Desk) -> None:
    wamid = desk.meta.wamid()
    await desk.hear(desk.meta.says(desk.carol, "good?", wamid=wamid))
    await desk.hear(desk.meta.says(desk.carol, reaction={"message_id": wamid, "emoji": "\U0001f44d"}))
    assert [each["text"] for each in (await desk.read())[0]["reactions"]] == ["\U0001f44d"]
    await desk.hear(desk.meta.says(desk.carol, reaction={"message_id": wamid, "emoji": ""}))
    assert (await desk.read())[0]["reactions"] == []
    assert len(await desk.read()) == 1


async def test_a_reply_names_what_it_answers(desk: Desk) -> None:
    wamid = desk.meta.wamid()
    await desk.hear(desk.meta.says(desk.carol, "question", wamid=wamid))
    await desk.hear(desk.meta.says(desk.carol, "answer", context={"from": desk.carol.phone, "id": wamid}))
    question, answer = await desk.read()
    assert answer["answers"] == question["id"]


async def test_what_the_owner_wrote_on_the_phone_is_there_as_the_owners(desk: Desk) -> None:
    await desk.hear(desk.meta.echoes(desk.carol, "from my phone"))
    (message,) = await desk.read()
    assert (message["text"], message["from_you"], message["unread"]) == ("from my phone", True, False)
    assert (await desk.house.call("windows_read", chat=await desk.chat()))["open"] is False


async def test_new_messages_are_announced_by_id_and_nothing_more(desk: Desk) -> None:
    message = await desk.written("the secret word")
    (event,) = desk.house.bus.transport.events["oa.event.inbox.whatsapp"]
    assert json.loads(event.data)["ids"] == [message["id"]]
    assert b"secret" not in event.data


# --- who somebody is --------------------------------------------------------------------------------------------------


async def test_a_person_without_a_number_is_known_by_their_id(desk: Desk, stranger: Callable[[], Contact]) -> None:
    await desk.hear(desk.meta.says(stranger(), "hello"))
    (found,) = (await desk.house.call("chats_list"))["chats"]
    assert (found["name"]["text"], found["phone"], found["name"]["authors"]) == ("Mallory", "", ["DE.8237465"])


async def test_a_person_known_by_number_stays_the_same_when_the_id_is_told(desk: Desk) -> None:
    told = json.loads(desk.meta.says(desk.carol, "before").body)
    value = told["entry"][0]["changes"][0]["value"]
    del value["contacts"][0]["user_id"], value["messages"][0]["from_user_id"]
    await desk.hear(desk.meta.signed(told))
    await desk.hear(desk.meta.says(desk.carol, "after"))
    assert [each["text"]["text"] for each in await desk.read()] == ["before", "after"]
    assert len((await desk.house.call("chats_list"))["chats"]) == 1


async def test_a_number_that_comes_with_another_id_is_another_person(desk: Desk) -> None:
    await desk.written("from Carol")
    other = desk.meta.person(desk.carol.phone, "US.999", "Eve")
    await desk.hear(desk.meta.says(other, "from Eve"))
    eve, carol = (await desk.house.call("chats_list"))["chats"]
    assert (eve["name"]["text"], eve["phone"]) == ("Eve", "+16505551234")
    assert (carol["name"]["text"], carol["phone"]) == ("Carol Meyer", "")


async def test_a_number_does_not_go_back_to_its_former_owner_by_what_comes_late_or_twice(desk: Desk) -> None:
    first, late = desk.meta.says(desk.carol, "from Carol", ago=300), desk.meta.says(desk.carol, "late", ago=200)
    await desk.hear(first)
    other = desk.meta.person(desk.carol.phone, "US.999", "Eve")
    await desk.hear(desk.meta.says(other, "from Eve"))
    for push in (first, late):
        await desk.hear(push)
    phones = {each["name"]["text"]: each["phone"] for each in (await desk.house.call("chats_list"))["chats"]}
    assert phones == {"Eve": "+16505551234", "Carol Meyer": ""}


async def test_a_changed_number_is_the_same_chat(desk: Desk) -> None:
    old = desk.meta.says(desk.carol, "old number")
    await desk.hear(old)
    change = {"type": "user_changed_number", "body": "Carol changed her number", "wa_id": "16505550000",
              "user_id": "US.777"}  # fmt: skip
    await desk.hear(desk.meta.says(desk.carol, system=change))
    moved = desk.meta.person("16505550000", "US.777", "Carol Meyer")
    await desk.hear(desk.meta.says(moved, "new number"))
    await desk.hear(old)
    (found,) = (await desk.house.call("chats_list"))["chats"]
    assert found["phone"] == "+16505550000"
    assert [each["kind"] for each in await desk.read()] == ["text", "system", "text"]


async def test_a_group_is_a_chat_that_is_only_read(desk: Desk) -> None:
    await desk.hear(desk.meta.says(desk.carol, "to all", group_id="Y2FwaV9ncm91cA"))
    (found,) = (await desk.house.call("chats_list"))["chats"]
    assert (found["group"], found["window"]["open"]) == (True, False)
    assert (await desk.read())[0]["text"]["authors"] == [desk.carol.bsuid]


# --- what is not as agreed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"object": "page"}', b'{"object":"whatsapp_business_account"}',
        b'{"object":"whatsapp_business_account","entry":{}}', b"[" * 100_000,
        b'{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":[]}]}]}',
        b'{"object":"whatsapp_business_account","entry":[null,{"changes":[null,{"field":1}]}]}',
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)  # fmt: skip
async def test_a_signed_body_that_is_not_as_agreed_is_taken_and_changes_nothing(desk: Desk, body: bytes) -> None:
    assert (await desk.hear(desk.meta.signed(body))).status == 200
    assert (await desk.house.call("chats_list"))["chats"] == []


BROKEN: list[dict[str, Any]] = [
    {"id": None}, {"id": ""}, {"id": "x" * 400}, {"id": "a\nb"}, {"timestamp": "soon"},
    {"timestamp": None}, {"timestamp": "1" * 40}, {"timestamp": "-1"}, {"from": None, "from_user_id": None},
    {"from": [], "from_user_id": 0.5},
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_message_that_lacks_what_names_it_is_left_out_and_the_others_are_kept(
    desk: Desk, broken: dict[str, Any]
) -> None:
    told = json.loads(desk.meta.says(desk.carol, "whole").body)
    value = told["entry"][0]["changes"][0]["value"]
    value["contacts"] = [*value["contacts"], {"user_id": "US.2", "wa_id": "16505550009"}]
    value["messages"] = [{**value["messages"][0], "id": "wamid.other", **broken}, value["messages"][0]]
    assert (await desk.hear(desk.meta.signed(told))).status == 200
    assert [each["text"]["text"] for each in await desk.read()] == ["whole"]


async def test_odd_characters_and_lengths_are_bounded(desk: Desk) -> None:
    desk.carol.name = "Carol\r\nBcc: x\u0000" + "n" * 5_000
    message = await desk.written("a\u0000b\ud800c" + "x" * 200_000)
    assert message["text"]["text"].startswith("abc")
    assert len(message["text"]["text"]) <= 65_536
    (found,) = (await desk.house.call("chats_list"))["chats"]
    assert "\n" not in found["name"]["text"]
    assert len(found["name"]["text"]) <= 200


async def test_a_media_id_that_is_a_path_is_never_asked_for(desk: Desk) -> None:
    message = await desk.written(document={"id": "../me?x=1", "mime_type": "text/plain", "filename": "a.txt"})
    assert message["file"] is None
    assert desk.meta.asked == []


def test_meta_escapes_what_is_not_ascii_and_the_bytes_are_what_is_signed(desk: Desk) -> None:
    push: Push = desk.meta.says(desk.carol, EMOJI)
    assert b"\\ud83e\\udd8a" in push.body
    assert json.dumps(json.loads(push.body), ensure_ascii=False).encode() != push.body
