"""The arguments that the tools of every drive take; ids and revisions are as each provider has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

__all__ = [
    "LONGEST_NAME",
    "Data",
    "Kind",
    "Limit",
    "Message",
    "Name",
    "Person",
    "Query",
    "Seen",
    "Since",
    "Start",
    "Text",
    "Type",
]

LONGEST_NAME = 255
"""What file systems take. OneDrive takes no longer ones; Drive does, but other programs that sync it do not."""

Query = Annotated[str, Field(description="Words that all occur; each may be the beginning of one", max_length=500)]
Kind = Annotated[Literal["any", "files", "folders"], Field(description="What to look for")]
Limit = Annotated[int, Field(description="How many at most", ge=1, le=100)]
Start = Annotated[int, Field(description="From which character on, for long texts", ge=0, le=2_000_000)]
Since = Annotated[datetime | None, Field(description="From which moment on; without a zone it is in UTC")]

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
Type = Annotated[
    str, Field(description="The media type, such as application/pdf; by default as the name ends", max_length=130)
]
Seen = Annotated[
    bool,
    Field(
        description="Others share this place or file, and may see what is done: it is asked about as a message to them"
    ),
]

Person = Annotated[str, Field(description="The mail address of a person or group", min_length=3, max_length=400)]
Message = Annotated[str, Field(description="What that mail says", max_length=2_000)]
