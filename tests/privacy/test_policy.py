"""The published privacy policy itself: rows and tests are the same set, and what is published is what is said."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from deploy.privacy import TARGET
from services.gateway import privacy
from services.gateway.house import HouseRules

ROWS = {each.id: each for each in privacy.ROWS}


def rows_with_tests() -> list[str]:
    """The rows that there are tests of, in all files of this folder."""
    modules = [
        importlib.import_module(f"{__package__}.{each.stem}") for each in Path(__file__).parent.glob("test_*.py")
    ]
    return [
        name.removeprefix("test_row_")
        for module in modules
        for name, found in vars(module).items()
        if name.startswith("test_row_") and found.__module__ == module.__name__
    ]


def test_each_row_has_a_test_of_its_name_and_each_test_a_row() -> None:
    assert Counter(rows_with_tests()) == Counter(each.id for each in privacy.ROWS)
    assert len(ROWS) == len(privacy.ROWS)


def test_what_is_published_is_what_the_program_says() -> None:
    assert TARGET.read_text() == privacy.document()
    page = privacy.page(HouseRules())
    assert re.findall(r'<tr id="(\w+)"', page) == list(ROWS)
    parts = re.findall(r'<a href="#(\w+)">([^<]+)</a>', page)
    assert {id_ for id_, _ in parts} <= set(ROWS)
    assert [name for _, name in parts] == re.findall(r"<th[^>]+><h2>([^<]+)</h2>", page)
    assert re.search(r"<script|https?://|src=", page) is None


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_all_that_it_must(row: str) -> None:
    assert all(each.strip().endswith(".") for each in ROWS[row][1:])
