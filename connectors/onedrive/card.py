"""The connector that every tool of OneDrive is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Context, Field
from openassistant.errors import AccountRequired

__all__ = ["FORBIDDEN", "OWN", "ROOT", "FileId", "FileIds", "FolderId", "connector", "owner_of"]

connector = Connector(__file__)

OWN, ROOT = "own", "root"
"""The folders that have a word instead of an id: the assistant's own one below Apps, and the top of the drive."""
FORBIDDEN = '"*:<>?|'
"""What no name in OneDrive has, beside slashes."""
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


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Microsoft account first.")
    return ctx.account
