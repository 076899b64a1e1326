"""The text of OpenDocument files (ISO/IEC 26300): texts, sheets and slides, all in one `content.xml`."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from openassistant.documents.archives import Archive, attribute, local
from openassistant.documents.limits import RefusedError, Watch, gathered
from openassistant.documents.sheets import flat

__all__ = ["KINDS", "read_opendocument"]

KINDS = {
    "application/vnd.oasis.opendocument.text": "OpenDocument text",
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument spreadsheet",
    "application/vnd.oasis.opendocument.presentation": "OpenDocument presentation",
}
_UNSEEN = ("tracked-changes", "forms", "deletion")
_MOST_COLUMNS = 500
_MOST_COPIES = 100
"""Of a cell or row that says it is repeated: empty ones say so a million times."""


def read_opendocument(archive: Archive, kind: str) -> tuple[str, str]:
    """The text of a document of one of `KINDS`."""
    if "encryption-data" in archive.text("META-INF/manifest.xml"):
        raise RefusedError("That file is locked with a password, so its text cannot be read.")
    text, cut = gathered(_pieces(archive, headed="spreadsheet" in kind), Watch())
    return text.strip("\n"), "Only the beginning of its text is given." if cut else ""


def _pieces(archive: Archive, *, headed: bool) -> Iterator[str]:
    """Paragraphs as they come, rows of tables as lines, and a heading for each sheet and slide."""
    row: list[str] = []
    cell: list[str] = []
    slides = unseen = inside = cells = 0
    for begins, element, _ in archive.walk("content.xml", "p", "h"):
        name, step = local(element), 1 if begins else -1
        if name in _UNSEEN:
            unseen += step
        elif unseen:
            continue
        elif name in ("p", "h"):
            inside += step
            if not begins and not inside:
                yield from _kept(_text(element), cell if cells else None)
        elif name in ("table-cell", "covered-table-cell"):
            cells += step
            if not begins:
                row += [flat(" ".join(cell))] * min(_repeated(element, "columns"), max(_MOST_COLUMNS - len(row), 0))
            cell = []
        elif name == "table-row" and not begins:
            line = "\t".join(row).rstrip("\t")
            yield from [line] * _repeated(element, "rows") if line else ()
            row = []
        elif begins and name in ("page", "notes", "table"):
            slides += name == "page"
            yield from _heading(element, name, slides, headed=headed)


def _kept(text: str, cell: list[str] | None) -> Iterator[str]:
    """A paragraph, for now in its cell where it stands in one."""
    if cell is None:
        yield text
    else:
        cell.append(text)


def _heading(element: Element, name: str, slides: int, *, headed: bool) -> Iterator[str]:
    if name == "page":
        yield f"\nSlide {slides}"
    elif name == "notes":
        yield "Notes:"
    elif headed:
        yield f"\nSheet: {attribute(element, 'name')}"


def _repeated(element: Element, what: str) -> int:
    said = attribute(element, f"number-{what}-repeated")
    return min(int(said), _MOST_COPIES) if said.isdecimal() and len(said) < 9 else 1


def _text(element: Element) -> str:
    """A paragraph with its spans; what `archives.walk` lets through is not nested too deep for this."""
    found = [element.text or ""]
    for each in element:
        name = local(each)
        if name == "s":
            said = attribute(each, "c")
            found.append(" " * (min(int(said), 200) if said.isdecimal() and len(said) < 9 else 1))
        elif name == "tab":
            found.append("\t")
        elif name == "line-break":
            found.append("\n")
        elif name not in ("annotation", "deletion", "tracked-changes"):
            found.append(_text(each))
        found.append(each.tail or "")
    return "".join(found)
