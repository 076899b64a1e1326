"""Invitations in a calendar: listed, answered, and put in as they came by mail, on real servers of two makes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.caldav.client import DavSession
from openassistant.errors import Conflict, InvalidRequest, Unavailable, UpstreamFailed
from openassistant.messages import Effect
from openassistant.once import once_faults
from tests.connectors.caldav.conftest import PASSWORD, Desk, wrap
from tests.peers.xandikos import Xandikos

TALK = (
    "UID:talk\nDTSTART:20301220T170000Z\nDTEND:20301220T180000Z\nSUMMARY:Talk about the lease\n"
    "ORGANIZER;CN=Carol Meyer:mailto:carol@example.org\nATTENDEE;PARTSTAT=ACCEPTED:mailto:carol@example.org\n"
    "ATTENDEE;CN=Ada;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:Ada@Home.example"
)
CHOIR = (
    "UID:choir\nDTSTART;TZID=Europe/Berlin:20301203T190000\nDTEND;TZID=Europe/Berlin:20301203T210000\n"
    "RRULE:FREQ=WEEKLY;COUNT=4\nSUMMARY:Choir\nORGANIZER:mailto:carol@example.org\nATTENDEE:mailto:ada@home.example"
)


def letter(body: str, method: str = "REQUEST") -> str:
    """An invitation as a mail holds it."""
    return wrap(body).replace("VERSION:2.0\r\n", f"VERSION:2.0\r\nMETHOD:{method}\r\n", 1)


def unfolded(text: str) -> str:
    return text.replace("\r\n ", "").replace("\n ", "")


async def known(desk: Desk, name: str, body: str) -> Desk:
    """Ada's calendar with an event in it, which knows her address."""
    desk.set(address="ada@home.example")
    await desk.put(name, body)
    await desk.sync()
    return desk


async def invitations(desk: Desk, **more: Any) -> list[dict[str, Any]]:
    return list((await desk.house.call("invitations_list", **more))["invitations"])


async def test_what_waits_for_an_answer_is_listed_as_text_of_others(desk: Desk) -> None:
    await known(desk, "talk", TALK)
    result = await desk.house.send(desk.house.make("invitations_list"))
    [found] = result.content["invitations"]
    assert (found["title"]["text"], found["answer"], found["state"]) == ("Talk about the lease", "open", "new")
    assert found["organizer"]["text"] == "Carol Meyer <carol@example.org>"
    assert result.outside[0].authors == ("carol@example.org",)


async def test_what_is_over_or_answered_or_ones_own_does_not_wait(desk: Desk) -> None:
    await desk.put("old", TALK.replace("talk", "old").replace("2030", "2020"))
    await desk.put("yes", TALK.replace("UID:talk", "UID:yes").replace("NEEDS-ACTION", "ACCEPTED"))
    await desk.put(
        "mine", "UID:mine\nDTSTART:20301220T170000Z\nORGANIZER:mailto:ada@home.example\nATTENDEE:mailto:x@y.z"
    )
    await known(desk, "odd", "UID:odd\nDTSTART:20301220T170000Z\nATTENDEE:mailto:ada@home.example")
    assert await invitations(desk) == []
    assert [each["answer"] for each in await invitations(desk, answered=True)] == ["accepted"]


async def test_a_revised_and_a_cancelled_invitation_are_told_apart(desk: Desk) -> None:
    await desk.put("changed", TALK.replace("UID:talk", "UID:changed") + "\nSEQUENCE:2")
    await known(desk, "off", TALK.replace("UID:talk", "UID:off").replace("T17", "T16") + "\nSTATUS:CANCELLED")
    assert [each["state"] for each in await invitations(desk)] == ["cancelled", "changed"]
    with pytest.raises(InvalidRequest, match="called off"):
        await desk.house.call("invitations_answer", event=(await invitations(desk))[0]["id"], answer="accept")


async def test_an_answer_is_a_send_whose_card_names_the_organiser(desk: Desk) -> None:
    await known(desk, "talk", TALK)
    [found] = await invitations(desk)
    shown = await desk.house.preview("invitations_answer", event=found["id"], answer="decline", comment="I am away.")
    assert (shown.effect, shown.verb, shown.confirm) == (Effect.SEND, "Decline an invitation", "Decline")
    assert [(each.value, each.name) for each in shown.destinations] == [("carol@example.org", "Carol Meyer")]
    assert shown.content == "I am away."
    assert {row.label: row.value for row in shown.fields}["Event"] == "Talk about the lease"
    assert shown.outside[0].authors == ("carol@example.org",)
    assert bool(shown.warnings) is (desk.server.kind == "radicale")


