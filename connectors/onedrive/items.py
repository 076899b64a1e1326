"""A file or folder as OneDrive describes it, checked where it comes in.

https://learn.microsoft.com/graph/api/resources/driveitem
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from openassistant.errors import UpstreamFailed
from openassistant.files.items import link_in, one_line, part_in, seconds_of, word_in

__all__ = ["FIELDS", "Item", "item_of", "items_of"]

FIELDS = (
    "id,name,size,file,folder,package,root,remoteItem,deleted,shared,parentReference,createdDateTime,"
    "lastModifiedDateTime,createdBy,lastModifiedBy,eTag,webUrl,description"
)
_ID = re.compile(r"[A-Za-z0-9!_-]{1,200}")
_ETAG = re.compile(r"[\x21-\x7e]{1,300}")
_KINDS = {
    "root": "folder",
    "folder": "folder",
    "package": "notebook",
    "shortcut": "shortcut to something of somebody else",
}
_TYPES = {
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel workbook",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint presentation",
}
_DIGESTS = (("quickXorHash", "quickXor"), ("sha256Hash", "sha256"), ("sha1Hash", "sha1"))


class Item(NamedTuple):
    """A file, folder, package (a notebook) or shortcut to something of somebody else.

    `size` in bytes, times in seconds since 1970; `digest` with its kind in front, `revision` the eTag. `drive_type`:
    personal, or business for an account of work or school. `left`: since when it lies in the recycle bin.
    """

    id: str
    name: str
    kind: str = "file"
    mime: str = ""
    parent: str = ""
    size: int | None = None
    digest: str = ""
    revision: str = ""
    created: int = 0
    modified: int = 0
    trashed: bool = False
    left: int = 0
    shared: bool = False
    drive: str = ""
    drive_type: str = ""
    author: str = ""
    editor: str = ""
    editor_name: str = ""
    link: str = ""
    description: str = ""

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.kind in ("folder", "root")

    @property
    def personal(self) -> bool:
        """Whether it lies in the drive of a personal account, whose recycle bin can be asked."""
        return self.drive_type == "personal"

    @property
    def seen_by_others(self) -> bool:
        """Whether it is known that somebody else can see it."""
        return self.shared

    @property
    def shown_kind(self) -> str:
        """What it is, in words where there are better ones than its media type."""
        return _KINDS.get(self.kind) or _TYPES.get(self.mime) or self.mime[:80] or "file"

    def shown_in(self, path: str) -> str:
        """As a person reads it: name, kind and folder."""
        return f"{self.name} ({self.shown_kind}{f', in {path}' if path else ''})"


def items_of(page: dict[str, Any]) -> list[Item]:
    """The items of a page; what has no id is left out."""
    return list(_each(page.get("value")))


def item_of(found: Any) -> Item:
    """What OneDrive says of an item; raises `UpstreamFailed` where that has no id."""
    for item in _each([found]):
        return item
    raise UpstreamFailed("Microsoft described a file in a way that cannot be read.")


def _each(found: Any) -> Iterable[Item]:
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and _ID.fullmatch(word_in(one, "id")):
            yield _item(one)


def _item(one: dict[str, Any]) -> Item:
    parent, file, editor = part_in(one, "parentReference"), part_in(one, "file"), _user(one, "lastModifiedBy")
    revision = word_in(one, "eTag")
    return Item(
        id=word_in(one, "id"),
        name=one_line(word_in(one, "name")) or "(no name)",
        kind=_kind(one),
        mime=one_line(word_in(file, "mimeType"))[:200],
        parent=_known(word_in(parent, "id")),
        size=_number(one.get("size")),
        digest=_digest(part_in(file, "hashes")),
        revision=revision if _ETAG.fullmatch(revision) else "",
        created=seconds_of(one.get("createdDateTime")),
        modified=seconds_of(one.get("lastModifiedDateTime")),
        trashed=isinstance(one.get("deleted"), dict),
        shared=isinstance(one.get("shared"), dict) or isinstance(one.get("remoteItem"), dict),
        drive=_known(word_in(parent, "driveId")),
        drive_type=one_line(word_in(parent, "driveType"))[:40],
        author=one_line(word_in(_user(one, "createdBy"), "email"))[:320],
        editor=one_line(word_in(editor, "email"))[:320],
        editor_name=one_line(word_in(editor, "displayName"))[:200],
        link=link_in(one, "webUrl"),
        description=word_in(one, "description"),
    )


def _kind(one: dict[str, Any]) -> str:
    for facet, kind in (("root", "root"), ("remoteItem", "shortcut"), ("package", "package"), ("folder", "folder")):
        if isinstance(one.get(facet), dict):
            return kind
    return "file"


def _digest(hashes: dict[str, Any]) -> str:
    for name, kind in _DIGESTS:
        if value := word_in(hashes, name)[:100]:
            return f"{kind}:{value}"
    return ""


def _user(of: dict[str, Any], name: str) -> dict[str, Any]:
    return part_in(part_in(of, name), "user")


def _known(found: str) -> str:
    return found if _ID.fullmatch(found) else ""


def _number(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**18 else None
