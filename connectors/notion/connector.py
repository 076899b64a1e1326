"""The connector that every tool of Notion is declared on, and the arguments that several tools take."""

from __future__ import annotations

from typing import Annotated

from openassistant.connector import Connector, Field

__all__ = ["ID", "Content", "DatabaseId", "PageId", "connector"]

connector = Connector(__file__)

ID = r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$"

PageId = Annotated[
    str, Field(description="The id of a page or row, as pages_search or rows_query gives it", pattern=ID)
]
DatabaseId = Annotated[str, Field(description="The id of a database, as databases_list gives it", pattern=ID)]
Content = Annotated[
    str,
    Field(
        description="Text in Notion's Markdown: # headings, - lists, - [ ] to-dos, > quotes, ``` code, **bold**; one"
        " line is one block, tabs put it below the one before",
        max_length=100_000,
    ),
]
