"""The connector that every tool is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Field

__all__ = ["Text", "Zone", "connector"]

connector = Connector(__file__)

Zone = Annotated[
    str | None,
    Field(description="Time zone of times without an offset, such as Europe/Berlin: the owner's", max_length=60),
]
Text = Annotated[str, Field(description="The whole text, plain, with greeting and name below", max_length=200_000)]
