"""The connector that every tool of Gmail is declared on, and the ids that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Context, Field
from openassistant.errors import AccountRequired

__all__ = ["DraftId", "MessageId", "MessageIds", "connector", "owner_of"]

connector = Connector(__file__)

_ID = r"^[A-Za-z0-9_-]{1,64}$"

MessageId = Annotated[str, Field(description="The id of a mail, as messages_search gives it", pattern=_ID)]
MessageIds = Annotated[
    list[Annotated[str, Field(pattern=_ID)]],
    Field(description="The ids of mails, as messages_search gives them", min_length=1, max_length=50),
]
DraftId = Annotated[str, Field(description="The id of a draft, as drafts_list or drafts_create gives it", pattern=_ID)]


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Google account first.")
    return ctx.account
