"""The text of Word and PowerPoint files (OOXML, ECMA-376): paragraphs in their order, cells of a table between tabs."""

from __future__ import annotations

from collections.abc import Iterator

from openassistant.documents.archives import Archive, attribute, local
from openassistant.documents.limits import RefusedError, Watch, gathered

__all__ = ["read_presentation", "read_word"]

_UNSEEN = ("Fallback", "delText", "instrText")
"""The same once more for old programs, what was deleted, and the code of fields."""
_MOST_SLIDES = 2_000


def read_word(archive: Archive, main: str) -> tuple[str, str]:
    """The text of a document with its notes and comments."""
    folder = main.rpartition("/")[0]
    parts = [main, *(f"{folder}/{name}.xml" for name in ("footnotes", "endnotes"))]

    def pieces() -> Iterator[str]:
        for part in parts:
            if part in archive.names:
                yield from _paragraphs(archive, part)
        if (comments := f"{folder}/comments.xml") in archive.names:
            yield "\nComments:"
            yield from _paragraphs(archive, comments)

    if main not in archive.names:
        raise RefusedError("There is no text to read in a file of this kind (archive).")
    text, cut = gathered(pieces(), Watch())
    return text.strip("\n"), _CUT if cut else ""


def read_presentation(archive: Archive, main: str) -> tuple[str, str]:
    """The text of the slides in their order, each with the notes of its speaker."""
    relations = archive.relations(main)
    slides = [
        relations[which][1]
        for begins, element, _ in archive.walk(main)
        if begins and local(element) == "sldId" and (which := _relation(element.items())) in relations
    ][:_MOST_SLIDES]

    def pieces() -> Iterator[str]:
        for number, slide in enumerate(slides, 1):
            yield f"\nSlide {number}"
            yield from filter(None, _paragraphs(archive, slide))
            for kind, notes in archive.relations(slide).values():
                if kind == "notesSlide" and (said := [each for each in _paragraphs(archive, notes) if each]):
                    yield "Notes: " + "\n".join(said)

    text, cut = gathered(pieces(), Watch())
    counted = "1 slide." if len(slides) == 1 else f"{len(slides)} slides."
    return text.strip("\n"), _CUT if cut else counted


_CUT = "Only the beginning of its text is given."


def _relation(attributes: object) -> str:
    """`r:id` of an element that has an `id` of its own besides."""
    return next((value for key, value in dict(attributes).items() if key.endswith("}id")), "")  # type: ignore[call-overload]


def _paragraphs(archive: Archive, part: str) -> Iterator[str]:
    """The text of each paragraph; a row of a table is one line."""
    line: list[str] = []
    unseen = cells = 0
    for begins, element, parent in archive.walk(part):
        name = local(element)
        if name in _UNSEEN or (name == "fld" and attribute(element, "type") == "slidenum"):
            unseen += 1 if begins else -1
        elif name == "tc":
            cells += 1 if begins else -1
            if not begins:
                line = ["".join(line).rstrip(" "), "\t"]
        elif unseen:
            continue
        elif name == "p" and cells:
            line += [" "] if line and not begins else []
        elif name in ("p", "tr") and (line or not begins):
            yield "".join(line).rstrip()
            line = []
        elif not begins:
            line += _run(name, element.text, local(parent) if parent is not None else "")


def _run(name: str, text: str | None, parent: str) -> list[str]:
    if name == "t" and text:
        return [text]
    if name == "tab" and parent == "r":
        return ["\t"]
    return ["\n"] if name in ("br", "cr") else []
