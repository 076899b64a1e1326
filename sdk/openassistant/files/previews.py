"""What a person decides on: the file by name and place, what is done to it, and who sees it. All from the mirror.

previews = Previews(mirror, owner_of=owner_of, places={"root": "Box"})
files_rename.preview(previews.rename)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic

from sqlalchemy import Connection

from openassistant.connector import Context, Preview
from openassistant.files.items import FileItem
from openassistant.files.mirror import A, I, Mirror
from openassistant.formats import contents
from openassistant.formats.contents import Content, checked_name
from openassistant.messages import Destination, OutsideSource, PreviewField

__all__ = ["Previews", "opened_warning", "seen_warning"]

_UNKNOWN = "(not known here yet)"


class Previews(Generic[I, A]):
    """The previews of one connector, and what is known of the files that they name.

    `places` are the folders that have a word instead of an id. `content_of` and `without` are what its tools check
    contents and names by.
    """

    def __init__(
        self, mirror: Mirror[I, A], *, owner_of: Callable[[Context], str], places: Mapping[str, str],
        content_of: Callable[..., Content] = contents.content_of, without: str = "",
    ) -> None:  # fmt: skip
        self._mirror, self._owner_of, self._places = mirror, owner_of, places
        self._content_of, self._without = content_of, without

    async def known(self, ctx: Context, file: str) -> I | None:
        """A file as the mirror knows it."""
        owner = self._owner_of(ctx)
        return await ctx.store.read(lambda connection: self._mirror.file(connection, owner, file))

    async def place_of(self, ctx: Context, folder: str) -> str:
        """A folder in words, with its path."""
        if folder in self._places:
            return self._places[folder]
        owner = self._owner_of(ctx)

        def read(connection: Connection) -> str:
            item = self._mirror.file(connection, owner, folder)
            if item is None:
                return f"{_UNKNOWN}, id {folder}"
            above = self._mirror.path(connection, owner, item)
            return f"{above} / {item.name}" if above else item.name

        return await ctx.store.read(read)

    async def of(
        self, ctx: Context, files: Sequence[str], *, verb: str, confirm: str,
        fields: Sequence[tuple[str, str]] = (), content: str = "",
        destinations: Sequence[Destination] = (), warnings: Sequence[str] = (),
    ) -> Preview:  # fmt: skip
        """A preview that names each of the files with its folder and kind."""
        owner = self._owner_of(ctx)
        name = (await ctx.credentials()).name

        def read(connection: Connection) -> tuple[str, list[tuple[str, str, I | None]]]:
            found = [(each, self._mirror.file(connection, owner, each)) for each in files]
            shown = [(id_, self._mirror.path(connection, owner, item) if item else "", item) for id_, item in found]
            return self._mirror.account(connection, owner).address, shown

        address, found = await ctx.store.read(read)
        rows = [(item.shown_in(path) if item else f"{_UNKNOWN}, id {id_}") for id_, path, item in found]
        seen = [self._mirror.outside(item.name, item) for _, _, item in found if item and item.seen_by_others]
        sources = [OutsideSource(source=f"{each.source} (its name)", authors=each.authors) for each in seen]
        shown = [*(("File", each) for each in rows), *fields]
        return Preview(
            verb=verb,
            confirm=confirm,
            account=address or name,
            destinations=tuple(destinations),
            fields=tuple(PreviewField(label=label, value=value) for label, value in shown),
            content=content,
            outside=tuple(dict.fromkeys(sources)),
            warnings=tuple(warnings),
        )

    async def upload(
        self, ctx: Context, name: str, text: str | None, data: str | None, *,
        type: str, folder: str, seen_by_others: bool,  # noqa: A002 - a media type is called so
    ) -> Preview:  # fmt: skip
        """Name, place and content of a new file."""
        content = self._content_of(text, data, type=type, name=name)
        fields = [("Name", self._named(name)), ("Folder", await self.place_of(ctx, folder)), *_written(content)]
        return await self.of(
            ctx, (), verb="Save a file", confirm="Save", fields=fields, content=content.text or "",
            warnings=seen_warning(seen_by_others=seen_by_others),
        )  # fmt: skip

    async def folder(self, ctx: Context, name: str, *, folder: str, seen_by_others: bool) -> Preview:
        """Name and place of a new folder."""
        fields = [("Name", self._named(name)), ("Folder", await self.place_of(ctx, folder))]
        warnings = seen_warning(seen_by_others=seen_by_others)
        return await self.of(ctx, (), verb="Make a folder", confirm="Make it", fields=fields, warnings=warnings)

    async def update(
        self, ctx: Context, file: str, revision: str, text: str | None, data: str | None, *,
        type: str, seen_by_others: bool,  # noqa: A002 - a media type is called so
    ) -> Preview:  # fmt: skip
        """The file, and the whole of its new content."""
        content = self._content_of(text, data, type=type or "text/plain")
        return await self.of(
            ctx, (file,), verb="Replace the content of a file", confirm="Replace",
            fields=[("Replaces revision", revision), *_written(content)], content=content.text or "",
            warnings=seen_warning(seen_by_others=seen_by_others),
        )  # fmt: skip

    async def rename(self, ctx: Context, file: str, name: str, *, seen_by_others: bool) -> Preview:
        """Which file gets which name."""
        fields, warnings = [("New name", self._named(name))], seen_warning(seen_by_others=seen_by_others)
        return await self.of(ctx, (file,), verb="Rename a file", confirm="Rename", fields=fields, warnings=warnings)

    async def move(self, ctx: Context, file: str, folder: str, *, seen_by_others: bool) -> Preview:
        """Which file goes where."""
        fields, warnings = [("To", await self.place_of(ctx, folder))], seen_warning(seen_by_others=seen_by_others)
        return await self.of(ctx, (file,), verb="Move a file", confirm="Move", fields=fields, warnings=warnings)

    def _named(self, name: str) -> str:
        return checked_name(name, without=self._without)


def seen_warning(*, seen_by_others: bool) -> list[str]:
    """What is said where others see what is done."""
    return ["Others share this place or file. They may see what is done, and be told of it."] if seen_by_others else []


def opened_warning(item: FileItem | None) -> list[str]:
    """What is said where a folder is opened to somebody."""
    words = "This is a folder: all that lies in it is opened too, also what comes later."
    return [words] if item is not None and item.folder else []


def _written(content: Content) -> list[tuple[str, str]]:
    """Type, size and digest of a content."""
    return [("Type", content.type), ("Size", f"{len(content.data)} bytes"), ("SHA-256", content.sha256)]
