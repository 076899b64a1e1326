"""Documents that other programs wrote give their text; what is hostile, locked or too old is refused in words."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from typing import Any

import docx
import odfdo
import openpyxl
import pptx
import pytest

from openassistant.documents import read_document
from openassistant.errors import InvalidRequest, OaError


def saved(document: Any) -> bytes:
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def rezipped(content: bytes, **changes: bytes) -> bytes:
    """The archive with some of its parts replaced or added; `__` in a name stands for `/`."""
    made = io.BytesIO()
    changed = {name.replace("__", "/"): part for name, part in changes.items()}
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *changed}:
            new.writestr(name, changed[name] if name in changed else old.read(name))
    return made.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Lease")
    document.add_paragraph("Rent is due\ton the first.")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Rent", "1,180"
    document.add_paragraph("Signed.")
    return saved(document)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Costs"
    sheet.append(["Day", "Sum", "Paid"])
    sheet.append([date(2026, 11, 24), 12.5, True])
    sheet.append([datetime(2026, 11, 24, 9, 30), "=B2*2", None])  # noqa: DTZ001 - cells have no zone
    sheet["E5"] = "far\naway"
    book.create_sheet("Old").sheet_state = "hidden"
    return saved(book)


def slides() -> bytes:
    deck = pptx.Presentation()
    for title in ("First", "Second"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
    slide.notes_slide.notes_text_frame.text = "Say hello."
    return saved(deck)


def odt() -> bytes:
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Lease"))
    document.body.append(odfdo.Paragraph("Rent\t1,180"))
    return saved(document)


def ods() -> bytes:
    document, table = odfdo.Document("spreadsheet"), odfdo.Table("Costs")
    row = odfdo.Row()
    for text, repeated in (("Rent", 1), ("12", 2), ("", 16_000)):
        row.append(odfdo.Cell(text, repeated=repeated))
    table.append(row)
    table.append(odfdo.Row(repeated=1_000_000))
    document.body.clear()
    document.body.append(table)
    return saved(document)


def odp() -> bytes:
    document = odfdo.Document("presentation")
    document.body.clear()
    page = odfdo.DrawPage("page1")
    page.append(odfdo.Frame.text_frame("Welcome"))
    document.body.append(page)
    return saved(document)


CELLS = (
    "Sheet: Costs\nDay\tSum\tPaid\n2026-11-24\t12.5\tTRUE\n2026-11-24 09:30:00\t=B2*2\n\t\t\t\tfar away\n\n"
    "Sheet: Old (hidden)"
)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        (word(), "Word document", "Lease\nRent is due\ton the first.\nRent\t1,180\nSigned."),
        (
            workbook(),
            "Excel workbook",
            CELLS,
        ),
        (slides(), "PowerPoint presentation", "Slide 1\nFirst\n\nSlide 2\nSecond\nNotes: Say hello."),
        (odt(), "OpenDocument text", "Lease\nRent\t1,180"),
        (ods(), "OpenDocument spreadsheet", "Sheet: Costs\nRent\t12\t12"),
        (odp(), "OpenDocument presentation", "Slide 1\nWelcome"),
        ("<?xml version='1.0'?><a>Grüße</a>".encode(), "text", "<?xml version='1.0'?><a>Grüße</a>"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Signing\nEND:VEVENT", "calendar", "Summary: Signing"),
        ("Grüße, Ada".encode("utf-16-le"), "text", "Grüße, Ada"),
        ("Grüße".encode("utf-32"), "text", "Grüße"),
    ],
    ids=["docx", "xlsx", "pptx", "odt", "ods", "odp", "xml", "ics", "utf-16", "utf-32"],
)
async def test_what_other_programs_wrote_is_read(content: bytes, kind: str, text: str) -> None:
    found = await read_document(content)
    assert (found.kind, found.text) == (kind, text)


async def test_the_declared_charset_is_believed() -> None:
    text = "東京の家賃"
    assert (await read_document(text.encode("shift_jis"), type="text/plain; charset=Shift_JIS")).text == text
    page = f'<html><meta charset="euc-jp"><p>{text}'.encode("euc_jp")
    assert (await read_document(page)).text == text
    assert (await read_document(b'{"a": 1}', name="a.json")).kind == "JSON"


async def test_a_long_text_in_another_script_comes_back_whole() -> None:
    text = "я" * 900_000
    assert (await read_document(text.encode())).text == text


async def test_macros_are_named_and_never_run() -> None:
    found = await read_document(rezipped(word(), word__vbaProject_bin=b"x", **{"word/vbaProject.bin": b"x"}))
    assert found.text.startswith("Lease")
    assert "macros" in found.note


ENTITIES = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
DEEP = b"<a>" * 100_000 + b"</a>" * 100_000
BOMB = b"<worksheet><sheetData><row><c t='inlineStr'><is><t>" + b"x" * 30_000_000 + b"</t></is></c></row></sheetData>"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rezipped(word(), **{"word/document.xml": ENTITIES}), "entities of its own"),
        (rezipped(workbook(), **{"xl/worksheets/sheet1.xml": ENTITIES}), "entities of its own"),
        (rezipped(odt(), **{"content.xml": ENTITIES}), "entities of its own"),
        (rezipped(workbook(), **{"xl/worksheets/sheet1.xml": BOMB}), "unpacks to far more"),
        (rezipped(slides(), **{"ppt/slides/slide1.xml": DEEP}), "nested deeper"),
        (rezipped(odt(), **{"META-INF/manifest.xml": b"<m><encryption-data/></m>"}), "locked with a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99 + "EncryptedPackage".encode("utf-16-le"), "locked"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 999, "before 2007"),
        (b"{\\rtf1 hello}", "RTF"),
        (rezipped(word(), **{"word/document.xml": b"<a>"}), "damaged"),
        (word()[:-40], "damaged or locked"),
    ],
    ids=[
        "entity in docx", "entity in xlsx", "entity in odt", "bomb", "deep", "locked odt", "locked docx", "old", "rtf",
        "torn xml", "torn zip",
    ],
)  # fmt: skip
async def test_what_is_hostile_or_locked_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read_document(content)


async def test_a_sheet_that_names_cells_without_end_comes_to_one() -> None:
    rows = b"".join(b"<row><c r='XFD%d'><v>1</v></c></row>" % number for number in range(20_000))
    sheet = b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"
    try:
        found = (await read_document(rezipped(workbook(), **{"xl/worksheets/sheet1.xml": sheet}))).note
    except OaError as error:
        found = error.message
    assert "beginning" in found or "more" in found
