"""The mirror follows Google: at once for the coming weeks, then everything, then what changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.google_calendar import sync
from connectors.google_calendar.tools import connector
from openassistant.context import CallContext, new_id
from openassistant.errors import OaError, RateLimited, UpstreamFailed
from tests.connectors.google_calendar.conftest import ADA, CAROL, Desk
from tests.peers.front import Passed

_LISTS = f"{ADA.replace('@', '%40')}/events?"


def queries(desk: Desk) -> list[dict[str, str]]:
    """What was asked of the account's own calendar."""
    return [
        {name: value[0] for name, value in parse_qs(urlsplit(each.path).query).items()}
        for each in desk.asked("GET", _LISTS)
    ]


def answering(desk: Desk, change: Callable[[Passed, dict[str, Any]], dict[str, Any] | None]) -> None:
    """Lists of the account's own calendar are answered otherwise; None leaves one as it is."""

    def other(passed: Passed) -> Passed:
        if _LISTS not in passed.path or passed.status != 200:
            return passed
        found = change(passed, json.loads(passed.answered))
        return passed if found is None else replace(passed, answered=json.dumps(found).encode())

    desk.front.change = other


async def test_the_coming_weeks_come_first_and_all_without_bounds_of_time_after(desk: Desk) -> None:
    await desk.sync()
    soon, everything = queries(desk)
    assert set(soon) == {"maxResults", "timeMin", "timeMax"}
    assert everything == {"maxResults": "250"}


async def test_the_end_of_a_pass_tells_what_the_copy_holds(read: Desk) -> None:
    told: list[tuple[int, int | None, str]] = []

    async def progress(done: int, whole: int | None, what: str) -> None:
        told.append((done, whole, what))

    house = read.house
    ctx = CallContext.within(60, now=house.clock(), user=house.user).signed(grant=house.account_grant())
    async with house.runner.context(ctx, house.user, house.account.account, progress=progress) as context:
        assert connector.syncer is not None
        await connector.syncer(context)
    held = sum(each["count"] for each in (await read.call("calendars_list"))["calendars"])
    assert told[-1] == (held, held, "events")
    assert held > 0


async def test_afterwards_what_changed_is_asked_for_alone(read: Desk) -> None:
    await read.sync()
    [asked] = queries(read)
    assert set(asked) == {"maxResults", "syncToken"}


async def test_what_others_change_and_delete_is_followed(read: Desk) -> None:
    dentist, choir = (await read.events("Dentist"))[0]["id"], (await read.events("Choir"))[0]["id"]
    await read.other("PATCH", f"calendars/primary/events/{dentist}", json={"summary": "Doctor"})
    await read.other("DELETE", f"calendars/primary/events/{choir}")
    await read.sync()
    titles = {each["title"]["text"] for each in await read.dates()}
    assert "Doctor" in titles
    assert not titles & {"Dentist", "Choir"}


async def test_a_forgotten_token_means_reading_everything_anew(read: Desk) -> None:
    kept = (await read.titled("Dentist"))["id"]
    choir = (await read.events("Choir"))[0]["id"]
    await read.other("DELETE", f"calendars/primary/events/{choir}")

    def forget(passed: Passed) -> Passed:
        if "syncToken" not in passed.path:
            return passed
        gone = {"error": {"code": 410, "errors": [{"reason": "fullSyncRequired"}]}}
        return replace(passed, status=410, answered=json.dumps(gone).encode())

    read.front.change = forget
    await read.sync()
    assert (await read.titled("Dentist"))["id"] == kept
    assert await read.starts("Choir") == []
    read.front.plain()
    await read.sync()
    assert "syncToken" in queries(read)[0]


async def test_a_reading_that_was_stopped_goes_on_at_its_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "_PAGE", "1")
    desk.front.change = _refused_after(desk, 2)
    with pytest.raises(OaError):
        await desk.sync()
    desk.front.plain()
    await desk.sync()
    first = queries(desk)[0]
    assert "pageToken" in first
    assert "timeMin" not in first
    assert {each["title"]["text"] for each in await desk.dates()} >= {"Dentist", "Choir", "Lease", "Party", "Bins"}


