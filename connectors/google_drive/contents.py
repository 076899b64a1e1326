"""The content that a call gives for a file: as every drive takes it, and none of Google's own kinds."""

from __future__ import annotations

from connectors.google_drive.items import GOOGLE
from openassistant.errors import InvalidRequest
from openassistant.formats import contents
from openassistant.formats.contents import Content

__all__ = ["content_of"]


def content_of(text: str | None, data: str | None, *, type: str = "", name: str = "") -> Content:  # noqa: A002 - a media type
    """What a call wants written; raises `InvalidRequest`, `TooLarge` in words that let it be corrected."""
    content = contents.content_of(text, data, type=type, name=name)
    if content.type.startswith(GOOGLE):
        raise InvalidRequest(
            "The type is a media type such as text/plain or application/pdf, and none of Google's own."
        )
    return content
