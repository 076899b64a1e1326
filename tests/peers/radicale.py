"""Radicale as the CalDAV server, with one user and one calendar to begin with."""

import sys
from collections.abc import Mapping
from urllib.parse import quote

from tests.peers.caldav import CalendarServer, Event, everyday_events
from tests.peers.certificates import Certificate
from tests.peers.process import LOOPBACK, Child, listens

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


class Radicale(CalendarServer):
    """Radicale on loopback, in clear or with a certificate."""

    kind = "radicale"

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        calendar: str = "Personal",
        certificate: Certificate | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(users, calendar=calendar, port=port)
        self._certificate = certificate

    @property
    def url(self) -> str:
        """What a person types as the server's address."""
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{'localhost' if self._certificate else LOOPBACK}:{self.port}/"

    def calendar_url(self, user: str = "ada", calendar: str | None = None) -> str:
        """The collection's own URL, with a slash at its end."""
        return f"{self.url}{quote(user)}/{quote((calendar or self.calendar).lower())}/"

    def home_url(self, user: str = "ada") -> str:
        """Where a user's calendars lie."""
        return f"{self.url}{quote(user)}/"

    def prepare(self) -> None:
        """Write users and configuration."""
        (self.directory / "users").write_text("".join(f"{name}:{word}\n" for name, word in self.users.items()))
        (self.directory / "config").write_text(self._config())

    def launch(self) -> None:
        """Start the server on what is stored, after `halt`."""
        command = [sys.executable, "-m", "radicale", "--config", str(self.directory / "config")]
        self._child = Child(command, name="radicale", directory=self.directory)
        self._child.start(lambda: listens(self.port))

    def _config(self) -> str:
        tls = ""
        if self._certificate is not None:
            tls = f"ssl = True\ncertificate = {self._certificate.certificate}\nkey = {self._certificate.key}"
        return _CONFIG.format(port=self.port, directory=self.directory, tls=tls)
