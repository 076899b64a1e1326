"""Ada's calendar on real servers of two makes, used through the connector as the house would use it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.caldav.tools import connector
from openassistant.messages import AccountPayload
from openassistant.testing import FakeHouse
from tests.connectors.passes import Passes
from tests.peers.caldav import CalendarServer
from tests.peers.front import Front

PASSWORD = "not-a-real-calendar-password"


class Desk(Passes):
    """Ada's calendar: the server, and the connector that uses it."""

    def __init__(self, server: CalendarServer, folder: Path) -> None:
        self.server = server
        self.later = timedelta()
        self.house = FakeHouse(connector, clock=self.now, folder=folder)
        self.settings: dict[str, Any] = {"url": server.url, "username": "ada", "zone": "Europe/Berlin"}
        self.house.connect("Calendar", self.settings, password=PASSWORD)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def set(self, **settings: Any) -> None:
        self.settings |= settings
        self.house.connect("Calendar", self.settings, password=PASSWORD)
        self.house.runner.keys.forget_account(self.house.account.account)

    @contextlib.contextmanager
    def as_account(self, account: AccountPayload) -> Iterator[None]:
        """Meanwhile the house's calls are for another account of Ada's."""
        before, self.house.account = self.house.account, account
        try:
            yield
        finally:
            self.house.account = before

    async def put(self, name: str, body: str) -> None:
        """Stores an event as another program would."""
        await asyncio.to_thread(self.server.put, name, wrap(body))

    async def put_object(self, name: str, text: str) -> None:
        """Stores a whole object as another program would."""
        await asyncio.to_thread(self.server.put, name, text)

    async def run(self, function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Does something with the server beside the event loop."""
        return await asyncio.to_thread(function, *args, **more)

    async def texts(self) -> list[str]:
        """Every object on the server."""
        return [each.text for each in await asyncio.to_thread(self.server.events)]

    async def between(self, start: str, end: str, **more: Any) -> list[dict[str, Any]]:
        found = await self.house.call("events_list", start=start, end=end, **more)
        return list(found["events"])


def wrap(body: str) -> str:
    """A calendar object round the lines of an event."""
    lines = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nDTSTAMP:20260101T000000Z\n{body}\n"
    return f"{lines}END:VEVENT\nEND:VCALENDAR\n".replace("\n", "\r\n")


@pytest.fixture
async def desk(calendar_server: CalendarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The calendar, connected and not read yet."""
    monkeypatch.setattr("openassistant.syncing._TICK_SECONDS", 0.02)
    made = Desk(calendar_server, tmp_path / "data")
    async with made.house:
        yield made


@pytest.fixture
async def front(desk: Desk) -> AsyncIterator[Front]:
    """A proxy between connector and server, which can take the server's abilities away."""
    proxy = Front(desk.server.url)
    await asyncio.to_thread(proxy.start)
    desk.set(url=proxy.url)
    yield proxy
    await asyncio.to_thread(proxy.stop)


@pytest.fixture
async def read(desk: Desk) -> Desk:
    """The calendar, read once."""
    await desk.sync()
    return desk
