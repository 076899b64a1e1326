"""Reading and changing a real calendar through the connector."""

from __future__ import annotations

import pytest

from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.messages import Effect
from tests.connectors.caldav.conftest import Desk

FRIDAY = {"title": "Sign the lease", "start": "2026-10-23T10:00:00", "end": "2026-10-23T10:30:00"}
YOGA = (
    "UID:yoga\nDTSTART;TZID=Europe/Berlin:20261016T183000\nDTEND;TZID=Europe/Berlin:20261016T193000\n"
    "RRULE:FREQ=WEEKLY;COUNT=4\nSUMMARY:Yoga"
)
MEETING = (
    "UID:meeting\nDTSTART:20261020T170000Z\nDTEND:20261020T180000Z\nSUMMARY:Tenants' meeting\n"
    "ORGANIZER;CN=Carol Meyer:mailto:carol@example.org\nATTENDEE;CN=Ada:mailto:ada@home.example"
)


async def test_a_created_event_lies_on_the_server_under_the_calls_uid(read: Desk) -> None:
    call = read.house.make("events_create", **FRIDAY)
    result = await read.house.send(call)
    [text] = await read.texts()
    assert f"UID:{call.id}@open-assistant" in text
    assert "DTSTART;TZID=Europe/Berlin:20261023T100000" in text
    assert result.content["start"] == "2026-10-23T10:00:00+02:00"
    assert result.outside == ()


async def test_an_event_is_listed_at_once_after_it_was_created(read: Desk) -> None:
    created = await read.house.call("events_create", **FRIDAY)
    [event] = await read.between("2026-10-23", "2026-10-23")
    assert event["id"] == created["id"]
    assert event["title"]["text"] == "Sign the lease"


async def test_the_same_call_twice_creates_one_event(read: Desk) -> None:
    call = read.house.make("events_create", **FRIDAY)
    first, again = await read.house.send(call), await read.house.send(call)
    assert first == again
    assert len(await read.texts()) == 1


async def test_a_preview_without_guests_is_a_write_and_shows_everything(read: Desk) -> None:
    shown = await read.house.preview("events_create", **FRIDAY, place="Linden Street 12", notes="Bring a pen.")
    assert shown.effect is Effect.WRITE
    assert shown.destinations == ()
    assert shown.content == "Bring a pen."
    assert {row.label: row.value for row in shown.fields} == {
        "Title": "Sign the lease",
        "When": "Friday 23 October 2026, 10:00–10:30, Europe/Berlin",
        "Place": "Linden Street 12",
        "Calendar": "Personal",
    }


async def test_a_preview_with_guests_is_a_send_to_them(read: Desk) -> None:
    read.set(address="ada@home.example")
    shown = await read.house.preview("events_create", **FRIDAY, guests=["Carol Meyer <carol@example.org>"])
    assert shown.effect is Effect.SEND
    assert [(each.value, each.name) for each in shown.destinations] == [("carol@example.org", "Carol Meyer")]


async def test_guests_and_organiser_stand_in_the_stored_event(read: Desk) -> None:
    read.set(address="ada@home.example")
    await read.house.call("events_create", **FRIDAY, guests=["carol@example.org"])
    text = (await read.texts())[0].replace("\r\n ", "")
    assert "ORGANIZER:mailto:ada@home.example" in text
    assert "RSVP=TRUE:mailto:carol@example.org" in text


