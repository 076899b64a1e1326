"""What the tools for files in mails share: which one is meant, its text, and which of them go along with a mail."""

from __future__ import annotations

from collections.abc import Sequence

from openassistant.connector import Context, OutsideText
from openassistant.documents import READER, read_document
from openassistant.errors import Conflict, InvalidRequest, NotFound
from openassistant.formats.compose import File
from openassistant.formats.drafts import Draft, L
from openassistant.formats.files import Attached, attached, files_of
from openassistant.mails.views import View, Written, outside

__all__ = [
    "AttachmentList", "AttachmentText", "AttachmentView", "approved_files", "attachment_list", "attachment_text",
    "number_of", "to_forward",
]  # fmt: skip

_LONGEST = 40_000
_SECONDS = 20.0


class AttachmentView(View):
    """A file in a mail: `number` is what attachments_read takes, `size` is in bytes."""

    number: int
    name: OutsideText
    type: str
    size: int
    sha256: str


class AttachmentList(View):
    """The files that are attached to a mail."""

    message: str
    attachments: list[AttachmentView]


class AttachmentText(View):
    """The text of a file from character `start` on; `total` is how many characters it has."""

    message: str
    number: int
    name: OutsideText
    kind: str
    text: OutsideText
    start: int
    total: int
    note: str = ""


def attachment_list(mail: Written, message: str, files: Sequence[Attached]) -> AttachmentList:
    """The files of the mail with the id `message`, which was read in full."""
    views = [
        AttachmentView(
            number=each.number, name=outside(mail, each.name), type=each.type, size=each.size, sha256=each.sha256
        )
        for each in files
    ]
    return AttachmentList(message=message, attachments=views)


async def attachment_text(
    ctx: Context, mail: Written, file: File, *, message: str, number: int, start: int, by: str = READER
) -> AttachmentText:
    """A part of the text of a file in the mail with the id `message`; `by` and errors as `read_document`."""
    seconds = max(min(_SECONDS, ctx.seconds - 1), 1)
    found = await read_document(file.content, type=file.type, name=file.name, seconds=seconds, by=by)
    return AttachmentText(
        message=message,
        number=number,
        name=outside(mail, file.name),
        kind=found.kind,
        text=outside(mail, found.text[start : start + _LONGEST]),
        start=start,
        total=len(found.text),
        note=found.note,
    )


def number_of(names: Sequence[str], wanted: str) -> int:
    """Which of a mail's files is meant, by its number or name, counted from 1; raises `NotFound`."""
    if not names:
        raise NotFound("Nothing is attached to that mail.")
    if not wanted and len(names) == 1:
        return 1
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) <= len(names):
        return int(wanted)
    folded = wanted.strip().casefold()
    fitting = [number for number, name in enumerate(names, 1) if name.casefold() == folded]
    if len(fitting) != 1:
        raise NotFound("Say which file by its number; attachments_list names them.")
    return fitting[0]


def to_forward(known: tuple[Attached, ...], *, has_files: bool, whole: bool, files: bool) -> tuple[Attached, ...]:
    """What goes along with a mail that is passed on: the `whole` mail, its `files`, or nothing.

    `known` is the whole mail and its files, or empty: then raises `InvalidRequest` where they are needed.
    """
    if not known and (whole or (files and has_files)):
        raise InvalidRequest(
            "Call attachments_list for that mail first: files can only be approved when their content is known."
            " Or forward it without them: attachments=false."
        )
    return known[:1] if whole else known[1:] if files else ()


def approved_files(draft: Draft[L], raw: bytes) -> list[File]:
    """The files that a draft names, out of the mail that it passes on; raises `Conflict` where they are others now."""
    content = files_of(raw)
    files = [content[each.number] for each in draft.attached if each.number < len(content)]
    if [each.sha256 for each in attached(files)] != [each.sha256 for each in draft.attached]:
        raise Conflict("The files of that mail are not those that were approved, so nothing was sent. Ask again.")
    return files
