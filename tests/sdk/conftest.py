"""A server that answers as a test says, for whatever speaks HTTP here."""

from collections.abc import AsyncIterator

import pytest

from tests.sdk.web import Web, serve


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serve() as web:
        yield web
