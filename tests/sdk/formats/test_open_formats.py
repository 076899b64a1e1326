"""What leaves the house is readable by programs that we did not write, whatever words are in it."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, date, datetime
from email.message import EmailMessage

import icalendar
import vobject
from hypothesis import given
from hypothesis import strategies as st

from openassistant.formats import ics as calendars
from openassistant.formats.addresses import Address
from openassistant.formats.charsets import clean
from openassistant.formats.eml import MISSING, Part, Rebuilt, eml, lacking
from openassistant.formats.guests import Person
from openassistant.formats.ics import ics
from openassistant.formats.message import Attachment, parse_mail
from openassistant.formats.vcf import Card, Entry, vcf

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WORDS = st.text(max_size=300)


def read(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_mail_has_its_people_its_place_in_a_conversation_and_what_is_missing() -> None:
    mail = read(
        eml(
            Rebuilt(
                AT,
                Address("carol@example.org", 'Carol "C" Méyer, Dr.'),
                to=(Address("ada@home.example"), Address("ben@example.org", "Ben")),
                subject="Über den Garten",
                message_id="a@b",
                references=("x@y", "z@y"),
                text="From the garden\n.\nÄpfel",
                missing=lacking([Attachment("plän.pdf", "application/pdf", 3)]),
            )
        )
    )
    assert not mail.defects
    assert mail["from"].addresses[0].display_name == 'Carol "C" Méyer, Dr.'
    assert [each.addr_spec for each in mail["to"].addresses] == ["ada@home.example", "ben@example.org"]
    assert (mail["subject"], mail["date"].datetime) == ("Über den Garten", AT)
    assert (mail["in-reply-to"], mail["references"]) == ("<z@y>", "<x@y> <z@y>")
    assert mail.get_content().splitlines() == ["From the garden", ".", "Äpfel"]
    assert mail[MISSING] == "the attachment plän.pdf (application/pdf, 3 bytes)"


def test_what_is_kept_beside_the_text_is_attached() -> None:
    mail = read(
        eml(Rebuilt(AT, Address("a@b.example"), text="Hello", parts=[Part("text/calendar", "BEGIN:X", "e.ics")]))
    )
    assert [each.get_filename() for each in mail.iter_attachments()] == ["e.ics"]
    assert mail.get_body() is not None


@given(subject=WORDS, name=WORDS, address=WORDS, words=WORDS, header=WORDS)
def test_no_words_get_out_of_their_header_or_change_the_text(
    subject: str, name: str, address: str, words: str, header: str
) -> None:
    made = eml(
        Rebuilt(AT, Address(address, name), subject=subject, text=words, message_id="i@d", more=[("List-Id", header)])
    )
    allowed = {"from", "date", "message-id", "subject", "list-id", "mime-version", "content-type",
               "content-transfer-encoding"}  # fmt: skip
    plain = email.message_from_bytes(made, policy=email.policy.compat32)
    assert {each.lower() for each in plain} <= allowed
    assert len(plain.keys()) == len(set(plain.keys()))
    assert "".join(parse_mail(made).text.split()) == "".join(clean(words).split())


@given(title=WORDS, place=WORDS, notes=WORDS, name=WORDS)
def test_an_event_says_the_same_to_another_reader(title: str, place: str, notes: str, name: str) -> None:
    made = ics(
        [calendars.Entry("u-1", AT, AT, title, place, notes, Person("carol@example.org", name), url="https://x")]
    )
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    [event] = icalendar.Calendar.from_ical(made).events
    kept = "".join(each for each in title.replace("\r\n", "\n") if each in "\n\t" or ord(each) >= 32)
    assert str(event.get("SUMMARY", "")).split() == kept.replace("\x7f", "").split()
    assert str(event["ORGANIZER"]) == "mailto:carol@example.org"


def test_days_series_and_reminders_are_written_as_the_standard_has_them() -> None:
    whole = calendars.Entry("u-2", date(2026, 12, 24), date(2026, 12, 27), "Holiday", busy=False, private=True)
    series = calendars.Entry(
        "u-3", AT, AT.replace(hour=10), "Choir", rules=["RRULE:FREQ=WEEKLY;COUNT=3"], alarms=[15],
        guests=[Person("ben@example.org", "Ben", "accepted", "optional")],
    )  # fmt: skip
    read = icalendar.Calendar.from_ical(ics([whole, series]))
    vobject.readOne(ics([whole, series]).decode())
    day, choir = read.events
    assert (day.start, day.end, day["TRANSP"], day["CLASS"]) == (
        date(2026, 12, 24),
        date(2026, 12, 27),
        "TRANSPARENT",
        "PRIVATE",
    )
    assert [rule["COUNT"] for rule in choir.rrules] == [[3]]
    assert choir.alarms.times[0].trigger == AT.replace(minute=15)
    assert choir["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"


@given(name=WORDS, street=WORDS, note=WORDS)
def test_a_card_says_the_same_to_another_reader(name: str, street: str, note: str) -> None:
    entries = [
        Entry("N", ["Meyer", name, "", "", ""]),
        Entry("ADR", ["", "", street, "Kiel", "", "", ""]),
        Entry("NOTE", note),
    ]
    made = vcf(Card("id-1", name, entries))
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    lines = [line for line in made.decode().replace("\r\n ", "").split("\r\n") if line]
    assert [line.partition(":")[0] for line in lines[:4]] == ["BEGIN", "VERSION", "UID;VALUE=text", "FN"]
    assert lines[-1] == "END:VCARD"
    assert sum(line.startswith("END") for line in lines) == 1