def _refused_after(desk: Desk, pages: int) -> Callable[[Passed], Passed]:
    seen = list[str]()

    def refuse(passed: Passed) -> Passed:
        if _LISTS in passed.path and "timeMin" not in passed.path:
            seen.append(passed.path)
            if len(seen) > pages:
                return replace(passed, status=403, answered=b'{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}')
        return passed

    return refuse


async def test_pages_are_followed_to_the_last(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "_PAGE", "1")
    await desk.sync()
    assert {each["title"]["text"] for each in await desk.dates()} >= {"Dentist", "Choir", "Lease", "Party", "Bins"}


async def test_a_list_that_does_not_end_is_left(desk: Desk) -> None:
    page = json.dumps({"items": [], "nextPageToken": "again"}).encode()
    desk.front.change = lambda passed: replace(passed, status=200, answered=page) if _LISTS in passed.path else passed
    with pytest.raises(UpstreamFailed, match="does not end"):
        await desk.sync()


async def test_a_pause_that_google_asks_for_ends_a_pass(desk: Desk) -> None:
    desk.world.fail("calendar", {"tool": "calendar.events.list", "kind": "rate_limit", "times": None})
    with pytest.raises(RateLimited):
        await desk.sync()


async def test_a_body_that_is_cut_off_changes_nothing(read: Desk) -> None:
    read.world.fail("calendar", {"tool": "calendar.events.list", "kind": "truncated", "times": None})
    with pytest.raises(OaError):
        await read.sync()
    assert len(await read.starts("Choir")) == 6


async def test_a_shared_calendar_that_is_taken_away_leaves_the_others(read: Desk) -> None:
    def refuse(passed: Passed) -> Passed:
        return replace(passed, status=404, answered=b"{}") if "team-club" in passed.path else passed

    read.front.change = refuse
    await read.other("POST", "calendars/primary/events", json=_event("Tea"))
    await read.sync()
    assert len(await read.starts("Tea")) == 1

    def without(passed: Passed) -> Passed:
        if "calendarList" not in passed.path:
            return passed
        found = json.loads(passed.answered)
        found["items"] = [each for each in found["items"] if each["id"] != "team-club"]
        return replace(passed, answered=json.dumps(found).encode())

    read.front.change = without
    await read.sync()
    assert await read.starts("Regatta") == []


@pytest.mark.parametrize(
    "odd",
    [
        {"id": 7},
        {"id": "odd"},
        {"id": "odd", "start": "tomorrow", "end": {}},
        {"id": "odd", "start": {"dateTime": "2037-12-03T16:00:00Z", "timeZone": "Mars/Olympus"}, "end": {}},
        {"id": "odd", "start": {"date": "2037-12-03"}, "end": {"dateTime": "2037-12-03T16:00:00Z"}},
        {"id": "odd", "start": {"date": "0000-12-03"}, "end": {"date": "9999-99-99"}},
        {"id": "odd", "status": "cancelled", "recurringEventId": "nobody"},
        {"id": "x" * 5_000, "start": {"date": "2037-12-03"}, "end": {"date": "2037-12-04"}},
    ],
)
async def test_what_is_no_event_is_left_out(desk: Desk, odd: dict[str, Any]) -> None:
    answering(desk, lambda _, found: {**found, "items": [odd, "text", None, *found["items"]]})
    await desk.sync()
    assert len(await desk.starts("Choir")) == 6


