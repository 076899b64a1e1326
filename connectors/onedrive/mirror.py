"""The mirror of a drive in the user's encrypted store, as `openassistant.files.mirror` keeps it.

What was deleted stays in it for as long as a recycle bin keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from connectors.onedrive.items import Item
from openassistant.files.mirror import Mirror

__all__ = ["Account", "mirror"]


class Account(NamedTuple):
    """How far the sync of an account is.

    `scope`: what is followed, the whole drive (root) or the assistant's own folder (own). `link`: where that goes on.
    `complete`: everything was listed once. `known_since`: since when changes are noted. `cut`: there are more files
    than are kept.
    """

    address: str = ""
    drive_type: str = ""
    root: str = ""
    scope: str = ""
    link: str = ""
    round: int = 0
    complete: bool = False
    known_since: int = 0
    cut: bool = False


class _Mirror(Mirror[Item, Account]):
    """What was deleted, and what others see by a folder above, beside what every drive has."""

    def trash(self, connection: Connection, account: str, id: str, *, now: int) -> list[Item]:  # noqa: A002 - it is called so
        """Notes that a file was deleted, and what lies in it where it is a folder; gives what was not known to be."""
        condition = "AND NOT f.trashed AND f.id IN ({inside} SELECT id FROM inside)"
        found = self._select(connection, account, condition, top=id)
        ids = json.dumps([each.id for each in found])
        update = 'UPDATE {files} SET trashed = 1, "left" = :now WHERE account = :account AND id IN {these}'
        self._run(connection, update, account=account, ids=ids, now=now)
        return found

    def purge(self, connection: Connection, account: str, *, before: int) -> None:
        """Takes out what was deleted so long ago that no recycle bin has it any more."""
        query = 'SELECT id FROM {files} WHERE account = :account AND trashed AND "left" < :before'
        found = self._run(connection, query, account=account, before=before)
        self.drop(connection, account, found.scalars().all())

    def known(self, connection: Connection, account: str, ids: Iterable[str]) -> set[str]:
        """Which of these ids are in the mirror."""
        query = "SELECT id FROM {files} WHERE account = :account AND id IN {these}"
        return set(self._run(connection, query, account=account, ids=json.dumps(list(ids))).scalars())

    def shared_above(self, connection: Connection, account: str, item: Item) -> bool:
        """Whether a folder that an item lies in is known to be shared."""
        query = (
            "WITH RECURSIVE above(id, depth) AS (SELECT :parent, 0 UNION SELECT f.parent, depth + 1 FROM {files} f"
            " JOIN above ON f.id = above.id WHERE f.account = :account AND depth < 50)"
            " SELECT count(*) FROM {files} f JOIN above ON f.id = above.id WHERE f.account = :account AND f.shared"
        )
        return bool(self._run(connection, query, account=account, parent=item.parent).scalar_one())


mirror = _Mirror("onedrive", Item, Account, service="OneDrive", top="OneDrive", folder=("kind", "folder"), by="author")
