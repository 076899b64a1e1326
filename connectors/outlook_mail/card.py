"""The connector that every tool is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Field

__all__ = ["BlindCopies", "Copies", "MessageId", "MessageIds", "People", "Subject", "Text", "Zone", "connector"]

connector = Connector(__file__)

_Person = Annotated[str, Field(max_length=400)]

MessageId = Annotated[str, Field(description="The id of a mail, as messages_search gives it", max_length=40)]
MessageIds = Annotated[
    list[Annotated[str, Field(max_length=40)]],
    Field(description="The ids of mails, as messages_search gives them", min_length=1, max_length=50),
]
People = Annotated[
    list[_Person],
    Field(description="Recipients, each like carol@example.org or Carol Meyer <carol@example.org>", max_length=100),
]
Copies = Annotated[list[_Person] | None, Field(description="More recipients, in copy", max_length=100)]
BlindCopies = Annotated[
    list[_Person] | None, Field(description="More recipients, whom the others do not see", max_length=100)
]
Subject = Annotated[str, Field(description="The subject: one line", max_length=500)]
Zone = Annotated[
    str | None,
    Field(description="Time zone of times without an offset, such as Europe/Berlin: the owner's", max_length=60),
]
Text = Annotated[str, Field(description="The whole text, plain, with greeting and name below", max_length=200_000)]
