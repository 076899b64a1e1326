"""How the words of an attack are hidden: inside the text, in the encoding of a mail, in HTML, in a calendar object."""

import base64
import codecs
import quopri
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

__all__ = ["CHARSETS", "body", "file_name", "header", "ics_line", "markup", "read_back", "worded"]

CHARSETS = frozenset({
    "big5", "euc-jp", "gb18030", "iso-2022-jp", "iso-8859-1", "iso-8859-15", "iso-8859-2", "iso-8859-9", "koi8-r",
    "shift_jis", "utf-16", "windows-1250", "windows-1251", "windows-1252", "windows-1254", "windows-1256",
})  # fmt: skip
_TWINS = str.maketrans("aeopcxy", "аеорсху")
_STYLES = {
    "html_white": "color:#ffffff;background:#ffffff",
    "html_tiny": "font-size:1px;line-height:1px",
    "html_offscreen": "position:absolute;left:-9999px",
    "html_hidden": "display:none",
}
_IN_TEXT: dict[str, Callable[[str], str]] = {
    "zero_width": "\u200b".join,
    "bidi": lambda text: f"\u202e{text[::-1]}\u202c",
    "homoglyph": lambda text: text.translate(_TWINS),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "base64_text": lambda text: base64.b64encode(text.encode()).decode(),
}


def worded(text: str, disguise: str) -> str:
    """The text as it is to be read: disguises inside of the words are applied, others leave it as it is."""
    return _IN_TEXT.get(disguise, str)(text)


def read_back(text: str) -> str:
    """A text as it is compared with what the model was shown: without blanks, invisible characters and breaks."""
    return "".join(each for each in text if not each.isspace() and unicodedata.category(each) not in ("Cf", "Cc"))


def body(text: str, disguise: str, *, kind: str = "plain") -> bytes:
    """A MIME part of that text with its headers (RFC 2045)."""
    charset = disguise if disguise in CHARSETS else "utf-8"
    raw, way = text.replace("\n", "\r\n").encode(charset), "8bit"
    if disguise in ("base64", "utf-16"):
        raw, way = base64.encodebytes(raw).replace(b"\n", b"\r\n"), "base64"
    elif disguise == "qp":
        raw, way = quopri.encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n"), "quoted-printable"
    return f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {way}\r\n\r\n".encode() + raw


def header(text: str, disguise: str) -> str:
    """A header's value: raw, folded, or in encoded words (RFC 2047)."""
    if disguise == "encoded_q":
        return "\r\n ".join(f"=?utf-8?q?{_quoted(each)}?=" for each in _pieces(text, 14))
    if disguise in CHARSETS or disguise in ("encoded_b", *_IN_TEXT):
        charset = disguise if disguise in CHARSETS else "utf-8"
        words = (base64.b64encode(each.encode(charset)).decode() for each in _pieces(text, 14))
        return "\r\n ".join(f"=?{charset}?b?{each}?=" for each in words)
    return re.sub(r" (?=\S{4})", "\r\n ", text) if disguise == "folded" else text


def file_name(text: str, disguise: str) -> str:
    """The parameter of Content-Disposition that names a file."""
    if disguise == "rfc2231":
        return f"filename*=utf-8''{quote(text)}"
    return f'filename="{header(text, disguise)}"'


def markup(text: str, disguise: str) -> str:
    """A page of HTML with the text in it."""
    inner = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
    if disguise == "entities":
        inner = "".join(f"&#{ord(each)};" for each in text)
    shown = f'<p style="{_STYLES[disguise]}">{inner}</p>' if disguise in _STYLES else f"<p>{inner}</p>"
    if disguise == "html_comment":
        shown = f"<!-- {inner} -->"
    meta = f'<meta charset="{disguise}">' if disguise in CHARSETS else ""
    return f"<html><head>{meta}</head><body><p>Hello Ada,</p><p>this is the week.</p>{shown}</body></html>"


def ics_line(name: str, text: str, disguise: str) -> str:
    """A content line (RFC 5545, 3.1), its text escaped; folded into short lines where the disguise says so."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    line = f"{name}:{escaped}"
    return "\r\n ".join(_pieces(line, 20)) if disguise == "ics_folded" else line


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _quoted(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())
