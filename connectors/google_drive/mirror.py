"""The mirror of a drive in the user's encrypted store, as `openassistant.files.mirror` keeps it."""

from __future__ import annotations

from typing import NamedTuple

from connectors.google_drive.items import FOLDER, Item
from openassistant.files.mirror import Mirror

__all__ = ["Account", "mirror"]


class Account(NamedTuple):
    """How far the sync of an account is.

    `token`: where changes go on from. `page`: where an unfinished listing goes on from. `complete`: everything was
    listed once. `known_since`: since when changes are noted. `cut`: there are more files than are kept.
    """

    address: str = ""
    root: str = ""
    token: str = ""
    page: str = ""
    round: int = 0
    complete: bool = False
    known_since: int = 0
    cut: bool = False


mirror = Mirror(
    "google_drive", Item, Account, service="Google Drive", top="My Drive", folder=("mime", FOLDER), by="owner"
)
