"""The peers of a household, filled from home.toml: mailbox, calendar, list of tasks."""

import imaplib
import re
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from tests.everyday.tables import home_table
from tests.peers.caldav import CalendarServer
from tests.peers.house import ADDRESS, MAIL_PASSWORD, House, open_house
from tests.peers.mailbox import ADA, Letter, add_letter, add_mail

__all__ = ["Home", "open_home"]

_OTHERS = 150
_STAMP = "DTSTAMP:20260101T000000Z"


@dataclass(frozen=True)
class Home:
    """The peers, and the day on which everything in them was laid out."""

    house: House
    today: date

    @property
    def accounts(self) -> list[dict[str, Any]]:
        """The bodies of POST /api/accounts."""
        calendar = self.house.calendar_account()
        return [self.house.mail_account(), calendar | {"settings": calendar["settings"] | {"address": ADDRESS}}]


def open_home(stack: ExitStack) -> Home:
    """Starts the peers under `stack` and fills them."""
    house, now = open_house(stack, mails=_OTHERS, events=0), datetime.now(UTC).replace(microsecond=0)
    table = home_table(now.date())
    _make_folder(house)
    for number, each in enumerate(table["mail"]):
        letter = _letter(each, number, now)
        add_letter(house.imap.maildir(ADDRESS), letter, owner=house.imap.owner)
    for number, each in enumerate(table["invitation"]):
        name, maildir = f"invitation-{number}.peer", house.imap.maildir(ADDRESS)
        add_mail(maildir, name, _invitation(each, now), owner=house.imap.owner)
    for number, each in enumerate(table["event"]):
        _put(house.calendar, f"event-{number:02d}", "VEVENT", _event(each))
    for number, each in enumerate(table["todo"]):
        _put(house.calendar, f"todo-{number:02d}", "VTODO", _todo(each))
    return Home(house, now.date())


def _make_folder(house: House) -> None:
    with imaplib.IMAP4(house.imap.host, house.imap.port) as session:
        session.login(ADDRESS, MAIL_PASSWORD)
        session.create("Receipts")
        session.subscribe("Receipts")


def _letter(given: dict[str, Any], number: int, now: datetime) -> Letter:
    extra = [f"List-Id: <{given['list']}>"] if "list" in given else []
    extra += [f"List-Unsubscribe: <{given['leave']}>"] if "leave" in given else []
    return Letter(
        given["from"], given.get("to", ADA), given["subject"], given["text"], now - timedelta(days=given["days"]),
        f"<everyday-{number}@mail.example>", folder=given.get("folder", ""), shape=given.get("shape", "plain"),
        extra=tuple(extra),
    )  # fmt: skip


def _invitation(given: dict[str, Any], now: datetime) -> bytes:
    sender = given["from"].partition("<")[2].removesuffix(">")
    event = [
        f"UID:{given['uid']}", _STAMP, "SEQUENCE:0", *_times(given), f"SUMMARY:{given['title']}",
        f"LOCATION:{given['place']}", f"ORGANIZER:mailto:{sender}", f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{sender}",
        f"ATTENDEE;CN=Ada;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{ADDRESS}",
    ]  # fmt: skip
    calendar = ["BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:REQUEST", "BEGIN:VEVENT", *event, "END:VEVENT"]
    lines = [
        f"From: {given['from']}", f"To: {ADA}", f"Subject: {given['subject']}",
        f"Date: {format_datetime(now - timedelta(days=given['days']))}", f"Message-ID: <{given['uid']}>",
        "MIME-Version: 1.0", 'Content-Type: multipart/alternative; boundary="cut"', "", "--cut",
        "Content-Type: text/plain", "", f"You are invited: {given['title']}.", "--cut",
        "Content-Type: text/calendar; charset=utf-8; method=REQUEST", "", *calendar, "END:VCALENDAR", "--cut--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def _put(server: CalendarServer, name: str, kind: str, lines: list[str]) -> None:
    body = [f"BEGIN:{kind}", f"UID:{name}@home.example", _STAMP, *lines, f"END:{kind}"]
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Open Assistant//everyday//EN", *body, "END:VCALENDAR", ""]
    server.put(name, "\r\n".join(whole))


def _event(given: dict[str, Any]) -> list[str]:
    lines = [*_times(given), f"SUMMARY:{_escaped(given['title'])}"]
    lines += [f"LOCATION:{_escaped(given['place'])}"] if "place" in given else []
    lines += [f"DESCRIPTION:{_escaped(given['notes'])}"] if "notes" in given else []
    lines += [f"RRULE:FREQ=WEEKLY;COUNT={given['weekly']}"] if "weekly" in given else []
    lines += [f"ORGANIZER:mailto:{given['organizer']}"] if "organizer" in given else []
    for guest in given.get("guests", ()):
        address, _, answer = guest.partition(" ")
        lines.append(f"ATTENDEE;PARTSTAT={answer or 'NEEDS-ACTION'}:mailto:{address}")
    return lines


def _times(given: dict[str, Any]) -> list[str]:
    """Start and end in UTC, or whole days where no hour is given."""
    if " " not in given["start"]:
        first = date.fromisoformat(given["start"])
        last = first + timedelta(days=given.get("days", 1))
        return [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{last:%Y%m%d}"]
    start = datetime.fromisoformat(given["start"])
    end = start + timedelta(minutes=given["minutes"])
    return [f"DTSTART:{start:%Y%m%dT%H%M%S}Z", f"DTEND:{end:%Y%m%dT%H%M%S}Z"]


def _todo(given: dict[str, Any]) -> list[str]:
    lines = [f"SUMMARY:{_escaped(given['title'])}", "STATUS:NEEDS-ACTION"]
    lines += [f"DUE;VALUE=DATE:{date.fromisoformat(given['due']):%Y%m%d}"] if "due" in given else []
    lines += [f"DESCRIPTION:{_escaped(given['notes'])}"] if "notes" in given else []
    return lines


def _escaped(text: str) -> str:
    """A text as iCalendar has it (RFC 5545, 3.3.11)."""
    return re.sub(r"([;,\\])", r"\\\1", text)
