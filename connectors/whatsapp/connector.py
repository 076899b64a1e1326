"""The connector that every tool of WhatsApp is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Context, Field
from openassistant.errors import AccountRequired

__all__ = ["Caption", "ChatId", "MessageId", "ReplyTo", "Text", "connector", "owner_of"]

connector = Connector(__file__)

_ID = r"^[0-9]{1,15}$"

ChatId = Annotated[str, Field(description="The id of a chat, as chats_list gives it", pattern=_ID)]
MessageId = Annotated[str, Field(description="The id of a message, as chats_read gives it", pattern=_ID)]
ReplyTo = Annotated[
    str | None, Field(description="The id of the message that this answers, which is then quoted above it", pattern=_ID)
]
Text = Annotated[
    str,
    Field(description="The whole text, plain; *bold*, _italic_ and line breaks work", min_length=1, max_length=4096),
]
Caption = Annotated[str, Field(description="Words that go along with the file", max_length=1024)]


def owner_of(ctx: Context) -> str:
    """The id of the account that a call is for; raises `AccountRequired`."""
    if ctx.account is None:
        raise AccountRequired("Connect a WhatsApp number first.")
    return ctx.account
