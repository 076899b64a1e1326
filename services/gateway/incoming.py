"""An archive that somebody sent, checked before anything of it is used: what it is, its paths, its sizes, its hashes.

It lies in pieces in its owner's own file, and is read where it lies; one that is encrypted is opened as it is read.
Nothing is unpacked to a disk. The directory's size, the number of files, the bytes that they have together and the
places that they are at are held against limits first: a small file that would become a large one goes no further.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError
from sqlalchemy import Connection, text

from openassistant.errors import InvalidRequest
from openassistant.messages import Wire
from services.gateway import foreign
from services.gateway.agefile import Sealed
from services.gateway.archives import DEFLATED, STORED, checked_path
from services.gateway.exporting import FORMAT, MANIFEST

__all__ = ["LARGEST", "Checked", "Entry", "Unpacker", "check", "head", "put", "raw", "received"]

LARGEST = 32 * 1024**3
"""Bytes of an upload."""

_MOST_FILES = 500_000
_LARGEST_DIRECTORY = 128 * 1024 * 1024
_LARGEST_MANIFEST = 128 * 1024 * 1024
_MOST_RATIO, _ALWAYS = 200, 64 * 1024 * 1024
"""What is packed may be so many times larger than the upload, and so large in any case."""
_END, _LOCATOR, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_LOCAL = struct.Struct("<4s5H3L2H")
_CONVERSATIONS = re.compile(r"(?:[^/]+/)?conversations(?:[-_]\d{1,4})?\.json")
_READ = 1024 * 1024
_NOT_ZIP = "This is neither an archive of Open Assistant nor an export of ChatGPT, Claude or Open WebUI."
_BOMB = "Unpacked, this would be far larger than an archive is."
_BROKEN = "The archive is damaged: it cannot be read to its end."
_TWISTED = "Files in this archive lie over each other, which no archive of ours does."


class Entry(NamedTuple):
    """A file in what was sent: where its packed bytes begin, how many they are, and how many it has."""

    path: str
    place: int
    packed: int
    size: int
    method: int
    sha256: str = ""


class Checked(NamedTuple):
    """What was found: its kind, its files in the order of their paths, and the digest of its manifest."""

    kind: str
    entries: list[Entry]
    digest: str = ""


class _Listed(Wire):
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Manifest(Wire):
    format: Annotated[int, Field(ge=1)]
    files: dict[str, _Listed]


# --- the bytes that were sent -------------------------------------------------------------------------------------


def put(connection: Connection, move: str, place: int, body: bytes) -> int:
    """Stores the next bytes of an upload; the number that is there then. Bytes that are there already stay."""
    there = received(connection, move)
    fresh = body[max(0, there - place) :] if place <= there else b""
    if fresh:
        row = {"move": move, "place": there, "body": fresh}
        connection.execute(text("INSERT INTO move_chunks (move, place, body) VALUES (:move, :place, :body)"), row)
    return there + len(fresh)


def received(connection: Connection, move: str) -> int:
    """How many bytes of an upload are there."""
    query = text("SELECT place + octet_length(body) FROM move_chunks WHERE move = :move ORDER BY place DESC LIMIT 1")
    return int(connection.execute(query, {"move": move}).scalar() or 0)


def head(connection: Connection, move: str, count: int) -> bytes:
    """The first bytes of an upload, as they were sent."""
    return _sent(connection, move, 0, count)


def _sent(connection: Connection, move: str, place: int, count: int) -> bytes:
    query = text(
        "SELECT substr(body, :place - place + 1, :count) AS body FROM move_chunks"
        " WHERE move = :move AND place <= :place ORDER BY place DESC LIMIT 1"
    )
    parts = list[bytes]()
    while count > 0:
        row = connection.execute(query, {"move": move, "place": place, "count": count}).one_or_none()
        if row is None or not row.body:
            break
        parts.append(bytes(row.body))
        place, count = place + len(row.body), count - len(row.body)
    return b"".join(parts)


def raw(connection: Connection, move: str, sealed: Sealed | None, place: int, count: int) -> bytes:
    """Bytes of the content of an upload: all of them, or those to its end. Raises `InvalidRequest`."""
    if sealed is None:
        return _sent(connection, move, place, count)
    total, parts = received(connection, move), list[bytes]()
    while count > 0:
        part = sealed.open(total, place, lambda at, size: _sent(connection, move, at, size))[:count]
        if not part:
            break
        parts.append(part)
        place, count = place + len(part), count - len(part)
    return b"".join(parts)


class _File(io.RawIOBase):
    """The content of an upload as a file that can be read from anywhere."""

    def __init__(self, connection: Connection, move: str, sealed: Sealed | None) -> None:
        total = received(connection, move)
        self.size = total if sealed is None else sealed.content_size(total)
        self._connection, self._move, self._sealed, self._at = connection, move, sealed, 0

    def part(self, place: int, count: int) -> bytes:
        """Bytes of it; none where there are none."""
        return raw(self._connection, self._move, self._sealed, place, count) if place < self.size else b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        part = self.part(self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


class Unpacker:
    """A file's content out of its packed bytes, a bounded part at a time; raises `InvalidRequest` for a broken one."""

    def __init__(self, entry: Entry) -> None:
        self._entry, self._inflate = entry, zlib.decompressobj(-15) if entry.method == DEFLATED else None
        self._place, self._left = entry.place, entry.packed
        self.size = 0

    def read(self, connection: Connection, move: str, sealed: Sealed | None, count: int) -> bytes:
        """The next `count` bytes, fewer only at the end."""
        parts, left = list[bytes](), min(count, self._entry.size - self.size)
        while left > 0:
            part = self._next(connection, move, sealed, left)
            if not part:
                raise InvalidRequest(_BROKEN)
            parts.append(part)
            left -= len(part)
            self.size += len(part)
        return b"".join(parts)

    def _next(self, connection: Connection, move: str, sealed: Sealed | None, count: int) -> bytes:
        if self._inflate is None:
            return self._packed(connection, move, sealed, count)
        try:
            waiting = self._inflate.unconsumed_tail
            while True:
                packed = waiting or self._packed(connection, move, sealed, 64 * 1024)
                part = self._inflate.decompress(packed, count)
                if part or not packed or self._inflate.eof:
                    return part
                waiting = self._inflate.unconsumed_tail
        except zlib.error as error:
            raise InvalidRequest(_BROKEN) from error

    def _packed(self, connection: Connection, move: str, sealed: Sealed | None, count: int) -> bytes:
        part = raw(connection, move, sealed, self._place, min(count, self._left))
        self._place, self._left = self._place + len(part), self._left - len(part)
        return part