@pytest.mark.parametrize(
    "more",
    [
        {"recurrence": ["RRULE:FREQ=SECONDLY"]},
        {"recurrence": ["RRULE:FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3;BYSECOND=1,2,3"]},
        {"recurrence": ["RRULE:FREQ=DAILY;INTERVAL=0"]},
        {"recurrence": ["RRULE:\x00", "EXDATE;TZID=Nowhere:x", "DTSTART:20370101", 7]},
        {"recurrence": ["RRULE:FREQ=DAILY\r\nATTENDEE:mailto:mallory@example.net"] * 500},
        {"summary": "Odd\x00\x1b[31m\u202e", "description": "<b" * 50_000, "location": 7, "attendees": [{}] * 10_000},
        {"organizer": "me", "attendees": "you", "reminders": {"overrides": "x"}, "conferenceData": []},
        {"summary": "Odd" + "x" * 100_000, "hangoutLink": "javascript:alert(1)"},
    ],
)
async def test_an_event_that_wants_to_harm_stands_there_harmless(desk: Desk, more: dict[str, Any]) -> None:
    span = {"start": {"dateTime": "2037-12-03T16:00:00Z"}, "end": {"dateTime": "2037-12-03T17:00:00Z"}}
    odd = {"id": "odd", "summary": "Odd", **span, **more}
    answering(desk, lambda _, found: {**found, "items": [odd, *found["items"]]})
    await desk.sync()
    [shown] = [each for each in await desk.dates() if each["title"]["text"].startswith("Odd")][:1]
    details = await desk.call("events_get", event=shown["id"])
    assert len(json.dumps(details)) < 60_000
    assert details["join"] is None
    assert not set(details["title"]["text"]) & set("\x00\x1b\u202e")
    assert len(await desk.starts("Choir")) == 6


async def test_two_accounts_keep_apart_and_one_is_forgotten_alone(read: Desk) -> None:
    ada, dentist = read.house.account, (await read.titled("Dentist"))["id"]
    read.house.account = ada.model_copy(update={"account": new_id(), "name": "Carol"})
    read.house.connect("Carol", read.settings, access_token=read.world.token(CAROL))
    await read.sync()
    titles = {each["title"]["text"] for each in await read.dates()}
    assert titles >= {"Party", "Lease"}
    assert "Dentist" not in titles
    assert (await read.call("busy_list", start="2037-12-01", end="2037-12-31"))["accounts"] == ["Ada", "Carol"]
    with pytest.raises(OaError, match="no event with that id"):
        await read.call("events_get", event=dentist)
    assert connector.forgetter is not None
    async with read.context() as context:
        await connector.forgetter(context)
    assert (await read.call("calendars_list"))["calendars"] == []
    read.house.account = ada
    assert (await read.titled("Dentist"))["id"] == dentist


def _event(title: str) -> dict[str, Any]:
    start, end = ({"dateTime": f"2037-12-03T{hour}:00:00+01:00"} for hour in (16, 17))
    return {"summary": title, "start": start, "end": end}


async def test_how_long_google_asks_to_wait_is_kept(desk: Desk) -> None:
    said = b'{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}'
    desk.front.change = lambda passed: (
        replace(passed, status=429, answered=said, headers={"retry-after": "70"}) if _LISTS in passed.path else passed
    )
    with pytest.raises(RateLimited) as refused:
        await desk.sync()
    assert refused.value.retry_after == 70


async def test_the_id_of_a_calendar_leads_to_no_other_address(desk: Desk) -> None:
    def odd(passed: Passed) -> Passed:
        if "calendarList" not in passed.path:
            return passed
        listed = [{"id": each, "accessRole": "owner"} for each in ("../../users/me/settings?x=", "//evil.example/#a")]
        return replace(passed, answered=json.dumps({"items": listed}).encode())

    desk.front.change = odd
    await desk.sync()
    asked = [urlsplit(each.path).path for each in desk.front.seen if "calendarList" not in each.path]
    assert set(asked) == {
        "/calendar/v3/calendars/..%2F..%2Fusers%2Fme%2Fsettings%3Fx%3D/events",
        "/calendar/v3/calendars/%2F%2Fevil.example%2F%23a/events",
    }
