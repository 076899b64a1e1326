"""The peers as pytest fixtures; each test gets servers of its own, which start in 0.01 to 0.7 s.

Where a test needs other options (TLS, more users, a port), it uses the class itself as a context manager.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.caldav import CalendarServer
from tests.peers.certificates import Authority
from tests.peers.dovecot import PACKAGE, Dovecot
from tests.peers.model import ModelServer
from tests.peers.nats import NatsServer
from tests.peers.process import MissingPeerError, find_binary
from tests.peers.pymap import Pymap
from tests.peers.radicale import Radicale
from tests.peers.smtp import SmtpServer
from tests.peers.xandikos import Xandikos


def _missing() -> str:
    """Why there is no Dovecot here, in words; empty where there is one."""
    try:
        find_binary("dovecot", package=PACKAGE)
    except MissingPeerError as error:
        return str(error)
    return ""


_NO_DOVECOT = _missing()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the peers."""
    config.addinivalue_line("markers", "needs_dovecot: talks to Dovecot (apt-get install dovecot-imapd)")
    config.addinivalue_line("markers", "watched: the connector listens for new mail while the test runs")
    config.addinivalue_line("markers", "mails(count): how many mails the seeded mailbox holds")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the `dovecot` fixture, or for each IMAP server, carries the marker without saying so.

    Where Dovecot, the one peer that no Python package brings, is missing, those tests say so and are left out, unless
    `REQUIRE_PEERS` is set in the environment: then they fail, so that no run passes because of what is not there.
    """
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "dovecot" in getattr(item, "fixturenames", ()) or parameters.get("imap_server") is Dovecot:
            item.add_marker("needs_dovecot")
        if _NO_DOVECOT and "REQUIRE_PEERS" not in os.environ and item.get_closest_marker("needs_dovecot"):
            item.add_marker(pytest.mark.skip(reason=_NO_DOVECOT))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A test CA: `.good()`, `.expired()`, `.misnamed()`, `.ca_file`."""
    folder: Path = tmp_path_factory.mktemp("authority")
    return Authority(folder)


@pytest.fixture
def nats_server() -> Iterator[NatsServer]:
    """A nats-server with JetStream and no users."""
    with NatsServer() as server:
        yield server


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """An IMAP server with the empty mailbox of ada@home.example, in clear."""
    with Dovecot() as server:
        yield server


_SECOND = () if _NO_DOVECOT else pytest.mark.slow
"""pymap, which comes with the development group, is asked in the quick tests where it is the only one."""


@pytest.fixture(params=[Dovecot, pytest.param(Pymap, marks=_SECOND)], ids=["dovecot", "pymap"])
def imap_server(request: pytest.FixtureRequest) -> Iterator[Dovecot | Pymap]:
    """Each IMAP server in turn, with the empty mailbox of ada@home.example, in clear."""
    kind: type[Dovecot | Pymap] = request.param
    with kind() as server:
        yield server


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A submission server that ada@home.example may use, in clear."""
    with SmtpServer() as server:
        yield server


@pytest.fixture
def radicale() -> Iterator[Radicale]:
    """A CalDAV server with the user ada and her empty calendar "Personal"."""
    with Radicale() as server:
        yield server


@pytest.fixture
def xandikos() -> Iterator[Xandikos]:
    """A CalDAV server that schedules, with the user ada and her empty calendar "Personal"."""
    with Xandikos() as server:
        yield server


@pytest.fixture(scope="session")
def calendar_servers() -> Iterator[dict[str, CalendarServer]]:
    """CalDAV servers of two makes, by make; each starts when it is first asked for."""
    servers: dict[str, CalendarServer] = {}
    yield servers
    for server in servers.values():
        server.stop()


@pytest.fixture(params=[Radicale, pytest.param(Xandikos, marks=pytest.mark.slow)], ids=["radicale", "xandikos"])
def calendar_server(request: pytest.FixtureRequest, calendar_servers: dict[str, CalendarServer]) -> CalendarServer:
    """Each CalDAV server in turn, with the user ada and her empty calendar "Personal"; shared, and emptied before."""
    kind: type[Radicale | Xandikos] = request.param
    if kind.kind not in calendar_servers:
        server = kind()
        server.__enter__()
        calendar_servers[kind.kind] = server
    else:
        calendar_servers[kind.kind].reset()
    return calendar_servers[kind.kind]


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A scripted model without a script: set `model_server.script`."""
    with ModelServer() as server:
        yield server
