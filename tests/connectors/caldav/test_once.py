"""A change that broke off is looked up at the server: done once, or not at all, and said which."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.caldav.client import DavSession
from openassistant.errors import DeadlineExceeded, OaError, Unavailable, UpstreamFailed
from tests.connectors.caldav.conftest import Desk

FRIDAY = {"title": "Sign the lease", "start": "2026-10-23T10:00:00", "end": "2026-10-23T10:30:00"}


def break_off(monkeypatch: pytest.MonkeyPatch, verb: str, *, after: bool, error: OaError | None = None) -> None:
    """The next requests of a verb lose their answer, after the server did them or before."""
    real: Any = getattr(DavSession, verb)

    async def broken(self: DavSession, *args: Any, **more: Any) -> Any:
        if after:
            await real(self, *args, **more)
        raise error or UpstreamFailed("The connection broke off.")

    monkeypatch.setattr(DavSession, verb, broken)


async def test_a_create_whose_answer_was_lost_is_found_by_its_uid(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(monkeypatch, "put", after=True)
    created = await read.house.call("events_create", **FRIDAY)
    assert len(await read.texts()) == 1
    [event] = await read.between("2026-10-23", "2026-10-23")
    assert event["id"] == created["id"]


async def test_a_create_that_never_arrived_is_said_to_be_not_done(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    break_off(monkeypatch, "put", after=False)
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.call("events_create", **FRIDAY)
    assert await read.texts() == []


async def test_a_server_that_renamed_the_object_is_asked_by_uid(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    call = read.house.make("events_create", **FRIDAY)
    await read.put("renamed", f"UID:{call.id}@open-assistant\nDTSTART:20261023T080000Z\nSUMMARY:Sign the lease")
    break_off(monkeypatch, "put", after=False)
    result = await read.house.send(call)
    assert result.content["uid"] == f"{call.id}@open-assistant"
    assert len(await read.texts()) == 1


@pytest.mark.parametrize("after", [True, False])
async def test_an_update_that_broke_off_is_told_by_its_mark(
    read: Desk, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    created = await read.house.call("events_create", **FRIDAY)
    break_off(monkeypatch, "put", after=after)
    outcome = "done"
    try:
        await read.house.call("events_update", event=created["id"], title="Sign it")
    except Unavailable:
        outcome = "not done"
    assert outcome == ("done" if after else "not done")
    assert ("SUMMARY:Sign it" in (await read.texts())[0]) is after


@pytest.mark.parametrize("after", [True, False])
async def test_a_delete_that_broke_off_is_looked_up(read: Desk, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    created = await read.house.call("events_create", **FRIDAY)
    break_off(monkeypatch, "delete", after=after)
    outcome = "done"
    try:
        await read.house.call("events_delete", event=created["id"])
    except Unavailable:
        outcome = "not done"
    assert outcome == ("done" if after else "not done")
    assert len(await read.texts()) == (0 if after else 1)


async def test_an_update_that_cannot_be_looked_up_stays_unknown(read: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    created = await read.house.call("events_create", **FRIDAY)
    break_off(monkeypatch, "put", after=True)
    break_off(monkeypatch, "get", after=False, error=Unavailable("away"))
    with pytest.raises(DeadlineExceeded, match="may have happened"):
        await read.house.call("events_update", event=created["id"], title="Sign it")
