"""An archive as rows of its owner's file, and as the ZIP that they are: made piece by piece, read from any byte.

Nothing is written twice. Pieces are packed and stored as they come from the rooms; once all are there, the places of
all files in the ZIP follow from their sizes, and a download is put together from the rows while it runs. Each piece is
packed by itself (deflate, with a full flush between), so that a restart needs nothing of what was in memory.

The format is PKWARE's APPNOTE 6.3: sizes in each header, names in UTF-8, ZIP64 where something is too large.
"""

from __future__ import annotations

import bisect
import hashlib
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from openassistant.data import Piece
from openassistant.errors import Conflict, InvalidRequest

__all__ = ["DEFLATED", "STORED", "Zip", "add", "checked_path", "drop_halves", "drop_room", "unhashed"]

STORED, DEFLATED = 0, 8

_LEVEL, _RAW = 6, -15
_UTF8, _OLD, _ZIP64 = 0x0800, 20, 45
_FULL, _FULL_COUNT = 0xFFFFFFFF, 0xFFFF
_FIRST = ("manifest.json", "README.txt")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LATEST = 2107
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_PLAIN = re.compile(r"[^/\\\x00-\x1f\x7f]+(?:/[^/\\\x00-\x1f\x7f]+)*")
_DRIVE = re.compile(r"[A-Za-z]:")


def checked_path(path: str, *, most: int = 480) -> str:
    """A path of a file in an archive; raises `InvalidRequest` for one that could lead out of its folder."""
    parts = path.split("/")
    if not _PLAIN.fullmatch(path) or len(path) > most or _DRIVE.match(path) or {".", ".."} & {*parts}:
        raise InvalidRequest("A path in the archive is not one of a file in a folder.")
    return path


# --- pieces become rows -------------------------------------------------------------------------------------------


def add(connection: Connection, move: str, room: str, pieces: Iterable[Piece], *, folder: str) -> tuple[int, int]:
    """Stores pieces in the order in which they came; how many files they end, and how many bytes they have.

    Raises `InvalidRequest` for a path that is none, `Conflict` where a file does not go on as the one before it ended.
    """
    files = size = 0
    for piece in pieces:
        path = checked_path(f"{folder}{piece.path}")
        row = _opened(connection, move, room, path, piece)
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        body = packer.compress(piece.body) + packer.flush(zlib.Z_FULL_FLUSH if piece.more else zlib.Z_FINISH)
        whole = hashlib.sha256(piece.body).hexdigest() if not row.size and not piece.more else None
        if not row.size and not piece.more and not piece.body:
            body = b""
        fresh = {
            "number": row.number, "place": row.packed, "body": body, "crc": zlib.crc32(piece.body, row.crc),
            "size": row.size + len(piece.body), "packed": row.packed + len(body), "whole": int(not piece.more),
            "sha256": whole, "method": DEFLATED if row.packed + len(body) else STORED,
        }  # fmt: skip
        if body:
            connection.execute(
                text("INSERT INTO move_parts (file, place, body) VALUES (:number, :place, :body)"), fresh
            )
        connection.execute(
            text(
                "UPDATE move_files SET crc = :crc, size = :size, packed = :packed, whole = :whole, sha256 = :sha256,"
                " method = :method WHERE number = :number"
            ),
            fresh,
        )
        files, size = files + (not piece.more), size + len(piece.body)
    return files, size


def _opened(connection: Connection, move: str, room: str, path: str, piece: Piece) -> Any:
    """The row of the file that a piece belongs to: the one that is open in that room, or a new one."""
    row = {"move": move, "room": room, "path": path}
    half = connection.execute(
        text("SELECT * FROM move_files WHERE move = :move AND room = :room AND whole = 0"), row
    ).one_or_none()
    if half is not None:
        if half.path != path:
            raise Conflict("A file broke off before its end.")
        return half
    if connection.execute(text("SELECT 1 FROM move_files WHERE move = :move AND path = :path"), row).first():
        raise Conflict("A file came twice.")
    modified = piece.modified.astimezone(UTC).isoformat() if piece.modified else None
    query = text(
        "INSERT INTO move_files (move, room, path, modified, whole, crc, size, packed, method)"
        " VALUES (:move, :room, :path, :modified, 0, 0, 0, 0, 8) RETURNING *"
    )
    return connection.execute(query, {**row, "modified": modified}).one()


def drop_room(connection: Connection, move: str, room: str) -> None:
    """Removes what a room gave, to begin with it anew."""
    row = {"move": move, "room": room}
    connection.execute(text("DELETE FROM move_files WHERE move = :move AND room = :room"), row)


def drop_halves(connection: Connection, move: str, room: str) -> None:
    """Removes the file of a room that will not be brought to its end."""
    row = {"move": move, "room": room}
    connection.execute(text("DELETE FROM move_files WHERE move = :move AND room = :room AND whole = 0"), row)


