"""What a person decides on: the file by name and place, what is done to it, and who sees it. All from the mirror."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from connectors.onedrive import mirror
from connectors.onedrive.card import OWN, ROOT, owner_of
from connectors.onedrive.items import Item
from connectors.onedrive.views import kind_of, outside
from openassistant.connector import Context, Preview
from openassistant.formats.contents import Content
from openassistant.messages import Destination, OutsideSource, PreviewField

__all__ = ["known", "place_of", "preview_of", "seen_warning", "what_is_written"]

_PLACES = {ROOT: "OneDrive", OWN: "the assistant's own folder, below Apps"}
_UNKNOWN = "(not known here yet)"


async def preview_of(
    ctx: Context,
    files: Sequence[str],
    *,
    verb: str,
    confirm: str,
    fields: Sequence[tuple[str, str]] = (),
    content: str = "",
    destinations: Sequence[Destination] = (),
    warnings: Sequence[str] = (),
) -> Preview:
    """A preview that names each of the files with its folder and kind."""
    owner = owner_of(ctx)
    name = (await ctx.credentials()).name

    def read(connection: Connection) -> tuple[str, list[tuple[str, str, Item | None]]]:
        found = [(each, mirror.file(connection, owner, each)) for each in files]
        shown = [(id_, mirror.path(connection, owner, item) if item else "", item) for id_, item in found]
        return mirror.account(connection, owner).address, shown

    address, found = await ctx.store.read(read)
    rows: list[PreviewField] = []
    sources: list[OutsideSource] = []
    for id_, path, item in found:
        if item is None:
            rows.append(PreviewField(label="File", value=f"{_UNKNOWN}, id {id_}"))
            continue
        where = f", in {path}" if path else ""
        rows.append(PreviewField(label="File", value=f"{item.name} ({kind_of(item)}{where})"))
        if item.shared:
            text = outside(item.name, item)
            sources.append(OutsideSource(source=f"{text.source} (its name)", authors=text.authors))
    return Preview(
        verb=verb,
        confirm=confirm,
        account=address or name,
        destinations=tuple(destinations),
        fields=(*rows, *(PreviewField(label=label, value=value) for label, value in fields)),
        content=content,
        outside=tuple(dict.fromkeys(sources)),
        warnings=tuple(warnings),
    )


async def known(ctx: Context, file: str) -> Item | None:
    """A file as the mirror knows it."""
    owner = owner_of(ctx)
    return await ctx.store.read(lambda c: mirror.file(c, owner, file))


async def place_of(ctx: Context, folder: str) -> str:
    """A folder in words, with its path."""
    if folder in _PLACES:
        return _PLACES[folder]
    owner = owner_of(ctx)

    def read(connection: Connection) -> str:
        item = mirror.file(connection, owner, folder)
        if item is None:
            return f"{_UNKNOWN}, id {folder}"
        above = mirror.path(connection, owner, item)
        return f"{above} / {item.name}" if above else item.name

    return await ctx.store.read(read)


def seen_warning(*, seen_by_others: bool) -> list[str]:
    """What is said where others see what is done."""
    return ["Others share this place or file. They may see what is done, and be told of it."] if seen_by_others else []


def what_is_written(content: Content) -> list[tuple[str, str]]:
    """Type, size and digest of a content."""
    return [
        ("Type", content.type),
        ("Size", f"{len(content.data)} bytes"),
        ("SHA-256", content.sha256),
    ]
