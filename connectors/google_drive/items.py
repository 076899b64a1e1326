"""A file or folder as Drive describes it, checked where it comes in.

https://developers.google.com/workspace/drive/api/reference/rest/v3/files
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from openassistant.errors import UpstreamFailed
from openassistant.files.items import link_in, one_line, part_in, seconds_of, word_in

__all__ = ["FIELDS", "FOLDER", "GOOGLE", "SHORTCUT", "Item", "item_of", "items_of"]

GOOGLE = "application/vnd.google-apps."
FOLDER = f"{GOOGLE}folder"
SHORTCUT = f"{GOOGLE}shortcut"
FIELDS = (
    "id,name,mimeType,parents,size,md5Checksum,headRevisionId,createdTime,modifiedTime,trashed,shared,ownedByMe,driveId,"
    "owners(displayName,emailAddress),lastModifyingUser(displayName,emailAddress),webViewLink,description,"
    "shortcutDetails(targetId,targetMimeType)"
)
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KINDS = {
    FOLDER: "folder",
    f"{GOOGLE}document": "Google document",
    f"{GOOGLE}spreadsheet": "Google spreadsheet",
    f"{GOOGLE}presentation": "Google presentation",
    f"{GOOGLE}drawing": "Google drawing",
    f"{GOOGLE}form": "Google form",
    SHORTCUT: "shortcut",
    "application/pdf": "PDF",
}


class Item(NamedTuple):
    """A file, folder or shortcut. `size` in bytes, None for what Google counts not; times in seconds since 1970."""

    id: str
    name: str
    mime: str
    parent: str = ""
    size: int | None = None
    md5: str = ""
    revision: str = ""
    created: int = 0
    modified: int = 0
    trashed: bool = False
    shared: bool = False
    mine: bool = True
    drive: str = ""
    owner: str = ""
    owner_name: str = ""
    editor: str = ""
    link: str = ""
    description: str = ""
    target: str = ""
    target_mime: str = ""

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.mime == FOLDER

    @property
    def native(self) -> bool:
        """Whether it is one of Google's own kinds, which have no bytes to download."""
        return self.mime.startswith(GOOGLE)

    @property
    def seen_by_others(self) -> bool:
        """Whether anybody else can see it."""
        return self.shared or not self.mine or bool(self.drive)

    @property
    def shown_kind(self) -> str:
        """What it is, in words where there are better ones than its media type."""
        return _KINDS.get(self.mime, self.mime[:80])

    def shown_in(self, path: str) -> str:
        """As a person reads it: name, kind, folder and owner."""
        where = f", in {path}" if path else ""
        owned = "" if self.mine or not self.owner else f", of {self.owner}"
        return f"{self.name} ({self.shown_kind}{where}{owned})"


def items_of(page: dict[str, Any]) -> list[Item]:
    """The files of a page of `files.list`; what has no id is left out."""
    return list(_each(page.get("files")))


def item_of(found: Any) -> Item:
    """What Drive says of a file; raises `UpstreamFailed` where that has no id."""
    for item in _each([found]):
        return item
    raise UpstreamFailed("Google described a file in a way that cannot be read.")


def _each(found: Any) -> Iterable[Item]:
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and _ID.fullmatch(word_in(one, "id")):
            yield _item(one)


def _item(one: dict[str, Any]) -> Item:
    owner, editor = _first(one.get("owners")), part_in(one, "lastModifyingUser")
    shortcut = part_in(one, "shortcutDetails")
    return Item(
        id=word_in(one, "id"),
        name=one_line(word_in(one, "name")) or "(no name)",
        mime=one_line(word_in(one, "mimeType"))[:200] or "application/octet-stream",
        parent=_known(_first_word(one.get("parents"))),
        size=_number(one.get("size")),
        md5=word_in(one, "md5Checksum")[:64],
        revision=word_in(one, "headRevisionId")[:200],
        created=seconds_of(one.get("createdTime")),
        modified=seconds_of(one.get("modifiedTime")),
        trashed=one.get("trashed") is True,
        shared=one.get("shared") is True,
        mine=one.get("ownedByMe") is not False,
        drive=_known(word_in(one, "driveId")),
        owner=one_line(word_in(owner, "emailAddress"))[:320],
        owner_name=one_line(word_in(owner, "displayName"))[:200],
        editor=one_line(word_in(editor, "emailAddress"))[:320],
        link=link_in(one, "webViewLink"),
        description=word_in(one, "description"),
        target=_known(word_in(shortcut, "targetId")),
        target_mime=one_line(word_in(shortcut, "targetMimeType"))[:200],
    )


def _first(found: Any) -> dict[str, Any]:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


def _first_word(found: Any) -> str:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], str) else ""


def _known(found: str) -> str:
    return found if _ID.fullmatch(found) else ""


def _number(found: Any) -> int | None:
    text = found if isinstance(found, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
