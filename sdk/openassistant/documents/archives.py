"""Documents that are zip archives of XML: opened within limits, walked element by element without holding the tree.

No name in an archive is ever used as a path, and no entity is ever resolved.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from openassistant.documents.limits import RefusedError

__all__ = ["Archive", "attribute", "local"]

_MOST_ENTRIES = 5_000
_LARGEST_PART = 200 * 1024 * 1024
_LARGEST_WHOLE = 400 * 1024 * 1024
_HIGHEST_RATIO = 200
"""What offices write stays below 60; a bomb has a thousand."""
_DEEPEST = 250
_MOST_RELATIONS = 5_000


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without the namespace, or nothing."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


class Archive:
    """A zip archive from a stranger. A context manager, within which whatever is wrong with it is a `RefusedError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _LARGEST_WHOLE

    def __enter__(self) -> Self:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(self._data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise RefusedError(_DAMAGED_ARCHIVE) from error
        entries = self._zip.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise RefusedError("That archive holds more files than a document has.")
        self.names = frozenset(entry.filename for entry in entries)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        if isinstance(error, DefusedXmlException):
            raise RefusedError(
                "That document declares entities of its own, as attacks do, so it is not read."
            ) from error
        if isinstance(error, ParseError):
            raise RefusedError("That document is damaged, so it cannot be read.") from error
        if isinstance(error, zipfile.BadZipFile | NotImplementedError | RuntimeError | EOFError | zlib.error):
            if isinstance(error, RecursionError):
                return
            raise RefusedError(_DAMAGED_ARCHIVE) from error

    def walk(self, name: str, *whole: str) -> Iterator[tuple[bool, Element, Element | None]]:
        """The elements of a part: whether one begins, itself, and what it stands in.

        At its end an element has its text, and its children only within one of the local names `whole`.
        """
        stack: list[Element] = []
        kept = 0
        for event, element in iterparse(self._open(name), ("start", "end")):
            if event == "start":
                if len(stack) > _DEEPEST:
                    raise RefusedError("That document is nested deeper than any office writes, so it is not read.")
                yield True, element, stack[-1] if stack else None
                stack.append(element)
                kept += local(element) in whole
            else:
                stack.pop()
                yield False, element, stack[-1] if stack else None
                kept -= local(element) in whole
                if stack and not kept:
                    del stack[-1][:]

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part of an OOXML package names: its id -> the last word of its type, and the part that is meant."""
        folder, _, name = part.rpartition("/")
        listed = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
        found: dict[str, tuple[str, str]] = {}
        if listed not in self.names:
            return found
        for begins, element, _ in self.walk(listed):
            if begins and local(element) == "Relationship" and element.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", ""))).lstrip("/")
                found[element.get("Id", "")] = (element.get("Type", "").rpartition("/")[2], target)
                if len(found) > _MOST_RELATIONS:
                    break
        return found

    def text(self, name: str) -> str:
        """A small part as text, or nothing where there is none."""
        if name not in self.names:
            return ""
        return self._open(name).read(64 * 1024).decode("utf-8", "replace")

    def _open(self, name: str) -> _Bounded:
        if name not in self.names:
            raise RefusedError("That document lacks a part that it names, so it cannot be read.")
        entry = self._zip.getinfo(name)
        if entry.flag_bits & 1:
            raise RefusedError("That file is locked with a password, so its text cannot be read.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RefusedError("That file is packed in a way that documents are not, so it is not read.")
        limit = min(_LARGEST_PART, max(entry.compress_size, 1024) * _HIGHEST_RATIO, self._left)
        self._left -= min(entry.file_size, limit)
        return _Bounded(self._zip.open(entry), limit)


class _Bounded(io.RawIOBase):
    """A part, unpacked no further than its limit, whatever its headers say."""

    def __init__(self, packed: IO[bytes], limit: int) -> None:
        super().__init__()
        self._packed = packed
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        part = self._packed.read(min(size, 65_536) if size >= 0 else 65_536)
        self._left -= len(part)
        if self._left < 0:
            raise RefusedError("That document unpacks to far more than it should, so it is not read.")
        return part


_DAMAGED_ARCHIVE = "That file is a damaged or locked archive, so it cannot be read."
