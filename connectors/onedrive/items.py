"""A file or folder as OneDrive describes it, checked where it comes in.

https://learn.microsoft.com/graph/api/resources/driveitem
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openassistant.errors import UpstreamFailed

__all__ = ["FIELDS", "Item", "item_of", "items_of"]

FIELDS = (
    "id,name,size,file,folder,package,root,remoteItem,deleted,shared,parentReference,createdDateTime,"
    "lastModifiedDateTime,createdBy,lastModifiedBy,eTag,webUrl,description"
)
_LONGEST = 4096
_ID = re.compile(r"[A-Za-z0-9!_-]{1,200}")
_ETAG = re.compile(r"[\x21-\x7e]{1,300}")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
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
        if isinstance(one, dict) and _ID.fullmatch(_word(one, "id")):
            yield _item(one)


def _item(one: dict[str, Any]) -> Item:
    parent, file, editor = _part(one, "parentReference"), _part(one, "file"), _user(one, "lastModifiedBy")
    revision = _word(one, "eTag")
    link = _word(one, "webUrl")
    return Item(
        id=_word(one, "id"),
        name=_line(_word(one, "name")) or "(no name)",
        kind=_kind(one),
        mime=_line(_word(file, "mimeType"))[:200],
        parent=_known(_word(parent, "id")),
        size=_number(one.get("size")),
        digest=_digest(_part(file, "hashes")),
        revision=revision if _ETAG.fullmatch(revision) else "",
        created=_moment(one.get("createdDateTime")),
        modified=_moment(one.get("lastModifiedDateTime")),
        trashed=isinstance(one.get("deleted"), dict),
        shared=isinstance(one.get("shared"), dict) or isinstance(one.get("remoteItem"), dict),
        drive=_known(_word(parent, "driveId")),
        drive_type=_line(_word(parent, "driveType"))[:40],
        author=_line(_word(_user(one, "createdBy"), "email"))[:320],
        editor=_line(_word(editor, "email"))[:320],
        editor_name=_line(_word(editor, "displayName"))[:200],
        link=link if link.startswith("https://") and len(link) <= 2000 else "",
        description=_word(one, "description"),
    )


def _kind(one: dict[str, Any]) -> str:
    for facet, kind in (("root", "root"), ("remoteItem", "shortcut"), ("package", "package"), ("folder", "folder")):
        if isinstance(one.get(facet), dict):
            return kind
    return "file"


def _digest(hashes: dict[str, Any]) -> str:
    for name, kind in _DIGESTS:
        if value := _word(hashes, name)[:100]:
            return f"{kind}:{value}"
    return ""


def _part(of: dict[str, Any], name: str) -> dict[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _user(of: dict[str, Any], name: str) -> dict[str, Any]:
    return _part(_part(of, name), "user")


def _word(of: dict[str, Any], name: str) -> str:
    found = of.get(name)
    return found.encode("utf-8", "replace").decode()[:_LONGEST] if isinstance(found, str) else ""


def _known(found: str) -> str:
    return found if _ID.fullmatch(found) else ""


def _line(found: str) -> str:
    """One line, without characters that are not seen or turn the text round."""
    return _HIDDEN.sub(" ", found).strip()


def _number(found: Any) -> int | None:
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 10**18 else None


def _moment(found: Any) -> int:
    try:
        moment = datetime.fromisoformat(str(found))
        return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        return 0
