"""Every act of the Outlook calendar happens once, whatever interrupts it: the SDK's own check, and Graph's faults."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from connectors.outlook_calendar.event_tools import look_for_updated
from openassistant.errors import DeadlineExceeded, OaError, Unavailable
from openassistant.messages import Call
from openassistant.once import once_faults
from tests.connectors.outlook_calendar.conftest import ADA, CAROL, Desk

BINS = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["sunday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": "2037-11-01", "numberOfOccurrences": 3},
}
_EVENTS = "POST /me/calendars/.*/events"


def number(read: Desk, title: str) -> int:
    return sum(each.values["subject"].startswith(title) for each in read.box.events.values())


def created(read: Desk, numbers: count[int], **more: Any) -> Call:
    day = 1 + next(numbers)
    start, end = f"2037-11-{day:02d}T10:00:00", f"2037-11-{day:02d}T10:30:00"
    return read.house.make("events_create", title=f"Sign the lease {day}", start=start, end=end, **more)


async def test_an_event_is_created_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        return created(read, numbers)

    async def done() -> int:
        return number(read, "Sign the lease")

    assert await once_faults(read.house, make, done) == []


async def test_guests_are_invited_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        return created(read, numbers, guests=[CAROL])

    async def done() -> int:
        return sum(each.kind == "invitation" for each in read.box.mails)

    assert await once_faults(read.house, make, done) == []


async def test_an_event_is_changed_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        made = await read.house.send(created(read, numbers))
        return read.house.make("events_update", event=made.content["id"], title="Changed", start="2037-11-20T12:00")

    async def done() -> int:
        return number(read, "Changed")

    assert await once_faults(read.house, make, done) == []


async def test_an_event_is_called_off_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        made = await read.house.send(created(read, numbers, guests=[CAROL]))
        return read.house.make("events_cancel", event=made.content["id"])

    async def done() -> int:
        return sum(each.kind == "cancellation" for each in read.box.mails)

    assert await once_faults(read.house, make, done) == []


async def test_an_event_is_deleted_once(read: Desk) -> None:
    numbers, made = count(), list[Call]()

    async def make() -> Call:
        made.append(created(read, numbers))
        return read.house.make("events_delete", event=(await read.house.send(made[-1])).content["id"])

    async def done() -> int:
        return len(made) - number(read, "Sign the lease")

    assert await once_faults(read.house, make, done) == []


async def _invited(read: Desk, numbers: count[int]) -> str:
    """Carol invites Ada, whose mirror knows it."""
    title = f"Lease {next(numbers)}"
    read.carol.add(title, "2037-11-02T10:00:00", attendees=[{"emailAddress": {"address": ADA}}])
    await read.sync()
    return str((await read.titled(title))["id"])


@pytest.mark.parametrize("answer", ["accept", "tentative", "decline"])
async def test_an_invitation_is_answered_once(read: Desk, answer: str) -> None:
    numbers = count()

    async def make() -> Call:
        return read.house.make("invitations_answer", event=await _invited(read, numbers), answer=answer)

    async def done() -> int:
        return len(read.box.mails)

    assert await once_faults(read.house, make, done) == []


async def test_another_time_is_proposed_once(read: Desk) -> None:
    numbers = count()

    async def make() -> Call:
        event = await _invited(read, numbers)
        return read.house.make("invitations_propose", event=event, start="2037-11-02T16:00:00")

    async def done() -> int:
        return len(read.box.mails)

    assert await once_faults(read.house, make, done) == []


@pytest.mark.parametrize("kind", ["after_commit", "dropped"])
async def test_a_create_whose_answer_was_lost_is_found_by_its_transaction(read: Desk, kind: str) -> None:
    read.graph.fault(kind, _EVENTS)
    made = await read.house.call("events_create", title="Tea", start="2037-11-02T10:00")
    assert number(read, "Tea") == 1
    assert (await read.titled("Tea"))["id"] == made["id"]


async def test_a_create_that_never_arrived_is_said_to_be_not_done(read: Desk) -> None:
    read.graph.fault("error", _EVENTS, status=500, code="ErrorInternalServerError")
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.call("events_create", title="Tea", start="2037-11-02T10:00")
    assert number(read, "Tea") == 0


async def test_a_create_that_cannot_be_looked_up_is_unknown_and_not_repeated(read: Desk) -> None:
    read.graph.fault("after_commit", _EVENTS)
    read.graph.fault("unavailable", "GET /me/calendars/.*/events", times=9)
    with pytest.raises(DeadlineExceeded):
        await read.house.call("events_create", title="Tea", start="2037-11-02T10:00")
    assert number(read, "Tea") == 1


async def test_a_change_whose_answer_was_lost_is_told_by_what_the_event_holds(read: Desk) -> None:
    read.graph.fault("after_commit", "PATCH .*")
    dentist = await read.titled("Dentist")
    done = await read.house.call("events_update", event=dentist["id"], title="Tea", notes="At\nfour", alarm=5)
    assert (done["id"], number(read, "Tea")) == (dentist["id"], 1)


async def test_a_change_that_never_arrived_is_said_to_be_not_done(read: Desk) -> None:
    read.graph.fault("error", "PATCH .*", status=500, code="ErrorInternalServerError")
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.call("events_update", event=(await read.titled("Dentist"))["id"], title="Tea")
    assert number(read, "Tea") == 0


async def test_a_forward_whose_answer_was_lost_is_unknown_and_not_repeated(read: Desk) -> None:
    read.graph.fault("after_commit", "POST .*/forward")
    call = read.house.make("events_forward", event=(await read.titled("Lease"))["id"], to=[CAROL])
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await read.house.send(call)
    assert len(read.box.mails) == 1


async def test_a_token_that_ended_in_the_middle_is_renewed_once(read: Desk) -> None:
    read.graph.user(ADA).token = "another-fake-token"
    read.connect(ADA)
    await read.house.call("events_create", title="Tea", start="2037-11-02T10:00")
    assert number(read, "Tea") == 1


async def test_a_refused_token_in_the_middle_says_to_connect_again(read: Desk) -> None:
    read.graph.fault("unauthorized", _EVENTS, times=2)
    with pytest.raises(OaError) as refused:
        await read.house.call("events_create", title="Tea", start="2037-11-02T10:00")
    assert refused.value.code == "account_required"
    assert number(read, "Tea") == 0


async def test_a_pause_that_graph_asks_for_is_kept(read: Desk) -> None:
    read.graph.fault("throttled", _EVENTS, retry_after=0)
    await read.house.call("events_create", title="Tea", start="2037-11-02T10:00")
    assert number(read, "Tea") == 1


async def test_a_transaction_that_graph_knows_already_is_the_event_that_it_made(read: Desk) -> None:
    call = read.house.make("events_create", title="Tea", start="2037-11-02T10:00Z")
    made = read.box.add("Tea", "2037-11-02T10:00:00", transactionId=call.id)
    read.graph.fault("error", _EVENTS, status=409, code="ErrorDuplicateTransactionId")
    result = await read.house.send(call)
    assert result.content["uid"] == made.uid
    assert number(read, "Tea") == 1


@pytest.mark.parametrize("tool", ["events_delete", "events_cancel"])
async def test_a_series_whose_first_date_is_gone_is_not_taken_for_gone_itself(read: Desk, tool: str) -> None:
    guests = [{"emailAddress": {"address": CAROL}}] if tool == "events_cancel" else []
    series = read.box.add("Bins", "2037-11-01T07:00:00", repeats=BINS, attendees=guests)
    read.box.remove(f"{series.id}.2037-11-01", tell=False)
    await read.sync()
    read.graph.fault("error", "(DELETE|POST) /me/events/.*", status=500, code="ErrorInternalServerError")
    with pytest.raises(Unavailable, match="before anything was done"):
        await read.house.call(tool, event=(await read.titled("Bins"))["id"], extent="all")
    assert number(read, "Bins") == 1


async def test_a_change_that_never_arrived_is_told_from_one_of_exchanges_own(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    [event] = [each for each in read.box.events.values() if each.values["subject"] == "Dentist"]
    read.graph.fault("error", "PATCH .*", status=500, code="ErrorInternalServerError")
    read.graph.fault("unavailable", "GET /me/events/.*", on_call=2, times=9)
    call = read.house.make("events_update", event=dentist["id"], title="Tea")
    with pytest.raises(DeadlineExceeded):
        await read.house.send(call)
    read.graph.faults.clear()
    read.box.touch(event, "")
    async with read.house.runner.context(read.house.context(call), call.user, call.account) as context:
        assert await look_for_updated(context, call) is None
    assert number(read, "Tea") == 0