# --- the check ----------------------------------------------------------------------------------------------------


def check(connection: Connection, move: str, sealed: Sealed | None) -> Checked:
    """What an upload is; raises `InvalidRequest` in words for a person where it is nothing that is taken in."""
    file = _File(connection, move, sealed)
    start = raw(connection, move, sealed, 0, 4096)
    if not start.startswith(b"PK"):
        if not start.removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"[", b"{")):
            raise InvalidRequest(_NOT_ZIP)
        whole = Entry("conversations.json", 0, file.size, file.size, STORED)
        return Checked(_foreign(connection, move, sealed, [whole]), [whole])
    entries = _entries(connection, move, sealed, file)
    by_path = {each.path: each for each in entries}
    if MANIFEST in by_path:
        return _own(connection, move, sealed, by_path)
    found = [each for each in entries if _CONVERSATIONS.fullmatch(each.path)]
    if not found:
        raise InvalidRequest(_NOT_ZIP)
    return Checked(_foreign(connection, move, sealed, found), found)


def _entries(connection: Connection, move: str, sealed: Sealed | None, file: _File) -> list[Entry]:
    _check_directory(file)
    try:
        with zipfile.ZipFile(io.BufferedReader(file, _READ)) as opened:
            infos = [each for each in opened.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, EOFError) as error:
        raise InvalidRequest(_BROKEN) from error
    if len({each.filename for each in infos}) != len(infos):
        raise InvalidRequest("Two files in this archive have the same name.")
    total = sum(each.file_size for each in infos)
    if total > max(_ALWAYS, _MOST_RATIO * file.size):
        raise InvalidRequest(_BOMB)
    entries, end = list[Entry](), 0
    for info in sorted(infos, key=lambda each: each.header_offset):
        if info.flag_bits & 1 or info.compress_type not in (STORED, DEFLATED):
            raise InvalidRequest("This archive is packed in a way that is not read here.")
        local = raw(connection, move, sealed, info.header_offset, _LOCAL.size)
        if len(local) < _LOCAL.size or not local.startswith(b"PK\x03\x04") or info.header_offset < end:
            raise InvalidRequest(_TWISTED)
        *_, name, extra = _LOCAL.unpack(local)
        place = info.header_offset + _LOCAL.size + name + extra
        end = place + info.compress_size
        if end > file.size or (info.compress_type == STORED and info.compress_size != info.file_size):
            raise InvalidRequest(_BROKEN)
        path = checked_path(info.orig_filename)
        entries.append(Entry(path, place, info.compress_size, info.file_size, info.compress_type))
    return sorted(entries)


