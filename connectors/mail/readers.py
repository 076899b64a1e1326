"""The text of files that strangers made. Runs inside the sandbox (`openassistant.sandbox`), never in the connector.

The only importer of pypdf, and of defusedxml in this room. What a file is, its first bytes say before its name or type.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import pypdf
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pypdf.errors import DependencyError, PyPdfError

from connectors.mail.message import parse_mail
from openassistant.formats.charsets import clean, decode_bytes
from openassistant.formats.markup import text_of

__all__ = ["read", "warm_up"]

_LONGEST = 1_000_000
_MOST_PAGES = 1_000
_PAGES_SECONDS = 10.0
"""Of a PDF that takes longer the pages so far are given; the sandbox gives 20."""
_MOST_ENTRIES = 5_000
_LARGEST_PART = 40 * 1024 * 1024
_HIGHEST_RATIO = 200
"""Word's own files stay below 30; a bomb has a thousand and more."""
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PARTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
_SHOWN = ("SUMMARY", "DTSTART", "DTEND", "DUE", "RRULE", "LOCATION", "ORGANIZER", "ATTENDEE", "STATUS", "DESCRIPTION")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

Found = dict[str, Any]


class _RefusedError(Exception):
    """The file will not be read, for a reason that its owner can act on."""


def read(data: bytes, type: str = "", name: str = "") -> Found:  # noqa: A002 - a media type is called so
    """The text in a file: `{"kind": …, "text": …, "note": …}`, or `{"refused": why}`.

    Raises what parsers raise over damaged files.
    """
    if not data:
        return {"refused": "That file is empty."}
    kind, reader = _reader(data, type.lower(), name.lower())
    if reader is None:
        return {"refused": f"There is no text to read in a file of this kind ({kind})."}
    try:
        text, note = reader(data)
    except _RefusedError as error:
        return {"refused": str(error)}
    cut = "Only the beginning of its text is given." if len(text) > _LONGEST else ""
    return {"kind": kind, "text": clean(text)[:_LONGEST], "note": " ".join(each for each in (note, cut) if each)}


def warm_up() -> None:
    """Imports what parsers import late, by letting each read a little."""
    for sample in (_A_PDF, _a_docx(), b"<p>a", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", b"Subject: a\r\n\r\nb"):
        read(sample, "message/rfc822" if sample.startswith(b"Subject") else "")


def _reader(data: bytes, kind: str, name: str) -> tuple[str, Callable[[bytes], tuple[str, str]] | None]:
    """What a file is in words, and what reads it."""
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"%pdf-" in head[:1024]:
        return "PDF", _pdf
    if data.startswith(b"PK"):
        return "Word document", _docx
    if head.startswith(b"begin:vcalendar"):
        return "calendar", _calendar
    if kind == "message/rfc822" or name.endswith(".eml"):
        return "mail", _mail
    if head.startswith((b"<!doctype html", b"<html")) or kind == "text/html":
        return "HTML", _html
    if _BINARY.search(data[:4096]) and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return re.sub(r"[^a-z0-9/.+-]", "", kind)[:60] or "unknown", None
    return "CSV" if kind == "text/csv" or name.endswith(".csv") else "text", _plain


def _plain(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), ""
    return decode_bytes(data.removeprefix(b"\xef\xbb\xbf"), None), ""


def _html(data: bytes) -> tuple[str, str]:
    declared = re.search(rb"charset\s*=\s*[\"']?([a-zA-Z0-9_-]{1,40})", data[:2048])
    return text_of(decode_bytes(data, declared.group(1).decode() if declared else None)), ""


def _mail(data: bytes) -> tuple[str, str]:
    mail = parse_mail(data)
    people = ", ".join(each.shown for each in mail.to)
    lines = [f"From: {mail.sender.shown}", f"To: {people}", f"Date: {mail.date}", f"Subject: {mail.subject}"]
    files = ", ".join(each.name for each in mail.attachments)
    return "\n".join([*lines, *([f"Attachments: {files}"] if files else []), "", mail.text]), ""


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


def _pdf(data: bytes) -> tuple[str, str]:
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise _RefusedError("That PDF is locked with a password, so its text cannot be read.")
        pages = len(reader.pages)
        texts = list(_pages(reader, min(pages, _MOST_PAGES)))
    except DependencyError as error:
        raise _RefusedError("That PDF is locked in a way that cannot be opened here.") from error
    except PyPdfError as error:
        raise _RefusedError("That PDF is damaged, so its text cannot be read.") from error
    text = "\n\n".join(texts)
    if not text.strip():
        raise _RefusedError("There is no text in that PDF: its pages are pictures, as scanners make them.")
    counted = "1 page" if pages == 1 else f"{pages} pages"
    return text, f"{len(texts)} of {counted}." if len(texts) < pages else f"{counted}."


def _pages(reader: pypdf.PdfReader, most: int) -> Iterator[str]:
    length, began = 0, time.process_time()
    for number in range(most):
        text = reader.pages[number].extract_text().strip()
        yield text
        length += len(text)
        if length > _LONGEST or time.process_time() - began > _PAGES_SECONDS:
            return


def _docx(data: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [_part(archive, name) for name in _parts_of(archive)]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _RefusedError("That file is a damaged or locked archive, so it cannot be read.") from error
    try:
        return "\n\n".join("\n".join(_paragraphs(fromstring(part))) for part in parts).strip("\n"), ""
    except (ParseError, DefusedXmlException) as error:
        raise _RefusedError("That Word document is damaged, so it cannot be read.") from error


def _parts_of(archive: zipfile.ZipFile) -> list[str]:
    """The names of what holds text, after a look at all sizes; no name is ever used as a path."""
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise _RefusedError("That archive holds more files than a document has.")
    names = {entry.filename for entry in entries}
    if _PARTS[0] not in names:
        raise _RefusedError("There is no text to read in a file of this kind (archive).")
    return [name for name in _PARTS if name in names]


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part, unpacked no further than its limits, whatever its headers say."""
    entry = archive.getinfo(name)
    limit = min(_LARGEST_PART, max(entry.compress_size, 1024) * _HIGHEST_RATIO)
    with archive.open(entry) as packed:
        content = packed.read(limit + 1)
    if len(content) > limit:
        raise _RefusedError("That document unpacks to far more than it should, so it is not read.")
    return content


def _paragraphs(root: Element) -> Iterator[str]:
    """The text of each paragraph, in the order of the document; cells of a table end with a tab."""
    line: list[str] = []
    for element in root.iter():
        if element.tag == f"{_WORD}p":
            yield "".join(line).rstrip()
            line = []
        elif element.tag == f"{_WORD}t" and element.text:
            line.append(element.text)
        elif element.tag == f"{_WORD}tab":
            line.append("\t")
        elif element.tag in (f"{_WORD}br", f"{_WORD}cr"):
            line.append("\n")
    yield "".join(line).rstrip()


_A_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 28>>stream\nBT /F 9 Tf (warm) Tj ET     \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R/Size 6>>\n"
    b"startxref\n0\n%%EOF\n"
)


def _a_docx() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_PARTS[0], f'<d xmlns:w="{_WORD[1:-1]}"><w:p><w:t>warm</w:t></w:p></d>')
    return made.getvalue()
