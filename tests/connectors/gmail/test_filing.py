"""Mails are filed at Gmail and here, and filed back."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import Conflict, InvalidRequest, NotFound
from tests.connectors.gmail.conftest import Desk

ACTS: list[tuple[str, dict[str, Any], set[str], set[str]]] = [
    ("messages_archive", {}, set(), {"INBOX"}),
    ("messages_flag", {"read": True, "starred": True}, {"STARRED"}, {"UNREAD"}),
    ("messages_label", {"add": ["flat"], "remove": ["inbox"]}, {"Label_1"}, {"INBOX"}),
    ("messages_trash", {}, {"TRASH"}, set()),
]


async def borne(read: Desk, message: str) -> set[str]:
    return {label for each in await read.box() if each["id"] == message for label in each["labelIds"]}


@pytest.mark.parametrize(("tool", "arguments", "added", "removed"), ACTS, ids=str)
async def test_a_mail_is_filed_and_filed_back(
    read: Desk, tool: str, arguments: dict[str, Any], added: set[str], removed: set[str]
) -> None:
    message = await read.id("The lease")
    before = await borne(read, message)
    shown = await read.house.preview(tool, messages=[message], **arguments)
    assert tuple(each.value for each in shown.fields[:2]) == ("The lease", "Carol Meyer <carol@home.example>")
    done = await read.house.call(tool, messages=[message], **arguments)
    assert done["mails"] == [{"message": message, "added": sorted(added), "removed": sorted(removed)}]
    assert await borne(read, message) == (before | added) - removed
    await read.house.call("actions_undo")
    assert await borne(read, message) == before


async def test_only_what_was_changed_is_changed_back(read: Desk) -> None:
    lease, dinner = await read.id("The lease"), await read.id("Dinner")
    await read.house.call("messages_flag", messages=[lease, dinner], read=True)
    await read.house.call("actions_undo")
    assert "UNREAD" in await borne(read, lease)
    assert "UNREAD" not in await borne(read, dinner)


async def test_the_mirror_knows_at_once(read: Desk) -> None:
    await read.house.call("messages_archive", messages=[await read.id("The lease")])
    assert (await read.found())["The lease"]["folder"] == "archive"


async def test_a_mail_comes_back_out_of_the_trash(read: Desk) -> None:
    message = await read.id("The lease")
    await read.house.call("messages_trash", messages=[message])
    await read.house.call("messages_restore", messages=[message])
    assert "TRASH" not in await borne(read, message)
    assert (await read.found())["The lease"]["folder"] == "inbox"


async def test_mails_that_are_gone_are_told_of(read: Desk) -> None:
    lease, dinner = await read.id("The lease"), await read.id("Dinner")
    read.front.deleted = [dinner]
    done = await read.house.call("messages_archive", messages=[lease, dinner])
    assert [each["message"] for each in done["mails"]] == [lease]
    assert "1 of these mails" in done["note"]
    read.front.deleted = [lease, dinner]
    with pytest.raises(NotFound, match="None of these"):
        await read.house.call("messages_archive", messages=[lease])


@pytest.mark.parametrize("label", ["trash", "spam", "sent", "draft"])
async def test_labels_of_gmails_own_are_left_to_gmail(read: Desk, label: str) -> None:
    with pytest.raises(InvalidRequest, match="Gmail's own"):
        await read.house.preview("messages_label", messages=[await read.id("The lease")], add=[label])


async def test_a_label_that_there_is_not_is_said_not_to_be(read: Desk) -> None:
    with pytest.raises(NotFound, match="labels_list"):
        await read.house.preview("messages_label", messages=[await read.id("The lease")], add=["Garden"])


async def test_an_unknown_mail_is_not_filed_blindly(read: Desk) -> None:
    with pytest.raises(NotFound, match="messages_search"):
        await read.house.preview("messages_trash", messages=["feedfeed"])


async def test_a_label_is_made_borne_and_taken_back(read: Desk) -> None:
    made = await read.house.call("labels_create", name="Flat/Lease")
    assert made["name"]["text"] == "Flat/Lease"
    message = await read.id("The lease")
    await read.house.call("messages_label", messages=[message], add=["Flat/Lease"])
    assert made["id"] in await borne(read, message)
    assert (await read.found())["The lease"]["labels"]["text"] == "Flat/Lease"


async def test_a_label_is_taken_back_unless_mails_bear_it(read: Desk) -> None:
    await read.house.call("labels_create", name="Garden")
    await read.house.call("actions_undo")
    names = [each["name"]["text"] for each in (await read.house.call("labels_list"))["labels"]]
    assert "Garden" not in names


@pytest.mark.parametrize("name", ["flat", "FLAT"])
async def test_no_label_is_made_twice(read: Desk, name: str) -> None:
    with pytest.raises(Conflict, match="already"):
        await read.house.call("labels_create", name=name)


@pytest.mark.parametrize("name", ["a\nb", "/", "a//b", " "])
async def test_a_label_needs_a_name(read: Desk, name: str) -> None:
    with pytest.raises(InvalidRequest):
        await read.house.preview("labels_create", name=name)


async def test_a_filing_that_broke_off_half_way_is_carried_on(read: Desk) -> None:
    messages = [await read.id("The lease"), await read.id("Dinner")]
    read.break_off("POST", "/modify")
    done = await read.house.call("messages_archive", messages=messages)
    assert {each["message"] for each in done["mails"]} == set(messages)
    for each in messages:
        assert "INBOX" not in await borne(read, each)
