"""Bytes of unknown honesty as text: lying charsets, encoded words (RFC 2047), control characters. Never raises."""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from functools import lru_cache

__all__ = ["clean", "decode_bytes", "decode_header", "file_name", "is_charset"]

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LONGEST_HEADER = 16_000
_NO_CHARSET = frozenset({"", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default", "8bit"})
_NOT_FOR_TEXT = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7"})
"""Codecs no mail needs: some take quadratic time (idna, CVE-2022-45061), some are not charsets but notations."""


def clean(text: str) -> str:
    """The text without control characters and lone surrogates, its line ends as line feeds."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text) if _CONTROL.search(text) else text


def decode_bytes(raw: bytes, charset: str | None) -> str:
    """The text in `raw`, by the declared charset when it holds, else as UTF-8, else as Windows-1252."""
    declared = _codec(charset) if charset else None
    for codec in (declared, "utf-8"):
        if codec:
            try:
                return raw.decode(codec)
            except (UnicodeError, ValueError):
                continue
    return raw.decode(declared if declared and declared not in ("ascii", "utf-8") else "cp1252", "replace")


def is_charset(name: str) -> bool:
    """Whether a declared charset means something, be it only that the text is ASCII or of no declared charset."""
    return _plain(name) in _NO_CHARSET or _codec(name) is not None


def decode_header(value: str) -> str:
    """A header's value as one line of text; `value` as the e-mail parser gives it (8-bit bytes as surrogates)."""
    value = _FOLD.sub(" ", value[:_LONGEST_HEADER])
    if not value.isascii():
        value = decode_bytes(_raw(value), None)
    if "=?" in value:
        value = _decode_words(_BETWEEN.sub(r"\1", value))
    return clean(value).replace("\n", " ").strip()


def file_name(value: str) -> str:
    """The name of a file, decoded; without the folders that a sender may put before it (`../../x`)."""
    last = decode_header(value).replace("\\", "/").rpartition("/")[2].strip()
    return "" if last in (".", "..") else last[:200]


def _decode_words(value: str) -> str:
    """Encoded words decoded; neighbours of one charset are joined first, since some senders split characters."""
    pieces: list[str] = []
    waiting, charset, end = b"", "", 0
    for word in _WORD.finditer(value):
        if word.start() > end or word.group(1).lower() != charset:
            pieces.append(decode_bytes(waiting, charset) if waiting else "")
            waiting = b""
        pieces.append(value[end : word.start()])
        charset, end = word.group(1).lower(), word.end()
        waiting += _word_bytes(word.group(2).lower(), word.group(3))
    pieces.append(decode_bytes(waiting, charset) if waiting else "")
    return "".join(pieces) + value[end:]


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = _raw(text)
    if encoding == "q":
        return quopri.decodestring(raw, header=True)
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return raw


def _raw(text: str) -> bytes:
    """The bytes that the e-mail parser kept as surrogates; other lone surrogates become question marks."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _plain(charset: str) -> str:
    return charset.split("*", maxsplit=1)[0].strip("\"' ").lower()


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    """The codec for a charset name (RFC 2231 allows a language behind `*`), or None when there is none for text."""
    name = _plain(charset)
    if name in _NO_CHARSET:
        return None
    try:
        found = codecs.lookup(name)
        b"".decode(found.name)
    except (LookupError, ValueError, TypeError):
        return None
    return None if found.name.replace("_", "-") in _NOT_FOR_TEXT else found.name
