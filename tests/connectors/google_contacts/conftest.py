"""Ada's contacts at a double of the People API, used through the connector as the house would use it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.google_contacts.tools import connector
from openassistant.connector import Context
from openassistant.context import CallContext
from openassistant.testing import FakeHouse
from tests.peers.people import PeopleServer

TOKEN = "obviously-fake-token"


class Account:
    """The connector, as the house uses it for an account."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.later = folder, timedelta()
        self.house = FakeHouse(connector, clock=self.now, folder=folder)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    @contextlib.asynccontextmanager
    async def context(self) -> AsyncIterator[Context]:
        """What the account's background work is given."""
        house = self.house
        ctx = CallContext.within(60, now=house.clock(), user=house.user).signed(grant=house.account_grant())
        async with house.runner.context(ctx, house.user, house.account.account) as context:
            yield context

    async def sync(self) -> None:
        """One pass; raises what it raises."""
        assert connector.syncer is not None
        async with self.context() as context:
            await connector.syncer(context)

    def allow(self, *capabilities: str) -> None:
        """The account with these capabilities alone."""
        self.house.account = self.house.account.model_copy(update={"capabilities": capabilities})
        self.house.runner.keys.forget_account(self.house.account.account)

    async def names(self, query: str) -> list[str]:
        """Whom a search finds."""
        return [each["name"]["text"] for each in (await self.call("contacts_search", query=query))["contacts"]]

    async def call(self, tool: str, **arguments: Any) -> Any:
        return await self.house.call(tool, **arguments)


class Desk(Account):
    """The account at the double."""

    def __init__(self, server: PeopleServer, folder: Path) -> None:
        super().__init__(folder)
        self.server = server
        self.house.connect("Ada", {"api_url": server.url}, access_token=TOKEN)


@pytest.fixture(scope="module")
def people_server() -> Iterator[PeopleServer]:
    with PeopleServer() as server:
        yield server


@pytest.fixture
async def desk(people_server: PeopleServer, tmp_path: Path) -> AsyncIterator[Desk]:
    people_server.clear()
    made = Desk(people_server, tmp_path / "data")
    async with made.house:
        yield made
    assert people_server.misunderstood == []
