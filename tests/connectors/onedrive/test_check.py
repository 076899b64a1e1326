"""Connecting tries each thing that was allowed, and says of each that fails what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from openassistant.messages import CheckReport
from tests.connectors.onedrive.conftest import API, Desk, furnish
from tests.peers.onedrive import CompletedOneDrive, OneDriveMock, Storage

pytestmark = pytest.mark.slow


def steps(report: CheckReport) -> dict[str, bool]:
    return {each.name: each.ok for each in report.steps}


@pytest.fixture
def carols(storage: Storage) -> Iterator[CompletedOneDrive]:
    """Another account's drive."""
    with OneDriveMock() as mock:
        furnish(mock)
        mock.ask("PATCH", f"/{API}/items/lease", json={"name": "Carol's lease.txt"})
        with CompletedOneDrive(mock.url, storage) as front:
            front.holder = "carol@home.example"
            yield front


async def test_all_that_was_allowed_is_tried_and_nothing_is_changed(desk: Desk) -> None:
    before = await desk.held()
    report = await desk.house.check()
    assert report.ok
    assert report.steps[0].detail == "ada@home.example"
    assert len(report.steps) == 6
    assert set(await desk.held()) - set(before) == {"ownfolder"}


async def test_what_was_not_allowed_is_not_tried(desk: Desk) -> None:
    desk.allow("save")
    report = await desk.house.check()
    assert report.ok
    assert set(steps(report)) == {"Sign in", "Save into a folder of its own"}
    assert all("approot" in each.path for each in desk.front.seen)


async def test_a_token_that_is_refused_is_said_to_be(desk: Desk) -> None:
    desk.connect("obviously-fake-token")
    report = await desk.house.check()
    assert not report.ok
    assert steps(report) == {"Sign in": False}
    assert report.problem is not None
    assert report.problem.code == "account_required"


@pytest.mark.parametrize(
    ("code", "problem", "words"),
    [("accessDenied", "account_required", "Connect it again"), ("accessBlocked", "forbidden", "administrator")],
)
async def test_one_thing_that_is_refused_does_not_hide_the_others(
    desk: Desk, code: str, problem: str, words: str
) -> None:
    desk.refuse("PATCH", "/items/0", 403, code)
    report = await desk.house.check()
    assert [name for name, ok in steps(report).items() if not ok] == ["Change and file all files", "Share files"]
    assert report.problem is not None
    assert report.problem.code == problem
    assert words in report.problem.message


async def test_two_accounts_of_one_provider_stay_apart(read: Desk, carols: CompletedOneDrive, tmp_path: Path) -> None:
    other = read.house.account.model_copy(
        update={"account": "0" * 32, "name": "Carol's", "settings": {"api_url": carols.url}}
    )
    mine, read.house.account = read.house.account, other
    assert (await read.house.check()).steps[0].detail == "carol@home.example"
    await read.sync()
    assert "Carol's lease.txt" in await read.names("lease")
    read.house.account = mine
    assert "Carol's lease.txt" not in await read.names("lease")
