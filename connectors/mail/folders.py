"""Folders and what they are for: by the server's own marks (RFC 6154), else by the names that people know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from connectors.mail.charsets import clean

__all__ = ["Folder", "folders_of", "sync_order"]

_MARKS = {
    b"\\inbox": "inbox", b"\\sent": "sent", b"\\drafts": "drafts", b"\\trash": "trash", b"\\junk": "junk",
    b"\\archive": "archive", b"\\all": "all",
}  # fmt: skip
_NAMES = {
    "sent": ("sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente", "envoyés"),
    "drafts": ("drafts", "entwürfe", "brouillons", "borradores"),
    "trash": ("trash", "deleted items", "deleted messages", "papierkorb", "corbeille", "papelera"),
    "junk": ("junk", "spam", "junk e-mail", "junk-e-mail"),
    "archive": ("archive", "archiv", "archives"),
}  # fmt: skip
_CLOSED = {b"\\noselect", b"\\nonexistent"}
_ORDER = ("inbox", "sent", "drafts", "archive", "", "all", "junk", "trash")

Listed = tuple[Sequence[bytes], bytes | None, bytes | str, str]
"""Marks, separator, path as the server spells it, decoded name."""


class Folder(NamedTuple):
    """A folder: `path` as the server spells it, `name` for people, `role` inbox, sent, drafts, … or ""."""

    path: bytes
    name: str
    role: str


def folders_of(listed: Iterable[Listed]) -> list[Folder]:
    """The folders that can hold mail. A mark wins over a guess; a guessed role goes to the first folder that fits."""
    open_ones = [each for each in listed if not {mark.lower() for mark in each[0]} & _CLOSED]
    roles = [_marked(marks, name) for marks, _, _, name in open_ones]
    folders: list[Folder] = []
    for (_, separator, path, name), marked in zip(open_ones, roles, strict=True):
        role = marked or _guessed(name, separator, taken={*roles, *(folder.role for folder in folders)})
        raw = path if isinstance(path, bytes) else path.encode("utf-8", "replace")
        folders.append(Folder(raw, clean(name)[:200], role))
    return folders


def sync_order(folders: Iterable[Folder]) -> list[Folder]:
    """What people ask about first comes first; what nobody wants to read last."""
    return sorted(folders, key=lambda folder: (_ORDER.index(folder.role), folder.name.lower()))


def _marked(marks: Sequence[bytes], name: str) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    return next((_MARKS[mark.lower()] for mark in marks if mark.lower() in _MARKS), "")


def _guessed(name: str, separator: bytes | None, *, taken: set[str]) -> str:
    last = name.rpartition(separator.decode("ascii", "replace"))[2] if separator else name
    return next((role for role, names in _NAMES.items() if last.lower() in names and role not in taken), "")
