"""Outlook mails are filed and marked, and all of it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import InvalidRequest, NotFound
from tests.connectors.outlook_mail.conftest import CAROL, Desk


def folder(read: Desk, subject: str) -> str:
    """The name of the folder in which a mail lies on the server."""
    [found] = [each for each in read.box.messages.values() if each.values["subject"] == subject]
    return read.box.folders[found.folder].name


def values(read: Desk, subject: str) -> dict[str, Any]:
    [found] = [each for each in read.box.messages.values() if each.values["subject"] == subject]
    return found.values


@pytest.mark.parametrize(
    ("tool", "given", "into"),
    [
        ("messages_move", {"folder": "projects/boat"}, "Boat"),
        ("messages_archive", {}, "Archive"),
        ("messages_junk", {}, "Junk Email"),
        ("messages_trash", {}, "Deleted Items"),
    ],
)
async def test_mails_are_moved_and_taken_back(read: Desk, tool: str, given: dict[str, str], into: str) -> None:
    ids = [await read.mail("Lease"), await read.mail("Sails")]
    call = read.house.make(tool, messages=ids, **given)
    done = (await read.house.send(call)).content
    assert [(each["message"], each["came_from"]) for each in done["mails"]] == [
        (ids[0], "Inbox"), (ids[1], "Projects/Boat"),
    ]  # fmt: skip
    assert (folder(read, "Lease"), folder(read, "Sails")) == (into, into)
    await read.sync()
    assert await read.mail("Lease", done["folder"]) == ids[0]
    await read.house.call("actions_undo", action=call.id)
    assert (folder(read, "Lease"), folder(read, "Sails")) == ("Inbox", "Boat")
    assert await read.mail("Lease", "inbox") == ids[0]


async def test_a_move_is_shown_with_what_moves_and_where(read: Desk) -> None:
    lease, sails = await read.mail("Lease"), await read.mail("Sails")
    shown = await read.house.preview("messages_trash", messages=[lease])
    assert shown.verb == "Put into the trash: a mail"
    assert {each.label: each.value for each in shown.fields} == {
        "Mail": "Lease", "Sender": f"Carol Meyer <{CAROL}>", "Out of": "Inbox", "Into": "Deleted Items",
    }  # fmt: skip
    several = await read.house.preview("messages_move", messages=[lease, sails, lease], folder="archive")
    assert several.verb == "Move 2 mails"
    assert several.content.count("\n") == 1
    with pytest.raises(NotFound, match="no folder"):
        await read.house.preview("messages_move", messages=[lease], folder="../x")


async def test_marks_are_set_and_each_mail_gets_its_own_back(read: Desk) -> None:
    for each in read.box.messages.values():
        if each.values["subject"] == "Old news":
            read.box.change(each, {"categories": ["Blue category"], "flag": {"flagStatus": "flagged"}})
    await read.sync()
    ids = [await read.mail("Lease"), await read.mail("Old news")]
    call = read.house.make("messages_flag", messages=ids, read=True, starred=True, categories=["Red category"])
    done = (await read.house.send(call)).content
    assert [(each["was_read"], each["was_starred"], each["had_categories"]["text"]) for each in done["mails"]] == [
        (False, False, ""), (True, True, "Blue category"),
    ]  # fmt: skip
    assert await read.subjects("is:flagged") == ["Lease", "Old news"]
    assert values(read, "Lease")["categories"] == ["Red category"]
    await read.house.call("actions_undo", action=call.id)
    assert (values(read, "Lease")["isRead"], values(read, "Lease")["categories"]) == (False, [])
    assert values(read, "Old news")["categories"] == ["Blue category"]
    assert await read.subjects("is:flagged") == ["Old news"]


async def test_only_what_is_asked_for_is_marked(read: Desk) -> None:
    await read.house.call("messages_flag", messages=[await read.mail("Lease")], read=True)
    [asked] = [each.json for each in read.graph.asked if each.method == "PATCH"]
    assert asked == {"isRead": True}
    with pytest.raises(InvalidRequest, match="Say what to mark"):
        await read.house.preview("messages_flag", messages=[await read.mail("Lease")])


async def test_a_mail_that_is_gone_leaves_the_others_marked(read: Desk) -> None:
    ids = [await read.mail("Lease"), await read.mail("Minutes")]
    read.box.remove(next(each for each in read.box.messages.values() if each.values["subject"] == "Minutes"))
    done = await read.house.call("messages_flag", messages=ids, read=True)
    assert ([each["message"] for each in done["mails"]], "1 of these" in done["note"]) == (ids[:1], True)
    moved = await read.house.call("messages_archive", messages=ids)
    assert ([each["message"] for each in moved["mails"]], "1 of these" in moved["note"]) == (ids[:1], True)
    with pytest.raises(NotFound):
        await read.house.call("messages_archive", messages=ids[1:])


async def test_many_mails_are_moved_with_four_requests_at_once(read: Desk) -> None:
    for number in range(20):
        read.box.add(subject=f"Tea {number}", when=read.ago(minutes=number + 1))
    await read.sync()
    ids = [each["id"] for each in await read.search("subject:tea", limit=50)]
    read.graph.most_at_once = 0
    read.graph.fault("slow", "POST .*/move", times=20, seconds=0.03)
    done = await read.house.call("messages_archive", messages=ids)
    assert len(done["mails"]) == 20
    assert 1 < read.graph.most_at_once <= 4


async def test_what_was_moved_on_meanwhile_stays_there(read: Desk) -> None:
    call = read.house.make("messages_archive", messages=[await read.mail("Lease")])
    await read.house.send(call)
    await read.house.call("messages_move", messages=[await read.mail("Lease")], folder="Projects")
    await read.house.call("actions_undo", action=call.id)
    assert folder(read, "Lease") == "Projects"
