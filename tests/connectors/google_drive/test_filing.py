"""Names, places, copies and the trash: done, looked up in words, and taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tests.connectors.google_drive.conftest import Desk
from tests.peers.front import Passed

ACTS: list[tuple[str, dict[str, Any]]] = [
    ("files_rename", {"file": "1lease", "name": "Signed.txt"}),
    ("files_move", {"file": "1lease", "folder": "1folderOld"}),
    ("files_trash", {"files": ["1lease"]}),
    ("files_restore", {"files": ["1old"]}),
]


async def test_a_file_gets_another_name_and_its_old_one_back(read: Desk) -> None:
    done = await read.house.call("files_rename", file="1lease", name="Signed lease.txt")
    assert done["was"]["text"] == "Lease 2026.txt"
    assert await read.names("signed") == ["Signed lease.txt"]
    await read.house.call("actions_undo")
    assert (await read.file("1lease"))["name"] == "Lease 2026.txt"


async def test_a_name_that_changed_since_stays(read: Desk) -> None:
    await read.house.call("files_rename", file="1lease", name="Signed lease.txt")
    await read.other("PATCH", "drive/v3/files/1lease", json={"name": "Mine"})
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")
    assert (await read.file("1lease"))["name"] == "Mine"


async def test_a_file_is_moved_and_moved_back(read: Desk) -> None:
    done = await read.house.call("files_move", file="1lease", folder="1folderOld")
    assert (done["was_in"], done["folder"]) == ("1folderFlat", "1folderOld")
    assert (await read.file("1lease"))["parents"] == ["1folderOld"]
    await read.house.call("actions_undo")
    assert (await read.file("1lease"))["parents"] == ["1folderFlat"]


async def test_a_file_whose_old_folder_is_gone_stays_where_it_is(read: Desk) -> None:
    await read.house.call("files_move", file="1lease", folder="root")
    await read.other("PATCH", "drive/v3/files/1folderFlat", json={"trashed": True})
    with pytest.raises(NotFound, match="trash"):
        await read.house.call("actions_undo")


async def test_moving_to_where_it_lies_changes_nothing(read: Desk) -> None:
    await read.house.call("files_move", file="1lease", folder="1folderFlat")
    assert not read.asked("PATCH")


@pytest.mark.parametrize("into", ["1folderFlat", "1folderOld"])
async def test_a_folder_is_not_moved_into_itself(read: Desk, into: str) -> None:
    with pytest.raises(InvalidRequest, match="into itself"):
        await read.house.call("files_move", file="1folderFlat", folder=into)
    assert not read.asked("PATCH")


async def test_a_copy_is_made_and_taken_back(read: Desk) -> None:
    done = await read.house.call("files_copy", file="1lease", name="Lease copy.txt", folder="1folderOld")
    held = await read.file(done["file"]["id"])
    assert (held["name"], held["content"], held["parents"]) == (
        "Lease copy.txt",
        "The lease ends on 31 March.",
        ["1folderOld"],
    )
    await read.house.call("actions_undo")
    assert (await read.file(done["file"]["id"]))["trashed"] is True
    assert (await read.file("1lease"))["trashed"] is False


async def test_a_google_document_is_copied_too(read: Desk) -> None:
    done = await read.house.call("files_copy", file="1letter")
    assert done["file"]["kind"] == "Google document"
    assert not read.asked("GET", "generateIds")


async def test_a_folder_is_not_copied(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="cannot be copied"):
        await read.house.call("files_copy", file="1folderFlat")


async def test_several_files_go_into_the_trash_and_come_back(read: Desk) -> None:
    done = await read.house.call("files_trash", files=["1lease", "1scan", "1gone", "1old"])
    assert {each["id"] for each in done["files"]} == {"1lease", "1scan", "1old"}
    assert "1 of 4" in done["note"]
    await read.house.call("actions_undo")
    assert [(await read.file(each))["trashed"] for each in ("1lease", "1scan", "1old")] == [False, False, True]


async def test_a_file_comes_out_of_the_trash_and_goes_back(read: Desk) -> None:
    await read.house.call("files_restore", files=["1old"])
    assert (await read.file("1old"))["trashed"] is False
    await read.house.call("actions_undo")
    assert (await read.file("1old"))["trashed"] is True


async def test_what_belongs_to_others_is_not_thrown_away(read: Desk) -> None:
    with pytest.raises(Conflict, match="seen_by_others"):
        await read.house.call("files_trash", files=["1notes"])
    with pytest.raises(Forbidden, match="does not let"):
        await read.house.call("files_trash", files=["1notes"], seen_by_others=True)


async def test_nothing_but_files_that_are_gone_is_said_to_be(read: Desk) -> None:
    with pytest.raises(NotFound, match="None of these"):
        await read.house.call("files_trash", files=["1gone", "1away"])


async def test_shared_drives_are_asked_for_in_every_request(read: Desk) -> None:
    for tool, arguments in ACTS:
        await read.house.call(tool, **arguments)
    asked = [each for each in read.front.seen if "/drive/v3/files" in each.path and "generateIds" not in each.path]
    assert asked
    assert all("supportsAllDrives=true" in each.path for each in asked)


async def test_what_lies_in_a_shared_drive_is_seen_by_others(read: Desk) -> None:
    read.front.described = {"1lease": {"driveId": "0shared", "ownedByMe": False}}
    with pytest.raises(Conflict, match="seen_by_others"):
        await read.house.call("files_rename", file="1lease", name="x.txt")


@pytest.mark.parametrize(("tool", "arguments"), ACTS)
async def test_previews_name_the_file_and_stay_the_same(read: Desk, tool: str, arguments: dict[str, Any]) -> None:
    shown = await read.house.preview(tool, **arguments)
    assert shown == await read.house.preview(tool, **arguments)
    assert "ease" in shown.fields[0].value
    assert "Flat" in shown.fields[0].value
    assert shown.account == "ada@home.example"
    assert not read.front.seen


async def test_the_trash_says_what_goes_with_a_folder(read: Desk) -> None:
    shown = await read.house.preview("files_trash", files=["1folderFlat"])
    assert any("3 files and folders" in each for each in shown.warnings)


async def test_names_of_others_are_marked_in_a_preview(read: Desk) -> None:
    shown = await read.house.preview("files_rename", file="1notes", name="x.txt", seen_by_others=True)
    assert any("carol@home.example" in each.authors for each in shown.outside)


async def test_a_trash_that_broke_off_half_way_is_carried_on(read: Desk) -> None:
    read.break_off("PATCH", "/files/1lease")
    done = await read.house.call("files_trash", files=["1lease", "1scan"])
    assert {each["id"] for each in done["files"]} == {"1lease", "1scan"}
    assert [(await read.file(each))["trashed"] for each in ("1lease", "1scan")] == [True, True]


async def test_a_cut_answer_after_the_act_is_looked_up(read: Desk) -> None:
    left = [1]

    def cut(passed: Passed) -> Passed:
        if passed.method == "PATCH" and left[0]:
            left[0] -= 1
            return replace(passed, answered=passed.answered[:20])
        return passed

    read.front.change = cut
    done = await read.house.call("files_rename", file="1lease", name="Signed.txt")
    assert done["file"]["name"]["text"] == "Signed.txt"
    assert len(read.asked("PATCH")) == 1
