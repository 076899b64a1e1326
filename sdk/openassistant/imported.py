"""Files of an archive that were brought into a connector: they cannot become a mirror, so they are kept as they are.

They lie in their owner's file of that connector, count as `imported`, and are in the next export again (`exporting`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from openassistant.data import PAGE_BYTES, Imported, Piece

__all__ = ["take"]

_PART = text(
    "INSERT INTO holdings_imported (path, start, modified, body, more) VALUES (:path, :start, :at, :body, :more)"
)


def take(connection: Connection, pieces: Sequence[Piece]) -> Imported:
    """Keeps pieces, inside a transaction of `Store.write`: each over what was kept of its file from there on.

    So a piece that comes once more changes nothing, and a file that begins again is not in there twice.
    """
    taken, refused = 0, dict[str, str]()
    for piece in pieces:
        if (fault := _fault(connection, piece)) is None:
            taken += piece.offset == 0
            _keep(connection, piece)
        else:
            refused.setdefault(piece.path, fault)
    return Imported(taken=taken, refused=tuple(refused.values()))


def _keep(connection: Connection, piece: Piece) -> None:
    """In parts that fit into a page of an export."""
    row = {"path": piece.path, "at": piece.modified.isoformat() if piece.modified else None}
    drop = text("DELETE FROM holdings_imported WHERE path = :path AND start >= :start")
    connection.execute(drop, {**row, "start": piece.offset})
    starts = range(0, max(len(piece.body), 1), PAGE_BYTES)
    for start in starts:
        body, more = piece.body[start : start + PAGE_BYTES], piece.more or start != starts[-1]
        connection.execute(_PART, {**row, "start": piece.offset + start, "body": body, "more": more})


def _fault(connection: Connection, piece: Piece) -> str | None:
    """Why a piece cannot be kept, in a sentence."""
    if not _is_plain(piece.path):
        return f"{piece.path[:200]!r} is not the path of a file in an archive."
    query = text(
        "SELECT start + length(body) FROM holdings_imported WHERE path = :path AND start < :start"
        " ORDER BY start DESC LIMIT 1"
    )
    ends = connection.scalars(query, {"path": piece.path, "start": piece.offset}).one_or_none() or 0
    return None if ends == piece.offset else f"A part of {piece.path[:200]!r} is missing."


def _is_plain(path: str) -> bool:
    """Whether a path is relative, names a file, and leads nowhere else."""
    parts = path.split("/")
    return "\\" not in path and path.isprintable() and all(part.strip(" ") not in ("", ".", "..") for part in parts)
