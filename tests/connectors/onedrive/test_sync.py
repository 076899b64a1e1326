"""The mirror follows the drive: everything at first, then what changed, also after a stop or a dropped list."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from connectors.onedrive import sync
from openassistant.connector import Context
from tests.connectors.onedrive.conftest import CAROL, Desk
from tests.peers.front import Passed

pytestmark = pytest.mark.slow
ALL = {"Flat", "Old contracts", "Club", "Lease 2026.txt", "Old lease.txt", "Minutes.txt", "scan_of-passport.bin"}


async def changes(desk: Desk) -> dict[str, str]:
    listed = await desk.house.call("changes_list")
    return {each["name"]["text"]: each["what"] for each in listed["changes"]}


async def test_the_first_pass_brings_all_names(desk: Desk) -> None:
    progress = await desk.sync()
    assert progress.state == "idle"
    assert progress.done == progress.total == 7
    assert set(await desk.names()) == ALL
    assert await changes(desk) == {}


async def test_a_later_pass_asks_for_changes_alone(read: Desk) -> None:
    await read.other("POST", "items/flat/children", json={"id": "new", "name": "New.txt", "file": {}})
    await read.other("PATCH", "items/lease", json={"name": "Lease 2027.txt"})
    await read.other("DELETE", "items/scan")
    read.front.seen.clear()
    await read.sync()
    asked = read.asked("GET", "delta")
    assert asked
    assert all("token=" in each.path for each in asked)
    assert await read.names("lease 2027") == ["Lease 2027.txt"]
    assert await read.names("passport") == []
    assert await read.names("passport", trashed=True) == ["scan_of-passport.bin"]
    assert await changes(read) == {"New.txt": "made", "Lease 2027.txt": "changed", "scan_of-passport.bin": "deleted"}


async def test_what_lies_in_a_folder_goes_with_it_unless_it_was_moved_out(read: Desk) -> None:
    await read.other("PATCH", "items/lease", json={"parentReference": {"id": "root"}})
    await read.other("DELETE", "items/flat")
    await read.sync()
    assert set(await read.names()) == ALL - {"Flat", "Old contracts", "Old lease.txt"}
    assert await changes(read) == {
        "Flat": "deleted",
        "Old contracts": "deleted",
        "Old lease.txt": "deleted",
        "Lease 2026.txt": "changed",
    }


async def test_what_came_back_is_restored(read: Desk) -> None:
    await read.house.call("files_trash", files=["lease"])
    await read.sync()
    await read.house.call("actions_undo")
    await read.sync()
    assert "Lease 2026.txt" in await read.names("lease")


async def test_what_no_recycle_bin_has_any_more_is_forgotten(read: Desk) -> None:
    await read.other("DELETE", "items/scan")
    await read.sync()
    read.later += timedelta(days=94)
    await read.sync()
    assert await read.names("passport", trashed=True) == []


async def test_changes_come_page_by_page(read: Desk) -> None:
    read.front.page = 2
    for number in range(5):
        await read.other("POST", "items/flat/children", json={"name": f"Page {number}", "file": {}})
    await read.sync()
    assert len(await read.names("page")) == 5


async def test_a_listing_that_was_stopped_goes_on_from_its_page(desk: Desk) -> None:
    desk.front.page = 3
    asked: list[str] = []

    def stop_at_third(passed: Passed) -> Passed:
        if "delta" in passed.path:
            asked.append(passed.path)
            if len(asked) in (3, 4, 5):
                return replace(passed, status=503, answered=b"away")
        return passed

    desk.front.change = stop_at_third
    progress = await desk.sync()
    assert progress.state == "failed"
    partly = await desk.names()
    assert 0 < len(partly) < 7
    note = (await desk.house.call("files_search"))["note"]
    assert "still being read" in note
    desk.front.plain()
    await desk.house.stop()
    await desk.house.start(desk.folder)
    await desk.sync()
    assert "skip=6" in desk.asked("GET", "delta")[0].path
    assert set(await desk.names()) == ALL


@pytest.mark.parametrize(
    ("status", "code"), [(410, "resyncRequired"), (410, ""), (404, "itemNotFound"), (400, "invalidRequest")]
)
async def test_a_list_that_microsoft_dropped_begins_anew(read: Desk, status: int, code: str) -> None:
    await read.other("DELETE", "items/scan")
    await read.other("POST", "items/flat/children", json={"name": "New.txt", "file": {}})
    refused = [1]

    def forget(passed: Passed) -> Passed:
        if "token=" in passed.path and refused[0]:
            refused[0] -= 1
            return replace(passed, status=status, answered=f'{{"error": {{"code": "{code}"}}}}'.encode())
        # A new list does not name what was deleted.
        if "delta" in passed.path:
            return replace(passed, answered=_without_deleted(passed.answered))
        return passed

    read.front.change = forget
    assert (await read.sync()).state == "idle"
    assert await read.names("passport") == []
    assert await read.names("new") == ["New.txt"]


def _without_deleted(body: bytes) -> bytes:
    found = json.loads(body)
    found["value"] = [each for each in found["value"] if "deleted" not in each]
    return json.dumps(found).encode()


@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, {}])
async def test_a_pause_that_microsoft_asks_for_is_kept(desk: Desk, headers: dict[str, str]) -> None:
    left = [2]

    def slow_down(passed: Passed) -> Passed:
        if "delta" in passed.path and left[0]:
            left[0] -= 1
            body = b'{"error": {"code": "activityLimitReached"}}'
            return replace(passed, status=429 if left[0] else 503, answered=body, headers=headers)
        return passed

    desk.front.change = slow_down
    assert (await desk.sync()).state == "idle"
    assert [each.status for each in desk.asked("GET", "delta")] == [429, 503, 200]


async def test_a_token_that_ended_is_renewed_in_the_middle(read: Desk) -> None:
    await read.other("POST", "items/flat/children", json={"name": "New.txt", "file": {}})
    read.connect("obviously-fake-token")

    def renew(passed: Passed) -> Passed:
        if passed.status == 401:
            read.house.connect("Ada's drive", read.settings, access_token=read.mock.token)
        return passed

    read.front.change = renew
    assert (await read.sync()).state == "idle"
    assert [each.status for each in read.asked("GET", "delta")] == [401, 200]
    assert await read.names("new") == ["New.txt"]


async def test_a_consent_that_ended_is_said_to_have(read: Desk) -> None:
    read.connect("obviously-fake-token")
    progress = await read.sync()
    assert progress.problem is not None
    assert progress.problem.code == "account_required"


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": [{"id": "x"',
        b"[]",
        b'{"value": []}',
        b'{"value": {"id": 1}, "@odata.deltaLink": 7}',
        b'{"value": [], "@odata.nextLink": "https://evil.example/v1.0/me/drive/root/delta?token=1"}',
        b'{"value": [], "@odata.deltaLink": "https://evil.example/v1.0/me/drive/root/delta?token=1"}',
    ],
)
async def test_an_answer_that_is_damaged_harms_nothing_that_is_known(read: Desk, body: bytes) -> None:
    def damage(passed: Passed) -> Passed:
        return replace(passed, answered=body) if "delta" in passed.path else passed

    read.front.change = damage
    progress = await read.sync()
    assert progress.state == "failed"
    assert progress.problem is not None
    assert "evil" not in progress.problem.message
    assert set(await read.names()) == ALL
    read.front.plain()
    assert (await read.sync()).state == "idle"
    assert "token=" in read.asked("GET", "delta")[0].path


async def test_lists_that_do_not_end_are_left(read: Desk) -> None:
    link = f"{read.front.url}v1.0/me/drive/root/delta?token=7"

    def circle(passed: Passed) -> Passed:
        body = f'{{"value": [], "@odata.nextLink": "{link}"}}'.encode()
        return replace(passed, answered=body) if "delta" in passed.path else passed

    read.front.change = circle
    progress = await read.sync()
    assert progress.problem is not None
    assert "does not end" in progress.problem.message


async def test_items_that_are_described_strangely_are_left_out_or_cut(desk: Desk) -> None:
    strange: dict[str, Any] = {
        "size": -1, "eTag": "a\r\nX: y", "webUrl": "javascript:alert(1)", "description": "d" * 100_000,
        "file": {"mimeType": 7, "hashes": []}, "parentReference": "no", "lastModifiedDateTime": "yesterday",
        "createdBy": [], "lastModifiedBy": {"user": "x"},
    }  # fmt: skip
    desk.front.described["scan"] = strange
    desk.front.described["minutes"] = {"id": "../../x"}
    assert (await desk.sync()).state == "idle"
    assert set(await desk.names()) == ALL - {"Minutes.txt"}
    [found] = (await desk.house.call("files_search", query="passport"))["files"]
    assert (found["size"], found["link"], found["editor"]) == (None, "", None)


async def test_a_drive_of_too_many_files_is_kept_in_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "_MOST_FILES", 4)
    desk.front.page = 2
    assert (await desk.sync()).state == "idle"
    found = await desk.house.call("files_search")
    assert 2 <= len(found["files"]) <= 4
    assert "more files than are kept" in found["note"]


async def test_the_own_folder_alone_is_followed_where_only_that_was_allowed(desk: Desk) -> None:
    desk.allow("save")
    await desk.house.call("files_upload", name="a.txt", text="one")
    assert (await desk.sync()).state == "idle"
    assert not desk.asked("GET", "/root/delta")
    desk.allow("save", "read")
    assert "Lease 2026.txt" not in await desk.names()
    assert (await desk.sync()).state == "idle"
    assert {"Lease 2026.txt", "a.txt"} <= set(await desk.names())


async def test_a_moved_address_begins_anew(read: Desk) -> None:
    async def strange(ctx: Context) -> None:
        def write(connection: Connection) -> None:
            connection.execute(text("UPDATE onedrive_accounts SET link = 'https://elsewhere.example/delta?token=1'"))

        await ctx.store.write(write)

    ctx = read.house.context(read.make("files_search"))
    async with read.house.runner.context(ctx, read.house.user, read.house.account.account) as context:
        await strange(context)
    assert (await read.sync()).state == "idle"
    assert "token=" not in read.asked("GET", "delta")[0].path


async def test_what_is_removed_leaves_nothing(read: Desk) -> None:
    await read.house.call("files_rename", file="lease", name="Signed.txt")
    ctx = read.house.context(read.make("files_search"))
    async with read.house.runner.context(ctx, read.house.user, read.house.account.account) as context:
        assert read.house.connector.forgetter is not None
        await read.house.connector.forgetter(context)

        def left(connection: Connection) -> dict[str, int]:
            tables = ("files", "changes", "acts", "accounts")
            counts = {each: text(f"SELECT count(*) FROM onedrive_{each}") for each in tables}
            return {name: int(connection.execute(query).scalar_one()) for name, query in counts.items()}

        assert set((await context.store.read(left)).values()) == {0}


async def test_who_made_a_change_stands_with_it(read: Desk) -> None:
    read.front.described["new"] = {"createdBy": {"user": {"email": CAROL}}}
    await read.other("POST", "items/flat/children", json={"id": "new", "name": "New.txt", "file": {}})
    await read.sync()
    listed = await read.house.call("changes_list")
    assert listed["changes"][0]["name"]["authors"] == [CAROL]
