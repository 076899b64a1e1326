"""Names, places, copies and the recycle bin: done, looked up in words, and taken back where that is possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.onedrive import drive
from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound
from openassistant.messages import Effect
from tests.connectors.onedrive.conftest import FILES, Desk
from tests.peers.front import Passed

pytestmark = pytest.mark.slow

ACTS: list[tuple[str, dict[str, Any]]] = [
    ("files_rename", {"file": "lease", "name": "Signed.txt"}),
    ("files_move", {"file": "lease", "folder": "old"}),
    ("files_copy", {"file": "lease"}),
    ("files_trash", {"files": ["lease"]}),
    ("files_restore", {"files": ["lease"]}),
]


async def test_a_file_gets_another_name_and_its_old_one_back(read: Desk) -> None:
    done = await read.house.call("files_rename", file="lease", name="Signed lease.txt")
    assert done["was"]["text"] == "Lease 2026.txt"
    assert await read.names("signed") == ["Signed lease.txt"]
    await read.house.call("actions_undo")
    assert (await read.held())["lease"]["name"] == "Lease 2026.txt"


async def test_a_name_that_changed_since_stays(read: Desk) -> None:
    await read.house.call("files_rename", file="lease", name="Signed lease.txt")
    await read.other("PATCH", "items/lease", json={"name": "Mine"})
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")


async def test_a_name_that_is_taken_is_not_given(read: Desk) -> None:
    await read.house.call("files_upload", name="Taken.txt", text="x", folder="flat")
    with pytest.raises(Conflict, match="already"):
        await read.house.call("files_rename", file="lease", name="Taken.txt")
    assert (await read.held())["lease"]["name"] == "Lease 2026.txt"


async def test_a_file_is_moved_and_moved_back(read: Desk) -> None:
    done = await read.house.call("files_move", file="lease", folder="old")
    assert (done["was_in"], done["folder"]) == ("flat", "old")
    assert (await read.held())["lease"]["parentReference"]["id"] == "old"
    await read.house.call("actions_undo")
    assert (await read.held())["lease"]["parentReference"]["id"] == "flat"


async def test_a_file_is_moved_to_the_top_by_its_real_id(read: Desk) -> None:
    done = await read.house.call("files_move", file="lease", folder="root")
    assert done["folder"] == "root"
    assert (await read.held())["lease"]["parentReference"]["id"] == "root"


async def test_moving_to_where_it_lies_changes_nothing(read: Desk) -> None:
    await read.house.call("files_move", file="lease", folder="flat")
    assert not read.asked("PATCH")


@pytest.mark.parametrize("tool", ["files_move", "files_copy"])
@pytest.mark.parametrize("into", ["flat", "old"])
async def test_a_folder_is_not_put_into_itself(read: Desk, tool: str, into: str) -> None:
    with pytest.raises(InvalidRequest, match="into itself"):
        await read.house.call(tool, file="flat", folder=into)
    assert not read.asked("PATCH") + read.asked("POST")


async def test_the_drive_as_a_whole_is_not_filed(read: Desk) -> None:
    for tool, arguments in ACTS[:3]:
        with pytest.raises(InvalidRequest, match="whole"):
            await read.house.call(tool, **{**arguments, "file": "root"})
    with pytest.raises(InvalidRequest, match="whole"):
        await read.house.call("files_trash", files=["root"], without_undo=True)


async def test_a_copy_is_waited_for_and_taken_back(read: Desk) -> None:
    read.front.copying = 3
    done = await read.house.call("files_copy", file="lease", name="Lease copy.txt", folder="old")
    assert await read.content(done["file"]["id"]) == FILES["lease"][2]
    watched = read.asked("GET", "/monitor/")
    assert len(watched) == 4
    assert all("authorization" not in {name.lower() for name in each.headers} for each in watched)
    await read.house.call("actions_undo")
    assert await read.gone(done["file"]["id"])
    assert not await read.gone("lease")


async def test_a_copy_has_a_name_of_its_own(read: Desk) -> None:
    done = await read.house.call("files_copy", file="lease", folder="flat")
    assert done["file"]["name"]["text"] == "Lease 2026 - Copy.txt"
    with pytest.raises(Conflict, match="already"):
        await read.house.call("files_copy", file="lease", folder="flat")


async def test_a_copy_that_takes_long_is_said_to(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "_LONGEST_WAIT", 0.03)
    read.front.copying = 1000
    done = await read.house.call("files_copy", file="lease", name="Slow.txt")
    assert done["file"] is None
    assert "still copying" in done["note"]
    await read.house.call("actions_undo")
    assert await read.named("Slow.txt") == []


async def test_a_copy_that_fails_is_said_to(read: Desk) -> None:
    def fail(passed: Passed) -> Passed:
        body = b'{"status": "failed", "error": {"code": "generalException", "message": "IGNORE"}}'
        return replace(passed, answered=body, status=200) if "/monitor/" in passed.path else passed

    read.front.change = fail
    with pytest.raises(Conflict, match="could not") as error:
        await read.house.call("files_copy", file="lease", name="Slow.txt")
    assert "IGNORE" not in str(error.value)


@pytest.mark.parametrize("url", ["https://evil.example/monitor", "http://127.0.0.2:9/x", "nonsense"])
async def test_a_copy_is_not_watched_at_another_host(read: Desk, url: str) -> None:
    def lure(passed: Passed) -> Passed:
        return replace(passed, headers={"Location": url}) if passed.path.split("?")[0].endswith("/copy") else passed

    read.front.change = lure
    done = await read.house.call("files_copy", file="lease", name="Here.txt")
    assert done["file"]["name"]["text"] == "Here.txt"


async def test_files_go_into_the_recycle_bin_and_come_back(read: Desk) -> None:
    done = await read.house.call("files_trash", files=["lease", "scan", "nothing"])
    assert {each["id"] for each in done["files"]} == {"lease", "scan"}
    assert "1 of 3" in done["note"]
    assert await read.gone("lease")
    assert await read.names("lease") == ["Old lease.txt"]
    assert await read.names("lease", trashed=True) == ["Lease 2026.txt"]
    await read.house.call("actions_undo")
    assert await read.content("lease") == FILES["lease"][2]
    assert "Lease 2026.txt" in await read.names("lease")


async def test_a_file_comes_out_of_the_recycle_bin_and_goes_back(read: Desk) -> None:
    await read.house.call("files_trash", files=["lease"])
    await read.house.call("files_restore", files=["lease"])
    assert await read.content("lease") == FILES["lease"][2]
    await read.house.call("actions_undo")
    assert await read.gone("lease")


async def test_what_no_app_can_bring_back_is_a_deletion(read: Desk) -> None:
    read.front.kind = "business"
    with pytest.raises(Conflict, match="without_undo=true"):
        await read.house.call("files_trash", files=["lease"])
    assert not await read.gone("lease")
    call = read.make("files_trash", files=["lease"], without_undo=True)
    assert read.house.connector.tools["files_trash"].effect_for(call.arguments) is Effect.DELETE
    done = (await read.house.send(call)).content
    assert "recycle bin" in done["note"]
    with pytest.raises(InvalidRequest, match="does not do that"):
        await read.house.call("actions_undo", action=call.id)
    assert await read.gone("lease")


async def test_without_the_permission_to_restore_a_deletion_is_one_too(read: Desk) -> None:
    read.allow("read", "write")
    with pytest.raises(Conflict, match="without_undo=true"):
        await read.house.call("files_trash", files=["lease"])
    call = read.make("files_trash", files=["lease"], without_undo=True)
    await read.house.send(call)
    with pytest.raises(Conflict, match="recycle bin"):
        await read.house.call("actions_undo", action=call.id)


async def test_nothing_is_restored_for_an_account_of_work(desk: Desk) -> None:
    desk.front.kind = "business"
    await desk.sync()
    with pytest.raises(InvalidRequest, match="work or school"):
        await desk.house.call("files_restore", files=["lease"])
    assert not desk.asked("POST", "/restore")


async def test_what_the_recycle_bin_has_not_any_more_is_said_to_be_gone(read: Desk) -> None:
    with pytest.raises(NotFound):
        await read.house.call("files_restore", files=["nothing"])


async def test_what_others_see_is_not_thrown_away_unasked(read: Desk) -> None:
    with pytest.raises(Conflict, match="seen_by_others"):
        await read.house.call("files_trash", files=["minutes"])
    for tool, more in (
        ("files_rename", {"file": "minutes", "name": "x"}),
        ("files_move", {"file": "lease", "folder": "club"}),
    ):
        with pytest.raises(Conflict, match="seen_by_others"):
            await read.house.call(tool, **more)
    with pytest.raises(Conflict, match="seen_by_others"):
        await read.house.call("files_copy", file="lease", folder="club")


async def test_a_file_that_may_not_be_deleted_is_said_to_be(read: Desk) -> None:
    read.refuse("DELETE", "/items/", 403, "accessDenied")
    with pytest.raises(Forbidden):
        await read.house.call("files_trash", files=["lease"])


@pytest.mark.parametrize(("tool", "arguments"), ACTS)
async def test_previews_name_the_file_and_stay_the_same(read: Desk, tool: str, arguments: dict[str, Any]) -> None:
    shown = await read.house.preview(tool, **arguments)
    assert shown == await read.house.preview(tool, **arguments)
    assert "Lease 2026.txt" in shown.fields[0].value
    assert "OneDrive / Flat" in shown.fields[0].value
    assert shown.account == "ada@home.example"
    assert not read.front.seen


async def test_the_preview_of_a_deletion_says_what_goes_and_that_it_does_not_come_back(read: Desk) -> None:
    shown = await read.house.preview("files_trash", files=["flat", "club"], without_undo=True)
    assert any("3 files and folders" in each for each in shown.warnings)
    assert any("cannot be taken back" in each for each in shown.warnings)
    assert any("gone for them too" in each for each in shown.warnings)


async def test_a_deletion_that_broke_off_half_way_is_carried_on(read: Desk) -> None:
    read.break_off("DELETE", "/items/lease")
    done = await read.house.call("files_trash", files=["lease", "scan"])
    assert {each["id"] for each in done["files"]} == {"lease", "scan"}
    assert await read.gone("lease")
    assert await read.gone("scan")


async def test_a_cut_answer_after_the_act_is_looked_up(read: Desk) -> None:
    left = [1]

    def cut(passed: Passed) -> Passed:
        if passed.method == "PATCH" and left[0]:
            left[0] -= 1
            return replace(passed, answered=passed.answered[:20])
        return passed

    read.front.change = cut
    done = await read.house.call("files_rename", file="lease", name="Signed.txt")
    assert done["file"]["name"]["text"] == "Signed.txt"
    assert len(read.asked("PATCH")) == 1
