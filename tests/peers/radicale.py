"""Radicale as the CalDAV server, with one user and one calendar to begin with."""

import random
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.peers.certificates import Certificate
from tests.peers.process import LOOPBACK, Child, Lifespan, PeerError, free_port, listens, workspace

__all__ = ["Event", "Radicale", "everyday_events"]

_CONFIG = """
[server]
hosts = 127.0.0.1:{port}
{tls}
[auth]
type = htpasswd
htpasswd_filename = {directory}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = {directory}/collections
[web]
type = none
[logging]
level = info
"""

_MKCALENDAR = """<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>{name}</D:displayname>
<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>"""


@dataclass(frozen=True)
class Event:
    """A stored calendar object: its href's last part, its ETag and its iCalendar text."""

    name: str
    etag: str
    text: str


class Radicale(Lifespan):
    """A CalDAV server on loopback for `users` (name: password), each with the calendar "Personal"."""

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        calendar: str = "Personal",
        certificate: Certificate | None = None,
        port: int | None = None,
    ) -> None:
        self.users = dict(users if users is not None else {"ada": "not-a-real-calendar-password"})
        self.calendar = calendar
        self.port = port if port is not None else free_port()
        self.directory = Path()
        self._certificate = certificate
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """What a person types as the server's address."""
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{'localhost' if self._certificate else LOOPBACK}:{self.port}/"

    def calendar_url(self, user: str = "ada", calendar: str | None = None) -> str:
        """The collection's own URL, with a slash at its end."""
        return f"{self.url}{quote(user)}/{quote((calendar or self.calendar).lower())}/"

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return "" if self._child is None else self._child.tail(100_000)

    def start(self) -> None:
        """Start it, in a folder of its own that `stop` removes, and make each user's calendar."""
        self.directory = workspace("caldav")
        (self.directory / "users").write_text("".join(f"{name}:{word}\n" for name, word in self.users.items()))
        (self.directory / "config").write_text(self._config())
        self.launch()
        for user in self.users:
            self.make_calendar(self.calendar, user=user)

    def stop(self) -> None:
        """Stop it and remove all calendars."""
        self.halt()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def launch(self) -> None:
        """Start the server on what is stored, after `halt`."""
        command = [sys.executable, "-m", "radicale", "--config", str(self.directory / "config")]
        self._child = Child(command, name="radicale", directory=self.directory)
        self._child.start(lambda: listens(self.port))

    def halt(self) -> None:
        """Stop the server and keep the calendars."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def make_calendar(self, name: str, *, user: str = "ada") -> str:
        """Create a calendar (MKCALENDAR, RFC 4791 section 5.3.1); answers its URL."""
        url = self.calendar_url(user, name)
        self._send("MKCALENDAR", url, user, content=_MKCALENDAR.format(name=name))
        return url

    def put(self, name: str, text: str, *, user: str = "ada", calendar: str | None = None) -> str:
        """Store an iCalendar object under `<name>.ics`, new or over an older one; answers its ETag."""
        url = f"{self.calendar_url(user, calendar)}{quote(name)}.ics"
        answer = self._send("PUT", url, user, content=text, headers={"Content-Type": "text/calendar"})
        return answer.headers["etag"]

    def events(self, *, user: str = "ada", calendar: str | None = None) -> list[Event]:
        """Every stored object of a calendar, as the server hands it out."""
        folder = self.directory / "collections" / "collection-root" / user / (calendar or self.calendar).lower()
        names = sorted(path.name for path in folder.glob("*.ics"))
        return [self._event(name, user, calendar) for name in names]

    def seed(self, count: int = 20, *, seed: int = 1, now: datetime | None = None, user: str = "ada") -> int:
        """Store `count` everyday events round `now`; answers how many."""
        moment = now if now is not None else datetime.now(UTC)
        for name, text in everyday_events(count, seed=seed, now=moment):
            self.put(name, text, user=user)
        return count

    def _event(self, name: str, user: str, calendar: str | None) -> Event:
        answer = self._send("GET", f"{self.calendar_url(user, calendar)}{quote(name)}", user)
        return Event(name, answer.headers["etag"], answer.text)

    def _send(
        self, method: str, url: str, user: str, *, content: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        with httpx.Client(auth=(user, self.users[user]), trust_env=False, verify=False, timeout=10) as client:
            answer = client.request(method, url, content=content.encode() or None, headers=dict(headers or {}))
        if answer.is_error:
            raise PeerError(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def _config(self) -> str:
        tls = ""
        if self._certificate is not None:
            tls = f"ssl = True\ncertificate = {self._certificate.certificate}\nkey = {self._certificate.key}"
        return _CONFIG.format(port=self.port, directory=self.directory, tls=tls)


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
