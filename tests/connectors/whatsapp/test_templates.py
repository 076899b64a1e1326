"""Templates: how they read, what they want, and that they reach whom nothing else reaches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.whatsapp import templating
from connectors.whatsapp.chats import Template
from openassistant.errors import InvalidRequest, NotFound
from tests.connectors.whatsapp.conftest import Desk

NAMED: dict[str, Any] = {
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Dear {{first_name}}"},
        {"type": "BODY", "text": "The room is ready on {{day}} at {{ time }}. See you, {{day}}!"},
        {"type": "FOOTER", "text": "Main St 1"},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Fine"},
            {"type": "URL", "text": "See", "url": "https://home.example/r/{{1}}"},
        ]},
    ]
}  # fmt: skip
VALUES = {"header.first_name": "Carol", "body.day": "Friday", "body.time": "noon", "button.1": "a7"}


async def sent(desk: Desk) -> dict[str, Any]:
    return next(each.body for each in desk.meta.asked if each.path.endswith("/messages"))


async def test_a_template_shows_how_it_reads_and_what_it_wants(desk: Desk) -> None:
    desk.meta.template("room_ready", "", **NAMED)
    await desk.sync()
    (found,) = (await desk.house.call("templates_list", name="ROOM"))["templates"]
    assert found["values"] == ["header.first_name", "body.day", "body.time", "button.1"]
    assert found["text"].startswith("Dear {{first_name}}\n\nThe room is ready on {{day}}")
    assert (found["category"], found["status"], found["note"]) == ("utility", "approved", "")


async def test_a_template_reaches_somebody_after_the_window(desk: Desk) -> None:
    await desk.written(ago=30 * 3600)
    desk.meta.template("room_ready", "The room is ready on {{1}}.")
    await desk.sync()
    given = {"template": "room_ready", "chat": await desk.chat(), "values": {"body.1": "Friday"}}
    preview = await desk.house.preview("templates_send", **given)
    assert preview.content == "The room is ready on Friday."
    assert any("charges" in each for each in preview.warnings)
    await desk.house.call("templates_send", **given)
    assert (await sent(desk))["template"] == {
        "name": "room_ready", "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Friday"}]}],
    }  # fmt: skip
    assert [each["text"] for each in await desk.read() if each["from_you"]] == ["The room is ready on Friday."]


async def test_a_number_that_never_wrote_gets_a_chat_when_it_was_sent(desk: Desk) -> None:
    desk.meta.template("hello_world", "Hello")
    await desk.sync()
    given = {"template": "hello_world", "to": "+16505559999"}
    preview = await desk.house.preview("templates_send", **given)
    assert any("consent" in each for each in preview.warnings)
    assert (await desk.house.call("chats_list"))["chats"] == []
    result = await desk.house.call("templates_send", **given)
    assert result["to"] == "+16505559999"
    (found,) = (await desk.house.call("chats_list"))["chats"]
    assert (found["phone"], found["from_you"], found["window"]["open"]) == ("+16505559999", True, False)


async def test_names_places_and_buttons_go_where_they_belong() -> None:
    template = Template("1", "room_ready", "en_US", "UTILITY", "APPROVED", NAMED["components"])
    filled = templating.fill(template, VALUES)
    assert filled.text == (
        "Dear Carol\n\nThe room is ready on Friday at noon. See you, Friday!\n\nMain St 1\n\n"
        "[Fine]\n[See] https://home.example/r/a7"
    )
    assert filled.components == [
        {"type": "header", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Carol"}]},
        {"type": "body", "parameters": [
            {"type": "text", "parameter_name": "day", "text": "Friday"},
            {"type": "text", "parameter_name": "time", "text": "noon"},
        ]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "a7"}]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [{}, {**VALUES, "body.more": "x"}, {**VALUES, "body.day": ""}, {**VALUES, "body.day": "a\nb"},
     {**VALUES, "body.day": "a     b"}, {**VALUES, "body.day": "x" * 1025}, {"body.1": "x"}],
)  # fmt: skip
async def test_values_that_meta_would_refuse_are_refused_before_anybody_is_asked(
    desk: Desk, values: dict[str, str]
) -> None:
    desk.meta.template("room_ready", "", **NAMED)
    await desk.sync()
    with pytest.raises(InvalidRequest):
        await desk.house.preview("templates_send", template="room_ready", to="+16505559999", values=values)


async def test_a_value_is_put_in_once_and_no_place_inside_it_is_filled() -> None:
    template = Template("1", "t", "en", "UTILITY", "APPROVED", [{"type": "BODY", "text": "{{1}} {{2}}"}])
    assert templating.fill(template, {"body.1": "{{2}}", "body.2": "x"}).text == "{{2}} x"


@pytest.mark.parametrize(
    "more",
    [{"status": "PAUSED"}, {"status": "REJECTED"}, {"category": "AUTHENTICATION"},
     {"components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "x"}]},
     {"components": [{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": [{"type": "FLOW", "text": "y"}]}]}],
)  # fmt: skip
async def test_a_template_that_cannot_be_sent_from_here_says_so(desk: Desk, more: dict[str, Any]) -> None:
    desk.meta.template("odd", "x", **more)
    await desk.sync()
    (found,) = (await desk.house.call("templates_list"))["templates"]
    assert found["note"]
    with pytest.raises(InvalidRequest):
        await desk.house.preview("templates_send", template="odd", to="+16505559999")


async def test_where_there_are_two_languages_one_has_to_be_named(desk: Desk) -> None:
    desk.meta.template("hello", "Hello")
    desk.meta.template("hello", "Hallo", language="de")
    await desk.sync()
    with pytest.raises(InvalidRequest, match="de, en_US"):
        await desk.house.preview("templates_send", template="hello", to="+16505559999")
    shown = await desk.house.preview("templates_send", template="hello", language="de", to="+16505559999")
    assert shown.content == "Hallo"


@pytest.mark.parametrize("given", [{}, {"chat": "1", "to": "+16505559999"}])
async def test_a_template_goes_to_one_place(desk: Desk, given: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="a chat, or a number"):
        await desk.house.preview("templates_send", template="hello", **given)


@pytest.mark.parametrize("to", ["16505559999", "+1", "+1650/../x", "+0123456789", "+1650555999?x=1"])
async def test_only_a_number_is_a_number(desk: Desk, to: str) -> None:
    with pytest.raises(InvalidRequest):
        await desk.house.preview("templates_send", template="hello", to=to)


async def test_a_template_that_meta_pauses_is_known_at_once(desk: Desk) -> None:
    made = desk.meta.template("hello", "Hello")
    await desk.sync()
    told = {"event": "PAUSED", "message_template_id": int(made["id"]), "message_template_name": "hello"}
    await desk.hear(desk.meta.push(told, field="message_template_status_update"))
    with pytest.raises(InvalidRequest, match="paused"):
        await desk.house.preview("templates_send", template="hello", to="+16505559999")


async def test_templates_that_are_gone_at_meta_are_gone_here(desk: Desk) -> None:
    desk.meta.template("hello", "Hello")
    await desk.sync()
    desk.meta.templates.clear()
    desk.later = timedelta(minutes=30)
    await desk.sync()
    with pytest.raises(NotFound):
        await desk.house.preview("templates_send", template="hello", to="+16505559999")


async def test_all_pages_are_read_by_cursor_and_the_link_with_the_token_is_not_followed(desk: Desk) -> None:
    for number in range(25):
        desk.meta.template(f"t_{number:02}", "x")
    desk.meta.page = 10
    desk.meta.next_link = "https://elsewhere.example/steal"
    assert (await desk.sync()).problem is None
    assert len((await desk.house.call("templates_list"))["templates"]) == 25
    asked = [each for each in desk.meta.asked if each.path.endswith("/message_templates")]
    assert [each.query.get("after") for each in asked] == [None, ["10"], ["20"]]
    assert all("access_token" not in each.query for each in asked)
