"""What the tools give back. Names, texts and people come from whoever shares the drive, so they are `OutsideText`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from connectors.google_drive.items import Item
from connectors.google_drive.mirror import mirror
from openassistant.connector import OutsideText
from openassistant.files.views import moment, shown_name

__all__ = [
    "AccessView",
    "ChangeList",
    "ChangeView",
    "CommentWritten",
    "CopyMade",
    "FileContent",
    "FileDetails",
    "FileList",
    "FileMade",
    "FileMoved",
    "FileRenamed",
    "FileShared",
    "FileText",
    "FileView",
    "FileWritten",
    "FilesFiled",
    "LinkMade",
    "outside",
    "view_of",
]

outside = mirror.outside


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileView(_View):
    """A file or folder; `id` is what the other tools take, `size` in bytes.

    `shared`: somebody else can see it. A shortcut leads to the file `target`.
    """

    id: str
    name: OutsideText
    kind: str
    folder: OutsideText | None = None
    size: int | None = None
    modified: datetime
    owner: OutsideText | None = None
    shared: bool = False
    trashed: bool = False
    target: str = ""
    link: str = ""


class FileList(_View):
    """Files and folders; `note` says when there are more, or where the answer may not be complete."""

    files: list[FileView]
    note: str = ""


class AccessView(_View):
    """Who may do what: reader, commenter, writer, owner; `who`: a person, group or domain, or anyone with the link."""

    who: OutsideText
    role: str


class FileDetails(_View):
    """All that is known of a file; `revision` is what files_update wants, `md5` the digest of its content."""

    file: FileView
    type: str
    created: datetime
    last_editor: OutsideText | None = None
    description: OutsideText | None = None
    revision: str = ""
    md5: str = ""
    access: list[AccessView] = []
    note: str = ""


class FileText(_View):
    """A piece of a file's text, from character `start` of `total` on; `revision` is what files_update wants."""

    file: FileView
    kind: str
    text: OutsideText
    start: int
    total: int
    revision: str = ""
    note: str = ""


class FileContent(_View):
    """A file's bytes in base64, with their digest."""

    file: FileView
    type: str
    size: int
    sha256: str
    base64: OutsideText


class ChangeView(_View):
    """What happened to a file: made, changed, trashed, restored or removed (deleted, or no longer shared)."""

    id: str
    name: OutsideText
    what: str
    date: datetime


class ChangeList(_View):
    """What happened, newest first."""

    changes: list[ChangeView]
    note: str = ""


class FileMade(_View):
    """A file or folder that was made."""

    file: FileView
    md5: str = ""
    note: str = ""


class FileWritten(_View):
    """A file whose content was replaced; `was_revision` holds the earlier one."""

    file: FileView
    revision: str
    was_revision: str
    md5: str


class FileRenamed(_View):
    """A file with another name."""

    file: FileView
    was: OutsideText


class FileMoved(_View):
    """A file in another folder; both are ids."""

    file: FileView
    folder: str
    was_in: str


class CopyMade(_View):
    """A copy, and the id of what it was made of."""

    file: FileView
    copied: str


class FilesFiled(_View):
    """What was put into the trash or taken out of it; `note` says what could not be."""

    files: list[FileView]
    note: str = ""


class FileShared(_View):
    """With whom a file is shared now, and as what; `told` when Google was asked to send a mail about it."""

    file: FileView
    person: str
    role: str
    told: bool
    note: str = ""


class LinkMade(_View):
    """A link that opens a file for whoever has it."""

    file: FileView
    link: str
    role: str
    note: str = ""


class CommentWritten(_View):
    """A comment that others who see the file can read."""

    file: FileView
    comment: str


def view_of(item: Item, path: str = "") -> FileView:
    """A file as the tools show it."""
    return FileView(
        id=item.id,
        name=outside(shown_name(item.name), item),
        kind=item.shown_kind,
        folder=outside(path, item) if path else None,
        size=item.size,
        modified=moment(item.modified),
        owner=outside(item.owner or item.owner_name, item) if item.owner or item.owner_name else None,
        shared=item.seen_by_others,
        trashed=item.trashed,
        target=item.target,
        link=item.link,
    )
