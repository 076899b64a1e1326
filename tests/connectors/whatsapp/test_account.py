"""The account: what a check tries, what a sync keeps, blocking, a second number, and that nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors.whatsapp.account import _number
from connectors.whatsapp.tools import connector
from openassistant import subjects
from openassistant.connector import Credentials
from openassistant.context import CallContext
from openassistant.errors import Conflict, InvalidRequest, NotFound, Unavailable
from openassistant.messages import AccountQuery, Call, Done
from openassistant.once import once_faults
from tests.connectors.whatsapp.conftest import Desk
from tests.peers.whatsapp import Contact, Fault, WhatsAppPeer

# --- check ------------------------------------------------------------------------------------------------------------


async def test_a_good_account_shows_the_number_and_that_nothing_came_yet(desk: Desk) -> None:
    report = await desk.house.check()
    assert report.ok
    assert "+1 555-078-3881" in report.steps[0].detail
    assert "Nothing has come yet" in report.steps[2].detail
    await desk.written()
    assert "last sent something on" in (await desk.house.check()).steps[2].detail


async def test_an_app_that_is_not_subscribed_is_said_and_no_fault(desk: Desk) -> None:
    desk.meta.subscribed = False
    report = await desk.house.check()
    assert report.ok
    assert "No app is subscribed" in report.steps[2].detail


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"access_token": "EAA-not-the-token"}, "access token"), ({"app_secret": "not-the-secret"}, "not the secret")],
)
async def test_a_wrong_secret_is_named(desk: Desk, changed: dict[str, str], words: str) -> None:
    desk.connect(**changed)
    report = await desk.house.check()
    assert not report.ok
    assert report.problem is not None
    assert words in report.problem.message
    assert all(each not in str(report) for each in changed.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [("phone_number_id", "../me"), ("phone_number_id", "+1 555 078 3881"), ("waba_id", "1?x=2"), ("waba_id", ""),
     ("api_version", "v1/../.."), ("api_url", "https://user:x@evil.example"), ("api_url", "ftp://x"),
     ("api_url", "https://graph.facebook.com?x=1"), ("api_url", "nonsense"), ("api_url", "http://[")],
)  # fmt: skip
async def test_a_setting_that_is_none_is_named_and_nothing_is_asked(desk: Desk, name: str, value: str) -> None:
    desk.settings[name] = value
    desk.connect()
    report = await desk.house.check()
    assert report.problem is not None
    assert name in report.problem.details["fields"]
    assert desk.meta.asked == []


async def test_without_a_word_of_the_owner_it_is_metas_own_address() -> None:
    given = Credentials(settings={"phone_number_id": "106540352242922", "waba_id": "102290129340398"})
    assert _number(given).base == "https://graph.facebook.com/v26.0"
    assert {"graph.facebook.com", "lookaside.fbsbx.com"} == set(connector.manifest.hosts)


# --- sync -------------------------------------------------------------------------------------------------------------


async def test_a_pass_that_meta_breaks_off_goes_on_with_the_next(desk: Desk) -> None:
    desk.meta.template("hello", "Hello")
    desk.meta.faults.append(Fault("/message_templates", 401, b'{"error": {"code": 190}}', method="GET"))
    found = await desk.sync()
    assert found.problem is not None
    assert found.problem.code == "account_required"
    await desk.sync()
    assert len((await desk.house.call("templates_list"))["templates"]) == 1


@pytest.mark.parametrize(
    "body", [b"[]", b'{"data": {}}', b'{"data": [null, 5, {"id": 7, "name": "x"}, {"id": "1"}]}', b"{"]
)
async def test_lists_that_are_not_as_agreed_bring_nothing_and_break_nothing(desk: Desk, body: bytes) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/message_templates", 200, body, method="GET", times=3))
    await desk.sync()
    assert (await desk.house.call("templates_list"))["templates"] == []
    assert len(await desk.read()) == 1


async def test_a_list_that_goes_in_circles_ends(desk: Desk) -> None:
    circle = b'{"data": [], "paging": {"cursors": {"after": "x"}, "next": "https://graph.facebook.com/y"}}'
    desk.meta.faults.append(Fault("/message_templates", 200, circle, method="GET", times=20))
    found = await desk.sync()
    assert found.problem is not None
    assert len([each for each in desk.meta.asked if each.path.endswith("/message_templates")]) <= 3


async def test_the_end_of_a_pass_tells_what_the_copy_holds(desk: Desk) -> None:
    await desk.written()
    told = await desk.sync()
    assert (told.done, told.total, told.what) == (1, 1, "messages")


async def test_who_was_blocked_elsewhere_is_blocked_here(desk: Desk) -> None:
    await desk.written()
    desk.meta.blocked = [desk.carol.phone]
    await desk.sync()
    assert (await desk.house.call("chats_list"))["chats"][0]["blocked"] is True
    with pytest.raises(InvalidRequest, match="blocked"):
        await desk.house.preview("messages_send", chat=await desk.chat(), text="hello")


# --- blocking ---------------------------------------------------------------------------------------------------------


async def test_somebody_is_blocked_and_by_undo_no_longer(desk: Desk) -> None:
    await desk.written()
    chat = await desk.chat()
    preview = await desk.house.preview("contacts_block", chat=chat)
    assert preview.destinations[0].value == "+16505551234"
    assert await desk.house.call("contacts_block", chat=chat) == {"chat": chat, "blocked": True}
    assert desk.meta.blocked == ["16505551234"]
    await desk.house.call("actions_undo")
    assert desk.meta.blocked == []
    assert (await desk.house.call("chats_list"))["chats"][0]["blocked"] is False


@pytest.mark.parametrize("status", [504, 500])
async def test_a_block_whose_answer_is_lost_is_looked_up(desk: Desk, status: int) -> None:
    await desk.written()
    chat = await desk.chat()
    desk.meta.faults.append(Fault("/block_users", status, b"", act=True))
    assert await desk.house.call("contacts_block", chat=chat) == {"chat": chat, "blocked": True}
    desk.meta.faults.append(Fault("/block_users", status, b"", method="DELETE", times=3))
    with pytest.raises(Unavailable):
        await desk.house.call("contacts_unblock", chat=chat)
    assert desk.meta.blocked == [desk.carol.phone]


async def test_blocking_and_unblocking_are_done_once(desk: Desk) -> None:
    await desk.written()
    chat = await desk.chat()

    async def make() -> Call:
        desk.meta.blocked = []
        return desk.house.make("contacts_block", chat=chat)

    async def done() -> int:
        return len(desk.meta.blocked)

    assert await once_faults(desk.house, make, done) == []


async def test_templates_are_there_though_another_list_cannot_be_read(desk: Desk) -> None:
    desk.meta.template("hello", "Hello")
    desk.meta.faults.append(Fault("/block_users", 403, b'{"error": {"code": 10}}', method="GET", times=3))
    found = await desk.sync()
    assert found.problem is not None
    assert len((await desk.house.call("templates_list"))["templates"]) == 1


async def test_somebody_without_a_number_is_blocked_by_id(desk: Desk, stranger: Callable[[], Contact]) -> None:
    await desk.hear(desk.meta.says(stranger(), "buy now"))
    await desk.house.call("contacts_block", chat=await desk.chat())
    assert desk.meta.blocked == ["DE.8237465"]
    await desk.house.call("contacts_unblock", chat=await desk.chat())
    assert desk.meta.blocked == []


async def test_who_did_not_write_lately_cannot_be_blocked_and_nobody_is_asked(desk: Desk) -> None:
    await desk.written(ago=25 * 3600)
    with pytest.raises(InvalidRequest, match="24 hours"):
        await desk.house.preview("contacts_block", chat=await desk.chat())
    assert desk.meta.asked == []


async def test_a_block_that_meta_did_not_make_is_none(desk: Desk) -> None:
    await desk.written()
    desk.meta.faults.append(Fault("/block_users", 200, b'{"block_users": {"failed_users": [{}]}}'))
    with pytest.raises(Conflict):
        await desk.house.call("contacts_block", chat=await desk.chat())
    assert (await desk.house.call("chats_list"))["chats"][0]["blocked"] is False


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_an_empty_list_says_that_messages_are_pushed(desk: Desk) -> None:
    assert "pushed" in (await desk.house.call("chats_list"))["note"]


async def test_a_number_that_meta_rates_low_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.meta, "quality", "RED")
    await desk.written()
    await desk.sync()
    assert "rates this number low" in (await desk.house.call("chats_list"))["note"]


async def test_chats_are_found_by_name_number_and_what_is_unread(desk: Desk, stranger: Callable[[], Contact]) -> None:
    message = await desk.written()
    await desk.hear(desk.meta.says(stranger(), "hello"))
    await desk.house.call("messages_mark_read", message=message["id"])

    async def names(**given: Any) -> list[str]:
        return [each["name"]["text"] for each in (await desk.house.call("chats_list", **given))["chats"]]

    assert await names() == ["Mallory", "Carol Meyer"]
    assert await names(unread=True) == ["Mallory"]
    assert await names(name="carol") == await names(name="+1650") == ["Carol Meyer"]
    assert await names(limit=1, start=1) == ["Carol Meyer"]


async def test_a_chat_is_read_backwards_page_by_page(desk: Desk) -> None:
    for number in range(5):
        await desk.written(f"number {number}", ago=60 - number)
    chat, seen, before = await desk.chat(), list[str](), None
    for _ in range(3):
        page = await desk.house.call("chats_read", chat=chat, limit=2, before=before)
        seen = [each["text"]["text"] for each in page["messages"]] + seen
        before = page["messages"][0]["id"]
    assert seen == [f"number {number}" for number in range(5)]
    assert page["earlier"] is False


@pytest.mark.parametrize("query", ["friday", "FRI", "carol friday", "Möve-in", "move in"])
async def test_messages_are_found_by_the_beginnings_of_words(desk: Desk, query: str) -> None:
    await desk.written("May I move-in on Friday?")
    (found,) = (await desk.house.call("messages_search", query=query))["messages"]
    assert (found["name"]["text"], found["excerpt"]["text"]) == ("Carol Meyer", "May I move-in on Friday?")


@pytest.mark.parametrize("query", ['"', "*", "NEAR(", "who:", "a OR b", '" OR who:x "', "(", "-", "^"])
async def test_what_is_no_word_searches_nothing_and_breaks_nothing(desk: Desk, query: str) -> None:
    await desk.written("May I move in on Friday?")
    try:
        found = await desk.house.call("messages_search", query=query)
    except InvalidRequest:
        return
    assert found["messages"] == []


@pytest.mark.parametrize("wanted", ["999", "../1", "1 OR 1=1", "-1", "", "9" * 30])
async def test_an_id_that_is_none_leads_nowhere(desk: Desk, wanted: str) -> None:
    await desk.written()
    for tool, name in (("chats_read", "chat"), ("media_read", "message"), ("windows_read", "chat")):
        with pytest.raises((NotFound, InvalidRequest)):
            await desk.house.call(tool, **{name: wanted})
    assert desk.meta.asked == []


# --- more than one account --------------------------------------------------------------------------------------------


async def test_a_second_number_sees_nothing_of_the_first(desk: Desk) -> None:
    message = await desk.written("for the first alone")
    chat, first = await desk.chat(), desk.house.account
    desk.house.account = first.model_copy(update={"account": "f" * 32, "name": "Second"})
    assert (await desk.house.call("chats_list"))["chats"] == []
    assert (await desk.house.call("messages_search", query="first"))["messages"] == []
    for tool, given in (
        ("chats_read", {"chat": chat}), ("media_read", {"message": message["id"]}),
        ("messages_send", {"chat": chat, "text": "x"}), ("contacts_block", {"chat": chat}),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await desk.house.call(tool, **given)
    await desk.written("for both")
    desk.house.account = first
    assert [each["text"]["text"] for each in await desk.read()] == ["for the first alone"]


async def test_removing_the_account_leaves_nothing_of_it_and_all_of_another(desk: Desk) -> None:
    await desk.written("planted one")
    await desk.house.call("messages_send", chat=await desk.chat(), text="planted two")
    await desk.house.call("drafts_create", chat=await desk.chat(), text="planted three")
    desk.meta.template("planted", "planted four")
    await desk.sync()
    first = desk.house.account
    desk.house.account = first.model_copy(update={"account": "f" * 32})
    await desk.written("stays")
    desk.house.account = first
    ctx = CallContext.within(10, now=desk.now(), user=desk.house.user).signed(grant=desk.house.account_grant())
    query = AccountQuery(user=desk.house.user, account=first.account)
    await desk.house.agent.request(subjects.account("whatsapp", "detach"), query, Done, ctx)
    async with desk.house.runner.stores.use(desk.house.user) as store:
        left = await store.read(
            lambda c: [
                (table, str(row))
                for (table,) in c.execute(
                    text("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'wa\\_%' ESCAPE '\\'")
                )
                if "search" not in table
                for row in c.execute(text(f"SELECT * FROM {table}"))
            ]
        )
    assert "planted" not in str(left)
    assert first.account not in str(left)
    assert "stays" in str(left)


# --- nothing leaks ----------------------------------------------------------------------------------------------------


async def test_no_secret_is_in_any_answer_or_in_the_store_in_the_clear(desk: Desk, tmp_path: Path) -> None:
    await desk.written("a planted word")
    desk.meta.faults.append(Fault("/messages", 400, b'{"error": {"code": 100, "message": "EAA-not-a-real-token"}}'))
    with pytest.raises(InvalidRequest) as refused:
        await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    assert WhatsAppPeer.token not in str(refused.value.message) + str(refused.value.details)
    kept = await asyncio.to_thread(_bytes_below, tmp_path)
    for planted in (WhatsAppPeer.token, WhatsAppPeer.app_secret, "a planted word"):
        assert planted.encode() not in kept


def _bytes_below(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())


def test_the_tools_ask_nobody_before_the_act() -> None:
    acting = [tool for tool in connector.tools.values() if tool.effect != "read"]
    assert all(tool.previewer is not None for tool in acting)
