"""What a document is, and its text. Runs inside the sandbox (`openassistant.sandbox`), never in a room.

What a file is, its first bytes say before its name or type.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

from openassistant.documents.archives import Archive
from openassistant.documents.limits import LONGEST, RefusedError
from openassistant.documents.office import read_presentation, read_word
from openassistant.documents.opendocument import KINDS, read_opendocument
from openassistant.documents.pdfs import read_pdf
from openassistant.documents.sheets import read_workbook
from openassistant.formats.charsets import clean, decode_bytes
from openassistant.formats.markup import text_of

__all__ = ["Reader", "decoded", "read", "read_by", "says_what_it_is", "warm_up"]

Found = dict[str, Any]
Reader = Callable[[bytes], tuple[str, str]]
"""Gives the text of a file and a note about it; raises `RefusedError`, or what parsers raise over damaged files."""

_SHOWN = ("SUMMARY", "DTSTART", "DTEND", "DUE", "RRULE", "LOCATION", "ORGANIZER", "ATTENDEE", "STATUS", "DESCRIPTION")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([a-zA-Z0-9_.:-]{1,40})")
_DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?([a-zA-Z0-9_.:-]{1,40})")
_PARTS = {
    "word": ("Word document", "document.xml", read_word),
    "xl": ("Excel workbook", "workbook.xml", read_workbook),
    "ppt": ("PowerPoint presentation", "presentation.xml", read_presentation),
}
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How files of Office before 2007 begin (MS-CFB), and locked ones of today."""


def read(data: bytes, type: str = "", name: str = "") -> Found:  # noqa: A002 - a media type is called so
    """The text in a file: `{"kind": …, "text": …, "note": …}`, or `{"refused": why}`.

    Raises what parsers raise over damaged files.
    """
    if not data:
        return {"refused": "That file is empty."}
    try:
        kind, reader = _reader(data, type.lower(), name.lower())
        return read_by(reader, data, kind)
    except RefusedError as error:
        return {"refused": str(error)}


def read_by(reader: Reader, data: bytes, kind: str) -> Found:
    """What `reader` makes of a file, cut where it is too long."""
    try:
        text, note = reader(data)
    except RefusedError as error:
        return {"refused": str(error)}
    cut = "Only the beginning of its text is given." if len(text) > LONGEST and "beginning" not in note else ""
    return {"kind": kind, "text": clean(text)[:LONGEST], "note": " ".join(each for each in (note, cut) if each)}


def says_what_it_is(data: bytes) -> bool:
    """Whether a file's first bytes say what it is, so that neither its name nor its type does."""
    return data.startswith((b"%PDF-", b"PK\x03\x04", _OLD, b"{\\rtf"))


