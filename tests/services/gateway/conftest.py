from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.gateway.house import GatewayHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[GatewayHouse]:
    async with GatewayHouse(tmp_path) as house:
        yield house
