"""Events created, changed, called off, deleted and forwarded, and invitations answered: at the server, and shown."""

from __future__ import annotations

from typing import Any

import pytest

from openassistant.errors import Conflict, Forbidden, InvalidRequest
from openassistant.messages import Effect
from tests.connectors.outlook_calendar.conftest import ADA, CAROL, Desk

FRIDAY = {"title": "Sign the lease", "start": "2037-10-23T10:00:00", "end": "2037-10-23T10:30:00"}


def titled(read: Desk, title: str) -> Any:
    return next((each for each in read.box.events.values() if each.values["subject"] == title), None)


async def test_an_event_is_created_in_the_owners_zone(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY, place="Town hall", notes="Bring the key", alarm=20)
    event = titled(read, "Sign the lease")
    assert (event.zone, event.start.isoformat()) == ("W. Europe Standard Time", "2037-10-23T10:00:00")
    assert event.values["reminderMinutesBeforeStart"] == 20
    assert read.box.mails == []
    [found] = await read.between("2037-10-23", "2037-10-23")
    assert (found["id"], found["start"]) == (made["id"], "2037-10-23T10:00:00+02:00")
    assert found["notes"]["text"] == "Bring the key"


async def test_guests_are_invited_and_shown_beforehand(read: Desk) -> None:
    shown = await read.house.preview("events_create", **FRIDAY, guests=["Carol Meyer <carol@example.org>"])
    assert (shown.effect, shown.confirm) == (Effect.SEND, "Invite")
    assert [(each.value, each.name) for each in shown.destinations] == [(CAROL, "Carol Meyer")]
    await read.house.call("events_create", **FRIDAY, guests=[CAROL])
    assert [(each.kind, each.to) for each in read.box.mails] == [("invitation", CAROL)]
    assert any(each.values["subject"] == "Sign the lease" for each in read.carol.events.values())


async def test_a_preview_is_the_same_twice_and_asks_nothing(read: Desk) -> None:
    before = len(read.graph.asked)
    [lease] = await read.between("2037-10-22", "2037-10-22")
    for tool, given in (
        ("events_create", FRIDAY),
        ("events_update", {"event": (await read.titled("Dentist"))["id"], "start": "2037-10-21T11:00:00"}),
        ("events_delete", {"event": (await read.titled("Dentist"))["id"]}),
        ("invitations_answer", {"event": lease["id"], "answer": "decline"}),
        ("invitations_propose", {"event": lease["id"], "start": "2037-10-22T16:00:00"}),
        ("events_forward", {"event": lease["id"], "to": [CAROL]}),
    ):
        first, second = [await read.house.preview(tool, **given) for _ in range(2)]
        assert first == second
        assert first.fields
    assert len(read.graph.asked) == before


async def test_a_series_is_created_and_its_dates_are_there_at_once(read: Desk) -> None:
    given = {"title": "Bins", "start": "2037-10-26T07:00", "end": "2037-10-26T07:15", "repeats": "weekly"}
    await read.house.call("events_create", **given, every=2, until="2037-11-30")
    found = [each for each in await read.between("2037-10-20", "2037-12-31") if each["title"]["text"] == "Bins"]
    assert [each["start"][:10] for each in found] == ["2037-10-26", "2037-11-09", "2037-11-23"]


async def test_whole_days_end_with_their_last_day(read: Desk) -> None:
    await read.house.call("events_create", title="Away", start="2037-10-24", end="2037-10-25")
    event = titled(read, "Away")
    assert (event.values["isAllDay"], event.end.isoformat()) == (True, "2037-10-26T00:00:00")
    found = await read.titled("Away")
    assert (found["start"], found["end"]) == ("2037-10-24", "2037-10-25")


async def test_an_online_meeting_has_a_link(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY, online=True)
    assert made["join"].startswith("https://teams.example/")
    assert titled(read, "Sign the lease").values["onlineMeetingProvider"] == "teamsForBusiness"


async def test_a_calendar_without_online_meetings_says_so(desk: Desk) -> None:
    desk.box.names[desk.box.usual] |= {"allowedOnlineMeetingProviders": [], "defaultOnlineMeetingProvider": "unknown"}
    await desk.sync()
    with pytest.raises(InvalidRequest, match="online"):
        await desk.house.call("events_create", **FRIDAY, online=True)


