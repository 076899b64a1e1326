"""HTML of strangers as plain text: links kept as text, hidden parts dropped, in time linear in the input.

The standard library's html.parser takes quadratic time on crafted input (CVE-2025-6069), and every mail is input that
somebody else crafted; hence a scanner of our own. It follows the tokeniser of the HTML standard (13.2.5) only as far as
text needs it.
"""

from __future__ import annotations

import html
import re

__all__ = ["text_of"]

_LARGEST = 1_000_000
_LONGEST_LINK = 300
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]{0,60})")
_STOP = re.compile(r"[>\"']")
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_GAPS = re.compile(r"\n{3,}")
_EDGES = re.compile(r"[ \t]*\n[ \t]*")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])"
    r"|max-height\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_HIDDEN_FLAG = re.compile(r"\shidden(?=[\s/>=])", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x34F, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section",
    "table", "tbody", "thead", "tr", "ul",
})  # fmt: skip
_RAW = frozenset({
    "script", "style", "head", "title", "template", "noscript", "svg", "math", "object", "iframe", "select", "textarea",
})  # fmt: skip
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})  # fmt: skip


def text_of(markup: str) -> str:
    """The visible text of an HTML document, lines for blocks, `text <link>` for links; never raises.

    What is longer than a million characters is cut.
    """
    scanner = _Scanner(markup[:_LARGEST])
    scanner.run()
    joined = _EDGES.sub("\n", "".join(scanner.pieces))
    return _GAPS.sub("\n\n", joined).translate(_INVISIBLE).strip()


class _Scanner:
    def __init__(self, markup: str) -> None:
        self.pieces: list[str] = []
        self._markup = markup
        self._at = 0
        self._dead_quotes: set[str] = set()
        self._hidden = ""
        self._depth = 0
        self._link = ""
        self._link_from = 0

    def run(self) -> None:
        markup, length = self._markup, len(self._markup)
        while self._at < length:
            less = markup.find("<", self._at)
            if less < 0:
                less = length
            self._text(markup[self._at : less])
            self._at = less
            if less < length:
                self._construct(less)

    def _construct(self, start: int) -> None:
        """Whatever begins with `<`; moves on by at least one character."""
        markup = self._markup
        if markup.startswith("<!--", start):
            self._jump("-->", start + 4)
        elif markup.startswith(("<!", "<?", "</ "), start):
            self._jump(">", start + 2)
        elif name := _NAME.match(markup, start):
            self._tag(name, self._end_of_tag(name.end()))
        else:
            self._text("<")
            self._at = start + 1

    def _jump(self, mark: str, start: int) -> None:
        found = self._markup.find(mark, start)
        self._at = len(self._markup) if found < 0 else found + len(mark)

    def _end_of_tag(self, at: int) -> int:
        """Behind the `>` that ends a tag, minding quoted values; the end of the text when none does."""
        markup = self._markup
        while stop := _STOP.search(markup, at):
            mark = stop.group()
            at = stop.end()
            if mark == ">":
                return at
            if mark not in self._dead_quotes:
                closing = markup.find(mark, at)
                if closing < 0:
                    self._dead_quotes.add(mark)
                else:
                    at = closing + 1
        return len(markup)

    def _tag(self, name: re.Match[str], end: int) -> None:
        tag, start = name.group(1).lower(), name.start()
        self._at = end
        if self._markup[start + 1] == "/":
            self._close(tag)
        elif tag in _RAW:
            self._skip_raw(tag)
        else:
            self._open(tag, self._markup[start : min(end, start + 4000)])

    def _skip_raw(self, tag: str) -> None:
        closing = re.compile(rf"</{re.escape(tag)}\b[^>]*>", re.IGNORECASE).search(self._markup, self._at)
        if closing:
            self._at = closing.end()
        elif tag not in ("head", "noscript"):
            self._at = len(self._markup)

    def _open(self, tag: str, source: str) -> None:
        if self._hidden:
            self._depth += tag == self._hidden
            return
        if tag not in _VOID and (_HIDING.search(source) or _HIDDEN_FLAG.search(source)):
            self._hidden, self._depth = tag, 1
            return
        if tag == "br" or tag in _BLOCKS:
            self._line()
        elif tag == "li":
            self._line("- ")
        elif tag == "img":
            self._text(_first(_ALT.search(source)))
        elif tag == "a":
            self._link, self._link_from = html.unescape(_first(_HREF.search(source))).strip(), len(self.pieces)

    def _close(self, tag: str) -> None:
        if self._hidden:
            self._depth -= tag == self._hidden
            self._hidden = self._hidden if self._depth else ""
            return
        if tag in _BLOCKS:
            self._line("\n" if tag in ("p", "table", "ul", "ol", "blockquote") else "")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag == "a" and self._link:
            self._end_link()

    def _end_link(self) -> None:
        link, shown = self._link, "".join(self.pieces[self._link_from :]).strip()
        self._link = ""
        if not link.lower().startswith(("http://", "https://", "mailto:")) or link.removeprefix("mailto:") == shown:
            return
        self.pieces.append(f" <{link if len(link) <= _LONGEST_LINK else link[:_LONGEST_LINK] + '…'}>")

    def _text(self, text: str) -> None:
        if text and not self._hidden:
            self.pieces.append(_SPACES.sub(" ", html.unescape(text)))

    def _line(self, then: str = "") -> None:
        self.pieces.append("\n" + then)


def _first(found: re.Match[str] | None) -> str:
    return next((group for group in found.groups() if group), "") if found else ""
