from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.vault.house import VaultHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[VaultHouse]:
    async with VaultHouse(tmp_path / "vault") as house:
        yield house
