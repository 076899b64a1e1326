"""Events are created, changed, moved, called off, deleted and answered as it was shown, and taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, OaError
from openassistant.messages import Preview
from tests.connectors.google_calendar.conftest import ADA, CAROL, Desk

TEA = {"title": "Tea", "start": "2037-12-03T16:00", "zone": "Europe/Berlin"}


def rows(shown: Preview) -> dict[str, str]:
    return {each.label: each.value for each in shown.fields}


async def test_an_event_is_created_as_shown(read: Desk) -> None:
    call = read.make(
        "events_create", **TEA, end="2037-12-03T17:30", place="Café", notes="Cake", alarms=[60, 10], calendar="family"
    )
    shown = await read.preview(call)
    assert shown == await read.preview(call)
    assert rows(shown) == {
        "Title": "Tea",
        "When": "Thursday 3 December 2037, 16:00–17:30, Europe/Berlin",
        "Reminders": "10, 60 minutes before",
        "Place": "Café",
        "Calendar": "Family",
    }
    assert (shown.verb, shown.content, shown.destinations) == ("Create an event", "Cake", ())
    assert read.front.seen == []
    made = await read.house.send(call)
    assert made.content["start"] == "2037-12-03T16:00:00+01:00"
    [held] = await read.events("Tea")
    assert (held["calendarId"], held["location"], held["description"]) == ("team-family", "Café", "Cake")
    assert held["start"] == {"dateTime": "2037-12-03T16:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert held["reminders"]["overrides"] == [{"method": "popup", "minutes": each} for each in (10, 60)]
    assert "sendUpdates=none" in read.asked("POST")[0].path
    await read.sync()
    assert (await read.titled("Tea"))["id"] == made.content["id"]


async def test_guests_are_invited_by_google_and_that_is_not_taken_back(read: Desk) -> None:
    call = read.make("events_create", **TEA, guests=["Carol Meyer <carol@home.example>"], meet=True)
    shown = await read.preview(call)
    assert shown.verb == "Create an event and invite guests"
    assert [(each.value, each.name) for each in shown.destinations] == [(CAROL, "Carol Meyer")]
    made = await read.house.send(call)
    assert made.content["join"].startswith("https://meet.google.com/")
    assert len([each for each in await read.mails(CAROL) if "Invitation: Tea" in each]) == 1
    with pytest.raises(Conflict, match="reached other people"):
        await read.undo()


async def test_a_series_and_a_whole_day_are_created(read: Desk) -> None:
    weekly = {"repeats": "weekly", "on": ["thursday"], "until": "2037-12-17"}
    await read.call("events_create", **TEA, **weekly)
    assert await read.starts("Tea") == [f"2037-12-{day}T16:00:00+01:00" for day in ("03", "10", "17")]
    await read.call("events_create", title="Fair", start="2037-12-08", end="2037-12-09")
    fair = await read.titled("Fair")
    assert (fair["start"], fair["end"]) == ("2037-12-08", "2037-12-09")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"title": " \n "}, "give it a title"),
        ({"guests": ["nobody"]}, "no mail address"),
        ({"calendar": "Club"}, "no such calendar"),
        ({"end": "2037-12-03T15:00"}, "must lie after"),
        ({"on": ["monday"]}, "how often"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    read: Desk, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read.call("events_create", **{**TEA, **given})
    assert read.front.seen == []


async def test_what_was_created_is_taken_back_unless_it_was_changed(read: Desk) -> None:
    call = read.make("events_create", **TEA)
    await read.house.send(call)
    await read.undo()
    assert await read.events("Tea") == []
    again = read.make("events_create", **TEA)
    await read.house.send(again)
    [held] = await read.events("Tea")
    await read.other("PATCH", f"calendars/primary/events/{held['id']}", json={"summary": "Tea with Ben"})
    with pytest.raises(Conflict, match="changed since"):
        await read.undo()
    assert len(await read.events("Tea with Ben")) == 1


async def test_an_event_is_changed_and_put_back(read: Desk) -> None:
    dentist = (await read.titled("Dentist"))["id"]
    call = read.make(
        "events_update", event=dentist, title="Doctor", start="2037-12-23T10:00", place="", zone="Europe/Berlin"
    )
    shown = await read.preview(call)
    assert rows(shown)["New time"] == "Wednesday 23 December 2037, 10:00–10:45, Europe/Berlin"
    assert rows(shown)["New place"] == "none"
    done = await read.house.send(call)
    assert (done.content["id"], done.content["start"]) == (dentist, "2037-12-23T10:00:00+01:00")
    await read.undo()
    [held] = await read.events("Dentist")
    assert (held["start"]["dateTime"], held["location"]) == ("2037-12-22T09:00:00+01:00", "Main Street 1")
    assert (await read.titled("Dentist"))["start"] == "2037-12-22T09:00:00+01:00"


async def test_a_time_becomes_a_day_and_a_time_again(read: Desk) -> None:
    dentist = (await read.titled("Dentist"))["id"]
    call = read.make("events_update", event=dentist, start="2037-12-23")
    await read.house.send(call)
    assert (await read.titled("Dentist"))["start"] == "2037-12-23"
    await read.undo()
    assert (await read.titled("Dentist"))["start"] == "2037-12-22T09:00:00+01:00"


async def test_one_date_of_a_series_is_changed_alone(read: Desk) -> None:
    date = (await read.titled("Choir", 1))["id"]
    call = read.make("events_update", event=date, start="2037-12-01T20:00", zone="Europe/Berlin")
    done = await read.house.send(call)
    assert done.content["id"] == date
    assert (await read.starts("Choir"))[:3] == [
        "2037-11-23T18:30:00+01:00", "2037-12-01T20:00:00+01:00", "2037-12-07T18:30:00+01:00",
    ]  # fmt: skip
    await read.sync()
    assert (await read.starts("Choir"))[1] == "2037-12-01T20:00:00+01:00"
    await read.undo()
    assert (await read.starts("Choir"))[1] == "2037-11-30T18:30:00+01:00"


async def test_a_whole_series_moves_by_the_hour_and_its_words_change(read: Desk) -> None:
    date = (await read.titled("Choir", 1))["id"]
    call = read.make("events_update", event=date, extent="all", start="2037-11-30T19:00", title="Choir again")
    await read.house.send(call)
    starts = await read.starts("Choir again")
    assert (len(starts), {each[11:16] for each in starts}) == (6, {"19:00"})
    await read.undo()
    assert {each[11:16] for each in await read.starts("Choir")} == {"18:30"}
    with pytest.raises(InvalidRequest, match="stays on its days"):
        await read.call("events_update", event=date, extent="all", start="2037-12-01T19:00")


async def test_a_series_is_divided_and_joined_again(read: Desk) -> None:
    date = (await read.titled("Choir", 2))["id"]
    call = read.make("events_update", event=date, extent="following", start="2037-12-07T20:00", title="Late choir")
    shown = await read.preview(call)
    assert rows(shown)["Extent"] == "this date of a series and all that follow"
    await read.house.send(call)
    assert await read.starts("Choir") == ["2037-11-23T18:30:00+01:00", "2037-11-30T18:30:00+01:00"]
    late = await read.starts("Late choir")
    assert (len(late), late[0]) == (4, "2037-12-07T20:00:00+01:00")
    await read.sync()
    assert len(await read.starts("Late choir")) == 4
    await read.undo()
    assert (len(await read.starts("Choir")), await read.starts("Late choir")) == (6, [])


async def test_what_has_guests_is_changed_only_with_a_word_to_them(read: Desk) -> None:
    lease = (await read.titled("Lease"))["id"]
    with pytest.raises(InvalidRequest, match="tell_guests"):
        await read.call("events_update", event=lease, title="Sign the lease")
    call = read.make("events_update", event=lease, title="Sign the lease", tell_guests=True)
    assert [each.value for each in (await read.preview(call)).destinations] == [CAROL]
    await read.house.send(call)
    assert len([each for each in await read.mails(CAROL) if "Sign the lease" in each]) == 1
    with pytest.raises(Conflict, match="reached other people"):
        await read.undo()
    alarm = read.make("events_update", event=lease, alarms=[5])
    assert (await read.preview(alarm)).destinations == ()
    await read.house.send(alarm)
    assert len([each for each in await read.mails(CAROL) if "Sign the lease" in each]) == 1


async def test_guests_who_stay_keep_their_answers(read: Desk) -> None:
    lease = (await read.titled("Lease"))["id"]
    [held] = await read.events("Lease")
    yes = {"attendees": [{"email": CAROL, "responseStatus": "accepted"}]}
    await read.other("PATCH", f"calendars/primary/events/{held['id']}", person=CAROL, json=yes)
    await read.sync()
    await read.call("events_update", event=lease, guests=[CAROL, "dan@elsewhere.example"])
    [held] = await read.events("Lease")
    assert {each["email"]: each["responseStatus"] for each in held["attendees"]} == {
        ADA: "accepted",
        CAROL: "accepted",
        "dan@elsewhere.example": "needsAction",
    }


async def test_what_others_organise_is_not_changed_or_called_off(read: Desk) -> None:
    party = (await read.titled("Party"))["id"]
    for tool, more in (
        ("events_update", {"title": "Mine"}),
        ("events_cancel", {}),
        ("events_move", {"calendar": "family"}),
    ):
        with pytest.raises(InvalidRequest, match="organise"):
            await read.call(tool, event=party, **more)
    with pytest.raises(Forbidden, match="read-only"):
        await read.call("events_delete", event=(await read.titled("Regatta"))["id"])


async def test_what_was_changed_meanwhile_is_left_alone(read: Desk) -> None:
    dentist = (await read.titled("Dentist"))["id"]
    [held] = await read.events("Dentist")
    await read.other("PATCH", f"calendars/primary/events/{held['id']}", json={"location": "Hill Road 2"})
    with pytest.raises(Conflict, match="meanwhile"):
        await read.call("events_delete", event=dentist)
    assert (await read.titled("Dentist"))["place"]["text"] == "Hill Road 2"
    await read.call("events_update", event=dentist, title="Doctor")
    assert (await read.events("Doctor"))[0]["location"] == "Hill Road 2"


async def test_a_change_between_look_and_act_is_found_by_its_etag(read: Desk) -> None:
    dentist = (await read.titled("Dentist"))["id"]
    [held] = await read.events("Dentist")
    read.front.described[held["id"]] = {"etag": '"old"'}
    seen = read.front.change

    def forget(passed: Any) -> Any:
        if passed.method == "GET":
            read.front.described.clear()
        return seen(passed)

    read.front.change = forget
    with pytest.raises(Conflict, match="meanwhile"):
        await read.call("events_update", event=dentist, title="Doctor")
    assert await read.events("Doctor") == []


async def test_an_event_is_deleted_and_restored(read: Desk) -> None:
    dentist = (await read.titled("Dentist"))["id"]
    call = read.make("events_delete", event=dentist)
    assert (await read.preview(call)).verb == "Delete an event"
    await read.house.send(call)
    assert await read.events("Dentist") == []
    assert await read.starts("Dentist") == []
    await read.undo()
    assert (await read.titled("Dentist"))["id"] == dentist


async def test_one_date_of_a_series_is_deleted_and_restored(read: Desk) -> None:
    call = read.make("events_delete", event=(await read.titled("Choir", 1))["id"])
    await read.house.send(call)
    assert "2037-11-30T18:30:00+01:00" not in await read.starts("Choir")
    await read.sync()
    assert len(await read.starts("Choir")) == 5
    await read.undo()
    assert len(await read.starts("Choir")) == 6


async def test_a_series_ends_before_a_date_and_goes_on_again(read: Desk) -> None:
    call = read.make("events_delete", event=(await read.titled("Choir", 2))["id"], extent="following")
    await read.house.send(call)
    assert len(await read.starts("Choir")) == 2
    await read.undo()
    assert len(await read.starts("Choir")) == 6


async def test_an_event_with_guests_is_called_off_and_they_hear_of_it(read: Desk) -> None:
    lease = (await read.titled("Lease"))["id"]
    with pytest.raises(InvalidRequest, match="events_cancel"):
        await read.call("events_delete", event=lease)
    call = read.make("events_cancel", event=lease)
    assert [each.value for each in (await read.preview(call)).destinations] == [CAROL]
    await read.house.send(call)
    assert len([each for each in await read.mails(CAROL) if each.startswith("Canceled event: Lease")]) == 1
    assert await read.starts("Lease") == []
    with pytest.raises(InvalidRequest, match="no guests"):
        await read.call("events_cancel", event=(await read.titled("Dentist"))["id"])


async def test_an_event_moves_to_another_calendar_and_back(read: Desk) -> None:
    call = read.make("events_move", event=(await read.titled("Dentist"))["id"], calendar="family")
    assert rows(await read.preview(call))["Into"] == "Family"
    moved = await read.house.send(call)
    assert (await read.events("Dentist"))[0]["calendarId"] == "team-family"
    assert [each["id"] for each in await read.dates(calendar="Family")][-1] == moved.content["id"]
    await read.undo()
    assert (await read.events("Dentist"))[0]["calendarId"] == ADA


@pytest.mark.parametrize(
    ("answer", "status"), [("accept", "accepted"), ("tentative", "tentative"), ("decline", "declined")]
)
async def test_an_invitation_is_answered(read: Desk, answer: str, status: str) -> None:
    party = (await read.titled("Party"))["id"]
    call = read.make("invitations_answer", event=party, answer=answer)
    shown = await read.preview(call)
    assert [each.value for each in shown.destinations] == [CAROL]
    assert rows(shown)["Answer until now"] == "open"
    assert shown.outside[0].authors == (CAROL,)
    await read.house.send(call)
    [held] = await read.events("Party")
    assert {each["email"]: each["responseStatus"] for each in held["attendees"]}[ADA] == status
    with pytest.raises(InvalidRequest, match="already"):
        await read.call("invitations_answer", event=party, answer=answer)


async def test_an_answer_names_the_user_alone(read: Desk) -> None:
    await read.call("invitations_answer", event=(await read.titled("Party"))["id"], answer="accept", comment="See you")
    [asked] = read.asked("PATCH")
    sent = json.loads(asked.asked)
    assert sent == {
        "attendees": [{"email": ADA, "responseStatus": "accepted", "comment": "See you"}],
        "attendeesOmitted": True,
    }
    assert "sendUpdates=all" in asked.path


@pytest.mark.parametrize("event", ["../../../users/me", "a/b", "x?sendUpdates=all", "#", "%2e%2e"])
async def test_an_id_leads_to_no_other_address(read: Desk, event: str) -> None:
    for tool, more in (("events_delete", {}), ("events_update", {"title": "x"}), ("events_cancel", {})):
        with pytest.raises(NotFound):
            await read.call(tool, event=event, **more)
    assert read.front.seen == []


async def test_every_change_says_whether_guests_are_mailed(read: Desk) -> None:
    await read.call("events_create", **TEA)
    await read.call("events_update", event=(await read.titled("Tea"))["id"], title="Green tea")
    await read.call("events_delete", event=(await read.titled("Green tea"))["id"])
    changed = [each for each in read.front.seen if each.method != "GET"]
    assert len(changed) == 3
    assert all("sendUpdates=none" in each.path for each in changed)


async def test_a_call_is_refused_in_words_where_google_does_not_allow_it(read: Desk) -> None:
    read.world.fail("calendar", {"tool": "calendar.events.insert", "kind": "rate_limit", "times": None})
    with pytest.raises(OaError) as refused:
        await read.call("events_create", **TEA)
    assert refused.value.code == "rate_limited"
    assert await read.events("Tea") == []


async def test_a_division_is_not_joined_again_where_its_later_half_was_changed(read: Desk) -> None:
    date = (await read.titled("Choir", 2))["id"]
    await read.call("events_update", event=date, extent="following", title="Late choir")
    [late] = await read.events("Late choir")
    await read.other("PATCH", f"calendars/primary/events/{late['id']}", json={"location": "Church"})
    with pytest.raises(Conflict, match="changed since"):
        await read.undo()
    assert (len(await read.starts("Choir")), len(await read.starts("Late choir"))) == (2, 4)


async def test_a_video_call_is_added_and_taken_away(read: Desk) -> None:
    dentist = (await read.titled("Dentist"))["id"]
    done = await read.call("events_update", event=dentist, meet=True)
    assert done["join"].startswith("https://meet.google.com/")
    await read.call("events_update", event=dentist, meet=False)
    sent = [json.loads(each.asked)["conferenceData"] for each in read.asked("PATCH")]
    assert sent[0]["createRequest"]["conferenceSolutionKey"] == {"type": "hangoutsMeet"}
    assert sent[1] is None
    assert all("conferenceDataVersion=1" in each.path for each in read.asked("PATCH"))
    with pytest.raises(InvalidRequest, match="one date or to all"):
        await read.call("events_update", event=(await read.titled("Choir", 2))["id"], extent="following", meet=True)


async def test_nothing_to_change_is_refused(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="what to change"):
        await read.call("events_update", event=(await read.titled("Dentist"))["id"])
