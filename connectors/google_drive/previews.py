"""What a person decides on: the file by name and place, what is done to it, and who sees it. All from the mirror."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from connectors.google_drive import mirror
from connectors.google_drive.card import owner_of
from connectors.google_drive.contents import Content
from connectors.google_drive.items import Item
from connectors.google_drive.views import kind_of, outside
from openassistant.connector import Context, Preview
from openassistant.messages import Destination, OutsideSource, PreviewField

__all__ = ["known", "place_of", "preview_of", "seen_warning", "what_is_written"]

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
    """A preview that names each of the files with its folder, kind and owner."""
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
        owned = "" if item.mine or not item.owner else f", of {item.owner}"
        rows.append(PreviewField(label="File", value=f"{item.name} ({kind_of(item.mime)}{where}{owned})"))
        if item.seen_by_others:
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
    if folder in ("", "root"):
        return "My Drive"
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
