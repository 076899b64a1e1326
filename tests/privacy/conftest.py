"""The houses that tests of rows begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.gateway.forgetful import Forgetful
from tests.services.gateway.house import GatewayHouse
from tests.services.gateway.household import Household


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    for name in ("gateway", "forgetful"):
        (tmp_path / name).mkdir()


@pytest.fixture
async def house(tmp_path: Path, folder: None) -> AsyncIterator[GatewayHouse]:
    async with GatewayHouse(tmp_path / "gateway") as made:
        yield made


@pytest.fixture
def home(house: GatewayHouse) -> Household:
    return Household(house)


@pytest.fixture
async def forgetful(tmp_path: Path, folder: None) -> AsyncIterator[Forgetful]:
    """A house in which things are kept for as long as their owner chose; its clock is moved."""
    async with Forgetful(tmp_path / "forgetful") as made:
        yield made
