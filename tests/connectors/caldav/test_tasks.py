"""Tasks: read, made, changed, done and gone; those that repeat go on, and what other programs wrote stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.caldav.client import DavSession
from connectors.caldav.objects import DamagedError
from connectors.caldav.outlines import outline
from connectors.caldav.tasks import TaskChanges, changed_task, completed_task, new_task, read_task
from openassistant.errors import Conflict, InvalidRequest, NotFound, Unavailable, UpstreamFailed
from openassistant.formats.repeats import Repeat
from openassistant.messages import Effect
from tests.connectors.caldav.conftest import Desk

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 1, tzinfo=UTC)
RENT = {"title": "Pay the rent", "due": "2026-10-23"}


def todo(body: str) -> str:
    lines = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VTODO\nDTSTAMP:20260101T000000Z\nUID:t\n{body}\n"
    return f"{lines}END:VTODO\nEND:VCALENDAR\n".replace("\n", "\r\n")


def finish(text: str, times: int = 1) -> str:
    for _ in range(times):
        text = completed_task(text, done=True, mark="m", now=NOW)
    return text


def test_a_task_is_done_and_opened_again() -> None:
    text = todo("SUMMARY:Rent\nDUE;VALUE=DATE:20261023\nPERCENT-COMPLETE:30\nX-MINE:keep me")
    done = finish(text)
    assert (read_task(done).status, read_task(done).percent) == ("completed", 100)
    assert outline(done, now=NOW).done
    again = read_task(completed_task(done, done=False, mark="m", now=NOW))
    assert (again.status, again.percent, again.completed) == ("needs-action", 0, None)
    assert "X-MINE:keep me" in done


@pytest.mark.parametrize(
    ("body", "due"),
    [
        ("DTSTART;VALUE=DATE:20261023\nDUE;VALUE=DATE:20261024\nRRULE:FREQ=WEEKLY", date(2026, 10, 31)),
        ("DUE;VALUE=DATE:20261031\nRRULE:FREQ=MONTHLY", date(2026, 12, 31)),
        (
            "DTSTART;TZID=Europe/Berlin:20261024T090000\nDUE;TZID=Europe/Berlin:20261024T100000\nRRULE:FREQ=DAILY",
            datetime(2026, 10, 25, 10, tzinfo=BERLIN),
        ),
        ("DTSTART:20261024T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY", datetime(2026, 10, 25, 10)),  # noqa: DTZ001
        ("DUE;VALUE=DATE:20261023\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20261024", date(2026, 10, 25)),
    ],
)
def test_a_task_that_repeats_goes_on_with_its_next_date(body: str, due: Any) -> None:
    found = read_task(finish(todo(f"SUMMARY:x\n{body}")))
    assert (found.due, found.status) == (due, "needs-action")


def test_a_task_that_repeats_is_done_after_its_last_date() -> None:
    text = todo("SUMMARY:x\nDUE;VALUE=DATE:20261023\nRRULE:FREQ=DAILY;COUNT=3")
    assert [read_task(finish(text, n)).status for n in (1, 2, 3)] == ["needs-action", "needs-action", "completed"]
    until = todo("SUMMARY:x\nDUE;VALUE=DATE:20261023\nRRULE:FREQ=DAILY;UNTIL=20261024")
    assert [read_task(finish(until, n)).status for n in (1, 2)] == ["needs-action", "completed"]


def test_a_task_that_repeats_every_second_is_simply_done() -> None:
    assert read_task(finish(todo("SUMMARY:x\nDUE:20261023T100000Z\nRRULE:FREQ=SECONDLY"))).done


def test_a_new_due_date_takes_the_start_along_and_must_not_lie_before_it() -> None:
    text = todo("SUMMARY:x\nDTSTART;VALUE=DATE:20261020\nDUE;VALUE=DATE:20261023")
    moved = read_task(changed_task(text, TaskChanges(due=date(2026, 10, 30)), mark="m", now=NOW))
    assert moved.start == date(2026, 10, 27)
    timed = datetime(2026, 10, 30, 9, tzinfo=BERLIN)
    assert isinstance(read_task(changed_task(text, TaskChanges(due=timed), mark="m", now=NOW)).start, datetime)
    with pytest.raises(InvalidRequest, match="before the start"):
        changed_task(text, TaskChanges(start=date(2026, 10, 25)), mark="m", now=NOW)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40), st.sampled_from(["high", "medium", "low", "none"]), st.integers(0, 2000))
def test_what_is_written_is_read_back(title: str, priority: Any, minutes: int) -> None:
    due = NOW + timedelta(minutes=minutes)
    found = read_task(new_task(title=title, uid="u", now=NOW, due=due, priority=priority))
    assert (found.due, found.priority, found.repeats) == (due, priority, False)


LINES = st.builds(
    "{}{}:{}".format,
    st.sampled_from(["DUE", "DTSTART", "DURATION", "RRULE", "COMPLETED", "STATUS", "PRIORITY", "RECURRENCE-ID"]),
    st.sampled_from(["", ";VALUE=DATE", ";TZID=Nowhere/Land", ";X"]),
    st.sampled_from(["20261024", "20261024T080000Z", "PT1H", "-P1D", "FREQ=DAILY;COUNT=2", "", "x", "-9"]),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(LINES, max_size=5))
def test_every_task_is_read_or_called_damaged(lines: list[str]) -> None:
    text = todo("\n".join(lines))
    outline(text, now=NOW)
    try:
        read_task(text)
        finish(text)
    except DamagedError:
        return


def test_a_task_whose_rule_makes_no_sense_is_called_damaged_when_it_is_completed() -> None:
    with pytest.raises(DamagedError, match="cannot be read"):
        finish(todo("DUE:20261024\nRRULE:20261024\nRRULE:20261024"))


def test_a_repeating_task_needs_a_date_to_repeat_from() -> None:
    text = new_task(title="x", uid="u", now=NOW, due=date(2026, 10, 23), repeats=Repeat("weekly"))
    assert "DTSTART;VALUE=DATE:20261023" in text
    assert read_task(text).repeats


async def test_a_task_is_made_and_listed_and_is_no_event(read: Desk) -> None:
    created = await read.house.call("tasks_create", **RENT, priority="high", notes="By transfer.")
    [task] = (await read.house.call("tasks_list"))["tasks"]
    assert (task["id"], task["due"], task["priority"]) == (created["id"], "2026-10-23", "high")
    assert task["notes"]["text"] == "By transfer."
    assert await read.between("2026-10-23", "2026-10-23") == []
    await read.sync()
    assert len((await read.house.call("tasks_list", query="rent"))["tasks"]) == 1


async def test_the_same_call_twice_makes_one_task(read: Desk) -> None:
    call = read.house.make("tasks_create", **RENT)
    assert await read.house.send(call) == await read.house.send(call)
    assert len(await read.texts()) == 1


async def test_a_tasks_card_shows_its_due_time_in_the_zone_of_the_turn(read: Desk) -> None:
    read.house.zone = "America/New_York"
    shown = await read.house.preview("tasks_create", title="Call", due="2026-10-23T10:00", repeats="weekly")
    assert shown.effect is Effect.WRITE
    assert {row.label: row.value for row in shown.fields} == {
        "Task": "Call",
        "Due": "Friday 23 October 2026, 10:00, America/New_York",
        "Repeats": "every week",
        "Calendar": "Personal",
    }


async def test_a_task_is_changed_done_and_each_is_taken_back(read: Desk) -> None:
    created = await read.house.call("tasks_create", **RENT)
    changed = await read.house.call("tasks_update", task=created["id"], due="2026-10-30", percent=50)
    assert changed["due"] == "2026-10-30"
    done = await read.house.call("tasks_complete", task=created["id"])
    assert done["status"] == "completed"
    assert (await read.house.call("tasks_list"))["tasks"] == []
    await read.house.call("actions_undo")
    [task] = (await read.house.call("tasks_list"))["tasks"]
    assert (task["due"], task["percent"]) == ("2026-10-30", 50)


async def test_a_deleted_task_is_put_back(read: Desk) -> None:
    created = await read.house.call("tasks_create", **RENT)
    await read.house.call("tasks_delete", task=created["id"])
    assert await read.texts() == []
    await read.house.call("actions_undo")
    assert [each["id"] for each in (await read.house.call("tasks_list"))["tasks"]] == [created["id"]]


async def test_a_repeating_task_comes_back_with_its_next_date(read: Desk) -> None:
    created = await read.house.call("tasks_create", **RENT, repeats="monthly")
    shown = await read.house.preview("tasks_complete", task=created["id"])
    assert {row.label: row.value for row in shown.fields}["Next due"] == "Monday 23 November 2026"
    saved = await read.house.call("tasks_complete", task=created["id"])
    assert (saved["status"], saved["due"]) == ("needs-action", "2026-11-23")


async def test_another_programs_task_is_listed_with_who_it_is_from(desk: Desk) -> None:
    await desk.put_object("t", todo("SUMMARY:Water the plants\nORGANIZER:mailto:carol@example.org"))
    await desk.sync()
    [task] = (await desk.house.call("tasks_list"))["tasks"]
    assert task["title"]["authors"] == ["carol@example.org"]


async def test_tasks_are_listed_by_due_date_and_what_is_late_is_said(read: Desk) -> None:
    for title, due in (("late", "2026-10-02"), ("none", None), ("soon", "2030-10-02T10:00")):
        await read.house.call("tasks_create", title=title, due=due)
    found = (await read.house.call("tasks_list"))["tasks"]
    assert [(each["title"]["text"], each["overdue"]) for each in found] == [
        ("late", True),
        ("soon", False),
        ("none", False),
    ]
    before = (await read.house.call("tasks_list", due_before="2026-12-31"))["tasks"]
    assert [each["title"]["text"] for each in before] == ["late"]


async def test_a_task_goes_into_a_calendar_that_takes_tasks(desk: Desk) -> None:
    await desk.run(desk.server.make_calendar, "Errands", components=("VTODO",))
    await desk.sync()
    await desk.house.call("tasks_create", **RENT, calendar="errands")
    listed = {each["name"]["text"]: each for each in (await desk.house.call("calendars_list"))["calendars"]}
    assert (listed["Errands"]["tasks"], listed["Errands"]["events"], listed["Errands"]["count"]) == (True, False, 1)
    with pytest.raises(InvalidRequest, match="no such calendar to write events to"):
        await desk.house.call("events_create", title="x", start="2026-10-23", calendar="errands")


async def test_a_task_that_changed_meanwhile_is_not_overwritten(read: Desk) -> None:
    call = read.house.make("tasks_create", **RENT)
    created = (await read.house.send(call)).content
    text = (await read.texts())[0].replace("Pay the rent", "Pay the rent twice")
    await read.put_object(call.id, text)
    with pytest.raises(Conflict, match=r"meanwhile \(title\)"):
        await read.house.call("tasks_update", task=created["id"], percent=10)


@pytest.mark.parametrize("after", [True, False])
async def test_a_new_task_that_broke_off_is_looked_up(read: Desk, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    real: Any = DavSession.put

    async def broken(self: DavSession, *args: Any, **more: Any) -> Any:
        if after:
            await real(self, *args, **more)
        raise UpstreamFailed("The connection broke off.")

    monkeypatch.setattr(DavSession, "put", broken)
    outcome = "done"
    try:
        await read.house.call("tasks_create", **RENT)
    except Unavailable:
        outcome = "not done"
    assert outcome == ("done" if after else "not done")
    assert len(await read.texts()) == (1 if after else 0)


async def test_an_unknown_task_and_one_without_changes_are_refused(read: Desk) -> None:
    with pytest.raises(NotFound, match="no task with that id"):
        await read.house.call("tasks_complete", task="0123456789")
    created = await read.house.call("tasks_create", **RENT)
    with pytest.raises(InvalidRequest, match="Say what to change"):
        await read.house.call("tasks_update", task=created["id"])
