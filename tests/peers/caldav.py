"""What every CalDAV peer has: users with a calendar each, and a way to look and to store as another program would."""

import random
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx

from tests.peers.process import Child, Lifespan, PeerError, free_port, workspace

__all__ = ["CalendarServer", "Event", "everyday_events"]

_MKCALENDAR = """<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>{name}</D:displayname>
<C:supported-calendar-component-set>{components}</C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>"""
_LISTING = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'


@dataclass(frozen=True)
class Event:
    """A stored calendar object: its href's last part, its ETag and its iCalendar text."""

    name: str
    etag: str
    text: str


class CalendarServer(Lifespan):
    """A CalDAV server on loopback for `users` (name: password), each with the calendar "Personal"."""

    kind = "caldav"

    def __init__(
        self, users: Mapping[str, str] | None = None, *, calendar: str = "Personal", port: int | None = None
    ) -> None:
        self.users = dict(users if users is not None else {"ada": "not-a-real-calendar-password"})
        self.calendar = calendar
        self.port = port if port is not None else free_port()
        self.directory = Path()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """What a person types as the server's address."""
        raise NotImplementedError

    def calendar_url(self, user: str = "ada", calendar: str | None = None) -> str:
        """The collection's own URL, with a slash at its end."""
        raise NotImplementedError

    def home_url(self, user: str = "ada") -> str:
        """Where a user's calendars lie."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Write the configuration into the new folder."""

    def launch(self) -> None:
        """Start the server on what is stored, after `halt`."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return "" if self._child is None else self._child.tail(100_000)

    def start(self) -> None:
        """Start it, in a folder of its own that `stop` removes, and make each user's calendar."""
        self.directory = workspace("caldav")
        self.prepare()
        self.launch()
        for user in self.users:
            self.make_calendar(self.calendar, user=user)

    def stop(self) -> None:
        """Stop it and remove all calendars."""
        self.halt()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def halt(self) -> None:
        """Stop the server and keep the calendars."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def make_calendar(
        self,
        name: str,
        *,
        user: str = "ada",
        components: Iterable[str] = ("VEVENT", "VTODO"),
        shown: str | None = None,
    ) -> str:
        """Create a calendar (MKCALENDAR, RFC 4791 section 5.3.1), shown under its name or another; answers its URL."""
        url = self.calendar_url(user, name)
        kinds = "".join(f'<C:comp name="{each}"/>' for each in components)
        self._send("MKCALENDAR", url, user, content=_MKCALENDAR.format(name=escape(shown or name), components=kinds))
        return url

    def reset(self) -> None:
        """Make it as it was after `start`, in less time."""
        for user in self.users:
            for each in self._listed(self.home_url(user), user):
                if each.endswith("/") and each != urlsplit(self.home_url(user)).path:
                    self._send("DELETE", urljoin(self.url, each), user)
            self.make_calendar(self.calendar, user=user)

    def drop_calendar(self, name: str, *, user: str = "ada") -> None:
        """Delete a calendar with all that is in it."""
        self._send("DELETE", self.calendar_url(user, name), user)

    def put(self, name: str, text: str, *, user: str = "ada", calendar: str | None = None) -> str:
        """Store an iCalendar object under `<name>.ics`, new or over an older one; answers its ETag."""
        answer = self._send("PUT", self._url(name, user, calendar), user, content=text, headers=_ICS)
        return str(answer.headers.get("etag", ""))

    def delete(self, name: str, *, user: str = "ada", calendar: str | None = None) -> None:
        """Delete the object `<name>.ics`."""
        self._send("DELETE", self._url(name, user, calendar), user)

    def events(self, *, user: str = "ada", calendar: str | None = None) -> list[Event]:
        """Every stored object of a calendar, as the server hands it out."""
        return self.objects_at(self.calendar_url(user, calendar), user=user)

    def objects_at(self, url: str, *, user: str = "ada") -> list[Event]:
        """Every stored object of a collection."""
        hrefs = self._listed(url, user)
        names = sorted(unquote(each).rpartition("/")[2] for each in hrefs if not each.endswith("/"))
        return [self._event(name, url, user) for name in names]

    def seed(self, count: int = 20, *, seed: int = 1, now: datetime | None = None, user: str = "ada") -> int:
        """Store `count` everyday events round `now`; answers how many."""
        moment = now if now is not None else datetime.now(UTC)
        for name, text in everyday_events(count, seed=seed, now=moment):
            self.put(name, text, user=user)
        return count

    def _listed(self, url: str, user: str) -> list[str]:
        answer = self._send("PROPFIND", url, user, content=_LISTING, headers={"Depth": "1"})
        return [urlsplit(each.text or "").path for each in ET.fromstring(answer.text).iter("{DAV:}href")]

    def _url(self, name: str, user: str, calendar: str | None) -> str:
        return f"{self.calendar_url(user, calendar)}{quote(name)}.ics"

    def _event(self, name: str, url: str, user: str) -> Event:
        answer = self._send("GET", f"{url}{quote(name)}", user)
        return Event(name, answer.headers["etag"], answer.text)

    def _send(
        self, method: str, url: str, user: str, *, content: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        given = {**(_XML if content else {}), **(headers or {})}
        with httpx.Client(auth=(user, self.users[user]), trust_env=False, verify=False, timeout=10) as client:
            answer = client.request(method, url, content=content.encode() or None, headers=given)
        if answer.is_error:
            raise PeerError(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
        return answer


_XML = {"Content-Type": "application/xml; charset=utf-8"}
_ICS = {"Content-Type": "text/calendar; charset=utf-8"}


def everyday_events(count: int, *, seed: int, now: datetime) -> Iterable[tuple[str, str]]:
    """(`name`, iCalendar text) pairs: timed, all-day, weekly with a time zone and an exception, with guests."""
    dice = random.Random(seed)
    for number in range(count):
        day = (now + timedelta(days=dice.randrange(-30, 60))).date()
        yield f"seed-{number:04d}", _KINDS[number % len(_KINDS)](dice, f"seed-{number:04d}@home.example", day)


def _timed(dice: random.Random, uid: str, day: date) -> str:
    hour = dice.randrange(8, 18)
    return _wrap(
        f"UID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:{day:%Y%m%d}T{hour:02d}0000Z\nDTEND:{day:%Y%m%d}T{hour:02d}4500Z\n"
        f"SUMMARY:{dice.choice(('Dentist', 'Choir practice', 'Bicycle repair', 'Call the insurance'))}"
    )


def _all_day(dice: random.Random, uid: str, day: date) -> str:
    end = day + timedelta(days=dice.randrange(1, 4))
    return _wrap(
        f"UID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART;VALUE=DATE:{day:%Y%m%d}\nDTEND;VALUE=DATE:{end:%Y%m%d}\n"
        f"SUMMARY:{dice.choice(('School holiday', 'Visit to Zoë', 'Away'))}\nTRANSP:TRANSPARENT"
    )


def _weekly(dice: random.Random, uid: str, day: date) -> str:
    second = day + timedelta(days=7)
    return _wrap(
        f"UID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Berlin:{day:%Y%m%d}T183000\n"
        f"DTEND;TZID=Europe/Berlin:{day:%Y%m%d}T200000\nRRULE:FREQ=WEEKLY;COUNT=12\n"
        f"EXDATE;TZID=Europe/Berlin:{second:%Y%m%d}T183000\nSUMMARY:{dice.choice(('Yoga', 'Italian lesson'))}",
        zone=_BERLIN,
    )


def _with_guests(dice: random.Random, uid: str, day: date) -> str:
    return _wrap(
        f"UID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:{day:%Y%m%d}T170000Z\nDTEND:{day:%Y%m%d}T180000Z\n"
        "SUMMARY:Tenants' meeting\nLOCATION:Linden Street 12\nORGANIZER;CN=Carol Meyer:mailto:carol@example.org\n"
        "ATTENDEE;CN=Ada Martin;PARTSTAT=ACCEPTED:mailto:ada@home.example\n"
        "ATTENDEE;CN=Carol Meyer;PARTSTAT=ACCEPTED:mailto:carol@example.org"
    )


def _wrap(event: str, *, zone: str = "") -> str:
    lines = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Open Assistant//peers//EN\n{zone}BEGIN:VEVENT\n{event}\n"
    return f"{lines}END:VEVENT\nEND:VCALENDAR\n".replace("\n", "\r\n")


_BERLIN = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""

_KINDS = (_timed, _all_day, _weekly, _with_guests)
