"""The mirror follows the drive: everything at first, then what changed, also after a stop and a forgotten token."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from connectors.google_drive import sync
from openassistant.connector import Context
from openassistant.errors import Unavailable
from tests.connectors.google_drive.conftest import Desk
from tests.peers.front import Passed


async def test_the_first_pass_brings_all_names(desk: Desk) -> None:
    progress = await desk.sync()
    assert progress.state == "idle"
    assert progress.done == progress.total == 8
    assert set(await desk.names("lease")) == {"Lease 2026.txt"}
    assert await desk.names("old", trashed=True) == ["Old lease.txt"]


async def test_paths_lead_from_the_top_to_the_folder(read: Desk) -> None:
    found = await read.house.call("files_search", query="Lease")
    assert found["files"][0]["folder"]["text"] == "My Drive / Flat"


async def test_a_later_pass_asks_for_changes_alone(read: Desk) -> None:
    made = (await read.other("POST", "drive/v3/files", json={"name": "New.txt", "parents": ["1folderFlat"]})).json()
    await read.other("PATCH", "drive/v3/files/1lease", json={"name": "Lease 2027.txt"})
    await read.other("DELETE", "drive/v3/files/1budget")
    read.front.seen.clear()
    await read.sync()
    assert not read.asked("GET", "/files?")
    assert await read.names("lease") == ["Lease 2027.txt"]
    assert await read.names("budget") == []
    assert await read.names("new") == ["New.txt"]
    listed = await read.house.call("changes_list")
    assert {(each["id"], each["what"]) for each in listed["changes"]} == {
        (made["id"], "made"),
        ("1lease", "changed"),
        ("1budget", "removed"),
    }


async def test_the_trash_is_told_from_a_deletion(read: Desk) -> None:
    await read.other("PATCH", "drive/v3/files/1lease", json={"trashed": True})
    await read.other("PATCH", "drive/v3/files/1old", json={"trashed": False})
    await read.sync()
    listed = await read.house.call("changes_list")
    assert {each["id"]: each["what"] for each in listed["changes"]} == {"1lease": "trashed", "1old": "restored"}
    assert await read.names("lease") == ["Old lease.txt"]


async def test_changes_come_page_by_page(read: Desk) -> None:
    read.front.page = 2
    for number in range(5):
        await read.other("POST", "drive/v3/files", json={"name": f"Page {number}"})
    await read.sync()
    assert len(await read.names("page")) == 5


async def test_a_listing_that_was_stopped_goes_on_from_its_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "_PAGE", 3)
    asked: list[str] = []

    def stop_at_third(passed: Passed) -> Passed:
        if "/files?" in passed.path:
            asked.append(passed.path)
            if len(asked) in (3, 4, 5):
                return replace(passed, status=503, answered=b"away")
        return passed

    desk.front.change = stop_at_third
    progress = await desk.sync()
    assert progress.state == "failed"
    assert len(await desk.names()) == 5
    desk.front.plain()
    await desk.house.stop()
    await desk.house.start(desk.folder)
    await desk.sync()
    assert len(desk.asked("GET", "/files?")) == 1
    assert "pageToken" in desk.asked("GET", "/files?")[0].path
    assert len(await desk.names()) == 7


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_token_that_google_forgot_begins_a_new_listing(read: Desk, status: int) -> None:
    await read.other("DELETE", "drive/v3/files/1budget")
    await read.other("POST", "drive/v3/files", json={"name": "New.txt"})
    read.world.advance(minutes=5)
    refused = [1]

    def forget(passed: Passed) -> Passed:
        if "/changes?" in passed.path and refused[0]:
            refused[0] -= 1
            body = b'{"error": {"errors": [{"reason": "invalid"}]}}'
            return replace(passed, status=status, answered=body)
        return passed

    read.front.change = forget
    progress = await read.sync()
    assert progress.state == "idle"
    assert await read.names("budget") == []
    assert await read.names("new") == ["New.txt"]


async def test_a_pause_that_google_asks_for_is_kept(desk: Desk) -> None:
    left = [2]

    def slow_down(passed: Passed) -> Passed:
        if "/files?" in passed.path and left[0]:
            left[0] -= 1
            if left[0]:
                return replace(passed, status=429, answered=b"{}", headers={"Retry-After": "0"})
            body = b'{"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}'
            return replace(passed, status=403, answered=body, headers={"Retry-After": "0"})
        return passed

    desk.front.change = slow_down
    assert (await desk.sync()).state == "idle"
    assert len(desk.asked("GET", "/files?")) == 3


async def test_a_token_that_ended_is_renewed_in_the_middle(read: Desk) -> None:
    await read.other("POST", "drive/v3/files", json={"name": "New.txt"})
    read.connect("obviously-fake-token")

    def renew(passed: Passed) -> Passed:
        if passed.status == 401:
            read.house.connect("Ada's drive", read.settings, access_token=read.token)
        return passed

    read.front.change = renew
    assert (await read.sync()).state == "idle"
    assert [each.status for each in read.asked("GET", "/changes?")] == [401, 200]
    assert await read.names("new") == ["New.txt"]


async def test_a_consent_that_ended_is_said_to_have(read: Desk) -> None:
    read.connect("obviously-fake-token")
    progress = await read.sync()
    assert progress.problem is not None
    assert progress.problem.code == "account_required"


@pytest.mark.parametrize(
    "body",
    [
        b'{"files": [{"id": "x"',
        b"[]",
        b'{"files": {"id": 1}}',
        b'{"files": [1, null, {"id": "../../x"}, {"name": "y"}]}',
    ],
)
async def test_an_answer_that_is_damaged_harms_nothing_that_is_known(read: Desk, body: bytes) -> None:
    def damage(passed: Passed) -> Passed:
        return replace(passed, answered=body) if "/changes?" in passed.path else passed

    read.front.change = damage
    progress = await read.sync()
    assert progress.state == "failed"
    assert len(await read.names()) == 7


async def test_lists_that_do_not_end_are_left(read: Desk) -> None:
    def circle(passed: Passed) -> Passed:
        return (
            replace(passed, answered=b'{"changes": [], "nextPageToken": "7"}') if "/changes?" in passed.path else passed
        )

    read.front.change = circle
    progress = await read.sync()
    assert progress.problem is not None
    assert "does not end" in progress.problem.message


@pytest.mark.parametrize("path", ["/files?", "/changes?"])
async def test_a_page_that_is_too_long_is_asked_for_in_smaller_ones(desk: Desk, path: str) -> None:
    def swell(passed: Passed) -> Passed:
        if path in passed.path and "pageSize=1000&" in f"{passed.path}&":
            return replace(passed, answered=passed.answered + b" " * (17 << 20))
        return passed

    desk.front.change = swell
    assert (await desk.sync()).state == "idle"
    assert len(await desk.names()) == 7
    assert len(desk.asked("GET", path)) == 2


async def test_forgetting_leaves_nothing(read: Desk) -> None:
    house = read.house
    ctx = house.context(house.make("files_search"))
    async with house.runner.context(ctx, house.user, house.account.account) as context:
        await _forget(context)
        tables = ("files", "search", "changes", "accounts", "acts")

        def count(connection: Connection) -> list[int]:
            return [
                connection.execute(text(f"SELECT count(*) FROM google_drive_{name}")).scalar_one() for name in tables
            ]

        assert await context.store.read(count) == [0] * len(tables)


async def _forget(context: Context) -> None:
    from connectors.google_drive.tools import connector

    assert connector.forgetter is not None
    await connector.forgetter(context)


async def test_a_drive_that_is_away_is_said_to_be(read: Desk) -> None:
    read.front.change = lambda passed: replace(passed, status=503, answered=b"away")
    with pytest.raises(Unavailable, match="not available"):
        await read.house.call("folders_list")
