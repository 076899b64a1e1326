"""One house in containers for all tests of this folder: it takes a while to come up."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.compose.google import Google, google_on_loopback
from tests.compose.project import ComposeProject, missing
from tests.e2e.stack import Person
from tests.peers.house import House, open_house


def _require_containers() -> None:
    if lack := missing():
        pytest.skip(lack)


@pytest.fixture(scope="session")
def peers() -> Iterator[House]:
    """Mailbox, submission, calendar and model, on the host."""
    _require_containers()
    with ExitStack() as stack:
        yield open_house(stack, mails=300)


@pytest.fixture(scope="session")
def google() -> Iterator[Google]:
    """Gmail and its provider, on the host."""
    _require_containers()
    with google_on_loopback() as google:
        yield google


@pytest.fixture(scope="session")
def project(peers: House, google: Google) -> Iterator[ComposeProject]:
    """The running house, with three instances of the connectors for mail and for Gmail."""
    doors = (peers.imap.port, peers.smtp.port, peers.calendar.port, peers.model.port, *google.ports)
    env = {"OA_CA_FILE": str(google.authority.ca_file)}
    with ComposeProject(doors=doors, model=peers.model, scale={"mail": 3, "gmail": 3}, env=env) as project:
        yield project


@pytest.fixture
def ada(project: ComposeProject) -> Iterator[Person]:
    """The owner, signed in."""
    with project.sign_in() as person:
        yield person
