"""The connector that every tool of Gmail is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Context, Field
from openassistant.errors import AccountRequired

__all__ = [
    "BlindCopies",
    "Copies",
    "DraftId",
    "MessageId",
    "MessageIds",
    "People",
    "Subject",
    "Text",
    "connector",
    "owner_of",
]

connector = Connector(__file__)

_ID = r"^[A-Za-z0-9_-]{1,64}$"
_Person = Annotated[str, Field(max_length=400)]

MessageId = Annotated[str, Field(description="The id of a mail, as messages_search gives it", pattern=_ID)]
MessageIds = Annotated[
    list[Annotated[str, Field(pattern=_ID)]],
    Field(description="The ids of mails, as messages_search gives them", min_length=1, max_length=50),
]
DraftId = Annotated[str, Field(description="The id of a draft, as drafts_list or drafts_create gives it", pattern=_ID)]
People = Annotated[
    list[_Person],
    Field(description="Recipients, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Copies = Annotated[list[_Person] | None, Field(description="More recipients, in copy", max_length=100)]
BlindCopies = Annotated[
    list[_Person] | None, Field(description="More recipients, whom the others do not see", max_length=100)
]
Subject = Annotated[str, Field(description="The subject: one line", max_length=500)]
Text = Annotated[str, Field(description="The whole text, plain, with greeting and name below", max_length=1_000_000)]


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a Google account first.")
    return ctx.account
