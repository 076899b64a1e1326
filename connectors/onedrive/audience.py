"""Who sees what is done: an act in a place that others share reaches them, and is asked about as a message to them."""

from __future__ import annotations

from connectors.onedrive.card import owner_of
from connectors.onedrive.items import Item
from connectors.onedrive.mirror import mirror
from openassistant.acts import not_said
from openassistant.connector import Context

__all__ = ["must_be_said"]


async def must_be_said(ctx: Context, item: Item, *, seen_by_others: bool) -> None:
    """Raises `Conflict` where others see a file or folder, or one that it lies in, and the call does not say so."""
    if seen_by_others:
        return
    owner = owner_of(ctx)
    if item.shared or await ctx.store.read(lambda c: mirror.shared_above(c, owner, item)):
        raise not_said("folder" if item.folder else "file")
