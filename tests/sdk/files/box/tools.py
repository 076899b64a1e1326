"""A drive with nothing behind it: its tools act on nothing, and are shown as those of every drive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from openassistant.acts import effect_where_seen
from openassistant.capabilities import try_allowed
from openassistant.connector import CheckStep, Connector, Context
from openassistant.errors import OaError
from openassistant.files.arguments import Data, Limit, Name, Seen, Since, Text, Type
from openassistant.files.mirror import Mirror
from openassistant.files.previews import Previews
from openassistant.files.reading import changes_since

connector = Connector(__file__)

REFUSED: dict[str, OaError] = {}
"""What each capability is refused with when it is tried."""
TRIED: list[str] = []


class Item(NamedTuple):
    """A file or folder."""

    id: str
    name: str
    kind: str = "file"
    parent: str = ""
    description: str = ""
    modified: int = 0
    trashed: bool = False
    shared: bool = False
    maker: str = ""
    editor: str = ""

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.kind == "folder"

    @property
    def seen_by_others(self) -> bool:
        """Whether anybody else can see it."""
        return self.shared

    def shown_in(self, path: str) -> str:
        """As a person reads it."""
        return f"{self.name} in {path}" if path else self.name


class Account(NamedTuple):
    """How far the sync is."""

    address: str = ""
    root: str = ""
    round: int = 0
    known_since: int = 0
    complete: bool = False


def owner_of(ctx: Context) -> str:
    """The account."""
    assert ctx.account is not None, "the house names one"
    return ctx.account


mirror = Mirror("box", Item, Account, service="Box", top="All files", folder=("kind", "folder"), by="maker")
previews = Previews(mirror, owner_of=owner_of, places={"root": "All files"}, without="?")


@connector.tool(effect="write", effect_of=effect_where_seen)
async def files_upload(
    ctx: Context,
    name: Name,
    text: Text = None,
    data: Data = None,
    *,
    type: Type = "",  # noqa: A002 - a media type is called so
    folder: Name = "root",
    seen_by_others: Seen = False,
) -> None:
    """Save a file."""


files_upload.preview(previews.upload)


@connector.tool(effect="write", effect_of=effect_where_seen)
async def folders_create(ctx: Context, name: Name, *, folder: Name = "root", seen_by_others: Seen = False) -> None:
    """Make a folder."""


folders_create.preview(previews.folder)


@connector.tool(effect="write", effect_of=effect_where_seen)
async def files_update(
    ctx: Context,
    file: Name,
    revision: Name,
    text: Text = None,
    data: Data = None,
    *,
    type: Type = "",  # noqa: A002 - a media type is called so
    seen_by_others: Seen = False,
) -> None:
    """Replace the content of a file."""


files_update.preview(previews.update)


@connector.tool(effect="write", effect_of=effect_where_seen)
async def files_rename(ctx: Context, file: Name, name: Name, *, seen_by_others: Seen = False) -> None:
    """Rename a file."""


files_rename.preview(previews.rename)


@connector.tool(effect="write", effect_of=effect_where_seen)
async def files_move(ctx: Context, file: Name, folder: Name, *, seen_by_others: Seen = False) -> None:
    """Move a file."""


files_move.preview(previews.move)


@connector.tool(effect="read")
async def changes_list(ctx: Context, since: Since = None, *, limit: Limit = 50) -> tuple[list[str], str]:
    """List what happened."""
    found, note = await changes_since(ctx, mirror, owner_of(ctx), since=since, limit=limit)
    return [each.name for each in found], note


@connector.check
async def check(ctx: Context) -> AsyncIterator[CheckStep]:
    """Tries what was allowed."""

    async def attempt(capability: str) -> None:
        TRIED.append(capability)
        if capability in REFUSED:
            raise REFUSED[capability]

    async for step in try_allowed(ctx, connector, attempt):
        yield step
