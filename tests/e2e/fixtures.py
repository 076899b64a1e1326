"""What the end-to-end tests start with: the peers of one person, and the product beside them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import chromium
from tests.e2e.stack import Person, Stack
from tests.peers.house import House, open_house


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Mailbox, submission, calendar and model, seeded; the mark `mails(n)` says with how many mails (300)."""
    mark = request.node.get_closest_marker("mails")
    with ExitStack() as peers:
        yield open_house(peers, mails=mark.args[0] if mark else 300)


@pytest.fixture
def stack(house: House) -> Iterator[Stack]:
    """The running product, with its owner made and the scripted model chosen."""
    with Stack(model=house.model) as stack:
        yield stack


@pytest.fixture
def ada(stack: Stack) -> Iterator[Person]:
    """The owner, signed in."""
    with stack.sign_in() as person:
        yield person


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests of a file."""
    with chromium() as opened:
        yield opened
