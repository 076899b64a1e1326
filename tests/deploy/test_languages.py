"""What the server says in fixed sentences, and what the web interface's other languages know of it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from deploy.generated import ROOT
from services.gateway import problems

WORDS = ROOT / "services" / "gateway" / "web" / "src" / "lib" / "words"
POLICY = ROOT / "docs" / "reference" / "policy.md"
_PAIR = re.compile(r"^  (?:'((?:[^'\\]|\\.)+)'|\"([^\"]+)\"|(\w+)): '", re.MULTILINE)

each_language = pytest.mark.parametrize("path", sorted(WORDS.glob("*/server.ts")), ids=lambda path: path.parent.name)


def known(path: Path) -> list[str]:
    """The English sentences, without what tells two meanings of one apart."""
    found = ("".join(each).replace(r"\'", "'") for each in _PAIR.findall(path.read_text()))
    return [re.sub(r"^[a-z]+\|", "", each) for each in found]


@cache
def said() -> frozenset[str]:
    """Every text in the source of the rooms, with {} for what is filled in, and every reason of the policy."""
    return frozenset(_texts()) | frozenset(policy()) | frozenset(_manifests())


def _texts() -> Iterator[str]:
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def _manifests() -> Iterator[str]:
    """What connectors say of themselves; "Incoming mail: Server" is a field of a group."""
    for file in (ROOT / "connectors").glob("*/manifest.toml"):
        waiting: list[object] = [tomllib.loads(file.read_text())]
        while waiting:
            value = waiting.pop()
            if isinstance(value, str):
                yield from (value, *value.split(": "))
            waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


@cache
def _trees() -> tuple[ast.Module, ...]:
    folders = (ROOT / "services", ROOT / "connectors", ROOT / "sdk")
    files = (file for folder in folders for file in folder.rglob("*.py") if "node_modules" not in file.parts)
    return tuple(ast.parse(file.read_text()) for file in files)


def policy() -> set[str]:
    rows = (line.split(" | ") for line in POLICY.read_text().splitlines() if re.search(r"\| (run|ask) \|", line))
    return {cells[-1].removesuffix(" |") for cells in rows}


def keywords(*names: str) -> set[str]:
    """The fixed texts that are given by these names: a preview's verb, its button."""
    calls = (node for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call))
    given = (each for call in calls for each in call.keywords if each.arg in names)
    values = (each.value.value for each in given if isinstance(each.value, ast.Constant))
    return {value for value in values if isinstance(value, str) and value}


def test_a_language_beside_english_is_there() -> None:
    assert (WORDS / "de" / "server.ts").exists()


@each_language
def test_no_language_knows_a_sentence_that_the_server_does_not_say(path: Path) -> None:
    found = known(path)
    assert len(found) > 100
    assert [each for each in found if each not in said()] == []
    assert len(_PAIR.findall(path.read_text())) == len(set(_PAIR.findall(path.read_text())))


@each_language
def test_what_a_sentence_is_filled_in_with_stays_in_it(path: Path) -> None:
    pairs = re.findall(
        r"^  (?:'((?:[^'\\]|\\.)+)'|\"([^\"]+)\"|\w+): '((?:[^'\\]|\\.)*)',$", path.read_text(), re.MULTILINE
    )
    assert [one or other for one, other, said in pairs if (one or other).count("{}") != said.count("{}")] == []


@each_language
def test_each_title_of_a_problem_is_known(path: Path) -> None:
    assert {*problems._TITLES.values()} - {*known(path)} == set()


@each_language
def test_each_reason_of_the_policy_is_known(path: Path) -> None:
    assert len(policy()) > 5
    assert policy() - {*known(path)} == set()


@each_language
def test_each_fixed_verb_and_button_of_a_card_is_known(path: Path) -> None:
    assert keywords("verb", "confirm") - {*known(path)} == set()
