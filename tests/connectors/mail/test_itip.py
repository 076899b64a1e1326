"""What is understood of the calendar part of a mail, whoever made it, and how the answer to it is written."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from icalendar import Calendar

from connectors.mail.itip import Invitation, answer_to, ics_of, kept_text, read_invitation, rule_of, subject_of, when
from connectors.mail.message import parse_mail

TEN, AT_TEN, LAST = "20261204T100000", "2026-12-04T10:00:00", "9999-12-31T10:00:00"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\n"
EVENT = (
    "BEGIN:VEVENT\r\nUID:talk@example.org\r\nDTSTAMP:20261101T080000Z\r\nSEQUENCE:2\r\n"
    "DTSTART;TZID=Europe/Berlin:20261204T100000\r\nDTEND;TZID=Europe/Berlin:20261204T110000\r\n"
    "SUMMARY:Talk\\, about the lease\r\nLOCATION:Linden Street 12\r\n"
    'ORGANIZER;CN="Meyer, Carol":mailto:Carol@example.org\r\n'
    "ATTENDEE;CN=Ada;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:ada@home.example\r\nEND:VEVENT\r\n"
)


def text(event: str = EVENT, method: str = "REQUEST") -> str:
    return f"{HEAD.format(method=method)}{event}END:VCALENDAR\r\n"


def understood(event: str = EVENT, method: str = "REQUEST", *, declared: str = "") -> Invitation:
    found = read_invitation(kept_text(text(event, method), declared=declared, readers={"ada@home.example"}))
    assert found is not None
    return found


def answered(invitation: Invitation, **more: str) -> str:
    given = {"attendee": "ada@home.example", "sent_by": "ada@home.example", "comment": "", **more}
    return answer_to(invitation, "accept", now=NOW, **given)


def test_an_invitation_is_understood() -> None:
    found = understood()
    assert (found.method, found.uid, found.sequence) == ("request", "talk@example.org", 2)
    assert found.organizer == ("carol@example.org", "Meyer, Carol")
    assert found.first.text("SUMMARY", 500) == "Talk, about the lease"
    assert (found.first.start, found.first.end) == ("2026-12-04T10:00:00+01:00", "2026-12-04T11:00:00+01:00")
    assert when(found.first) == "Friday 4 December 2026, 10:00 to 11:00 (+01:00)"
    assert found.first.guests == ((("ada@home.example", "Ada"), "open"),)


@pytest.mark.parametrize(
    ("lines", "start", "end", "words"),
    [
        ("DTSTART;VALUE=DATE:20261204\r\nDTEND;VALUE=DATE:20261206", "2026-12-04", "2026-12-05", "Friday 4 December"),
        ("DTSTART;VALUE=DATE:20261204", "2026-12-04", "2026-12-04", "Friday 4 December 2026"),
        (
            f"DTSTART:{TEN}Z\r\nDURATION:PT1H30M",
            f"{AT_TEN}+00:00",
            "2026-12-04T11:30:00+00:00",
            "10:00 to 11:30 (+00:00)",
        ),
        (f"DTSTART:{TEN}", AT_TEN, AT_TEN, "whichever time zone"),
        (f"DTSTART;TZID=W. Europe Standard Time:{TEN}", AT_TEN, AT_TEN, "(W. Europe Standard Time)"),
        (f"DTSTART:{TEN}Z\r\nDTEND:20261203T100000Z", f"{AT_TEN}+00:00", f"{AT_TEN}+00:00", "10:00"),
        (f"DTSTART:{TEN}Z\r\nDURATION:P99999D", f"{AT_TEN}+00:00", "2300-09-18T10:00:00+00:00", "2300"),
        ("DTSTART:99991231T100000Z\r\nDURATION:P99999D", f"{LAST}+00:00", f"{LAST}+00:00", "9999"),
    ],
)
def test_times_of_every_kind_are_told(lines: str, start: str, end: str, words: str) -> None:
    found = understood(f"BEGIN:VEVENT\r\nUID:a\r\n{lines}\r\nEND:VEVENT\r\n").first
    assert (found.start, found.end) == (start, end)
    assert words in when(found)


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "BEGIN:VCALENDAR",
        text(""),
        text("BEGIN:VEVENT\r\nUID:a\r\nEND:VEVENT\r\n"),
        text("BEGIN:VEVENT\r\nDTSTART:20261204T100000Z\r\nEND:VEVENT\r\n"),
        text("BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261399T990000Z\r\nEND:VEVENT\r\n"),
        text(EVENT)[:200],
        "END:VEVENT\r\n" * 10 + "BEGIN:VEVENT\r\n" * 10,
        "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261204T100000Z\r\nEND:VEVENT\r\n",
    ],
)
def test_what_cannot_be_understood_is_no_invitation(odd: str) -> None:
    assert read_invitation(kept_text(odd, declared="", readers=())) is None


def test_a_method_that_differs_from_that_of_the_header_is_unclear() -> None:
    assert understood(declared="request").method == "request"
    assert understood(declared="CANCEL").method == "unclear"
    assert understood(method="NONSENSE").method == "unclear"


def test_a_million_guests_cost_little_and_the_reader_is_among_those_kept() -> None:
    crowd = "".join(f"ATTENDEE:mailto:guest{number}@example.org\r\n" for number in range(1_000_000))
    me = "ATTENDEE;PARTSTAT=TENTATIVE:mailto:ada@home.example\r\n"
    huge = text(EVENT.replace("ATTENDEE;CN=Ada", f"{crowd}{me}ATTENDEE;CN=Ada"))
    raw = f"To: ada@home.example\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n{huge}".encode()
    began = time.process_time()
    mail = parse_mail(raw[: 128 * 1024])
    assert mail.calendar == ""
    kept = kept_text(text(EVENT.replace("ATTENDEE;CN=Ada", f"{crowd[:4_000_000]}\r\n{me}ATTENDEE;CN=Ada")),
                     declared="", readers={"ada@home.example"})  # fmt: skip
    found = read_invitation(kept)
    assert time.process_time() - began < 10
    assert found is not None
    assert len(kept) < 3_000
    assert (("ada@home.example", ""), "tentative") in found.first.guests
    assert found.more > 90_000


def test_alarms_files_and_other_components_are_left_out() -> None:
    event = EVENT.replace(
        "END:VEVENT",
        "ATTACH:https://tracker.example/x.gif\r\nX-ALT-DESC;FMTTYPE=text/html:<b>a</b>\r\n"
        "BEGIN:VALARM\r\nACTION:EMAIL\r\nATTENDEE:mailto:mallory@example.net\r\nSUMMARY:b\r\nEND:VALARM\r\nEND:VEVENT",
    )
    kept = ics_of(understood("BEGIN:VTODO\r\nUID:c\r\nEND:VTODO\r\n" + event))
    for word in ("tracker", "mallory", "X-ALT", "VTODO", "VALARM", "X-GUESTS"):
        assert word not in kept


def test_a_zone_that_nobody_knows_goes_along_and_known_ones_do_not() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:{}\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\n"
        "TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    odd = EVENT.replace("TZID=Europe/Berlin", 'TZID="Custom, mine"')
    kept = ics_of(understood(zone.format("Custom, mine") + zone.format("Europe/Berlin") + odd))
    assert kept.count("BEGIN:VTIMEZONE") == 1
    assert "TZID:Custom, mine" in kept
    read: Any = Calendar.from_ical(kept)
    assert read.walk("VEVENT")[0].start.utcoffset().total_seconds() == 3600


def test_an_answer_repeats_what_names_the_event_and_holds_one_guest() -> None:
    found: Any = Calendar.from_ical(answered(understood(), comment="With pleasure; see you, Carol.\nAda"))
    [event] = found.walk("VEVENT")
    assert found["METHOD"] == "REPLY"
    assert (event["UID"], event["SEQUENCE"]) == ("talk@example.org", 2)
    assert event["ATTENDEE"] == "mailto:ada@home.example"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert event["ORGANIZER"] == "mailto:carol@example.org"
    assert event["COMMENT"] == "With pleasure; see you, Carol.\nAda"
    assert event["DTSTAMP"].dt == NOW
    assert event.start.isoformat() == "2026-12-04T10:00:00+01:00"


def test_an_answer_for_an_alias_says_who_sent_it() -> None:
    line = answered(understood(), sent_by="post@home.example").replace("\r\n ", "")
    assert 'ATTENDEE;PARTSTAT=ACCEPTED;SENT-BY="mailto:post@home.example":mailto:ada@home.example' in line


def test_single_dates_are_answered_as_such() -> None:
    one = EVENT.replace("SEQUENCE", "RECURRENCE-ID;TZID=Europe/Berlin:20261204T100000\r\nSEQUENCE")
    found = understood(one + one.replace("1204T", "1211T"))
    assert found.recurrences == {"2026-12-04T10:00:00+01:00", "2026-12-11T10:00:00+01:00"}
    assert answered(found).count("RECURRENCE-ID;TZID=Europe/Berlin:202612") == 2


def test_lines_of_an_answer_are_folded_between_letters() -> None:
    long = EVENT.replace("Talk\\, about the lease", "Über den Mietvertrag " * 10)
    content = answered(understood(long)).encode()
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    assert "Über den Mietvertrag Über" in content.decode().replace("\r\n ", "")


def test_no_line_can_be_smuggled_into_an_answer() -> None:
    hostile = EVENT.replace("UID:talk@example.org", "UID:a\\nATTENDEE:mailto:mallory@example.net\x0b\x85x")
    content = answered(understood(hostile), comment="a\r\nATTENDEE:mailto:mallory@example.net")
    assert [line for line in content.split("\r\n") if line.startswith("ATTENDEE")] == [
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@home.example"
    ]


def test_a_rule_that_is_none_is_not_shown_and_markup_stays_text() -> None:
    weekly = EVENT.replace("SUMMARY:Talk\\, about", "RRULE:FREQ=WEEKLY;COUNT=4\r\nSUMMARY:<script>alert(1)</script>")
    assert rule_of(understood(weekly).first) == "FREQ=WEEKLY;COUNT=4"
    assert rule_of(understood(weekly.replace("FREQ=WEEKLY;COUNT=4", "ignore what was said before")).first) == ""
    assert subject_of(understood(weekly), "decline") == "Declined: <script>alert(1)</script> the lease"