def unhashed(connection: Connection, move: str) -> tuple[int, str] | None:
    """A file that came in several pieces, with its SHA-256; None where all are known."""
    query = text("SELECT number FROM move_files WHERE move = :move AND sha256 IS NULL AND whole = 1 LIMIT 1")
    number = connection.execute(query, {"move": move}).scalar()
    if number is None:
        return None
    found, unpacker = hashlib.sha256(), zlib.decompressobj(_RAW)
    query, place = text("SELECT body FROM move_parts WHERE file = :file AND place = :place"), 0
    while (part := connection.execute(query, {"file": number, "place": place}).scalar()) is not None:
        found.update(unpacker.decompress(part))
        place += len(part)
    return int(number), found.hexdigest()


# --- rows are a ZIP -----------------------------------------------------------------------------------------------


class _File(NamedTuple):
    number: int
    name: bytes
    modified: str | None
    crc: int
    size: int
    packed: int
    method: int

    @property
    def stamp(self) -> tuple[int, int]:
        """Date and time as MS-DOS has them, of UTC; the same for every file that says none."""
        at = _EPOCH
        if self.modified:
            time = datetime.fromisoformat(self.modified)
            at = time.timetuple()[:6] if _EPOCH[0] <= time.year <= _LATEST else _EPOCH
        year, month, day, hour, minute, second = at
        return (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | second // 2


class Zip:
    """The places of everything in the file. Made once all rows are there; read with any connection afterwards."""

    def __init__(self, files: Sequence[_File]) -> None:
        self._files, self._heads, self._starts = files, list[bytes](), list[int]()
        place = 0
        for each in files:
            head = _local(each)
            self._heads.append(head)
            self._starts.append(place)
            place += len(head) + each.packed
        self._directory, self._tail = place, b"".join(self._directory_of(place))
        self.size = place + len(self._tail)

    @classmethod
    def of(cls, connection: Connection, move: str) -> Zip:
        """The ZIP of all whole files of an archive: what explains it first, then all in the order of their paths."""
        query = text(
            "SELECT number, path, modified, crc, size, packed, method FROM move_files WHERE move = :move AND whole = 1"
        )
        rows = list(connection.execute(query, {"move": move}))
        rows.sort(key=lambda row: (row.path not in _FIRST, row.path != _FIRST[0], row.path.encode()))
        return cls([_File(row[0], row[1].encode(), *row[2:]) for row in rows])

    def read(self, connection: Connection, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; b"" only behind the end."""
        if offset >= self._directory:
            return self._tail[offset - self._directory :][:count]
        at = bisect.bisect_right(self._starts, offset) - 1
        within = offset - self._starts[at]
        head = self._heads[at]
        if within < len(head):
            return head[within : within + count]
        query = text(
            "SELECT place, substr(body, :within - place + 1, :count) AS body FROM move_parts"
            " WHERE file = :file AND place <= :within ORDER BY place DESC LIMIT 1"
        )
        row = {"file": self._files[at].number, "within": within - len(head), "count": count}
        return bytes(connection.execute(query, row).one().body)

    def whole(self, connection: Connection, offset: int, count: int) -> bytes:
        """Exactly `count` bytes, or all to the end."""
        parts, left = list[bytes](), count
        while left and (part := self.read(connection, offset, left)):
            parts.append(part)
            offset, left = offset + len(part), left - len(part)
        return b"".join(parts)

    def _directory_of(self, place: int) -> Iterator[bytes]:
        size = 0
        for each, start in zip(self._files, self._starts, strict=True):
            entry = _central(each, start)
            size += len(entry)
            yield entry
        count = len(self._files)
        if count >= _FULL_COUNT or place >= _FULL or size >= _FULL:
            yield _END64.pack(b"PK\x06\x06", _END64.size - 12, _ZIP64, _ZIP64, 0, 0, count, count, size, place)
            yield _LOCATOR.pack(b"PK\x06\x07", 0, place + size, 1)
        few = min(count, _FULL_COUNT)
        yield _END.pack(b"PK\x05\x06", 0, 0, few, few, min(size, _FULL), min(place, _FULL), 0)


def _local(file: _File) -> bytes:
    large = file.size >= _FULL or file.packed >= _FULL
    extra = struct.pack("<2H2Q", 1, 16, file.size, file.packed) if large else b""
    size, packed = (_FULL, _FULL) if large else (file.size, file.packed)
    date, time = file.stamp
    version = _ZIP64 if large else _OLD
    head = _LOCAL.pack(
        b"PK\x03\x04", version, _UTF8, file.method, time, date, file.crc, packed, size, len(file.name), len(extra)
    )
    return head + file.name + extra


def _central(file: _File, start: int) -> bytes:
    large = [each for each in (file.size, file.packed, start) if each >= _FULL]
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    date, time = file.stamp
    version = _ZIP64 if large else _OLD
    head = _CENTRAL.pack(
        b"PK\x01\x02", version, version, _UTF8, file.method, time, date, file.crc, min(file.packed, _FULL),
        min(file.size, _FULL), len(file.name), len(extra), 0, 0, 0, 0, min(start, _FULL),
    )  # fmt: skip
    return head + file.name + extra
