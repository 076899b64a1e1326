"""The text of documents of strangers: PDF, Word, Excel, PowerPoint, OpenDocument, HTML, calendars, plain text.

    document = await read_document(content, type="application/pdf", name="Lease.pdf")

Parsers never run in the room that asks: `read_document` has them run in `openassistant.sandbox`. What they need beyond
the SDK (pypdf, defusedxml) belongs into the dependency group of the room. The text is text of others: give it to a
model as `OutsideText` and nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from openassistant import sandbox
from openassistant.errors import InvalidRequest

__all__ = ["LARGEST", "READER", "Document", "read_document"]

LARGEST = 40 * 1024 * 1024
"""The largest file whose text is looked for, in bytes."""
READER = "openassistant.documents.readers:read"
_OUTPUT = 8 * 1024 * 1024
"""A million characters as JSON writes them: six bytes for each that is not ASCII, and some room."""


class Document(NamedTuple):
    """What was read: `kind` in words ("PDF"), the `text`, and a `note` of what was counted or is missing."""

    kind: str
    text: str
    note: str


async def read_document(
    content: bytes,
    *,
    type: str = "",  # noqa: A002 - a media type is called so
    name: str = "",
    seconds: float = 20.0,
    by: str = READER,
) -> Document:
    """The text in a file. What it is, its first bytes say before its media `type` or its `name`.

    `by` is another function for the sandbox, of a room that reads more kinds: it gets and gives what `readers.read`
    does.
    Raises `InvalidRequest` with a reason for a person where there is none to be had (locked, damaged, a picture), and
    `TooLarge` where reading takes more than it may.
    """
    options = {"type": type, "name": name}
    found: dict[str, Any] = await sandbox.run(by, content, options=options, seconds=max(seconds, 1), output=_OUTPUT)
    if refused := found.get("refused"):
        raise InvalidRequest(str(refused))
    return Document(str(found["kind"]), str(found["text"]), str(found["note"]))
