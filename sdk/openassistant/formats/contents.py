"""The content and the name that a call gives for a file, checked before anything is sent.

content = content_of(text, data, type=type, name=name)
await drive.put(checked_name(name), content.data, kind=content.type)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import mimetypes
import re
from typing import NamedTuple

from openassistant.errors import InvalidRequest, TooLarge

__all__ = ["LARGEST", "Content", "checked_name", "content_of"]

LARGEST = 5_500_000
"""Bytes that can come in a call; what the bus carries, less base64."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Content(NamedTuple):
    """Bytes with their media type; `text` where they are one that a person can read."""

    data: bytes
    type: str
    text: str | None

    @property
    def md5(self) -> str:
        """The digest that some providers give of what they hold."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        """The digest that an approval covers."""
        return hashlib.sha256(self.data).hexdigest()


def content_of(text: str | None, data: str | None, *, type: str = "", name: str = "") -> Content:  # noqa: A002 - a media type
    """What a call wants written; raises `InvalidRequest`, `TooLarge` in words that let it be corrected."""
    if (text is None) == (data is None):
        raise InvalidRequest("Give either text, or data in base64.")
    content = (text or "").encode("utf-8", "replace") if data is None else _decoded(data)
    if len(content) > LARGEST:
        raise TooLarge(f"That is more than can be saved from here: at most {LARGEST // 1_000_000} MB.")
    kind = type.strip().lower() or mimetypes.guess_type(name)[0] or ""
    kind = kind or ("text/plain" if text is not None else "application/octet-stream")
    if not _TYPE.fullmatch(kind):
        raise InvalidRequest("The type is a media type such as text/plain or application/pdf.")
    return Content(content, kind, text)


def checked_name(name: str, *, without: str = "") -> str:
    """A name that is one everywhere, with none of the characters in `without`; raises `InvalidRequest`."""
    found = name.strip()
    if not found or found in (".", "..") or "/" in found or "\\" in found:
        raise InvalidRequest("A name is no path: no slashes, and not just dots. Name the folder by its id.")
    if _HIDDEN.search(found):
        raise InvalidRequest("A name is one line, without characters that cannot be seen.")
    if any(each in found for each in without):
        raise InvalidRequest(f"A name there has none of these characters: {' '.join(without)}")
    return found


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("The data is not base64.") from error
