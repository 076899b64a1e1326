"""What the tools give back. Names, texts and people come from whoever writes there, so they are `OutsideText`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from connectors.onedrive.items import Item
from connectors.onedrive.mirror import mirror
from openassistant.connector import OutsideText
from openassistant.files.views import moment, shown_name

__all__ = [
    "AccessView",
    "ChangeList",
    "ChangeView",
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
    """A file or folder; `id` is what the other tools take, `size` in bytes. `shared`: somebody else can see it."""

    id: str
    name: OutsideText
    kind: str
    folder: OutsideText | None = None
    size: int | None = None
    modified: datetime
    editor: OutsideText | None = None
    shared: bool = False
    trashed: bool = False
    link: str = ""


class FileList(_View):
    """Files and folders; `note` says when there are more, or where the answer may not be complete."""

    files: list[FileView]
    note: str = ""


class AccessView(_View):
    """Who may do what: read, write, owner; `who`: a person, or whoever has the link."""

    who: OutsideText
    role: str


class FileDetails(_View):
    """All that is known of a file; `revision` is what files_update wants, `digest` that of its content."""

    file: FileView
    type: str
    created: datetime
    description: OutsideText | None = None
    revision: str = ""
    digest: str = ""
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
    """What happened to a file: made, changed, deleted or restored."""

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
    digest: str = ""
    note: str = ""


class FileWritten(_View):
    """A file whose content was replaced; `was_version` holds the earlier one."""

    file: FileView
    revision: str
    was_version: str
    digest: str


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
    """A copy, and the id of what it was made of; without `file`, Microsoft is still at it, as `note` says."""

    file: FileView | None
    copied: str
    note: str = ""


class FilesFiled(_View):
    """What was put into the recycle bin or taken out of it; `note` says what could not be."""

    files: list[FileView]
    note: str = ""


class FileShared(_View):
    """With whom a file is shared now, and as what; `told` when Microsoft was asked to send a mail about it."""

    file: FileView
    person: str
    role: str
    told: bool
    note: str = ""


class LinkMade(_View):
    """A link that opens a file for whoever has it; `audience`: anyone, or the account's organization."""

    file: FileView
    link: str
    role: str
    audience: str
    note: str = ""


def view_of(item: Item, path: str = "") -> FileView:
    """A file as the tools show it."""
    return FileView(
        id=item.id,
        name=outside(shown_name(item.name), item),
        kind=item.shown_kind,
        folder=outside(path, item) if path else None,
        size=item.size,
        modified=moment(item.modified),
        editor=outside(item.editor or item.editor_name, item) if item.editor or item.editor_name else None,
        shared=item.shared,
        trashed=item.trashed,
        link=item.link,
    )
