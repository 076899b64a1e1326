"""The cells of Excel files (SpreadsheetML, ECMA-376 part 1, 18): rows as lines, cells between tabs, dates as dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from xml.etree.ElementTree import Element

from openassistant.documents.archives import Archive, local
from openassistant.documents.limits import Watch, gathered

__all__ = ["flat", "read_workbook"]

_MOST_SHEETS = 200
_MOST_COLUMNS = 500
_MOST_STRINGS = 1_000_000
_LONGEST_STRINGS = 20_000_000
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Formats of dates and times that files need not declare (18.8.30)."""
_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)


class _Book(NamedTuple):
    """What cells refer to: `dates` holds the styles that show a number as a date."""

    strings: list[str]
    dates: frozenset[int]
    epoch: datetime


def read_workbook(archive: Archive, main: str) -> tuple[str, str]:
    """The cells of all sheets; of a formula its last value, or itself where no value was kept."""
    watch = Watch()
    relations = archive.relations(main)
    parts = dict(relations.values())
    sheets: list[tuple[str, str]] = []
    epoch = datetime(1899, 12, 30)  # noqa: DTZ001 - cells have no zone
    for begins, element, _ in archive.walk(main):
        if begins and local(element) == "sheet" and len(sheets) < _MOST_SHEETS:
            which = next((value for key, value in element.items() if key.endswith("}id")), "")
            hidden = "" if element.get("state", "visible") == "visible" else " (hidden)"
            if relations.get(which, ("", ""))[0] == "worksheet":
                sheets.append((element.get("name", "") + hidden, relations[which][1]))
        elif begins and local(element) == "workbookPr" and element.get("date1904") in ("1", "true"):
            epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - cells have no zone
    strings = list(_strings(archive, parts.get("sharedStrings", ""), watch))
    book = _Book(strings, frozenset(_date_styles(archive, parts.get("styles", ""))), epoch)

    def pieces() -> Iterator[str]:
        for name, part in sheets:
            yield f"\nSheet: {name}"
            yield from _rows(archive, part, book)

    text, cut = gathered(pieces(), watch)
    counted = "1 sheet." if len(sheets) == 1 else f"{len(sheets)} sheets."
    return text.strip("\n"), "Only the beginning of its text is given." if cut else counted


def _strings(archive: Archive, part: str, watch: Watch) -> Iterator[str]:
    if part not in archive.names:
        return
    length = count = 0
    for begins, element, _ in archive.walk(part, "si"):
        if not begins and local(element) == "si":
            string = _text(element)
            yield string
            length, count = length + len(string), count + 1
            if length > _LONGEST_STRINGS or count > _MOST_STRINGS or watch.over:
                return


def _date_styles(archive: Archive, part: str) -> Iterator[int]:
    """The numbers of the styles that show dates: cells name an entry of `cellXfs`, which names a format."""
    if part not in archive.names:
        return
    dates, number = set(_DATES), 0
    for begins, element, parent in archive.walk(part):
        if begins and local(element) == "numFmt":
            shown = _NOT_FORMAT.sub("", element.get("formatCode", "")[:400]).lower()
            if re.search(r"[dyhs]|mm", shown) and (which := _number(element.get("numFmtId", ""))) is not None:
                dates.add(int(which))
        elif begins and local(element) == "xf" and parent is not None and local(parent) == "cellXfs":
            if _number(element.get("numFmtId", "")) in dates:
                yield number
            number += 1


def _rows(archive: Archive, part: str, book: _Book) -> Iterator[str]:
    for begins, element, _ in archive.walk(part, "row"):
        if not begins and local(element) == "row":
            cells: list[str] = []
            for cell in element:
                if local(cell) == "c":
                    cells += [""] * (_column(cell.get("r", ""), len(cells)) - len(cells))
                    cells.append(_cell(cell, book))
                if len(cells) > _MOST_COLUMNS:
                    break
            if any(cells):
                yield "\t".join(cells).rstrip("\t")


def _column(place: str, default: int) -> int:
    """The number of a column ("C7" -> 2), or the next one where a cell does not say."""
    letters = re.match(r"[A-Z]{1,3}(?=\d)", place)
    if not letters:
        return default
    number = 0
    for letter in letters.group():
        number = number * 26 + ord(letter) - 64
    return min(number - 1, _MOST_COLUMNS)


def _cell(cell: Element, book: _Book) -> str:
    kind = cell.get("t", "n")
    parts = {local(each): each for each in cell}
    if kind == "inlineStr":
        return _text(cell)
    value = parts["v"].text or "" if "v" in parts else ""
    if not value and "f" in parts:
        return f"={parts['f'].text or ''}"
    if kind == "s":
        return book.strings[int(value)] if value.isdecimal() and int(value) < len(book.strings) else "…"
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    style = cell.get("s", "0")
    return _date(value, book) if kind == "n" and style.isdecimal() and int(style) in book.dates else flat(value)


def _date(value: str, book: _Book) -> str:
    """A number of days since the epoch as date, time or both (18.17.4.1); what is none stays a number."""
    days = _number(value)
    if days is None or not 0 <= days < 2_958_466:
        return flat(value)
    if book.epoch.year == 1899 and 1 <= days < 60:
        days += 1  # Excel counts a 29 February 1900
    moment = book.epoch + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.date().isoformat() if not moment.time().isoformat().strip("0:") else moment.isoformat(" ")


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _text(element: Element) -> str:
    """All that stands in `t`, without the readings (`rPh`) that Japanese files have beside it."""
    found: list[str] = []
    for each in element:
        if local(each) == "t":
            found.append(each.text or "")
        elif local(each) not in ("rPh", "f", "v"):
            found.append(_text(each))
    return flat("".join(found))


def flat(text: str) -> str:
    """On one line: a cell may hold line ends, which would look like rows."""
    return re.sub(r"\s*[\r\n\t]+\s*", " ", text).strip()
