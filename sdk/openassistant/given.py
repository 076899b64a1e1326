"""Files that a person gives with a message: how large, how many, and how they travel to and from the agent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Base64Bytes, Field, StringConstraints

from openassistant.messages import GivenFile, Id, Wire

__all__ = ["LARGEST", "MOST", "PIECE", "FilePart", "FilePiece", "FileQuery", "FileTaken"]

LARGEST = 20 * 1024 * 1024
"""Bytes of one file."""
MOST = 10
"""Files of one message."""
PIECE = 512 * 1024
"""Bytes of one message on the bus; base64 and the rest fit its limit then."""


class FilePiece(Wire):
    """The bytes of a file from `place` on; with `last` it is whole, and read."""

    id: Id
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    type: Annotated[str, StringConstraints(max_length=100)] = ""
    place: Annotated[int, Field(ge=0)]
    body: Base64Bytes
    last: bool = False


class FileTaken(Wire):
    """What the file is, once it is whole."""

    file: GivenFile | None = None


class FileQuery(Wire):
    """Names a file of the context's user; `place` is where to read on."""

    id: Id
    place: Annotated[int, Field(ge=0)] = 0


class FilePart(Wire):
    """Bytes of a file, and whether more follow."""

    file: GivenFile
    body: Base64Bytes
    more: bool
