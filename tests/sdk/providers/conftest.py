"""A client of that server which waits for nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from openassistant.context import utc_now
from openassistant.http import HttpClient
from tests.sdk.web import Web


@pytest.fixture
async def http(web: Web) -> AsyncIterator[HttpClient]:
    async def at_once(_: float) -> None:
        return None

    ends = utc_now() + timedelta(seconds=30)
    async with HttpClient((), private=[web.url()], deadline=ends, clock=utc_now, sleep=at_once) as http:
        yield http
