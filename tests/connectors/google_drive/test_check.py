"""Connecting tries each thing that was allowed, and says of each that fails what can be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openassistant.messages import CheckReport
from tests.connectors.google_drive.conftest import ADA, CAROL, Desk
from tests.peers.front import Passed


def steps(report: CheckReport) -> dict[str, bool]:
    return {each.name: each.ok for each in report.steps}


async def test_all_that_was_allowed_is_tried(desk: Desk) -> None:
    report = await desk.house.check()
    assert report.ok
    assert report.steps[0].detail == ADA
    assert len(report.steps) == 6


async def test_what_was_not_allowed_is_not_tried(desk: Desk) -> None:
    desk.allow("save")
    report = await desk.house.check()
    assert report.ok
    assert set(steps(report)) == {"Sign in", "Save new files"}


async def test_a_token_that_is_refused_is_said_to_be(desk: Desk) -> None:
    desk.connect("obviously-fake-token")
    report = await desk.house.check()
    assert not report.ok
    assert steps(report) == {"Sign in": False}
    assert report.problem is not None
    assert report.problem.code == "account_required"


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("accessNotConfigured", "forbidden", "switched on"),
        ("insufficientPermissions", "account_required", "permission"),
    ],
)
async def test_one_thing_that_is_refused_does_not_hide_the_others(
    desk: Desk, reason: str, code: str, words: str
) -> None:
    def refuse(passed: Passed) -> Passed:
        body = f'{{"error": {{"code": 403, "errors": [{{"reason": "{reason}"}}]}}}}'.encode()
        return replace(passed, status=403, answered=body) if "generateIds" in passed.path else passed

    desk.front.change = refuse
    report = await desk.house.check()
    assert [name for name, ok in steps(report).items() if not ok] == ["Save new files"]
    assert report.problem is not None
    assert report.problem.code == code
    assert words in report.problem.message


async def test_two_accounts_of_one_provider_stay_apart(read: Desk) -> None:
    other = read.house.account.model_copy(
        update={"account": "0" * 32, "name": "Carol's", "secrets": {"access_token": read.world.token(CAROL)}}
    )
    mine, read.house.account = read.house.account, other
    assert (await read.house.check()).steps[0].detail == CAROL
    await read.sync()
    assert await read.names() == ["Carol's notes.txt"]
    read.house.account = mine
    assert len(await read.names()) == 7
