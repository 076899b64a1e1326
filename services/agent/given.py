"""Files that a person gives with a message, in his own file: their bytes in pieces, what they are, and their text.

What a file is, its bytes say. Its text is read once, when it has come whole, in the sandbox of
`openassistant.documents`. One that is in no message belongs to nothing, and the gateway has it dropped after a day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from openassistant.context import new_id
from openassistant.data import Piece
from openassistant.documents import read_document
from openassistant.errors import Conflict, InvalidRequest, NotFound, TooLarge
from openassistant.given import LARGEST, MOST, PIECE, FilePart, FilePiece
from openassistant.messages import GivenFile
from openassistant.store import Store

__all__ = [
    "Shown",
    "attach",
    "body",
    "bring",
    "bytes_of",
    "copy",
    "drop",
    "image_kind",
    "kept",
    "of_conversation",
    "part",
    "put",
    "shown",
    "whole",
]

_READ_SECONDS = 20.0
_IMAGES = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))
_NO_FILE = "That file does not exist."
_COLUMNS = "id, name, type, kind, what, size, sha256, note"
_ATTACH = """
UPDATE given_files SET conversation = :conversation, turn = :turn, message = :message, number = :number
WHERE id = :id AND turn IS NULL AND sha256 IS NOT NULL
"""
_KEPT = "number, name, type, kind, what, size, sha256, text, note, created"
_COPY = f"""
INSERT INTO given_files (id, conversation, turn, message, {_KEPT})
SELECT :id, :conversation, :turn, :message, {_KEPT} FROM given_files WHERE id = :old
"""  # noqa: S608 - names from above
_COPY_PIECES = """
INSERT INTO given_pieces (file, place, body) SELECT :id, place, body FROM given_pieces WHERE file = :old
"""
_SHOWN = f"""
SELECT {_COLUMNS}, message, substr(text, 1, :most) AS text, length(text) AS length FROM given_files
WHERE conversation = :conversation AND message IN (SELECT value FROM json_each(:messages)) AND sha256 IS NOT NULL
ORDER BY message, number
"""  # noqa: S608 - names from above


class Shown(GivenFile):
    """A file as a model may be shown it; `text` is its beginning, of `length` characters in all.

    `instead`: words in the place of what it holds, where that is held back.
    """

    text: str = ""
    length: int = 0
    instead: str = ""


def image_kind(head: bytes) -> str:
    """Which of the pictures that browsers and models take these first bytes begin; "" for none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for mark, kind in _IMAGES if head.startswith(mark)), "")


async def put(store: Store, piece: FilePiece, *, now: datetime) -> None:
    """Stores the next bytes of a file; the same ones again change nothing. Raises `TooLarge`, `Conflict`."""
    if piece.place + len(piece.body) > LARGEST:
        raise TooLarge(f"A file may have {LARGEST // 2**20} MB.")
    row = {
        "id": piece.id, "name": piece.name, "type": piece.type, "now": now.isoformat(), "place": piece.place,
        "body": piece.body,
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO given_files (id, name, type, kind, what, size, text, note, created)"
                " VALUES (:id, :name, :type, '', '', 0, '', '', :now) ON CONFLICT (id) DO NOTHING"
            ),
            row,
        )
        _append(connection, row)

    await store.write(write)


def _append(connection: Connection, row: dict[str, Any]) -> None:
    """The bytes at their place, if the file has just as many before; those that came after it go."""
    open_ = connection.execute(text("SELECT 1 FROM given_files WHERE id = :id AND sha256 IS NULL"), row).first()
    connection.execute(text("DELETE FROM given_pieces WHERE file = :id AND place >= :place AND :open"), {
        **row, "open": open_ is not None
    })  # fmt: skip
    if open_ is None or _length(connection, row["id"]) != row["place"]:
        raise Conflict("A part of the file is missing; send it again.")
    if row["body"]:
        connection.execute(text("INSERT INTO given_pieces (file, place, body) VALUES (:id, :place, :body)"), row)


