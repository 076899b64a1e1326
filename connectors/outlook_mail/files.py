"""The files of a mail: listed at Graph, and remembered, so that a preview can name what goes along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from connectors.outlook_mail.account import iri
from connectors.outlook_mail.letters import is_id
from openassistant.formats.charsets import clean
from openassistant.formats.files import Attached
from openassistant.providers.graph import GraphApi

__all__ = ["MailFile", "files_of", "known_files", "note_files"]

_SELECT = "id,name,contentType,size,isInline"
_MOST = 300
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_KINDS = {"itemattachment": "mail", "referenceattachment": "link"}


class MailFile(NamedTuple):
    """What is known of a file of a mail; `number` counts from 1, `ref` is its id at Graph, `size` in bytes.

    `kind` is file, mail (a whole item of Outlook) or link.
    """

    number: int
    ref: str
    name: str
    type: str
    size: int
    kind: str

    @property
    def attached(self) -> Attached:
        """The same as what an approval shows; Graph copies files by itself, so nobody computes a digest."""
        return Attached(self.number, self.name, self.type, self.size)


async def files_of(api: GraphApi, ref: str) -> tuple[MailFile, ...]:
    """The files of a mail, without the pictures inside its text; at most 300."""
    found: list[MailFile] = []
    async for page in api.pages(f"me/messages/{iri(ref)}/attachments", {"$select": _SELECT}):
        for raw in page.get("value") or []:
            if (each := _attached(raw, len(found) + 1)) is not None:
                found.append(each)
        if len(found) >= _MOST:
            break
    return tuple(found[:_MOST])


def note_files(connection: Connection, message: int, files: Sequence[MailFile]) -> None:
    """Remembers the files of a mail."""
    connection.execute(text("DELETE FROM outlook_mail_files WHERE message = :message"), {"message": message})
    rows = [{"message": message, **each._asdict()} for each in files]
    statement = (
        "INSERT INTO outlook_mail_files (message, number, ref, name, type, size, kind)"
        " VALUES (:message, :number, :ref, :name, :type, :size, :kind)"
    )
    if rows:
        connection.execute(text(statement), rows)


def known_files(connection: Connection, message: int) -> tuple[MailFile, ...]:
    """What was remembered of a mail's files; empty when they were never listed."""
    query = (
        "SELECT number, ref, name, type, size, kind FROM outlook_mail_files WHERE message = :message ORDER BY number"
    )
    return tuple(MailFile(*row) for row in connection.execute(text(query), {"message": message}))


def _attached(raw: Any, number: int) -> MailFile | None:
    if not isinstance(raw, dict) or not is_id(raw.get("id")) or raw.get("isInline") is True:
        return None
    kind = str(raw.get("@odata.type", "")).rpartition(".")[2].lower()
    given, size = raw.get("contentType"), raw.get("size")
    media = given.partition(";")[0].strip().lower() if isinstance(given, str) else ""
    return MailFile(
        number=number,
        ref=str(raw["id"]),
        name=_plain(raw.get("name")) or "(no name)",
        type=media if _TYPE.fullmatch(media) else "application/octet-stream",
        size=size if isinstance(size, int) and 0 <= size < 1 << 40 else 0,
        kind=_KINDS.get(kind, "file"),
    )


def _plain(name: Any) -> str:
    """A name without folders and without characters that a file name must not have."""
    last = clean(name).replace("\\", "/").rpartition("/")[2] if isinstance(name, str) else ""
    return re.sub(r"[\x00-\x1f\x7f:*?\"<>|]", "_", last).strip(" .")[:150]
