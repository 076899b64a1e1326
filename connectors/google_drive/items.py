"""A file or folder as Drive describes it, checked where it comes in.

https://developers.google.com/workspace/drive/api/reference/rest/v3/files
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openassistant.errors import UpstreamFailed

__all__ = ["FIELDS", "FOLDER", "GOOGLE", "SHORTCUT", "Item", "item_of", "items_of"]

GOOGLE = "application/vnd.google-apps."
FOLDER = f"{GOOGLE}folder"
SHORTCUT = f"{GOOGLE}shortcut"
FIELDS = (
    "id,name,mimeType,parents,size,md5Checksum,headRevisionId,createdTime,modifiedTime,trashed,shared,ownedByMe,driveId,"
    "owners(displayName,emailAddress),lastModifyingUser(displayName,emailAddress),webViewLink,description,"
    "shortcutDetails(targetId,targetMimeType)"
)
_LONGEST = 4096
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


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
        if isinstance(one, dict) and _ID.fullmatch(_word(one, "id")):
            yield _item(one)


def _item(one: dict[str, Any]) -> Item:
    owner, editor, shortcut = _first(one.get("owners")), one.get("lastModifyingUser"), one.get("shortcutDetails")
    editor = editor if isinstance(editor, dict) else {}
    shortcut = shortcut if isinstance(shortcut, dict) else {}
    return Item(
        id=_word(one, "id"),
        name=_line(_word(one, "name")) or "(no name)",
        mime=_line(_word(one, "mimeType"))[:200] or "application/octet-stream",
        parent=_known(_first_word(one.get("parents"))),
        size=_number(one.get("size")),
        md5=_word(one, "md5Checksum")[:64],
        revision=_word(one, "headRevisionId")[:200],
        created=_moment(one.get("createdTime")),
        modified=_moment(one.get("modifiedTime")),
        trashed=one.get("trashed") is True,
        shared=one.get("shared") is True,
        mine=one.get("ownedByMe") is not False,
        drive=_known(_word(one, "driveId")),
        owner=_line(_word(owner, "emailAddress"))[:320],
        owner_name=_line(_word(owner, "displayName"))[:200],
        editor=_line(_word(editor, "emailAddress"))[:320],
        link=link if (link := _word(one, "webViewLink")).startswith("https://") and len(link) <= 2000 else "",
        description=_word(one, "description")[:_LONGEST],
        target=_known(_word(shortcut, "targetId")),
        target_mime=_line(_word(shortcut, "targetMimeType"))[:200],
    )


def _first(found: Any) -> dict[str, Any]:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


def _first_word(found: Any) -> str:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], str) else ""


def _word(of: dict[str, Any], name: str) -> str:
    found = of.get(name)
    return found.encode("utf-8", "replace").decode()[:_LONGEST] if isinstance(found, str) else ""


def _known(found: str) -> str:
    return found if _ID.fullmatch(found) else ""


def _line(found: str) -> str:
    """One line, without characters that are not seen or turn the text round."""
    return _HIDDEN.sub(" ", found).strip()


def _number(found: Any) -> int | None:
    text = found if isinstance(found, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _moment(found: Any) -> int:
    try:
        moment = datetime.fromisoformat(str(found))
        return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        return 0