async def test_an_answer_changes_the_own_line_and_nothing_of_the_organisers(desk: Desk) -> None:
    await known(desk, "talk", TALK + "\nSEQUENCE:3")
    [found] = await invitations(desk)
    done = await desk.house.call("invitations_answer", event=found["id"], answer="tentative", comment="Perhaps later.")
    text = unfolded((await desk.texts())[0])
    assert "PARTSTAT=TENTATIVE:mailto:Ada@Home.example" in text
    assert "PARTSTAT=ACCEPTED:mailto:carol@example.org" in text
    assert "COMMENT:Perhaps later." in text
    assert "SEQUENCE:3" in text
    assert done["answer"] == "tentative"
    assert ("tells the organiser" in done["note"]) is (desk.server.kind == "xandikos")
    assert await invitations(desk) == []


async def test_the_same_answer_again_is_refused_and_another_is_taken(desk: Desk) -> None:
    await known(desk, "talk", TALK)
    [found] = await invitations(desk)
    await desk.house.call("invitations_answer", event=found["id"], answer="accept")
    with pytest.raises(InvalidRequest, match="accepted already"):
        await desk.house.call("invitations_answer", event=found["id"], answer="accept")
    await desk.house.call("invitations_answer", event=found["id"], answer="decline")
    assert "PARTSTAT=DECLINED" in unfolded((await desk.texts())[0])


async def test_one_date_of_a_series_is_declined_and_the_series_accepted(desk: Desk) -> None:
    await known(desk, "choir", CHOIR)
    [found] = await invitations(desk)
    dates = await desk.between("2030-12-01", "2030-12-31")
    assert found["id"] == dates[0]["id"].partition("_")[0]
    await desk.house.call("invitations_answer", event=dates[1]["id"], answer="decline")
    await desk.house.call("invitations_answer", event=found["id"], answer="accept")
    text = unfolded((await desk.texts())[0])
    assert (text.count("PARTSTAT=ACCEPTED"), text.count("PARTSTAT=DECLINED")) == (1, 1)
    busy = await desk.house.call("busy_list", start="2030-12-01", end="2030-12-31")
    assert [each["start"][:10] for each in busy["busy"]] == ["2030-12-03", "2030-12-17", "2030-12-24"]


async def test_who_is_not_invited_cannot_answer(desk: Desk) -> None:
    await known(desk, "talk", TALK.replace("Ada@Home", "zoe@home"))
    [event] = await desk.between("2030-12-20", "2030-12-20")
    with pytest.raises(InvalidRequest, match="not invited"):
        await desk.house.call("invitations_answer", event=event["id"], answer="accept")


async def test_an_answer_to_what_changed_meanwhile_shows_both(desk: Desk) -> None:
    await known(desk, "talk", TALK)
    [found] = await invitations(desk)
    await desk.put("talk", TALK.replace("T170000Z", "T150000Z"))
    with pytest.raises(Conflict, match=r"There it is now: .*16:00|There it is now: .*15:00") as raised:
        await desk.house.call("invitations_answer", event=found["id"], answer="accept")
    assert "17:00" in raised.value.message
    assert "PARTSTAT=ACCEPTED:mailto:Ada" not in unfolded((await desk.texts())[0])


async def test_an_invitation_is_answered_once(desk: Desk) -> None:
    await known(desk, "talk", TALK)
    [found] = await invitations(desk)
    turn = iter(["accept", "decline", "tentative", "accept", "decline"])
    before = [""]

    async def make() -> Any:
        return desk.house.make("invitations_answer", event=found["id"], answer=next(turn))

    async def done() -> int:
        text = unfolded((await desk.texts())[0])
        now = next(line for line in text.splitlines() if "Ada@Home" in line)
        changes.append(now != before[0])
        before[0] = now
        return sum(changes)

    changes: list[bool] = []
    assert await once_faults(desk.house, make, done) == []


