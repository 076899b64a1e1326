"""A user's file with the tables of an invented connector, `diary`, whose calendars and events hold the least."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import openassistant
from openassistant.store import Migrations, Store

TABLES = {
    "calendars": "id INTEGER PRIMARY KEY, account, account_name, ref, name, usual BOOLEAN, colours,"
    " UNIQUE (account, ref)",
    "events": "id INTEGER PRIMARY KEY, key UNIQUE, calendar, ref, series, first, last, data, round",
    "changes": "id INTEGER PRIMARY KEY, calendar, at, what, key, data",
    "notes": "call_id PRIMARY KEY, account, calendar, ref, before, held, made",
}
SDK = Path(openassistant.__file__).parent / "migrations" / "user"
SEARCH = "CREATE VIRTUAL TABLE diary_search USING fts5(title, place, people, notes, content='', contentless_delete=1)"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    line = tmp_path / "diary"
    line.mkdir()
    made = [*(f"CREATE TABLE diary_{name} ({columns})" for name, columns in TABLES.items()), SEARCH]
    steps = "".join(f"    op.execute({each!r})\n" for each in made)
    (line / "0001_tables.py").write_text(f"from alembic import op\n\n\ndef upgrade():\n{steps}")
    opened = await Store.open(tmp_path / "user.db", secrets.token_bytes(32), Migrations({"sdk": SDK, "diary": line}))
    yield opened
    await opened.close()