def decoded(data: bytes, kind: str = "") -> str:
    """Bytes as text: by their mark, by the charset in the media type `kind`, by the zeros of UTF-16, else as UTF-8."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data.removeprefix(mark if codec == "utf-8" else b"").decode(codec, "replace")
    declared = _CHARSET.search(kind)
    if not declared and (wide := _wide(data)):
        return data.decode(wide, "replace")
    return decode_bytes(data, declared.group(1) if declared else None)


def warm_up() -> None:
    """Imports what parsers import late, by letting each read a little."""
    for sample in (_A_PDF, _a_docx(), b"<html><p>a", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"):
        read(sample)


def _reader(data: bytes, kind: str, name: str) -> tuple[str, Reader]:
    """What a file is in words, and what reads it."""
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    media = kind.partition(";")[0].strip()
    if b"%pdf-" in head[:1024]:
        return "PDF", read_pdf
    if data.startswith(b"PK"):
        return _packed(data)
    if data.startswith(_OLD):
        raise RefusedError(_LOCKED if "EncryptedPackage".encode("utf-16-le") in data else _TOO_OLD)
    if head.startswith(b"{\\rtf"):
        raise RefusedError("RTF files are not read here: save it as DOCX, ODT or PDF.")
    if head.startswith(b"begin:vcalendar"):
        return "calendar", _calendar
    if head.startswith((b"<!doctype html", b"<html")) or media == "text/html":
        return "HTML", lambda content: (text_of(_markup(content, kind)), "")
    marked = any(data.startswith(mark) for mark, _ in _MARKS)
    if _BINARY.search(data[:4096]) and not marked and not _wide(data):
        said = re.sub(r"[^a-z0-9/.+-]", "", media)[:60] or "unknown"
        raise RefusedError(f"There is no text to read in a file of this kind ({said}).")
    return _plain_kind(media, name), lambda content: (decoded(content, kind), "")


def _plain_kind(media: str, name: str) -> str:
    for kind, ending in (("CSV", "csv"), ("JSON", "json"), ("XML", "xml")):
        if name.endswith(f".{ending}") or media.endswith((f"/{ending}", f"+{ending}")):
            return kind
    return "text"


def _wide(data: bytes) -> str:
    """UTF-16 without a mark, which shows by a zero in most pairs of bytes and no zero in the other places."""
    head = data[: min(len(data), 4096) // 2 * 2]
    evens, odds = head[::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and min(evens, odds) == 0 and max(evens, odds) > len(head) * 0.2:
        return "utf-16-le" if odds else "utf-16-be"
    return ""


def _markup(data: bytes, kind: str) -> str:
    if any(data.startswith(mark) for mark, _ in _MARKS) or _CHARSET.search(kind) or _wide(data):
        return decoded(data, kind)
    declared = _DECLARED.search(data[:2048])
    return decode_bytes(data, declared.group(1).decode() if declared else None)


def _packed(data: bytes) -> tuple[str, Reader]:
    """A document that is an archive: OpenDocument says what it is, an OOXML package says which part is the main one."""
    with Archive(data) as archive:
        said = archive.text("mimetype").strip()
        if said.removesuffix("-template") in KINDS and "content.xml" in archive.names:
            kind = said.removesuffix("-template")
            return KINDS[kind], _in_archive(lambda opened: read_opendocument(opened, kind))
        main = next((part for kind, part in archive.relations("").values() if kind == "officeDocument"), "")
        for folder, (words, usual, reader) in _PARTS.items():
            part = main if main.startswith(f"{folder}/") else f"{folder}/{usual}"
            if part in archive.names:
                macros = any(each.endswith("vbaProject.bin") for each in archive.names)
                return words, _in_archive(partial(reader, main=part), macros=macros)
    raise RefusedError("There is no text to read in a file of this kind (archive).")


def _in_archive(reader: Callable[[Archive], tuple[str, str]], *, macros: bool = False) -> Reader:
    def read_archive(data: bytes) -> tuple[str, str]:
        with Archive(data) as archive:
            text, note = reader(archive)
        return text, f"{note} It holds macros, which are never run here.".strip() if macros else note

    return read_archive


def _calendar(data: bytes) -> tuple[str, str]:
    """The properties of events and tasks that people ask about, unfolded (RFC 5545, 3.1)."""
    lines = re.sub(r"\r?\n[ \t]", "", clean(decode_bytes(data, None))).split("\n")
    shown: list[str] = []
    for line in lines:
        head, _, value = line.partition(":")
        name = head.partition(";")[0].strip().upper()
        if name == "BEGIN" and value.strip().upper() in ("VEVENT", "VTODO"):
            shown.append("")
        elif name == "METHOD" or (name in _SHOWN and shown):
            zone = re.search(r"TZID=([^;:]+)", head)
            plain = re.sub(r"\\([,;\\])", r"\1", value.replace("\\n", "\n").replace("\\N", "\n")).strip()
            shown.append(f"{name.capitalize()}: {plain}{f' ({zone.group(1)})' if zone else ''}")
    return "\n".join(shown).strip("\n"), ""


_LOCKED = "That file is locked with a password, so its text cannot be read."
_TOO_OLD = "That file has the format of Office before 2007, which is not read: save it as DOCX, XLSX or PPTX."
_A_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 28>>stream\nBT /F 9 Tf (warm) Tj ET     \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R/Size 6>>\n"
    b"startxref\n0\n%%EOF\n"
)


def _a_docx() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<d><p><r><t>warm</t></r></p></d>")
    return made.getvalue()