async def test_an_answer_is_found_where_the_server_took_our_mark_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known(desk, "talk", TALK)
    [found] = await invitations(desk)
    real = DavSession.put

    async def unmarked(self: DavSession, url: str, text: str, *, etag: str | None) -> Any:
        kept = "\r\n".join(line for line in text.split("\r\n") if not line.startswith("X-OPEN-ASSISTANT"))
        await real(self, url, kept, etag=etag)
        raise UpstreamFailed("The connection broke off.")

    monkeypatch.setattr(DavSession, "put", unmarked)
    assert (await desk.house.call("invitations_answer", event=found["id"], answer="accept"))["answer"] == "accepted"


async def test_an_answer_that_never_arrived_is_said_to_be_not_given(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known(desk, "talk", TALK)
    [found] = await invitations(desk)

    async def lost(*_: Any, **__: Any) -> Any:
        raise UpstreamFailed("The connection broke off.")

    monkeypatch.setattr(DavSession, "put", lost)
    with pytest.raises(Unavailable, match="before anything was done"):
        await desk.house.call("invitations_answer", event=found["id"], answer="accept")


@pytest.fixture
async def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Ada's calendar on a server where Bob has one, too, and which carries invitations and answers between them."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    addresses = {"ada": "ada@home.example", "bob": "bob@home.example"}
    with Xandikos(dict.fromkeys(addresses, PASSWORD), addresses=addresses) as server:
        for user in addresses:
            server.make_boxes(user)
        desk = Desk(server, tmp_path / "data")
        async with desk.house:
            yield desk


BOBS = (
    TALK.replace("carol@example.org", "bob@home.example").replace("Carol Meyer", "Bob").replace("Ada@Home", "ada@home")
)


@pytest.mark.slow
async def test_a_server_that_schedules_brings_invitation_answer_update_and_cancellation(shared: Desk) -> None:
    server = shared.server
    await shared.run(server.put, "talk", wrap(BOBS), user="bob")
    await shared.sync()
    [found] = await invitations(shared)
    await shared.house.call("invitations_answer", event=found["id"], answer="accept", comment="With pleasure.")
    [kept] = await shared.run(server.events, user="bob")
    assert "PARTSTAT=ACCEPTED" in next(line for line in unfolded(kept.text).splitlines() if "ada@home" in line)
    later = BOBS.replace("T170000Z", "T173000Z") + "\nSEQUENCE:1"
    await shared.run(server.put, "talk", wrap(later), user="bob")
    await shared.sync()
    [found] = await invitations(shared, answered=True)
    assert (found["state"], found["start"][11:16]) == ("changed", "18:30")
    await shared.run(server.delete, "talk", user="bob")
    await shared.sync()
    assert [each["state"] for each in await invitations(shared)] == ["cancelled"]


@pytest.mark.slow
async def test_where_the_server_looks_after_an_invitation_none_is_put_in_by_hand(shared: Desk) -> None:
    await shared.run(shared.server.put, "talk", wrap(BOBS), user="bob")
    await shared.sync()
    with pytest.raises(InvalidRequest, match="up to date by itself"):
        await shared.house.call("invitations_file", ics=letter(BOBS), answer="accept")


@pytest.mark.slow
async def test_an_invitation_put_in_by_hand_makes_the_server_tell_nobody(shared: Desk) -> None:
    await shared.sync()
    filed = await shared.house.call("invitations_file", ics=letter(BOBS), answer="accept")
    shown = await shared.house.preview("invitations_answer", event=filed["id"], answer="decline")
    assert "SCHEDULE-AGENT=CLIENT" in unfolded((await shared.texts())[0])
    assert shown.warnings != ()
    assert await shared.run(shared.server.objects_at, shared.server.inbox_url("bob"), user="bob") == []  # type: ignore[attr-defined]  # Xandikos has one


async def filed(desk: Desk, body: str = TALK, **more: Any) -> dict[str, Any]:
    """Ada's calendar with an invitation put in that came by mail."""
    desk.set(address="ada@home.example")
    await desk.sync()
    return dict(await desk.house.call("invitations_file", ics=letter(body), **more))


async def test_an_invitation_from_a_mail_lies_in_the_calendar_with_its_uid_and_answer(desk: Desk) -> None:
    found = await filed(desk, TALK + "\nX-WHISPER:1\nATTACH:https://tracker.example/x.gif", answer="accept")
    text = unfolded((await desk.texts())[0])
    assert (found["uid"], found["start"]) == ("talk", "2030-12-20T17:00:00+00:00")
    assert "PARTSTAT=ACCEPTED:mailto:Ada@Home.example" in text
    assert "METHOD" not in text
    assert "WHISPER" not in text
    assert "tracker" not in text
    assert (await invitations(desk, answered=True))[0]["answer"] == "accepted"


async def test_the_card_of_an_invitation_from_a_mail_is_a_write_and_shows_whose_it_is(desk: Desk) -> None:
    desk.set(address="ada@home.example")
    await desk.sync()
    shown = await desk.house.preview("invitations_file", ics=letter(TALK), answer="accept")
    rows = {row.label: row.value for row in shown.fields}
    assert shown.effect is Effect.WRITE
    assert shown.destinations == ()
    assert rows["Organiser"] == "Carol Meyer <carol@example.org>"
    assert (rows["Answer"], rows["Calendar"]) == ("accepted", "Personal")
    assert shown.outside[0].authors == ("carol@example.org",)


async def test_an_update_moves_the_event_and_asks_anew_and_undo_brings_it_back(desk: Desk) -> None:
    await filed(desk, answer="accept")
    call = desk.house.make("invitations_file", ics=letter(TALK.replace("T17", "T15") + "\nSEQUENCE:1"))
    shown = await desk.house.preview("invitations_file", **call.arguments)
    assert {row.label: row.value for row in shown.fields}["Until now"].startswith("Friday 20 December 2030, 17:00")
    await desk.house.send(call)
    [found] = await invitations(desk)
    assert (found["start"][11:16], found["state"]) == ("16:00", "changed")
    await desk.house.call("actions_undo", action=call.id)
    assert "DTSTART:20301220T170000Z" in (await desk.texts())[0]


async def test_an_update_in_words_alone_keeps_the_answer_and_the_reminders(desk: Desk) -> None:
    await filed(desk, answer="accept")
    [text] = await desk.texts()
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:a\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT"
    [kept] = await desk.run(desk.server.events)
    await desk.put_object(kept.name.removesuffix(".ics"), text.replace("END:VEVENT", alarm))
    await desk.sync()
    await desk.house.call("invitations_file", ics=letter(TALK.replace("Talk about", "About") + "\nSEQUENCE:1"))
    text = unfolded((await desk.texts())[0])
    assert "SUMMARY:About the lease" in text
    assert "PARTSTAT=ACCEPTED:mailto:Ada" in text
    assert "TRIGGER:-PT15M" in text


async def test_the_same_invitation_once_more_notes_the_answer_and_loses_no_guest(desk: Desk) -> None:
    by_mail = TALK.replace("ORGANIZER;", "ORGANIZER;SCHEDULE-AGENT=CLIENT;")
    await known(desk, "talk", by_mail + "\nATTENDEE;PARTSTAT=DECLINED:mailto:zoe@example.org")
    await desk.house.call("invitations_file", ics=letter(TALK), answer="accept")
    text = unfolded((await desk.texts())[0])
    assert "PARTSTAT=ACCEPTED:mailto:Ada@Home.example" in text
    assert "PARTSTAT=DECLINED:mailto:zoe@example.org" in text


async def test_a_cancellation_marks_the_event_or_one_date_of_it(desk: Desk) -> None:
    await filed(desk, CHOIR, answer="accept")
    one = CHOIR.replace("RRULE:FREQ=WEEKLY;COUNT=4\n", "RECURRENCE-ID;TZID=Europe/Berlin:20301210T190000\n")
    await desk.house.call("invitations_file", ics=letter(one + "\nSEQUENCE:1", "CANCEL"))
    states = [each["status"] for each in await desk.between("2030-12-01", "2030-12-31")]
    assert states == ["confirmed", "cancelled", "confirmed", "confirmed"]
    await desk.house.call("invitations_file", ics=letter(CHOIR + "\nSEQUENCE:2", "CANCEL"))
    states = [each["status"] for each in await desk.between("2030-12-01", "2030-12-31")]
    assert states == ["cancelled"] * 4


async def test_one_date_of_a_series_is_moved_by_an_update(desk: Desk) -> None:
    await filed(desk, CHOIR, answer="accept")
    moved = (
        CHOIR.replace("RRULE:FREQ=WEEKLY;COUNT=4\n", "RECURRENCE-ID;TZID=Europe/Berlin:20301210T190000\n")
        .replace("DTSTART;TZID=Europe/Berlin:20301203T19", "DTSTART;TZID=Europe/Berlin:20301211T19")
        .replace("DTEND;TZID=Europe/Berlin:20301203T21", "DTEND;TZID=Europe/Berlin:20301211T21")
    )
    await desk.house.call("invitations_file", ics=letter(moved + "\nSEQUENCE:1"), answer="accept")
    dates = [each["start"][:10] for each in await desk.between("2030-12-01", "2030-12-31")]
    assert dates == ["2030-12-03", "2030-12-11", "2030-12-17", "2030-12-24"]


@pytest.mark.parametrize(
    ("body", "method", "words"),
    [
        (TALK, "REPLY", "only an invitation"),
        (TALK, "COUNTER", "only an invitation"),
        (TALK.replace("UID:talk", "UID:unknown"), "CANCEL", "nothing to call off"),
        (TALK.replace("carol@example.org", "ada@home.example"), "REQUEST", "organises that event"),
        (TALK.replace("UID:talk\n", ""), "REQUEST", "one event"),
        (TALK + "\nEND:VEVENT\nBEGIN:VEVENT\nUID:other\nDTSTART:20301220T170000Z", "REQUEST", "one event"),
        (
            TALK + "\nEND:VEVENT\nBEGIN:VEVENT\nUID:talk\nDTSTART:20301221T170000Z\nRECURRENCE-ID:20301221T170000Z\n"
            "ORGANIZER:mailto:ada@home.example",
            "REQUEST",
            "one organiser",
        ),
        ("nothing", "REQUEST", "no invitation that can be read"),
    ],
)
async def test_what_is_no_invitation_is_not_put_in(read: Desk, body: str, method: str, words: str) -> None:
    read.set(address="ada@home.example")
    with pytest.raises(InvalidRequest, match=words):
        await read.house.call("invitations_file", ics=letter(body, method))
    assert await read.texts() == []


async def test_an_update_by_another_organiser_and_an_old_one_are_refused(desk: Desk) -> None:
    await filed(desk, TALK + "\nSEQUENCE:5")
    with pytest.raises(Conflict, match="another organiser"):
        await desk.house.call(
            "invitations_file", ics=letter(TALK.replace("carol@", "mallory@") + "\nSEQUENCE:6", "CANCEL")
        )
    with pytest.raises(Conflict, match="newer version"):
        await desk.house.call("invitations_file", ics=letter(TALK + "\nSEQUENCE:4"))
    assert "STATUS:CANCELLED" not in (await desk.texts())[0]


async def test_a_new_invitation_is_put_in_once_and_can_be_taken_out(desk: Desk) -> None:
    desk.set(address="ada@home.example")
    await desk.sync()
    calls: list[Any] = []

    async def make() -> Any:
        uid = f"talk-{len(calls)}"
        calls.append(desk.house.make("invitations_file", ics=letter(TALK.replace("UID:talk", f"UID:{uid}"))))
        return calls[-1]

    async def done() -> int:
        return len(await desk.texts())

    assert await once_faults(desk.house, make, done) == []
    left = await done()
    await desk.house.call("actions_undo", action=calls[0].id)
    assert await done() == left - 1


async def test_an_invitation_with_a_crowd_is_listed_and_answered(desk: Desk) -> None:
    crowd = "\n".join(f"ATTENDEE:mailto:guest{number}@example.org" for number in range(3_000))
    me = "ATTENDEE;CN=Ada;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:Ada@Home.example"
    await known(desk, "talk", TALK.replace(me, f"{crowd}\n{me}"))
    [found] = await invitations(desk)
    assert len(found["people"]["text"]) < 2_000
    await desk.house.call("invitations_answer", event=found["id"], answer="accept")
    assert "PARTSTAT=ACCEPTED:mailto:Ada@Home.example" in unfolded((await desk.texts())[0])


async def test_markup_in_a_title_stays_text(desk: Desk) -> None:
    await known(desk, "talk", TALK.replace("Talk about the lease", "<img src=x onerror=alert(1)><b>Talk</b>"))
    [found] = await invitations(desk)
    assert found["title"]["text"] == "<img src=x onerror=alert(1)><b>Talk</b>"
