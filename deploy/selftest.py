"""Whether a house at rest is whole: every file opens, every page is sound, the ledger fits its heads.

For copies, and for houses that do not run: nothing is written into them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from deploy.places import HEAD, LEDGER, VAULT, Keyring, Places
from openassistant import copying
from openassistant.errors import OaError
from openassistant.grants import SigningKey
from openassistant.store import DriverError, reading_file
from services.audit import verification
from services.vault.rootkey import RootKey

__all__ = ["RECORDS", "Report", "examine", "records_of"]

_NEEDED = (VAULT, LEDGER, "gateway/room.db", "agent/room.db", "keys/root-key-id", "keys/gateway/signing.jwk")


RECORDS = "SELECT coalesce(max(position) + 1, 0) FROM records"


class Report(BaseModel):
    """What was found; `faults` are sentences, and without any the house is whole."""

    model_config = ConfigDict(frozen=True)

    files: int = 0
    records: int = 0
    erased: int = 0
    """Files of people who were erased: nobody has a key of them."""
    rows: dict[str, dict[str, int]] = {}
    """By database and table, how many rows there are."""
    faults: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def examine(places: Places, root: RootKey, *, pages: bool = True) -> Report:
    """Looks at everything in `places`, where nobody writes at this time.

    Without `pages`, which takes as long as reading all of it twice, databases are opened and their rows not counted.
    """
    began = time.monotonic()
    there = places.files()
    faults = [f"{name} is missing." for name in _NEEDED if name not in there]
    try:
        keyring = Keyring.read(root, places.path(VAULT)) if VAULT in there else None
    except OaError as error:
        faults.append(error.message)
        keyring = None
    if keyring is None:
        return Report(faults=tuple(faults), seconds=time.monotonic() - began)
    rows, erased = {}, 0
    for name, path in places.databases().items():
        key = keyring.of(name, path)
        if key is None:
            erased += 1
        elif fault := copying.fault_of(path, key, pages=pages):
            faults.append(f"{name} is {fault}.")
        else:
            rows[name] = copying.counts(path, key) if pages else {}
    records = 0
    if LEDGER in rows:
        found = _said(lambda: _ledger(places, keyring))
        records, words = found if isinstance(found, tuple) else (0, found)
        faults += [f"The ledger: {words}"] if words else []
    return Report(
        files=len(there), records=records, erased=erased, rows=rows, faults=tuple(faults),
        seconds=time.monotonic() - began,
    )  # fmt: skip


def records_of(places: Places, root: RootKey) -> int | None:
    """How many records the ledger of a house has; None where that cannot be told."""
    try:
        key = Keyring.read(root, places.path(VAULT)).of(LEDGER, places.path(LEDGER))
        return int(copying.select(places.path(LEDGER), key, RECORDS)[0][0]) if key else None
    except (OaError, DriverError):
        return None


def _ledger(places: Places, keyring: Keyring) -> tuple[int, str]:
    """Its size, and what does not fit: every record, the head beside it, and the heads that the gateway keeps."""
    public = SigningKey.load(places.path("keys/audit/signing.jwk")).raw_public()
    notes = [*_heads_beside(places.path(HEAD)), *_heads_of_gateway(places, keyring)]
    key = keyring.of(LEDGER, places.path(LEDGER))
    assert key is not None, "it was opened with it"
    found = reading_file(places.path(LEDGER), key, lambda connection: verification.recompute(connection, notes, public))
    return found.size, found.detail


def _heads_beside(head: Path) -> list[str]:
    return [head.read_text()] if head.exists() else []


def _heads_of_gateway(places: Places, keyring: Keyring) -> list[str]:
    file = places.path("gateway/room.db")
    key = keyring.of("gateway/room.db", file)
    if key is None:
        return []
    rows = copying.select(file, key, "SELECT value FROM settings WHERE name = 'ledger_heads'")
    return [str(head["checkpoint"]) for row in rows for head in json.loads(row[0])]


def _said(work: Callable[[], tuple[int, str]]) -> tuple[int, str] | str:
    """What work finds, or in words why it could not be done."""
    try:
        return work()
    except OaError as error:
        return error.message
    except (DriverError, OSError, ValueError) as error:
        return f"it cannot be read ({type(error).__name__})"
