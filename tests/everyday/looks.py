"""Whether what was asked for was really done: asked of the servers, as another program would ask them."""

import imaplib
import re
from collections.abc import Iterator
from datetime import date, datetime
from email.header import decode_header, make_header
from typing import Any

import icalendar

from tests.everyday.home import Home
from tests.everyday.tables import Entry, Mail, Sent, Task
from tests.peers.house import ADDRESS, MAIL_PASSWORD

__all__ = ["Looks"]

_LISTED = "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"


class Looks:
    """Looks after the mailbox, the mails that were sent, the calendar and the list of tasks of a home."""

    def __init__(self, home: Home) -> None:
        self._house, self._sent = home.house, 0
        self._imap = imaplib.IMAP4(home.house.imap.host, home.house.imap.port)
        self._imap.login(ADDRESS, MAIL_PASSWORD)

    def close(self) -> None:
        """Signs off."""
        self._imap.logout()

    def begin(self) -> None:
        """What was sent until now does not count for what comes."""
        self._sent = len(self._house.smtp.sent)

    def missing(self, task: Task, said: str) -> list[str]:
        """What is not as it should be after a task, in words; empty when it was done."""
        found = [] if re.search(task.says, said, re.DOTALL) else [f"the answer is {said!r}"]
        found += self._sending(task.sent)
        for each in task.mails:
            found += self._mail(each)
        for component, wanted in (("VEVENT", task.event), ("VTODO", task.todo)):
            found += self._entry(component, wanted) if wanted else []
        return found

    def _sending(self, wanted: Sent | None) -> list[str]:
        """Exactly the mail that was asked for went out, and none beside it."""
        new = self._house.smtp.sent[self._sent :]
        told = [f"a mail went to {', '.join(each.recipients)}" for each in new]
        if wanted is None:
            return told
        fits = [each for each in new if each.recipients == (wanted.to,) and wanted.holds in each.text]
        return [] if len(fits) == len(new) == 1 else [f"no such mail went to {wanted.to}", *told]

    def _mail(self, wanted: Mail) -> list[str]:
        self._imap.select(wanted.folder, readonly=True)
        flags = [flags for subject, flags in self._listed() if subject == wanted.subject]
        if len(flags) != 1:
            return [f"{wanted.subject!r} lies {len(flags)} times in {wanted.folder}"]
        marks = {"\\Seen": wanted.seen, "\\Flagged": wanted.starred}
        wrong = [mark for mark, on in marks.items() if on is not None and (mark in flags[0]) is not on]
        return [f"{wanted.subject!r} has {flags[0]}"] if wrong else []

    def _listed(self) -> Iterator[tuple[str, str]]:
        """Subject and flags of each mail in the folder."""
        _, answer = self._imap.fetch("1:*", _LISTED)
        for head, header in (each for each in answer if isinstance(each, tuple)):
            subject = header.decode("ascii", "replace").partition(":")[2].strip().replace("\r\n", "")
            yield str(make_header(decode_header(subject))), head.decode("ascii")

    def _entry(self, component: str, wanted: Entry) -> list[str]:
        entries = [each for each in self._entries(component) if str(each.get("SUMMARY", "")) == wanted.title]
        if len(entries) != (0 if wanted.gone else 1):
            return [f"{wanted.title!r} is there {len(entries)} times"]
        parts = wanted.model_dump(exclude={"title", "gone"}, exclude_none=True)
        return [f"{wanted.title!r} has {_told(each)}" for each in entries if not _holds(_told(each), parts)]

    def _entries(self, component: str) -> Iterator[icalendar.Component]:
        for stored in self._house.calendar.events():
            yield from icalendar.Calendar.from_ical(stored.text).walk(component)


def _holds(told: dict[str, Any], parts: dict[str, Any]) -> bool:
    return all(value in told[name] if isinstance(value, str) else value == told[name] for name, value in parts.items())


def _told(entry: icalendar.Component) -> dict[str, Any]:
    """What an event or a task says, in the words of the tables; times in UTC."""
    guests = entry.get("ATTENDEE", [])
    guests = guests if isinstance(guests, list) else [guests]
    return {
        "start": _shown(entry, "DTSTART"),
        "due": _shown(entry, "DUE"),
        "status": str(entry.get("STATUS", "")),
        "place": str(entry.get("LOCATION", "")),
        "alarm": bool(entry.walk("VALARM")),
        "guest": [f"{str(each).removeprefix('mailto:')} {each.params.get('PARTSTAT', '')}" for each in guests],
    }


def _shown(entry: icalendar.Component, name: str) -> str:
    moment: date | datetime | None = entry.decoded(name, None)
    return moment.isoformat() if moment is not None else ""
