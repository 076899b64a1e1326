"""Who sees what is done: an act in a place that others share reaches them, and is asked about as a message to them."""

from __future__ import annotations

from connectors.google_drive.items import Item
from openassistant.acts import not_said

__all__ = ["must_be_said"]


def must_be_said(item: Item, *, seen_by_others: bool) -> None:
    """Raises `Conflict` where others see a file or folder and the call does not say so."""
    if item.seen_by_others and not seen_by_others:
        raise not_said("folder" if item.folder else "file")
