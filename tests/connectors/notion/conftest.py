"""Ada's workspace at a double of Notion, used through the connector as the house would use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.notion import api
from connectors.notion.tools import connector
from openassistant.context import CallContext
from openassistant.http import HttpClient
from openassistant.testing import FakeHouse
from tests.peers.notion import TOKEN, NotionServer


class Desk:
    """The server, and the connector that uses it; the house's clock is the server's."""

    def __init__(self, server: NotionServer, folder: Path) -> None:
        self.server = server
        self.house = FakeHouse(connector, folder=folder, clock=lambda: server.now)
        self.house.connect("Ada", {"api_url": server.url}, access_token=TOKEN)

    async def sync(self) -> None:
        """One pass; raises what it raises."""
        grant, house = self.house.account_grant(), self.house
        ctx = CallContext.within(300, now=house.clock(), user=house.user).signed(grant=grant)
        async with house.runner.context(ctx, house.user, house.account.account) as context:
            assert connector.syncer is not None
            await connector.syncer(context)

    async def call(self, tool: str, **arguments: Any) -> Any:
        return await self.house.call(tool, **arguments)

    async def titles(self, query: str) -> list[str]:
        """What a search finds."""
        return [each["title"]["text"] for each in (await self.call("pages_search", query=query))["pages"]]

    def asked(self, path: str, method: str = "") -> int:
        """How many requests had that in their path."""
        return sum(path in target and method in ("", verb) for verb, target in self.server.seen)


@pytest.fixture(scope="module")
def notion_server() -> Iterator[NotionServer]:
    with NotionServer() as server:
        yield server


@pytest.fixture
async def desk(notion_server: NotionServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Nothing waits: neither for Notion's pace nor before another attempt."""

    async def at_once(_: float) -> None:
        return None

    real = HttpClient.__init__

    def impatient(self: HttpClient, *args: Any, **options: Any) -> None:
        real(self, *args, **{**options, "sleep": at_once})

    monkeypatch.setattr(HttpClient, "__init__", impatient)
    monkeypatch.setattr(api, "_EVERY", 0.0)
    notion_server.clear()
    made = Desk(notion_server, tmp_path / "data")
    async with made.house:
        yield made
