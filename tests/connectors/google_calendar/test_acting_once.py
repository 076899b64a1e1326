"""Every act of Google Calendar happens once, whatever interrupts it: the SDK's own check, and Google's faults."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from connectors.google_calendar.changes import event_id
from openassistant.errors import Conflict, DeadlineExceeded, OaError, Unavailable
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.google_calendar.conftest import ADA, CAROL, Desk

TEA = {"title": "Tea", "start": "2037-12-03T16:00Z"}


def created(read: Desk, numbers: count[int], **more: Any) -> Call:
    day = 1 + next(numbers)
    return read.make("events_create", title=f"Sign {day}", start=f"2037-12-{day:02d}T10:00Z", **more)


async def test_an_event_is_created_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        return created(read, numbers)

    async def done() -> int:
        return len(await read.events("Sign"))

    assert await once_faults(read.house, make, done) == []


async def test_guests_are_invited_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        return created(read, numbers, guests=[CAROL])

    async def done() -> int:
        return sum("Invitation: Sign" in each for each in await read.mails(CAROL))

    assert await once_faults(read.house, make, done) == []


async def test_guests_hear_of_a_change_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        made = await read.house.send(created(read, numbers, guests=[CAROL]))
        return read.make("events_update", event=made.content["id"], title="Changed", tell_guests=True)

    async def done() -> int:
        return sum("Updated invitation: Changed" in each for each in await read.mails(CAROL))

    assert await once_faults(read.house, make, done) == []


async def test_one_date_of_a_series_is_changed_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        choir = await read.titled("Choir")
        return read.make("events_update", event=choir["id"], title=f"Rehearsal {next(numbers)}")

    async def done() -> int:
        held = (await read.events("Choir"))[0].get("_exceptions", {})
        return sum("Rehearsal" in each.get("summary", "") for each in held.values())

    assert await once_faults(read.house, make, done) == []


async def test_a_series_is_divided_once(read: Desk) -> None:
    numbers, made = count(), list[str]()

    async def make() -> Call:
        day = 1 + next(numbers)
        made.append(f"Row {day}")
        await read.call("events_create", title=made[-1], start=f"2037-12-{day:02d}T10:00Z", repeats="daily", count=4)
        date = await read.titled(made[-1], 2)
        return read.make("events_update", event=date["id"], title="Divided", extent="following")

    async def done() -> int:
        return len(await read.events("Divided"))

    assert await once_faults(read.house, make, done) == []
    assert {len(await read.starts(each)) for each in made} == {2, 4}


async def test_guests_are_told_once_that_an_event_is_off(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        made = await read.house.send(created(read, numbers, guests=[CAROL]))
        return read.make("events_cancel", event=made.content["id"])

    async def done() -> int:
        return sum(each.startswith("Canceled event: Sign") for each in await read.mails(CAROL))

    assert await once_faults(read.house, make, done) == []


async def test_an_event_is_deleted_once(read: Desk) -> None:
    numbers, made = count(), list[Call]()

    async def make() -> Call:
        made.append(created(read, numbers))
        return read.make("events_delete", event=(await read.house.send(made[-1])).content["id"])

    async def done() -> int:
        return len(made) - len(await read.events("Sign"))

    assert await once_faults(read.house, make, done) == []


async def test_the_rest_of_a_series_is_deleted_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        day = 1 + next(numbers)
        await read.call(
            "events_create", title=f"Row {day}", start=f"2037-12-{day:02d}T10:00Z", repeats="daily", count=4
        )
        return read.make("events_delete", event=(await read.titled(f"Row {day}", 2))["id"], extent="following")

    async def done() -> int:
        return sum("UNTIL" in each["recurrence"][0] for each in await read.events("Row"))

    assert await once_faults(read.house, make, done) == []


async def test_an_event_is_moved_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        made = await read.house.send(created(read, numbers))
        return read.make("events_move", event=made.content["id"], calendar="family")

    async def done() -> int:
        return sum(each["calendarId"] == "team-family" for each in await read.events("Sign"))

    assert await once_faults(read.house, make, done) == []


@pytest.mark.parametrize("answer", ["accept", "decline"])
async def test_an_invitation_is_answered_once(read: Desk, answer: str) -> None:
    numbers = count()

    async def make() -> Call:
        title = f"Lunch {next(numbers)}"
        body = {
            "summary": title,
            "start": {"dateTime": "2037-12-02T12:00:00+01:00"},
            "end": {"dateTime": "2037-12-02T13:00:00+01:00"},
            "attendees": [{"email": ADA}],
        }
        await read.other("POST", "calendars/primary/events", person=CAROL, json=body)
        await read.sync()
        return read.make("invitations_answer", event=(await read.titled(title))["id"], answer=answer)

    async def done() -> int:
        return sum("Accepted: Lunch" in each or "Declined: Lunch" in each for each in await read.mails(CAROL))

    assert await once_faults(read.house, make, done) == []


async def test_a_create_whose_answer_was_lost_is_found_by_its_id(read: Desk) -> None:
    read.world.fail("calendar", {"tool": "calendar.events.insert", "kind": "timeout_after_commit", "on_call": 1})
    made = await read.call("events_create", **TEA, guests=[CAROL])
    [held] = await read.events("Tea")
    assert made["uid"] == held["iCalUID"]
    assert sum("Invitation: Tea" in each for each in await read.mails(CAROL)) == 1


async def test_a_create_that_never_arrived_is_said_to_be_not_done(read: Desk) -> None:
    read.world.fail("calendar", {"tool": "calendar.events.insert", "kind": "server_error", "times": None})
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.call("events_create", **TEA)
    assert await read.events("Tea") == []


async def test_a_create_that_cannot_be_looked_up_is_unknown_and_not_repeated(read: Desk) -> None:
    read.world.fail(
        "calendar",
        {"tool": "calendar.events.insert", "kind": "timeout_after_commit", "on_call": 1},
        {"tool": "calendar.events.get", "kind": "unavailable", "times": None},
    )
    with pytest.raises(DeadlineExceeded):
        await read.call("events_create", **TEA)
    assert len(await read.events("Tea")) == 1


async def test_an_id_that_google_knows_already_is_the_event_that_it_made(read: Desk) -> None:
    call = read.make("events_create", **TEA)
    body = {
        "id": event_id(call.id),
        "summary": "Tea",
        "start": {"dateTime": "2037-12-03T16:00:00Z"},
        "end": {"dateTime": "2037-12-03T17:00:00Z"},
    }
    held = await read.other("POST", "calendars/primary/events", json=body)
    assert (await read.house.send(call)).content["uid"] == held["iCalUID"]
    again = read.make("events_create", **TEA)
    gone = await read.other("POST", "calendars/primary/events", json={**body, "id": event_id(again.id)})
    await read.other("DELETE", f"calendars/primary/events/{gone['id']}")
    with pytest.raises(Conflict, match="deleted by now"):
        await read.house.send(again)


@pytest.mark.parametrize(
    ("tool", "title", "more", "operation"),
    [
        ("events_update", "Dentist", {"title": "Doctor"}, "patch"),
        ("events_update", "Choir", {"title": "Doctor"}, "patch"),
        ("events_delete", "Dentist", {}, "delete"),
        ("events_cancel", "Lease", {}, "delete"),
        ("events_move", "Dentist", {"calendar": "Family"}, "move"),
        ("invitations_answer", "Party", {"answer": "accept"}, "patch"),
    ],
)
async def test_an_act_whose_answer_was_lost_is_told_by_what_google_holds(
    read: Desk, tool: str, title: str, more: dict[str, Any], operation: str
) -> None:
    named = f"calendar.events.{operation}"
    read.world.fail("calendar", {"tool": named, "kind": "timeout_after_commit", "on_call": 1})
    done = await read.call(tool, event=(await read.titled(title))["id"], **more)
    assert done["id"]
    assert [each["fault"] for each in read.world.calls("calendar", named) if each["fault"]]


async def test_a_token_that_ended_in_the_middle_is_renewed_once(read: Desk) -> None:
    held = read.world.token(ADA)
    read.connect("another-obviously-fake-token")
    with pytest.raises(OaError) as refused:
        await read.call("events_create", **TEA)
    assert refused.value.code == "account_required"
    read.house.connect("Ada", read.settings, access_token=held)
    await read.call("events_create", **TEA)
    assert len(await read.events("Tea")) == 1


async def test_no_token_stands_in_what_is_said_of_a_refusal(read: Desk) -> None:
    read.connect("another-obviously-fake-token")
    with pytest.raises(OaError) as refused:
        await read.sync()
    assert "fake-token" not in f"{refused.value.message} {refused.value.details}"


async def test_a_pause_that_google_asks_for_is_told(read: Desk) -> None:
    pause = {"tool": "calendar.events.insert", "kind": "rate_limit", "times": None}
    read.world.fail("calendar", pause)
    with pytest.raises(OaError) as refused:
        await read.call("events_create", **TEA)
    assert (refused.value.code, await read.events("Tea")) == ("rate_limited", [])


async def test_an_answer_that_is_cut_off_is_looked_up(read: Desk) -> None:
    read.world.fail("calendar", {"tool": "calendar.events.insert", "kind": "truncated", "on_call": 1})
    await read.call("events_create", **TEA)
    assert len(await read.events("Tea")) == 1
