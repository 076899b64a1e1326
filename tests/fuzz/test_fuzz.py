"""Found cases stay mended; ten thousand new ones, always the same, end well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS, findings, trouble
from tests.fuzz.targets import TARGETS

CASES = sorted(CORPUS.glob("*/*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_found_case_ends_well(path: Path) -> None:
    assert trouble(path.parent.name, path.read_bytes()) == ""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("target", TARGETS)
def test_ten_thousand_cases_end_well(target: str, part: int) -> None:
    assert findings(target, 1, part * 1250, 1250) == []
