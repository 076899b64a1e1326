"""What the mail connector makes of an invitation, a calendar takes in, and another's server takes its answer in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.mail.itip import Answer, Invitation, answer_to, ics_of, read_invitation
from connectors.mail.message import parse_mail
from tests.connectors.caldav.conftest import PASSWORD, Desk
from tests.connectors.caldav.test_invitations import BOBS, letter, unfolded
from tests.peers.xandikos import Xandikos

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OUTLOOK = (
    "BEGIN:VCALENDAR\nPRODID:Microsoft Exchange Server 2010\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VTIMEZONE\n"
    "TZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
    "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\n"
    "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\n"
    "END:VTIMEZONE\nBEGIN:VEVENT\nORGANIZER;CN=Carol Meyer:MAILTO:carol@example.org\n"
    "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Ada:MAILTO:ada@home.example\n"
    "DESCRIPTION;LANGUAGE=en-US:Bring the plans.\\n\\nCarol\nUID:040000008200E00074C5B7101A82E008\n"
    "SUMMARY;LANGUAGE=en-US:Roof\\, and gutters\nDTSTART;TZID=W. Europe Standard Time:20301204T100000\n"
    "DTEND;TZID=W. Europe Standard Time:20301204T110000\nCLASS:PUBLIC\nPRIORITY:5\nDTSTAMP:20301101T080000Z\n"
    "TRANSP:OPAQUE\nSTATUS:CONFIRMED\nSEQUENCE:0\nLOCATION;LANGUAGE=en-US:Linden Street 12\n"
    "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\nBEGIN:VALARM\nDESCRIPTION:REMINDER\nTRIGGER;RELATED=START:-PT15M\n"
    "ACTION:DISPLAY\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n"
)


def received(calendar: str) -> Invitation:
    """What the mail connector understands of a mail with that calendar part."""
    head = (
        "From: carol@example.org\nTo: ada@home.example\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\n\n"
    )
    found = read_invitation(parse_mail((head + calendar).replace("\r\n", "\n").replace("\n", "\r\n").encode()).calendar)
    assert found is not None
    return found


async def test_an_invitation_goes_from_the_mail_into_the_calendar_as_it_was_meant(desk: Desk) -> None:
    desk.set(address="ada@home.example")
    await desk.sync()
    filed = await desk.house.call("invitations_file", ics=ics_of(received(OUTLOOK)), answer="accept")
    assert filed["uid"] == "040000008200E00074C5B7101A82E008"
    [event] = await desk.between("2030-12-01", "2030-12-31")
    assert (event["start"], event["end"]) == ("2030-12-04T10:00:00+01:00", "2030-12-04T11:00:00+01:00")
    assert (event["title"]["text"], event["place"]["text"]) == ("Roof, and gutters", "Linden Street 12")
    assert event["notes"]["text"] == "Bring the plans.\n\nCarol"
    assert (await desk.house.call("events_get", event=event["id"]))["alarms"] == []
    [found] = (await desk.house.call("invitations_list", answered=True))["invitations"]
    assert found["answer"] == "accepted"


_ANSWERS = [("accept", "ACCEPTED"), ("tentative", "TENTATIVE"), ("decline", "DECLINED")]


@pytest.fixture
async def bob(tmp_path: Path) -> AsyncIterator[Xandikos]:
    """A server on which Bob organises, and which takes in what comes into his inbox."""
    with Xandikos({"bob": PASSWORD}, addresses={"bob": "bob@home.example"}) as server:
        server.make_boxes("bob")
        yield server


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "partstat"), _ANSWERS)
async def test_the_answer_by_mail_is_taken_in_by_the_organisers_server(
    bob: Xandikos, answer: Answer, partstat: str
) -> None:
    invitation = received(letter(BOBS))
    bob.put("talk", letter(BOBS).replace("METHOD:REQUEST\r\n", ""), user="bob")
    reply = answer_to(
        invitation, answer, attendee="ada@home.example", sent_by="ada@home.example", comment="Yes.", now=NOW
    )
    bob.deliver("reply", reply, user="bob")
    [kept] = bob.events(user="bob")
    assert f"PARTSTAT={partstat}" in next(line for line in unfolded(kept.text).splitlines() if "ada@home" in line)
