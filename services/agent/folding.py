"""Text as it is compared: without case, accents, invisible characters and look-alikes, each letter with where it stood.

A name is found also where it is written as `M=C3=BCller`, `M%C3%BCller`, `M&uuml;ller`, in decomposed letters, or with
Cyrillic and Greek letters that look Latin (a part of Unicode's confusables.txt, UTS 39).
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

__all__ = ["Folded", "fold", "folded"]

_TOKEN = re.compile(
    r"=\r?\n|(?:=[0-9A-Fa-f]{2})+|(?:%[0-9A-Fa-f]{2})+|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|\w{2,8});|.", re.DOTALL
)
_PLAIN = re.compile(r"[\x00-\x7f]*\Z")
_MARKS = re.compile(r"[=%&]")
_CYRILLIC = ("авекмнорстухѕіјԁһԛԝ", "abekmhopctyxsijdhqw")
_GREEK = ("αβεζηικμνορτυχ", "abezhikmnoptyx")
_LATIN = ("øłđðıħŧ’‘ʼ", "olddiht" + 3 * "'")
_LIKE = str.maketrans(
    {letter: like for some in (_CYRILLIC, _GREEK, _LATIN) for letter, like in zip(*some, strict=True)}
)
_TWO = {"æ": "ae", "œ": "oe", "þ": "th"}


class Folded(NamedTuple):
    """The folded text; the letter at `i` stands for `original[starts[i]:ends[i]]`. None: every letter for itself."""

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of the folded text as one of the original; `end` is behind `start`."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def folded(text: str) -> str:
    """The folded form alone."""
    return fold(text).text


@lru_cache(maxsize=1024)
def fold(text: str) -> Folded:
    """A text with its folded form."""
    if _PLAIN.match(text) and not _MARKS.search(text):
        return Folded(text.lower())
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for token in _TOKEN.finditer(text):
        plain = _folded(token[0])
        letters.append(plain)
        starts += [token.start()] * len(plain)
        ends += [token.end()] * len(plain)
    return Folded("".join(letters), starts, ends)


@lru_cache(maxsize=4096)
def _folded(token: str) -> str:
    shown = _decoded(token)
    bare = (each for each in unicodedata.normalize("NFKD", shown) if unicodedata.category(each) not in ("Mn", "Cf"))
    plain = unicodedata.normalize("NFKD", "".join(bare).casefold()).translate(_LIKE)
    return "".join(_TWO.get(each, each) for each in plain if unicodedata.category(each) != "Mn")


def _decoded(token: str) -> str:
    if len(token) == 1:
        return token
    if token[0] == "&":
        return html.unescape(token)
    if token[-1] == "\n":
        return ""
    raw = unquote_to_bytes(token.replace("=", "%"))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
