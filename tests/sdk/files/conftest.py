"""A house with a box in it, and some files in its mirror."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from openassistant.testing import FakeHouse
from tests.sdk.files.box import tools
from tests.sdk.files.box.tools import Account, Item, connector, mirror

T = TypeVar("T")

CAROL = "carol@example.org"
FILES = (
    Item("flat", "Flat", "folder", "top"),
    Item("old", "Old contracts", "folder", "flat"),
    Item("lease", "Lease_2026-final.txt", parent="flat", modified=30, maker=CAROL, shared=True),
    Item("void", "Old lease.txt", parent="old", modified=20, description="That of Berlin"),
    Item("gone", "Gone lease.txt", parent="flat", modified=10, trashed=True),
)


class Box:
    """The mirror of an account of the house."""

    def __init__(self, house: FakeHouse) -> None:
        self.house, self.owner = house, house.account.account

    async def do(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, from within a transaction."""
        call = self.house.make("changes_list")
        async with self.house.runner.context(self.house.context(call), self.house.user, self.owner) as ctx:
            return await ctx.store.write(work)

    async def hold(self, *items: Item) -> None:
        """Puts files into the mirror."""
        await self.do(lambda connection: mirror.put(connection, self.owner, items, round=1))

    async def found(self, query: str = "", **wanted: Any) -> list[str]:
        """The ids of what is found."""
        return await self.do(
            lambda connection: [each.id for each in mirror.find(connection, self.owner, query, **wanted)]
        )


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    tools.REFUSED.clear()
    tools.TRIED.clear()
    async with FakeHouse(connector, folder=tmp_path) as house:
        house.connect("Ada's box", {})
        yield Box(house)


@pytest.fixture
async def full(box: Box) -> Box:
    await box.hold(*FILES)
    state = Account(address="ada@example.org", root="top", round=1, known_since=1_000, complete=True)
    await box.do(lambda connection: mirror.set_account(connection, box.owner, state))
    return box
