"""Xandikos as a second CalDAV server, of a different make: it schedules by itself and answers for free and busy times.

It leaves signing in to a proxy (see its documentation of `--trust-x-remote-user-from`), which `Front` is here.
"""

import sys
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

from tests.peers.caldav import CalendarServer
from tests.peers.front import Front
from tests.peers.process import LOOPBACK, Child, free_port, listens

__all__ = ["Xandikos"]

_ADDRESSES = """<?xml version="1.0" encoding="utf-8"?>
<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<C:calendar-user-address-set>{hrefs}</C:calendar-user-address-set>
</D:prop></D:set></D:propertyupdate>"""


_BOX = """<?xml version="1.0" encoding="utf-8"?>
<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:resourcetype><D:collection/><C:schedule-{box}/></D:resourcetype></D:prop></D:set></D:mkcol>"""
_DEFAULT = """<?xml version="1.0" encoding="utf-8"?>
<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<C:schedule-default-calendar-URL><D:href>{calendar}</D:href></C:schedule-default-calendar-URL>
</D:prop></D:set></D:propertyupdate>"""


class Xandikos(CalendarServer):
    """Xandikos on loopback behind a proxy that knows the users; `front` can take abilities away."""

    kind = "xandikos"

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        calendar: str = "Personal",
        addresses: Mapping[str, str | tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(users, calendar=calendar)
        self.addresses = dict(addresses or {})
        self._inner = free_port()
        self.front = Front(f"http://{LOOPBACK}:{self._inner}", self.users, port=self.port)

    @property
    def url(self) -> str:
        """What a person types as the server's address."""
        return self.front.url

    def calendar_url(self, user: str = "ada", calendar: str | None = None) -> str:
        """The collection's own URL, with a slash at its end."""
        return f"{self.url}{quote(user)}/calendars/{quote((calendar or self.calendar).lower())}/"

    def home_url(self, user: str = "ada") -> str:
        """Where a user's calendars lie."""
        return f"{self.url}{quote(user)}/calendars/"

    def reset(self) -> None:
        """Make it and its proxy as they were after `start`."""
        self.front.plain()
        super().reset()

    def inbox_url(self, user: str = "ada") -> str:
        """Where the server puts what others sent to a user (RFC 6638, 2.2)."""
        return f"{self.url}{quote(user)}/inbox/"

    def start(self) -> None:
        """Start it with its proxy, and make each user's calendar and address."""
        super().start()
        for user, given in self.addresses.items():
            addresses = (given,) if isinstance(given, str) else given
            hrefs = "".join(f"<D:href>mailto:{each}</D:href>" for each in addresses)
            self._send("PROPPATCH", f"{self.url}{quote(user)}/", user, content=_ADDRESSES.format(hrefs=hrefs))

    def make_boxes(self, user: str = "ada") -> None:
        """Make a user's inbox and outbox, so that the server files what comes for them, and answers for free and busy.

        With several users it makes them by itself for none of them.
        """
        for box in ("inbox", "outbox"):
            self._send("MKCOL", f"{self.url}{quote(user)}/{box}/", user, content=_BOX.format(box=box))
        calendar = urlsplit(self.calendar_url(user)).path
        self._send("PROPPATCH", self.inbox_url(user), user, content=_DEFAULT.format(calendar=calendar))

    def deliver(self, name: str, text: str, *, user: str) -> None:
        """Put a message of iTIP into a user's inbox, as what takes mail in for the server does."""
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        self._send("PUT", f"{self.inbox_url(user)}{quote(name)}.ics", user, content=text, headers=headers)

    def launch(self) -> None:
        """Start the server on what is stored, after `halt`."""
        command = [sys.executable, "-m", "xandikos", "multi-user", "--directory", str(self.directory / "calendars")]
        command += ["--listen-address", LOOPBACK, "--port", str(self._inner)]
        command += ["--state-dir", str(self.directory / "state"), "--trust-x-remote-user-from", LOOPBACK]
        (self.directory / "calendars").mkdir(exist_ok=True)
        self._child = Child(command, name="xandikos", directory=self.directory)
        self._child.start(lambda: listens(self._inner), seconds=30)
        self.front.start()

    def halt(self) -> None:
        """Stop the server with its proxy and keep the calendars."""
        self.front.stop()
        super().halt()

    def make_calendar(
        self,
        name: str,
        *,
        user: str = "ada",
        components: Iterable[str] = ("VEVENT", "VTODO"),
        shown: str | None = None,
    ) -> str:
        """Create a calendar; the first request of a user makes the user."""
        self._send("PROPFIND", f"{self.url}{quote(user)}/", user, headers={"Depth": "0"})
        return super().make_calendar(name, user=user, components=components, shown=shown)
