"""Found cases stay mended; thousands of new mails, calendars, messages and streams, always the same, end well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS, findings, trouble
from tests.fuzz.targets import TARGETS

PARTS = {"mail": 1250, "calendar": 1250, "invitation": 1250, "bus": 1250, "sse": 250, "words": 1250}
CASES = sorted(CORPUS.glob("*/*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_found_case_ends_well(path: Path) -> None:
    assert trouble(path.parent.name, path.read_bytes()) == ""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("target", TARGETS)
def test_thousands_of_cases_end_well(target: str, part: int) -> None:
    size = PARTS[target]
    assert findings(target, 1, part * size, size) == []
