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
from services.gateway.installation import Answerer, Facts
from services.gateway.privacy_german import GERMAN
from services.gateway.public import spoken

FACTS = Facts(("Mail",), False, (Answerer("small", "here"),), 24, 16, False, ())
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
    page = privacy.page(HouseRules(), spoken("en", ""), privacy.ENGLISH, FACTS)
    assert re.findall(r'<tr id="(\w+)"', page) == list(ROWS)
    parts = re.findall(r'<a href="#(\w+)">([^<]+)</a>', page)
    assert {id_ for id_, _ in parts} <= set(ROWS)
    assert [name for _, name in parts] == re.findall(r"<th[^>]+><h2>([^<]+)</h2>", page)
    assert re.search(r"<script|https?://|src=", page) is None
    assert page.index(privacy.ENGLISH.now) < page.index("<table>")


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_all_that_it_must(row: str) -> None:
    assert all(each.strip().endswith(".") for each in ROWS[row][1:])


def test_the_german_policy_has_the_same_rows_and_parts() -> None:
    english = privacy.ENGLISH
    assert [each.id for each in GERMAN.rows] == [each.id for each in english.rows]
    assert list(GERMAN.parts) == list(english.parts)
    for source, other in zip(english.rows, GERMAN.rows, strict=True):
        assert all(each.strip().endswith(".") for each in other[1:]), other.id
        assert numbers(source) == numbers(other), other.id
        assert all(said != meant for said, meant in zip(other[1:], source[1:], strict=True)), other.id


def numbers(row: privacy.Row) -> Counter[str]:
    """The numbers that a row names: how long something is kept, how many there are."""
    return Counter(re.findall(r"\d+", " ".join(row[1:])))


def test_the_german_page_says_all_of_it_in_german_and_the_operators_words_as_they_are() -> None:
    rules = HouseRules(name="Linden {12}", operator="Ada <b>", contact="ada@home.example", policy="Be kind & fair.")
    page = privacy.page(rules, spoken("de", ""), GERMAN, FACTS)
    assert '<html lang="de">' in page
    assert '<a href="/privacy?lang=en" hreflang="en" lang="en">English</a>' in page
    assert "<p>Linden {12} wird von Ada &lt;b&gt; betrieben.</p>" in page
    assert "Be kind &amp; fair." in page
    assert [each for each in (*privacy.ENGLISH.heads, *privacy.ENGLISH.parts.values()) if f">{each}<" in page] == []
    assert re.findall(r'<tr id="(\w+)"', page) == list(ROWS)
    assert re.search(r"<script|https?://|src=", page) is None
