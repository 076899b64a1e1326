"""The same connector at google-drive-mock, which has a list of changes of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from openassistant.testing import FakeHouse
from tests.connectors.google_drive.conftest import Desk
from tests.peers.drive_mock import DriveMock

pytestmark = pytest.mark.slow


class MockDesk(Desk):
    """A drive at the other emulator."""

    def __init__(self, mock: DriveMock, folder: Path) -> None:
        from connectors.google_drive.tools import connector

        self.mock, self.folder, self.token = mock, folder, mock.token
        self.settings = {"api_url": mock.url}
        self.house = FakeHouse(connector, folder=folder)
        self.house.connect("Drive", self.settings, access_token=mock.token)

    def now(self) -> datetime:
        return self.house.clock()

    async def made(self, **metadata: object) -> str:
        answer = await asyncio.to_thread(self.mock.ask, "POST", "/drive/v3/files", json=metadata)
        return str(answer.json()["id"])


@pytest.fixture(scope="module")
def mock() -> Iterator[DriveMock]:
    with DriveMock() as peer:
        yield peer


@pytest.fixture
async def mocked(mock: DriveMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MockDesk]:
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    await asyncio.to_thread(mock.clear)
    made = MockDesk(mock, tmp_path / "data")
    async with made.house:
        yield made


async def test_its_files_are_mirrored_and_followed(mocked: MockDesk) -> None:
    lease = await mocked.made(name="Lease.txt", mimeType="text/plain")
    plan = await mocked.made(name="Plan.txt", mimeType="text/plain")
    assert (await mocked.sync()).state == "idle"
    assert set(await mocked.names()) == {"Lease.txt", "Plan.txt"}
    await asyncio.to_thread(mocked.mock.ask, "PATCH", f"/drive/v3/files/{lease}", json={"name": "Signed.txt"})
    await asyncio.to_thread(mocked.mock.ask, "DELETE", f"/drive/v3/files/{plan}")
    await mocked.made(name="New.txt")
    assert (await mocked.sync()).state == "idle"
    assert set(await mocked.names()) == {"Signed.txt", "New.txt"}
    listed = await mocked.house.call("changes_list")
    assert {each["what"] for each in listed["changes"]} == {"made", "changed", "removed"}


async def test_its_files_are_renamed_trashed_and_restored(mocked: MockDesk) -> None:
    file = await mocked.made(name="Lease.txt", mimeType="text/plain")
    await mocked.house.call("files_rename", file=file, name="Signed.txt")
    await mocked.house.call("files_trash", files=[file])
    await mocked.sync()
    assert await mocked.names("signed", trashed=True) == ["Signed.txt"]
    await mocked.house.call("files_restore", files=[file])
    assert await mocked.names("signed") == ["Signed.txt"]


async def test_its_files_are_moved_between_folders(mocked: MockDesk) -> None:
    folder = "application/vnd.google-apps.folder"
    one, two = await mocked.made(name="One", mimeType=folder), await mocked.made(name="Two", mimeType=folder)
    file = await mocked.made(name="Lease.txt", parents=[one])
    await mocked.house.call("files_move", file=file, folder=two)
    listed = await mocked.house.call("folders_list", folder=two)
    assert [each["id"] for each in listed["files"]] == [file]
    await mocked.house.call("actions_undo")
    listed = await mocked.house.call("folders_list", folder=one)
    assert [each["id"] for each in listed["files"]] == [file]