def _length(connection: Connection, file: str) -> int:
    query = text("SELECT coalesce(sum(octet_length(body)), 0) FROM given_pieces WHERE file = :id")
    return int(connection.execute(query, {"id": file}).scalar_one())


async def whole(store: Store, file: str) -> GivenFile:
    """Reads a file that has come whole; what cannot be read is dropped.

    Raises `InvalidRequest` in words for a person where it is neither text nor a picture, `TooLarge`.
    """
    content, row = await body(store, file), await store.read(lambda connection: _row(connection, file))
    try:
        found = await _read(content, name=row.name, type_=row.type)
    except (InvalidRequest, TooLarge):
        await _remove(store, file)
        raise
    values = {**found, "id": file, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def write(connection: Connection) -> GivenFile:
        connection.execute(
            text(
                "UPDATE given_files SET kind = :kind, what = :what, size = :size, sha256 = :sha256, text = :text,"
                " note = :note WHERE id = :id"
            ),
            values,
        )
        return _file(_row(connection, file))

    return await store.write(write)


async def _read(content: bytes, *, name: str, type_: str) -> dict[str, str]:
    if not content:
        raise InvalidRequest("That file is empty.")
    if image := image_kind(content[:16]):
        return {"kind": "image", "what": f"{image.upper()} image", "text": "", "note": ""}
    found = await read_document(content, type=type_, name=name.lower(), seconds=_READ_SECONDS)
    return {"kind": "text", "what": found.kind, "text": found.text, "note": found.note}


async def drop(store: Store, file: str) -> None:
    """Removes a file that is in no message; raises `NotFound` for any other."""
    query = text("DELETE FROM given_files WHERE id = :id AND turn IS NULL")
    gone = await store.write(lambda connection: connection.execute(query, {"id": file}).rowcount)
    if not gone:
        raise NotFound(_NO_FILE)


async def _remove(store: Store, file: str) -> None:
    query = text("DELETE FROM given_files WHERE id = :id")
    await store.write(lambda connection: connection.execute(query, {"id": file}).close())


async def bring(store: Store, file: str, piece: Piece) -> str:
    """The next bytes of a file of a conversation that was brought in; "" or a sentence why it is not taken.

    One that is whole already stays as it is.
    """
    row = {"id": file, "place": piece.offset, "body": piece.body}

    def write(connection: Connection) -> str | None:
        known = connection.execute(text("SELECT sha256, expected FROM given_files WHERE id = :id"), row).one_or_none()
        if known is None or known.expected is None:
            return None
        if known.sha256 is None:
            _append(connection, row)
        return str(known.sha256 or "")

    try:
        done = await store.write(write)
        if done is None:
            return f"File {file} is of no conversation that was brought in."
        if done or piece.more:
            return ""
        found = await whole(store, file)
    except (Conflict, InvalidRequest, TooLarge) as error:
        return f"File {file}: {error.message}"
    expected = text("SELECT 1 FROM given_files WHERE id = :id AND expected = :found")
    row = {"id": file, "found": found.sha256}
    if await store.read(lambda connection: connection.execute(expected, row).first()):
        return ""
    await _remove(store, file)
    return f"File {file} is not the one that was given."


async def part(store: Store, file: str, place: int) -> FilePart:
    """The piece of a file at a place; raises `NotFound`."""

    def read(connection: Connection) -> FilePart:
        given = _file(_row(connection, file))
        found = bytes_of(connection, file, place, PIECE)
        return FilePart.model_construct(file=given, body=found, more=bool(found) and place + len(found) < given.size)

    return await store.read(read)


def bytes_of(connection: Connection, file: str, place: int, count: int) -> bytes:
    """Bytes of a file from a place on; fewer only at its end."""
    query = text(
        "SELECT place, body FROM given_pieces WHERE file = :id AND place < :end AND place + octet_length(body) > :place"
        " ORDER BY place"
    )
    rows = connection.execute(query, {"id": file, "place": place, "end": place + count})
    return b"".join(bytes(row.body)[max(0, place - row.place) : place + count - row.place] for row in rows)


async def body(store: Store, file: str) -> bytes:
    """All bytes of a file."""
    query = text("SELECT body FROM given_pieces WHERE file = :id ORDER BY place")
    return await store.read(
        lambda connection: b"".join(bytes(row.body) for row in connection.execute(query, {"id": file}))
    )


def attach(
    connection: Connection, files: Sequence[str], *, conversation: str, turn: str, message: str
) -> tuple[GivenFile, ...]:
    """Files as those of a message, in its transaction; raises `NotFound` for one that is not there or was sent."""
    if len(set(files)) > MOST:
        raise TooLarge(f"A message may have {MOST} files.")
    found = list[GivenFile]()
    for number, file in enumerate(dict.fromkeys(files)):
        row = {"id": file, "conversation": conversation, "turn": turn, "message": message, "number": number}
        if not connection.execute(text(_ATTACH), row).rowcount:
            raise NotFound(_NO_FILE)
        found.append(_file(_row(connection, file)))
    return tuple(found)


def copy(connection: Connection, of: str, *, conversation: str, turn: str, message: str) -> tuple[GivenFile, ...]:
    """The files of another message once more, as those of this one, in its transaction."""
    found = list[GivenFile]()
    query = text("SELECT id FROM given_files WHERE message = :of AND sha256 IS NOT NULL ORDER BY number")
    for old in list(connection.execute(query, {"of": of}).scalars()):
        row = {"old": old, "id": new_id(), "conversation": conversation, "turn": turn, "message": message}
        connection.execute(text(_COPY), row)
        connection.execute(text(_COPY_PIECES), row)
        found.append(_file(_row(connection, row["id"])))
    return tuple(found)


def of_conversation(connection: Connection, conversation: str) -> dict[str, list[GivenFile]]:
    """The files in a conversation by the id of their message, in their order."""
    query = text(
        f"SELECT {_COLUMNS}, message FROM given_files"  # noqa: S608 - names from above
        " WHERE conversation = :id AND sha256 IS NOT NULL ORDER BY message, number"
    )
    found: dict[str, list[GivenFile]] = {}
    for row in connection.execute(query, {"id": conversation}):
        found.setdefault(row.message, []).append(_file(row))
    return found


async def shown(store: Store, conversation: str, messages: Sequence[str], *, most: int) -> dict[str, list[Shown]]:
    """The files of messages of a conversation by the id of their message, with at most so many characters of each."""
    row = {"conversation": conversation, "messages": json.dumps(messages), "most": most}

    def read(connection: Connection) -> dict[str, list[Shown]]:
        found: dict[str, list[Shown]] = {}
        for each in connection.execute(text(_SHOWN), row):
            file = Shown(**_file(each).model_dump(), text=each.text, length=each.length)
            found.setdefault(each.message, []).append(file)
        return found

    return await store.read(read)


async def kept(store: Store) -> list[datetime]:
    """From when each file is that is there."""
    query = text("SELECT created FROM given_files")
    return await store.read(
        lambda connection: [datetime.fromisoformat(row.created) for row in connection.execute(query)]
    )


def _row(connection: Connection, file: str) -> Any:
    row = connection.execute(text("SELECT * FROM given_files WHERE id = :id"), {"id": file}).one_or_none()
    if row is None:
        raise NotFound(_NO_FILE)
    return row


def _file(row: Any) -> GivenFile:
    if row.sha256 is None:
        raise NotFound(_NO_FILE)
    return GivenFile(
        id=row.id, name=row.name, type=row.type, kind=row.kind, what=row.what, size=row.size, sha256=row.sha256,
        note=row.note,
    )  # fmt: skip
