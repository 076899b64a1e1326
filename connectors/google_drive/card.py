"""The connector that every tool of Drive is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Context, Field
from openassistant.errors import AccountRequired

__all__ = ["FileId", "FileIds", "FolderId", "connector", "owner_of"]

connector = Connector(__file__)

_ID = r"^[A-Za-z0-9_-]{1,128}$"

FileId = Annotated[str, Field(description="The id of a file or folder, as files_search gives it", pattern=_ID)]
FileIds = Annotated[
    list[Annotated[str, Field(pattern=_ID)]],
    Field(description="The ids of files or folders, as files_search gives them", min_length=1, max_length=50),
]
FolderId = Annotated[
    str,
    Field(
        description="The id of a folder, as files_search gives it; root, or nothing, for My Drive itself",
        pattern=r"^[A-Za-z0-9_-]{0,128}$",
    ),
]


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Google account first.")
    return ctx.account