async def test_guests_without_an_own_address_are_refused(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="enter your mail address"):
        await read.house.call("events_create", **FRIDAY, guests=["carol@example.org"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start": "Friday"}, "ISO 8601"),
        ({"end": "2026-10-23T09:00"}, "end must lie after"),
        ({"zone": "Mars/Olympus"}, "no time zone named"),
        ({"calendar": "Work"}, "calendars_list names"),
        ({"title": " \n"}, "title"),
        ({"guests": ["carol"]}, "no mail address"),
    ],
)
async def test_what_is_wrong_is_said_so_that_it_can_be_corrected(
    read: Desk, wrong: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read.house.call("events_create", **{**FRIDAY, **wrong})


async def test_a_calendar_is_named_in_an_answer_only_as_the_call_named_it(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY)
    assert made["calendar"] == ""
    assert (await read.house.call("events_create", **FRIDAY, calendar="personal"))["calendar"] == "Personal"
    assert (await read.house.call("tasks_create", title="Call"))["calendar"] == ""


async def test_whole_days_include_the_last_one(read: Desk) -> None:
    await read.house.call("events_create", title="Away", start="2026-10-23", end="2026-10-24")
    [event] = await read.between("2026-10-24", "2026-10-24")
    assert (event["start"], event["end"]) == ("2026-10-23", "2026-10-24")
    assert await read.between("2026-10-25", "2026-10-25") == []


async def test_another_programs_events_come_with_the_next_sync(read: Desk) -> None:
    await read.put("meeting", MEETING)
    await read.sync()
    [event] = await read.between("2026-10-20", "2026-10-20")
    assert event["start"] == "2026-10-20T19:00:00+02:00"
    assert event["title"]["authors"] == ["carol@example.org"]
    assert "Carol Meyer" in event["people"]["text"]


async def test_search_finds_words_of_title_and_people(desk: Desk) -> None:
    await desk.put("meeting", MEETING)
    await desk.sync()
    for words in ("tenants", "meeting carol", "MEET"):
        found = await desk.house.call("events_search", query=words)
        assert [each["title"]["text"] for each in found["events"]] == ["Tenants' meeting"]
    assert (await desk.house.call("events_search", query="dentist"))["events"] == []


async def test_a_series_is_listed_date_by_date_across_the_change_of_the_clock(desk: Desk) -> None:
    await desk.put("yoga", YOGA)
    await desk.sync()
    found = await desk.between("2026-10-01", "2026-11-30")
    assert [each["start"] for each in found] == [
        "2026-10-16T18:30:00+02:00",
        "2026-10-23T18:30:00+02:00",
        "2026-10-30T18:30:00+01:00",
        "2026-11-06T18:30:00+01:00",
    ]


async def test_one_date_of_a_series_is_moved_and_another_deleted(desk: Desk) -> None:
    await desk.put("yoga", YOGA)
    await desk.sync()
    dates = await desk.between("2026-10-01", "2026-11-30")
    await desk.house.call("events_update", event=dates[1]["id"], start="2026-10-24T09:00")
    await desk.house.call("events_delete", event=dates[2]["id"])
    await desk.sync()
    found = await desk.between("2026-10-01", "2026-11-30")
    assert [each["start"][:16] for each in found] == ["2026-10-16T18:30", "2026-10-24T09:00", "2026-11-06T18:30"]
    assert found[1]["id"] == dates[1]["id"]


async def test_a_whole_series_is_deleted_by_the_first_part_of_its_id(desk: Desk) -> None:
    await desk.put("yoga", YOGA)
    await desk.sync()
    [first, *_] = await desk.between("2026-10-01", "2026-11-30")
    shown = await desk.house.preview("events_delete", event=first["id"].partition("_")[0])
    assert {"Extent": "the whole series"}.items() <= {row.label: row.value for row in shown.fields}.items()
    await desk.house.call("events_delete", event=first["id"].partition("_")[0])
    assert await desk.texts() == []


async def test_an_update_changes_what_is_given_and_leaves_the_rest(read: Desk) -> None:
    created = await read.house.call("events_create", **FRIDAY, notes="Bring a pen.")
    await read.house.call("events_update", event=created["id"], start="2026-10-23T15:00", place="Linden Street 12")
    text = (await read.texts())[0]
    assert "DTEND;TZID=Europe/Berlin:20261023T153000" in text
    assert "LOCATION:Linden Street 12" in text
    assert "DESCRIPTION:Bring a pen." in text
    assert "SEQUENCE:1" in text


async def test_an_update_of_what_changed_meanwhile_is_refused_and_seen_afterwards(read: Desk) -> None:
    call = read.house.make("events_create", **FRIDAY)
    created = (await read.house.send(call)).content
    await read.put(call.id, f"UID:{call.id}@open-assistant\nDTSTART:20261023T060000Z\nSUMMARY:Moved by Ada")
    with pytest.raises(Conflict, match="meanwhile"):
        await read.house.call("events_update", event=created["id"], title="Other")
    [event] = await read.between("2026-10-23", "2026-10-23")
    assert event["title"]["text"] == "Moved by Ada"


async def test_an_event_of_somebody_else_is_not_changed(desk: Desk) -> None:
    await desk.put("meeting", MEETING)
    await desk.sync()
    [event] = await desk.between("2026-10-20", "2026-10-20")
    with pytest.raises(InvalidRequest, match="by somebody else, who alone"):
        await desk.house.call("events_update", event=event["id"], title="Party")


async def test_a_change_of_an_event_with_guests_must_be_meant_for_them(desk: Desk) -> None:
    desk.set(address="carol@example.org")
    await desk.put("meeting", MEETING)
    await desk.sync()
    [event] = await desk.between("2026-10-20", "2026-10-20")
    with pytest.raises(InvalidRequest, match="tell_guests"):
        await desk.house.call("events_update", event=event["id"], title="Party")
    shown = await desk.house.preview("events_update", event=event["id"], title="Party", tell_guests=True)
    assert shown.effect is Effect.SEND
    assert [each.value for each in shown.destinations] == ["ada@home.example"]
    assert shown.outside != ()


async def test_an_unknown_event_is_not_found(read: Desk) -> None:
    with pytest.raises(NotFound, match="no event with that id"):
        await read.house.call("events_delete", event="0123456789")


async def test_free_times_leave_out_what_is_busy(read: Desk) -> None:
    await read.house.call("events_create", **FRIDAY)
    found = await read.house.send(
        read.house.make("slots_find", start="2026-10-23", end="2026-10-23", minutes=60, opens="09:00", closes="12:00")
    )
    assert [(each["start"][11:16], each["minutes"]) for each in found.content["slots"]] == [
        ("09:00", 60),
        ("10:30", 90),
    ]
    assert found.outside == ()


async def test_a_time_without_zone_is_of_the_zone_of_the_turn_and_the_card_says_so(read: Desk) -> None:
    read.set(zone="")
    read.house.zone = "America/New_York"
    shown = await read.house.preview("events_create", **FRIDAY)
    assert {row.label: row.value for row in shown.fields}["When"] == (
        "Friday 23 October 2026, 10:00–10:30, America/New_York"
    )
    created = await read.house.call("events_create", **FRIDAY)
    assert created["start"] == "2026-10-23T10:00:00-04:00"
    assert "DTSTART;TZID=America/New_York:20261023T100000" in (await read.texts())[0]


async def test_an_approval_given_in_one_time_zone_is_void_in_another(read: Desk) -> None:
    call = read.house.make("events_create", **FRIDAY)
    read.house.zone = "Europe/Berlin"
    digest = (await read.house.preview("events_create", **FRIDAY)).digest()
    read.house.zone = "America/New_York"
    ctx = read.house.context(call, approval=read.house.approval(call, preview_digest=digest))
    with pytest.raises(Conflict, match="approved has changed"):
        await read.house.send(call, ctx)
    assert await read.texts() == []


async def test_where_nobody_says_a_zone_it_is_utc_and_said(read: Desk) -> None:
    read.set(zone="")
    shown = await read.house.preview("events_create", **FRIDAY)
    assert {row.label: row.value for row in shown.fields}["When"].endswith("10:00–10:30, UTC")


async def test_a_floating_time_is_made_only_where_it_is_asked_for(read: Desk) -> None:
    shown = await read.house.preview("events_create", **FRIDAY, floating=True)
    assert {row.label: row.value for row in shown.fields}["When"].endswith("in whichever time zone you are")
    created = await read.house.call("events_create", **FRIDAY, floating=True)
    assert "DTSTART:20261023T100000\r\n" in (await read.texts())[0]
    assert created["start"] == "2026-10-23T10:00:00"
    await read.house.call("events_update", event=created["id"], start="2026-10-23T11:00")
    assert "DTSTART:20261023T110000\r\n" in (await read.texts())[0]


async def test_a_new_time_is_meant_in_the_zone_of_the_turn_and_kept_in_that_of_the_event(read: Desk) -> None:
    created = await read.house.call("events_create", **FRIDAY)
    read.house.zone = "America/New_York"
    changed = await read.house.call("events_update", event=created["id"], start="2026-10-23T09:00")
    assert changed["start"] == "2026-10-23T15:00:00+02:00"


async def test_what_was_approved_must_still_be_so(desk: Desk) -> None:
    await desk.put("yoga", YOGA)
    await desk.sync()
    [first, *_] = await desk.between("2026-10-01", "2026-11-30")
    call = desk.house.make("events_delete", event=first["id"])
    digest = (await desk.house.preview("events_delete", event=first["id"])).digest()
    await desk.put("yoga", YOGA.replace("Yoga", "Yoga with Carol"))
    await desk.sync()
    ctx = desk.house.context(call, approval=desk.house.approval(call, preview_digest=digest))
    with pytest.raises(Conflict, match="approved has changed"):
        await desk.house.send(call, ctx)
