from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.audit.house import AuditHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[AuditHouse]:
    async with AuditHouse(tmp_path) as house:
        yield house
