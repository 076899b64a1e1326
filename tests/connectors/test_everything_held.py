"""No connector holds anything of a person in secret: each table is told of by kind, or has a reason not to be."""

from __future__ import annotations

import importlib
import re
import secrets
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

import connectors
import openassistant
from openassistant import holdings
from openassistant.connector import Connector
from openassistant.context import utc_now
from openassistant.contract import connector_faults
from openassistant.exporting import Archive
from openassistant.grants import Scope
from openassistant.holdings import CALLS, IMPORTED
from openassistant.store import Migrations, Store

ALL = sorted(each.parent.name for each in Path(connectors.__file__).parent.glob("*/manifest.toml"))
OF_THE_SDK = {
    "journal": "the calls",
    "outbox": "reports on their way to the ledger",
    "traffic_sums": "bytes that are not reported yet",
    "traffic_periods": "since when they are counted",
    "holdings_forgotten": "what is not to come back",
    "holdings_imported": "what was brought in",
    "holdings_cut": "bodies of an export under way",
}
STATE = {
    "accounts": "how far a sync is, and whose account it is",
    "servers": "where mail servers were found",
    "habits": "what mail servers do by themselves",
    "numbers": "what Meta shows of the number itself",
    "folders": "which folders there are, and how far they were read",
    "calendars": "which calendars there are, and how far they were read",
    "lists": "how far lists were read",
    "state": "how far a workspace was read",
    "left_out": "what is not to come back",
}
HANGING = {
    "search": "an index over the things of a kind",
    "written": "to whom mails went; goes with them",
    "links": "which mails belong together; goes with them",
    "members": "who is in which group; goes with the contacts",
    "reactions": "to messages; goes with them",
}


def connector_of(name: str) -> Connector:
    found = importlib.import_module(f"connectors.{name}.tools").connector
    assert isinstance(found, Connector)
    return found


async def opened(connector: Connector, folder: Path) -> Store:
    """An empty file, as the connector makes it for a new user."""
    sdk = Path(openassistant.__file__).parent / "migrations"
    assert connector.migrations is not None
    lines = {"sdk": sdk / "user", "traffic": sdk / "traffic", "own": connector.migrations}
    return await Store.open(folder / "user.db", secrets.token_bytes(32), Migrations(lines))


def tables(connection: Connection) -> set[str]:
    """The tables, without what belongs to migrations, indexes and SQLite."""
    names = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    indexes = {name for name in names if name.endswith("_search")}
    parts = {f"{name}_{part}" for name in indexes for part in ("config", "data", "docsize", "idx", "content")}
    return {name for name in names - parts if not name.endswith("_version") and not name.startswith("sqlite_")}


@pytest.mark.parametrize("name", ALL)
async def test_each_table_is_told_of_or_has_a_reason_not_to_be(name: str, tmp_path: Path) -> None:
    connector = connector_of(name)
    store = await opened(connector, tmp_path)
    found = await store.read(tables)
    await store.close()
    told = {table for table in found for kind in connector.kinds if re.search(rf"FROM {table}\b", kind.rows)}
    for table in found - told - OF_THE_SDK.keys():
        end = next((each for each in {**STATE, **HANGING} if table.endswith(f"_{each}")), None)
        assert end is not None, f"{table} is of no kind, and nobody says why"


@pytest.mark.parametrize("name", ALL)
async def test_an_empty_file_is_counted_exported_and_forgotten(name: str, tmp_path: Path) -> None:
    connector = connector_of(name)
    kinds = (*connector.kinds, CALLS, IMPORTED)
    assert len({kind.name for kind in kinds}) == len(kinds)
    store = await opened(connector, tmp_path)
    parts = await store.read(lambda c: holdings.parts(c, kinds))
    page, cut = await store.read(lambda c: Archive(c, kinds, {}).page(""))
    went = await store.write(lambda c: holdings.forget(c, kinds, Scope(), accounts={"a"}, now=utc_now()))
    assert await store.write(lambda c: holdings.sweep(c, kinds, "a")) == 0
    await store.close()
    assert {part.count for part in parts} == {0}
    assert (page.pieces, page.cursor, cut, went) == ((), None, None, ())


@pytest.mark.parametrize("name", ALL)
def test_a_connector_with_a_mirror_says_what_it_holds(name: str) -> None:
    assert connector_faults(connector_of(name)) == []