def _check_directory(file: _File) -> None:
    """Bounds what the directory says of itself, before it is read into memory."""
    tail = file.part(max(0, file.size - 66_000), 66_000)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise InvalidRequest(_BROKEN)
    count, size = struct.unpack("<HL", tail[at + 10 : at + 16])
    locator = tail.rfind(_LOCATOR, 0, at)
    if locator >= 0 and at - locator == 20:
        end = file.part(struct.unpack("<Q", tail[locator + 8 : locator + 16])[0], 56)
        if len(end) < 56 or not end.startswith(_END64):
            raise InvalidRequest(_BROKEN)
        count, size = struct.unpack("<2Q", end[32:48])
    if count > _MOST_FILES or size > _LARGEST_DIRECTORY:
        raise InvalidRequest("There are more files in this archive than this house takes in.")


def _own(connection: Connection, move: str, sealed: Sealed | None, by_path: dict[str, Entry]) -> Checked:
    entry = by_path.pop(MANIFEST)
    if entry.size > _LARGEST_MANIFEST:
        raise InvalidRequest(_BOMB)
    body = Unpacker(entry).read(connection, move, sealed, entry.size)
    listed = _manifest(body)
    by_path.pop("README.txt", None)
    if by_path.keys() != listed.keys():
        raise InvalidRequest("The archive does not hold the files that its manifest names.")
    entries = list[Entry]()
    for path, each in by_path.items():
        if each.size != listed[path].size or _hash(connection, move, sealed, each) != listed[path].sha256:
            raise InvalidRequest(f"{path[:120]} was changed since the archive was made.")
        entries.append(each._replace(sha256=listed[path].sha256))
    return Checked("archive", entries, hashlib.sha256(body).hexdigest())


def _manifest(body: bytes) -> dict[str, _Listed]:
    try:
        number = json.loads(body)["format"]
        if isinstance(number, int) and number > FORMAT:
            raise InvalidRequest("This archive was made by a newer version. Update this house first, then try again.")
        return _Manifest.model_validate_json(body).files
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidRequest("The archive's manifest cannot be read.") from error


def _hash(connection: Connection, move: str, sealed: Sealed | None, entry: Entry) -> str:
    found, unpacker = hashlib.sha256(), Unpacker(entry)
    while part := unpacker.read(connection, move, sealed, _READ):
        found.update(part)
    return found.hexdigest()


def _foreign(connection: Connection, move: str, sealed: Sealed | None, entries: list[Entry]) -> str:
    """Which program's export it is, by its first conversation."""
    for entry in entries:
        unpacker = Unpacker(entry)
        parts: Iterator[bytes] = iter(lambda u=unpacker: u.read(connection, move, sealed, _READ), b"")  # type: ignore[misc]
        first = next(foreign.elements(parts), None)
        if first is not None and (kind := foreign.kind_of(first)):
            return kind
    raise InvalidRequest(_NOT_ZIP)