async def test_a_read_only_calendar_is_refused(read: Desk) -> None:
    other = read.box.add_calendar("Carol's", owner=CAROL, writable=False)
    read.box.add("Theirs", "2037-10-23T12:00:00", calendar=other)
    await read.sync()
    with pytest.raises(InvalidRequest, match="no such calendar"):
        await read.house.call("events_create", **FRIDAY, calendar="Carol's")
    with pytest.raises(Forbidden, match="read-only"):
        await read.house.call("events_update", event=(await read.titled("Theirs"))["id"], title="Mine")


async def test_a_change_keeps_the_length_and_what_it_does_not_name(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    await read.house.call("events_update", event=dentist["id"], start="2037-10-21T11:00:00")
    event = titled(read, "Dentist")
    assert (event.start.hour, event.end.hour) == (11, 12)
    assert event.values["location"] == {"displayName": "Harbour Street 4"}


async def test_one_date_of_a_series_is_changed_alone(read: Desk) -> None:
    choir = [each for each in await read.between("2037-10-01", "2037-11-30") if each["title"]["text"] == "Choir"]
    await read.house.call("events_update", event=choir[1]["id"], start="2037-10-25T20:00:00")
    await read.sync()
    found = [each for each in await read.between("2037-10-01", "2037-11-30") if each["title"]["text"] == "Choir"]
    assert [each["start"][11:16] for each in found] == ["18:30", "20:00", "18:30", "18:30"]


async def test_a_series_is_changed_as_a_whole_and_stays_on_its_days(read: Desk) -> None:
    choir = await read.titled("Choir")
    await read.house.call("events_update", event=choir["id"], extent="all", title="Concert choir")
    found = [each["title"]["text"] for each in await read.between("2037-10-01", "2037-11-30") if each["repeats"]]
    assert found == ["Concert choir"] * 4
    with pytest.raises(InvalidRequest, match="stays on its days"):
        await read.house.call("events_update", event=choir["id"], extent="all", start="2037-10-19T18:30:00")


async def test_a_series_is_ended_at_a_date(read: Desk) -> None:
    choir = await read.titled("Choir")
    await read.house.call("events_update", event=choir["id"], extent="all", until="2037-10-31")
    found = [each for each in await read.between("2037-10-01", "2037-11-30") if each["title"]["text"] == "Choir"]
    assert [each["start"][:10] for each in found] == ["2037-10-18", "2037-10-25"]


async def test_guests_of_an_event_hear_of_a_change_only_when_that_was_said(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY, guests=[CAROL])
    with pytest.raises(InvalidRequest, match="tell_guests"):
        await read.house.call("events_update", event=made["id"], title="Sign it")
    shown = await read.house.preview("events_update", event=made["id"], title="Sign it", tell_guests=True)
    assert [each.value for each in shown.destinations] == [CAROL]
    await read.house.call("events_update", event=made["id"], title="Sign it", tell_guests=True)
    assert [each.kind for each in read.box.mails] == ["invitation", "update"]


async def test_a_guest_who_is_uninvited_is_told_and_shown(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY, guests=[CAROL])
    shown = await read.house.preview("events_update", event=made["id"], guests=["carl@example.org"])
    assert {each.value for each in shown.destinations} == {CAROL, "carl@example.org"}
    await read.house.call("events_update", event=made["id"], guests=["carl@example.org"])
    assert {(each.kind, each.to) for each in read.box.mails[1:]} == {
        ("update", "carl@example.org"), ("cancellation", CAROL),
    }  # fmt: skip


async def test_what_somebody_else_organises_cannot_be_changed_but_reminds(read: Desk) -> None:
    lease = await read.titled("Lease")
    with pytest.raises(InvalidRequest, match="somebody else"):
        await read.house.call("events_update", event=lease["id"], title="Mine")
    await read.house.call("events_update", event=lease["id"], alarm=45)
    assert titled(read, "Lease").values["reminderMinutesBeforeStart"] == 45
    assert read.box.mails == []


async def test_the_notes_of_an_online_meeting_stay(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY, online=True)
    with pytest.raises(InvalidRequest, match="link"):
        await read.house.call("events_update", event=made["id"], notes="Without it")


async def test_what_was_changed_in_outlook_meanwhile_is_not_overwritten(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    read.box.change(titled(read, "Dentist").id, {"subject": "Dentist, urgent"})
    with pytest.raises(Conflict, match="meanwhile"):
        await read.house.call("events_update", event=dentist["id"], title="Tea")
    assert titled(read, "Dentist, urgent") is not None
    assert (await read.titled("Dentist, urgent"))["id"] == dentist["id"]


async def test_an_invitation_that_was_moved_meanwhile_is_not_answered(read: Desk) -> None:
    lease = await read.titled("Lease")
    [theirs] = [each for each in read.carol.events.values() if each.values["subject"] == "Lease"]
    days = {"start": "2037-10-30T08:00:00", "end": "2037-10-30T09:00:00"}
    times = {name: {"dateTime": value, "timeZone": "UTC"} for name, value in days.items()}
    read.carol.change(theirs.id, times)
    with pytest.raises(Conflict, match="meanwhile"):
        await read.house.call("invitations_answer", event=lease["id"], answer="accept")
    assert read.box.mails == []


async def test_an_event_that_got_guests_meanwhile_is_not_deleted(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    read.box.change(titled(read, "Dentist").id, {"attendees": [{"emailAddress": {"address": CAROL}}]})
    with pytest.raises(Conflict, match="meanwhile"):
        await read.house.call("events_delete", event=dentist["id"])
    assert "cancellation" not in [each.kind for each in read.box.mails]


async def test_an_event_with_guests_is_called_off_with_a_word(read: Desk) -> None:
    made = await read.house.call("events_create", **FRIDAY, guests=[CAROL])
    with pytest.raises(InvalidRequest, match="events_cancel"):
        await read.house.call("events_delete", event=made["id"])
    shown = await read.house.preview("events_cancel", event=made["id"], comment="The landlord is ill.")
    assert ([each.value for each in shown.destinations], shown.content) == ([CAROL], "The landlord is ill.")
    await read.house.call("events_cancel", event=made["id"], comment="The landlord is ill.")
    assert (read.box.mails[-1].kind, read.box.mails[-1].words) == ("cancellation", "The landlord is ill.")
    assert await read.between("2037-10-23", "2037-10-23") == []


async def test_an_event_without_guests_is_deleted_and_not_called_off(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    with pytest.raises(InvalidRequest, match="events_delete"):
        await read.house.call("events_cancel", event=dentist["id"])
    await read.house.call("events_delete", event=dentist["id"])
    assert titled(read, "Dentist") is None
    assert await read.between("2037-10-21", "2037-10-21") == []


async def test_one_date_of_a_series_is_deleted(read: Desk) -> None:
    choir = [each for each in await read.between("2037-10-01", "2037-11-30") if each["title"]["text"] == "Choir"]
    await read.house.call("events_delete", event=choir[1]["id"])
    await read.sync()
    found = [each for each in await read.between("2037-10-01", "2037-11-30") if each["title"]["text"] == "Choir"]
    assert [each["start"][:10] for each in found] == ["2037-10-18", "2037-11-01", "2037-11-08"]


async def test_a_series_is_deleted_with_its_dates(read: Desk) -> None:
    await read.house.call("events_delete", event=(await read.titled("Choir"))["id"], extent="all")
    assert titled(read, "Choir") is None
    assert "Choir" not in [each["title"]["text"] for each in await read.between("2037-10-01", "2037-11-30")]


@pytest.mark.parametrize(
    ("answer", "kind"), [("accept", "accepted"), ("tentative", "tentativelyAccepted"), ("decline", "declined")]
)
async def test_an_invitation_is_answered_with_a_word(read: Desk, answer: str, kind: str) -> None:
    lease = await read.titled("Lease")
    shown = await read.house.preview("invitations_answer", event=lease["id"], answer=answer, comment="See you.")
    assert [each.value for each in shown.destinations] == [CAROL]
    await read.house.call("invitations_answer", event=lease["id"], answer=answer, comment="See you.")
    assert [(each.kind, each.to, each.words) for each in read.box.mails] == [(kind, CAROL, "See you.")]
    [theirs] = [each for each in read.carol.events.values() if each.values["subject"] == "Lease"]
    assert theirs.values["attendees"][0]["status"]["response"] == kind


async def test_an_answer_can_be_noted_without_a_mail(read: Desk) -> None:
    lease = await read.titled("Lease")
    shown = await read.house.preview("invitations_answer", event=lease["id"], answer="accept", tell=False)
    assert shown.destinations == ()
    done = await read.house.call("invitations_answer", event=lease["id"], answer="accept", tell=False)
    assert (done["answer"], read.box.mails) == ("accepted", [])
    assert (await read.titled("Lease"))["answer"] == "accepted"


async def test_another_time_is_proposed(read: Desk) -> None:
    lease = await read.titled("Lease")
    await read.house.call("invitations_propose", event=lease["id"], start="2037-10-22T16:00:00", comment="Later?")
    [theirs] = [each for each in read.carol.events.values() if each.values["subject"] == "Lease"]
    proposed = theirs.values["attendees"][0]["proposedNewTime"]
    assert proposed["start"] == {"dateTime": "2037-10-22T16:00:00", "timeZone": "W. Europe Standard Time"}
    assert proposed["end"]["dateTime"] == "2037-10-22T16:30:00"
    assert read.box.mails[-1].kind == "tentativelyAccepted"


async def test_no_time_is_proposed_where_the_organiser_wants_none(read: Desk) -> None:
    [lease] = [each for each in read.carol.events.values() if each.values["subject"] == "Lease"]
    read.carol.change(lease.id, {"allowNewTimeProposals": False})
    await read.sync()
    with pytest.raises(InvalidRequest, match="no other times"):
        await read.house.call(
            "invitations_propose", event=(await read.titled("Lease"))["id"], start="2037-10-22T16:00:00"
        )


async def test_the_users_own_event_cannot_be_answered(read: Desk) -> None:
    with pytest.raises(InvalidRequest, match="organises"):
        await read.house.call("invitations_answer", event=(await read.titled("Dentist"))["id"], answer="accept")


async def test_an_event_is_forwarded_and_its_organiser_shown(read: Desk) -> None:
    lease = await read.titled("Lease")
    shown = await read.house.preview("events_forward", event=lease["id"], to=["carl@example.org"], comment="Yours?")
    assert [each.value for each in shown.destinations] == ["carl@example.org", CAROL]
    await read.house.call("events_forward", event=lease["id"], to=["carl@example.org"], comment="Yours?")
    assert [(each.kind, each.to, each.words) for each in read.box.mails] == [("forward", "carl@example.org", "Yours?")]


async def test_a_created_event_is_taken_back(read: Desk) -> None:
    await read.house.call("events_create", **FRIDAY)
    await read.house.call("actions_undo")
    assert titled(read, "Sign the lease") is None
    assert await read.between("2037-10-23", "2037-10-23") == []


async def test_a_change_is_taken_back(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    await read.house.call("events_update", event=dentist["id"], title="Tea", start="2037-10-21T15:00", place="Home")
    await read.house.call("actions_undo")
    found = await read.titled("Dentist")
    assert (found["start"], found["place"]["text"]) == (dentist["start"], "Harbour Street 4")


async def test_what_exchange_itself_put_into_an_event_does_not_keep_it_from_being_taken_back(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    await read.house.call("events_update", event=dentist["id"], title="Tea")
    read.box.touch(titled(read, "Tea"), "")
    await read.house.call("actions_undo")
    assert titled(read, "Dentist") is not None
    await read.house.call("events_create", **FRIDAY)
    read.box.touch(titled(read, "Sign the lease"), "")
    await read.house.call("actions_undo")
    assert titled(read, "Sign the lease") is None


async def test_what_was_changed_since_is_not_taken_back(read: Desk) -> None:
    await read.house.call("events_create", **FRIDAY)
    read.box.change(titled(read, "Sign the lease").id, {"subject": "Signed"})
    with pytest.raises(Conflict, match="changed since"):
        await read.house.call("actions_undo")
    assert titled(read, "Signed") is not None


async def test_an_event_of_another_account_is_not_found(read: Desk) -> None:
    dentist = await read.titled("Dentist")
    before = read.house.account
    read.house.account = before.model_copy(update={"account": "0" * 32})
    read.connect(CAROL)
    with pytest.raises(Exception, match="no event with that id"):
        await read.house.call("events_delete", event=dentist["id"])
    assert titled(read, "Dentist") is not None
    assert ADA in read.graph.users


@pytest.mark.parametrize("event", ["../me/messages", "x/../../me", "a?$filter=1", "%2e%2e%2f", "AAMkEvt-1="])
async def test_an_id_leads_nowhere_but_to_the_mirror(read: Desk, event: str) -> None:
    before = len(read.graph.asked)
    for tool in ("events_get", "events_delete", "events_cancel"):
        with pytest.raises(Exception, match="no event with that id"):
            await read.house.call(tool, event=event)
    assert len(read.graph.asked) == before
