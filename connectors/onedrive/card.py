"""The connector that every tool of OneDrive is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated, Any

from openassistant.connector import Connector, Context, Field
from openassistant.errors import AccountRequired
from openassistant.messages import Effect

__all__ = [
    "LONGEST_NAME",
    "OWN",
    "ROOT",
    "Data",
    "FileId",
    "FileIds",
    "FolderId",
    "Name",
    "Seen",
    "Text",
    "allowed",
    "connector",
    "effect_where_seen",
    "owner_of",
]

connector = Connector(__file__)

OWN, ROOT = "own", "root"
"""The folders that have a word instead of an id: the assistant's own one below Apps, and the top of the drive."""
LONGEST_NAME = 255
"""https://support.microsoft.com/office/restrictions-and-limitations-in-onedrive-and-sharepoint: with its path, 400."""
_ID = r"^[A-Za-z0-9!_-]{1,200}$"

FileId = Annotated[str, Field(description="The id of a file or folder, as files_search gives it", pattern=_ID)]
FileIds = Annotated[
    list[Annotated[str, Field(pattern=_ID)]],
    Field(description="The ids of files or folders, as files_search gives them", min_length=1, max_length=50),
]
FolderId = Annotated[
    str,
    Field(
        description="The id of a folder, as files_search gives it; root for the top of the drive, own for the folder"
        " below Apps that is the assistant's own",
        pattern=_ID,
    ),
]
Name = Annotated[
    str, Field(description="The name, with its ending: one line, no path", min_length=1, max_length=LONGEST_NAME)
]
Text = Annotated[
    str | None, Field(description="The whole text; leave it out where data is given", max_length=1_000_000)
]
Data = Annotated[
    str | None,
    Field(description="The content in base64, for files that are no text", max_length=7_400_000),
]
Seen = Annotated[
    bool,
    Field(
        description="Others share this place or file, and may see what is done: it is asked about as a message to them"
    ),
]


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Microsoft account first.")
    return ctx.account


async def allowed(ctx: Context, *capabilities: str) -> bool:
    """Whether the account's owner allowed one of these."""
    granted = (await ctx.credentials()).capabilities
    return granted is None or not set(capabilities).isdisjoint(granted)


def effect_where_seen(arguments: dict[str, Any]) -> Effect:
    """What others see reaches them; `audience.must_be_said` sees to it that the argument is true to the facts."""
    return Effect.SEND if arguments.get("seen_by_others") else Effect.WRITE
