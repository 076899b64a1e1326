"""What is held of a drive is counted, leaves as a list, since the files lie at OneDrive, and is forgotten for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.connectors.holding import counted, forgets, listed

pytestmark = pytest.mark.slow


async def test_files_leave_as_a_list_with_where_they_lie(desk: Any) -> None:
    await desk.sync()
    held = await counted(desk.house)
    files = await desk.house.exported()
    lines = {line["name"]: line for line in listed(files, "Ada's drive/files.jsonl")}
    assert held["files"] == len(lines)
    lease = lines["Lease 2026.txt"]
    assert (lease["id"], lease["mime"], lease["path"]) == ("lease", "text/plain", "OneDrive / Flat")
    assert lease["at"] is not None


async def test_what_is_forgotten_is_in_no_page_and_does_not_come_back_with_a_whole_listing(desk: Any) -> None:
    await desk.sync()
    desk.later += timedelta(minutes=5)  # the drive's files are of this second, and what comes in it is kept
    went = await forgets(desk.house, "scan_of-passport", kinds=["files"])
    assert went["files"] > 3
    async with desk.house.runner.stores.use(desk.house.user) as store:
        await store.write(lambda c: c.exec_driver_sql("UPDATE onedrive_accounts SET link = '', complete = 0").close())
    await desk.sync()
    assert (await counted(desk.house)).get("files", 0) == 0


async def test_acts_are_counted_and_forgotten(desk: Any) -> None:
    await desk.sync()
    await desk.house.call("files_rename", file="lease", name="Lease of the quinces.txt")
    held = await counted(desk.house)
    assert (held["undo"], held["calls"]) == (1, 1)
    assert await forgets(desk.house, kinds=["undo", "calls"]) == {"undo": 1, "calls": 1}
