"""The text of PDF files. The only importer of pypdf."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pypdf
from pypdf.errors import DependencyError, PyPdfError

from openassistant.documents.limits import RefusedError, Watch, gathered

__all__ = ["read_pdf"]

_MOST_PAGES = 1_000


def read_pdf(data: bytes) -> tuple[str, str]:
    """The text of its pages, and how many there are."""
    shown = 0

    def pages(most: int) -> Iterator[str]:
        nonlocal shown
        for shown in range(1, most + 1):
            yield reader.pages[shown - 1].extract_text().strip()

    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise RefusedError("That PDF is locked with a password, so its text cannot be read.")
        count = len(reader.pages)
        text, _ = gathered(pages(min(count, _MOST_PAGES)), Watch(), between="\n\n")
    except DependencyError as error:
        raise RefusedError("That PDF is locked in a way that cannot be opened here.") from error
    except PyPdfError as error:
        raise RefusedError("That PDF is damaged, so its text cannot be read.") from error
    if not text.strip():
        raise RefusedError("There is no text in that PDF: its pages are pictures, as scanners make them.")
    counted = "1 page" if count == 1 else f"{count} pages"
    return text, f"{shown} of {counted}." if shown < count else f"{counted}."
