"""`openassistant new`: a connector of its own with a test, small enough to read in a minute."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

from openassistant.errors import Conflict, InvalidRequest

__all__ = ["write_connector"]

_TAKEN = frozenset({"agent", "audit", "bus", "gateway", "openassistant", "vault"})
"""The rooms of every house, and this package."""
_MANIFEST = """id = "{id}"
name = "{name}"
version = "0.1.0"
description = "Says in one sentence what this service is."
"""

_TOOLS = '''"""What {name} lets the assistant do."""

from typing import Annotated

from openassistant.connector import Connector, Context, Field

connector = Connector(__file__)


@connector.tool(effect="read")
async def words_count(ctx: Context, text: Annotated[str, Field(description="The text to count in")]) -> int:
    """Count the words of a text."""
    return len(text.split())
'''

_TEST = '''"""{name} keeps the connector contract, and counts."""

import asyncio

from openassistant.contract import connector_faults
from openassistant.testing import call_tool

from {id}.tools import connector


def test_the_contract_is_kept() -> None:
    assert connector_faults(connector) == []


def test_words_are_counted() -> None:
    assert asyncio.run(call_tool(connector, "words_count", text="one two three")) == 3
'''


def write_connector(name: str, into: Path) -> Path:
    """Writes the folder of a new connector with its test and returns it; raises `InvalidRequest`, `Conflict`."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name):
        raise InvalidRequest("An id is a lower-case word of letters, digits and _, as in a Python package.")
    if name in _TAKEN or name in sys.stdlib_module_names or keyword.iskeyword(name):
        raise InvalidRequest(f"{name!r} has a meaning here or in Python already. Choose another id.")
    folder = into / name
    if folder.exists():
        raise Conflict(f"{folder} exists already; nothing was written.")
    words = {"id": name, "name": name.replace("_", " ").title()}
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "manifest.toml").write_text(_MANIFEST.format(**words))
    (folder / "tools.py").write_text(_TOOLS.format(**words))
    (folder / f"test_{name}.py").write_text(_TEST.format(**words))
    return folder
