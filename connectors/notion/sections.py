"""Parts of a page's Markdown: sections by their headings, and changes as one exact find-and-replace.

Notion replaces only what it finds letter by letter, so a change of a text that is another one by now does nothing. What
is to be found has to stand there once: a change is widened by the lines before it until it does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Section", "change", "counted", "holds_pages", "letters", "prose", "replaced", "sections"]

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_PAGES = re.compile(r"<(?:page|database)\b[^>]{0,2000}>")
_TAG = re.compile(r"</?[a-z][^<>]{0,2000}>")
_LINK = re.compile(r"!?\[([^\]\[]{0,500})\]\([^()\s]{0,2000}\)")
_COLOUR = re.compile(r"\{[a-z]+=\"[^\"{}]{0,60}\"[^{}]{0,60}\}")
_ESCAPED = re.compile(r"\\([\\*~`$\[\]<>{}|^])")
_MARKS = re.compile(r"^[ \t]*(?:- \[[ xX]\]|#{1,6}|>|[-*+]|\d{1,9}\.)[ \t]+", re.MULTILINE)
_STARS = re.compile(r"\*\*|~~|`+|(?<!\w)[*_]|[*_](?!\w)")
_WORDLESS = re.compile(r"[\W_]+")


class Section(NamedTuple):
    """A heading with what stands below it, up to the next heading as large: places in the text."""

    title: str
    level: int
    start: int
    body: int
    end: int


def sections(markdown: str) -> list[Section]:
    """The sections of a text in their order; headings inside code are none."""
    found, at, fence = [], 0, ""
    for line in markdown.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
        elif mark:
            fence = mark[1][:3]
        elif heading := _HEADING.fullmatch(line.rstrip()):
            found.append((heading[2], len(heading[1]), at, at + len(line)))
        at += len(line)
    made, ends = [], [len(markdown)] * 7
    for title, level, start, body in reversed(found):
        made.append(Section(_spoken(title), level, start, body, min(ends[: level + 1])))
        ends[level] = start
    return made[::-1]


def replaced(markdown: str, section: Section, body: str) -> str:
    """The text with another body in a section."""
    head, rest = markdown[: section.body], markdown[section.end :]
    inner = body.strip("\n")
    head += "" if head.endswith("\n") or not inner else "\n"
    return head + inner + ("\n" if inner and rest else "") + rest


def change(before: str, after: str) -> tuple[str, str]:
    """What to find in a text, and what to put in its place, for it to become another one; ("", "") where it is that."""
    if before == after:
        return "", ""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    first = _shared(old, new)
    last = _shared(old[first:][::-1], new[first:][::-1])
    step = 1
    while (first or last) and not _stands_once(before, "".join(old[first : len(old) - last])):
        first, last, step = max(0, first - step), last if first else max(0, last - step), step * 2
    found, put = "".join(old[first : len(old) - last]), "".join(new[first : len(new) - last])
    if found.endswith("\n") and put.endswith("\n") and _stands_once(before, found[:-1]):
        found, put = found[:-1], put[:-1]
    return found, put


def holds_pages(markdown: str) -> set[str]:
    """The pages and databases that lie inside a text, as their tags name them."""
    return set(_PAGES.findall(markdown))


def counted(markdown: str, part: str) -> int | None:
    """How often a part stands in a text, by letters and digits alone; None where it has none."""
    wanted = letters(part)
    return letters(markdown).count(wanted) if wanted else None


def prose(markdown: str) -> str:
    """A text without its marks, for the index and for excerpts."""
    text = _TAG.sub(" ", markdown)
    for pattern in (_LINK, _ESCAPED):
        text = pattern.sub(r"\1", text)
    for pattern in (_COLOUR, _MARKS, _STARS):
        text = pattern.sub("", text)
    return text.strip()


def _spoken(title: str) -> str:
    return " ".join(prose(title).split())


def _shared(one: list[str], other: list[str]) -> int:
    """How many lines are the same at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def _stands_once(text: str, part: str) -> bool:
    return bool(part) and text.find(part) == text.rfind(part)


def letters(text: str) -> str:
    """A text's letters and digits alone: what stays of it in whatever spelling Notion gives it back."""
    return _WORDLESS.sub("", prose(text)).casefold()
